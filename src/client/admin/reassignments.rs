//! Reassignments of replicas: begun, cancelled and listed.
//!
//! Kafka: `NewPartitionReassignment`, `PartitionReassignment`, `AlterPartitionReassignmentsResult`,
//! `ListPartitionReassignmentsResult` (KIP-455).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Admin;
use super::item_api::{ItemApi, OF_CONTROLLER};
use super::item_results::{AnsweredItems, ItemResults, refused};
use super::topic_creation::ensure_topic_name;
use crate::base::ids::by_topic;
use crate::base::{BrokerId, TopicPartition};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignableTopic,
};
use crate::wire::message::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, ListPartitionReassignmentsTopics,
};

/// A partition whose replicas are being reassigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionReassignment {
    /// All brokers that have a replica now, the ones added and removed among them.
    pub replicas: Vec<BrokerId>,
    /// Those whose replica is being added.
    pub adding_replicas: Vec<BrokerId>,
    /// Those whose replica will be removed.
    pub removing_replicas: Vec<BrokerId>,
}

impl Admin {
    /// Moves partitions to other brokers, the preferred leader first; None cancels the reassignment in progress. It
    /// succeeds once the reassignment has begun.
    ///
    /// Errors of a partition: it does not exist, a broker is none, there is nothing to cancel, the caller may not
    /// alter the cluster.
    pub async fn alter_partition_reassignments(
        &self,
        reassignments: impl IntoIterator<Item = (TopicPartition, Option<Vec<BrokerId>>)>,
    ) -> ItemResults<TopicPartition, ()> {
        let reassignments: BTreeMap<_, _> = reassignments.into_iter().collect();
        let partitions: Vec<_> = reassignments.keys().cloned().collect();
        self.call_each(&AlterPartitionReassignmentsApi(reassignments), partitions).await
    }

    /// The reassignments in progress: of these partitions, or of all for None.
    ///
    /// # Errors
    /// The controller does not answer; the caller may not describe the cluster; a topic's name is empty or a
    /// partition negative.
    pub async fn list_partition_reassignments(
        &self,
        partitions: Option<BTreeSet<TopicPartition>>,
    ) -> Result<BTreeMap<TopicPartition, PartitionReassignment>, ClientError> {
        partitions.iter().flatten().try_for_each(ensure_partition)?;
        let request = |timeout_ms| ListPartitionReassignmentsRequest {
            timeout_ms,
            topics: partitions.as_ref().map(|partitions| {
                let topics = by_topic(partitions.iter().map(|it| (it, it.partition)));
                let topic = |(name, partition_indexes): (Arc<str>, Vec<i32>)| {
                    ListPartitionReassignmentsTopics { name: name.to_string(), partition_indexes }
                };
                topics.map(topic).collect()
            }),
        };
        let check = |answer: &ListPartitionReassignmentsResponse| {
            ClientError::check(answer.error_code, answer.error_message.as_deref())
        };
        let answer = self.call(&Target::Controller, request, check).await?;
        let found = answer.topics.into_iter().flat_map(|topic| {
            topic.partitions.into_iter().map(move |it| {
                let reassignment = PartitionReassignment {
                    replicas: it.replicas,
                    adding_replicas: it.adding_replicas,
                    removing_replicas: it.removing_replicas,
                };
                (TopicPartition::new(topic.name.as_str(), it.partition_index), reassignment)
            })
        });
        Ok(found.collect())
    }
}

/// Refuses what no request can name.
fn ensure_partition(id: &TopicPartition) -> Result<(), ClientError> {
    ensure_topic_name(&id.topic)?;
    if id.partition >= 0 {
        return Ok(());
    }
    let message = format!("The given partition index {} is not valid.", id.partition);
    Err(refused(ErrorCode::InvalidTopicException, message))
}

struct AlterPartitionReassignmentsApi(BTreeMap<TopicPartition, Option<Vec<BrokerId>>>);

impl ItemApi for AlterPartitionReassignmentsApi {
    type Item = TopicPartition;
    type Outcome = ();
    type Request = AlterPartitionReassignmentsRequest;

    const PASSING: &'static [ErrorCode] = OF_CONTROLLER;

    fn admit(&self, partition: &TopicPartition) -> Result<(), ClientError> {
        ensure_partition(partition)
    }

    fn target(&self, _: &TopicPartition) -> Target {
        Target::Controller
    }

    fn request(&self, partitions: &[TopicPartition], timeout_ms: i32) -> AlterPartitionReassignmentsRequest {
        let changes = partitions.iter().map(|id| {
            let replicas = self.0.get(id).cloned().flatten();
            (id, ReassignablePartition { partition_index: id.partition, replicas })
        });
        let topics = by_topic(changes);
        let topics =
            topics.map(|(name, partitions)| ReassignableTopic { name: name.to_string(), partitions });
        AlterPartitionReassignmentsRequest { timeout_ms, topics: topics.collect() }
    }

    fn read(
        &self,
        _: &[TopicPartition],
        answer: AlterPartitionReassignmentsResponse,
        found: &mut AnsweredItems<TopicPartition, ()>,
    ) -> Result<(), ClientError> {
        ClientError::check(answer.error_code, answer.error_message.as_deref())?;
        for topic in &answer.responses {
            for it in &topic.partitions {
                let id = TopicPartition::new(topic.name.as_str(), it.partition_index);
                found.insert_checked(&id, it.error_code, it.error_message.as_deref(), ());
            }
        }
        Ok(())
    }
}
