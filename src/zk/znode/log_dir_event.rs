//! `/log_dir_event_notification/log_dir_event_NNNNNNNNNN`: a broker one of whose log directories failed.
//!
//! Pure.

use serde_json::json;

use super::{ZnodeError, bytes, number, object};
use crate::base::BrokerId;

/// The parent of all notifications.
pub const PARENT: &str = "/log_dir_event_notification";
/// The prefix of a notification's name.
pub const PREFIX: &str = "log_dir_event_";
/// The event of a directory that failed.
pub const FAILURE: i32 = 1;

/// The path a notification is created at, to which ZooKeeper appends ten digits.
pub fn sequential_path() -> String {
    format!("{PARENT}/{PREFIX}")
}

/// Its data.
pub fn encode(broker: BrokerId) -> Vec<u8> {
    bytes(&json!({"version": 1, "broker": broker, "event": FAILURE}))
}

/// The broker it names.
///
/// # Errors
/// [`ZnodeError`] where the data is none.
pub fn decode(data: &[u8]) -> Result<BrokerId, ZnodeError> {
    number(&object(data)?, "broker")
}
