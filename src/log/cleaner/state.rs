//! Whether a log may be cleaned now, and up to where it is clean.
//!
//! A cleaner takes a log's turn. A thread that truncates, moves or deletes the log pauses its cleaning first,
//! which aborts a turn in progress and waits for its end:
//!
//! ```text
//!                 begin                      pause: aborted, the pausing thread waits
//!   idle ───────────────────▶ in progress ───────────────────▶ in progress, to be aborted
//!    ▲ ▲                           │ the turn ends                       │ the turn ends
//!    │ └───────────────────────────┘                                     ▼
//!    └──────────────────────────────────────────────────────────── paused (n times)
//!                 the last pause ends
//! ```
//!
//! Kafka: `LogCleaningState` and the tables of `LogCleanerManager`, which has one for all logs; here each log has its
//! own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::base::Offset;
use crate::log::log::Log;

/// What a log's cleaning is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LogCleaningState {
    /// A cleaner has its turn.
    in_progress: bool,
    /// How many pauses there are. With a turn in progress they abort it.
    pauses: u32,
    /// The log was deleted: it is never cleaned again.
    has_ended: bool,
    /// Cleaning it failed, and is not tried again.
    is_uncleanable: bool,
    /// Everything below is clean, by the checkpoint.
    clean_offset: Option<Offset>,
}

/// The cleaning of one log.
#[derive(Debug, Default)]
pub struct Cleaning {
    state: Mutex<LogCleaningState>,
    /// A turn has ended, or was aborted.
    changed: Condvar,
}

/// A cleaner's turn at a log; it ends when it is dropped.
#[derive(Debug)]
pub struct CleaningTurn(Arc<Cleaning>);

/// A log that is not cleaned for as long as this lives.
#[derive(Debug)]
pub struct CleaningPause(Arc<Cleaning>);

impl Cleaning {
    /// The log's turn, unless it is cleaned already, paused, deleted, or cannot be cleaned.
    pub fn begin(self: &Arc<Self>) -> Option<CleaningTurn> {
        let mut state = self.state.lock();
        if state.in_progress || state.pauses > 0 || state.has_ended || state.is_uncleanable {
            return None;
        }
        state.in_progress = true;
        Some(CleaningTurn(self.clone()))
    }

    /// Keeps the log from being cleaned, unless it is being cleaned or kept from it now. Waits for no turn.
    pub fn try_pause(self: &Arc<Self>) -> Option<CleaningPause> {
        let mut state = self.state.lock();
        if state.in_progress || state.pauses > 0 || state.has_ended {
            return None;
        }
        state.pauses += 1;
        Some(CleaningPause(self.clone()))
    }

    /// Keeps the log from being cleaned. A turn under way is aborted; waits until it has ended.
    fn abort_and_pause(self: &Arc<Self>) -> CleaningPause {
        let mut state = self.state.lock();
        state.pauses += 1;
        self.changed.notify_all();
        self.changed.wait_while(&mut state, |state| state.in_progress);
        CleaningPause(self.clone())
    }

    /// Keeps the log from being cleaned for good: its files are about to go. Waits as [`Cleaning::abort_and_pause`].
    pub fn end(self: &Arc<Self>) {
        self.state.lock().has_ended = true;
        drop(self.abort_and_pause());
    }

    /// Whether the turn under way is to be given up.
    pub fn is_aborted(&self) -> bool {
        self.state.lock().pauses > 0
    }

    /// Waits, no longer than until the turn under way is aborted.
    pub fn sleep(&self, most: Duration) {
        let mut state = self.state.lock();
        if state.pauses == 0 {
            let until = Instant::now() + most;
            self.changed.wait_while_until(&mut state, |state| state.pauses == 0, until);
        }
    }

    /// Cleaning the log failed: it is not tried again until the next start.
    pub fn mark_uncleanable(&self) {
        self.state.lock().is_uncleanable = true;
    }

    /// Whether cleaning the log has failed.
    pub fn is_uncleanable(&self) -> bool {
        self.state.lock().is_uncleanable
    }

    /// Everything below is clean; None where nothing is known to be.
    pub fn clean_offset(&self) -> Option<Offset> {
        self.state.lock().clean_offset
    }

    /// Notes that everything below `offset` is clean.
    pub fn set_clean_offset(&self, offset: Offset) {
        self.state.lock().clean_offset = Some(offset);
    }

    /// The log was truncated: what comes at or after `offset` from now on is not clean.
    pub fn truncated_to(&self, offset: Offset) {
        let mut state = self.state.lock();
        state.clean_offset = state.clean_offset.map(|clean| clean.min(offset));
    }

    /// The log takes the place of another, of which it is a copy.
    pub fn take_over(&self, other: &Self) {
        let LogCleaningState { is_uncleanable, clean_offset, .. } = *other.state.lock();
        let mut state = self.state.lock();
        (state.is_uncleanable, state.clean_offset) = (is_uncleanable, clean_offset);
    }
}

impl Drop for CleaningTurn {
    fn drop(&mut self) {
        self.0.state.lock().in_progress = false;
        self.0.changed.notify_all();
    }
}

impl Drop for CleaningPause {
    fn drop(&mut self) {
        self.0.state.lock().pauses -= 1;
    }
}

impl Log {
    /// Keeps the log from being cleaned, as truncating and moving it ask for. Waits for the end of a turn under way,
    /// which may want the appender's lock.
    pub fn abort_and_pause_cleaning(&self) -> CleaningPause {
        let pause = self.cleaning().abort_and_pause();
        log::info!(
            target: "kafka.log.LogManager",
            "The cleaning for partition {} is aborted and paused", self.partition()
        );
        pause
    }
}

#[cfg(test)]
mod tests;
