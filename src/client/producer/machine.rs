//! The machines of a producer as one: what its tasks do under its lock, and nothing else.
//!
//! Pure. Time is a parameter. The accumulator gathers records and the transaction manager gives batches their
//! sequences; here is what concerns both: a record enters a transaction, batches leave, are answered and given up.
//! Kafka: `Sender.runOnce`, `KafkaProducer.doSend`.

mod sent_batch;
mod settle;

pub use self::sent_batch::{PartitionAnswer, SealFailure, SentBatch, WrittenBatch};
pub use self::settle::SettledBatch;
use super::accumulator::{
    AccumulatorSettings, AppendedRecord, BatchScope, DrainedBatch, EndedBatch, NewBatch, RecordAccumulator,
};
use super::record::ProducerRecord;
use super::transaction_manager::{
    ProducerTransactionState, TransactionEnd, TransactionGate, TransactionManager,
    TransactionManagerSettings, TransactionalRequest, WrittenOrNot,
};
use crate::base::{BrokerId, Millis, TopicPartition};
use crate::client::error::{ClientError, Recovery};

/// How a producer gathers, numbers and repeats batches.
#[derive(Clone, Debug)]
pub struct ProducerMachineSettings {
    /// How records are gathered.
    pub accumulator: AccumulatorSettings,
    /// None for a producer that is not idempotent.
    pub transactions: Option<TransactionManagerSettings>,
    /// How often a batch is sent again (`retries`).
    pub retries: u32,
}

/// A record that was accepted.
#[derive(Debug)]
pub struct AcceptedRecord<C> {
    /// Where it was added.
    pub added: AppendedRecord<C>,
    /// Whether it is the first of its partition in the transaction, which the coordinator must be sent.
    pub enters_transaction: bool,
}

/// What a look at the machines has found.
#[derive(Debug)]
#[must_use = "the records of what was given up wait for it, and the request counts as sent"]
pub struct ProducerStep<C> {
    /// What was given up.
    pub settled: Vec<SettledBatch<C>>,
    /// A request for a coordinator; it counts as sent.
    pub request: Option<TransactionalRequest>,
    /// When the next look is due, in milliseconds since the Unix epoch.
    pub next: Option<Millis>,
    /// Whether the producer is closed and has nothing left to do.
    pub is_over: bool,
}

/// The decisions of a producer. Its batches are completed by a `C` each.
#[derive(Debug)]
pub struct ProducerMachine<C> {
    accumulator: RecordAccumulator<C>,
    transactions: Option<TransactionManager>,
    retries: u32,
    delivery_timeout: Millis,
    /// How many calls keep batches from lingering.
    hurries: usize,
    is_closed: bool,
    /// On what it depended last whether batches may be sent.
    gate: Option<TransactionGate>,
}

impl<C: Clone> ProducerMachine<C> {
    /// Without a record.
    pub fn new(settings: ProducerMachineSettings) -> Self {
        Self {
            accumulator: RecordAccumulator::new(settings.accumulator),
            transactions: settings.transactions.map(TransactionManager::new),
            retries: settings.retries,
            delivery_timeout: settings.accumulator.delivery_timeout,
            hurries: 0,
            is_closed: false,
            gate: None,
        }
    }

    /// The batches.
    pub fn accumulator(&self) -> &RecordAccumulator<C> {
        &self.accumulator
    }

    /// The batches, to apply leaders and times to.
    pub fn accumulator_mut(&mut self) -> &mut RecordAccumulator<C> {
        &mut self.accumulator
    }

    /// The transaction manager; None for a producer that is not idempotent.
    pub fn transactions(&self) -> Option<&TransactionManager> {
        self.transactions.as_ref()
    }

    /// The transaction manager, for calls and answers.
    pub fn transactions_mut(&mut self) -> Option<&mut TransactionManager> {
        self.transactions.as_mut()
    }

    /// Adds a record to a batch of its partition, which becomes part of the transaction. None where a new batch is
    /// needed and `new_batch` refuses it.
    ///
    /// # Errors
    /// [`ClientError::Closed`], or what the state of the transaction does not allow.
    pub fn append(
        &mut self,
        slot: (u32, i32),
        record: &ProducerRecord,
        reserved: usize,
        now: Millis,
        new_batch: NewBatch,
        completion: impl FnOnce(&TopicPartition) -> C,
    ) -> Result<Option<AcceptedRecord<C>>, ClientError> {
        if self.is_closed {
            return Err(ClientError::Closed);
        }
        let transaction = match &self.transactions {
            Some(transactions) => transactions.check_send()?,
            None => None,
        };
        let added = self.accumulator.append(slot, record, reserved, now, new_batch, completion);
        let Some(added) = added else { return Ok(None) };
        let mut enters_transaction = false;
        if let (Some(transaction), Some(transactions)) = (transaction, &mut self.transactions)
            && self.accumulator.enters(slot, transaction)
        {
            transactions.add_partition(&TopicPartition { topic: record.topic.clone(), partition: slot.1 });
            enters_transaction = true;
        }
        Ok(Some(AcceptedRecord { added, enters_transaction }))
    }

    /// Takes the batches that can be sent to this broker now, as [`RecordAccumulator::drain`] does.
    pub fn drain(&mut self, broker: BrokerId, max_size: usize, now: Millis) -> Vec<DrainedBatch> {
        self.accumulator.drain(broker, max_size, now, self.transactions.as_mut())
    }

    /// Keeps batches from lingering until [`Self::end_hurry`].
    pub fn begin_hurry(&mut self, now: Millis) {
        self.hurries += 1;
        self.update_hurry(now);
    }

    /// A call that has begun with [`Self::begin_hurry`] is over.
    pub fn end_hurry(&mut self, now: Millis) {
        self.hurries -= 1;
        self.update_hurry(now);
    }

    fn update_hurry(&mut self, now: Millis) {
        let completing = self.transactions.as_ref().is_some_and(TransactionManager::is_completing);
        self.accumulator.hurry(self.hurries > 0 || self.is_closed || completing, now);
    }

    /// Accepts no more records.
    pub fn close(&mut self, now: Millis) {
        self.is_closed = true;
        self.update_hurry(now);
    }

    /// Whether no record is accepted any more.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Does what is due.
    pub fn step(&mut self, now: Millis) -> ProducerStep<C> {
        let mut settled = self.keep_transactions(now);
        let (expired, next_expiry) = self.accumulator.expire(now);
        settled.extend(expired.into_iter().map(|ended| self.expire(ended, now)));
        self.update_hurry(now);
        let all_answered = self.accumulator.is_empty();
        let (mut request, mut next_request, mut gate) = (None, None, None);
        if let Some(transactions) = &mut self.transactions {
            request = transactions.next_request(now, all_answered);
            next_request = transactions.next_request_at().filter(|at| *at > now);
            gate = Some(transactions.gate());
        }
        if gate != self.gate {
            self.gate = gate;
            self.accumulator.unblock(now);
        }
        let next_batch = self.accumulator.advance(now);
        let next = [next_expiry, next_batch, next_request].into_iter().flatten().min();
        let is_over = self.is_closed && request.is_none() && self.is_idle();
        ProducerStep { settled, request, next, is_over }
    }

    /// Whether there is nothing left to do.
    fn is_idle(&self) -> bool {
        let is_idle = |it: &TransactionManager| {
            it.state() == ProducerTransactionState::FatalError
                || !(it.has_ongoing_transaction() || it.is_transactional() && it.has_pending_requests())
        };
        self.accumulator.is_empty() && self.transactions.as_ref().is_none_or(is_idle)
    }

    /// Does what the state of transactions asks for, before batches are looked at; the batches that are given up.
    fn keep_transactions(&mut self, now: Millis) -> Vec<SettledBatch<C>> {
        let Some(transactions) = &mut self.transactions else { return Vec::new() };
        transactions.resolve_sequences();
        transactions.bump_idempotent_epoch();
        if self.is_closed && transactions.is_transactional() && self.accumulator.is_empty() {
            let open = transactions.has_ongoing_transaction() && !transactions.is_completing();
            if open && !transactions.has_pending_requests() {
                // It is open, so that it can be aborted.
                let _ = transactions.end_transaction(TransactionEnd::Abort);
            }
        }
        let scope = match transactions.state() {
            ProducerTransactionState::FatalError => BatchScope::All,
            _ if transactions.gives_up_batches() => BatchScope::Waiting,
            _ => return Vec::new(),
        };
        let error = transactions.last_error().cloned().unwrap_or_else(|| ClientError::TransactionFailed {
            message: "Failing batch since transaction was aborted".to_owned(),
            recovery: Recovery::Abort,
            cause: None,
        });
        let manager = &*transactions;
        let aborted = self.accumulator.abort(scope, now, |partition, id| {
            scope == BatchScope::All || !manager.has_sequence(partition, id)
        });
        failed(aborted, &error)
    }

    /// Fails a batch that has not been answered in time.
    fn expire(&mut self, ended: EndedBatch<C>, now: Millis) -> SettledBatch<C> {
        let EndedBatch { partition, batch } = &ended;
        let (records, age) = (batch.records, now - batch.created);
        let error = ClientError::Timeout(format!(
            "Expiring {records} record(s) for {partition}:{age} ms has passed since batch creation"
        ));
        if let Some(transactions) = &mut self.transactions {
            match transactions.has_sequence(partition, batch.id) {
                true => transactions.batch_failed(partition, batch.id, &error, WrittenOrNot::Unknown),
                false => transactions.batch_dropped(&error),
            }
        }
        SettledBatch::Failed { ended, error }
    }

    /// Fails all that is left: the time for closing is over.
    pub fn give_up(&mut self, now: Millis) -> Vec<SettledBatch<C>> {
        self.close(now);
        if let Some(transactions) = &mut self.transactions {
            transactions.close();
        }
        let error = ClientError::TransactionFailed {
            message: "Producer is closed forcefully.".to_owned(),
            recovery: Recovery::Fatal,
            cause: None,
        };
        failed(self.accumulator.abort(BatchScope::All, now, |_, _| true), &error)
    }
}

/// Batches that have failed with the same error.
fn failed<C>(ended: Vec<EndedBatch<C>>, error: &ClientError) -> Vec<SettledBatch<C>> {
    ended.into_iter().map(|ended| SettledBatch::Failed { ended, error: error.clone() }).collect()
}
