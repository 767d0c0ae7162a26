//! Batches that have ended under the lock, and whose records are notified after it. A flush waits for both.
//!
//! Kafka: `ProducerBatch.done`.

use super::{ProducerCore, ProducerMachines};
use crate::base::TopicPartition;
use crate::client::events::ClientEvent;
use crate::client::producer::accumulator::{BatchPiece, EndedBatch, SplitBatch};
use crate::client::producer::core::BatchCompletion;
use crate::client::producer::delivery::BatchOutcome;
use crate::client::producer::interceptor::InterceptedRecord;
use crate::client::producer::machine::{SettledBatch, WrittenBatch};
use crate::client::producer::metrics::count;
use crate::client::producer::reports::BatchReport;

/// Batches and what came of them.
#[derive(Debug, Default)]
#[must_use = "the records wait until it is reported"]
pub(super) struct EndedBatches {
    records: Vec<EndedRecords>,
    /// Batches that are sent again, and how many records each has.
    retried: Vec<(usize, ClientEvent)>,
    /// How many batches were split.
    splits: u64,
    /// None where no batch has ended.
    report: Option<BatchReport>,
}

#[derive(Debug)]
struct EndedRecords {
    partition: TopicPartition,
    completion: BatchCompletion,
    outcome: BatchOutcome,
    records: usize,
    /// Bytes of memory to be given back.
    reserved: usize,
}

impl EndedBatches {
    /// What the machine has settled under the lock that `state` is under.
    pub(super) fn of(
        settled: impl IntoIterator<Item = SettledBatch<BatchCompletion>>,
        state: &mut ProducerMachines,
    ) -> Self {
        let mut ended = Self::default();
        settled.into_iter().for_each(|batch| ended.add(batch));
        ended.report = (!ended.records.is_empty()).then(|| state.reports.begin());
        ended
    }

    fn add(&mut self, settled: SettledBatch<BatchCompletion>) {
        match settled {
            SettledBatch::Written { ended, written: WrittenBatch { base_offset, log_append_time } } => {
                self.end(ended, BatchOutcome::Written { base_offset, log_append_time });
            }
            SettledBatch::Failed { ended, error } => self.end(ended, BatchOutcome::Failed(error)),
            SettledBatch::Retried { partition, records, attempts_left, error } => {
                self.retried.push((records, ClientEvent::BatchRetried { partition, attempts_left, error }));
            }
            SettledBatch::Split { partition, split: SplitBatch { whole, pieces } } => {
                self.splits += 1;
                self.split(partition, whole, pieces);
            }
        }
    }

    fn end(&mut self, ended: EndedBatch<BatchCompletion>, outcome: BatchOutcome) {
        let EndedBatch { partition, batch } = ended;
        self.records.push(EndedRecords {
            partition,
            completion: batch.completion,
            outcome,
            records: batch.records,
            reserved: batch.reserved,
        });
    }

    /// Notes that a batch's records went into others, which keep its memory.
    fn split(
        &mut self,
        partition: TopicPartition,
        whole: BatchCompletion,
        pieces: Vec<BatchPiece<BatchCompletion>>,
    ) {
        let mut first = 0;
        let numbered = pieces.into_iter().map(|BatchPiece { records, completion, .. }| {
            let at = first;
            first += records;
            (at, completion)
        });
        let outcome = BatchOutcome::Split(numbered.collect());
        self.records.push(EndedRecords { partition, completion: whole, outcome, records: 0, reserved: 0 });
    }

    /// Notifies the records and the interceptors, and gives the memory back.
    pub(super) fn report(self, core: &ProducerCore) {
        for (records, event) in &self.retried {
            count(&core.counters.record_retries, *records as u64);
            core.settings().cluster.events.report(event);
        }
        count(&core.counters.batches_split, self.splits);
        let Some(report) = self.report else { return };
        for EndedRecords { partition, completion, outcome, records, reserved } in self.records {
            if let BatchOutcome::Failed(error) = &outcome {
                count(&core.counters.record_errors, records as u64);
                let (partition, error) = (partition.clone(), error.clone());
                let event = ClientEvent::BatchFailed { partition, records, error };
                core.settings().cluster.events.report(&event);
            }
            let pieces = match &outcome {
                BatchOutcome::Split(pieces) => Some(pieces.clone()),
                _ => None,
            };
            let intercepted = completion.done(outcome);
            match pieces {
                Some(pieces) => pass_on(intercepted, &pieces),
                None => {
                    for (index, record) in intercepted.iter().enumerate() {
                        let Some(outcome) = completion.of_record(index, record) else { continue };
                        for interceptor in &core.settings().interceptors {
                            interceptor.on_acknowledgement(&partition.topic, outcome.as_ref());
                        }
                    }
                }
            }
            core.release(reserved);
        }
        core.state.lock().reports.finish(report);
        core.progress.notify_waiters();
    }
}

/// Hands what the interceptors are given of a batch to its pieces.
fn pass_on(intercepted: Vec<InterceptedRecord>, pieces: &[(usize, BatchCompletion)]) {
    for (index, record) in intercepted.into_iter().enumerate() {
        let at = pieces.partition_point(|(first, _)| *first <= index).saturating_sub(1);
        if let Some((_, piece)) = pieces.get(at) {
            piece.intercept(record);
        }
    }
}
