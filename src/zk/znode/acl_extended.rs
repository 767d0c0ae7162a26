//! `/kafka-acl-extended/PATTERN/TYPE/NAME`: the access rules of all resources that a pattern names.
//!
//! Pure. What it holds is as in [`super::acl`].

pub use super::acl::{AclEntry, decode, encode};

/// The parent of all pattern types.
pub const PARENT: &str = "/kafka-acl-extended";
/// The one pattern type there is besides literal names: resources whose names begin with it.
pub const PREFIXED: &str = "prefixed";

/// The path of a pattern's rules; `resource_type` is one of [`super::acl::RESOURCE_TYPES`].
pub fn path(pattern_type: &str, resource_type: &str, name: &str) -> String {
    format!("{PARENT}/{pattern_type}/{resource_type}/{name}")
}
