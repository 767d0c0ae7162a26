//! How much of something may pass in a while. Decides only; whoever asks holds back.
//!
//! Pure. Entry points: [`replication`] (throttled replicas, KIP-73). Never waits, never reads a clock: the time is told
//! to it. Kafka: `ReplicationQuotaManager`, and the rates of `org.apache.kafka.common.metrics`.

pub mod rate;
pub mod replication;
