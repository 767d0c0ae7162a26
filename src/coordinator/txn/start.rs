//! Has the transaction coordinator run on a broker: its topic, its settings, and what is done of its effects.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::coordinator::{TransactionCoordinator, TransactionSettings};
use super::marker_channel::MarkerChannel;
use super::requests::{TxnEffect, TxnEvent, TxnRequest, TxnResponse};
use crate::base::time::millis;
use crate::base::{BrokerId, Clock};
use crate::config::BrokerConfig;
use crate::coordinator::runtime::{CoordinatorRuntime, CoordinatorSettings, LoadedPartition};
use crate::metadata::MetadataCache;
use crate::metrics::Metric;
use crate::net::link::{LinkLogin, LinkOptions};
use crate::replica::ReplicaManager;
use crate::replica::produce::RequiredAcks;
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;
use crate::zk::producer_ids::ProducerIdManager;

const TARGET: &str = "kafka.coordinator.transaction.TransactionStateManager";
const COORDINATOR: &str = "kafka.coordinator.transaction.TransactionCoordinator";

/// What the coordinator works with.
#[derive(Clone, Debug)]
pub struct TransactionParts {
    /// This broker's id.
    pub broker_id: BrokerId,
    /// The broker's settings.
    pub config: Arc<BrokerConfig>,
    /// The name of the coordinator's topic, `__transaction_state`.
    pub topic: &'static str,
    /// How many partitions the topic has, or is to have.
    pub partitions: i32,
    /// The name of the listener for brokers.
    pub listener: String,
    /// The user that this broker authenticates as there; None where no authentication is asked for.
    pub login: LinkLogin,
    /// The partitions that this broker leads or follows.
    pub replicas: Arc<ReplicaManager>,
    /// The cluster, in which leaders are looked up.
    pub metadata: Arc<MetadataCache>,
    /// Producer ids.
    pub producer_ids: Arc<ProducerIdManager>,
    /// The time.
    pub clock: Clock,
}

/// The transaction coordinator of a broker.
#[derive(Debug)]
pub struct Transactions {
    runtime: Arc<CoordinatorRuntime<TransactionCoordinator>>,
    shell: Arc<Shell>,
}

impl Transactions {
    /// Starts it; it runs until `stop`. For tasks of a runtime only.
    pub fn start(parts: TransactionParts, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let TransactionParts { broker_id, config, topic, partitions, listener, login, .. } = parts;
        let TransactionParts { replicas, metadata, producer_ids, clock, .. } = parts;
        let timeout = millis(config.request_timeout_ms);
        let client_id = format!("broker-{}-txn-marker-sender", broker_id);
        let link = LinkOptions { client_id, login, connect_limit: timeout, answer_limit: timeout };
        let shell = Arc::new(Shell {
            topic,
            producer_ids,
            markers: MarkerChannel::open(metadata, listener, link, tasks, stop),
            completions_to_retry: CompletionsToRetry::default(),
            tasks: tasks.clone(),
        });
        let settings = CoordinatorSettings {
            topic: topic.into(),
            partitions,
            acks: RequiredAcks::All,
            timeout,
            compression: Compression::None,
            load_buffer_size: config.transaction_state_log_load_buffer_size,
            log: (TARGET, "transaction metadata"),
        };
        let machine = TransactionSettings {
            expiration_ms: config.transactional_id_expiration_ms.into(),
            abort_timed_out_interval_ms: config
                .transaction_abort_timed_out_transaction_cleanup_interval_ms
                .into(),
            remove_expired_interval_ms: config
                .transaction_remove_expired_transaction_cleanup_interval_ms
                .into(),
        };
        let effects = shell.clone();
        let runtime = CoordinatorRuntime::start(
            settings,
            replicas,
            clock,
            move |_, epoch| TransactionCoordinator::new(machine, epoch),
            move |partition, effect| effects.carry_out(partition, effect),
            tasks.clone(),
            stop.clone(),
        );
        Self { runtime, shell }
    }

    /// Asks the coordinator on behalf of a producer with this transactional id.
    ///
    /// # Errors
    /// INVALID_REQUEST for an empty id; NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS or COORDINATOR_NOT_AVAILABLE
    /// where this broker does not coordinate it, or not yet; else the machine's.
    pub async fn request(&self, transactional_id: &str, request: TxnRequest) -> TxnResponse {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let partition = self.runtime.partition_for(transactional_id);
        match self.runtime.request(partition, request).await {
            Ok(response) => response,
            Err(unavailable) => Err(unavailable.code()),
        }
    }

    /// The partition of `__transaction_state` that an id belongs to.
    pub fn partition_for(&self, transactional_id: &str) -> i32 {
        self.runtime.partition_for(transactional_id)
    }

    /// What is measured of it.
    pub fn metrics(&self) -> Vec<Metric> {
        let gauge = |name, value| {
            Metric::gauge("TransactionMarkerChannelManager", name, value)
                .of_group("kafka.coordinator.transaction")
        };
        let mut metrics = vec![
            gauge("UnknownDestinationQueueSize", self.shell.markers.unknown_destinations()),
            gauge("LogAppendRetryQueueSize", self.shell.completions_to_retry.count()),
        ];
        metrics.extend(self.runtime.load_metrics("transaction-coordinator-metrics"));
        metrics
    }
}

/// Does what the machines want done.
#[derive(Debug)]
struct Shell {
    topic: &'static str,
    producer_ids: Arc<ProducerIdManager>,
    markers: MarkerChannel,
    completions_to_retry: CompletionsToRetry,
    tasks: TaskTracker,
}

impl Shell {
    fn carry_out(&self, partition: LoadedPartition<TransactionCoordinator>, effect: TxnEffect) {
        match effect {
            TxnEffect::GenerateProducerId(request) => {
                let producer_ids = self.producer_ids.clone();
                self.tasks.spawn(async move {
                    let generated = producer_ids.next().await.map_err(|error| {
                        log::error!(target: "kafka.coordinator.transaction.ProducerIdManager", "No producer id: {error}");
                        ErrorCode::UnknownServerError
                    });
                    partition.notify(TxnEvent::ProducerIdGenerated(request, generated)).await;
                });
            }
            TxnEffect::WriteMarkers(markers) => self.markers.send(partition, markers),
            TxnEffect::CompletionsToRetry(count) => {
                self.completions_to_retry.set(partition.partition(), count);
            }
            TxnEffect::Log(level, text) => {
                log::log!(target: COORDINATOR, level, "{text} on partition {}-{}", self.topic, partition.partition());
            }
        }
    }
}

/// How many complete transactions of each partition wait to be appended once more.
#[derive(Debug, Default)]
struct CompletionsToRetry {
    by_partition: Mutex<HashMap<i32, usize>>,
    total: AtomicUsize,
}

impl CompletionsToRetry {
    fn set(&self, partition: i32, count: usize) {
        let mut by_partition = self.by_partition.lock();
        if count == 0 {
            by_partition.remove(&partition);
        } else {
            by_partition.insert(partition, count);
        }
        self.total.store(by_partition.values().sum(), Ordering::Relaxed);
    }

    fn count(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }
}
