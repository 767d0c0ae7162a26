//! Up to which offset a log is on the disk, and when it was last brought there.
//!
//! A flush goes on beside appends and truncations, so that it is begun and finished here: what a truncation took back
//! meanwhile, and what was appended in its place, does not count as flushed. Decides by numbers alone and touches no
//! file;
//! its lock is held for a few instructions. Kafka: `Log.recoveryPoint`, `lastFlushTime`.

use parking_lot::Mutex;

use crate::base::{Millis, Offset};

/// The recovery point of a log.
#[derive(Debug)]
pub(super) struct RecoveryPoint {
    state: Mutex<FlushState>,
}

#[derive(Clone, Copy, Debug)]
struct FlushState {
    /// Every record below it is on the disk. Invariant: at most the log's end.
    offset: Offset,
    last_flush: Millis,
    /// How often the log was truncated.
    truncations: u64,
}

/// A flush under way.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) struct FlushUpTo {
    /// From here on records are brought to the disk.
    pub(super) from: Offset,
    /// Up to here, exclusive.
    pub(super) to: Offset,
    truncations: u64,
}

impl RecoveryPoint {
    /// A point known from the checkpoint.
    pub fn new(offset: Offset, now: Millis) -> Self {
        Self { state: Mutex::new(FlushState { offset, last_flush: now, truncations: 0 }) }
    }

    /// Every record below this offset is on the disk.
    pub fn offset(&self) -> Offset {
        self.state.lock().offset
    }

    /// When the log was last flushed.
    pub fn last_flush(&self) -> Millis {
        self.state.lock().last_flush
    }

    /// The log was loaded: everything up to its end was flushed before, or has been recovered.
    pub fn recovered(&self, log_end: Offset) {
        self.state.lock().offset = log_end;
    }

    /// The log starts at `log_start` from now on: nothing before it is needed.
    pub fn log_starts_at(&self, log_start: Offset) {
        let mut state = self.state.lock();
        state.offset = state.offset.max(log_start);
    }

    /// The log was truncated, and ends at `log_end`.
    pub fn truncated(&self, log_end: Offset) {
        let mut state = self.state.lock();
        state.offset = state.offset.min(log_end);
        state.truncations += 1;
    }

    /// What a flush of everything below `to` has to bring to the disk; None where all of it is there.
    pub fn begin_flush(&self, to: Offset) -> Option<FlushUpTo> {
        let FlushState { offset: from, truncations, .. } = *self.state.lock();
        (to > from).then_some(FlushUpTo { from, to, truncations })
    }

    /// A flush is done. It counts for nothing if the log was truncated meanwhile: the next one does all of it again.
    pub fn flushed(&self, flush: FlushUpTo, now: Millis) {
        let mut state = self.state.lock();
        if state.truncations == flush.truncations {
            state.offset = state.offset.max(flush.to);
            state.last_flush = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_moves_the_point_and_never_back() {
        let point = RecoveryPoint::new(3, 0);
        assert!(point.begin_flush(3).is_none());
        let (shorter, longer) = (point.begin_flush(5).unwrap(), point.begin_flush(9).unwrap());
        assert_eq!((longer.from, longer.to), (3, 9));
        point.flushed(longer, 70);
        point.flushed(shorter, 80);
        assert_eq!((point.offset(), point.last_flush()), (9, 80));
    }

    #[test]
    fn what_was_truncated_and_appended_anew_during_a_flush_does_not_count_as_flushed() {
        let point = RecoveryPoint::new(0, 0);
        let flush = point.begin_flush(100).unwrap();
        point.truncated(50);
        point.flushed(flush, 70);
        assert_eq!((point.offset(), point.last_flush()), (0, 0));
        point.flushed(point.begin_flush(120).unwrap(), 71);
        assert_eq!(point.offset(), 120);
    }
}
