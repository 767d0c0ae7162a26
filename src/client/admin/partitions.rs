//! Topics given more partitions.
//!
//! Kafka: `NewPartitions`, `CreatePartitionsOptions`, `CreatePartitionsResult` (KIP-195).

use std::collections::BTreeMap;

use super::Admin;
use super::item_api::{ItemApi, OF_CONTROLLER};
use super::item_results::{AnsweredItems, ItemResults};
use super::topic_creation::ensure_topic_name;
use crate::base::BrokerId;
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
};

/// How many partitions a topic is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartitions {
    /// All partitions, the existing ones included.
    total_count: i32,
    /// The brokers of each new partition; None where the controller assigns them.
    new_assignments: Option<Vec<Vec<BrokerId>>>,
}

impl NewPartitions {
    /// This many partitions in all, the new ones where the controller assigns them.
    pub fn increase_to(total_count: i32) -> Self {
        Self { total_count, new_assignments: None }
    }

    /// The same count, with the brokers of each new partition in their order, the preferred leader first.
    pub fn assigned_to(self, new_assignments: Vec<Vec<BrokerId>>) -> Self {
        Self { new_assignments: Some(new_assignments), ..self }
    }
}

/// How partitions are created.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreatePartitionsOptions {
    validate_only: bool,
    fail_on_quota_violation: bool,
}

impl CreatePartitionsOptions {
    /// Checks the counts without creating a partition.
    pub fn validate_only(self) -> Self {
        Self { validate_only: true, ..self }
    }

    /// As [`super::CreateTopicsOptions::fail_on_quota_violation`].
    pub fn fail_on_quota_violation(self) -> Self {
        Self { fail_on_quota_violation: true, ..self }
    }
}

impl Admin {
    /// Gives topics more partitions. Records with a key may go to other partitions from then on.
    ///
    /// Errors of a topic: it does not exist, it has as many or more, the assignment is none, a reassignment of it is
    /// in progress, the caller may not alter it.
    pub async fn create_partitions(
        &self,
        counts: impl IntoIterator<Item = (String, NewPartitions)>,
        options: CreatePartitionsOptions,
    ) -> ItemResults<String, ()> {
        let counts: BTreeMap<_, _> = counts.into_iter().collect();
        let topics: Vec<_> = counts.keys().cloned().collect();
        self.call_each(&CreatePartitionsApi { counts, options }, topics).await
    }
}

struct CreatePartitionsApi {
    counts: BTreeMap<String, NewPartitions>,
    options: CreatePartitionsOptions,
}

impl ItemApi for CreatePartitionsApi {
    type Item = String;
    type Outcome = ();
    type Request = CreatePartitionsRequest;

    const PASSING: &'static [ErrorCode] = OF_CONTROLLER;

    fn admit(&self, topic: &String) -> Result<(), ClientError> {
        ensure_topic_name(topic)
    }

    fn target(&self, _: &String) -> Target {
        Target::Controller
    }

    fn request(&self, topics: &[String], timeout_ms: i32) -> CreatePartitionsRequest {
        let topic = |name: &String| {
            let NewPartitions { total_count, new_assignments } = self.counts.get(name)?;
            let assignments = new_assignments.as_ref().map(|lists| {
                let list = |broker_ids: &Vec<BrokerId>| CreatePartitionsAssignment {
                    broker_ids: broker_ids.clone(),
                };
                lists.iter().map(list).collect()
            });
            Some(CreatePartitionsTopic { name: name.clone(), count: *total_count, assignments })
        };
        CreatePartitionsRequest {
            topics: topics.iter().filter_map(topic).collect(),
            timeout_ms,
            validate_only: self.options.validate_only,
        }
    }

    fn read(
        &self,
        _: &[String],
        answer: CreatePartitionsResponse,
        found: &mut AnsweredItems<String, ()>,
    ) -> Result<(), ClientError> {
        for it in &answer.results {
            found.insert_checked(&it.name, it.error_code, it.error_message.as_deref(), ());
        }
        Ok(())
    }

    fn retries_quota_violations(&self) -> bool {
        !self.options.fail_on_quota_violation
    }
}
