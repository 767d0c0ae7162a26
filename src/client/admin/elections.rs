//! Leaders elected on request: the preferred replicas, or replicas out of sync where no other is left.
//!
//! Kafka: `ElectLeadersResult`, `ElectionType` (KIP-183, KIP-460).

use super::Admin;
use super::item_api::{ItemApi, OF_CONTROLLER};
use super::item_results::{AnsweredItems, ItemResults};
use crate::base::TopicPartition;
use crate::base::ids::by_topic;
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::elect_leaders::{ElectLeadersRequest, ElectLeadersResponse, TopicPartitions};

/// Which replica is elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ElectionType {
    /// The first of the assignment, if it is in sync.
    Preferred = 0,
    /// The first of the assignment that is alive, even if it is not in sync: records may be lost. Only for partitions
    /// without a leader.
    Unclean = 1,
}

impl Admin {
    /// Elects leaders of partitions.
    ///
    /// Errors of a partition: it does not exist, its leader is the right one already (`ELECTION_NOT_NEEDED`), no
    /// replica can be elected, the caller may not alter the cluster.
    pub async fn elect_leaders(
        &self,
        election_type: ElectionType,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> ItemResults<TopicPartition, ()> {
        self.call_each(&ElectLeadersApi(election_type), partitions).await
    }

    /// Elects leaders of all partitions. The results are those of the partitions that needed an election.
    ///
    /// # Errors
    /// The controller does not answer; the caller may not alter the cluster.
    pub async fn elect_all_leaders(
        &self,
        election_type: ElectionType,
    ) -> Result<ItemResults<TopicPartition, ()>, ClientError> {
        let request = |timeout_ms| ElectLeadersRequest {
            election_type: election_type as i8,
            topic_partitions: None,
            timeout_ms,
        };
        let check = |answer: &ElectLeadersResponse| ClientError::check(answer.error_code, None);
        let answer = self.call(&Target::Controller, request, check).await?;
        Ok(results(&answer).collect())
    }
}

/// The result of each partition of an answer.
fn results(answer: &ElectLeadersResponse) -> impl Iterator<Item = (TopicPartition, Result<(), ClientError>)> {
    answer.replica_election_results.iter().flat_map(|topic| {
        topic.partition_result.iter().map(|it| {
            let id = TopicPartition::new(topic.topic.as_str(), it.partition_id);
            (id, ClientError::check(it.error_code, it.error_message.as_deref()))
        })
    })
}

struct ElectLeadersApi(ElectionType);

impl ItemApi for ElectLeadersApi {
    type Item = TopicPartition;
    type Outcome = ();
    type Request = ElectLeadersRequest;

    const PASSING: &'static [ErrorCode] = OF_CONTROLLER;

    fn target(&self, _: &TopicPartition) -> Target {
        Target::Controller
    }

    fn request(&self, partitions: &[TopicPartition], timeout_ms: i32) -> ElectLeadersRequest {
        let topics = by_topic(partitions.iter().map(|it| (it, it.partition)));
        let topics =
            topics.map(|(topic, partition_id)| TopicPartitions { topic: topic.to_string(), partition_id });
        ElectLeadersRequest {
            election_type: self.0 as i8,
            topic_partitions: Some(topics.collect()),
            timeout_ms,
        }
    }

    fn read(
        &self,
        _: &[TopicPartition],
        answer: ElectLeadersResponse,
        found: &mut AnsweredItems<TopicPartition, ()>,
    ) -> Result<(), ClientError> {
        ClientError::check(answer.error_code, None)?;
        for (id, result) in results(&answer) {
            found.insert(&id, result);
        }
        Ok(())
    }
}
