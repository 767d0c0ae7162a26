//! A producer: records in, their positions out.
//!
//! - *Entry point:* [`Producer`], made from [`ProducerSettings`].
//! - *Machines:* [`accumulator`] gathers records into batches, [`transaction_manager`] gives batches their sequences
//!   and knows what a transaction allows, [`machine`] is the two of them as one. All are pure, and simulated with the
//!   machines of brokers in `tests/simulation/clients`.
//! - *Tasks:* one that keeps the machines going ([`sender`]), and one for each broker that leads a partition, which
//!   sends it batches, several requests at a time. A batch is compressed by the task that sends it, or on a thread
//!   that may block where that takes long.
//! - *Never:* reorders the records of a partition, unless it is not idempotent and has several requests in flight;
//!   holds more bytes of records than `buffer.memory`.
//! - *In Kafka:* `KafkaProducer`, `RecordAccumulator`, `Sender`, `TransactionManager`.

pub mod accumulator;
pub mod batch;
mod compression_ratio;
mod core;
mod delivery;
pub mod interceptor;
pub mod machine;
mod metrics;
mod murmur2;
pub mod partitioner;
mod record;
mod reports;
mod sender;
pub mod transaction_manager;
mod transactions;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use self::core::ProducerCore;
use self::interceptor::InterceptedRecord;
pub use delivery::Delivery;
pub use interceptor::ProducerInterceptor;
pub use metrics::ProducerMetrics;
pub use partitioner::{
    DefaultPartitioner, PartitionedTopic, Partitioner, RoundRobinPartitioner, UniformStickyPartitioner,
};
pub use record::{ProducerRecord, RecordMetadata};

use super::client_id::name_producer;
use super::cluster::Cluster;
use super::error::ClientError;
use super::settings::ProducerSettings;
use crate::base::Clock;
use crate::wire::error_code::ErrorCode;

/// Sends records. All of its methods can be called by several tasks at once, and their futures can be dropped at any
/// time. A record that was accepted is sent even if the producer is dropped, as long as the runtime lives.
#[derive(Debug)]
#[doc(alias = "KafkaProducer")]
pub struct Producer {
    core: Arc<ProducerCore>,
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.core.begin_close();
    }
}

impl Producer {
    /// A producer with these settings; connects when it is first used. Needs a tokio runtime.
    ///
    /// # Errors
    /// A bootstrap address is wrong.
    pub async fn new(mut settings: ProducerSettings) -> Result<Self, ClientError> {
        name_producer(&mut settings);
        let cluster = Cluster::new(settings.cluster.clone()).await?;
        let core = Arc::new(ProducerCore::new(cluster, settings));
        tokio::spawn(sender::run(core.clone()));
        Ok(Self { core })
    }

    /// The cluster it sends to.
    pub fn cluster(&self) -> &Cluster {
        self.core.cluster()
    }

    /// Accepts a record, for its partition or else the one that the partitioner chooses. Waits for metadata and memory
    /// as long as `max.block.ms` allows. The delivery resolves once the record is answered.
    ///
    /// # Errors
    /// The topic is refused or not known in time, the record is too large, there is no memory in time, or the state of
    /// the transaction does not allow it.
    pub async fn send(&self, record: ProducerRecord) -> Result<Delivery, ClientError> {
        let interceptors = &self.core.settings().interceptors;
        let record = interceptors.iter().fold(record, |record, interceptor| interceptor.on_send(record));
        let accepted = self.accept(&record).await;
        accepted.inspect_err(|error| self.core.refused(&record, error))
    }

    async fn accept(&self, record: &ProducerRecord) -> Result<Delivery, ClientError> {
        let core = &*self.core;
        core.check_size(record)?;
        let mut deadline = None;
        let topic = match core.topic(record) {
            Some(topic) => topic,
            None => {
                let end = *deadline.insert(Instant::now() + core.settings().max_block);
                core.await_topic(record, end).await?
            }
        };
        let reserved = record.size_bound();
        if !core.try_reserve(reserved) {
            let end = deadline.unwrap_or_else(|| Instant::now() + core.settings().max_block);
            core.reserve(reserved, end).await?;
        }
        let now = Clock::System.now();
        let added = core.append(&topic, record, reserved, now);
        match added {
            Ok(added) => Ok(Delivery::new(added.completion, added.index, InterceptedRecord::of(record, now))),
            Err(error) => {
                core.release(reserved);
                Err(error)
            }
        }
    }

    /// Waits until every record accepted before has been answered or given up, and its delivery and the interceptors
    /// were notified. Batches do not linger meanwhile.
    pub async fn flush(&self) {
        self.core.flush().await;
    }

    /// The partitions of a topic; waits for metadata as long as `max.block.ms` allows.
    ///
    /// # Errors
    /// The topic is refused or not known in time.
    pub async fn partitions_for(&self, topic: &str) -> Result<Arc<PartitionedTopic>, ClientError> {
        let record = ProducerRecord::tombstone(topic);
        match self.core.topic(&record) {
            Some(known) => Ok(known),
            None => self.core.await_topic(&record, Instant::now() + self.core.settings().max_block).await,
        }
    }

    /// What it has counted so far.
    pub fn metrics(&self) -> ProducerMetrics {
        self.core.metrics()
    }

    /// Sends what is left and ends; after `limit`, what is left fails. A transaction that is open is aborted.
    pub async fn close(self, limit: Duration) {
        self.core.begin_close();
        let end = Instant::now() + limit;
        if timeout_at(end, self.core.ended()).await.is_err() {
            self.core.force_close();
            self.core.ended().await;
        }
    }
}

impl ProducerCore {
    /// Whether a record is small enough.
    fn check_size(&self, record: &ProducerRecord) -> Result<(), ClientError> {
        let settings = self.settings();
        let size = record.lone_size();
        let of = if size > settings.max_request_size {
            let largest = settings.max_request_size;
            format!("{largest}, which is the value of the max.request.size configuration.")
        } else if size > settings.buffer_memory {
            "the total memory buffer you have configured with the buffer.memory configuration.".to_owned()
        } else {
            return Ok(());
        };
        let message = format!("The message is {size} bytes when serialized which is larger than {of}");
        Err(ClientError::Refused { error: ErrorCode::MessageTooLarge, message })
    }
}
