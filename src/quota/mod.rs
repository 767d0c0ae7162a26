//! How much of something may pass in a while. This room decides; its callers throttle.
//!
//! The time is an argument; nothing waits.
//!
//! - *Entry points:* [`replication`] (throttled replicas, KIP-73), [`client`] (what clients may take).
//! - *In Kafka:* `ReplicationQuotaManager`, `ClientQuotaManager`, the rates of `org.apache.kafka.common.metrics`.

pub mod callback;
pub mod client;
pub mod client_quota_manager;
pub mod controller_mutation;
pub mod controller_mutation_quota_manager;
pub mod entity;
pub mod rate;
pub mod replication;
pub mod sensors;
pub mod token_bucket;
pub mod values;

pub use client::{ClientQuotaConfig, ClientQuotas};
