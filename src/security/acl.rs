//! What can be done to what: the operations and resources that ACLs are written about.
//!
//! Pure. The codes are those of the protocol and of `authorized_operations` (KIP-430). Kafka: `AclOperation`,
//! `ResourceType`, `AclEntry.supportedOperations`.

/// Something a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i8)]
pub enum AclOperation {
    /// Fetches records.
    Read = 3,
    /// Appends records.
    Write = 4,
    /// Creates topics.
    Create = 5,
    /// Deletes topics or records.
    Delete = 6,
    /// Changes partitions and replicas.
    Alter = 7,
    /// Learns that a resource exists, and where it is.
    Describe = 8,
    /// Does what only brokers do.
    ClusterAction = 9,
    /// Reads configs.
    DescribeConfigs = 10,
    /// Changes configs.
    AlterConfigs = 11,
    /// Appends with a producer id.
    IdempotentWrite = 12,
}

impl AclOperation {
    /// Its number in the protocol.
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// A kind of resource.
#[doc(alias = "ResourceType")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i8)]
pub enum AclResourceType {
    /// A topic.
    Topic = 2,
    /// A group of consumers.
    Group = 3,
    /// The cluster, of which there is one.
    Cluster = 4,
    /// A transactional id of producers.
    TransactionalId = 5,
}

impl AclResourceType {
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
