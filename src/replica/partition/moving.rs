//! A partition whose log is copied to another data directory, until the copy takes its place (KIP-113).
//!
//! The copy follows the log as a follower its leader: what the log no longer has is cut from it first. Kafka:
//! `Partition`'s `futureLog`, `ReplicaAlterLogDirsThread`.

use std::sync::Arc;

use super::following::{NotFollowed, append};
use super::{LockedState, Partition};
use crate::base::Offset;
use crate::log::{Log, LogManager, ReadError, ReadUpTo};
use crate::replica::fetcher::truncation::{EpochEnd, by_epoch};

/// A log on its way to another data directory.
#[derive(Debug)]
pub(super) struct Moving {
    log: Arc<Log>,
    /// From where on the current log was cut since the last look.
    truncated_to: Option<Offset>,
}

impl Moving {
    pub fn truncate_at(&mut self, to: Offset) {
        self.truncated_to = Some(self.truncated_to.map_or(to, |earlier| earlier.min(to)));
    }
}

/// What came of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// So many bytes; there is more.
    Some(usize),
    /// So many bytes, the last: the copy is the partition's log now.
    All(usize),
    /// Nothing is to be copied any more.
    Nothing,
}

impl Partition {
    /// Has the log copied to this one from now on.
    pub(in crate::replica) fn begin_move(&self, to: Arc<Log>) {
        self.state.lock().moving = Some(Moving { log: to, truncated_to: None });
    }

    /// Leaves the log where it is.
    pub(in crate::replica) fn end_move(&self) {
        self.state.lock().moving = None;
    }

    /// The log on its way.
    pub(in crate::replica) fn future(&self) -> Option<Arc<Log>> {
        self.state.lock().moving.as_ref().map(|moving| moving.log.clone())
    }

    /// Copies up to so many bytes, or one batch, and puts the copy in the log's place where that was all. Blocks on the
    /// disk; nothing is appended to the log while the last bytes are copied.
    pub(in crate::replica) fn copy_some(
        &self,
        logs: &LogManager,
        max_bytes: i32,
    ) -> Result<Copied, NotFollowed> {
        let Some((log, future, truncated_to)) = self.next_to_copy() else { return Ok(Copied::Nothing) };
        truncate_to_agree(&log, &future, truncated_to)?;
        let size = copy(&log, &future, max_bytes)?;
        // Where less was read than may be, it was all there was; what has come since is not much.
        if future.log_end_offset() < log.log_end_offset() && size >= usize::try_from(max_bytes).unwrap_or(0) {
            return Ok(Copied::Some(size));
        }
        self.replace(&log, &future, logs, max_bytes).map(|last| match last {
            Some(more) => Copied::All(size + more),
            None => Copied::Some(size),
        })
    }

    /// The log, its copy, and from where on the log was cut since the last look.
    fn next_to_copy(&self) -> Option<(Arc<Log>, Arc<Log>, Option<Offset>)> {
        let mut state = self.state.lock();
        let LockedState { log: Some(log), moving: Some(moving), .. } = &mut *state else { return None };
        Some((log.clone(), moving.log.clone(), moving.truncated_to.take()))
    }

    /// Whether this copy is the one to go on with, and nothing was cut that it still has.
    fn agrees(&self, future: &Arc<Log>) -> bool {
        let state = self.state.lock();
        state
            .moving
            .as_ref()
            .is_some_and(|moving| Arc::ptr_eq(&moving.log, future) && moving.truncated_to.is_none())
    }

    /// Copies the rest and puts the copy in the log's place; how many bytes that were. None where the log was cut
    /// meanwhile, or is to stay.
    fn replace(
        &self,
        log: &Arc<Log>,
        future: &Arc<Log>,
        logs: &LogManager,
        max_bytes: i32,
    ) -> Result<Option<usize>, NotFollowed> {
        // Until the end: a thread that waits to change the log finds the other one in its place afterwards.
        let mut append_lock = log.append_lock();
        let mut size = 0;
        if !self.agrees(future) {
            return Ok(None);
        }
        truncate_to_agree(log, future, None)?;
        while future.log_end_offset() < log.log_end_offset() {
            size += copy(log, future, max_bytes)?;
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

/// Copies up to so many bytes, or one batch, to the end of the copy; how many.
fn copy(log: &Log, future: &Log, max_bytes: i32) -> Result<usize, NotFollowed> {
    let read = match log.read(future.log_end_offset(), max_bytes, ReadUpTo::LogEnd, true) {
        Err(ReadError::OutOfRange { start, .. }) => {
            future.truncate_fully_and_start_at(start)?;
            log.read(start, max_bytes, ReadUpTo::LogEnd, true)?
        }
        read => read?,
    };
    // What is read stays what it is: other records at these offsets would be of another epoch, and cut next time.
    let bytes = read.records.read().map_err(|error| ReadError::Corrupt(error.to_string()))?;
    let size = bytes.len();
    take(log, future, bytes)?;
    Ok(size)
}

/// Appends what was read of a log to its copy, which takes over the log's marks.
fn take(log: &Log, future: &Log, bytes: bytes::Bytes) -> Result<(), NotFollowed> {
    if !bytes.is_empty() {
        append(future, bytes, None)?;
    }
    future.update_high_watermark(log.high_watermark());
    let start = log.log_start_offset().min(future.high_watermark());
    if start > future.log_start_offset() {
        future.increment_log_start_offset(start, "leader offset increment")?;
    }
    Ok(())
}

/// Truncates the copy to where it agrees with the log, and to `truncated_to` where the log was truncated there.
fn truncate_to_agree(log: &Log, future: &Log, truncated_to: Option<Offset>) -> Result<(), NotFollowed> {
    let end = log.log_end_offset().min(truncated_to.unwrap_or(Offset::MAX));
    if future.log_end_offset() > end {
        future.truncate_to(end)?;
    }
    while let Some(epoch) = future.latest_epoch() {
        let (epoch, offset) = log.end_offset_for(epoch).unwrap_or((-1, -1));
        let own_end = future.log_end_offset();
        let own = |epoch| future.end_offset_for(epoch);
        let agreed = by_epoch(EpochEnd { epoch, offset }, future.high_watermark(), own_end, own);
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
