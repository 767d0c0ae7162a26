//! The wire: frames, headers, messages, record batches.

pub mod batch;
pub mod compression;
pub mod legacy;
pub mod record;
