//! The end of a transaction: it is decided in the log, then markers are written, then its completion is logged
//! (`TransactionCoordinator.endTransaction`).
//!
//! Pure. The producer is answered when the decision is in the log: from then on no failure can change it.

use std::sync::Arc;

use super::TransactionResult;
use super::coordinator::TransactionCoordinator;
use super::metadata::EndStep;
use super::requests::{EndCause, TxnAppend, TxnEffect, TxnMarkers, TxnResponse, TxnTimer};
use crate::base::{Millis, TopicPartition};
use crate::coordinator::machine::{Actions, RequestId, TransactionalProducer};
use crate::wire::error_code::ErrorCode;

/// How long to wait before the last record of a transaction is appended once more, in milliseconds.
const RETRY_BACKOFF: Millis = 100;

impl TransactionCoordinator {
    /// The response to a producer that ends its transaction; None where it follows when the end is in the log.
    pub(super) fn end_txn(
        &mut self,
        request: RequestId,
        transactional_id: &Arc<str>,
        producer: TransactionalProducer,
        result: TransactionResult,
        now: Millis,
        actions: &mut Actions<Self>,
    ) -> Option<TxnResponse> {
        let Some(metadata) = self.transactions.get_mut(transactional_id) else {
            return Some(Err(ErrorCode::InvalidProducerIdMapping));
        };
        match metadata.prepare_end(producer, result, now) {
            Ok(EndStep::Pending) => {
                let then = TxnAppend::End(transactional_id.clone(), EndCause::Request(request));
                self.append_pending(transactional_id, then, actions).err().map(Err)
            }
            Ok(EndStep::Ended) => Some(Ok(producer)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Fences the producer of a transaction off, and aborts the transaction.
    pub(super) fn fence(
        &mut self,
        transactional_id: &Arc<str>,
        cause: EndCause,
        now: Millis,
        actions: &mut Actions<Self>,
    ) -> Result<(), ErrorCode> {
        let metadata =
            self.transactions.get_mut(transactional_id).ok_or(ErrorCode::InvalidProducerIdMapping)?;
        metadata.prepare_fence(now)?;
        self.append_pending(transactional_id, TxnAppend::End(transactional_id.clone(), cause), actions)
    }

    /// The end of a transaction was appended, or was not.
    pub(super) fn on_end_appended(
        &mut self,
        transactional_id: Arc<str>,
        cause: EndCause,
        outcome: Result<(), ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let Some(metadata) = self.transactions.get_mut(&transactional_id) else { return };
        match (outcome, cause) {
            (Ok(()), _) => metadata.complete_transition(),
            (Err(_), EndCause::Request(_)) => metadata.abandon_transition(),
            (Err(_), EndCause::Fence(_) | EndCause::Timeout) => metadata.abandon_fence(),
        }
        let producer = metadata.producer();
        match cause {
            EndCause::Request(request) => actions.respond(request, outcome.map(|()| producer)),
            EndCause::Fence(request) => {
                let error = outcome.err().unwrap_or(ErrorCode::ConcurrentTransactions);
                actions.respond(request, Err(error));
            }
            EndCause::Timeout => log_timeout(&transactional_id, outcome, actions),
        }
        if outcome.is_ok() {
            self.write_markers(&transactional_id, now, actions);
        }
    }

    /// Goes on with the transactions that were decided before the log was loaded.
    pub(super) fn complete_decided(&mut self, now: Millis, actions: &mut Actions<Self>) {
        let decided = self.transactions.iter().filter(|(_, metadata)| metadata.state().decided().is_some());
        let decided: Vec<_> = decided.map(|(id, _)| id.clone()).collect();
        for transactional_id in decided {
            self.write_markers(&transactional_id, now, actions);
        }
    }

    /// Has the markers of a decided transaction written.
    fn write_markers(&mut self, transactional_id: &Arc<str>, now: Millis, actions: &mut Actions<Self>) {
        let Some(metadata) = self.transactions.get_mut(transactional_id) else { return };
        let Some(result) = metadata.prepare_complete(now) else { return };
        let partitions: Vec<_> = metadata.partitions().iter().cloned().collect();
        if partitions.is_empty() {
            return self.append_completion(transactional_id.clone(), now, actions);
        }
        actions.effect(TxnEffect::WriteMarkers(TxnMarkers {
            transactional_id: transactional_id.clone(),
            producer: metadata.producer(),
            coordinator_epoch: self.epoch,
            result,
            partitions,
        }));
    }

    /// Takes note of markers; the last one makes the transaction complete.
    pub(super) fn on_markers_written(
        &mut self,
        transactional_id: Arc<str>,
        partitions: &[TopicPartition],
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let metadata = self.transactions.get_mut(&transactional_id);
        if metadata.is_some_and(|metadata| metadata.markers_written(partitions)) {
            self.append_completion(transactional_id, now, actions);
        }
    }

    fn append_completion(&mut self, transactional_id: Arc<str>, now: Millis, actions: &mut Actions<Self>) {
        let then = TxnAppend::Completion(transactional_id.clone());
        if let Err(error) = self.append_pending(&transactional_id, then, actions) {
            self.on_completion_appended(transactional_id, Err(error), now, actions);
        }
    }

    /// A transaction is complete in the log, or is not yet.
    pub(super) fn on_completion_appended(
        &mut self,
        transactional_id: Arc<str>,
        outcome: Result<(), ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let Some(metadata) = self.transactions.get_mut(&transactional_id) else { return };
        match outcome {
            Ok(()) => metadata.complete_transition(),
            // The partition is about to be unloaded; the next coordinator goes on.
            Err(ErrorCode::NotCoordinator) => metadata.abandon_transition(),
            Err(error) => {
                let text = format!(
                    "Not available to append the completion of {transactional_id}'s transaction: {}; retry appending",
                    error.name()
                );
                actions.effect(TxnEffect::Log(log::Level::Info, text));
                self.to_retry.insert(transactional_id.clone());
                actions.effect(TxnEffect::CompletionsToRetry(self.to_retry.len()));
                actions.schedule(TxnTimer::RetryCompletion(transactional_id), now + RETRY_BACKOFF);
            }
        }
    }

    /// Appends the last record of a transaction once more.
    pub(super) fn retry_completion(
        &mut self,
        transactional_id: Arc<str>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        self.to_retry.remove(&transactional_id);
        actions.effect(TxnEffect::CompletionsToRetry(self.to_retry.len()));
        self.append_completion(transactional_id, now, actions);
    }
}

fn log_timeout(
    transactional_id: &str,
    outcome: Result<(), ErrorCode>,
    actions: &mut Actions<TransactionCoordinator>,
) {
    actions.effect(match outcome {
        Ok(()) => TxnEffect::Log(
            log::Level::Info,
            format!(
                "Completed rollback of ongoing transaction for transactionalId {transactional_id} due to timeout"
            ),
        ),
        Err(error) => TxnEffect::Log(
            log::Level::Warn,
            format!(
                "Rollback of ongoing transaction for transactionalId {transactional_id} failed due to error {}",
                error.name()
            ),
        ),
    });
}
