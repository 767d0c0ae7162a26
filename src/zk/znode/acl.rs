//! `/kafka-acl/TYPE/NAME`: the access rules of a resource with a literal name.
//!
//! Pure.

use serde_json::{Value, json};

use super::{ZnodeError, bytes, number, object, text};

/// The parent of all literal rules.
pub const PARENT: &str = "/kafka-acl";

/// The path of a resource's rules; `resource_type` is `Topic`, `Group`, `Cluster`, `TransactionalId` or
/// `DelegationToken`.
pub fn path(resource_type: &str, name: &str) -> String {
    format!("{PARENT}/{resource_type}/{name}")
}

/// One rule (`AclEntry`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AclEntry {
    /// The principal, e.g. `User:alice`.
    pub principal: String,
    /// `Allow` or `Deny`.
    pub permission_type: String,
    /// The operation, e.g. `Read`, `All`, `DescribeConfigs`.
    pub operation: String,
    /// The host: an address, or `*`.
    pub host: String,
}

/// The znode's data: the rules, in this order.
pub fn encode(acls: &[AclEntry]) -> Vec<u8> {
    let entry = |acl: &AclEntry| {
        json!({
            "principal": acl.principal,
            "permissionType": acl.permission_type,
            "operation": acl.operation,
            "host": acl.host,
        })
    };
    bytes(&json!({"version": 1, "acls": Value::Array(acls.iter().map(entry).collect())}))
}

/// The rules in the znode's data; none if it is empty.
///
/// # Errors
/// [`ZnodeError`] where the data is no list of rules, or of another version than 1.
pub fn decode(data: &[u8]) -> Result<Vec<AclEntry>, ZnodeError> {
    if data.is_empty() {
        return Ok(Vec::new());
    }
    let fields = object(data)?;
    let version: i32 = number(&fields, "version")?;
    if version != 1 {
        return Err(ZnodeError(format!("version {version} of access rules")));
    }
    let list =
        fields.get("acls").and_then(Value::as_array).ok_or_else(|| ZnodeError("no list acls".to_owned()))?;
    list.iter().map(entry).collect()
}

fn entry(value: &Value) -> Result<AclEntry, ZnodeError> {
    let entry = value.as_object().ok_or_else(|| ZnodeError(format!("{value} is no object")))?;
    let text = |key| text(entry, key).map(str::to_owned);
    Ok(AclEntry {
        principal: text("principal")?,
        permission_type: text("permissionType")?,
        operation: text("operation")?,
        host: text("host")?,
    })
}
