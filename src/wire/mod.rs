//! The wire: frames, headers, messages, record batches.
//!
//! Bytes to values and back, nothing else: no sockets, no state. What is read is bounded by the bytes that
//! are there.

pub mod api_key;
pub mod batch;
pub mod codec;
pub mod compression;
pub mod control;
pub mod convert;
pub mod error_code;
pub mod fetch_session;
pub mod frame;
pub mod header;
pub mod legacy;
pub mod memory_records;
pub mod message;
pub mod record;
pub mod records_builder;
pub mod secret;

pub use codec::{Reader, WireError, Writer};
