//! The other side of the wire: a client's connections and metadata, and on them an admin, a producer and a consumer.
//!
//! - *Entry points:* [`Admin`], [`Producer`], [`Consumer`]; [`Cluster`] for any other request.
//! - *Never:* logs (it reports [`events`]), names a Java class (`cli::java` does), knows more of a broker
//!   than its listener.
//! - *Tasks:* one for each [`Cluster`], which owns its connections and metadata ([`supervisor`]); one for
//!   each producer, which sends its batches; one for each exchange in flight.
//! - *In Kafka:* `AdminClient`, `KafkaProducer`, `KafkaConsumer`, as far as the tools need them.

pub mod error;
pub mod address;
pub mod events;
pub mod metadata;
mod connection;
mod supervisor;
pub mod cluster;
pub mod settings;
pub mod admin;
pub mod producer;
pub mod consumer;

pub use admin::Admin;
pub use cluster::{Cluster, ClusterOptions};
pub use consumer::Consumer;
pub use error::{ClientError, Recovery};
pub use producer::Producer;
