//! `/consumers/GROUP/offsets/TOPIC/PARTITION`: the position of a group of ZooKeeper consumers (OffsetCommit
//! v0).
//!
//! Pure.

use super::ZnodeError;
use crate::base::Offset;

/// The path of a group's offset in a partition.
pub fn path(group: &str, topic: &str, partition: i32) -> String {
    format!("/consumers/{group}/offsets/{topic}/{partition}")
}

/// Its data: the offset as text.
pub fn encode(offset: Offset) -> Vec<u8> {
    offset.to_string().into_bytes()
}

/// The offset it holds.
///
/// # Errors
/// [`ZnodeError`] where it holds no number.
pub fn decode(data: &[u8]) -> Result<Offset, ZnodeError> {
    let text = std::str::from_utf8(data).unwrap_or_default();
    text.parse().map_err(|_| ZnodeError(format!("{text:?} is no offset")))
}
