//! What a fetcher does next, for each partition that it follows from one leader.
//!
//! Pure. A partition is first truncated to what the leader has ([`super::truncation`]), then fetched. One
//! that fails waits for a while, one that cannot go on is given up until the controller describes it again.
//! Knows neither logs nor connections: their state comes as parameters. Kafka: `AbstractFetcherThread`,
//! `PartitionFetchState`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::session::{FetcherRequest, Want};
use super::truncation::Truncation;
use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::wire::fetch_session::FetchSessionHandler;

/// Where following begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The follower's high watermark.
    pub offset: Offset,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Truncating,
    Fetching,
}

/// The state of a followed partition.
#[derive(Clone, Copy, Debug)]
struct Row {
    offset: Offset,
    /// By how much the leader's high watermark was ahead; None before the first answer.
    lag: Option<Offset>,
    leader_epoch: LeaderEpoch,
    delayed_until: Millis,
    stage: Stage,
    slot: u64,
    /// Whether it is left out because replication is throttled.
    throttled: bool,
}

impl Row {
    fn is_ready(&self, now: Millis) -> bool {
        self.stage == Stage::Fetching && self.delayed_until <= now
    }

    /// Whether it is known to have everything that is replicated.
    fn is_in_sync(&self) -> bool {
        self.lag.is_some_and(|lag| lag <= 0)
    }
}

/// A partition whose log is to be truncated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncating {
    /// The partition.
    pub partition: TopicPartition,
    /// The leader's epoch, in which the log is truncated.
    pub leader_epoch: LeaderEpoch,
    /// Where to truncate if the leader epochs give no better offset.
    pub fetch_offset: Offset,
}

/// What to do after a partition's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Append what was fetched, then call [`Plan::appended`], [`Plan::delay`] or [`Plan::give_up`].
    Append,
    /// Ask the leader for its range, then call [`Plan::reset`] or [`Plan::refused`].
    AskRange,
    /// Nothing: it is tried again after the backoff.
    Later,
    /// Nothing: it is given up until the controller describes it again.
    GivenUp,
    /// Nothing: the partition has changed since it was asked for.
    Stale,
}

/// The partitions that one fetcher follows.
#[derive(Clone, Debug)]
pub struct Plan {
    backoff: Millis,
    rows: HashMap<TopicPartition, Row>,
    /// In the order they are asked for. A partition that was fetched goes to the end, so that all get their
    /// turn.
    order: BTreeMap<u64, TopicPartition>,
    next_slot: u64,
    /// The keys of the partitions to be truncated.
    truncating: BTreeSet<u64>,
    /// The keys of the fetched partitions that are not known to be in sync, which may be throttled.
    behind: BTreeSet<u64>,
    /// The keys of the delayed partitions, by the end of the delay.
    delayed: BTreeSet<(Millis, u64)>,
    /// The keys of the partitions that may differ from the last request: the next request looks at these
    /// alone.
    changed: BTreeSet<u64>,
    /// The partitions that were removed since the last request.
    gone: BTreeSet<TopicPartition>,
    given_up: BTreeSet<TopicPartition>,
    session: FetchSessionHandler<Want>,
}

impl Plan {
    /// Nothing to follow yet; `backoff` is `replica.fetch.backoff.ms`.
    pub fn new(backoff: Millis) -> Self {
        Self {
            backoff,
            rows: HashMap::new(),
            order: BTreeMap::new(),
            next_slot: 0,
            truncating: BTreeSet::new(),
            behind: BTreeSet::new(),
            delayed: BTreeSet::new(),
            changed: BTreeSet::new(),
            gone: BTreeSet::new(),
            given_up: BTreeSet::new(),
            session: FetchSessionHandler::default(),
        }
    }

    /// Follows a partition, unless it is followed in this epoch already.
    pub fn add(&mut self, partition: TopicPartition, start: Start) {
        self.given_up.remove(&partition);
        if self.rows.get(&partition).is_some_and(|row| row.leader_epoch == start.leader_epoch) {
            return;
        }
        let Start { offset, leader_epoch } = start;
        let (stage, lag) = (Stage::Truncating, None);
        let row = Row { offset, lag, leader_epoch, delayed_until: 0, stage, slot: 0, throttled: false };
        self.put(&partition, row);
    }

    /// Stops following a partition.
    pub fn remove(&mut self, partition: &TopicPartition) {
        self.given_up.remove(partition);
        self.forget(partition);
    }

    /// How many partitions are followed.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The partitions given up.
    pub fn given_up(&self) -> &BTreeSet<TopicPartition> {
        &self.given_up
    }

    /// By how much the leader's high watermark was ahead of a partition; None before its first answer.
    pub fn lag(&self, partition: &TopicPartition) -> Option<Offset> {
        self.rows.get(partition)?.lag
    }

    /// The largest lag.
    pub fn max_lag(&self) -> Offset {
        let rows = self.behind.iter().filter_map(|slot| self.rows.get(self.order.get(slot)?));
        rows.filter_map(|row| row.lag).max().unwrap_or(0)
    }

    /// The fetch offset of a partition.
    pub fn fetch_offset(&self, partition: &TopicPartition) -> Option<Offset> {
        self.rows.get(partition).map(|row| row.offset)
    }

    // ---- truncating ----

    /// The partitions whose logs are to be truncated before they are fetched.
    pub fn truncating(&self, now: Millis) -> Vec<Truncating> {
        let due = self.truncating.iter().filter_map(|slot| {
            let partition = self.order.get(slot)?;
            let row = self.rows.get(partition)?;
            (row.delayed_until <= now).then(|| Truncating {
                partition: partition.clone(),
                leader_epoch: row.leader_epoch,
                fetch_offset: row.offset,
            })
        });
        due.collect()
    }

    /// Whether a partition is still to be truncated in this epoch: the controller has not changed it
    /// meanwhile.
    pub fn is_truncating(&self, partition: &TopicPartition, leader_epoch: LeaderEpoch) -> bool {
        self.rows
            .get(partition)
            .is_some_and(|row| row.stage == Stage::Truncating && row.leader_epoch == leader_epoch)
    }

    /// A log was truncated.
    pub fn truncated(
        &mut self,
        partition: &TopicPartition,
        leader_epoch: LeaderEpoch,
        truncation: Truncation,
    ) {
        if let Some(row) = self.rows.get(partition).copied().filter(|row| row.leader_epoch == leader_epoch) {
            let stage = if truncation.complete { Stage::Fetching } else { Stage::Truncating };
            self.update(partition, Row { offset: truncation.to, stage, ..row });
        }
    }

    // ---- fetching ----

    /// A partition's own log start has moved since the last request.
    pub fn log_start_moved(&mut self, partition: &TopicPartition) {
        if let Some(row) = self.rows.get(partition) {
            self.changed.insert(row.slot);
        }
    }

    /// The next request; None if there is nothing to ask for. `log_start` gives the start of a partition's
    /// own log, None if its directory has failed; `throttled` is whether a partition that is not in sync may
    /// not be fetched now.
    pub fn request(
        &mut self,
        now: Millis,
        mut log_start: impl FnMut(&TopicPartition) -> Option<Offset>,
        mut throttled: impl FnMut(&TopicPartition) -> bool,
    ) -> Option<FetcherRequest> {
        self.end_delays(now);
        self.weigh_throttles(&mut throttled);
        let is_full = self.session.is_full();
        let changed = std::mem::take(&mut self.changed);
        let gone = std::mem::take(&mut self.gone);
        let slots: Vec<_> =
            if is_full { self.order.keys().copied().collect() } else { changed.into_iter().collect() };
        let (mut changes, mut failed) = (Vec::with_capacity(slots.len()), Vec::new());
        for slot in slots {
            let Some(partition) = self.order.get(&slot) else { continue };
            let ready = self.rows.get(partition).filter(|row| row.is_ready(now) && !row.throttled);
            let want = ready.and_then(|row| {
                let (offset, leader_epoch) = (row.offset, row.leader_epoch);
                let log_start = log_start(partition);
                if log_start.is_none() {
                    failed.push(partition.clone());
                }
                log_start.map(|log_start| Want { offset, log_start, leader_epoch })
            });
            changes.push((partition.clone(), want));
        }
        changes.extend(gone.into_iter().map(|partition| (partition, None)));
        for partition in failed {
            self.delay(&partition, now);
        }
        let request = self.session.change(changes);
        (!self.session.is_empty() || !request.to_forget.is_empty()).then_some(request)
    }

    /// Partitions whose delay is over are asked for again.
    fn end_delays(&mut self, now: Millis) {
        while let Some((until, slot)) = self.delayed.first().copied().filter(|(until, _)| *until <= now) {
            self.delayed.remove(&(until, slot));
            self.changed.insert(slot);
        }
    }

    /// Partitions that are behind are left out while they are throttled.
    fn weigh_throttles(&mut self, throttled: &mut impl FnMut(&TopicPartition) -> bool) {
        for slot in &self.behind {
            let Some(row) = self.order.get(slot).and_then(|partition| {
                let is_throttled = throttled(partition);
                self.rows.get_mut(partition).filter(|row| row.throttled != is_throttled)
            }) else {
                continue;
            };
            row.throttled = !row.throttled;
            self.changed.insert(*slot);
        }
    }

    /// Applies an answer as a whole; false if nothing in it may be used.
    pub fn answered(&mut self, error: ErrorCode, session_id: i32, named: &[TopicPartition]) -> bool {
        self.session.answered(error, session_id, named)
    }

    /// There was no answer: all partitions are delayed.
    pub fn unanswered(&mut self, now: Millis) {
        self.session.failed();
        let all: Vec<_> = self.order.values().cloned().collect();
        for partition in all {
            self.delay(&partition, now);
        }
    }

    /// What to do after the answer for a partition of the last request.
    pub fn judge(&mut self, partition: &TopicPartition, error: ErrorCode, now: Millis) -> (Verdict, Want) {
        let Some(asked) = self.session.wanted(partition).copied() else {
            return (Verdict::Stale, Want { offset: -1, log_start: -1, leader_epoch: -1 });
        };
        let current = self.rows.get(partition).filter(|row| row.offset == asked.offset && row.is_ready(now));
        let verdict = match error {
            _ if current.is_none() => Verdict::Stale,
            ErrorCode::None => Verdict::Append,
            ErrorCode::OffsetOutOfRange => Verdict::AskRange,
            error => self.refused(partition, asked.leader_epoch, error, now),
        };
        (verdict, asked)
    }

    /// Records were appended, up to `next`; the leader's high watermark is `high_watermark`.
    pub fn appended(&mut self, partition: &TopicPartition, next: Offset, high_watermark: Offset) {
        let Some(row) = self.rows.get(partition) else { return };
        let row = Row { lag: Some((high_watermark - next).max(0)), ..*row };
        if next > row.offset {
            self.put(partition, Row { offset: next, ..row });
        } else {
            self.update(partition, row);
        }
    }

    /// Fetching goes on at an offset of the leader's range, which ends at `leader_end`.
    pub fn reset(
        &mut self,
        partition: &TopicPartition,
        leader_epoch: LeaderEpoch,
        offset: Offset,
        leader_end: Offset,
    ) {
        if let Some(row) = self.rows.get(partition).copied().filter(|row| row.leader_epoch == leader_epoch) {
            let lag = Some((leader_end - offset).max(0));
            self.put(partition, Row { offset, lag, delayed_until: 0, stage: Stage::Fetching, ..row });
        }
    }

    /// The leader refused a request made in this epoch: a fenced partition is given up, unless the controller
    /// has described it meanwhile; any other is tried again.
    pub fn refused(
        &mut self,
        partition: &TopicPartition,
        leader_epoch: LeaderEpoch,
        error: ErrorCode,
        now: Millis,
    ) -> Verdict {
        let Some(row) = self.rows.get(partition) else { return Verdict::Stale };
        if error == ErrorCode::FencedLeaderEpoch && row.leader_epoch == leader_epoch {
            self.give_up(partition);
            return Verdict::GivenUp;
        }
        self.delay(partition, now);
        Verdict::Later
    }

    /// Delays a partition.
    pub fn delay(&mut self, partition: &TopicPartition, now: Millis) {
        if let Some(row) = self.rows.get(partition).copied().filter(|row| row.delayed_until <= now) {
            self.put(partition, Row { delayed_until: now + self.backoff, ..row });
        }
    }

    /// Gives a partition up until the controller describes it again.
    pub fn give_up(&mut self, partition: &TopicPartition) {
        if self.forget(partition) {
            self.given_up.insert(partition.clone());
        }
    }

    fn forget(&mut self, partition: &TopicPartition) -> bool {
        let Some(row) = self.rows.remove(partition) else { return false };
        self.leave(&row);
        self.gone.insert(partition.clone());
        true
    }

    /// Moves a row to the end.
    fn put(&mut self, partition: &TopicPartition, row: Row) {
        let slot = self.next_slot;
        self.next_slot += 1;
        self.update(partition, Row { slot, ..row });
    }

    /// Puts a row at its place in the order.
    fn update(&mut self, partition: &TopicPartition, row: Row) {
        let is_fetched = row.stage == Stage::Fetching;
        let row = Row { throttled: row.throttled && is_fetched && !row.is_in_sync(), ..row };
        if let Some(old) = self.rows.insert(partition.clone(), row) {
            self.leave(&old);
        }
        self.gone.remove(partition);
        self.order.insert(row.slot, partition.clone());
        self.changed.insert(row.slot);
        if !is_fetched {
            self.truncating.insert(row.slot);
        } else if !row.is_in_sync() {
            self.behind.insert(row.slot);
        }
        if row.delayed_until > 0 {
            self.delayed.insert((row.delayed_until, row.slot));
        }
    }

    /// Removes a row's keys.
    fn leave(&mut self, row: &Row) {
        self.order.remove(&row.slot);
        self.truncating.remove(&row.slot);
        self.behind.remove(&row.slot);
        self.changed.remove(&row.slot);
        self.delayed.remove(&(row.delayed_until, row.slot));
    }
}

#[cfg(test)]
mod tests;
