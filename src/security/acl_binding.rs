//! ACLs: an entry, bound to the resources that its pattern matches. They print as Java prints them.
//!
//! Pure. Kafka: `AclBinding`, `ResourcePattern`, `AccessControlEntry`, `PatternType`, `AclPermissionType`.

use std::fmt;

use super::acl::{AclOperation, AclResourceType, is_name_of, pascal_case};
use super::acl_enum::acl_enum;

acl_enum! {
    /// How a resource's name is matched (KIP-290).
    pub enum PatternType {
        /// A pattern of a later version than this one.
        Unknown = 0 "UNKNOWN",
        /// In a filter, every pattern whose name is the filter's.
        Any = 1 "ANY",
        /// In a filter, every pattern that matches a resource of the filter's name.
        Match = 2 "MATCH",
        /// The resource of this name; `*` for all of its kind.
        Literal = 3 "LITERAL",
        /// The resources whose names begin so.
        Prefixed = 4 "PREFIXED",
    }
}

acl_enum! {
    /// Whether an operation is allowed or denied.
    pub enum AclPermissionType {
        /// A permission of a later version than this one.
        Unknown = 0 "UNKNOWN",
        /// In a filter, every permission.
        Any = 1 "ANY",
        /// Denied, even where it is allowed elsewhere.
        Deny = 2 "DENY",
        /// Allowed.
        Allow = 3 "ALLOW",
    }
}

impl PatternType {
    /// The type whose constant this is, in letters of any case.
    pub fn from_name(name: &str) -> Self {
        Self::of(|it| name.eq_ignore_ascii_case(it.constant()))
    }

    /// Whether it is the type of patterns, and not only of filters.
    pub const fn is_specific(self) -> bool {
        matches!(self, Self::Literal | Self::Prefixed)
    }
}

impl AclPermissionType {
    /// The permission of this name, as ACLs in ZooKeeper write it, in letters of any case.
    pub fn from_name(name: &str) -> Self {
        Self::of(|it| is_name_of(name, it.constant()))
    }

    /// Its name as ACLs in ZooKeeper write it: `Allow` or `Deny`.
    pub fn name(self) -> String {
        pascal_case(self.constant())
    }
}

/// The resources that an ACL is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourcePattern {
    /// Their kind.
    pub resource_type: AclResourceType,
    /// Their name, or how it begins; the cluster's is `kafka-cluster`.
    pub name: String,
    /// How the name is matched.
    pub pattern_type: PatternType,
}

impl ResourcePattern {
    /// The pattern of these numbers of the protocol.
    pub fn of_codes(resource_type: i8, name: impl Into<String>, pattern_type: i8) -> Self {
        Self {
            resource_type: AclResourceType::from_code(resource_type),
            name: name.into(),
            pattern_type: PatternType::from_code(pattern_type),
        }
    }
}

impl fmt::Display for ResourcePattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource_type, name, pattern_type } = self;
        write!(
            out,
            "ResourcePattern(resourceType={}, name={name}, patternType={})",
            resource_type.constant(),
            pattern_type.constant()
        )
    }
}

/// What an ACL allows or denies to a principal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessControlEntry {
    /// The principal, as `User:name`; `User:*` for all.
    pub principal: String,
    /// The address that it comes from; `*` for all.
    pub host: String,
    /// What it would do.
    pub operation: AclOperation,
    /// Whether it may.
    pub permission_type: AclPermissionType,
}

impl AccessControlEntry {
    /// The entry of these numbers of the protocol.
    pub fn of_codes(
        principal: impl Into<String>,
        host: impl Into<String>,
        operation: i8,
        permission_type: i8,
    ) -> Self {
        Self {
            principal: principal.into(),
            host: host.into(),
            operation: AclOperation::from_code(operation),
            permission_type: AclPermissionType::from_code(permission_type),
        }
    }
}

impl fmt::Display for AccessControlEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, host, operation, permission_type } = self;
        write!(
            out,
            "(principal={principal}, host={host}, operation={}, permissionType={})",
            operation.constant(),
            permission_type.constant()
        )
    }
}

/// An ACL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AclBinding {
    /// What it is about.
    pub pattern: ResourcePattern,
    /// What it allows or denies.
    pub entry: AccessControlEntry,
}

impl AclBinding {
    /// Allows a principal (`User:name`) an operation on the resource of a name, from all hosts.
    pub fn allow(
        principal: impl Into<String>,
        operation: AclOperation,
        resource_type: AclResourceType,
        name: impl Into<String>,
    ) -> Self {
        let pattern_type = PatternType::Literal;
        Self {
            pattern: ResourcePattern { resource_type, name: name.into(), pattern_type },
            entry: AccessControlEntry {
                principal: principal.into(),
                host: "*".to_owned(),
                operation,
                permission_type: AclPermissionType::Allow,
            },
        }
    }

    /// What keeps it from being one ACL: where it leaves something open, as a filter may.
    pub fn indefinite_field(&self) -> Option<&'static str> {
        let of_pattern = match (self.pattern.resource_type, self.pattern.pattern_type) {
            (AclResourceType::Any, _) => Some("Resource type is ANY."),
            (AclResourceType::Unknown, _) => Some("Resource type is UNKNOWN."),
            (_, PatternType::Any) => Some("Resource pattern type is ANY."),
            (_, PatternType::Match) => Some("Resource pattern type is MATCH."),
            (_, PatternType::Unknown) => Some("Resource pattern type is UNKNOWN."),
            _ => None,
        };
        let of_entry = match (self.entry.operation, self.entry.permission_type) {
            (AclOperation::Any, _) => Some("Operation is ANY"),
            (AclOperation::Unknown, _) => Some("Operation is UNKNOWN"),
            (_, AclPermissionType::Any) => Some("Permission type is ANY"),
            (_, AclPermissionType::Unknown) => Some("Permission type is UNKNOWN"),
            _ => None,
        };
        of_pattern.or(of_entry)
    }
}

impl fmt::Display for AclBinding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "(pattern={}, entry={})", self.pattern, self.entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acl_names_one_of_everything() {
        let binding = AclBinding::allow("User:a", AclOperation::Read, AclResourceType::Topic, "t");
        assert_eq!(binding.indefinite_field(), None);
        let open = |change: fn(&mut AclBinding)| {
            let mut changed = binding.clone();
            change(&mut changed);
            changed.indefinite_field()
        };
        assert_eq!(open(|it| it.entry.operation = AclOperation::Any), Some("Operation is ANY"));
        assert_eq!(
            open(|it| it.pattern.pattern_type = PatternType::Match),
            Some("Resource pattern type is MATCH.")
        );
        assert_eq!(
            open(|it| it.entry.permission_type = AclPermissionType::Unknown),
            Some("Permission type is UNKNOWN")
        );
    }

    #[test]
    fn an_acl_prints_as_in_java() {
        let binding = AclBinding::allow("User:Bob", AclOperation::AlterConfigs, AclResourceType::Topic, "t");
        assert_eq!(
            binding.to_string(),
            "(pattern=ResourcePattern(resourceType=TOPIC, name=t, patternType=LITERAL), \
             entry=(principal=User:Bob, host=*, operation=ALTER_CONFIGS, permissionType=ALLOW))"
        );
    }

    #[test]
    fn permissions_and_patterns_have_names() {
        assert_eq!(AclPermissionType::from_name("Deny"), AclPermissionType::Deny);
        assert_eq!(AclPermissionType::from_name("ALLOW"), AclPermissionType::Allow);
        assert_eq!(AclPermissionType::from_name("perhaps"), AclPermissionType::Unknown);
        assert_eq!(AclPermissionType::Deny.name(), "Deny");
        assert_eq!(PatternType::from_name("Prefixed"), PatternType::Prefixed);
        assert!(PatternType::Literal.is_specific() && !PatternType::Match.is_specific());
    }
}
