//! `/config/changes/config_change_NNNNNNNNNN`: a notice that the configs of an entity have changed, for every
//! broker.
//!
//! Pure.

use serde_json::json;

use super::{ZnodeError, bytes, number, object, text};

/// The parent of all changes.
pub const PARENT: &str = "/config/changes";
/// The prefix of a change's name.
pub const PREFIX: &str = "config_change_";

/// The path a change is created at, to which ZooKeeper appends ten digits.
pub fn sequential_path() -> String {
    format!("{PARENT}/{PREFIX}")
}

/// Its data, version 2: the entity's path below `/config`, e.g. `topics/t`.
pub fn encode(entity_path: &str) -> Vec<u8> {
    bytes(&json!({"version": 2, "entity_path": entity_path}))
}

/// The entity's path below `/config`, from version 1 or 2.
///
/// # Errors
/// [`ZnodeError`] where it is neither, as the bare texts that 0.8 wrote.
pub fn decode(data: &[u8]) -> Result<String, ZnodeError> {
    let fields = object(data)?;
    match number::<i32>(&fields, "version")? {
        1 => {
            let kind = text(&fields, "entity_type")?;
            if kind != "topics" && kind != "clients" {
                return Err(ZnodeError(format!("a version 1 change of {kind}")));
            }
            Ok(format!("{kind}/{}", text(&fields, "entity_name")?))
        }
        2 => text(&fields, "entity_path").map(str::to_owned),
        other => Err(ZnodeError(format!("version {other} of a config change"))),
    }
}
