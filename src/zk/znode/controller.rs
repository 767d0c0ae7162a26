//! `/controller`: the broker that is the controller, ephemeral.
//!
//! Pure.

use serde_json::json;

use super::{ZnodeError, bytes, number, object};
use crate::base::{BrokerId, Millis};

/// Its path.
pub const PATH: &str = "/controller";

/// Its data.
pub fn encode(broker: BrokerId, timestamp: Millis) -> Vec<u8> {
    bytes(&json!({"version": 1, "brokerid": broker, "timestamp": timestamp.to_string()}))
}

/// The controller's broker id.
///
/// # Errors
/// [`ZnodeError`] where it holds none.
pub fn decode(data: &[u8]) -> Result<BrokerId, ZnodeError> {
    number(&object(data)?, "brokerid")
}
