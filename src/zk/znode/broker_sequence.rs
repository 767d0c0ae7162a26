//! `/brokers/seqid`: its version is the source of generated broker ids.
//!
//! Pure.

/// Its path.
pub const PATH: &str = "/brokers/seqid";

/// The data that are written to it to take the next number: none.
pub const DATA: &[u8] = b"";
