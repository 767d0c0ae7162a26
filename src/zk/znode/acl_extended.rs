//! `/kafka-acl-extended/PATTERN/TYPE/NAME`: the access rules of all resources that match a pattern.
//!
//! Pure. The data are as in [`super::acl`].

pub use super::acl::{AclEntry, decode, encode};

/// The parent of all pattern types.
pub const PARENT: &str = "/kafka-acl-extended";

/// The path of a pattern's rules. `pattern_type` is `prefixed`, the only one besides literal names: the rules of
/// resources whose names begin with `name`. `resource_type` is as in [`super::acl::path`].
pub fn path(pattern_type: &str, resource_type: &str, name: &str) -> String {
    format!("{PARENT}/{pattern_type}/{resource_type}/{name}")
}
