//! Where a follower truncates its log before it fetches from a leader.
//!
//! Pure. Leader and follower compare where their leader epochs end (KIP-101, KIP-279); if one of them knows
//! no epochs, the high watermark decides. Never changes a log: the decision is a value. Kafka:
//! `AbstractFetcherThread.getOffsetTruncationState`, `fetchOffsetAndTruncate`.

use crate::base::{LeaderEpoch, Offset};
use crate::log::epochs::EpochEnd;

/// How far a log is truncated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// The records from this offset on are removed.
    pub to: Offset,
    /// Whether the rest agrees with the leader's log; else the leader is asked again, for an earlier epoch.
    pub complete: bool,
}

/// Decides by the leader's answer for the latest epoch of this log: the largest epoch there up to that one.
/// `fetch_offset` is the offset at which the follower began, its high watermark; `own_end` is the end of its
/// log; `own_epoch_end` gives the largest epoch in it up to another, and its end.
pub fn by_epoch(
    leader: EpochEnd,
    fetch_offset: Offset,
    own_end: Offset,
    own_epoch_end: impl FnOnce(LeaderEpoch) -> Option<EpochEnd>,
) -> Truncation {
    let complete = |to: Offset| Truncation { to, complete: true };
    if leader.offset < 0 {
        return complete(fetch_offset);
    }
    if leader.epoch < 0 {
        return complete(leader.offset.min(own_end));
    }
    match own_epoch_end(leader.epoch) {
        Some(own) if own.epoch == leader.epoch => complete(own.offset.min(leader.offset).min(own_end)),
        // An epoch that is not known here: the records of the epochs before it may still be too many.
        Some(own) => Truncation { to: own.offset.min(own_end), complete: false },
        None => complete(leader.offset.min(own_end)),
    }
}

/// How a follower goes on when its fetch offset is out of the leader's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The leader's log ends before this one: truncate to its end (after an unclean election).
    TruncateTo(Offset),
    /// The leader's log starts after this one ends: remove everything and start there.
    StartAt(Offset),
    /// The offset is in the leader's range by now: fetch from here.
    FetchFrom(Offset),
}

impl Reset {
    /// Decides by the end of the leader's log; None if its start is needed, too.
    pub fn by_leader_end(own_end: Offset, leader_end: Offset) -> Option<Self> {
        (leader_end < own_end).then_some(Self::TruncateTo(leader_end))
    }

    /// Decides by the start of the leader's log, once its end is known to lie past this log's end.
    pub fn by_leader_start(own_end: Offset, leader_start: Offset) -> Self {
        if leader_start > own_end { Self::StartAt(leader_start) } else { Self::FetchFrom(own_end) }
    }

    /// Where fetching goes on.
    pub fn fetch_offset(self) -> Offset {
        match self {
            Self::TruncateTo(offset) | Self::StartAt(offset) | Self::FetchFrom(offset) => offset,
        }
    }
}

#[cfg(test)]
mod tests;
