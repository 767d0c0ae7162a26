//! Deletes records from the start: a leader's log start moves up at once, and its live followers' log starts
//! soon after.
//!
//! Kafka: `ReplicaManager.deleteRecords`, `Partition.deleteRecordsOnLeader`, `DelayedDeleteRecords`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::ReplicaManager;
use super::machine::ReadFrom;
use super::partition::Partition;
use crate::base::{Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// The offset in a request that means the high watermark.
const HIGH_WATERMARK: Offset = -1;

/// The log start of a partition in all its live replicas, or an error.
pub type LowWatermark = Result<Offset, NotDeleted>;

/// Why records were not deleted everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDeleted {
    /// The reason.
    pub error: ErrorCode,
    /// The log start in all live replicas when the wait began; -1 if the request did not wait.
    pub low_watermark: Offset,
}

impl From<ErrorCode> for NotDeleted {
    fn from(error: ErrorCode) -> Self {
        Self { error, low_watermark: -1 }
    }
}

impl ReplicaManager {
    /// Deletes the records below these offsets, -1 for the high watermark; waits up to `limit` until no live
    /// replica has them any more.
    ///
    /// Errors: INVALID_TOPIC_EXCEPTION for internal topics, POLICY_VIOLATION where `cleanup.policy` does not delete,
    /// OFFSET_OUT_OF_RANGE, REQUEST_TIMED_OUT, and those of [`ReplicaManager::partition`].
    pub async fn delete_records(
        &self,
        limit: Duration,
        offsets: Vec<(TopicPartition, Offset)>,
    ) -> Vec<(TopicPartition, LowWatermark)> {
        let deadline = Instant::now() + limit;
        let mut deletions = Vec::with_capacity(offsets.len());
        for (id, to) in offsets {
            deletions.push((self.delete_before(&id, to).await, id));
        }
        let mut outcomes = Vec::with_capacity(deletions.len());
        for (deletion, id) in deletions {
            let outcome = match deletion {
                Ok((partition, required)) => self.everywhere(&partition, required, deadline).await,
                Err(error) => Err(error.into()),
            };
            outcomes.push((id, outcome));
        }
        outcomes
    }

    /// Moves the start of the leader's log; returns the partition, and the offset that its replicas have to
    /// reach.
    async fn delete_before(
        &self,
        id: &TopicPartition,
        to: Offset,
    ) -> Result<(Arc<Partition>, Offset), ErrorCode> {
        if crate::admin::names::is_internal(&id.topic) {
            return Err(ErrorCode::InvalidTopicException);
        }
        let partition = self.partition(id)?;
        let log = partition.readable(None, ReadFrom::Leader)?;
        if !log.config().cleanup_policy.iter().any(|policy| policy == "delete") {
            return Err(ErrorCode::PolicyViolation);
        }
        let to = if to == HIGH_WATERMARK { log.high_watermark() } else { to };
        if to < 0 {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let (disk, work) =
            (log.disk().clone(), move || log.increment_log_start_offset(to, "client delete records request"));
        disk.run(work).await.map_err(|error| ErrorCode::from(&error))?;
        Ok((partition, to))
    }

    async fn everywhere(&self, partition: &Partition, required: Offset, deadline: Instant) -> LowWatermark {
        let waiter = Arc::new(Notify::new());
        let mut at_first = None;
        loop {
            partition.await_starts(&waiter);
            let metadata = self.metadata.snapshot();
            let low = partition.low_watermark(|broker| metadata.live_broker(broker).is_some())?;
            if low >= required {
                return Ok(low);
            }
            let low_watermark = *at_first.get_or_insert(low);
            let _delayed = self.waits().delete_records.delay(1);
            if tokio::time::timeout_at(deadline, waiter.notified()).await.is_err() {
                self.waits().delete_records_expired.count(partition.id());
                return Err(NotDeleted { error: ErrorCode::RequestTimedOut, low_watermark });
            }
        }
    }
}

#[cfg(test)]
mod tests;
