//! The keys of the authorizer's settings, which are no rows of the broker's table: the authorizer alone reads them.
//!
//! Pure. Kafka: `AclAuthorizer`'s companion object.

/// The classes of authorizers that are built: the present one and its older name.
pub const CLASSES: [&str; 2] =
    ["kafka.security.authorizer.AclAuthorizer", "kafka.security.auth.SimpleAclAuthorizer"];

/// The principals that may do everything.
pub const SUPER_USERS: &str = "super.users";

/// Whether a resource is open to all callers until an ACL is about it.
pub const ALLOW_EVERYONE_IF_NO_ACL_FOUND: &str = "allow.everyone.if.no.acl.found";

/// The beginning of the authorizer's own settings of ZooKeeper.
pub const PREFIX: &str = "authorizer.";

/// Whether a key is a setting of the authorizer.
pub(super) fn is_setting(key: &str) -> bool {
    key == SUPER_USERS
        || key == ALLOW_EVERYONE_IF_NO_ACL_FOUND
        || key.strip_prefix(PREFIX).is_some_and(|key| key.starts_with("zookeeper."))
}
