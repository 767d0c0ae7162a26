//! One consumer of the source cluster, whose records go to the producer of the target.
//!
//! Offsets are committed only once the producer has written all that was accepted before: on a timer, before partitions
//! are given up, and at the end. Whatever ends the process in between, no record is lost. Kafka:
//! `MirrorMaker.MirrorMakerThread`, `ConsumerWrapper`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::target::MirrorTarget;
use super::uncommitted::UncommittedOffsets;
use super::{LOGGER, MirrorCommand};
use crate::base::TopicPartition;
use crate::cli::clients;
use crate::cli::java::JavaException;
use crate::cli::throwable::JavaThrowable;
use crate::client::by_znode::{FilterKind, TopicFilter};
use crate::client::consumer::{
    ConsumerRebalanceListener, ConsumerRecord, ConsumerRecords, GroupError, ListenerFuture,
    RebalancingConsumer,
};
use crate::client::{ClientError, Consumer, OffsetAndMetadata, ProducerRecord};

/// The logger of Kafka's class.
const THREAD_LOGGER: &str = "kafka.tools.MirrorMaker$MirrorMakerThread";
/// How long a poll waits, so that a commit that is due is not late.
const POLL: Duration = Duration::from_secs(1);
/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(30);
/// The pause before what has failed is tried again.
const RETRY_BACKOFF: Duration = Duration::from_millis(100);

/// A stream, from its start to its end.
pub(super) struct MirrorStream {
    number: usize,
    whitelist: String,
    consumer: Consumer,
    target: Arc<MirrorTarget>,
    ending: CancellationToken,
    uncommitted: Arc<Mutex<UncommittedOffsets>>,
    commit_interval: Duration,
    last_commit: Instant,
}

impl MirrorStream {
    /// A stream, not begun.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub(super) async fn start(
        number: usize,
        command: &MirrorCommand,
        target: &Arc<MirrorTarget>,
    ) -> anyhow::Result<Self> {
        let consumer = clients::start_consumer(&command.consumer_settings(number)).await?;
        let uncommitted = Arc::new(Mutex::new(UncommittedOffsets::default()));
        Ok(Self {
            number,
            whitelist: command.whitelist.clone(),
            consumer,
            target: target.clone(),
            ending: target.ending(),
            uncommitted,
            commit_interval: command.commit_interval,
            last_commit: Instant::now(),
        })
    }

    /// Copies until the tool is to end, and commits what was written. An error of its own ends the other streams, too.
    pub(super) async fn run(mut self) {
        let copied = match self.subscribe() {
            Ok(()) => self.copy().await.map_err(|error| JavaThrowable::of_error(&error)),
            Err(thrown) => {
                log::error!(target: LOGGER, "Invalid expression syntax: {}", self.whitelist);
                Err(thrown)
            }
        };
        let is_asked = self.ending.is_cancelled();
        self.ending.cancel();
        let prefix = format!("[mirrormaker-thread-{}]", self.number);
        if let Err(thrown) = &copied {
            log::error!(target: THREAD_LOGGER, "{prefix} Mirror maker thread failure due to ");
            eprintln!("{thrown}");
        }
        let committed = self.write_and_commit().await;
        let closed = self.consumer.close(CLOSE).await;
        if let Err(error) = committed.and(closed) {
            log::warn!(target: THREAD_LOGGER, "{prefix} The last offsets are not committed: ");
            eprintln!("{}", JavaException(&error));
        }
        if !is_asked || self.target.has_aborted() {
            log::error!(
                target: THREAD_LOGGER,
                "{prefix} Mirror maker thread exited abnormally, stopping the whole mirror maker."
            );
        }
    }

    fn subscribe(&mut self) -> Result<(), JavaThrowable> {
        let topics = TopicFilter::new(FilterKind::Whitelist, &self.whitelist)?;
        let listener =
            CommitBeforeRevocation { target: self.target.clone(), uncommitted: self.uncommitted.clone() };
        let subscribed = self.consumer.subscribe_pattern_with(topics.text(), Arc::new(listener));
        subscribed.map_err(|error| JavaThrowable::of_error(&error))
    }

    /// Copies until the tool is to end.
    async fn copy(&mut self) -> Result<(), ClientError> {
        while !self.ending.is_cancelled() {
            let polled = tokio::select! {
                polled = self.consumer.poll(POLL) => polled,
                () = self.ending.cancelled() => return Ok(()),
            };
            match polled {
                Ok(records) => self.send_all(records).await?,
                Err(error) if error.is_retriable() => tokio::time::sleep(RETRY_BACKOFF).await,
                Err(error) => return Err(error),
            }
            if self.last_commit.elapsed() > self.commit_interval {
                self.write_and_commit().await?;
                self.last_commit = Instant::now();
            }
        }
        Ok(())
    }

    /// Sends records until the tool is to end.
    async fn send_all(&mut self, records: ConsumerRecords) -> Result<(), ClientError> {
        let ending = self.ending.clone();
        for record in records {
            tokio::select! {
                biased;
                sent = self.send(record) => sent?,
                () = ending.cancelled() => return Ok(()),
            }
        }
        Ok(())
    }

    async fn send(&mut self, record: ConsumerRecord) -> Result<(), ClientError> {
        let ConsumerRecord { partition, offset, timestamp, key, value, headers, .. } = record;
        let copy = ProducerRecord {
            topic: partition.topic.clone(),
            partition: None,
            timestamp: Some(timestamp).filter(|time| *time >= 0),
            key,
            value,
            headers,
        };
        self.target.send(copy).await?;
        self.uncommitted.lock().accepted(&partition, offset);
        Ok(())
    }

    /// Waits until all that was sent is written, and commits the offsets behind it.
    async fn write_and_commit(&mut self) -> Result<(), ClientError> {
        if !self.target.flush().await {
            return Ok(());
        }
        let mut offsets = self.uncommitted.lock().take();
        let mut tries = 0;
        while !offsets.is_empty() {
            let outcome = self.consumer.commit_offsets(offsets.clone()).await;
            match after_commit(outcome, tries) {
                AfterCommit::Done => return Ok(()),
                AfterCommit::Later => {
                    self.uncommitted.lock().put_back(offsets);
                    return Ok(());
                }
                AfterCommit::Failed(error) => return Err(error),
                AfterCommit::Again => {
                    tries += 1;
                    self.forget_deleted_topics(&mut offsets).await;
                    tokio::time::sleep(RETRY_BACKOFF).await;
                }
            }
        }
        Ok(())
    }

    /// Leaves out the offsets of topics that are gone: they can never be committed.
    async fn forget_deleted_topics(&self, offsets: &mut BTreeMap<TopicPartition, OffsetAndMetadata>) {
        match self.consumer.list_topics().await {
            Ok(topics) => {
                let names: BTreeSet<_> = topics.iter().map(|topic| topic.name.clone()).collect();
                offsets.retain(|partition, _| names.contains(&partition.topic));
            }
            Err(error) => {
                log::warn!(
                    target: LOGGER,
                    "Failed to list all authorized topics after committing offsets timed out: "
                );
                eprintln!("{}", JavaException(&error));
            }
        }
    }
}

/// What follows a try to commit.
enum AfterCommit {
    Done,
    /// It is tried again at once.
    Again,
    /// The group rebalances: the next commit has the offsets, or the partitions' next owner reads the records again.
    Later,
    Failed(ClientError),
}

fn after_commit(outcome: Result<(), ClientError>, tries: u32) -> AfterCommit {
    let error = match outcome {
        Ok(()) => return AfterCommit::Done,
        Err(error) => error,
    };
    match &error {
        ClientError::Group(GroupError::CommitFailed(_)) => {
            log::warn!(
                target: LOGGER,
                "Failed to commit offsets because the consumer group has rebalanced and assigned partitions to another \
                 instance. If you see this regularly, it could indicate that you need to either increase the consumer's \
                 session.timeout.ms or reduce the number of records handled on each iteration with max.poll.records"
            );
            AfterCommit::Done
        }
        ClientError::Group(GroupError::RebalanceInProgress(_)) => AfterCommit::Later,
        ClientError::Timeout(_) | ClientError::CallTimedOut { .. } => {
            log::warn!(
                target: LOGGER,
                "Failed to commit offsets because the offset commit request processing can not be completed in time. If \
                 you see this regularly, it could indicate that you need to increase the consumer's \
                 default.api.timeout.ms, retry count={tries}"
            );
            AfterCommit::Again
        }
        _ => AfterCommit::Failed(error),
    }
}

/// Has what was read written and committed before partitions go to another member.
struct CommitBeforeRevocation {
    target: Arc<MirrorTarget>,
    uncommitted: Arc<Mutex<UncommittedOffsets>>,
}

impl ConsumerRebalanceListener for CommitBeforeRevocation {
    fn on_partitions_revoked(
        &self,
        consumer: RebalancingConsumer,
        _partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        let (target, uncommitted) = (self.target.clone(), self.uncommitted.clone());
        Box::pin(async move {
            if !target.flush().await {
                return;
            }
            let offsets = uncommitted.lock().take();
            if !offsets.is_empty() {
                // What is not committed is copied once more by the partitions' next owner.
                if let AfterCommit::Failed(error) = after_commit(consumer.commit_offsets(offsets).await, 0) {
                    log::warn!(target: LOGGER, "Failed to commit offsets before partitions are given up: ");
                    eprintln!("{}", JavaException(&error));
                }
            }
        })
    }

    fn on_partitions_assigned(
        &self,
        _consumer: RebalancingConsumer,
        _partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        Box::pin(std::future::ready(()))
    }

    fn on_partitions_lost(
        &self,
        _consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.uncommitted.lock().forget(&partitions);
        Box::pin(std::future::ready(()))
    }
}
