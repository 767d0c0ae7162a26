//! An incremental fetch session (KIP-227): the partitions of a client's fetches are stored, and only what
//! changed is read and sent.
//!
//! Pure. A partition of a session is *due* or *quiet*. A quiet one is watched: the session is notified when
//! its log or its role changes, and has nothing to send of it until then. A due one is read by the next
//! request. So a request costs what has changed, not what the session contains. A fetch outside any session
//! is a session of one request. [`cached`] is what a session knows of a partition, [`watching`] what it makes of
//! notices. Kafka: `FetchSession`, `IncrementalFetchContext`.

mod cached;
mod watching;

use std::collections::{BTreeMap, HashMap};

use self::cached::CachedPartition;
use super::delayed::{DelayedFetch, DelayedVerdict, FetchPosition, PartitionKey, Readable};
use super::{FetchOutcome, FetchReader, PartitionFetch};
use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// The session epoch of the request that begins the session.
const FIRST_EPOCH: i32 = 1;

/// What a request changes in its session.
#[derive(Clone, Debug, Default)]
pub struct SessionChanges {
    /// Partitions that are new, or fetched with other parameters than before.
    pub partitions: Vec<(TopicPartition, PartitionFetch)>,
    /// Partitions to remove.
    pub forgotten: Vec<TopicPartition>,
}

/// A request's turn in a session: the epoch that the session has after it, as long as no other request has
/// come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn(i32);

/// A partition that a request has to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePartition {
    /// Its key in the session.
    pub key: PartitionKey,
    /// Which partition.
    pub partition: TopicPartition,
    /// What is fetched of it.
    pub wanted: PartitionFetch,
    /// For a follower: until when its requests found it with everything that there was.
    pub idle: Option<IdleFetch>,
}

/// A follower's last request that was applied to a partition without reading it: the follower had everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleFetch {
    /// The leader epoch at that time.
    pub leader_epoch: LeaderEpoch,
    /// When the request came.
    pub at: Millis,
}

/// The outcome of reading a partition, besides the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundPosition {
    /// The positions of the fetch.
    pub position: FetchPosition,
    /// The high watermark before this fetch was applied.
    pub high_watermark: Offset,
    /// The log start.
    pub log_start_offset: Offset,
    /// The leader epoch in which the fetch was applied as a follower's.
    pub counted_in: Option<LeaderEpoch>,
}

/// The effects of a change of a watched partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether the session goes on watching the partition.
    pub keep: bool,
    /// Whether the waiting request has to check its state.
    pub wake: bool,
}

/// A session.
#[derive(Debug)]
pub struct FetchSession {
    reader: FetchReader,
    epoch: i32,
    created: Millis,
    /// When the last request came.
    used: Millis,
    cached: HashMap<PartitionKey, CachedPartition>,
    keys: HashMap<TopicPartition, PartitionKey>,
    /// The partitions to read next, by their places: a partition that was sent goes to the end, so that all
    /// get their turn.
    due: BTreeMap<u64, PartitionKey>,
    /// The next key, and the next place.
    next: u64,
    /// The request that waits, if one does.
    delayed: Option<(Turn, DelayedFetch)>,
}

impl FetchSession {
    /// A session whose first request asks for these partitions.
    pub fn new(
        reader: FetchReader,
        partitions: impl IntoIterator<Item = (TopicPartition, PartitionFetch)>,
        now: Millis,
    ) -> Self {
        let mut session = Self {
            reader,
            epoch: FIRST_EPOCH,
            created: now,
            used: now,
            cached: HashMap::new(),
            keys: HashMap::new(),
            due: BTreeMap::new(),
            next: 0,
            delayed: None,
        };
        partitions.into_iter().for_each(|(partition, wanted)| session.put(partition, wanted));
        session
    }

    /// The reader.
    pub fn reader(&self) -> FetchReader {
        self.reader
    }

    /// How many partitions it contains.
    pub fn len(&self) -> usize {
        self.cached.len()
    }

    /// Whether it contains none.
    pub fn is_empty(&self) -> bool {
        self.cached.is_empty()
    }

    /// When it was created.
    pub fn created(&self) -> Millis {
        self.created
    }

    /// When its last request came.
    pub fn used(&self) -> Millis {
        self.used
    }

    /// Its partitions, in no order.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.keys.keys()
    }

    // ---- a request comes ----

    /// The turn of the request that began the session.
    pub fn first_turn(&self) -> Turn {
        Turn(FIRST_EPOCH)
    }

    /// Applies a request of this epoch. A request that still waits ends.
    ///
    /// # Errors INVALID_FETCH_SESSION_EPOCH if the session is at another epoch.
    pub fn begin(
        &mut self,
        epoch: i32,
        reader: FetchReader,
        changes: SessionChanges,
        now: Millis,
    ) -> Result<Turn, ErrorCode> {
        if self.epoch != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        self.epoch = if self.epoch == i32::MAX { 1 } else { self.epoch + 1 };
        changes.partitions.into_iter().for_each(|(partition, wanted)| self.put(partition, wanted));
        changes.forgotten.iter().for_each(|partition| self.forget(partition));
        // From here on the request is applied to every quiet partition.
        self.used = now;
        if self.reader != reader {
            self.reader = reader;
            self.watch_anew();
        }
        Ok(Turn(self.epoch))
    }

    /// Makes all partitions due.
    pub fn make_all_due(&mut self) {
        let keys: Vec<_> = self.cached.keys().copied().collect();
        keys.into_iter().for_each(|key| self.fall_due(key));
    }

    /// The partitions that a request has to read, in their order.
    pub fn due(&self) -> Vec<DuePartition> {
        self.due.values().filter_map(|key| self.named(*key)).collect()
    }

    fn named(&self, key: PartitionKey) -> Option<DuePartition> {
        let CachedPartition { partition, wanted, idle, .. } = self.cached.get(&key)?;
        Some(DuePartition { key, partition: partition.clone(), wanted: *wanted, idle: *idle })
    }

    /// Applies the outcome of reading a partition; None if it failed, or the log has diverged.
    pub fn found(&mut self, key: PartitionKey, found: Option<FoundPosition>) {
        let Some(cached) = self.cached.get_mut(&key) else { return };
        let Some(found) = found else {
            cached.start = None;
            return self.refresh(key);
        };
        let FetchPosition { start, bound, throttled, .. } = found.position;
        if start.offset != cached.wanted.offset {
            // Another request has asked for another offset meanwhile, and reads the partition itself.
            return;
        }
        (cached.start, cached.throttled) = (Some(start), throttled);
        if !cached.is_watched {
            cached.bound = bound;
            (cached.high_watermark, cached.log_start) = (found.high_watermark, found.log_start_offset);
        }
        if found.counted_in.is_some() {
            (cached.counted_in, cached.idle) = (found.counted_in, None);
        }
        if self.epoch == FIRST_EPOCH && cached.sent_high_watermark < 0 {
            // It is not known what the client was sent before the session.
            cached.sent_high_watermark = found.high_watermark;
        }
        self.refresh(key);
    }

    // ---- waiting ----

    /// A request begins to wait for `min_bytes`; its due partitions are to be watched.
    pub fn wait(&mut self, turn: Turn, min_bytes: i32) {
        self.delayed = Some((turn, DelayedFetch::new(min_bytes)));
        let due: Vec<_> = self.due.values().copied().collect();
        for key in due {
            self.count(key);
        }
    }

    /// The state of the request that waits in this turn; it is answered if another one has come.
    pub fn verdict(&self, turn: Turn) -> DelayedVerdict {
        match &self.delayed {
            Some((waiting, delayed)) if *waiting == turn && self.is_current(turn) => delayed.verdict(),
            _ => DelayedVerdict::Satisfied,
        }
    }

    /// The partitions that the waiting request has to read again.
    pub fn take_to_examine(&mut self) -> Vec<DuePartition> {
        let Some((_, delayed)) = &mut self.delayed else { return Vec::new() };
        let keys = delayed.take_to_examine();
        keys.into_iter().filter_map(|key| self.named(key)).collect()
    }

    /// The waiting request has read a partition again: its state, and how many bytes can be read; None if
    /// reading failed, or the log has diverged, which is answered.
    pub fn examined(&mut self, key: PartitionKey, found: Option<(FoundPosition, i64)>) {
        self.found(key, found.map(|(found, _)| found));
        let (Some((_, delayed)), Some(cached)) = (&mut self.delayed, self.cached.get(&key)) else { return };
        match (found, cached.position().map(|position| position.readable())) {
            (Some((_, bytes)), Some(Readable::Unmeasured | Readable::Throttled)) => {
                delayed.count(key, Readable::Bytes(bytes));
            }
            (Some(_), Some(readable)) => delayed.count(key, readable),
            _ => delayed.complete(),
        }
    }

    /// The request of this turn waits no more.
    pub fn wait_over(&mut self, turn: Turn) {
        if self.delayed.as_ref().is_some_and(|(waiting, _)| *waiting == turn) {
            self.delayed = None;
        }
    }

    // ---- a request is answered ----

    /// Whether no other request has come since this turn.
    pub fn is_current(&self, turn: Turn) -> bool {
        self.epoch == turn.0
    }

    /// Selects the outcomes that the client has to be sent; their partitions go to the end.
    ///
    /// # Errors INVALID_FETCH_SESSION_EPOCH if another request of the session has come meanwhile.
    pub fn answer(
        &mut self,
        turn: Turn,
        mut outcomes: Vec<(TopicPartition, FetchOutcome)>,
    ) -> Result<Vec<(TopicPartition, FetchOutcome)>, ErrorCode> {
        if !self.is_current(turn) {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        outcomes.retain(|(partition, outcome)| {
            let Some(key) = self.keys.get(partition).copied() else { return true };
            let is_sent = self.send(key, outcome);
            if is_sent {
                self.put_last(key);
            }
            self.refresh(key);
            is_sent
        });
        Ok(outcomes)
    }

    /// Whether the client has to be sent this outcome in this turn; changes nothing.
    pub fn must_respond(&self, turn: Turn, partition: &TopicPartition, outcome: &FetchOutcome) -> bool {
        let cached = self.keys.get(partition).and_then(|key| self.cached.get(key));
        self.is_current(turn) && cached.is_none_or(|cached| cached.must_respond(outcome))
    }

    /// Applies the answer that begins the session: everything is sent, and stays in the order of the answer.
    pub fn answer_first(&mut self, outcomes: &[(TopicPartition, FetchOutcome)]) {
        for (partition, outcome) in outcomes {
            let Some(key) = self.keys.get(partition).copied() else { continue };
            self.send(key, outcome);
            self.put_last(key);
            self.refresh(key);
        }
    }

    /// Stores what a client is sent of a partition; returns whether it has to be sent at all.
    fn send(&mut self, key: PartitionKey, outcome: &FetchOutcome) -> bool {
        self.cached.get_mut(&key).is_none_or(|cached| cached.send(outcome))
    }

    // ---- the partitions ----

    fn put(&mut self, partition: TopicPartition, wanted: PartitionFetch) {
        if let Some(key) = self.keys.get(&partition).copied() {
            if let Some(cached) = self.cached.get_mut(&key) {
                cached.wanted = wanted;
            }
            return self.fall_due(key);
        }
        let key = self.next;
        self.next += 1;
        let cached = CachedPartition::new(partition.clone(), key, wanted);
        self.keys.insert(partition, key);
        self.cached.insert(key, cached);
        self.due.insert(key, key);
    }

    fn forget(&mut self, partition: &TopicPartition) {
        if let Some(key) = self.keys.remove(partition)
            && let Some(cached) = self.cached.remove(&key)
        {
            self.due.remove(&cached.slot);
        }
    }

    /// Nothing that is watched for the former reader counts: all partitions get other keys.
    fn watch_anew(&mut self) {
        self.due.clear();
        for (_, mut cached) in std::mem::take(&mut self.cached) {
            let key = self.next;
            self.next += 1;
            (cached.start, cached.is_watched) = (None, false);
            (cached.counted_in, cached.idle) = (None, None);
            self.keys.insert(cached.partition.clone(), key);
            self.due.insert(cached.slot, key);
            self.cached.insert(key, cached);
        }
    }

    fn put_last(&mut self, key: PartitionKey) {
        let Some(cached) = self.cached.get_mut(&key) else { return };
        if self.due.remove(&cached.slot).is_some() {
            self.due.insert(self.next, key);
        }
        cached.slot = self.next;
        self.next += 1;
    }

    /// Makes a partition due or quiet by its state.
    fn refresh(&mut self, key: PartitionKey) {
        let Some(cached) = self.cached.get_mut(&key) else { return };
        if cached.is_quiet(self.reader) {
            cached.idle = None;
            self.due.remove(&cached.slot);
        } else {
            self.due.insert(cached.slot, key);
        }
    }
}

#[cfg(test)]
mod tests;
