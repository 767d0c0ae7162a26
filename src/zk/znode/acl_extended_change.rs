//! `/kafka-acl-extended-changes/acl_changes_NNNNNNNNNN`: the pattern whose access rules have changed.
//!
//! Pure.

use serde_json::json;

use super::{ZnodeError, bytes, number, object, text};

/// The parent of all changes.
pub const PARENT: &str = "/kafka-acl-extended-changes";
/// The prefix of a change's name.
pub const PREFIX: &str = "acl_changes_";

/// The path a change is created at, to which ZooKeeper appends ten digits.
pub fn sequential_path() -> String {
    format!("{PARENT}/{PREFIX}")
}

/// A pattern whose rules have changed (`ExtendedAclChangeEvent`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclExtendedChange {
    /// `TOPIC`, `GROUP`, `CLUSTER`, `TRANSACTIONAL_ID` or `DELEGATION_TOKEN`.
    pub resource_type: String,
    /// The pattern.
    pub name: String,
    /// `PREFIXED`.
    pub pattern_type: String,
}

impl AclExtendedChange {
    /// Its znode's data.
    pub fn encode(&self) -> Vec<u8> {
        bytes(&json!({
            "version": 1,
            "resourceType": self.resource_type,
            "name": self.name,
            "patternType": self.pattern_type,
        }))
    }

    /// From its znode's data.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is none, or of a version later than 1.
    pub fn decode(data: &[u8]) -> Result<Self, ZnodeError> {
        let fields = object(data)?;
        let version: i32 = number(&fields, "version")?;
        if version > 1 {
            return Err(ZnodeError(format!("Acl change event received for unsupported version: {version}")));
        }
        let text = |key| text(&fields, key).map(str::to_owned);
        Ok(Self {
            resource_type: text("resourceType")?,
            name: text("name")?,
            pattern_type: text("patternType")?,
        })
    }
}
