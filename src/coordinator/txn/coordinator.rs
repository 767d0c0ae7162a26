//! The machine of one partition of `__transaction_state`: all transactional ids that belong to it.
//!
//! Pure. What a request changes is prepared in the id's metadata, appended, and in force when the append is done; the
//! request is answered then. Kafka: `TransactionCoordinator`, `TransactionStateManager`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::metadata::TransactionMetadata;
use super::records::{self, TransactionLogError, TransactionLogValue};
use super::requests::{
    InitTransactionalProducer, TxnAppend, TxnEffect, TxnEvent, TxnRequest, TxnResponse, TxnTimer,
};
use super::state::TransactionState;
use crate::base::{LeaderEpoch, Millis, Offset};
use crate::coordinator::machine::{
    Actions, CoordinatorMachine, CoordinatorRecord, Replayed, RequestId, TransactionalProducer,
};
use crate::wire::error_code::ErrorCode;

/// What the coordinator needs to know of the broker's config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "TransactionConfig")]
pub struct TransactionSettings {
    /// `transactional.id.expiration.ms`.
    pub expiration_ms: Millis,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    pub abort_timed_out_interval_ms: Millis,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub remove_expired_interval_ms: Millis,
}

/// The transactional ids of one partition.
#[derive(Debug)]
#[doc(alias = "TransactionStateManager")]
pub struct TransactionCoordinator {
    pub(super) settings: TransactionSettings,
    /// The partition's leader epoch, which markers carry.
    pub(super) epoch: LeaderEpoch,
    /// By transactional id, sorted so that what is done to several has an order.
    pub(super) transactions: BTreeMap<Arc<str>, TransactionMetadata>,
    /// The ids whose transactions may time out: every ongoing one, and some that have ended since they were looked at
    /// last.
    pub(super) may_time_out: BTreeSet<Arc<str>>,
    /// Producers that wait for a new producer id.
    pub(super) waiting_for_ids: HashMap<RequestId, InitTransactionalProducer>,
    /// Complete transactions whose last append failed, and that wait to be appended once more.
    pub(super) to_retry: BTreeSet<Arc<str>>,
    /// What the load could not read.
    unreadable: Vec<UnreadableRecord>,
}

#[derive(Debug)]
struct UnreadableRecord {
    offset: Offset,
    error: TransactionLogError,
}

impl TransactionCoordinator {
    /// Knows nothing yet; `epoch` is the leader epoch of the partition.
    pub fn new(settings: TransactionSettings, epoch: LeaderEpoch) -> Self {
        Self {
            settings,
            epoch,
            transactions: BTreeMap::new(),
            may_time_out: BTreeSet::new(),
            waiting_for_ids: HashMap::new(),
            to_retry: BTreeSet::new(),
            unreadable: Vec::new(),
        }
    }

    fn replay_record(&mut self, record: CoordinatorRecord) -> Result<(), TransactionLogError> {
        let transactional_id = records::decode_key(record.key)?;
        match record.value {
            None => drop(self.transactions.remove(transactional_id.as_str())),
            Some(value) => {
                let metadata = TransactionMetadata::of_record(TransactionLogValue::decode(value)?);
                self.transactions.insert(transactional_id.into(), metadata);
            }
        }
        Ok(())
    }

    /// Appends the pending change of a transactional id; where it has no record, it is dropped. The replicas may take
    /// as long as its transactions may last.
    pub(super) fn append_pending(
        &mut self,
        transactional_id: &Arc<str>,
        then: TxnAppend,
        actions: &mut Actions<Self>,
    ) -> Result<(), ErrorCode> {
        let unknown = ErrorCode::UnknownServerError;
        let metadata = self.transactions.get_mut(transactional_id).ok_or(unknown)?;
        let value = metadata.pending_value().ok_or(unknown)?;
        let timeout_ms = value.timeout_ms;
        match (records::encode_key(transactional_id), value.encode()) {
            (Ok(key), Ok(value)) => {
                let record = CoordinatorRecord { key, value: Some(value) };
                actions.append_within(timeout_ms, vec![record], then);
                Ok(())
            }
            _ => {
                metadata.abandon_transition();
                Err(unknown)
            }
        }
    }

    /// A change of a producer's was appended: it is in force, and the producer is answered.
    fn on_change_appended(
        &mut self,
        transactional_id: &str,
        outcome: Result<(), ErrorCode>,
        actions: &mut Actions<Self>,
    ) -> TxnResponse {
        let metadata = self.transactions.get_mut(transactional_id).ok_or(ErrorCode::NotCoordinator)?;
        match outcome {
            Ok(()) => metadata.complete_transition(),
            Err(_) => metadata.abandon_transition(),
        }
        let producer = outcome.map(|()| metadata.producer())?;
        if metadata.state() == TransactionState::Ongoing && !self.may_time_out.contains(transactional_id) {
            self.may_time_out.insert(transactional_id.into());
        }
        if metadata.state() == TransactionState::Empty {
            let TransactionalProducer { id, epoch } = producer;
            let text = format!(
                "Initialized transactionalId {transactional_id} with producerId {id} and producer epoch {epoch}"
            );
            actions.effect(TxnEffect::Log(log::Level::Info, text));
        }
        Ok(producer)
    }
}

/// What a client is answered when an append failed.
fn append_error(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => ErrorCode::UnknownServerError,
        other => other,
    }
}

impl CoordinatorMachine for TransactionCoordinator {
    type Request = TxnRequest;
    type Response = TxnResponse;
    type Event = TxnEvent;
    type Timer = TxnTimer;
    type Append = TxnAppend;
    type Effect = TxnEffect;

    fn replay(&mut self, replayed: Replayed) {
        // Nothing is written to this topic as part of a transaction.
        let Replayed::Record { offset, record, .. } = replayed else { return };
        if let Err(error) = self.replay_record(record) {
            self.unreadable.push(UnreadableRecord { offset, error });
        }
    }

    fn on_loaded(&mut self, now: Millis, actions: &mut Actions<Self>) {
        for UnreadableRecord { offset, error } in std::mem::take(&mut self.unreadable) {
            let text = format!("Skipping the transaction log record at offset {offset}: {error}");
            actions.effect(TxnEffect::Log(log::Level::Error, text));
        }
        let ongoing =
            self.transactions.iter().filter(|(_, metadata)| metadata.state() == TransactionState::Ongoing);
        self.may_time_out = ongoing.map(|(id, _)| id.clone()).collect();
        self.complete_decided(now, actions);
        self.schedule_timers(now, actions);
    }

    fn on_request(&mut self, id: RequestId, request: TxnRequest, now: Millis, actions: &mut Actions<Self>) {
        match request {
            TxnRequest::InitProducerId(init) => self.init_producer_id(id, init, None, now, actions),
            TxnRequest::AddPartitions { transactional_id, producer, partitions } => {
                let outcome = self.add_partitions(id, &transactional_id, producer, partitions, now, actions);
                if let Some(response) = outcome {
                    actions.respond(id, response);
                }
            }
            TxnRequest::EndTxn { transactional_id, producer, result } => {
                if let Some(response) = self.end_txn(id, &transactional_id, producer, result, now, actions) {
                    actions.respond(id, response);
                }
            }
        }
    }

    fn on_appended(
        &mut self,
        then: TxnAppend,
        outcome: Result<(), ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let outcome = outcome.map_err(append_error);
        match then {
            TxnAppend::Change(transactional_id, request) => {
                let response = self.on_change_appended(&transactional_id, outcome, actions);
                actions.respond(request, response);
            }
            TxnAppend::End(transactional_id, cause) => {
                self.on_end_appended(transactional_id, cause, outcome, now, actions);
            }
            TxnAppend::Completion(transactional_id) => {
                self.on_completion_appended(transactional_id, outcome, now, actions);
            }
            TxnAppend::Expiration(ids) => self.on_expiration_appended(&ids, outcome, actions),
        }
    }

    fn on_timer(&mut self, timer: TxnTimer, now: Millis, actions: &mut Actions<Self>) {
        match timer {
            TxnTimer::AbortTimedOut => self.abort_timed_out(now, actions),
            TxnTimer::RemoveExpired => self.remove_expired(now, actions),
            TxnTimer::RetryCompletion(transactional_id) => {
                self.retry_completion(transactional_id, now, actions)
            }
        }
    }

    fn on_event(&mut self, event: TxnEvent, now: Millis, actions: &mut Actions<Self>) {
        match event {
            TxnEvent::ProducerIdGenerated(request, outcome) => {
                self.on_producer_id(request, outcome, now, actions);
            }
            TxnEvent::MarkersWritten { transactional_id, partitions } => {
                self.on_markers_written(transactional_id, &partitions, now, actions);
            }
        }
    }

    fn on_unloaded(self, actions: &mut Actions<Self>) {
        actions.effect(TxnEffect::CompletionsToRetry(0));
    }
}
