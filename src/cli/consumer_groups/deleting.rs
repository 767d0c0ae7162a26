//! `--delete` and `--delete-offsets` (Kafka's `ConsumerGroupService.deleteGroups`, `deleteOffsets`).

use serde::Serialize;

use super::GroupFailure;
use super::by_broker::ConsumerGroupService;
use super::described::FoundGroups;
use super::options::{NOT_EXECUTED, only};
use super::resetting::NamedTopic;
use crate::base::{TopicPartition, jvm_order};
use crate::cli::throwable::JavaThrowable;
use crate::client::ClientError;
use crate::client::admin::{ConsumerGroupState, DescribeTopicsOptions, ItemResults};
use crate::wire::error_code::ErrorCode;

/// What became of a group that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DeletedGroupRow {
    group: String,
    /// Java's exception; None where the group was deleted.
    error: Option<String>,
}

/// What became of the offset of a partition that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DeletedOffsetRow {
    topic: String,
    /// None where the topic has none, as it does not exist.
    partition: Option<i32>,
    /// Java's exception; None where the offset was deleted.
    error: Option<String>,
}

/// The partitions of `--delete-offsets`, as JSON has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DeletedOffsets {
    partitions: Vec<DeletedOffsetRow>,
}

fn exception(error: &ClientError) -> String {
    JavaThrowable::from(error).head()
}

fn quoted<'a>(groups: impl Iterator<Item = &'a DeletedGroupRow>) -> String {
    let groups: Vec<_> = groups.map(|row| row.group.as_str()).collect();
    format!("'{}'", groups.join("', '"))
}

impl ConsumerGroupService<'_> {
    /// `--delete`.
    pub(super) async fn delete(&self) -> Result<(), GroupFailure> {
        let groups = self.groups().await?;
        let results = if self.options.dry_run {
            self.options.output.note(format_args!("{NOT_EXECUTED}"));
            self.foresee_deletions(groups).await?
        } else {
            self.admin.delete_consumer_groups(groups).await
        };
        let rows = results.into_iter().map(|(group, result)| {
            let error = result.err().map(|error| exception(&error));
            (group.clone(), DeletedGroupRow { group, error })
        });
        let rows = jvm_order::scala_mutable_map(rows.collect()).into_iter().map(|(_, row)| row);
        let found = FoundGroups { groups: rows.collect() };
        self.options.output.print(&found, |found| print_deleted(&found.groups))?;
        Ok(())
    }

    /// What would become of groups that are to be deleted: those with members stay.
    async fn foresee_deletions(&self, groups: Vec<String>) -> Result<ItemResults<String, ()>, GroupFailure> {
        let described = self.descriptions(groups).await?;
        let outcome = |state| match state {
            ConsumerGroupState::Empty => Ok(()),
            ConsumerGroupState::Dead => Err(ClientError::refused(ErrorCode::GroupIdNotFound)),
            _ => Err(ClientError::refused(ErrorCode::NonEmptyGroup)),
        };
        Ok(described.into_iter().map(|(group, it)| (group, outcome(it.state))).collect())
    }

    /// `--delete-offsets`.
    pub(super) async fn delete_offsets(&self) -> Result<(), GroupFailure> {
        let group = only("group", &self.options.group)?;
        let (partitions, mut rows) = self.partitions_to_delete().await?;
        let top_level = if partitions.is_empty() {
            // Nothing is sent then; the group may be missing all the same.
            self.missing_group(group).await?
        } else {
            let results = self.admin.delete_consumer_group_offsets(group, partitions).await;
            let failed = results.values().find_map(|result| result.as_ref().err().cloned());
            rows.extend(results.into_iter().map(|(id, result)| DeletedOffsetRow {
                topic: id.topic.to_string(),
                partition: Some(id.partition),
                error: result.err().map(|error| exception(&error)),
            }));
            failed
        };
        rows.sort_by_key(|row| format!("{}{}", row.topic, row.partition.unwrap_or(-1)));
        let sentence = self.outcome(group, top_level.as_ref());
        self.options.output.note(format_args!("{sentence}"));
        let deleted = DeletedOffsets { partitions: rows };
        self.options.output.print(&deleted, |deleted| print_deleted_offsets(&deleted.partitions))?;
        Ok(())
    }

    /// The partitions whose offsets are to be deleted, and the topics that were not found.
    async fn partitions_to_delete(
        &self,
    ) -> Result<(Vec<TopicPartition>, Vec<DeletedOffsetRow>), GroupFailure> {
        let (mut partitions, mut whole, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for topic in &self.options.topic {
            match NamedTopic::parse(topic)? {
                NamedTopic::Whole(topic) => whole.push(topic),
                NamedTopic::Partitions { topic, numbers } => {
                    partitions.extend(numbers.into_iter().map(|it| TopicPartition::new(topic.as_str(), it)));
                }
            }
        }
        for (topic, described) in self.admin.describe_topics(whole, DescribeTopicsOptions::default()).await {
            match described {
                Ok(described) => partitions.extend(
                    described.partitions.iter().map(|it| TopicPartition::new(topic.as_str(), it.partition)),
                ),
                Err(error) => {
                    let error = Some(exception(&error));
                    missing.push(DeletedOffsetRow { topic, partition: None, error });
                }
            }
        }
        Ok((partitions, missing))
    }

    async fn missing_group(&self, group: &str) -> Result<Option<ClientError>, GroupFailure> {
        let described = self.descriptions(vec![group.to_owned()]).await?;
        let is_missing = described.values().any(|it| it.state == ConsumerGroupState::Dead);
        Ok(is_missing.then(|| ClientError::refused(ErrorCode::GroupIdNotFound)))
    }

    /// The sentence about the whole request.
    fn outcome(&self, group: &str, error: Option<&ClientError>) -> String {
        let Some(error) = error else {
            let topics = self.options.topic.join(", ");
            return format!("Request succeed for deleting offsets with topic {topics} group {group}");
        };
        let reason = match error.code() {
            Some(ErrorCode::InvalidGroupId) => format!("'{group}' is not valid."),
            Some(ErrorCode::GroupIdNotFound) => format!("'{group}' does not exist."),
            Some(ErrorCode::GroupAuthorizationFailed) => format!("Access to '{group}' is not authorized."),
            Some(ErrorCode::NonEmptyGroup) => {
                format!(
                    "Deleting offsets of a consumer group '{group}' is forbidden if the group is not empty."
                )
            }
            Some(
                ErrorCode::GroupSubscribedToTopic
                | ErrorCode::TopicAuthorizationFailed
                | ErrorCode::UnknownTopicOrPartition,
            ) => "Encounter some partition level error, see the follow-up details:".to_owned(),
            other => {
                let name = other.unwrap_or(ErrorCode::RequestTimedOut);
                format!("Encounter some unknown error: {}", name.name())
            }
        };
        format!("\nError: {reason}")
    }
}

fn print_deleted(rows: &[DeletedGroupRow]) {
    let (deleted, failed): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.error.is_none());
    if failed.is_empty() {
        let groups = quoted(deleted.into_iter());
        println!("Deletion of requested consumer groups ({groups}) was successful.");
        return;
    }
    println!("\nError: Deletion of some consumer groups failed:");
    for DeletedGroupRow { group, error } in failed {
        let error = error.as_deref().unwrap_or_default();
        println!(
            "* Group '{group}' could not be deleted due to: java.util.concurrent.ExecutionException: {error}"
        );
    }
    if !deleted.is_empty() {
        println!("\nThese consumer groups were deleted successfully: {}", quoted(deleted.into_iter()));
    }
}

fn print_deleted_offsets(rows: &[DeletedOffsetRow]) {
    println!("\n{:30} {:15} {:15}", "TOPIC", "PARTITION", "STATUS");
    for DeletedOffsetRow { topic, partition, error } in rows {
        let partition = partition.map_or("Not Provided".to_owned(), |number| number.to_string());
        let status = error.as_ref().map_or("Successful".to_owned(), |error| format!("Error: {error}"));
        println!("{topic:30} {partition:15} {status:15}");
    }
}
