//! The other side of the wire: what the tools talk through.
//!
//! Talks to brokers as any client does; knows nothing of what is behind their listeners. Kafka: AdminClient,
//! KafkaProducer, KafkaConsumer, as far as the tools need them.

pub mod error;
pub mod cluster;
pub mod settings;
pub mod admin;
pub mod producer;
pub mod consumer;

pub use admin::Admin;
pub use cluster::{Cluster, ClusterOptions};
pub use consumer::Consumer;
pub use error::ClientError;
pub use producer::Producer;
