//! What both coordinators are: a machine for each partition of an internal topic that this broker leads.
//!
//! Pure. A machine takes what happens and the time, changes its state and returns what is to be done;
//! [`super::runtime`] does it. A coordinator's state is that of its records, so each change that must survive is
//! appended first, and the machine goes on where the outcome comes back ([`CoordinatorMachine::on_appended`]).
//!
//! ```text
//! a request ─► on_request ─► append(offsets, then) ─► on_appended(then, outcome) ─► respond
//! ```
//!
//! Kafka: what `GroupCoordinator` and `GroupMetadataManager` have in common with `TransactionCoordinator` and
//! `TransactionStateManager`.

use std::fmt::Debug;

use bytes::Bytes;

use crate::base::{Millis, Offset, ProducerEpoch, ProducerId};
use crate::coordinator::transaction_result::TransactionResult;
use crate::wire::error_code::ErrorCode;

/// A request that waits for its response, within one load of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A record of a coordinator's topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinatorRecord {
    /// What the record is about: version and fields.
    pub key: Bytes,
    /// What is so from now on; None is a tombstone.
    pub value: Option<Bytes>,
}

/// The producer in whose open transaction records are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionalProducer {
    /// Its id.
    pub id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
}

/// What a load finds in the log, in the order of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// A record.
    Record {
        /// Its offset.
        offset: Offset,
        /// Its timestamp.
        timestamp: Millis,
        /// The producer, where the record is part of a transaction: it counts once the marker commits it.
        producer: Option<TransactionalProducer>,
        /// Its key and value.
        record: CoordinatorRecord,
    },
    /// A marker: the open transaction of a producer ends.
    Marker {
        /// The marker's offset.
        offset: Offset,
        /// The producer.
        producer: TransactionalProducer,
        /// How the transaction ended.
        result: TransactionResult,
    },
}

/// The state of a coordinator for one partition of its topic, and its decisions.
pub trait CoordinatorMachine: Send + Sized + 'static {
    /// What clients ask.
    type Request: Debug + Send;
    /// What they are answered.
    type Response: Debug + Send;
    /// What happens elsewhere: a transaction has ended, topics are deleted.
    type Event: Debug + Send;
    /// A deadline that the machine has set, by what it is for.
    type Timer: Debug + Ord + Clone + Send;
    /// How to go on when an append is done.
    type Append: Debug + Send;
    /// What others are to do; what comes of it is an event.
    type Effect: Debug + Send;

    /// Takes in what the log holds, in order, before anything else happens. What cannot be read is logged by its
    /// offset and skipped.
    fn replay(&mut self, replayed: Replayed);

    /// The log has been replayed to its end; requests follow.
    fn on_loaded(&mut self, now: Millis, actions: &mut Actions<Self>);

    /// A client asks. The machine responds now or later, once for each request.
    fn on_request(&mut self, id: RequestId, request: Self::Request, now: Millis, actions: &mut Actions<Self>);

    /// An append is done: all replicas in sync have the records, or the error is why that is not certain
    /// (NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND, REQUEST_TIMED_OUT,
    /// MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, KAFKA_STORAGE_ERROR, or another of the log's). Appends are done in the
    /// order in which they were asked for.
    fn on_appended(
        &mut self,
        then: Self::Append,
        outcome: Result<(), ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
    );

    /// A deadline has passed; it is no longer set.
    fn on_timer(&mut self, timer: Self::Timer, now: Millis, actions: &mut Actions<Self>);

    /// Something happened elsewhere.
    fn on_event(&mut self, event: Self::Event, now: Millis, actions: &mut Actions<Self>);

    /// This broker leads the partition no more: requests that still wait are answered NOT_COORDINATOR. Other actions
    /// than responses and effects are no longer carried out.
    fn on_unloaded(self, actions: &mut Actions<Self>);
}

/// What a machine wants done.
#[derive(Debug)]
pub enum CoordinatorAction<M: CoordinatorMachine> {
    /// The response to a request.
    Respond(RequestId, M::Response),
    /// Records to be appended, all in one batch.
    Append {
        /// The records, at least one.
        records: Vec<CoordinatorRecord>,
        /// The producer, where they are part of its open transaction.
        producer: Option<TransactionalProducer>,
        /// How long the replicas may take, in milliseconds; None for as long as the coordinator's appends may.
        timeout_ms: Option<i32>,
        /// What the machine is given when it is done.
        then: M::Append,
    },
    /// A deadline, in place of the one set for the same timer.
    Schedule(M::Timer, Millis),
    /// The timer is set no longer.
    Cancel(M::Timer),
    /// What others are to do.
    Effect(M::Effect),
}

/// The actions of a step, in the order in which they are to be carried out.
#[derive(Debug)]
pub struct Actions<M: CoordinatorMachine>(Vec<CoordinatorAction<M>>);

impl<M: CoordinatorMachine> Default for Actions<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M: CoordinatorMachine> Actions<M> {
    /// Responds to a request.
    pub fn respond(&mut self, id: RequestId, response: M::Response) {
        self.0.push(CoordinatorAction::Respond(id, response));
    }

    /// Appends records outside of any transaction, in one batch that may hold records of other appends too.
    pub fn append(&mut self, records: Vec<CoordinatorRecord>, then: M::Append) {
        self.0.push(CoordinatorAction::Append { records, producer: None, timeout_ms: None, then });
    }

    /// As [`Actions::append`], where the replicas may take so long, in milliseconds.
    pub fn append_within(&mut self, timeout_ms: i32, records: Vec<CoordinatorRecord>, then: M::Append) {
        let timeout_ms = Some(timeout_ms);
        self.0.push(CoordinatorAction::Append { records, producer: None, timeout_ms, then });
    }

    /// Appends records as part of a producer's transaction.
    pub fn append_in_transaction(
        &mut self,
        producer: TransactionalProducer,
        records: Vec<CoordinatorRecord>,
        then: M::Append,
    ) {
        self.0.push(CoordinatorAction::Append { records, producer: Some(producer), timeout_ms: None, then });
    }

    /// Sets a deadline, in milliseconds since the Unix epoch. A timer that is put off often (a session's) is cheaper
    /// left alone: when it fires, the machine sets it anew to where the deadline is by then.
    pub fn schedule(&mut self, timer: M::Timer, at: Millis) {
        self.0.push(CoordinatorAction::Schedule(timer, at));
    }

    /// Sets the timer no longer.
    pub fn cancel(&mut self, timer: M::Timer) {
        self.0.push(CoordinatorAction::Cancel(timer));
    }

    /// Has others do something.
    pub fn effect(&mut self, effect: M::Effect) {
        self.0.push(CoordinatorAction::Effect(effect));
    }

    /// The actions so far; none are left.
    pub fn take(&mut self) -> Vec<CoordinatorAction<M>> {
        std::mem::take(&mut self.0)
    }
}
