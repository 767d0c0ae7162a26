//! `/cluster/id`: the id that the cluster's first broker gave it.
//!
//! Pure.

use serde_json::json;

use super::{ZnodeError, bytes, object, text};

/// Its path.
pub const PATH: &str = "/cluster/id";

/// Its data; the version is a text there.
pub fn encode(id: &str) -> Vec<u8> {
    bytes(&json!({"version": "1", "id": id}))
}

/// The id it holds: 22 letters of URL-safe base64.
///
/// # Errors
/// [`ZnodeError`] where it holds none.
pub fn decode(data: &[u8]) -> Result<String, ZnodeError> {
    text(&object(data)?, "id").map(str::to_owned)
}
