//! Administers a cluster: topics, configs, groups, offsets, ACLs, quotas, tokens and credentials.
//!
//! - *Entry point:* [`Admin`]; one file holds the calls of one family, and the types that they take and return.
//! - *Never:* returns a type of the wire, creates a topic by asking about it.
//! - *Calls:* each goes to the broker that can answer it (the controller, a leader, a coordinator, a named broker, or
//!   any), and is repeated while its error may pass ([`item_api`], [`call`]).
//! - *In Kafka:* `Admin`, `KafkaAdminClient`.

use std::time::Duration;

use super::cluster::Cluster;
use super::error::ClientError;
use super::metrics::ClientMetrics;
use super::settings::AdminSettings;

mod call;
mod item_api;
mod item_results;
mod operations;
mod acls;
mod client_quotas;
mod cluster_description;
mod config_changes;
mod config_entry;
mod configs;
mod delegation_tokens;
mod elections;
mod features;
mod group_members;
mod group_offsets;
mod group_state;
mod groups;
mod log_dirs;
mod offsets;
mod partitions;
mod reassignments;
mod records;
mod scram_credentials;
mod topic_creation;
mod topics;

pub use crate::security::{
    AccessControlEntry, AclBinding, AclBindingFilter, AclPermissionType, PatternType, ResourcePattern,
    ResourcePatternFilter,
};
pub use client_quotas::{
    AlterClientQuotasOptions, ClientQuotaAlteration, ClientQuotaEntity, ClientQuotaFilter, QuotaEntityMatch,
};
pub use cluster_description::{ClusterDescription, DescribeClusterOptions};
pub use config_changes::{AlterConfigOp, AlterConfigsOptions};
pub use config_entry::{
    Config, ConfigEntry, ConfigResource, ConfigResourceType, ConfigSource, ConfigSynonym,
};
pub use configs::DescribeConfigsOptions;
pub use delegation_tokens::{CreateDelegationTokenOptions, DelegationToken};
pub use elections::ElectionType;
pub use features::{DescribeFeaturesOptions, FeatureMetadata, FeatureUpdate};
pub use group_members::MemberToRemove;
pub use group_state::ConsumerGroupState;
pub use groups::{
    ConsumerGroupDescription, ConsumerGroupListing, DescribeConsumerGroupsOptions, GroupListings,
    ListConsumerGroupsOptions, MemberDescription,
};
pub use item_results::ItemResults;
pub use log_dirs::{LogDirDescription, ReplicaInfo, ReplicaLogDirInfo, TopicPartitionReplica};
pub use offsets::{FoundOffset, ListOffsetsOptions, OffsetSpec};
pub use partitions::{CreatePartitionsOptions, NewPartitions};
pub use reassignments::PartitionReassignment;
pub use scram_credentials::{ScramCredentialInfo, UserScramCredentialAlteration};
pub use topic_creation::{CreateTopicsOptions, CreatedTopic, DeleteTopicsOptions, NewTopic};
pub use topics::{DescribeTopicsOptions, ListTopicsOptions, TopicDescription, TopicListing};

pub use crate::security::{ScramCredential, ScramMechanism};

/// Administers a cluster; cheap to clone.
///
/// Its connections close once it, its clones and the calls under way are dropped (Kafka's `close`).
///
/// A call about several items returns [`ItemResults`]: a result for each of them. A call may be dropped at any time;
/// what it has sent may still take effect.
#[derive(Clone, Debug)]
#[doc(alias = "KafkaAdminClient")]
pub struct Admin {
    cluster: Cluster,
    /// The most a call may take, retries included.
    limit: Duration,
    /// How often a call may be tried again.
    retries: u32,
}

impl Admin {
    /// An admin client with these settings.
    ///
    /// # Errors
    /// A bootstrap address is wrong.
    pub async fn new(settings: impl Into<AdminSettings>) -> Result<Self, ClientError> {
        let AdminSettings { cluster, retries, .. } = settings.into();
        Ok(Self { retries, ..Self::of(Cluster::new(cluster).await?) })
    }

    /// An admin that shares another client's connections.
    pub fn of(cluster: Cluster) -> Self {
        let limit = cluster.options().api_timeout;
        Self { cluster, limit, retries: u32::MAX }
    }

    /// The cluster behind it.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What its connections have done so far.
    pub fn metrics(&self) -> ClientMetrics {
        self.cluster.metrics()
    }

    /// The same admin, whose calls may take this long (Kafka's `timeoutMs` of every call's options).
    pub fn within(&self, limit: Duration) -> Self {
        Self { limit, ..self.clone() }
    }
}
