//! Records taken from what was fetched, in the order in which it came.
//!
//! Pure. An answer's error takes effect when its turn comes, so that records fetched before it are returned first.
//! Kafka: `Fetcher.fetchedRecords`, `initializeCompletedFetch`.

use super::completed_fetch::{CompletedFetch, FetchStep};
use super::unpack::unpack;
use super::{ConsumerFetcher, ConsumerPosition, SubscriptionState};
use crate::base::{Millis, TopicPartition};
use crate::client::consumer::error::ConsumerError;
use crate::client::consumer::records::{ConsumerRecords, RecordChunk};
use crate::client::consumer::subscription_state::LogMarks;
use crate::wire::batch::{Batch, BatchError};
use crate::wire::error_code::ErrorCode;

/// What was taken.
#[derive(Debug)]
pub enum TakenRecords {
    /// Records, with the positions moved past them; empty if nothing was there.
    Records(ConsumerRecords),
    /// A batch is to be unpacked first, on a thread that may block.
    Unpack(UnpackTask),
}

/// A batch to be unpacked, and whose it is.
#[derive(Clone, Debug)]
pub struct UnpackTask {
    partition: TopicPartition,
    batch: Batch,
    check_crcs: bool,
}

/// The outcome of an [`UnpackTask`].
#[derive(Debug)]
pub struct UnpackedBatch {
    partition: TopicPartition,
    batch: Batch,
    outcome: Result<RecordChunk, BatchError>,
}

impl UnpackTask {
    /// Unpacks it. May take long.
    pub fn run(self) -> UnpackedBatch {
        let outcome = unpack(&self.batch, self.check_crcs);
        UnpackedBatch { partition: self.partition, batch: self.batch, outcome }
    }
}

/// What becomes of a fetch that is first in line.
enum FetchFate {
    /// Its records come next.
    Read,
    /// It is of no use any more.
    Drop,
}

impl ConsumerFetcher {
    /// Up to `most` records, and moves the positions past them.
    ///
    /// # Errors
    /// What keeps a partition from being read, if no records of before are there.
    pub fn take(
        &mut self,
        state: &mut SubscriptionState,
        most: usize,
        now: Millis,
    ) -> Result<TakenRecords, ConsumerError> {
        let mut records = ConsumerRecords::default();
        // The fetches of paused partitions are passed over.
        let mut at = 0;
        while records.len() < most && at < self.completed.len() {
            if state.is_paused(&self.completed[at].partition) {
                at += 1;
                continue;
            }
            match self.next_of(at, state, most - records.len(), now) {
                Ok(FetchStep::Records(chunk)) => {
                    let fetch = &self.completed[at];
                    state.consumed(&fetch.partition, fetch.next_offset(), fetch.last_epoch());
                    records.push(&fetch.partition, chunk);
                }
                Ok(FetchStep::Unpack(batch)) if records.is_empty() => {
                    let partition = self.completed[at].partition.clone();
                    let check_crcs = self.options.check_crcs;
                    return Ok(TakenRecords::Unpack(UnpackTask { partition, batch, check_crcs }));
                }
                Ok(FetchStep::Unpack(_)) => break,
                Ok(FetchStep::Consumed) => {
                    self.completed.remove(at);
                }
                // Positions have moved past the records: they are returned now, and the error by the next call.
                Err(_) if !records.is_empty() => break,
                Err(error) => {
                    if self.completed[at].error != ErrorCode::None || self.completed[at].is_without_progress()
                    {
                        self.completed.remove(at);
                    }
                    return Err(error);
                }
            }
        }
        Ok(TakenRecords::Records(records))
    }

    /// Gives back a batch that was unpacked, unless what it belongs to was dropped.
    pub fn unpacked(&mut self, unpacked: UnpackedBatch) {
        let UnpackedBatch { partition, batch, outcome } = unpacked;
        let waiting = self.completed.iter_mut().find(|it| it.partition == partition && it.waits_for(&batch));
        if let Some(fetch) = waiting {
            fetch.unpacked(outcome);
        }
    }

    /// Drops what was fetched of partitions that are no longer assigned.
    pub fn retain_assigned(&mut self, state: &SubscriptionState) {
        self.completed.retain(|it| state.is_assigned(&it.partition));
    }

    fn next_of(
        &mut self,
        at: usize,
        state: &mut SubscriptionState,
        most: usize,
        now: Millis,
    ) -> Result<FetchStep, ConsumerError> {
        let Some(position) = state.position(&self.completed[at].partition).copied() else {
            return Ok(FetchStep::Consumed);
        };
        if let FetchFate::Drop = self.initialize(at, &position, state, now)? {
            return Ok(FetchStep::Consumed);
        }
        let fetch = &mut self.completed[at];
        if fetch.next_offset() != position.offset {
            return Ok(FetchStep::Consumed);
        }
        let step = fetch.step(most, self.options).map_err(|error| ConsumerError::Records {
            partition: fetch.partition.clone(),
            offset: fetch.next_offset(),
            error,
        })?;
        if let FetchStep::Consumed = step {
            // Control records and those of aborted transactions are behind the last one.
            state.consumed(
                &fetch.partition,
                fetch.next_offset(),
                fetch.last_epoch().or(position.offset_epoch),
            );
            if fetch.size() > 0 {
                state.move_to_end(&fetch.partition);
            }
        }
        Ok(step)
    }

    /// Applies the answer of a fetch whose turn has come, once.
    fn initialize(
        &mut self,
        at: usize,
        position: &ConsumerPosition,
        state: &mut SubscriptionState,
        now: Millis,
    ) -> Result<FetchFate, ConsumerError> {
        let fetch = &mut self.completed[at];
        if !fetch.is_of(position.leader) {
            return Ok(FetchFate::Drop);
        }
        if fetch.error != ErrorCode::None {
            state.move_to_end(&fetch.partition);
            return self.apply_error(at, position, state, now);
        }
        let partition = fetch.partition.clone();
        if fetch.next_offset() != position.offset {
            return Ok(FetchFate::Drop);
        }
        if fetch.is_without_progress() {
            return Err(ConsumerError::NoProgress { partition, offset: position.offset });
        }
        if let Some(answer) = fetch.answer.take() {
            let marks = LogMarks {
                high_watermark: answer.high_watermark,
                last_stable_offset: answer.last_stable_offset,
            };
            state.update_marks(&partition, marks);
            if answer.preferred_read_replica >= 0 {
                let lifetime = Millis::try_from(self.settings.cluster.metadata_max_age.as_millis());
                let expires = now.saturating_add(lifetime.unwrap_or(Millis::MAX));
                state.prefer_replica(&partition, answer.preferred_read_replica, expires);
            }
        }
        Ok(FetchFate::Read)
    }

    /// Applies the error that a broker has answered for a partition.
    fn apply_error(
        &mut self,
        at: usize,
        position: &ConsumerPosition,
        state: &mut SubscriptionState,
        now: Millis,
    ) -> Result<FetchFate, ConsumerError> {
        let fetch: &CompletedFetch = &self.completed[at];
        let (partition, offset, broker) = (fetch.partition.clone(), fetch.next_offset(), fetch.broker);
        match fetch.error {
            ErrorCode::NotLeaderOrFollower
            | ErrorCode::ReplicaNotAvailable
            | ErrorCode::KafkaStorageError
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::OffsetNotAvailable
            | ErrorCode::UnknownTopicOrPartition => {
                state.clear_preferred_read_replica(&partition);
                self.needs_metadata = true;
                self.wait(broker, now);
            }
            // The broker has not heard of the leader epoch yet, or has failed otherwise: the same again.
            ErrorCode::UnknownLeaderEpoch | ErrorCode::UnknownServerError => self.wait(broker, now),
            // A follower may be behind or ahead of the leader: the leader is asked.
            ErrorCode::OffsetOutOfRange if state.clear_preferred_read_replica(&partition).is_some() => {}
            ErrorCode::OffsetOutOfRange if offset != position.offset => {}
            ErrorCode::OffsetOutOfRange => {
                if !state.request_default_reset(&partition) {
                    return Err(ConsumerError::OffsetOutOfRange { partition, position: offset });
                }
            }
            ErrorCode::TopicAuthorizationFailed => {
                return Err(ConsumerError::TopicAuthorization(vec![partition.topic.to_string()]));
            }
            ErrorCode::CorruptMessage => return Err(ConsumerError::CorruptMessage { partition, offset }),
            error => return Err(ConsumerError::UnexpectedAnswer { partition, offset, error }),
        }
        Ok(FetchFate::Drop)
    }
}
