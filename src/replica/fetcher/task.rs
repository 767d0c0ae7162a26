//! One fetcher: carries out its [`Plan`], over one connection to one leader.
//!
//! Decides nothing itself. The effects of the controller's requests reach it as orders. A log is only changed
//! in the leader epoch that the request was made in. Kafka: `ReplicaFetcherThread`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::link::{AskedEpoch, LeaderLink};
use super::metrics::FetcherStats;
use super::plan::{Plan, Start, Truncating, Verdict};
use super::truncation::{Reset, Truncation, by_epoch};
use crate::base::{BrokerId, Endpoint, LeaderEpoch, Millis, Offset, Records, TopicPartition};
use crate::log::Log;
use crate::log::disk::AppendTakes;
use crate::log::epochs::EpochEnd;
use crate::replica::ReplicaManager;
use crate::replica::offsets::{EARLIEST, LATEST};
use crate::replica::partition::{Fetched, NotFollowed};
use crate::wire::error_code::ErrorCode;
use crate::wire::memory_records::MemoryRecords;
use crate::wire::message::fetch::{FetchResponse, FetchablePartitionResponse};

const TARGET: &str = "kafka.server.ReplicaFetcherThread";

/// An order to a fetcher.
#[derive(Debug)]
pub(super) enum Order {
    /// Follow these partitions.
    Follow(Vec<(TopicPartition, Start)>),
    /// Stop following these.
    Leave(Vec<TopicPartition>),
    /// This partition's own log start has moved.
    LogStartMoved(TopicPartition),
    /// The leader listens at this endpoint now.
    LeaderMoved(Endpoint),
}

/// A fetcher of one leader's partitions.
pub(super) struct Fetcher {
    pub replicas: Arc<ReplicaManager>,
    pub leader: BrokerId,
    pub number: usize,
    pub plan: Plan,
    pub link: LeaderLink,
    pub orders: mpsc::UnboundedReceiver<Order>,
    pub over: CancellationToken,
    pub stats: Arc<FetcherStats>,
}

impl Fetcher {
    /// Fetches until it is ended.
    pub async fn run(mut self) {
        log::info!(target: TARGET, "{} Starting", self.ident());
        let over = self.over.clone();
        over.run_until_cancelled(async {
            // Checked here, too: a round that never waits would not notice the end.
            while !over.is_cancelled() {
                self.accept_orders();
                self.truncate().await;
                self.fetch().await;
            }
        })
        .await;
        log::info!(target: TARGET, "{} Stopped", self.ident());
    }

    fn ident(&self) -> String {
        let me = self.replicas.broker_id;
        format!("[ReplicaFetcher replicaId={me}, leaderId={}, fetcherId={}]", self.leader, self.number)
    }

    fn now(&self) -> Millis {
        self.replicas.clock.now()
    }

    fn accept_orders(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            self.accept(order);
        }
    }

    fn accept(&mut self, order: Order) {
        match order {
            Order::Follow(partitions) => {
                partitions.into_iter().for_each(|(partition, start)| self.plan.add(partition, start));
            }
            Order::Leave(partitions) => {
                partitions.iter().for_each(|partition| self.plan.remove(partition));
                self.stats.applied(&self.plan, &partitions);
            }
            Order::LogStartMoved(partition) => self.plan.log_start_moved(&partition),
            Order::LeaderMoved(endpoint) => self.link.go_on_at(endpoint),
        }
    }

    /// Waits for an order, but not for longer than the backoff.
    async fn pause(&mut self) {
        let backoff = u64::try_from(self.replicas.config.replica_fetch_backoff_ms).unwrap_or(0);
        let backoff = std::time::Duration::from_millis(backoff.max(1));
        match tokio::time::timeout(backoff, self.orders.recv()).await {
            Ok(Some(order)) => self.accept(order),
            // No sender of orders is left: the fetcher is about to end.
            Ok(None) => self.over.cancelled().await,
            Err(_) => {}
        }
    }

    fn log(&self, partition: &TopicPartition) -> Option<Arc<Log>> {
        self.replicas.partition(partition).ok()?.log()
    }

    // ---- truncating ----

    async fn truncate(&mut self) {
        let (mut asked, mut truncations) = (Vec::new(), Vec::new());
        for Truncating { partition, leader_epoch, fetch_offset } in self.plan.truncating(self.now()) {
            let known = self.link.options.epochs;
            match self.log(&partition).and_then(|log| log.latest_epoch()).filter(|_| known) {
                Some(epoch) => {
                    asked.push(AskedEpoch {
                        partition,
                        current_leader_epoch: leader_epoch,
                        leader_epoch: epoch,
                    });
                }
                None => {
                    log::info!(target: TARGET, "{} Truncating partition {partition} to local high watermark {fetch_offset}", self.ident());
                    truncations.push((
                        partition,
                        leader_epoch,
                        Truncation { to: fetch_offset, complete: true },
                    ));
                }
            }
        }
        if !asked.is_empty() {
            truncations.extend(self.truncations_by_epoch(asked).await);
        }
        if !truncations.is_empty() {
            self.apply_truncations(truncations).await;
        }
    }

    /// Asks the leader for the ends of epochs, and decides by them where to truncate.
    async fn truncations_by_epoch(
        &mut self,
        asked: Vec<AskedEpoch>,
    ) -> Vec<(TopicPartition, LeaderEpoch, Truncation)> {
        let ends = self.link.epoch_ends(&asked).await;
        self.accept_orders();
        let now = self.now();
        let ends = match ends {
            Ok(ends) => ends,
            Err(error) => {
                log::warn!(target: TARGET, "{} Error when sending leader epoch request: {error}", self.ident());
                asked.iter().for_each(|it| self.plan.delay(&it.partition, now));
                return Vec::new();
            }
        };
        let epochs: HashMap<_, _> =
            asked.into_iter().map(|it| (it.partition, it.current_leader_epoch)).collect();
        let mut truncations = Vec::new();
        for (partition, end) in ends {
            let Some(&epoch) = epochs.get(&partition).filter(|it| self.plan.is_truncating(&partition, **it))
            else {
                continue;
            };
            match end {
                Ok(end) => {
                    if let Some(truncation) = self.truncation_at(&partition, end) {
                        truncations.push((partition, epoch, truncation));
                    }
                }
                Err(error) => self.refused(&partition, epoch, error),
            }
        }
        truncations
    }

    fn truncation_at(&self, partition: &TopicPartition, end: EpochEnd) -> Option<Truncation> {
        let log = self.log(partition)?;
        let fetch_offset = self.plan.fetch_offset(partition)?;
        let truncation = by_epoch(end, fetch_offset, log.log_end_offset(), |epoch| log.end_offset_for(epoch));
        log::debug!(target: TARGET, "{} The leader's epoch {} ends at {} in {partition}: truncating to {}", self.ident(), end.epoch, end.offset, truncation.to);
        Some(truncation)
    }

    /// Truncates logs, off the runtime's threads.
    async fn apply_truncations(&mut self, truncations: Vec<(TopicPartition, LeaderEpoch, Truncation)>) {
        let replicas = self.replicas.clone();
        let cutting = tokio::task::spawn_blocking(move || {
            let mut changed = BTreeSet::new();
            let outcomes: Vec<_> = truncations
                .into_iter()
                .map(|(partition, epoch, truncation)| {
                    let found = replicas.partition(&partition).map_err(|_| NotFollowed::Outdated);
                    let outcome = found.and_then(|followed| {
                        let was_truncated = followed.truncate(epoch, truncation.to)?;
                        changed.extend(
                            followed.log().filter(|_| was_truncated).map(|log| log.data_dir().to_owned()),
                        );
                        Ok(())
                    });
                    (partition, epoch, truncation, outcome)
                })
                .collect();
            // The recovery point is lowered before new records are appended below it.
            changed.iter().for_each(|dir| replicas.logs.write_recovery_points(dir));
            outcomes
        });
        let Ok(outcomes) = cutting.await else { return };
        for (partition, epoch, truncation, outcome) in outcomes {
            match outcome {
                Ok(()) => self.plan.truncated(&partition, epoch, truncation),
                Err(error) => self.failed(&partition, &error, "truncation"),
            }
        }
    }

    // ---- fetching ----

    async fn fetch(&mut self) {
        let (now, replicas) = (self.now(), self.replicas.clone());
        let log_start =
            |partition: &TopicPartition| Some(replicas.partition(partition).ok()?.log()?.log_start_offset());
        let throttled = replicas.follower_throttle();
        let Some(request) = self.plan.request(now, log_start, throttled) else {
            return self.pause().await;
        };
        self.stats.count_request();
        let answer = self.link.fetch(&request).await;
        self.accept_orders();
        match answer {
            Ok(answer) => self.answered(answer).await,
            Err(error) => {
                log::warn!(target: TARGET, "{} Error in response for fetch request: {error}", self.ident());
                self.plan.unanswered(self.now());
                self.pause().await;
            }
        }
    }

    async fn answered(&mut self, answer: FetchResponse) {
        let error = ErrorCode::from_code(answer.error_code);
        let mut parts = Vec::new();
        for topic in answer.responses {
            let name: Arc<str> = topic.topic.into();
            let of_topic = topic.partition_responses.into_iter();
            parts.extend(of_topic.map(|part| (TopicPartition::new(name.clone(), part.partition), part)));
        }
        let named: Vec<_> = parts.iter().map(|(partition, _)| partition.clone()).collect();
        if !self.plan.answered(error, answer.session_id, &named) {
            log::info!(target: TARGET, "{} Node {} was unable to process the fetch request: {}", self.ident(), self.leader, error.name());
            return;
        }
        let now = self.now();
        let mut out_of_range = Vec::new();
        for (partition, part) in parts {
            let error = ErrorCode::from_code(part.error_code);
            let (verdict, asked) = self.plan.judge(&partition, error, now);
            match verdict {
                Verdict::Append => self.append(&partition, asked.leader_epoch, asked.offset, part).await,
                Verdict::AskRange => out_of_range.push((partition, asked.leader_epoch)),
                Verdict::Later | Verdict::GivenUp => self.log_refused(&partition, error, verdict),
                Verdict::Stale => {}
            }
        }
        for (partition, epoch) in out_of_range {
            self.reset(&partition, epoch).await;
        }
        self.stats.applied(&self.plan, &named);
    }

    async fn append(
        &mut self,
        partition: &TopicPartition,
        epoch: LeaderEpoch,
        offset: i64,
        part: FetchablePartitionResponse,
    ) {
        let records = match part.record_set {
            Some(Records::Memory(bytes)) => MemoryRecords::decode(bytes),
            // Bytes from a connection are in memory.
            Some(Records::File(_) | Records::Lazy(_)) | None => MemoryRecords::default(),
        };
        self.replicas.count_fetched(partition, records.bytes().len());
        self.stats.count_bytes(records.bytes().len());
        let (high_watermark, log_start) = (part.high_watermark, part.log_start_offset);
        let fetched = Fetched { offset, records, high_watermark, log_start };
        match self.appended(partition, epoch, fetched).await {
            Ok(next) => self.plan.appended(partition, next, high_watermark),
            Err(error) if error.is_corrupt() => {
                log::error!(target: TARGET, "{} Found invalid messages during fetch for partition {partition} offset {offset}: {error}", self.ident());
                self.plan.delay(partition, self.now());
            }
            Err(error) => self.failed(partition, &error, "processing data"),
        }
    }

    /// Appends when it is the directory's turn, on this thread if the append is quick.
    async fn appended(
        &self,
        partition: &TopicPartition,
        epoch: LeaderEpoch,
        fetched: Fetched,
    ) -> Result<Offset, NotFollowed> {
        let followed = self.replicas.partition(partition).map_err(|_| NotFollowed::Outdated)?;
        let log = followed.log().ok_or(NotFollowed::Outdated)?;
        let takes = match fetched.log_start > log.log_start_offset() {
            // Segments may be deleted.
            true => AppendTakes::Long,
            false => log.append_takes(fetched.records.bytes().len()),
        };
        log.disk().append(takes, move || followed.append_fetched(epoch, fetched)).await
    }

    /// A partition that cannot go on is given up, unless the controller is about to describe it again.
    fn failed(&mut self, partition: &TopicPartition, error: &NotFollowed, at: &str) {
        if let NotFollowed::Outdated = error {
            return self.plan.delay(partition, self.now());
        }
        if error.is_transient() {
            log::warn!(target: TARGET, "{} Partition {partition} is tried again after {at}: {error}", self.ident());
            return self.plan.delay(partition, self.now());
        }
        log::error!(target: TARGET, "{} Unexpected error occurred during {at} for partition {partition}: {error}", self.ident());
        self.plan.give_up(partition);
        log::warn!(target: TARGET, "{} Partition {partition} marked as failed", self.ident());
    }

    fn refused(&mut self, partition: &TopicPartition, epoch: LeaderEpoch, error: ErrorCode) {
        let verdict = self.plan.refused(partition, epoch, error, self.now());
        self.log_refused(partition, error, verdict);
    }

    fn log_refused(&self, partition: &TopicPartition, error: ErrorCode, verdict: Verdict) {
        let (ident, name) = (self.ident(), error.name());
        if verdict == Verdict::GivenUp {
            log::warn!(target: TARGET, "{ident} Partition {partition} has an older epoch than the current leader. Will await the new LeaderAndIsr state before resuming fetching.");
            log::warn!(target: TARGET, "{ident} Partition {partition} marked as failed");
        } else if matches!(error, ErrorCode::UnknownLeaderEpoch | ErrorCode::NotLeaderOrFollower) {
            log::debug!(target: TARGET, "{ident} {name} from the leader for partition {partition}");
        } else {
            log::warn!(target: TARGET, "{ident} Received {name} from the leader for partition {partition}. This error may be returned transiently when the partition is being created or deleted, but it is not expected to persist.");
        }
    }

    // ---- out of range ----

    /// Finds an offset in the leader's range to go on from.
    async fn reset(&mut self, partition: &TopicPartition, epoch: LeaderEpoch) {
        let end = match self.link.offset(partition, epoch, LATEST).await {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => return self.refused(partition, epoch, error),
            Err(error) => return self.no_range(partition, &error),
        };
        let Some(own_end) = self.log(partition).map(|log| log.log_end_offset()) else { return };
        let reset = match Reset::by_leader_end(own_end, end) {
            Some(reset) => reset,
            None => match self.link.offset(partition, epoch, EARLIEST).await {
                Ok(Ok(start)) => Reset::by_leader_start(own_end, start),
                Ok(Err(error)) => return self.refused(partition, epoch, error),
                Err(error) => return self.no_range(partition, &error),
            },
        };
        self.accept_orders();
        log::warn!(target: TARGET, "{} Reset fetch offset for partition {partition} from {own_end} to {}", self.ident(), reset.fetch_offset());
        let (replicas, id) = (self.replicas.clone(), partition.clone());
        let resetting = tokio::task::spawn_blocking(move || {
            let followed = replicas.partition(&id).map_err(|_| NotFollowed::Outdated)?;
            let was_truncated = match reset {
                Reset::TruncateTo(to) => followed.truncate(epoch, to)?,
                Reset::StartAt(at) => followed.start_anew(epoch, at).map(|()| true)?,
                Reset::FetchFrom(_) => false,
            };
            if let Some(log) = followed.log().filter(|_| was_truncated) {
                replicas.logs.write_recovery_points(log.data_dir());
            }
            Ok(())
        });
        match resetting.await {
            Ok(Ok(())) => self.plan.reset(partition, epoch, reset.fetch_offset(), end),
            Ok(Err(error)) => self.failed(partition, &error, "truncation"),
            Err(_) => self.plan.delay(partition, self.now()),
        }
    }

    fn no_range(&mut self, partition: &TopicPartition, error: &dyn std::fmt::Display) {
        log::error!(target: TARGET, "{} Error getting offset for partition {partition}: {error}", self.ident());
        self.plan.delay(partition, self.now());
    }
}
