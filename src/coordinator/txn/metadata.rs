//! What the coordinator knows of one transactional id, and how it changes: first a change is prepared and appended, and
//! once the append is done it is in force (`TransactionMetadata`, `TxnTransitMetadata`).
//!
//! Pure. While a change is pending nothing else may change the id: requests are refused with CONCURRENT_TRANSACTIONS.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::TransactionResult;
use super::records::{TransactionLogValue, TransactionPartitions};
use super::state::TransactionState;
use crate::base::ids::by_topic;
use crate::base::{Millis, ProducerEpoch, ProducerId, TopicPartition};
use crate::coordinator::machine::TransactionalProducer;
use crate::wire::error_code::ErrorCode;

/// What stands for no producer.
const NO_PRODUCER: TransactionalProducer = TransactionalProducer { id: -1, epoch: -1 };
/// What stands for no start of a transaction.
const NO_TIMESTAMP: Millis = -1;

/// Whether a producer with this epoch gets a new id instead of the next epoch. One epoch is left above, so that the
/// coordinator can always fence the producer off.
fn is_epoch_exhausted(epoch: ProducerEpoch) -> bool {
    epoch >= ProducerEpoch::MAX - 1
}

/// What is so of a transactional id now, or once its pending change is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "TxnTransitMetadata")]
struct TransactionFacts {
    producer: TransactionalProducer,
    /// The producer that it was before it asked for its epoch to be raised (KIP-360), so that it may ask again where
    /// the answer was lost; -1 for none. Not in the log.
    last_producer: TransactionalProducer,
    timeout_ms: i32,
    state: TransactionState,
    /// The transaction's partitions. While markers are written: those that still lack one.
    partitions: BTreeSet<TopicPartition>,
    /// When the transaction began; -1 before the first.
    start: Millis,
    last_update: Millis,
}

/// A transactional id, and its transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TransactionMetadata {
    current: TransactionFacts,
    /// The change that is being appended, or that waits for its markers. Invariant: its state may follow this one.
    pending: Option<TransactionFacts>,
    /// Whether the epoch was raised to fence the producer off, and the append of that failed: the raised epoch is given
    /// to no producer, so the next fence need not raise it again.
    has_failed_epoch_fence: bool,
}

/// Where a producer that asks for its id and epoch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InitStep {
    /// Its change is pending, to be appended.
    Pending,
    /// A new producer id is needed first.
    NeedsProducerId,
    /// It has an open transaction, which must be aborted first.
    IsOngoing,
}

/// Where a transaction that is to end stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndStep {
    /// Its end is pending, to be appended.
    Pending,
    /// It has ended so already.
    Ended,
}

impl TransactionMetadata {
    /// A transactional id that is new, with a producer id and no epoch yet.
    pub fn new(producer_id: ProducerId, timeout_ms: i32, now: Millis) -> Self {
        Self::of(TransactionFacts {
            producer: TransactionalProducer { id: producer_id, epoch: NO_PRODUCER.epoch },
            last_producer: NO_PRODUCER,
            timeout_ms,
            state: TransactionState::Empty,
            partitions: BTreeSet::new(),
            start: NO_TIMESTAMP,
            last_update: now,
        })
    }

    /// A transactional id as its last record has it.
    pub fn of_record(value: TransactionLogValue) -> Self {
        let TransactionLogValue { producer, timeout_ms, state, partitions, last_update, start } = value;
        let listed = if state == TransactionState::Empty { None } else { partitions };
        let partitions =
            listed.into_iter().flatten().flat_map(|TransactionPartitions { topic, partitions }| {
                let topic: Arc<str> = topic.into();
                partitions.into_iter().map(move |number| TopicPartition::new(topic.clone(), number))
            });
        Self::of(TransactionFacts {
            producer,
            last_producer: NO_PRODUCER,
            timeout_ms,
            state,
            partitions: partitions.collect(),
            start,
            last_update,
        })
    }

    fn of(current: TransactionFacts) -> Self {
        Self { current, pending: None, has_failed_epoch_fence: false }
    }

    /// The producer that the transactional id has now.
    pub fn producer(&self) -> TransactionalProducer {
        self.current.producer
    }

    /// Where the transaction is.
    pub fn state(&self) -> TransactionState {
        self.current.state
    }

    /// The partitions of the transaction, or those that still lack their markers.
    pub fn partitions(&self) -> &BTreeSet<TopicPartition> {
        &self.current.partitions
    }

    /// The value of the record that makes the pending change last.
    pub fn pending_value(&self) -> Option<TransactionLogValue> {
        let pending = self.pending.as_ref()?;
        let topics = || {
            let numbered = pending.partitions.iter().map(|it| (it, it.partition));
            by_topic(numbered)
                .map(|(topic, partitions)| TransactionPartitions { topic: (*topic).into(), partitions })
        };
        Some(TransactionLogValue {
            producer: pending.producer,
            timeout_ms: pending.timeout_ms,
            state: pending.state,
            partitions: (pending.state != TransactionState::Empty).then(|| topics().collect()),
            last_update: pending.last_update,
            start: pending.start,
        })
    }

    /// Whether an open transaction has lasted longer than it may.
    pub fn has_timed_out(&self, now: Millis) -> bool {
        let deadline = self.current.start.saturating_add(self.current.timeout_ms.into());
        self.pending.is_none() && self.current.state == TransactionState::Ongoing && deadline < now
    }

    /// Whether nothing has happened since so long ago that the id expires.
    pub fn is_expired(&self, now: Millis, expiration_ms: Millis) -> bool {
        self.pending.is_none()
            && self.current.state.is_expiration_allowed()
            && self.current.last_update <= now.saturating_sub(expiration_ms)
    }

    /// Prepares that a producer gets its id and epoch. `expected` is the one that the producer believes to have
    /// (KIP-360), `fresh` a new producer id in case one is needed.
    ///
    /// # Errors
    /// CONCURRENT_TRANSACTIONS: something else is pending. PRODUCER_FENCED: the producer is not the one expected.
    pub fn prepare_init(
        &mut self,
        timeout_ms: i32,
        expected: Option<TransactionalProducer>,
        fresh: Option<ProducerId>,
        now: Millis,
    ) -> Result<InitStep, ErrorCode> {
        if self.pending.is_some() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        if expected.is_some_and(|expected| !self.may_expect(expected)) {
            return Err(ErrorCode::ProducerFenced);
        }
        match self.current.state {
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => {
                return Err(ErrorCode::ConcurrentTransactions);
            }
            TransactionState::Ongoing => return Ok(InitStep::IsOngoing),
            TransactionState::Dead | TransactionState::PrepareEpochFence => {
                return Err(ErrorCode::UnknownServerError);
            }
            _ => {}
        }
        let current = self.current.producer;
        let is_current = expected.is_none_or(|expected| expected.epoch == current.epoch);
        let (producer, last_epoch) = if is_epoch_exhausted(current.epoch) && is_current {
            let Some(id) = fresh else { return Ok(InitStep::NeedsProducerId) };
            let last = if expected.is_some() { current.epoch } else { NO_PRODUCER.epoch };
            (TransactionalProducer { id, epoch: 0 }, last)
        } else {
            let (epoch, last) = self.next_epoch(expected)?;
            (TransactionalProducer { epoch, ..current }, last)
        };
        self.pending = Some(TransactionFacts {
            producer,
            last_producer: TransactionalProducer { id: current.id, epoch: last_epoch },
            timeout_ms,
            state: TransactionState::Empty,
            partitions: BTreeSet::new(),
            start: NO_TIMESTAMP,
            last_update: now,
        });
        Ok(InitStep::Pending)
    }

    /// Whether a producer may believe to be this one: the id is new, or the producer has it, or it had the one before
    /// until its epochs were used up and did not get the answer then.
    fn may_expect(&self, expected: TransactionalProducer) -> bool {
        self.current.producer.epoch == NO_PRODUCER.epoch
            || expected.id == self.current.producer.id
            || expected.id == self.current.last_producer.id && is_epoch_exhausted(expected.epoch)
    }

    /// The epoch that a producer gets, and the one that it had (-1 where it may not come back with it).
    fn next_epoch(
        &self,
        expected: Option<TransactionalProducer>,
    ) -> Result<(ProducerEpoch, ProducerEpoch), ErrorCode> {
        let current = self.current.producer.epoch;
        if is_epoch_exhausted(current) {
            return Err(ErrorCode::UnknownServerError);
        }
        match expected {
            None => Ok((current + 1, NO_PRODUCER.epoch)),
            Some(expected) if current == NO_PRODUCER.epoch || expected.epoch == current => {
                Ok((current + 1, current))
            }
            // The producer asks again for what it was given: any other producer would have set the last epoch to -1.
            Some(expected) if expected.epoch == self.current.last_producer.epoch => {
                Ok((current, expected.epoch))
            }
            Some(_) => Err(ErrorCode::ProducerFenced),
        }
    }

    /// Prepares that partitions enter the transaction; false where they are in it already.
    ///
    /// # Errors
    /// INVALID_PRODUCER_ID_MAPPING and PRODUCER_FENCED: it is not this producer. CONCURRENT_TRANSACTIONS: something
    /// else is pending.
    pub fn prepare_add_partitions(
        &mut self,
        producer: TransactionalProducer,
        added: BTreeSet<TopicPartition>,
        now: Millis,
    ) -> Result<bool, ErrorCode> {
        self.check_producer(producer)?;
        if self.pending.is_some() || self.current.state.decided().is_some() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        let is_open = self.current.state == TransactionState::Ongoing;
        if is_open && added.is_subset(&self.current.partitions) {
            return Ok(false);
        }
        let start = if is_open { self.current.start } else { now };
        let partitions = self.current.partitions.iter().cloned().chain(added).collect();
        self.prepare(TransactionFacts {
            partitions,
            start,
            ..self.unchanged(TransactionState::Ongoing, now)
        })?;
        Ok(true)
    }

    /// Prepares that the transaction ends as its producer asks.
    ///
    /// # Errors
    /// INVALID_PRODUCER_ID_MAPPING and PRODUCER_FENCED: it is not this producer. CONCURRENT_TRANSACTIONS: something
    /// else is pending, or markers are being written. INVALID_TXN_STATE: there is no transaction, or it ends or has
    /// ended the other way.
    pub fn prepare_end(
        &mut self,
        producer: TransactionalProducer,
        result: TransactionResult,
        now: Millis,
    ) -> Result<EndStep, ErrorCode> {
        self.check_producer(producer)?;
        if self.pending.is_some() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        match self.current.state {
            TransactionState::Ongoing => {
                self.prepare(self.unchanged(TransactionState::prepared(result), now))?;
                Ok(EndStep::Pending)
            }
            state if state == TransactionState::completed(result) => Ok(EndStep::Ended),
            state if state == TransactionState::prepared(result) => Err(ErrorCode::ConcurrentTransactions),
            TransactionState::Dead | TransactionState::PrepareEpochFence => {
                Err(ErrorCode::UnknownServerError)
            }
            _ => Err(ErrorCode::InvalidTxnState),
        }
    }

    /// Raises the epoch, so that the producer is fenced off, and prepares that its open transaction is aborted. The
    /// epoch is raised at once, and stays so whatever comes of the append.
    ///
    /// # Errors
    /// CONCURRENT_TRANSACTIONS: something else is pending. UNKNOWN_SERVER_ERROR: no transaction is open.
    pub fn prepare_fence(&mut self, now: Millis) -> Result<(), ErrorCode> {
        if self.pending.is_some() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        if !TransactionState::PrepareEpochFence.may_follow(self.current.state) {
            return Err(ErrorCode::UnknownServerError);
        }
        if !self.has_failed_epoch_fence {
            let raised = self.current.producer.epoch.checked_add(1);
            self.current.producer.epoch = raised.ok_or(ErrorCode::UnknownServerError)?;
        }
        self.current.last_producer.epoch = NO_PRODUCER.epoch;
        self.prepare(self.unchanged(TransactionState::PrepareAbort, now))
    }

    /// Prepares that the decided transaction is complete: its change waits for the markers.
    pub fn prepare_complete(&mut self, now: Millis) -> Option<TransactionResult> {
        let result = self.current.state.decided()?;
        // The end is in the log, and with it the epoch.
        self.has_failed_epoch_fence = false;
        let partitions = BTreeSet::new();
        self.prepare(TransactionFacts {
            partitions,
            ..self.unchanged(TransactionState::completed(result), now)
        })
        .ok()?;
        Some(result)
    }

    /// Prepares that the id is removed.
    pub fn prepare_dead(&mut self) {
        let transition = self.unchanged(TransactionState::Dead, self.current.last_update);
        self.pending.get_or_insert(transition);
    }

    /// These partitions have their markers, or need none; whether the complete transaction can be appended now.
    pub fn markers_written(&mut self, written: &[TopicPartition]) -> bool {
        let is_decided = self.current.state.decided().is_some() && self.pending.is_some();
        if is_decided {
            for partition in written {
                self.current.partitions.remove(partition);
            }
        }
        is_decided && self.current.partitions.is_empty()
    }

    /// The pending change is in the log, and in force.
    pub fn complete_transition(&mut self) {
        let Some(to) = self.pending.take() else { return };
        assert!(to.state.may_follow(self.current.state), "{:?} follows {:?}", to.state, self.current.state);
        self.current = to;
    }

    /// The pending change was not appended, or it is not certain: it is dropped.
    pub fn abandon_transition(&mut self) {
        self.pending = None;
    }

    /// The append of a fence failed.
    pub fn abandon_fence(&mut self) {
        self.abandon_transition();
        self.has_failed_epoch_fence = true;
    }

    fn check_producer(&self, producer: TransactionalProducer) -> Result<(), ErrorCode> {
        if producer.id != self.current.producer.id {
            Err(ErrorCode::InvalidProducerIdMapping)
        } else if producer.epoch != self.current.producer.epoch {
            Err(ErrorCode::ProducerFenced)
        } else {
            Ok(())
        }
    }

    fn unchanged(&self, state: TransactionState, now: Millis) -> TransactionFacts {
        TransactionFacts { state, last_update: now, ..self.current.clone() }
    }

    /// A state that no change leads out of answers with UNKNOWN_SERVER_ERROR.
    fn prepare(&mut self, to: TransactionFacts) -> Result<(), ErrorCode> {
        if !to.state.may_follow(self.current.state) {
            return Err(ErrorCode::UnknownServerError);
        }
        self.pending = Some(to);
        Ok(())
    }
}
