//! What an administrator changes through znodes: topics, their partitions, and configs (Kafka's `AdminZkClient`).
//!
//! The tools with `--zookeeper` and the APIs of a broker both use it. It writes what the controller and the
//! brokers react to, and never waits for them.

pub mod configs;
pub mod consumer_groups;
mod error;
pub mod names;
pub mod placement;
pub mod preferred_election;
pub mod reassignment;
pub mod topics;

pub use error::AdminError;
