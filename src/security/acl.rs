//! What can be done to what: the operations and resources that ACLs are written about.
//!
//! Pure. The codes are those of the protocol and of `authorized_operations` (KIP-430). Kafka: `AclOperation`,
//! `ResourceType`, `AclEntry.supportedOperations`.

use super::acl_enum::acl_enum;

acl_enum! {
    /// Something a caller may be allowed to do.
    pub enum AclOperation {
        /// An operation of a later version than this one.
        Unknown = 0 "UNKNOWN",
        /// In a filter of ACLs, every operation.
        Any = 1 "ANY",
        /// In an ACL, all operations of the resource.
        All = 2 "ALL",
        /// Fetches records.
        Read = 3 "READ",
        /// Appends records.
        Write = 4 "WRITE",
        /// Creates topics.
        Create = 5 "CREATE",
        /// Deletes topics or records.
        Delete = 6 "DELETE",
        /// Changes partitions and replicas.
        Alter = 7 "ALTER",
        /// Learns that a resource exists, and where it is.
        Describe = 8 "DESCRIBE",
        /// Does what only brokers do.
        ClusterAction = 9 "CLUSTER_ACTION",
        /// Reads configs.
        DescribeConfigs = 10 "DESCRIBE_CONFIGS",
        /// Changes configs.
        AlterConfigs = 11 "ALTER_CONFIGS",
        /// Appends with a producer id.
        IdempotentWrite = 12 "IDEMPOTENT_WRITE",
    }
}

impl AclOperation {
    /// The operation of this name, as ACLs in ZooKeeper and tools write it, in letters of any case.
    pub fn from_name(name: &str) -> Self {
        Self::of(|it| is_name_of(name, it.constant()))
    }

    /// Its name as ACLs in ZooKeeper write it, e.g. `DescribeConfigs`.
    pub fn name(self) -> String {
        pascal_case(self.constant())
    }

    /// The operations of which each, where it is allowed, allows this one.
    pub const fn implied_by(self) -> &'static [Self] {
        match self {
            Self::Describe => &[Self::Describe, Self::Read, Self::Write, Self::Delete, Self::Alter],
            Self::DescribeConfigs => &[Self::DescribeConfigs, Self::AlterConfigs],
            Self::Read => &[Self::Read],
            Self::Write => &[Self::Write],
            Self::Create => &[Self::Create],
            Self::Delete => &[Self::Delete],
            Self::Alter => &[Self::Alter],
            Self::ClusterAction => &[Self::ClusterAction],
            Self::AlterConfigs => &[Self::AlterConfigs],
            Self::IdempotentWrite => &[Self::IdempotentWrite],
            Self::Unknown | Self::Any | Self::All => &[],
        }
    }
}

/// Whether a name is that of this constant: in letters of any case, without underscores.
pub(super) fn is_name_of(name: &str, constant: &str) -> bool {
    let constant = constant.bytes().filter(|it| *it != b'_');
    name.bytes().map(|it| it.to_ascii_uppercase()).eq(constant)
}

/// A constant's name with capitals in place of the underscores (`SecurityUtils.toPascalCase`).
pub(super) fn pascal_case(constant: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_owned() + &rest.to_ascii_lowercase()
    };
    constant.split('_').map(word).collect()
}

acl_enum! {
    /// A kind of resource.
    #[doc(alias = "ResourceType")]
    pub enum AclResourceType {
        /// A kind of a later version than this one.
        Unknown = 0 "UNKNOWN",
        /// In a filter of ACLs, every kind.
        Any = 1 "ANY",
        /// A topic.
        Topic = 2 "TOPIC",
        /// A group of consumers.
        Group = 3 "GROUP",
        /// The cluster, of which there is one.
        Cluster = 4 "CLUSTER",
        /// A transactional id of producers.
        TransactionalId = 5 "TRANSACTIONAL_ID",
        /// A delegation token, by its id.
        DelegationToken = 6 "DELEGATION_TOKEN",
    }
}

impl AclResourceType {
    /// The kinds that ACLs can be about.
    pub const CONCRETE: [Self; 5] =
        [Self::Topic, Self::Group, Self::Cluster, Self::TransactionalId, Self::DelegationToken];

    /// The kind of this name, as the paths of ACLs in ZooKeeper and their change notices write it.
    pub fn from_name(name: &str) -> Self {
        let is_name = |constant| is_name_of(name, constant) || name.eq_ignore_ascii_case(constant);
        Self::of(|it| Self::CONCRETE.contains(&it) && is_name(it.constant()))
    }

    /// Its name as the paths of ACLs in ZooKeeper write it, e.g. `TransactionalId`.
    pub fn name(self) -> String {
        pascal_case(self.constant())
    }

    /// The operations that exist for this kind of resource.
    pub const fn supported_operations(self) -> &'static [AclOperation] {
        use AclOperation::{
            Alter, AlterConfigs, ClusterAction, Create, Delete, Describe, DescribeConfigs, IdempotentWrite,
            Read, Write,
        };
        match self {
            Self::Topic => &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs],
            Self::Group => &[Read, Describe, Delete],
            Self::Cluster => {
                &[Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe]
            }
            Self::TransactionalId => &[Describe, Write],
            Self::DelegationToken => &[Describe],
            Self::Unknown | Self::Any => &[],
        }
    }
}

/// A resource by its kind and name.
#[doc(alias = "ResourcePattern")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AclResource<'a> {
    /// Its kind.
    pub resource_type: AclResourceType,
    /// Its name; the cluster's is `kafka-cluster`.
    pub name: &'a str,
}

impl<'a> AclResource<'a> {
    /// The cluster.
    pub const CLUSTER: AclResource<'static> =
        AclResource { resource_type: AclResourceType::Cluster, name: "kafka-cluster" };

    /// A topic.
    pub const fn topic(name: &'a str) -> Self {
        Self { resource_type: AclResourceType::Topic, name }
    }

    /// A group.
    pub const fn group(name: &'a str) -> Self {
        Self { resource_type: AclResourceType::Group, name }
    }

    /// A transactional id.
    pub const fn transactional_id(name: &'a str) -> Self {
        Self { resource_type: AclResourceType::TransactionalId, name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_and_kinds_have_the_names_of_kafkas() {
        assert_eq!(AclOperation::IdempotentWrite.name(), "IdempotentWrite");
        assert_eq!(AclResourceType::TransactionalId.name(), "TransactionalId");
        for code in 1..=12 {
            let operation = AclOperation::from_code(code);
            assert_eq!(AclOperation::from_name(&operation.name()), operation);
            assert_eq!(AclOperation::from_name(&operation.name().to_uppercase()), operation);
        }
        assert_eq!(AclOperation::from_name("Fly"), AclOperation::Unknown);
        assert_eq!(
            AclOperation::from_name("DESCRIBE_CONFIGS"),
            AclOperation::Unknown,
            "as Kafka's tool has it"
        );
        for kind in AclResourceType::CONCRETE {
            assert_eq!(AclResourceType::from_name(&kind.name()), kind, "as the paths of ACLs write it");
            assert_eq!(AclResourceType::from_name(kind.constant()), kind, "as change notices write it");
        }
        assert_eq!(AclResourceType::from_name("Any"), AclResourceType::Unknown);
    }

    #[test]
    fn a_caller_that_may_read_or_write_may_describe() {
        let describe = AclOperation::Describe.implied_by();
        assert_eq!(describe.len(), 5);
        assert!(!describe.contains(&AclOperation::Create) && !describe.contains(&AclOperation::AlterConfigs));
        assert_eq!(AclOperation::Write.implied_by(), [AclOperation::Write]);
    }
}
