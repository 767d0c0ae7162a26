//! Every config key as one row of a table: its type, default, range, meaning, and how it may change.
//!
//! Parsing, defaults, DescribeConfigs and topic overrides all come from the same rows. This room never acts on a value.
//! Kafka: `KafkaConfig`, `LogConfig`, `ConfigDef`, `DynamicBrokerConfig`'s lists, `ApiVersion`.

pub mod broker;
pub mod listener;
pub mod properties;
pub mod rows;
pub mod topic;
pub mod version;

pub use broker::BrokerConfig;
pub use properties::Properties;
pub use rows::ConfigError;
pub use topic::TopicConfig;
pub use version::KafkaVersion;
