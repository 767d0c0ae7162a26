//! The other side of the wire: a client's connections and metadata, and on them an admin, a producer and a consumer.
//!
//! - *Entry points:* [`Admin`], [`Producer`], [`Consumer`]; [`Cluster`] for any other request.
//! - *Never:* logs (it reports [`events`]), names a Java class (`cli::java` does), knows more of a broker
//!   than its listener.
//! - *Tasks:* two for each [`Cluster`], which make its connections ([`supervisor`]) and keep its metadata up to date
//!   ([`updater`]); two for each open connection ([`crate::net::peer`]); for a producer one, and one for each broker
//!   that it sends to; for a consumer in a group two, for its membership and its commits.
//! - *In Kafka:* `KafkaAdminClient`, `KafkaProducer`, `KafkaConsumer`.
#![doc = ""]
#![doc = include_str!("GUIDE.md")]

pub mod error;
pub mod address;
mod java_exception;
pub mod events;
pub mod metrics;
pub mod metadata;
pub mod by_znode;
pub(crate) mod client_id;
mod versions;
mod throttle;
pub mod security;
mod connection;
mod open_connections;
mod supervisor;
mod updater;
pub mod cluster;
pub mod settings;
pub mod offsets;
pub mod serialization;
pub mod admin;
pub mod producer;
pub mod consumer;

pub use admin::Admin;
pub use by_znode::ZooKeeperOptions;
pub use cluster::{ClientDnsLookup, Cluster, ClusterOptions};
pub use consumer::Consumer;
pub use error::{ClientError, ConnectionError, Recovery, StateViolation};
pub use metadata::{ClusterNode, ClusterSnapshot, PartitionInfo, TopicInfo};
pub use metrics::ClientMetrics;
pub use offsets::{ConsumerGroupMetadata, OffsetAndMetadata};
pub use producer::{Delivery, Producer, ProducerRecord, RecordMetadata};
pub use security::ClientSecurity;
