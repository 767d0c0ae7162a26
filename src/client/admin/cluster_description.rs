//! The cluster described: its brokers, its controller, its id.
//!
//! Kafka: `DescribeClusterOptions`, `DescribeClusterResult`.

use std::collections::BTreeSet;

use super::Admin;
use super::operations::authorized_operations;
use crate::base::BrokerId;
use crate::client::error::ClientError;
use crate::client::metadata::{ClusterNode, Target, node};
use crate::security::AclOperation;
use crate::wire::message::metadata::MetadataRequest;

/// What is described of a cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct DescribeClusterOptions {
    include_authorized_operations: bool,
}

impl DescribeClusterOptions {
    /// Asks what the caller may do to the cluster (KIP-430).
    pub fn include_authorized_operations(self) -> Self {
        Self { include_authorized_operations: true }
    }
}

/// A cluster as a broker describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "DescribeClusterResult")]
pub struct ClusterDescription {
    /// The brokers that are alive, in the order of their ids.
    pub nodes: Vec<ClusterNode>,
    /// The broker that is the controller, where there is one.
    pub controller: Option<BrokerId>,
    /// The cluster's id; None for a broker before 0.10.1.
    pub cluster_id: Option<String>,
    /// What the caller may do to it; None where that was not asked for.
    pub authorized_operations: Option<BTreeSet<AclOperation>>,
}

impl Admin {
    /// The brokers that are alive, the controller and the cluster's id.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn describe_cluster(
        &self,
        options: DescribeClusterOptions,
    ) -> Result<ClusterDescription, ClientError> {
        let request = |_| MetadataRequest {
            topics: Some(Vec::new()),
            include_cluster_authorized_operations: options.include_authorized_operations,
            ..Default::default()
        };
        let answer = self.call(&Target::Any, request, |_| Ok(())).await?;
        let mut nodes: Vec<_> = answer.brokers.iter().filter_map(node).collect();
        nodes.sort_by_key(|node| node.id);
        Ok(ClusterDescription {
            nodes,
            controller: Some(answer.controller_id).filter(|id| *id >= 0),
            cluster_id: answer.cluster_id,
            authorized_operations: authorized_operations(answer.cluster_authorized_operations),
        })
    }
}
