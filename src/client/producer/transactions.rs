//! Transactions, as a producer offers them.
//!
//! A call that is dropped goes on; the same call, made again, joins it. Kafka: `KafkaProducer.initTransactions` and
//! its kin (KIP-98, KIP-447).

use std::collections::BTreeMap;

use tokio::time::{Instant, timeout_at};

use super::Producer;
use super::core::ProducerCore;
use super::transaction_manager::{CallId, TransactionEnd, TransactionManager};
use crate::base::TopicPartition;
use crate::client::error::{ClientError, StateViolation};
use crate::client::offsets::{ConsumerGroupMetadata, OffsetAndMetadata};

impl Producer {
    /// Prepares the producer for transactions: gets its id, ends what a producer with the same `transactional.id` has
    /// left open, and fences it. Once, before the first transaction. Waits as long as `max.block.ms` allows; after a
    /// time-out it can be called again.
    ///
    /// # Errors
    /// [`ClientError::IllegalState`] without a `transactional.id`, or called twice; [`ClientError::Timeout`]; what the
    /// coordinator refuses.
    pub async fn init_transactions(&self) -> Result<(), ClientError> {
        let call = self.core.call(TransactionManager::initialize_transactions)?;
        self.core.outcome(call, "InitProducerId").await
    }

    /// Begins a transaction. Every record sent from now on is part of it.
    ///
    /// # Errors
    /// [`ClientError::IllegalState`] before [`Producer::init_transactions`] or within a transaction; the error that the
    /// producer has failed with.
    pub fn begin_transaction(&self) -> Result<(), ClientError> {
        self.core.call(TransactionManager::begin_transaction)
    }

    /// Makes the next offsets that a consumer group is to read part of the transaction. `group` is what the consumer
    /// knows of its group; a member that is no longer one is refused.
    ///
    /// # Errors
    /// [`ClientError::IllegalState`] outside of a transaction, [`ClientError::Timeout`], what the coordinators refuse.
    /// [`ClientError::recovery`] is whether the transaction can be aborted.
    pub async fn send_offsets_to_transaction(
        &self,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        group: ConsumerGroupMetadata,
    ) -> Result<(), ClientError> {
        let call = self.core.call(|it| it.send_offsets_to_transaction(offsets, group))?;
        self.core.outcome(call, "AddOffsetsToTxn").await
    }

    /// Sends what is left of the transaction and commits it. Waits as long as `max.block.ms` allows. After a time-out,
    /// or where the future was dropped, it can be called again; once it has returned Ok the transaction is committed.
    ///
    /// # Errors
    /// [`ClientError::Timeout`], or why the transaction was not committed. By [`ClientError::recovery`] the transaction
    /// can be aborted or the producer is at its end.
    pub async fn commit_transaction(&self) -> Result<(), ClientError> {
        let call = self.core.call(|it| it.end_transaction(TransactionEnd::Commit))?;
        self.core.outcome(call, "EndTxn(true)").await
    }

    /// Aborts the transaction: records that were not sent fail, those that were are skipped by consumers with
    /// `read_committed`. Waits as [`Producer::commit_transaction`] does, and can be called again in the same way.
    ///
    /// # Errors
    /// [`ClientError::Timeout`], [`ClientError::IllegalState`] outside of a transaction or once its commit was sent;
    /// the error that the producer has failed with.
    pub async fn abort_transaction(&self) -> Result<(), ClientError> {
        let call = self.core.call(|it| it.end_transaction(TransactionEnd::Abort))?;
        self.core.outcome(call, "EndTxn(false)").await
    }
}

impl ProducerCore {
    /// Makes a call of the transaction manager.
    fn call<T>(
        &self,
        call: impl FnOnce(&mut TransactionManager) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut state = self.state.lock();
        if state.machine.is_closed() {
            return Err(ClientError::Closed);
        }
        let Some(transactions) = state.machine.transactions_mut() else {
            let message = "Cannot use transactional methods without enabling transactions by setting the \
                           transactional.id configuration property";
            return Err(StateViolation::Call(message.to_owned()).into());
        };
        let made = call(transactions)?;
        drop(state);
        self.wake.notify_one();
        Ok(made)
    }

    /// Waits for the outcome of a call.
    async fn outcome(&self, call: CallId, awaited: &str) -> Result<(), ClientError> {
        let limit = self.settings().max_block;
        let over = async {
            loop {
                let progress = self.progress.notified();
                let outcome = self.state.lock().machine.transactions_mut().and_then(|it| it.outcome(call));
                if let Some(outcome) = outcome {
                    return outcome;
                }
                tokio::select! {
                    () = progress => {}
                    () = self.ended() => return Err(ClientError::Closed),
                }
            }
        };
        let late = |_| {
            let limit = limit.as_millis();
            ClientError::Timeout(format!(
                "Timeout expired after {limit}milliseconds while awaiting {awaited}"
            ))
        };
        timeout_at(Instant::now() + limit, over).await.map_err(late)?
    }
}
