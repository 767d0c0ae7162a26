//! Brings the markers of transactions that end to the leaders that write them, this broker among them.
//!
//! One task looks up leaders; one a broker sends, one request at a time, which carries all that has come meanwhile.
//! What a broker does not answer, or a leader refuses for the time being, is looked up again. What is on its way is
//! bounded by the transactions: each has at most one marker a partition. Kafka: `TransactionMarkerChannelManager`,
//! `TransactionMarkerRequestCompletionHandler`, `TxnMarkerQueue`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::coordinator::TransactionCoordinator;
use super::markers::{AnsweredMarkers, MarkerDestinations, MarkerOutcomes, request};
use super::requests::{TxnEvent, TxnMarkers};
use crate::base::{BrokerId, Endpoint, TopicPartition};
use crate::coordinator::runtime::LoadedPartition;
use crate::metadata::MetadataCache;
use crate::net::link::{BrokerLink, LinkOptions};
use crate::wire::error_code::ErrorCode;

const TARGET: &str = "kafka.coordinator.transaction.TransactionMarkerChannelManager";
/// How long markers that were refused wait before their leaders are looked up again.
const RETRY_BACKOFF: Duration = Duration::from_millis(50);
/// How many transactions share a request at most.
const REQUEST_MAX: usize = 1000;
/// The version of WriteTxnMarkers.
const VERSION: i16 = 0;

/// Markers on their way, and the coordinator to notify when they are written.
#[derive(Clone, Debug)]
struct PendingMarkers {
    coordinator: LoadedPartition<TransactionCoordinator>,
    markers: TxnMarkers,
}

impl PendingMarkers {
    fn with(&self, partitions: Vec<TopicPartition>) -> Self {
        Self {
            coordinator: self.coordinator.clone(),
            markers: TxnMarkers { partitions, ..self.markers.clone() },
        }
    }

    /// Notifies the coordinator that these partitions need no marker any more.
    async fn written(&self, partitions: Vec<TopicPartition>) {
        if partitions.is_empty() {
            return;
        }
        let transactional_id = self.markers.transactional_id.clone();
        self.coordinator.notify(TxnEvent::MarkersWritten { transactional_id, partitions }).await;
    }
}

/// What the tasks have in common.
#[derive(Debug)]
struct MarkerLinkOptions {
    metadata: Arc<MetadataCache>,
    /// The name of the listener for brokers.
    listener: String,
    link: LinkOptions,
}

impl MarkerLinkOptions {
    /// Where a broker listens for brokers, if it lives.
    fn endpoint(&self, broker: BrokerId) -> Option<Endpoint> {
        self.metadata.snapshot().live_broker(broker)?.endpoint(&self.listener).cloned()
    }
}

/// The way to all leaders.
#[derive(Clone, Debug)]
#[doc(alias = "TransactionMarkerChannelManager")]
pub struct MarkerChannel {
    // Unbounded: it holds what the transactions wait for.
    pending: mpsc::UnboundedSender<PendingMarkers>,
    unknown_destinations: Arc<AtomicUsize>,
}

impl MarkerChannel {
    /// Opens it until `stop`; `listener` is the name of the listener for brokers.
    pub fn open(
        metadata: Arc<MetadataCache>,
        listener: String,
        link: LinkOptions,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let (pending, queue) = mpsc::unbounded_channel();
        let unknown_destinations = Arc::new(AtomicUsize::new(0));
        let changes = metadata.changes();
        let router = Router {
            options: Arc::new(MarkerLinkOptions { metadata, listener, link }),
            queue,
            again: pending.clone(),
            unknown: Vec::new(),
            unknown_destinations: unknown_destinations.clone(),
            brokers: HashMap::new(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(stop.clone().run_until_cancelled_owned(router.run(changes)));
        Self { pending, unknown_destinations }
    }

    /// Sends markers on their way; the coordinator is notified as they are written.
    pub fn send(&self, coordinator: LoadedPartition<TransactionCoordinator>, markers: TxnMarkers) {
        if self.pending.send(PendingMarkers { coordinator, markers }).is_err() {
            log::debug!(target: TARGET, "Markers were not sent: the broker stops");
        }
    }

    /// How many markers wait for a leader that can be reached.
    pub fn unknown_destinations(&self) -> usize {
        self.unknown_destinations.load(Ordering::Relaxed)
    }
}

/// The task that looks leaders up.
struct Router {
    options: Arc<MarkerLinkOptions>,
    queue: mpsc::UnboundedReceiver<PendingMarkers>,
    /// Where markers come back to that are to be looked up again.
    again: mpsc::UnboundedSender<PendingMarkers>,
    /// Markers whose leaders are not known, until the cluster changes.
    unknown: Vec<PendingMarkers>,
    unknown_destinations: Arc<AtomicUsize>,
    brokers: HashMap<BrokerId, mpsc::UnboundedSender<PendingMarkers>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Router {
    async fn run(mut self, mut changes: watch::Receiver<u64>) {
        loop {
            tokio::select! {
                Some(pending) = self.queue.recv() => self.route(pending).await,
                Ok(()) = changes.changed() => {
                    for pending in std::mem::take(&mut self.unknown) {
                        self.route(pending).await;
                    }
                }
                else => return,
            }
            self.unknown_destinations.store(self.unknown.len(), Ordering::Relaxed);
        }
    }

    async fn route(&mut self, mut pending: PendingMarkers) {
        if pending.coordinator.is_unloaded() {
            return;
        }
        let cluster = self.options.metadata.snapshot();
        let partitions = std::mem::take(&mut pending.markers.partitions);
        let to = MarkerDestinations::of(partitions, &cluster, &self.options.listener);
        for (broker, partitions) in to.by_leader {
            let markers = pending.with(partitions);
            // The task of a broker ends with the broker alone.
            let _ = self.broker(broker).send(markers);
        }
        if !to.unknown.is_empty() {
            self.unknown.push(pending.with(to.unknown));
        }
        if let Some(partition) = to.deleted.first() {
            let (id, more) = (&pending.markers.transactional_id, to.deleted.len() - 1);
            log::info!(target: TARGET, "Couldn't find leader endpoint for partition {partition} and {more} more while trying to send transaction markers for {id}, these partitions are likely deleted already and hence can be skipped");
        }
        pending.written(to.deleted).await;
    }

    fn broker(&mut self, id: BrokerId) -> &mpsc::UnboundedSender<PendingMarkers> {
        self.brokers.entry(id).or_insert_with(|| {
            let (sender, queue) = mpsc::unbounded_channel();
            let (options, again) = (self.options.clone(), self.again.clone());
            let sending = BrokerSender { broker: id, options, queue, again, link: None };
            self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(sending.run()));
            sender
        })
    }
}

/// The task that sends to one broker.
struct BrokerSender {
    broker: BrokerId,
    options: Arc<MarkerLinkOptions>,
    queue: mpsc::UnboundedReceiver<PendingMarkers>,
    again: mpsc::UnboundedSender<PendingMarkers>,
    /// The link, and where it leads.
    link: Option<(Endpoint, BrokerLink)>,
}

impl BrokerSender {
    async fn run(mut self) {
        let mut pending = Vec::new();
        while self.queue.recv_many(&mut pending, REQUEST_MAX).await > 0 {
            pending.retain(|it| !it.coordinator.is_unloaded());
            if !pending.is_empty() {
                self.send(std::mem::take(&mut pending)).await;
            }
        }
    }

    async fn send(&mut self, pending: Vec<PendingMarkers>) {
        let request = request(pending.iter().map(|it| &it.markers));
        let answer = match self.link() {
            Some(link) => link.call(&request, VERSION).await,
            None => return self.retry_later(pending),
        };
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                log::debug!(target: TARGET, "Markers for broker {} are sent again: {error}", self.broker);
                return self.retry_later(pending);
            }
        };
        let answered = AnsweredMarkers::of(&response);
        let mut retry = Vec::new();
        for it in pending {
            let outcomes = MarkerOutcomes::of(&it.markers, &answered);
            retry.extend(self.take_outcomes(it, outcomes).await);
        }
        if !retry.is_empty() {
            self.retry_later(retry);
        }
    }

    /// Passes on what is written; what is to be sent again.
    async fn take_outcomes(
        &self,
        pending: PendingMarkers,
        outcomes: MarkerOutcomes,
    ) -> Option<PendingMarkers> {
        let id = &pending.markers.transactional_id;
        let epoch = pending.markers.coordinator_epoch;
        if let Some((partition, error)) = outcomes.fenced {
            log::info!(target: TARGET, "Sending {id}'s transaction marker for partition {partition} has permanently failed with error {} with the current coordinator epoch {epoch}; cancel sending any more transaction markers to the brokers", error.name());
            return None;
        }
        for (partition, error) in &outcomes.retry {
            log_retry(id, partition, *error, epoch);
        }
        let again: Vec<_> = outcomes.retry.into_iter().map(|(partition, _)| partition).collect();
        let again = (!again.is_empty()).then(|| pending.with(again));
        pending.written(outcomes.written).await;
        again
    }

    /// The link to the broker where it listens now; None where it does not live.
    fn link(&mut self) -> Option<&mut BrokerLink> {
        let endpoint = self.options.endpoint(self.broker)?;
        if self.link.as_ref().is_none_or(|(to, _)| *to != endpoint) {
            let link = BrokerLink::new(endpoint.clone(), self.options.link.clone());
            self.link = Some((endpoint, link));
        }
        self.link.as_mut().map(|(_, link)| link)
    }

    /// Has the leaders looked up again after a while; what else there is for this broker does not wait for that.
    fn retry_later(&self, pending: Vec<PendingMarkers>) {
        let again = self.again.clone();
        tokio::spawn(async move {
            tokio::time::sleep(RETRY_BACKOFF).await;
            // The broker may stop meanwhile.
            pending.into_iter().for_each(|it| drop(again.send(it)));
        });
    }
}

fn log_retry(transactional_id: &str, partition: &TopicPartition, error: ErrorCode, epoch: i32) {
    let error = error.name();
    log::info!(target: TARGET, "Sending {transactional_id}'s transaction marker for partition {partition} has failed with error {error}, retrying with current coordinator epoch {epoch}");
}
