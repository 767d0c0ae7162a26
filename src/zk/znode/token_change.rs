//! `/delegation_token/token_changes/token_change_NNNNNNNNNN`: the id of a token that has changed.
//!
//! Pure.

use super::ZnodeError;

/// The parent of all changes.
pub const PARENT: &str = "/delegation_token/token_changes";
/// The prefix of a change's name.
pub const PREFIX: &str = "token_change_";

/// The path a change is created at, to which ZooKeeper adds ten digits.
pub fn sequential_path() -> String {
    format!("{PARENT}/{PREFIX}")
}

/// Its data.
pub fn encode(token_id: &str) -> Vec<u8> {
    token_id.as_bytes().to_vec()
}

/// The token's id.
///
/// # Errors
/// [`ZnodeError`] where it is no text.
pub fn decode(data: &[u8]) -> Result<String, ZnodeError> {
    String::from_utf8(data.to_vec()).map_err(|error| ZnodeError(error.to_string()))
}
