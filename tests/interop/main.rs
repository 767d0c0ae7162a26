//! Kafka 2.7.2's own tools and clients, and clients of other makers, unmodified, acting on Barnabas.
//!
//! Java's Kafka comes from Maven, the others from pip, npm and Go. Where a client or a tool is absent, a test prints on
//! standard error that it is skipped, and why.

#[path = "../support/mod.rs"]
mod support;

mod assignors;
mod administration;
mod batches;
mod broker_versions;
mod client_quotas;
mod clients;
mod compaction;
mod connect;
mod consumers;
mod data_dirs;
mod exactly_once;
mod groups;
mod java;
mod mixed;
mod recorded_dir;
mod sasl;
mod recoveries;
mod odd_clients;
mod old_clients;
mod produce_to_kafka;
mod passwords;
mod producers;
mod scenes;
mod streams;
mod tool_runner;
mod topics;
mod transactions;
mod zookeeper_groups;
