//! Kafka 2.7.2's own tools and clients, kcat and a Python client, unmodified, acting on Barnabas.
//!
//! Java's Kafka comes from Maven. Where Java, Maven, kcat or Python's client is absent, a test prints on
//! standard error that it is skipped, and why.

#[path = "../support/mod.rs"]
mod support;

mod batches;
mod clients;
mod data_dirs;
mod java;
mod mixed;
mod recorded_dir;
mod old_clients;
mod scenes;
mod topics;
