//! Kafka 2.7.2's own tools and clients acting on Barnabas; each test says why it is skipped where Java or Maven is absent.

#[path = "../support/mod.rs"]
mod support;
