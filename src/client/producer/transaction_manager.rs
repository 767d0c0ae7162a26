//! What an idempotent or transactional producer may do, and what its cluster must be asked for it.
//!
//! Pure. Time is a parameter. Requests leave by [`TransactionManager::next_request`], one at a time, and their answers
//! come back by [`TransactionManager::answered`]. Kafka: `TransactionManager` (KIP-98, KIP-360, KIP-447).

mod answers;
mod batches;
mod calls;
mod requests;
mod sequences;
mod state;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

pub use self::answers::{StaleCoordinator, TransactionalAnswer};
pub use self::batches::WrittenOrNot;
pub use self::calls::CallId;
use self::calls::{TransactionalCall, TransactionalCalls};
use self::requests::{RequestPriority, TxnRequestHandler, TxnRequestQueue};
pub use self::requests::{TransactionEnd, TransactionalRequest};
use self::sequences::TopicPartitionBookkeeper;
pub use self::state::{ProducerTransactionState, TransactionGate};
use super::batch::ProducerIdAndEpoch;
use crate::base::{Millis, TopicPartition};
use crate::client::error::{ClientError, Recovery, StateViolation};
use crate::client::offsets::{ConsumerGroupMetadata, OffsetAndMetadata};
use crate::wire::error_code::ErrorCode;

/// How a producer takes part in transactions.
#[derive(Clone, Debug)]
pub struct TransactionManagerSettings {
    /// The producer's lasting name (`transactional.id`); None for one that is idempotent only.
    pub transactional_id: Option<Arc<str>>,
    /// How long to wait before a request is sent again (`retry.backoff.ms`).
    pub retry_backoff: Millis,
}

/// The state of an idempotent or transactional producer.
#[derive(Debug)]
pub struct TransactionManager {
    settings: TransactionManagerSettings,
    state: ProducerTransactionState,
    /// Set in the states of errors, and only there.
    last_error: Option<ClientError>,
    producer: Option<ProducerIdAndEpoch>,
    /// Whether the coordinator raises the epoch when the producer asks for it (InitProducerId 3).
    coordinator_bumps_epoch: bool,
    epoch_bump_required: bool,
    /// Whether the coordinator knows of the transaction.
    transaction_started: bool,
    /// Counts transactions.
    transaction: u64,
    /// Partitions that the coordinator must be sent.
    new_partitions: HashSet<TopicPartition>,
    /// Partitions that it was sent.
    pending_partitions: HashSet<TopicPartition>,
    /// Partitions that it has added.
    partitions: HashSet<TopicPartition>,
    /// Offsets that the group's coordinator has not accepted yet.
    pending_offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    requests: TxnRequestQueue,
    bookkeeper: TopicPartitionBookkeeper,
    /// How many partitions were found to have lost no batch after all, or some.
    resolutions: u64,
    /// Partitions whose sequences begin anew with the next epoch.
    partitions_to_rewrite: HashSet<TopicPartition>,
    calls: TransactionalCalls,
}

impl TransactionManager {
    /// A producer without an id.
    pub fn new(settings: TransactionManagerSettings) -> Self {
        Self {
            settings,
            state: ProducerTransactionState::Uninitialized,
            last_error: None,
            producer: None,
            coordinator_bumps_epoch: false,
            epoch_bump_required: false,
            transaction_started: false,
            transaction: 0,
            new_partitions: HashSet::new(),
            pending_partitions: HashSet::new(),
            partitions: HashSet::new(),
            pending_offsets: BTreeMap::new(),
            requests: TxnRequestQueue::default(),
            bookkeeper: TopicPartitionBookkeeper::default(),
            resolutions: 0,
            partitions_to_rewrite: HashSet::new(),
            calls: TransactionalCalls::default(),
        }
    }

    /// Asks for a producer id, and has the coordinator end what a producer of the same name left open. May be called
    /// again while it goes on.
    ///
    /// # Errors
    /// [`ClientError::IllegalState`] without a transactional id, or once there is a producer id.
    pub fn initialize_transactions(&mut self) -> Result<CallId, ClientError> {
        self.ensure_transactional()?;
        if let Some(id) = self.calls.joined(TransactionalCall::Initialize) {
            return Ok(id);
        }
        self.become_state(ProducerTransactionState::Initializing)?;
        let id = self.calls.begin_repeatable(TransactionalCall::Initialize);
        self.enqueue_init(RequestPriority::InitProducerId, Some(id));
        Ok(id)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// The error of the state, [`ClientError::IllegalState`] in another state than that outside of a transaction.
    pub fn begin_transaction(&mut self) -> Result<(), ClientError> {
        self.ensure_transactional()?;
        self.fail_with_error()?;
        self.become_state(ProducerTransactionState::InTransaction)?;
        self.transaction += 1;
        self.calls.take_repeatable();
        Ok(())
    }

    /// Begins to commit or abort the transaction. May be called again while that goes on. A commit whose end was not
    /// sent to the coordinator yet can still be aborted.
    ///
    /// # Errors
    /// The error of the state, unless it can be aborted; [`ClientError::IllegalState`] outside of a transaction, and
    /// for an abort once the commit was sent.
    pub fn end_transaction(&mut self, result: TransactionEnd) -> Result<CallId, ClientError> {
        self.ensure_transactional()?;
        if let Some(id) = self.calls.joined(TransactionalCall::End(result)) {
            return Ok(id);
        }
        let aborts = result == TransactionEnd::Abort;
        if !(aborts && self.state == ProducerTransactionState::AbortableError) {
            self.fail_with_error()?;
        }
        if aborts
            && self.state == ProducerTransactionState::CommittingTransaction
            && self.requests.take_unsent_end()
        {
            self.state = ProducerTransactionState::InTransaction;
            let message = "The transaction was aborted before it was committed";
            let commit = self.calls.take_repeatable();
            self.calls.finish(commit, Err(StateViolation::Call(message.to_owned()).into()));
        }
        let had_lost_mapping = self.has_lost_mapping();
        self.become_state(match result {
            TransactionEnd::Commit => ProducerTransactionState::CommittingTransaction,
            TransactionEnd::Abort => ProducerTransactionState::AbortingTransaction,
        })?;
        if aborts {
            self.new_partitions.clear();
        }
        let id = self.calls.begin_repeatable(TransactionalCall::End(result));
        self.enqueue_new_partitions();
        let bumps = self.epoch_bump_required || had_lost_mapping;
        if !had_lost_mapping && let Some(producer) = self.producer {
            let request = TransactionalRequest::EndTxn { producer, result };
            let call = (!bumps).then_some(id);
            self.requests.push(TxnRequestHandler::new(request, RequestPriority::EndTxn, call));
        }
        if bumps {
            self.enqueue_init(RequestPriority::EpochBump, Some(id));
        }
        Ok(id)
    }

    /// Adds what a group has consumed to the transaction.
    ///
    /// # Errors
    /// The error of the state, [`ClientError::IllegalState`] outside of a transaction.
    pub fn send_offsets_to_transaction(
        &mut self,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        group: ConsumerGroupMetadata,
    ) -> Result<CallId, ClientError> {
        self.ensure_transactional()?;
        self.fail_with_error()?;
        let producer = self.producer.filter(|_| self.state == ProducerTransactionState::InTransaction);
        let Some(producer) = producer else {
            let message = "Cannot send offsets to transaction either because the producer is not in an active transaction";
            return Err(StateViolation::Call(message.to_owned()).into());
        };
        let id = self.calls.begin();
        let request = TransactionalRequest::AddOffsets { producer, group, offsets };
        self.requests.push(TxnRequestHandler::new(
            request,
            RequestPriority::AddPartitionsOrOffsets,
            Some(id),
        ));
        Ok(id)
    }

    /// Whether a record may be sent now; the number of its transaction, if there is one.
    ///
    /// # Errors
    /// The error of the state, [`ClientError::IllegalState`] outside of a transaction.
    pub fn check_send(&self) -> Result<Option<u64>, ClientError> {
        if let Some(error) = self.last_error.as_ref().filter(|_| !self.is_transactional()) {
            return Err(error.clone());
        }
        if let Some(error) = &self.last_error {
            return Err(ClientError::TransactionFailed {
                message: "Cannot perform send because at least one previous transactional or idempotent request has \
                          failed with errors."
                    .to_owned(),
                recovery: self.recovery(),
                cause: Some(Box::new(error.clone())),
            });
        }
        if !self.is_transactional() {
            return Ok(None);
        }
        let message = match (self.producer, self.state) {
            (Some(_), ProducerTransactionState::InTransaction) => return Ok(Some(self.transaction)),
            (Some(_), state) => format!("Cannot call send in state {}", state.name()),
            (None, _) => {
                "Cannot perform a 'send' before completing a call to initTransactions when transactions are \
                          enabled."
                    .to_owned()
            }
        };
        Err(StateViolation::Call(message).into())
    }

    /// Notes that the transaction writes to a partition.
    pub fn add_partition(&mut self, partition: &TopicPartition) {
        if !self.partitions.contains(partition) && !self.pending_partitions.contains(partition) {
            self.new_partitions.insert(partition.clone());
        }
    }

    /// The outcome of a call; None while it goes on.
    pub fn outcome(&mut self, call: CallId) -> Option<Result<(), ClientError>> {
        self.calls.outcome(call)
    }

    /// The request that is to be sent next, and counts as sent; None while one is on its way or nothing is due.
    /// `all_answered` is whether all batches are answered, which the end of a transaction waits for.
    pub fn next_request(&mut self, now: Millis, all_answered: bool) -> Option<TransactionalRequest> {
        if self.requests.is_sending() {
            return None;
        }
        self.enqueue_new_partitions();
        loop {
            let next = self.requests.first()?;
            if next.is_end() && !all_answered || next.not_before > now {
                return None;
            }
            let handler = self.requests.pop()?;
            if let Some(error) = &self.last_error {
                let error = error.clone();
                self.calls.finish(handler.call, Err(error));
            } else if handler.is_end() && !self.transaction_started {
                self.complete_transaction(handler.call);
            } else {
                return Some(self.requests.send(handler));
            }
        }
    }

    /// When the next request may be sent that backs off; None if none does.
    pub fn next_request_at(&self) -> Option<Millis> {
        self.requests.first().filter(|_| !self.requests.is_sending()).map(|next| next.not_before)
    }

    /// Notes whether the coordinator raises the epoch when the producer asks for it: it knows InitProducerId 3.
    pub fn coordinator_ready(&mut self, bumps_epoch: bool) {
        self.coordinator_bumps_epoch = bumps_epoch;
    }

    /// Raises the epoch of a producer that is idempotent only, where that is needed, and asks for an id where it has
    /// none.
    pub fn bump_idempotent_epoch(&mut self) {
        if self.is_transactional() {
            return;
        }
        if self.epoch_bump_required
            && let Some(producer) = self.producer
        {
            match producer.epoch.checked_add(1) {
                Some(epoch) => {
                    self.producer = Some(ProducerIdAndEpoch { epoch, ..producer });
                    self.rewrite_sequences();
                }
                None => {
                    self.producer = None;
                    self.state = ProducerTransactionState::Uninitialized;
                }
            }
        }
        if self.producer.is_none() && self.state == ProducerTransactionState::Uninitialized {
            self.state = ProducerTransactionState::Initializing;
            self.enqueue_init(RequestPriority::InitProducerId, None);
        }
    }

    /// Begins the sequences anew where the epoch was raised for it.
    fn rewrite_sequences(&mut self) {
        let Some(producer) = self.producer else { return };
        for partition in self.partitions_to_rewrite.drain() {
            self.bookkeeper.start_at_beginning(&partition, producer);
        }
        self.epoch_bump_required = false;
    }

    /// Gives up every request: the producer is closed. Its calls fail.
    pub fn close(&mut self) {
        let error = ClientError::TransactionFailed {
            message: "The producer closed forcefully".to_owned(),
            recovery: Recovery::Fatal,
            cause: None,
        };
        self.become_fatal(error);
    }

    fn recovery(&self) -> Recovery {
        if self.state == ProducerTransactionState::FatalError { Recovery::Fatal } else { Recovery::Abort }
    }

    fn can_bump_epoch(&self) -> bool {
        !self.is_transactional() || self.coordinator_bumps_epoch
    }

    /// Whether the coordinator has another producer id for the transactional id.
    fn has_lost_mapping(&self) -> bool {
        let code = self.last_error.as_ref().and_then(ClientError::code);
        code == Some(ErrorCode::InvalidProducerIdMapping)
    }

    fn ensure_transactional(&self) -> Result<(), ClientError> {
        if self.is_transactional() {
            return Ok(());
        }
        let message = "Transactional method invoked on a non-transactional producer.";
        Err(StateViolation::Call(message.to_owned()).into())
    }

    fn fail_with_error(&self) -> Result<(), ClientError> {
        let Some(error) = &self.last_error else { return Ok(()) };
        Err(match error.code() {
            Some(code @ ErrorCode::ProducerFenced) => ClientError::Refused {
                error: code,
                message: "The producer has been rejected from the broker because it tried to use an old epoch with \
                          the transactionalId"
                    .to_owned(),
            },
            Some(code @ ErrorCode::InvalidProducerEpoch) => ClientError::Refused {
                error: code,
                message: format!(
                    "Producer attempted to produce with an old epoch {}",
                    self.producer.map(|it| it.to_string()).unwrap_or_default()
                ),
            },
            _ => ClientError::TransactionFailed {
                message: "Cannot execute transactional method because we are in an error state".to_owned(),
                recovery: self.recovery(),
                cause: Some(Box::new(error.clone())),
            },
        })
    }

    fn become_state(&mut self, target: ProducerTransactionState) -> Result<(), ClientError> {
        if !self.state.may_become(target) {
            let id = self.settings.transactional_id.as_deref().unwrap_or_default();
            let (from, to) = (self.state.name(), target.name());
            let message =
                format!("TransactionalId {id}: Invalid transition attempted from state {from} to state {to}");
            return Err(StateViolation::Transition(message).into());
        }
        (self.state, self.last_error) = (target, None);
        Ok(())
    }

    fn enqueue_init(&mut self, priority: RequestPriority, call: Option<CallId>) {
        let current = self.producer.filter(|_| priority == RequestPriority::EpochBump);
        self.requests.push(TxnRequestHandler::new(
            TransactionalRequest::InitProducerId { current },
            priority,
            call,
        ));
    }

    fn enqueue_new_partitions(&mut self) {
        let Some(producer) = self.producer.filter(|_| !self.new_partitions.is_empty()) else { return };
        self.pending_partitions.extend(self.new_partitions.drain());
        let mut partitions: Vec<_> = self.pending_partitions.iter().cloned().collect();
        partitions.sort();
        let request = TransactionalRequest::AddPartitions { producer, partitions };
        self.requests.push(TxnRequestHandler::new(request, RequestPriority::AddPartitionsOrOffsets, None));
    }

    /// Applies that the transaction has ended. The call that waits for it goes on until the epoch is raised, where that
    /// has become necessary meanwhile.
    fn complete_transaction(&mut self, call: Option<CallId>) {
        if self.epoch_bump_required && !self.requests.raises_epoch() {
            self.enqueue_init(RequestPriority::EpochBump, call);
        } else {
            self.calls.finish(call, Ok(()));
        }
        let next = match self.epoch_bump_required {
            true => ProducerTransactionState::Initializing,
            false => ProducerTransactionState::Ready,
        };
        if self.state.may_become(next) {
            self.state = next;
        }
        self.last_error = None;
        self.epoch_bump_required = false;
        self.clear_transaction();
    }

    fn clear_transaction(&mut self) {
        self.transaction_started = false;
        self.new_partitions.clear();
        self.pending_partitions.clear();
        self.partitions.clear();
        self.pending_offsets.clear();
    }

    /// Applies an error after which the transaction can be aborted; without effect where it is being aborted already.
    fn become_abortable(&mut self, error: ClientError) {
        if self.state.may_become(ProducerTransactionState::AbortableError) {
            // A commit that has failed must not be sent after all.
            self.requests.take_unsent_end();
            self.calls.fail_repeatable(&error);
            (self.state, self.last_error) = (ProducerTransactionState::AbortableError, Some(error));
        }
    }

    /// Applies an error after which the producer can do nothing more.
    fn become_fatal(&mut self, error: ClientError) {
        if self.state == ProducerTransactionState::FatalError {
            return;
        }
        (self.state, self.last_error) = (ProducerTransactionState::FatalError, Some(error.clone()));
        self.calls.fail_repeatable(&error);
        for handler in self.requests.clear() {
            self.calls.finish(handler.call, Err(error.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
