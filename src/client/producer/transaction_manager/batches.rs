//! What the transaction manager decides about batches: their identity, and what follows from their answers.
//!
//! Pure. Kafka: `TransactionManager.canRetry`, `handleCompletedBatch`, `handleFailedBatch`, `maybeResolveSequences`.

use super::sequences::ResolvedSequences;
use super::{ProducerTransactionState, TransactionManager};
use crate::base::{Offset, TopicPartition};
use crate::client::error::{ClientError, Recovery};
use crate::client::producer::batch::{BatchId, BatchIdentity};
use crate::wire::error_code::ErrorCode;

/// Whether a batch that has failed was certainly not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenOrNot {
    /// The broker has refused it, so that the sequences behind it may close the gap.
    NotWritten,
    /// It is not known.
    Unknown,
}

impl TransactionManager {
    /// The identity of a batch that is about to be sent; None while it must wait.
    pub fn assign(
        &mut self,
        partition: &TopicPartition,
        id: BatchId,
        records: usize,
    ) -> Option<BatchIdentity> {
        if self.state == ProducerTransactionState::FatalError
            || self.is_transactional() && !self.partitions.contains(partition)
        {
            return None;
        }
        self.bookkeeper.assign(partition, id, records, self.producer?)
    }

    /// Whether a batch has a sequence: it was sent, or tried to be sent, before.
    pub fn has_sequence(&self, partition: &TopicPartition, id: BatchId) -> bool {
        self.bookkeeper.has_sequence(partition, id)
    }

    /// Applies that a batch was written; `identity` is the one it was sent with.
    pub fn batch_completed(
        &mut self,
        partition: &TopicPartition,
        id: BatchId,
        identity: BatchIdentity,
        records: usize,
        base_offset: Option<Offset>,
    ) {
        self.bookkeeper.acknowledge(partition, id, identity, records, base_offset);
    }

    /// Applies that a batch was split; its pieces and how many records each has.
    pub fn batch_split(&mut self, partition: &TopicPartition, id: BatchId, pieces: &[(BatchId, usize)]) {
        self.bookkeeper.split(partition, id, pieces);
    }

    /// Applies that a batch has failed for good.
    pub fn batch_failed(
        &mut self,
        partition: &TopicPartition,
        id: BatchId,
        error: &ClientError,
        written: WrittenOrNot,
    ) {
        self.become_failed(error);
        let code = error.code();
        if self.state == ProducerTransactionState::FatalError {
            self.bookkeeper.forget(partition, id);
        } else if code == Some(ErrorCode::OutOfOrderSequenceNumber) && !self.is_transactional() {
            self.bookkeeper.forget(partition, id);
            self.request_epoch_bump(partition);
        } else if code == Some(ErrorCode::UnknownProducerId) {
            self.bookkeeper.forget(partition, id);
            self.bookkeeper.reset_partition(partition);
        } else if written == WrittenOrNot::NotWritten && self.is_transactional() {
            self.bookkeeper.close_gap(partition, id);
        } else if written == WrittenOrNot::NotWritten {
            self.bookkeeper.forget(partition, id);
            self.request_epoch_bump(partition);
        } else {
            self.bookkeeper.mark_unresolved(partition, id);
            self.bookkeeper.forget(partition, id);
        }
    }

    /// Applies that a batch was given up before it was ever sent.
    pub fn batch_dropped(&mut self, error: &ClientError) {
        self.become_failed(error);
    }

    /// What a failed batch means for the transaction.
    fn become_failed(&mut self, error: &ClientError) {
        let is_fatal = matches!(error, ClientError::Unsupported(_))
            || matches!(
                error.code(),
                Some(
                    ErrorCode::ClusterAuthorizationFailed
                        | ErrorCode::TransactionalIdAuthorizationFailed
                        | ErrorCode::ProducerFenced
                        | ErrorCode::UnsupportedVersion
                )
            );
        if is_fatal {
            self.become_fatal(error.clone());
        } else if self.is_transactional() {
            if self.can_bump_epoch() && !self.is_completing() {
                self.epoch_bump_required = true;
            }
            self.become_abortable(error.clone());
        }
    }

    fn request_epoch_bump(&mut self, partition: &TopicPartition) {
        self.epoch_bump_required = true;
        self.partitions_to_rewrite.insert(partition.clone());
    }

    /// Whether a batch is sent again after this error of its broker. `log_start` is the partition's first offset, where
    /// the broker's answer has it.
    pub fn can_retry(
        &mut self,
        partition: &TopicPartition,
        id: BatchId,
        error: &ClientError,
        log_start: Option<Offset>,
    ) -> bool {
        let known = self.bookkeeper.disorder(partition, id);
        match error.code() {
            Some(ErrorCode::UnknownProducerId) => {
                let Some(log_start) = log_start else { return true };
                if known.is_reset {
                    return true;
                }
                let is_deleted = known.last_acked_offset.unwrap_or(-1) < log_start;
                match (self.is_transactional(), self.producer) {
                    // The records before were deleted, and with them what the broker knew of the producer.
                    (true, Some(producer)) if is_deleted => {
                        self.bookkeeper.start_at_beginning(partition, producer);
                        true
                    }
                    (true, _) => false,
                    (false, _) => {
                        self.request_epoch_bump(partition);
                        true
                    }
                }
            }
            Some(ErrorCode::OutOfOrderSequenceNumber) => {
                if !known.unresolved && (known.is_reset || !known.is_next) {
                    // A batch before it is on its way again.
                    return true;
                }
                if self.is_transactional() {
                    return false;
                }
                if !known.unresolved || known.is_next_unresolved {
                    self.request_epoch_bump(partition);
                }
                true
            }
            _ => error.is_retriable(),
        }
    }

    /// Decides on partitions with batches of which it is not known whether they were written, once no other batch is
    /// on its way there.
    pub fn resolve_sequences(&mut self) {
        for resolved in self.bookkeeper.resolve() {
            self.resolutions += 1;
            let ResolvedSequences::Incomplete(partition) = resolved else { continue };
            if !self.is_transactional() {
                self.request_epoch_bump(&partition);
                continue;
            }
            let lost = "The client hasn't received acknowledgment for some previously sent messages and can no longer \
                        retry them.";
            let failed = |advice: &str, recovery| ClientError::TransactionFailed {
                message: format!("{lost} {advice}"),
                recovery,
                cause: None,
            };
            if self.can_bump_epoch() {
                self.epoch_bump_required = true;
                let advice = "It is safe to abort the transaction and continue.";
                self.become_abortable(failed(advice, Recovery::Abort));
            } else {
                self.become_fatal(failed("It isn't safe to continue.", Recovery::Fatal));
            }
        }
    }
}
