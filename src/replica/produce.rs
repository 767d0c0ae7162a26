//! Appending records as leader, for clients and for this broker's own coordinators: appended at once and in order,
//! acknowledged when enough replicas have them.
//!
//! Kafka: `ReplicaManager.appendRecords`, `DelayedProduce`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::broker_topic_stats::{BrokerMeter, TopicMeter, TopicStats, is_failure};
use super::partition::{Acknowledgement, Partition, Refused};
use super::{ReplicaManager, Waits};
use crate::admin::names::is_internal;
use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::log::disk::blocking;
use crate::log::{AppendOrigin, LogAppendInfo};
pub use crate::replica::machine::RequiredAcks;
use crate::wire::error_code::ErrorCode;
use crate::wire::memory_records::MemoryRecords;

/// Whether records may be appended to Kafka's own topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InternalTopics {
    /// They may: for coordinators, and for the clients that brokers are.
    Allowed,
    /// Such records are refused.
    Refused,
}

/// What holds for an append as a whole.
#[derive(Clone, Copy, Debug)]
pub struct AppendParams {
    /// Which replicas must have the records.
    pub acks: RequiredAcks,
    /// How long to wait for them.
    pub timeout: Duration,
    /// Whether records may be appended to Kafka's own topics.
    pub internal_topics: InternalTopics,
    /// Where the records come from, by which the log validates them.
    pub origin: AppendOrigin,
    /// The only leader epoch in which they are appended: a coordinator's, which knows what the log held when it began.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// How the records of one partition fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProduceOutcome {
    /// What went wrong, if anything did.
    pub error: ErrorCode,
    /// The offset of the first record; -1 where there is none.
    pub base_offset: Offset,
    /// The broker's time on the records, where the topic has it; else -1.
    pub log_append_time: Millis,
    /// Where the log starts; -1 where it is not known.
    pub log_start_offset: Offset,
    /// The records that were refused, by their index in the batch, and why (KIP-467).
    pub record_errors: Vec<(i32, Option<String>)>,
    /// Why all of them were refused, in a sentence.
    pub error_message: Option<String>,
}

impl ProduceOutcome {
    /// A refusal without particulars.
    pub fn refused(error: ErrorCode) -> Self {
        let (record_errors, error_message) = (Vec::new(), None);
        Self {
            error,
            base_offset: -1,
            log_append_time: -1,
            log_start_offset: -1,
            record_errors,
            error_message,
        }
    }

    fn appended(info: &LogAppendInfo) -> Self {
        Self {
            base_offset: info.first_offset.unwrap_or(-1),
            log_append_time: info.log_append_time,
            log_start_offset: info.log_start_offset,
            ..Self::refused(ErrorCode::None)
        }
    }
}

/// Appended records, and what is still awaited for them.
#[derive(Debug)]
#[must_use]
pub struct PendingProduce {
    waits: Arc<Waits>,
    timeout: Duration,
    entries: Vec<(TopicPartition, ProduceOutcome, Option<oneshot::Receiver<ErrorCode>>)>,
}

impl PendingProduce {
    /// Whether nothing is awaited.
    pub fn is_settled(&self) -> bool {
        self.entries.iter().all(|(_, _, waiting)| waiting.is_none())
    }

    /// How each partition's records fared, once that is known or the time has run out.
    pub async fn outcomes(self) -> Vec<(TopicPartition, ProduceOutcome)> {
        let deadline = tokio::time::Instant::now() + self.timeout;
        let awaited = self.entries.iter().filter(|(_, _, waiting)| waiting.is_some()).count();
        let _delayed = (awaited > 0).then(|| self.waits.produce.delay(awaited));
        let mut outcomes = Vec::with_capacity(self.entries.len());
        for (partition, mut outcome, waiting) in self.entries {
            if let Some(waiting) = waiting {
                outcome.error = match tokio::time::timeout_at(deadline, waiting).await {
                    Ok(Ok(error)) => error,
                    Ok(Err(_)) => ErrorCode::NotLeaderOrFollower,
                    Err(_) => {
                        self.waits.produce_expired.count(&partition);
                        ErrorCode::RequestTimedOut
                    }
                };
            }
            outcomes.push((partition, outcome));
        }
        outcomes
    }
}

impl ReplicaManager {
    /// Appends records as leader, in this order. Done once they are appended; the thread is not kept from other tasks
    /// by more than a quick append.
    pub async fn append_records(
        &self,
        params: AppendParams,
        entries: Vec<(TopicPartition, MemoryRecords)>,
    ) -> PendingProduce {
        let mut appended = Vec::with_capacity(entries.len());
        for (id, records) in entries {
            let is_refused = params.internal_topics == InternalTopics::Refused && is_internal(&id.topic);
            let (outcome, waiting) = if is_refused {
                self.partitions.stats().mark_all(TopicMeter::TotalProduceRequests, 1);
                (ProduceOutcome::refused(ErrorCode::InvalidTopicException), None)
            } else {
                self.append_to(&id, records, &params).await
            };
            appended.push((id, outcome, waiting));
        }
        PendingProduce { waits: self.waits.clone(), timeout: params.timeout, entries: appended }
    }

    /// The message format in which this broker's replica of a partition stores what is appended; None where
    /// it has none.
    pub fn stored_format(&self, id: &TopicPartition) -> Option<i8> {
        let log = self.partition(id).ok()?.log()?;
        Some(log.settings().magic)
    }

    async fn append_to(
        &self,
        id: &TopicPartition,
        records: MemoryRecords,
        params: &AppendParams,
    ) -> (ProduceOutcome, Option<oneshot::Receiver<ErrorCode>>) {
        let partition = match self.partition(id) {
            Ok(partition) => partition,
            Err(error) => {
                self.partitions.stats().mark_all(TopicMeter::TotalProduceRequests, 1);
                return (ProduceOutcome::refused(error), None);
            }
        };
        partition.stats().mark(TopicMeter::TotalProduceRequests, 1);
        let bytes = records.bytes().len();
        let appended = self.prepare_and_append(&partition, records, params).await;
        match &appended {
            Ok((info, _)) => count_appended(partition.stats(), info, bytes),
            Err(refused) => self.count_refused(partition.stats(), refused, bytes),
        }
        match appended {
            Ok((info, Acknowledgement::Settled(error))) => {
                (ProduceOutcome { error, ..ProduceOutcome::appended(&info) }, None)
            }
            Ok((info, Acknowledgement::Awaited(waiting))) => (ProduceOutcome::appended(&info), Some(waiting)),
            Err(refused) => (refusal(&partition, refused), None),
        }
    }

    /// Counts records that were not appended; those of producers' sequences are checked by the log, not the validator,
    /// and not counted as invalid.
    fn count_refused(&self, stats: &TopicStats, refused: &Refused, bytes: usize) {
        let (code, invalid) = match refused {
            Refused::Partition(code) => (*code, None),
            Refused::Log(error) => (ErrorCode::from(error), error.record_errors().first()),
        };
        if is_failure(code) {
            stats.mark(TopicMeter::FailedProduceRequests, 1);
        }
        match code {
            ErrorCode::MessageTooLarge => stats.mark(TopicMeter::BytesRejected, bytes),
            ErrorCode::CorruptMessage => {
                self.partitions.stats().mark(BrokerMeter::InvalidMessageCrcRecords, 1);
            }
            ErrorCode::InvalidRecord if invalid.is_none() => {
                self.partitions.stats().mark(BrokerMeter::InvalidOffsetOrSequenceRecords, 1);
            }
            _ => {}
        }
    }

    async fn prepare_and_append(
        &self,
        partition: &Arc<Partition>,
        records: MemoryRecords,
        params: &AppendParams,
    ) -> Result<(LogAppendInfo, Acknowledgement), Refused> {
        let AppendParams { acks, origin, leader_epoch: within, .. } = *params;
        // Asked once more when the records are appended; here so that none are validated that another broker leads.
        let (log, _) = partition.admits_append(acks, within).map_err(Refused::Partition)?;
        let magic = records.batches().first().map(|batch| batch.header().magic);
        let prepared = match log.prepare_quickly(&records, origin) {
            Some(prepared) => prepared,
            None => {
                let log = log.clone();
                // No more of them than there are cores, and none of them while it waits for a disk.
                let _turn = self.validations.acquire().await;
                blocking(move || log.prepare(&records, origin)).await
            }
        };
        let prepared = prepared.map_err(Refused::Log)?;
        let is_converted = magic.is_some_and(|magic| magic != log.settings().magic);
        let takes = log.append_takes(prepared.bytes());
        let (led, now) = (partition.clone(), self.clock.now());
        let appended = log.disk().append(takes, move || led.append(&prepared, acks, within, now)).await?;
        if is_converted {
            partition.stats().mark(TopicMeter::ProduceMessageConversions, messages_of(&appended.0));
        }
        Ok(appended)
    }
}

fn count_appended(stats: &TopicStats, info: &LogAppendInfo, bytes: usize) {
    stats.mark(TopicMeter::BytesIn, bytes);
    stats.mark(TopicMeter::MessagesIn, messages_of(info));
}

/// How many offsets appended records take.
fn messages_of(info: &LogAppendInfo) -> usize {
    let messages = info.first_offset.map_or(0, |first| info.last_offset - first + 1);
    usize::try_from(messages).unwrap_or(0)
}

/// The answer to a client whose records were not appended.
fn refusal(partition: &Partition, refused: Refused) -> ProduceOutcome {
    let start = || partition.log().map_or(-1, |log| log.log_start_offset());
    match refused {
        Refused::Partition(error @ ErrorCode::NotEnoughReplicas) => {
            ProduceOutcome { log_start_offset: start(), ..ProduceOutcome::refused(error) }
        }
        Refused::Partition(error) => ProduceOutcome::refused(error),
        Refused::Log(error) => {
            let code = ErrorCode::from(&error);
            if code == ErrorCode::UnknownServerError {
                let id = partition.id();
                log::error!(target: "kafka.server.ReplicaManager", "Error processing append operation on partition {id}: {error}");
            }
            let records = error.record_errors().iter();
            ProduceOutcome {
                // Not with the errors that 2.7 expects of a log (ReplicaManager.appendToLocalLog).
                log_start_offset: if is_expected(code) { -1 } else { start() },
                record_errors: records.map(|it| (it.batch_index, it.message.clone())).collect(),
                error_message: error.client_message().map(str::to_owned),
                ..ProduceOutcome::refused(code)
            }
        }
    }
}

fn is_expected(code: ErrorCode) -> bool {
    use ErrorCode::{CorruptMessage, KafkaStorageError, MessageTooLarge, RecordListTooLarge};
    matches!(code, CorruptMessage | KafkaStorageError | MessageTooLarge | RecordListTooLarge)
}

#[cfg(test)]
mod tests;
