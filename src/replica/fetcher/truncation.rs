//! Where a follower cuts its log before it fetches from a leader.
//!
//! Pure. Leader and follower compare where their leader epochs end (KIP-101, KIP-279); where one of them knows no
//! epochs, the high watermark decides. Never touches a log: what is to be done is a value. Kafka:
//! `AbstractFetcherThread.getOffsetTruncationState`, `fetchOffsetAndTruncate`.

use crate::base::{LeaderEpoch, Offset};

/// Up to where a log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// The records from this offset on go.
    pub to: Offset,
    /// Whether what is left is the leader's; else the leader is asked once more, for an earlier epoch.
    pub complete: bool,
}

/// Where an epoch ends in the leader's log, as OffsetForLeaderEpoch answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// The largest epoch there up to the one asked for; -1 from a leader that does not tell it (version 0).
    pub epoch: LeaderEpoch,
    /// Where it ends; -1 where the leader does not know the epoch.
    pub offset: Offset,
}

/// Cuts by what the leader says of this log's latest epoch. `fetch_offset` is the offset the follower began with, its
/// high watermark; `own_end` is where its log ends; `own_epoch_end` gives the largest epoch in it up to another, and
/// where that ends.
pub fn by_epoch(
    leader: EpochEnd,
    fetch_offset: Offset,
    own_end: Offset,
    own_epoch_end: impl FnOnce(LeaderEpoch) -> Option<(LeaderEpoch, Offset)>,
) -> Truncation {
    let complete = |to: Offset| Truncation { to, complete: true };
    if leader.offset < 0 {
        return complete(fetch_offset);
    }
    if leader.epoch < 0 {
        return complete(leader.offset.min(own_end));
    }
    match own_epoch_end(leader.epoch) {
        Some((epoch, end)) if epoch == leader.epoch => complete(end.min(leader.offset).min(own_end)),
        // An epoch that is not known here: what this log has of the epochs before it may still be too much.
        Some((_, end)) => Truncation { to: end.min(own_end), complete: false },
        None => complete(leader.offset.min(own_end)),
    }
}

/// How a follower goes on whose fetch offset is out of the leader's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The leader's log ends before this one: cut there (after an unclean election).
    TruncateTo(Offset),
    /// The leader's log starts after this one ends: forget everything and start there.
    StartAt(Offset),
    /// The offset is in the leader's range by now: fetch on from here.
    FetchFrom(Offset),
}

impl Reset {
    /// Decides by where the leader's log ends; None where it takes its start, too, to tell.
    pub fn by_leader_end(own_end: Offset, leader_end: Offset) -> Option<Self> {
        (leader_end < own_end).then_some(Self::TruncateTo(leader_end))
    }

    /// Decides by where the leader's log starts, once its end is known to lie past this log's end.
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
