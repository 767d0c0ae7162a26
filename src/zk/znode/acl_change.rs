//! `/kafka-acl-changes/acl_changes_NNNNNNNNNN`: the literal resource whose access rules have changed, as `TYPE:NAME`.
//!
//! Pure.

use super::ZnodeError;

/// The parent of all changes.
pub const PARENT: &str = "/kafka-acl-changes";
/// The prefix of a change's name.
pub const PREFIX: &str = "acl_changes_";

/// The path a change is created at, to which ZooKeeper appends ten digits.
pub fn sequential_path() -> String {
    format!("{PARENT}/{PREFIX}")
}

/// Its data; `resource_type` is `TOPIC`, `GROUP`, `CLUSTER`, `TRANSACTIONAL_ID` or `DELEGATION_TOKEN`.
pub fn encode(resource_type: &str, name: &str) -> Vec<u8> {
    format!("{resource_type}:{name}").into_bytes()
}

/// The resource's type, which brokers before 2.0 write as `Topic`, and its name.
///
/// # Errors
/// [`ZnodeError`] where there is no colon.
pub fn decode(data: &[u8]) -> Result<(String, String), ZnodeError> {
    let text = std::str::from_utf8(data).unwrap_or_default();
    let (resource_type, name) = text.split_once(':').ok_or_else(|| {
        ZnodeError(format!("expected a string in format ResourceType:ResourceName but got {text:?}"))
    })?;
    Ok((resource_type.to_owned(), name.to_owned()))
}
