//! Every config key as one row of a table: its type, default, range, meaning, and how it may change.
//!
//! Parsing, defaults, DescribeConfigs and topic overrides all come from the same rows. This room never acts on a value.
//! Kafka: `KafkaConfig`, `LogConfig`, `ConfigDef`, `DynamicBrokerConfig`'s lists, `ApiVersion`.

pub mod authorizer;
pub mod broker;
pub mod inter_broker;
pub mod layers;
pub mod listener;
pub mod live;
pub mod password_encoder;
pub mod properties;
pub mod quotas;
pub mod reconfigurable;
pub mod rows;
pub mod throttles;
pub mod topic;
pub mod unbuilt;
pub mod values;
pub mod version;

pub use broker::BrokerConfig;
pub use inter_broker::RequestVersions;
pub use live::LiveConfig;
pub use properties::Properties;
pub use quotas::QuotaOverrides;
pub use reconfigurable::{BrokerReconfigurable, SettingsChange};
pub use rows::ConfigError;
pub use throttles::Throttles;
pub use topic::TopicConfig;
pub use version::KafkaVersion;
