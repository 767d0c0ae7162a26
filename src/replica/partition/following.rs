//! A partition that another broker leads: fetched batches are appended, and records that the leader does not
//! have are truncated.
//!
//! Every change names the leader epoch in which it was decided, and is refused once the controller has described
//! another. Kafka: `Partition.appendRecordsToFollowerOrFutureReplica`, `truncateTo`, and
//! `ReplicaFetcherThread.processPartitionData`.

use std::sync::Arc;

use super::{LockedState, Partition};
use crate::base::{LeaderEpoch, Offset};
use crate::log::{AppendError, Log, LogAppendInfo, ReadError, StorageError, TruncateError};
use crate::replica::fetch::watch::LogChange;
use crate::replica::waiters::Released;
use crate::wire::error_code::ErrorCode;
use crate::wire::memory_records::MemoryRecords;

/// A leader's answer.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The offset that was fetched from.
    pub offset: Offset,
    /// Batches from there on; the last may be incomplete.
    pub records: MemoryRecords,
    /// The leader's high watermark.
    pub high_watermark: Offset,
    /// The start of the leader's log; -1 if the answer has none.
    pub log_start: Offset,
}

/// Why a follower did not apply what its fetcher asked for.
#[derive(Debug, thiserror::Error)]
pub enum NotFollowed {
    /// The controller has described another leadership meanwhile.
    #[error("the replica no longer follows at this leader epoch")]
    Outdated,
    /// The fetched batches do not continue the log.
    #[error("Offset mismatch: fetched offset = {fetched}, log end offset = {end}.")]
    Mismatch {
        /// The offset of the first record.
        fetched: Offset,
        /// The end of the log.
        end: Offset,
    },
    /// The records cannot be appended.
    #[error(transparent)]
    Append(AppendError),
    /// The leader's log start cannot be this log's.
    #[error(transparent)]
    LogStart(#[from] ReadError),
    /// The disk failed, or the log is closed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<AppendError> for NotFollowed {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Fenced(_) => Self::Outdated,
            error => Self::Append(error),
        }
    }
}

impl From<TruncateError> for NotFollowed {
    fn from(error: TruncateError) -> Self {
        match error {
            TruncateError::Fenced(_) => Self::Outdated,
            TruncateError::Storage(error) => Self::Storage(error),
        }
    }
}

impl NotFollowed {
    /// Whether the records were damaged, maybe on the way only: they are fetched again.
    pub fn is_corrupt(&self) -> bool {
        let Self::Append(error) = self else { return false };
        matches!(ErrorCode::from(error), ErrorCode::CorruptMessage | ErrorCode::InvalidRecord)
    }

    /// Whether only a file descriptor was missing: a later try may succeed.
    pub fn is_transient(&self) -> bool {
        let storage = match self {
            Self::Storage(error) => Some(error),
            Self::Append(AppendError::Storage(error)) => Some(error),
            Self::LogStart(ReadError::Storage(error)) => Some(error),
            _ => None,
        };
        storage.is_some_and(|error| error.is_transient)
    }
}

impl Partition {
    /// Appends what was fetched in a leader epoch, and applies the leader's high watermark and log start.
    /// Returns the offset to fetch from next.
    ///
    /// # Errors
    /// [`NotFollowed`].
    pub fn append_fetched(&self, epoch: LeaderEpoch, fetched: Fetched) -> Result<Offset, NotFollowed> {
        let log = follows(&self.state.lock(), epoch)?;
        let end = log.log_end_offset();
        if fetched.offset != end {
            return Err(NotFollowed::Mismatch { fetched: fetched.offset, end });
        }
        let info = append(&log, &fetched.records, Some(epoch))?;
        let released = {
            let mut state = self.state.lock();
            follows(&state, epoch)?;
            let before = log.high_watermark();
            let high_watermark_too = log.update_high_watermark(fetched.high_watermark) != before;
            match info.batches > 0 || high_watermark_too {
                true => state.log_changed(LogChange::Appended { high_watermark_too }, Released::default()),
                false => Released::default(),
            }
        };
        released.wake();
        if fetched.log_start > log.log_start_offset() {
            log.increment_log_start_offset(fetched.log_start, "leader offset increment")?;
        }
        Ok(log.log_end_offset())
    }

    /// Truncates the log at an offset, in a leader epoch; returns whether any record was removed. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// [`NotFollowed::Outdated`], [`NotFollowed::Storage`].
    pub fn truncate(&self, epoch: LeaderEpoch, to: Offset) -> Result<bool, NotFollowed> {
        let log = {
            let mut state = self.state.lock();
            let log = follows(&state, epoch)?;
            if let Some(moving) = &mut state.moving {
                moving.truncate_at(to);
            }
            log
        };
        let high_watermark = log.high_watermark();
        if to < high_watermark {
            log::warn!(target: "kafka.server.ReplicaFetcherThread", "Truncating {} to offset {to} below high watermark {high_watermark}", self.id);
        }
        let is_truncated = log.truncate_in(epoch, to)?;
        self.truncated();
        Ok(is_truncated)
    }

    /// Removes all records and starts at an offset, in a leader epoch.
    ///
    /// # Errors
    /// [`NotFollowed::Outdated`], [`NotFollowed::Storage`].
    pub fn start_anew(&self, epoch: LeaderEpoch, at: Offset) -> Result<(), NotFollowed> {
        let log = follows(&self.state.lock(), epoch)?;
        log.restart_in(epoch, at)?;
        self.truncated();
        Ok(())
    }

    /// Notifies of a log whose end, and maybe start, has moved.
    fn truncated(&self) {
        let released = self.state.lock().log_changed(LogChange::HighWatermark, Released::default());
        released.wake();
    }
}

/// The log, if this broker follows in this epoch.
fn follows(state: &LockedState, epoch: LeaderEpoch) -> Result<Arc<Log>, NotFollowed> {
    state.log.clone().filter(|_| state.machine.follows_in(epoch)).ok_or(NotFollowed::Outdated)
}

/// Appends as a follower. If the leader's log starts within a batch, an empty log begins with that batch,
/// below the offset it was to start at. What was fetched in a leader epoch is appended in that epoch only.
pub(super) fn append(
    log: &Log,
    records: &MemoryRecords,
    epoch: Option<LeaderEpoch>,
) -> Result<LogAppendInfo, NotFollowed> {
    let offer = || match epoch {
        Some(epoch) => log.append_fetched(records, epoch),
        None => log.append_as_follower(records),
    };
    match offer() {
        Err(AppendError::UnexpectedOffset { first_offset, last_offset, .. })
            if log.log_end_offset() == log.log_start_offset()
                && first_offset < log.log_end_offset()
                && last_offset >= log.log_end_offset() =>
        {
            log::info!(target: "kafka.cluster.Partition", "Unexpected offset in append to {}. First offset {first_offset} is less than log start offset {}. Since this is the first record to be appended to the follower's log, will start the log from offset {first_offset}.", log.partition(), log.log_start_offset());
            match epoch {
                Some(epoch) => log.restart_in(epoch, first_offset)?,
                None => log.truncate_fully_and_start_at(first_offset)?,
            }
            Ok(offer()?)
        }
        appended => Ok(appended?),
    }
}

#[cfg(test)]
mod tests;
