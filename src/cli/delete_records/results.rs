//! What has become of each partition's records, or what would become of them, as text and as JSON.
//!
//! Pure.

use serde::Serialize;

use super::offsets_file::RecordsToDelete;
use crate::base::jvm_order::{self, partition_hash};
use crate::base::{Offset, TopicPartition};
use crate::cli::java::{self, METADATA_CALL};
use crate::cli::named_partition::NamedPartition;
use crate::client::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// What a command has done, or with `--dry-run` would do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordDeletions {
    pub dry_run: bool,
    pub partitions: Vec<PartitionDeletion>,
}

/// What has become of the records of a partition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartitionDeletion {
    #[serde(flatten)]
    partition: NamedPartition,
    /// The offset of the first record that is left.
    low_watermark: Option<Offset>,
    /// The offset of the first record as it is, with `--dry-run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    low_watermark_before: Option<Offset>,
    error: Option<&'static str>,
    message: Option<String>,
    /// The line of Kafka's tool.
    #[serde(skip)]
    pub line: String,
}

/// A log whose records are to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeletableLog {
    pub earliest: Offset,
    pub high_watermark: Offset,
    /// Whether its topic is one of Kafka's own.
    pub is_internal: bool,
    /// Whether its `cleanup.policy` is not compaction alone.
    pub deletes: bool,
}

impl DeletableLog {
    /// The low watermark that a deletion would leave.
    ///
    /// # Errors
    /// That with which a broker would refuse the deletion.
    fn after_deletion(self, before: Offset) -> Result<Offset, ClientError> {
        Err(ClientError::refused(match before {
            _ if self.is_internal => ErrorCode::InvalidTopicException,
            _ if !self.deletes => ErrorCode::PolicyViolation,
            -1 => return Ok(self.high_watermark),
            0.. if before <= self.high_watermark => return Ok(before.max(self.earliest)),
            _ => ErrorCode::OffsetOutOfRange,
        }))
    }
}

impl PartitionDeletion {
    /// Of a deletion.
    pub fn done(partition: TopicPartition, result: &Result<Offset, ClientError>) -> Self {
        let line = match result {
            Ok(low_watermark) => format!("partition: {partition}\tlow_watermark: {low_watermark}"),
            Err(error) => format!("partition: {partition}\terror: {}", exception(error)),
        };
        Self { line, ..Self::of(&partition, result) }
    }

    /// Of a deletion that was not asked for yet.
    pub fn planned(wanted: &RecordsToDelete, log: Result<DeletableLog, ClientError>) -> Self {
        let result = log.clone().and_then(|log| log.after_deletion(wanted.before));
        let earliest = log.ok().map(|log| log.earliest);
        let mut planned = Self::done(wanted.partition.clone(), &result);
        planned.low_watermark_before = earliest;
        if let (Some(before), Ok(after)) = (earliest, result) {
            planned.line = format!("partition: {}\tlow_watermark: {before} -> {after}", wanted.partition);
        }
        planned
    }

    fn of(partition: &TopicPartition, result: &Result<Offset, ClientError>) -> Self {
        let error = result.as_ref().err();
        Self {
            partition: partition.into(),
            low_watermark: result.as_ref().ok().copied(),
            low_watermark_before: None,
            error: error.map(|error| error.code().unwrap_or(ErrorCode::UnknownServerError).name()),
            message: error.map(ToString::to_string),
            line: String::new(),
        }
    }
}

fn exception(error: &ClientError) -> String {
    format!("{}: {}", java::admin_class(error), java::admin_message(error, METADATA_CALL))
}

/// The partitions in the order of Java's client, which keeps them in a map that it copies.
pub(super) fn in_java_order(wanted: Vec<RecordsToDelete>) -> Vec<RecordsToDelete> {
    jvm_order::java_map_copied(wanted.into_iter().map(|it| (partition_hash(&it.partition), it)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_printed_in_the_order_of_javas_client() {
        let wanted = |number| RecordsToDelete { partition: TopicPartition::new("p", number), before: 0 };
        assert_eq!(in_java_order(vec![wanted(0), wanted(1)]), [wanted(1), wanted(0)]);
    }

    #[test]
    fn a_plan_says_what_a_broker_would_do() {
        let log = DeletableLog { earliest: 3, high_watermark: 9, is_internal: false, deletes: true };
        let low_watermark = |before| log.after_deletion(before).map_err(|error| error.code());
        assert_eq!([-1, 9, 5, 3, 1].map(low_watermark), [Ok(9), Ok(9), Ok(5), Ok(3), Ok(3)]);
        let refused = Err(Some(ErrorCode::OffsetOutOfRange));
        assert_eq!([10, -2].map(low_watermark), [refused, refused]);
        let refusal = |log: DeletableLog| log.after_deletion(-1).unwrap_err().code();
        let compacted = DeletableLog { deletes: false, ..log };
        assert_eq!(refusal(compacted), Some(ErrorCode::PolicyViolation));
        let internal = DeletableLog { is_internal: true, ..compacted };
        assert_eq!(refusal(internal), Some(ErrorCode::InvalidTopicException));
        let wanted = RecordsToDelete { partition: TopicPartition::new("p", 0), before: 5 };
        let planned = PartitionDeletion::planned(&wanted, Ok(log));
        assert_eq!(planned.line, "partition: p-0\tlow_watermark: 3 -> 5");
        let planned = serde_json::to_string(&planned).unwrap();
        assert_eq!(
            planned,
            r#"{"topic":"p","partition":0,"lowWatermark":5,"lowWatermarkBefore":3,"error":null,"message":null}"#
        );
    }
}
