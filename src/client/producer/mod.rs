//! A producer: records in, their offsets out.
//!
//! Gathers records into batches and sends them in the background. Without transactions; unless it is
//! idempotent, a batch whose answer is lost may be written twice. Kafka: KafkaProducer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use self::accumulate::{Accumulator, Gathering, lone_size};
use self::sequences::Sequences;
use super::cluster::Cluster;
use super::error::ClientError;
use super::metadata::PartitionLeader;
use super::settings::ProducerSettings;
use crate::base::{Clock, Millis, Offset, TopicPartition};

pub mod accumulate;
pub mod partition;
mod send;
pub mod sequences;

pub use accumulate::ProducerRecord;

/// The position of a record that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Its partition.
    pub partition: TopicPartition,
    /// Its offset; -1 if the broker does not answer (acks=0).
    pub offset: Offset,
}

/// The outcome of a record: its position, or why it was not written.
pub type Delivery = oneshot::Receiver<Result<Delivered, Arc<ClientError>>>;
type DeliverySender = oneshot::Sender<Result<Delivered, Arc<ClientError>>>;

/// What a producer and its sender share.
#[derive(Debug)]
struct ProducerCore {
    cluster: Cluster,
    settings: ProducerSettings,
    gathered: Mutex<Accumulator<DeliverySender>>,
    sequences: Mutex<Sequences>,
    /// A batch may be sent, or a flush began.
    wake: Notify,
    /// A round of sending is over.
    sent: Notify,
    flushes: AtomicUsize,
    closed: AtomicBool,
}

impl ProducerCore {
    fn flushing(&self) -> bool {
        self.flushes.load(Ordering::SeqCst) > 0 || self.closed()
    }

    fn closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

/// Sends records. A record that was accepted is sent even if the producer is dropped, as long as the runtime
/// lives.
#[derive(Debug)]
#[doc(alias = "KafkaProducer")]
pub struct Producer {
    shared: Arc<ProducerCore>,
    turn: AtomicUsize,
    sender: tokio::task::JoinHandle<()>,
}

impl Producer {
    /// A producer with these settings; connects when it is first used. Needs a tokio runtime.
    ///
    /// # Errors
    /// A bootstrap address is wrong.
    pub async fn new(settings: ProducerSettings) -> Result<Self, ClientError> {
        let gathering = Gathering {
            batch_size: settings.batch_size,
            linger: settings.linger.as_millis() as Millis,
            compression: settings.compression,
        };
        let shared = Arc::new(ProducerCore {
            cluster: Cluster::new(settings.cluster.clone()).await?,
            settings,
            gathered: Mutex::new(Accumulator::new(gathering)),
            sequences: Mutex::default(),
            wake: Notify::new(),
            sent: Notify::new(),
            flushes: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let sender = tokio::spawn(send::run(shared.clone()));
        Ok(Self { shared, turn: AtomicUsize::new(0), sender })
    }

    /// The cluster it sends to.
    pub fn cluster(&self) -> &Cluster {
        &self.shared.cluster
    }

    /// Accepts a record, for the given partition or else that of its key, or else any. Waits for metadata and
    /// memory as long as `max.block.ms` allows; the receiver gets the record's position or error.
    ///
    /// # Errors
    /// The topic is refused or not known in time, or the record is too large.
    pub async fn send(
        &self,
        topic: &str,
        partition: Option<i32>,
        record: &ProducerRecord,
    ) -> Result<Delivery, ClientError> {
        let size = lone_size(record);
        if size > self.shared.settings.max_request_size {
            return Err(ClientError::Refused {
                error: crate::wire::error_code::ErrorCode::MessageTooLarge,
                message: format!(
                    "The message is {size} bytes when serialized which is larger than {}, which is the value of the max.request.size configuration.",
                    self.shared.settings.max_request_size
                ),
            });
        }
        let end = Instant::now() + self.shared.settings.max_block;
        let partition = match partition {
            Some(partition) => partition,
            None => self.choose(topic, record, end).await?,
        };
        self.wait_for_memory(size, end).await?;
        let (sender, receiver) = oneshot::channel();
        let id = TopicPartition::new(topic, partition);
        let now = Clock::System.now();
        let added = self.shared.gathered.lock().add(&id, record, sender, now);
        if added.full {
            self.turn.fetch_add(1, Ordering::Relaxed);
        }
        // A batch that has just begun is due before the sender would wake.
        if added.full || added.begun || self.shared.settings.linger.is_zero() {
            self.shared.wake.notify_one();
        }
        Ok(receiver)
    }

    /// Waits until every record accepted before has been answered or given up.
    pub async fn flush(&self) {
        self.shared.flushes.fetch_add(1, Ordering::SeqCst);
        loop {
            let round = self.shared.sent.notified();
            self.shared.wake.notify_one();
            if self.shared.gathered.lock().is_empty() {
                break;
            }
            round.await;
        }
        self.shared.flushes.fetch_sub(1, Ordering::SeqCst);
    }

    /// Sends what is left and ends.
    pub async fn close(self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.wake.notify_one();
        let _ = self.sender.await; // It ends when all batches are completed.
    }

    async fn choose(&self, topic: &str, record: &ProducerRecord, end: Instant) -> Result<i32, ClientError> {
        let partitions = self.partitions(topic, end).await?;
        Ok(match &record.key {
            Some(key) => partition::of_key(key, partitions.len()),
            None => {
                // The partitions that have a leader take turns, batch by batch as in Kafka's sticky
                // partitioner.
                let with_leader: Vec<i32> =
                    (0..).zip(&partitions).filter(|(_, leader)| leader.is_some()).map(|(at, _)| at).collect();
                let turn = self.turn.load(Ordering::Relaxed);
                with_leader.get(turn % with_leader.len().max(1)).copied().unwrap_or(0)
            }
        })
    }

    /// The leader of each of the topic's partitions, in order; waits while the topic is being created.
    async fn partitions(
        &self,
        topic: &str,
        end: Instant,
    ) -> Result<Vec<Option<PartitionLeader>>, ClientError> {
        let cluster = &self.shared.cluster;
        if let Some(known) = cluster.leaders_of(topic) {
            return Ok(known);
        }
        loop {
            let asked = tokio::time::timeout_at(end, cluster.metadata(Some(&[topic.to_owned()]), true)).await;
            let late = || {
                let limit = self.shared.settings.max_block.as_millis();
                ClientError::Timeout(format!("Topic {topic} not present in metadata after {limit} ms."))
            };
            let answer = asked.map_err(|_| late())??;
            let checked =
                answer.topics.iter().try_for_each(|it| ClientError::check_topic(it.error_code, &it.name));
            match checked {
                Ok(()) => {
                    if let Some(known) = cluster.leaders_of(topic) {
                        return Ok(known);
                    }
                }
                Err(error) if !error.is_retriable() => return Err(error),
                Err(_) => {}
            }
            let wait = Instant::now() + self.shared.settings.cluster.retry_backoff;
            if wait > end {
                return Err(late());
            }
            tokio::time::sleep_until(wait).await;
        }
    }

    async fn wait_for_memory(&self, size: usize, end: Instant) -> Result<(), ClientError> {
        loop {
            let round = self.shared.sent.notified();
            let waiting = self.shared.gathered.lock().bytes();
            if waiting == 0 || waiting + size <= self.shared.settings.buffer_memory {
                return Ok(());
            }
            self.shared.wake.notify_one();
            let limit = self.shared.settings.max_block.as_millis();
            tokio::time::timeout_at(end, round).await.map_err(|_| {
                ClientError::Timeout(format!(
                    "Failed to allocate memory within the configured max blocking time {limit} ms."
                ))
            })?;
        }
    }
}
