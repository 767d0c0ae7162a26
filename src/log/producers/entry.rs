//! What is remembered of one producer. Kafka: `ProducerStateEntry`, `BatchMetadata`.
//!
//! Pure.

use std::collections::VecDeque;

use crate::base::{LeaderEpoch, Millis, Offset, ProducerEpoch, ProducerId};
use crate::wire::batch::{BatchHeader, NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP, add_to_sequence};

/// As many batches may be in flight at once, so as many may come again.
const BATCHES_KEPT: usize = 5;

/// A batch in the log, as far as it is needed to recognise a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMetadata {
    /// Its last sequence number.
    pub last_sequence: i32,
    /// Its last offset.
    pub last_offset: Offset,
    /// Last offset minus first offset.
    pub offset_delta: i32,
    /// Its largest timestamp.
    pub timestamp: Millis,
}

impl BatchMetadata {
    /// Its first sequence number.
    pub fn first_sequence(&self) -> i32 {
        add_to_sequence(self.last_sequence, self.offset_delta.wrapping_neg())
    }

    /// Its first offset.
    pub fn first_offset(&self) -> Offset {
        self.last_offset.wrapping_sub(i64::from(self.offset_delta))
    }
}

/// What is remembered of one producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// The producer.
    pub producer_id: ProducerId,
    /// Its epoch; -1 before any batch.
    pub epoch: ProducerEpoch,
    /// Epoch of the coordinator whose marker came last; -1 before any.
    pub coordinator_epoch: LeaderEpoch,
    /// Timestamp of its last batch or marker; -1 before any.
    pub last_timestamp: Millis,
    /// First offset of its open transaction.
    pub transaction_start: Option<Offset>,
    pub(super) batches: VecDeque<BatchMetadata>,
}

impl ProducerEntry {
    /// A producer that has written nothing yet.
    pub fn new(producer_id: ProducerId) -> Self {
        Self {
            producer_id,
            epoch: NO_PRODUCER_EPOCH,
            coordinator_epoch: -1,
            last_timestamp: NO_TIMESTAMP,
            transaction_start: None,
            batches: VecDeque::new(),
        }
    }

    /// Its last batches of this epoch, oldest first, at most five.
    pub fn batches(&self) -> impl Iterator<Item = &BatchMetadata> {
        self.batches.iter()
    }

    /// The last sequence number of its last batch; -1 if it has none.
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    /// The last offset of its last batch; -1 if it has none.
    pub fn last_data_offset(&self) -> Offset {
        self.batches.back().map_or(-1, |batch| batch.last_offset)
    }

    /// Last minus first offset of its last batch; 0 if it has none.
    pub fn last_offset_delta(&self) -> i32 {
        self.batches.back().map_or(0, |batch| batch.offset_delta)
    }

    /// The batch that has the same sequence numbers, in the same epoch.
    pub fn duplicate_of(&self, batch: &BatchHeader) -> Option<BatchMetadata> {
        if batch.producer_epoch != self.epoch {
            return None;
        }
        let wanted = (batch.base_sequence, batch.last_sequence());
        self.batches.iter().find(|it| (it.first_sequence(), it.last_sequence) == wanted).copied()
    }

    pub(super) fn is_expired(&self, now: Millis, expiration: Millis) -> bool {
        self.transaction_start.is_none() && now.saturating_sub(self.last_timestamp) >= expiration
    }

    pub(super) fn set_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.batches.clear();
            self.epoch = epoch;
        }
    }

    pub(super) fn add_batch(&mut self, epoch: ProducerEpoch, batch: BatchMetadata) {
        self.set_epoch(epoch);
        self.keep(batch);
        self.last_timestamp = batch.timestamp;
    }

    pub(super) fn update(&mut self, next: ProducerEntry) {
        self.set_epoch(next.epoch);
        for batch in next.batches {
            self.keep(batch);
        }
        self.coordinator_epoch = next.coordinator_epoch;
        self.transaction_start = next.transaction_start;
        self.last_timestamp = next.last_timestamp;
    }

    fn keep(&mut self, batch: BatchMetadata) {
        if self.batches.len() == BATCHES_KEPT {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
    }
}
