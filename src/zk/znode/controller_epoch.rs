//! `/controller_epoch`: how often a controller was elected; its version guards every write of the controller.
//!
//! Pure.

use super::ZnodeError;

/// Its path.
pub const PATH: &str = "/controller_epoch";
/// The epoch before the first election.
pub const INITIAL: i32 = 0;

/// Its data: the number as text.
pub fn encode(epoch: i32) -> Vec<u8> {
    epoch.to_string().into_bytes()
}

/// The epoch it holds.
///
/// # Errors
/// [`ZnodeError`] where it holds no number.
pub fn decode(data: &[u8]) -> Result<i32, ZnodeError> {
    let text = std::str::from_utf8(data).unwrap_or_default();
    text.parse().map_err(|_| ZnodeError(format!("{text:?} is no epoch")))
}
