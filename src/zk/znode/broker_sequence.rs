//! `/brokers/seqid`: its version is the source of generated broker ids.
//!
//! Pure.

/// Its path.
pub const PATH: &str = "/brokers/seqid";

/// What is written to it to take the next number: nothing.
pub const DATA: &[u8] = b"";
