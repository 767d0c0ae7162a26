//! A partition whose log is copied to another data directory, until the copy replaces it (KIP-113).
//!
//! The copy follows the log as a follower follows its leader: records that the log no longer has are
//! truncated from the copy first. Kafka: `Partition`'s `futureLog`, `ReplicaAlterLogDirsThread`.

use std::sync::Arc;

use super::following::{NotFollowed, append};
use super::{LockedState, Partition};
use crate::base::Offset;
use crate::log::cleaner::state::CleaningPause;
use crate::log::epochs::EpochEnd;
use crate::log::{FirstBatch, Log, LogManager, ReadError, ReadUpTo};
use crate::replica::fetcher::truncation::by_epoch;

/// The copy of a log in another data directory.
#[derive(Debug)]
pub(super) struct Moving {
    log: Arc<Log>,
    /// The offset at which the current log was truncated since the last step.
    truncated_to: Option<Offset>,
    /// Keeps the current log from being cleaned: what is copied already would no longer be the same.
    _cleaning_pause: Option<CleaningPause>,
}

impl Moving {
    pub fn truncate_at(&mut self, to: Offset) {
        self.truncated_to = Some(self.truncated_to.map_or(to, |earlier| earlier.min(to)));
    }
}

/// The outcome of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// This many bytes were copied; there are more.
    Some(usize),
    /// This many bytes were copied, the last: the copy is the partition's log now.
    All(usize),
    /// There is nothing to copy any more.
    Nothing,
}

impl Partition {
    /// Has the log copied to this one from now on. The log is not cleaned until the move has ended.
    pub(in crate::replica) fn begin_move(&self, to: Arc<Log>, cleaning_pause: Option<CleaningPause>) {
        let moving = Moving { log: to, truncated_to: None, _cleaning_pause: cleaning_pause };
        self.state.lock().moving = Some(moving);
    }

    /// Ends the move; the log stays in its directory.
    pub(in crate::replica) fn end_move(&self) {
        self.state.lock().moving = None;
    }

    /// The copy of the log.
    pub(in crate::replica) fn future(&self) -> Option<Arc<Log>> {
        self.state.lock().moving.as_ref().map(|moving| moving.log.clone())
    }

    /// Copies up to so many bytes, or one batch, and replaces the log by the copy if those were the last.
    /// Blocks on the disk; nothing is appended to the log while the last bytes are copied.
    pub(in crate::replica) fn copy_some(
        &self,
        logs: &LogManager,
        max_bytes: i32,
    ) -> Result<Copied, NotFollowed> {
        let Some((log, future, truncated_to)) = self.next_to_copy() else { return Ok(Copied::Nothing) };
        truncate_to_agree(&log, &future, truncated_to)?;
        let size = copy(&log, &future, max_bytes)?;
        // If less was read than allowed, it was all there was; what has come since is not much.
        if future.log_end_offset() < log.log_end_offset() && size >= usize::try_from(max_bytes).unwrap_or(0) {
            return Ok(Copied::Some(size));
        }
        self.replace(&log, &future, logs, max_bytes).map(|last| match last {
            Some(more) => Copied::All(size + more),
            None => Copied::Some(size),
        })
    }

    /// The log, its copy, and the offset at which the log was truncated since the last step.
    fn next_to_copy(&self) -> Option<(Arc<Log>, Arc<Log>, Option<Offset>)> {
        let mut state = self.state.lock();
        let LockedState { log: Some(log), moving: Some(moving), .. } = &mut *state else { return None };
        Some((log.clone(), moving.log.clone(), moving.truncated_to.take()))
    }

    /// Whether the move still uses this copy, and no record that the copy has was truncated from the log.
    fn agrees(&self, future: &Arc<Log>) -> bool {
        let state = self.state.lock();
        state
            .moving
            .as_ref()
            .is_some_and(|moving| Arc::ptr_eq(&moving.log, future) && moving.truncated_to.is_none())
    }

    /// Copies the rest and replaces the log by the copy; returns the number of bytes. None if the log was
    /// truncated meanwhile, or the move has ended.
    fn replace(
        &self,
        log: &Arc<Log>,
        future: &Arc<Log>,
        logs: &LogManager,
        max_bytes: i32,
    ) -> Result<Option<usize>, NotFollowed> {
        // Locked until the end: a thread that waits to change the log then finds the copy in its stead.
        let mut append_lock = log.append_lock();
        let mut size = 0;
        if !self.agrees(future) {
            return Ok(None);
        }
        truncate_to_agree(log, future, None)?;
        while future.log_end_offset() < log.log_end_offset() {
            let fetched = future.log_end_offset();
            size += copy(log, future, max_bytes)?;
            // The log ends behind its last batch, where a copy cannot follow: the log stays where it is.
            if future.log_end_offset() == fetched {
                return Err(NotFollowed::Mismatch { fetched, end: log.log_end_offset() });
            }
        }
        if !self.agrees(future) {
            return Ok(None);
        }
        logs.replace_with_future(&self.id, &mut append_lock)?;
        let mut state = self.state.lock();
        append_lock.supersede(future);
        future.fence_below(state.machine.leader_epoch());
        state.log = Some(future.clone());
        state.moving = None;
        Ok(Some(size))
    }
}

/// Copies up to so many bytes, or one batch, to the end of the copy; returns their number.
fn copy(log: &Log, future: &Log, max_bytes: i32) -> Result<usize, NotFollowed> {
    let read = match log.read(future.log_end_offset(), max_bytes, ReadUpTo::LogEnd, FirstBatch::Whole) {
        Err(ReadError::OutOfRange { start, .. }) => {
            future.truncate_fully_and_start_at(start)?;
            log.read(start, max_bytes, ReadUpTo::LogEnd, FirstBatch::Whole)?
        }
        read => read?,
    };
    // What is read cannot change: other records at these offsets would have another epoch, and be truncated
    // in the next step.
    let bytes = read.records.read().map_err(|error| ReadError::Corrupt(error.to_string()))?;
    let size = bytes.len();
    take(log, future, bytes)?;
    Ok(size)
}

/// Appends what was read of a log to its copy, which gets the log's marks.
fn take(log: &Log, future: &Log, bytes: bytes::Bytes) -> Result<(), NotFollowed> {
    if !bytes.is_empty() {
        append(future, &bytes.into(), None)?;
    }
    future.update_high_watermark(log.high_watermark());
    let start = log.log_start_offset().min(future.high_watermark());
    if start > future.log_start_offset() {
        future.increment_log_start_offset(start, "leader offset increment")?;
    }
    Ok(())
}

/// Truncates the copy to where it agrees with the log, and to `truncated_to` if the log was truncated there.
fn truncate_to_agree(log: &Log, future: &Log, truncated_to: Option<Offset>) -> Result<(), NotFollowed> {
    let end = log.log_end_offset().min(truncated_to.unwrap_or(Offset::MAX));
    if future.log_end_offset() > end {
        future.truncate_to(end)?;
    }
    while let Some(epoch) = future.latest_epoch() {
        let end = log.end_offset_for(epoch).unwrap_or(EpochEnd::UNKNOWN);
        let own_end = future.log_end_offset();
        let own = |epoch| future.end_offset_for(epoch);
        let agreed = by_epoch(end, future.high_watermark(), own_end, own);
        if agreed.to < own_end {
            future.truncate_to(agreed.to)?;
        }
        if agreed.complete || agreed.to >= own_end {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
