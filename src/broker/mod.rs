//! The boot and the stop of a broker, and what changes while it runs (Kafka's `KafkaServer`).
//!
//! - *Entry points:* [`Broker::start`], [`Broker::stop`].
//! - *Never:* serves a request itself.
//! - *Runtimes:* requests and records run on the runtime that calls `start`; ZooKeeper and the controller on another, so
//!   that a stalled disk does not cost the session.

mod reconfigure;
mod registration;
mod start;
mod stop;

pub use start::{Broker, StartError};
