//! The outcome of records. All records of a batch share one completion, so that a record costs no allocation.
//!
//! Kafka: `ProduceRequestResult`, `FutureRecordMetadata`.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::interceptor::InterceptedRecord;
use super::record::RecordMetadata;
use crate::base::{Millis, Offset, TopicPartition};
use crate::client::error::ClientError;

/// What came of a batch.
#[derive(Clone, Debug)]
pub(super) enum BatchOutcome {
    /// It was written.
    Written {
        /// The first record's offset, where it is known.
        base_offset: Option<Offset>,
        /// The leader's time, where the topic takes that as the timestamp.
        log_append_time: Option<Millis>,
    },
    /// It was not written, or it is not known whether it was.
    Failed(ClientError),
    /// Its records went into other batches; each with the position of its first record in this one.
    Split(Vec<(usize, Arc<ProduceRequestResult>)>),
}

/// What the records of a batch wait for.
#[derive(Debug)]
pub(super) struct ProduceRequestResult {
    partition: TopicPartition,
    outcome: OnceLock<BatchOutcome>,
    waiting: Mutex<WaitingRecords>,
}

#[derive(Debug, Default)]
struct WaitingRecords {
    /// The tasks that await a record; a record that is polled again keeps its position.
    wakers: Vec<Waker>,
    /// What the interceptors are given, by the record's position; empty without interceptors.
    intercepted: Vec<InterceptedRecord>,
}

impl ProduceRequestResult {
    pub(super) fn new(partition: TopicPartition) -> Arc<Self> {
        Arc::new(Self { partition, outcome: OnceLock::new(), waiting: Mutex::default() })
    }

    /// Keeps what the interceptors are given of the next record.
    pub(super) fn intercept(&self, record: InterceptedRecord) {
        self.waiting.lock().intercepted.push(record);
    }

    /// Notifies the records' futures; what the interceptors are to be given.
    pub(super) fn done(&self, outcome: BatchOutcome) -> Vec<InterceptedRecord> {
        if self.outcome.set(outcome).is_err() {
            return Vec::new();
        }
        let WaitingRecords { wakers, intercepted } = std::mem::take(&mut *self.waiting.lock());
        wakers.into_iter().for_each(Waker::wake);
        intercepted
    }

    /// What came of the record at `index`.
    pub(super) fn of_record(
        &self,
        index: usize,
        record: &InterceptedRecord,
    ) -> Option<Result<RecordMetadata, ClientError>> {
        Some(match self.outcome.get()? {
            BatchOutcome::Failed(error) => Err(error.clone()),
            BatchOutcome::Written { base_offset, log_append_time } => Ok(RecordMetadata {
                partition: self.partition.clone(),
                offset: base_offset.map(|base| base.saturating_add(index as i64)),
                timestamp: log_append_time.unwrap_or(record.timestamp),
                serialized_key_size: size(record.key_size),
                serialized_value_size: size(record.value_size),
            }),
            BatchOutcome::Split(_) => return None,
        })
    }
}

fn size(size: i32) -> Option<usize> {
    usize::try_from(size).ok()
}

/// A record on its way: a future of where it was written, or why it was not. Dropping it does not take the record back.
#[doc(alias = "FutureRecordMetadata")]
#[derive(Debug)]
#[must_use = "a record may fail; without its outcome the failure goes unnoticed"]
pub struct Delivery {
    result: Arc<ProduceRequestResult>,
    /// The record's position in the batch.
    index: usize,
    record: InterceptedRecord,
    /// The position of its waker, once it was polled.
    waker: Option<usize>,
}

impl Delivery {
    pub(super) fn new(result: Arc<ProduceRequestResult>, index: usize, record: InterceptedRecord) -> Self {
        Self { result, index, record, waker: None }
    }

    /// The partition that the record goes to.
    pub fn partition(&self) -> &TopicPartition {
        &self.result.partition
    }

    /// Goes on to the batch that a split has put the record into.
    fn follow(&mut self) {
        while let Some(BatchOutcome::Split(pieces)) = self.result.outcome.get() {
            let at = pieces.partition_point(|(first, _)| *first <= self.index).saturating_sub(1);
            let Some((first, piece)) = pieces.get(at).cloned() else { return };
            (self.index, self.result, self.waker) = (self.index - first.min(self.index), piece, None);
        }
    }
}

impl Future for Delivery {
    type Output = Result<RecordMetadata, ClientError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            self.follow();
            if let Some(outcome) = self.result.of_record(self.index, &self.record) {
                return Poll::Ready(outcome);
            }
            let result = self.result.clone();
            let mut waiting = result.waiting.lock();
            if result.outcome.get().is_some() {
                continue;
            }
            let known = self.waker.and_then(|at| waiting.wakers.get_mut(at));
            match known {
                Some(waker) => waker.clone_from(context.waker()),
                None => {
                    waiting.wakers.push(context.waker().clone());
                    self.waker = Some(waiting.wakers.len() - 1);
                }
            }
            return Poll::Pending;
        }
    }
}

#[cfg(test)]
mod tests;
