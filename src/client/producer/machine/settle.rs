//! What follows from the answer about a batch: its records are done, it is sent again, or it is split.
//!
//! Pure. Kafka: `Sender.completeBatch`, `canRetry`, `failBatch`.

use super::{PartitionAnswer, ProducerMachine, SealFailure, SentBatch, WrittenBatch};
use crate::base::{Millis, Offset, TopicPartition};
use crate::client::error::ClientError;
use crate::client::producer::accumulator::{EndedBatch, SplitBatch};
use crate::client::producer::transaction_manager::WrittenOrNot;
use crate::wire::batch::Batch;
use crate::wire::error_code::ErrorCode;

/// What came of a batch.
#[derive(Debug)]
#[must_use = "the records of the batch wait for it"]
pub enum SettledBatch<C> {
    /// It was written.
    Written {
        /// The batch.
        ended: EndedBatch<C>,
        /// Where.
        written: WrittenBatch,
    },
    /// It was not written, or it is not known whether it was.
    Failed {
        /// The batch.
        ended: EndedBatch<C>,
        /// Why.
        error: ClientError,
    },
    /// It is sent again.
    Retried {
        /// Its partition.
        partition: TopicPartition,
        /// How many records it has.
        records: usize,
        /// How often it may be sent again after that.
        attempts_left: u32,
        /// Why.
        error: ClientError,
    },
    /// Its records went into smaller batches.
    Split {
        /// Its partition.
        partition: TopicPartition,
        /// The batch and its pieces.
        split: SplitBatch<C>,
    },
}

impl<C: Clone> ProducerMachine<C> {
    /// Applies an answer; None where the batch was given up meanwhile. The pieces of a batch that is split are
    /// completed by what `completion` makes.
    pub fn settle(
        &mut self,
        batch: SentBatch,
        answer: PartitionAnswer,
        now: Millis,
        completion: impl FnMut(&TopicPartition) -> C,
    ) -> Option<SettledBatch<C>> {
        let PartitionAnswer { outcome, log_start } = answer;
        let error = match outcome {
            Ok(written) => return self.complete(batch, written, now),
            Err(error) => error,
        };
        if error.code().is_some_and(ErrorCode::is_invalid_metadata) {
            self.accumulator.forget_leader(batch.slot);
        }
        let is_too_large = error.code() == Some(ErrorCode::MessageTooLarge) && batch.records > 1;
        if is_too_large && let Some(split) = self.split(&batch, now, completion) {
            return Some(split);
        }
        let Some(attempts_left) = self.attempts_left(&batch, now) else {
            self.accumulator.complete(batch.slot, batch.id, now);
            return None;
        };
        if attempts_left > 0 && self.may_retry(&batch, &error, log_start) {
            self.accumulator.retry(batch.slot, batch.id, batch.payload(), now);
            let SentBatch { partition, records, .. } = batch;
            return Some(SettledBatch::Retried { partition, records, attempts_left, error });
        }
        self.fail(batch, error, attempts_left, now)
    }

    /// How often a batch may be sent again; None where it was given up meanwhile.
    fn attempts_left(&mut self, batch: &SentBatch, now: Millis) -> Option<u32> {
        let known = self.accumulator.in_flight(batch.slot, batch.id)?;
        let is_late = now.saturating_sub(known.created) >= self.delivery_timeout;
        Some(if is_late { 0 } else { self.retries.saturating_sub(known.attempts) })
    }

    fn may_retry(&mut self, batch: &SentBatch, error: &ClientError, log_start: Option<Offset>) -> bool {
        match &mut self.transactions {
            Some(transactions) => transactions.can_retry(&batch.partition, batch.id, error, log_start),
            None => error.is_retriable(),
        }
    }

    fn complete(&mut self, batch: SentBatch, written: WrittenBatch, now: Millis) -> Option<SettledBatch<C>> {
        let SentBatch { slot, partition, id, identity, records, .. } = batch;
        if let (Some(transactions), Some(identity)) = (&mut self.transactions, identity) {
            transactions.batch_completed(&partition, id, identity, records, written.base_offset);
        }
        let batch = self.accumulator.complete(slot, id, now)?;
        Some(SettledBatch::Written { ended: EndedBatch { partition, batch }, written })
    }

    fn fail(
        &mut self,
        batch: SentBatch,
        error: ClientError,
        attempts_left: u32,
        now: Millis,
    ) -> Option<SettledBatch<C>> {
        let SentBatch { slot, partition, id, .. } = batch;
        if let Some(transactions) = &mut self.transactions {
            // A broker's refusal is certain, unless an earlier try may have been written.
            let refused = attempts_left > 0 && error.code().is_some();
            let written = if refused { WrittenOrNot::NotWritten } else { WrittenOrNot::Unknown };
            transactions.batch_failed(&partition, id, &error, written);
        }
        let batch = self.accumulator.complete(slot, id, now)?;
        Some(SettledBatch::Failed { ended: EndedBatch { partition, batch }, error })
    }

    /// Fails a batch that no bytes can be made of.
    pub fn seal_failed(&mut self, failure: SealFailure, now: Millis) -> Option<SettledBatch<C>> {
        let SealFailure { slot, partition, id, error } = failure;
        if let Some(transactions) = &mut self.transactions {
            transactions.batch_failed(&partition, id, &error, WrittenOrNot::NotWritten);
        }
        let batch = self.accumulator.complete(slot, id, now)?;
        Some(SettledBatch::Failed { ended: EndedBatch { partition, batch }, error })
    }

    /// Puts the batch back in pieces; None where that is not possible.
    fn split(
        &mut self,
        batch: &SentBatch,
        now: Millis,
        completion: impl FnMut(&TopicPartition) -> C,
    ) -> Option<SettledBatch<C>> {
        let parsed = Batch::parse(&batch.bytes).ok()?;
        let split = self.accumulator.split(batch.slot, batch.id, &parsed, now, completion).ok()??;
        if let Some(transactions) = &mut self.transactions {
            let sizes: Vec<_> = split.pieces.iter().map(|piece| (piece.id, piece.records)).collect();
            transactions.batch_split(&batch.partition, batch.id, &sizes);
        }
        Some(SettledBatch::Split { partition: batch.partition.clone(), split })
    }
}
