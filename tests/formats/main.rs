//! The formats of the wire, the log and the znodes, held against what Kafka 2.7.2 was seen to write. No server needed.

#[path = "../support/mod.rs"]
mod support;

mod dumped_json;
mod dumped_records;
mod exchanges;
mod fuzz;
mod hostile;
mod log_dir;
mod messages;
mod produce;
mod record_sets;
mod transaction_log;
mod znodes;
