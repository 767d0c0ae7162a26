//! What an administrator changes through znodes: topics, their partitions, and configs (Kafka's `AdminZkClient`).
//!
//! Used by the tools that are given `--zookeeper` and by the APIs of a broker alike. Writes what the controller and the
//! brokers react to; never waits for them.

pub mod configs;
mod error;
pub mod names;
pub mod placement;
pub mod topics;

pub use error::AdminError;
