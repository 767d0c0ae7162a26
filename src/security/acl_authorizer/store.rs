//! The znodes of ACLs: one a pattern, guarded by its version, and a notice of every change.
//!
//! Kafka: `ZkAclStore`, `ZkAclChangeStore`, `KafkaZkClient`'s methods for ACLs.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::super::acl::{AclOperation, AclResourceType};
use super::super::acl_binding::{AccessControlEntry, AclPermissionType, PatternType, ResourcePattern};
use super::super::acl_index::{AclIndex, PatternAcls};
use crate::zk::znode::acl::AclEntry;
use crate::zk::znode::acl_extended_change::AclExtendedChange;
use crate::zk::znode::{ZnodeError, acl, acl_change, acl_extended, acl_extended_change};
use crate::zk::{CreateMode, ZkError, ZooKeeper};

/// The parent of all prefixed patterns, of which Kafka knows no other besides literal ones.
const PREFIXED: &str = "prefixed";

/// How many znodes are read at once.
const AT_ONCE: usize = 1000;

/// Why ACLs could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AclStoreError {
    /// ZooKeeper cannot be reached, or refuses.
    #[error("{0}")]
    ZooKeeper(#[from] ZkError),
    /// A znode holds what is no ACL.
    #[error("The ACLs in {path} cannot be read: {reason}")]
    Broken {
        /// Its path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An entry to be written has no principal.
    #[error("{0}")]
    Malformed(String),
    /// Other brokers have changed the ACLs of the pattern again and again meanwhile.
    #[error("Failed to update ACLs for {0} after trying a maximum of {MOST_RETRIES} times")]
    Contended(ResourcePattern),
}

/// How often a change is tried again that another broker was faster with.
pub(super) const MOST_RETRIES: usize = 10;

/// The ACLs in ZooKeeper.
#[derive(Clone, Debug)]
pub(super) struct AclStore {
    pub zk: ZooKeeper,
}

impl AclStore {
    /// Creates the parents that are missing (`createAclPaths`).
    pub async fn make_paths(&self) -> Result<(), AclStoreError> {
        let kinds = AclResourceType::CONCRETE;
        let prefixed = format!("{}/{PREFIXED}", acl_extended::PARENT);
        let mut paths = vec![acl::PARENT.to_owned()];
        paths.extend(kinds.map(|kind| kind_path(PatternType::Literal, kind)));
        paths.extend([acl_extended::PARENT.to_owned(), prefixed]);
        paths.extend(kinds.map(|kind| kind_path(PatternType::Prefixed, kind)));
        paths.extend([acl_change::PARENT, acl_extended_change::PARENT].map(str::to_owned));
        let found = join_all(paths.iter().map(|path| self.zk.exists(path))).await;
        for (path, found) in paths.iter().zip(found) {
            if found?.is_some() {
                continue;
            }
            match self.zk.create(path, b"", CreateMode::Persistent).await {
                Ok(_) | Err(ZkError::NodeExists) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// All ACLs.
    pub async fn load(&self) -> Result<AclIndex, AclStoreError> {
        let mut patterns = Vec::new();
        for pattern_type in [PatternType::Literal, PatternType::Prefixed] {
            let children = AclResourceType::CONCRETE.map(|kind| async move {
                self.zk.children(&kind_path(pattern_type, kind)).await.map(|names| (kind, names))
            });
            for found in join_all(children).await {
                let (resource_type, names) = found?;
                let pattern = |name| ResourcePattern { resource_type, name, pattern_type };
                patterns.extend(names.into_iter().flatten().map(pattern));
            }
        }
        let mut index = AclIndex::default();
        for patterns in patterns.chunks(AT_ONCE) {
            for (pattern, found) in patterns.iter().zip(self.read_each(patterns).await) {
                index.set(pattern, found?.unwrap_or_default());
            }
        }
        Ok(index)
    }

    /// The ACLs of a pattern; None where it has no znode.
    pub async fn read(&self, pattern: &ResourcePattern) -> Result<Option<PatternAcls>, AclStoreError> {
        let path = path(pattern);
        match self.zk.get(&path).await? {
            Some((data, stat)) => decode(&path, &data, stat.version).map(Some),
            None => Ok(None),
        }
    }

    async fn read_each(
        &self,
        patterns: &[ResourcePattern],
    ) -> Vec<Result<Option<PatternAcls>, AclStoreError>> {
        join_all(patterns.iter().map(|pattern| self.read(pattern))).await
    }

    /// Writes the ACLs of a pattern whose znode has this version (None: it has no znode). Returns the new version;
    /// None where the znode has another one.
    pub async fn write(
        &self,
        pattern: &ResourcePattern,
        entries: &[AccessControlEntry],
        version: Option<i32>,
    ) -> Result<Option<i32>, AclStoreError> {
        let (path, data) = (path(pattern), acl::encode(&entries.iter().map(written).collect::<Vec<_>>()));
        let written = match version {
            Some(version) => self.zk.set(&path, &data, Some(version)).await.map(|stat| stat.version),
            None => self.zk.create(&path, &data, CreateMode::Persistent).await.map(|_| 0),
        };
        match written {
            Ok(version) => Ok(Some(version)),
            Err(ZkError::BadVersion | ZkError::NodeExists) => Ok(None),
            Err(ZkError::NoNode) if version.is_some() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes the znode of a pattern if it has this version; whether it is gone now.
    pub async fn delete(&self, pattern: &ResourcePattern, version: i32) -> Result<bool, AclStoreError> {
        match self.zk.delete(&path(pattern), Some(version)).await {
            Ok(()) | Err(ZkError::NoNode) => Ok(true),
            Err(ZkError::BadVersion) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Notifies all brokers that the ACLs of a pattern have changed.
    pub async fn notify(&self, pattern: &ResourcePattern) -> Result<(), AclStoreError> {
        let kind = pattern.resource_type.constant();
        let (path, data) = match pattern.pattern_type {
            PatternType::Prefixed => {
                let change = AclExtendedChange {
                    resource_type: kind.to_owned(),
                    name: pattern.name.clone(),
                    pattern_type: pattern.pattern_type.constant().to_owned(),
                };
                (acl_extended_change::sequential_path(), change.encode())
            }
            _ => (acl_change::sequential_path(), acl_change::encode(kind, &pattern.name)),
        };
        self.zk.create(&path, &data, CreateMode::PersistentSequential).await?;
        Ok(())
    }
}

/// The pattern of which a notice below `parent` is.
///
/// # Errors
/// The notice cannot be read, or names no kind of resources or patterns.
pub(super) fn pattern_of_notice(parent: &str, data: &[u8]) -> Result<ResourcePattern, ZnodeError> {
    let (kind, name, pattern_type) = if parent == acl_change::PARENT {
        let (kind, name) = acl_change::decode(data)?;
        (kind, name, PatternType::Literal)
    } else {
        let AclExtendedChange { resource_type, name, pattern_type } = AclExtendedChange::decode(data)?;
        (resource_type, name, PatternType::from_name(&pattern_type))
    };
    let resource_type = AclResourceType::from_name(&kind);
    if resource_type == AclResourceType::Unknown || !pattern_type.is_specific() {
        return Err(ZnodeError(format!("a change of {} {kind} {name}", pattern_type.constant())));
    }
    Ok(ResourcePattern { resource_type, name, pattern_type })
}

fn kind_path(pattern_type: PatternType, kind: AclResourceType) -> String {
    match pattern_type {
        PatternType::Prefixed => format!("{}/{PREFIXED}/{}", acl_extended::PARENT, kind.name()),
        _ => format!("{}/{}", acl::PARENT, kind.name()),
    }
}

fn path(pattern: &ResourcePattern) -> String {
    let ResourcePattern { resource_type, name, pattern_type } = pattern;
    match pattern_type {
        PatternType::Prefixed => acl_extended::path(PREFIXED, &resource_type.name(), name),
        _ => acl::path(&resource_type.name(), name),
    }
}

fn written(entry: &AccessControlEntry) -> AclEntry {
    AclEntry {
        principal: entry.principal.clone(),
        permission_type: entry.permission_type.name(),
        operation: entry.operation.name(),
        host: entry.host.clone(),
    }
}

fn decode(path: &str, data: &[u8], version: i32) -> Result<PatternAcls, AclStoreError> {
    let broken = |reason: String| AclStoreError::Broken { path: path.to_owned(), reason };
    let entries = acl::decode(data).map_err(|error| broken(error.to_string()))?;
    let entries = entries.into_iter().map(|it| AccessControlEntry {
        principal: it.principal,
        host: it.host,
        operation: AclOperation::from_name(&it.operation),
        permission_type: AclPermissionType::from_name(&it.permission_type),
    });
    // An entry that a tool has written twice is one.
    let mut seen = HashSet::new();
    let entries = entries.filter(|entry| seen.insert(entry.clone())).collect();
    PatternAcls::new(entries, version).map_err(|error| broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(resource_type: AclResourceType, name: &str, pattern_type: PatternType) -> ResourcePattern {
        ResourcePattern { resource_type, name: name.to_owned(), pattern_type }
    }

    #[test]
    fn patterns_lie_where_kafka_has_them() {
        let literal = pattern(AclResourceType::TransactionalId, "tx", PatternType::Literal);
        assert_eq!(path(&literal), "/kafka-acl/TransactionalId/tx");
        let prefixed = pattern(AclResourceType::Group, "g", PatternType::Prefixed);
        assert_eq!(path(&prefixed), "/kafka-acl-extended/prefixed/Group/g");
    }

    #[test]
    fn notices_of_all_versions_name_patterns() {
        let of = |parent, text: &str| pattern_of_notice(parent, text.as_bytes());
        let literal = |kind, name| Ok(pattern(kind, name, PatternType::Literal));
        assert_eq!(of(acl_change::PARENT, "TOPIC:a:b"), literal(AclResourceType::Topic, "a:b"));
        let of_1_1 = of(acl_change::PARENT, "TransactionalId:x");
        assert_eq!(of_1_1, literal(AclResourceType::TransactionalId, "x"));
        assert!(of(acl_change::PARENT, "Planet:x").is_err() && of(acl_change::PARENT, "x").is_err());
        let change = r#"{"version":1,"resourceType":"TOPIC","name":"T-","patternType":"PREFIXED"}"#;
        let prefixed = pattern(AclResourceType::Topic, "T-", PatternType::Prefixed);
        assert_eq!(of(acl_extended_change::PARENT, change), Ok(prefixed));
        let of_a_filter = change.replace("PREFIXED", "MATCH");
        assert!(of(acl_extended_change::PARENT, &of_a_filter).is_err());
    }

    #[test]
    fn a_znode_that_holds_no_acls_is_broken() {
        let read = |data: &str| decode("/p", data.as_bytes(), 3).map(|it| it.entries().len());
        let entry = |principal: &str| {
            format!(r#"{{"principal":"{principal}","permissionType":"Allow","operation":"Read","host":"*"}}"#)
        };
        let (user, bob) = (entry("User:a"), entry("Bob"));
        assert_eq!(read(&format!(r#"{{"version":1,"acls":[{user},{user}]}}"#)).unwrap(), 1);
        assert_eq!(read("").unwrap(), 0);
        for broken in [
            "{",
            "[]",
            r#"{"version":2,"acls":[]}"#,
            r#"{"version":1}"#,
            r#"{"version":1,"acls":[{"principal":"User:a"}]}"#,
            &format!(r#"{{"version":1,"acls":[{bob}]}}"#),
        ] {
            assert!(matches!(read(broken), Err(AclStoreError::Broken { .. })), "{broken}");
        }
    }
}
