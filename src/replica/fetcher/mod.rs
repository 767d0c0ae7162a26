//! Following: what other brokers lead is fetched from them (Kafka's `ReplicaFetcherManager` and `ReplicaFetcherThread`).
//!
//! - *Pure:* [`plan`] (what is done next), [`session`] (what a request names), [`truncation`] (where a log is cut).

pub mod plan;
pub mod session;
pub mod truncation;
