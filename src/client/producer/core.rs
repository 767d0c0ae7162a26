//! What a producer shares with its tasks: the machines under one lock, the memory, and the topics that it knows.
//!
//! The lock is never held across an await, and no code of the application runs under it. Kafka: `KafkaProducer`,
//! `BufferPool`.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::accumulator::{AccumulatorSettings, AppendedRecord, NewBatch};
use super::delivery::ProduceRequestResult;
use super::interceptor::InterceptedRecord;
use super::machine::{AcceptedRecord, ProducerMachine, ProducerMachineSettings};
use super::metrics::{ProducerCounters, ProducerMetrics, count};
use super::partitioner::PartitionedTopic;
use super::record::ProducerRecord;
use super::reports::UnfinishedReports;
use super::transaction_manager::TransactionManagerSettings;
use crate::base::{BrokerId, Clock, Millis, TopicPartition};
use crate::client::cluster::Cluster;
use crate::client::error::ClientError;
use crate::client::settings::ProducerSettings;

/// What completes the records of a batch.
pub(super) type BatchCompletion = Arc<ProduceRequestResult>;

/// What a producer and its tasks share.
#[derive(Debug)]
#[doc(alias = "BufferPool")]
pub(super) struct ProducerCore {
    cluster: Cluster,
    settings: ProducerSettings,
    gathering: AccumulatorSettings,
    pub(super) state: Mutex<ProducerMachines>,
    /// The topics that records were sent to, as the last metadata describes them. Locked before `state`, where both
    /// are.
    topics: RwLock<HashMap<Arc<str>, Arc<PartitionedTopic>>>,
    /// A permit for each byte of `buffer.memory` that is free.
    memory: Semaphore,
    pub(super) counters: ProducerCounters,
    /// The sender has something to do.
    pub(super) wake: Notify,
    /// Batches are answered, or a call of a transaction is over.
    pub(super) progress: Notify,
    /// The sender has ended.
    pub(super) ended: CancellationToken,
    /// The time for closing is over.
    pub(super) forced: CancellationToken,
}

/// The machine, and the tasks that it concerns.
#[derive(Debug)]
pub(super) struct ProducerMachines {
    pub(super) machine: ProducerMachine<BatchCompletion>,
    /// Batches that have ended, and whose records are not notified yet.
    pub(super) reports: UnfinishedReports,
    /// Wakes the task of a broker.
    pub(super) nodes: HashMap<BrokerId, Arc<Notify>>,
    /// Since when no record is accepted any more.
    pub(super) closed_since: Option<Instant>,
}

impl ProducerMachines {
    /// Wakes the tasks of the brokers for which a partition has become ready; whether the sender must be woken.
    pub(super) fn wake_nodes(&mut self) -> bool {
        let accumulator = self.machine.accumulator_mut();
        let mut is_missing = accumulator.take_attention();
        for broker in accumulator.take_newly_ready() {
            match self.nodes.get(&broker) {
                Some(node) => node.notify_one(),
                None => {
                    accumulator.note_ready(broker);
                    is_missing = true;
                }
            }
        }
        is_missing
    }
}

impl ProducerCore {
    pub(super) fn new(cluster: Cluster, settings: ProducerSettings) -> Self {
        let millis =
            |duration: std::time::Duration| Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX);
        let retry_backoff = millis(settings.cluster.retry_backoff);
        let accumulator = AccumulatorSettings {
            batch_size: settings.batch_size,
            linger: millis(settings.linger),
            retry_backoff,
            delivery_timeout: millis(settings.delivery_timeout),
            compression: settings.compression,
            compression_level: settings.compression_level,
            mutes_partitions: settings.cluster.max_in_flight == 1,
        };
        let transactions = settings.idempotent.then(|| TransactionManagerSettings {
            transactional_id: settings.transactional_id.as_deref().map(Arc::from),
            retry_backoff,
        });
        let of_machine = ProducerMachineSettings { accumulator, transactions, retries: settings.retries };
        let machine = ProducerMachine::new(of_machine);
        let state = ProducerMachines {
            machine,
            reports: UnfinishedReports::default(),
            nodes: HashMap::new(),
            closed_since: None,
        };
        Self {
            cluster,
            memory: Semaphore::new(settings.buffer_memory.min(Semaphore::MAX_PERMITS)),
            settings,
            gathering: accumulator,
            state: Mutex::new(state),
            topics: RwLock::default(),
            counters: ProducerCounters::default(),
            wake: Notify::new(),
            progress: Notify::new(),
            ended: CancellationToken::new(),
            forced: CancellationToken::new(),
        }
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn settings(&self) -> &ProducerSettings {
        &self.settings
    }

    pub(super) fn metrics(&self) -> ProducerMetrics {
        self.counters.snapshot(self.memory.available_permits() as u64)
    }

    /// The record's topic, if it is known with the record's partition.
    pub(super) fn topic(&self, record: &ProducerRecord) -> Option<Arc<PartitionedTopic>> {
        let topics = self.topics.read();
        let topic = topics.get(&record.topic)?;
        let has_partition = record.partition.is_none_or(|partition| (0..topic.count()).contains(&partition));
        has_partition.then(|| topic.clone())
    }

    /// As [`Self::topic`]; asks the cluster until it is known.
    ///
    /// # Errors
    /// The topic is refused, or not known at `end`.
    pub(super) async fn await_topic(
        &self,
        record: &ProducerRecord,
        end: Instant,
    ) -> Result<Arc<PartitionedTopic>, ClientError> {
        let mut known = None;
        loop {
            self.cluster.use_topic(&record.topic);
            let asked = timeout_at(end, self.cluster.metadata(Some(&[record.topic.to_string()]), true)).await;
            let checked = asked.map_err(|_| self.not_present(record, known))?.and_then(|answer| {
                answer.topics.iter().try_for_each(|it| ClientError::check_topic(it.error_code, &it.name))
            });
            if let Err(error) = checked
                && !error.is_retriable()
            {
                return Err(error);
            }
            known = self.refresh_topic(&record.topic);
            if let Some(topic) = self.topic(record) {
                return Ok(topic);
            }
            let next = Instant::now() + self.settings.cluster.retry_backoff;
            if next > end {
                return Err(self.not_present(record, known));
            }
            sleep_until(next).await;
        }
    }

    /// The error of a topic that is not known in time, or does not have the record's partition.
    fn not_present(&self, record: &ProducerRecord, partitions: Option<i32>) -> ClientError {
        let (topic, limit) = (&record.topic, self.settings.max_block.as_millis());
        ClientError::Timeout(match (record.partition, partitions) {
            (Some(partition), Some(count)) => format!(
                "Partition {partition} of topic {topic} with partition count {count} is not present in metadata after \
                 {limit} ms."
            ),
            _ => format!("Topic {topic} not present in metadata after {limit} ms."),
        })
    }

    /// Applies what metadata has of a topic; how many partitions it has, if it is known.
    pub(super) fn refresh_topic(&self, name: &Arc<str>) -> Option<i32> {
        let mut topics = self.topics.write();
        let snapshot = self.cluster.snapshot();
        let partitions = snapshot.partitions_of(name).unwrap_or_default();
        // A number beyond their count is not one that a broker of Kafka's gives.
        let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
        let mut leaders = vec![None; partitions.len()];
        for partition in partitions {
            if let Some(slot) = leaders.get_mut(usize::try_from(partition.partition).unwrap_or(usize::MAX)) {
                *slot = partition.leader;
            }
        }
        let now = Clock::System.now();
        let number = {
            let mut state = self.state.lock();
            let number = state.machine.accumulator_mut().set_leaders(name, leaders.clone(), now);
            if state.wake_nodes() {
                self.wake.notify_one();
            }
            number
        };
        if leaders.is_empty() {
            topics.remove(name);
        } else {
            let before = topics.get(name).map(|topic| &**topic);
            let topic = PartitionedTopic::new(name.clone(), number, &leaders, before);
            topics.insert(name.clone(), Arc::new(topic));
        }
        (count > 0).then_some(count)
    }

    /// Takes bytes of memory, if there are enough and no other call waits for them.
    pub(super) fn try_reserve(&self, bytes: usize) -> bool {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.memory.try_acquire_many(permits).map(tokio::sync::SemaphorePermit::forget).is_ok()
    }

    /// As [`Self::try_reserve`], after the calls that wait already. Batches do not linger meanwhile.
    ///
    /// # Errors
    /// There is not enough memory at `end`.
    pub(super) async fn reserve(&self, bytes: usize, end: Instant) -> Result<(), ClientError> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let _hurry = self.hurry(HurryCause::Memory);
        match timeout_at(end, self.memory.acquire_many(permits)).await {
            Ok(Ok(permit)) => {
                permit.forget();
                Ok(())
            }
            Ok(Err(_)) => Err(ClientError::Closed),
            Err(_) => {
                let limit = self.settings.max_block.as_millis();
                Err(ClientError::Timeout(format!(
                    "Failed to allocate memory within the configured max blocking time {limit} ms."
                )))
            }
        }
    }

    /// Gives bytes of memory back.
    pub(super) fn release(&self, bytes: usize) {
        self.memory.add_permits(bytes);
    }

    /// Adds a record to a batch of its partition, or of the one that the partitioner chooses.
    ///
    /// # Errors
    /// [`ClientError::Closed`], or what the state of the transaction does not allow.
    pub(super) fn append(
        &self,
        topic: &PartitionedTopic,
        record: &ProducerRecord,
        reserved: usize,
        now: Millis,
    ) -> Result<AppendedRecord<BatchCompletion>, ClientError> {
        let partitioner = &self.settings.partitioner;
        let partition = record.partition.unwrap_or_else(|| partitioner.partition(record, topic));
        if let Some(added) = self.add_to_batch(topic, partition, record, reserved, now, NewBatch::Refuse)? {
            return Ok(added);
        }
        let other = partitioner.on_new_batch(record, topic, partition);
        let partition = record.partition.or(other).unwrap_or(partition);
        let added =
            self.add_to_batch(topic, partition, record, reserved, now, self.gathering.prepare(record, now))?;
        added.ok_or(ClientError::Closed)
    }

    fn add_to_batch(
        &self,
        topic: &PartitionedTopic,
        partition: i32,
        record: &ProducerRecord,
        reserved: usize,
        now: Millis,
        new_batch: NewBatch,
    ) -> Result<Option<AppendedRecord<BatchCompletion>>, ClientError> {
        // A partitioner of the application may name any number.
        let partition = partition.clamp(0, (topic.count() - 1).max(0));
        let slot = (topic.number, partition);
        let mut state = self.state.lock();
        let completion = |partition: &TopicPartition| ProduceRequestResult::new(partition.clone());
        let accepted = state.machine.append(slot, record, reserved, now, new_batch, completion)?;
        let Some(AcceptedRecord { added, enters_transaction }) = accepted else { return Ok(None) };
        if !self.settings.interceptors.is_empty() {
            added.completion.intercept(InterceptedRecord::of(record, now));
        }
        if (added.is_first || added.is_full) && state.wake_nodes() || enters_transaction {
            self.wake.notify_one();
        }
        Ok(Some(added))
    }

    /// Reports a record that was not accepted.
    pub(super) fn refused(&self, record: &ProducerRecord, error: &ClientError) {
        count(&self.counters.record_errors, 1);
        for interceptor in &self.settings.interceptors {
            interceptor.on_acknowledgement(&record.topic, Err(error));
        }
    }

    /// Waits until every batch that exists now is answered, and its records are notified.
    pub(super) async fn flush(&self) {
        let _hurry = self.hurry(HurryCause::Flush);
        let mark = self.state.lock().machine.accumulator().flush_mark();
        self.wait_until(|state| state.machine.accumulator().has_passed(mark)).await;
        let mark = self.state.lock().reports.mark();
        self.wait_until(|state| state.reports.have_passed(mark)).await;
    }

    async fn wait_until(&self, is_so: impl Fn(&ProducerMachines) -> bool) {
        loop {
            let progress = self.progress.notified();
            if is_so(&self.state.lock()) {
                return;
            }
            progress.await;
        }
    }

    /// Keeps batches from lingering until the guard is dropped.
    fn hurry(&self, cause: HurryCause) -> HurryGuard<'_> {
        {
            if cause == HurryCause::Memory {
                count(&self.counters.waiting_for_memory, 1);
            }
            let mut state = self.state.lock();
            state.machine.begin_hurry(Clock::System.now());
            state.wake_nodes();
        }
        self.wake.notify_one();
        HurryGuard { core: self, cause }
    }

    /// Accepts no more records; the sender ends once all are answered.
    pub(super) fn begin_close(&self) {
        let mut state = self.state.lock();
        state.closed_since.get_or_insert_with(Instant::now);
        state.machine.close(Clock::System.now());
        state.wake_nodes();
        drop(state);
        self.wake.notify_one();
    }

    /// Has the sender end at once.
    pub(super) fn force_close(&self) {
        self.forced.cancel();
        self.wake.notify_one();
    }

    /// Waits until the sender has ended.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

/// Why batches do not linger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HurryCause {
    Flush,
    Memory,
}

/// Keeps batches from lingering.
struct HurryGuard<'a> {
    core: &'a ProducerCore,
    cause: HurryCause,
}

impl Drop for HurryGuard<'_> {
    fn drop(&mut self) {
        if self.cause == HurryCause::Memory {
            self.core.counters.waiting_for_memory.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        }
        self.core.state.lock().machine.end_hurry(Clock::System.now());
    }
}
