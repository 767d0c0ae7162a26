//! A consumer of assigned partitions. It returns their records in order and keeps a position in each.
//!
//! Without group membership and commits. Each leader has at most one fetch in flight, all leaders are fetched
//! from at once. Kafka: KafkaConsumer with `assign`, Fetcher.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::admin::{Admin, EARLIEST, LATEST};
use super::cluster::Cluster;
use super::error::ClientError;
use super::metadata::Target;
use super::settings::{ConsumerSettings, OffsetReset};
use crate::base::{BrokerId, Offset, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::fetch::{FetchRequest, FetchResponse};
use crate::wire::record::Record;

mod fetch;

/// Where to begin in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartPosition {
    /// At its first record.
    Earliest,
    /// After its last record.
    Latest,
    /// At this offset.
    At(Offset),
}

/// A record and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Its partition.
    pub partition: TopicPartition,
    /// The record.
    pub record: Record,
    /// Whether its timestamp is the time of its append (`LogAppendTime`).
    pub append_time: bool,
}

/// A request that is in flight: its leader, and its outcome.
type Fetching = BoxFuture<'static, (BrokerId, Result<FetchResponse, ClientError>)>;

/// Reads partitions from positions that advance with every record.
#[doc(alias = "KafkaConsumer")]
#[doc(alias = "Fetcher")]
pub struct Consumer {
    cluster: Cluster,
    settings: ConsumerSettings,
    positions: BTreeMap<TopicPartition, Offset>,
    fetching: FuturesUnordered<Fetching>,
    busy: BTreeSet<BrokerId>,
    ready: VecDeque<Consumed>,
    retry_at: Option<Instant>,
}

impl Consumer {
    /// A consumer with these settings and no partitions.
    ///
    /// # Errors
    /// A bootstrap address is wrong.
    pub async fn new(settings: ConsumerSettings) -> Result<Self, ClientError> {
        Ok(Self {
            cluster: Cluster::new(settings.cluster.clone()).await?,
            settings,
            positions: BTreeMap::new(),
            fetching: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            ready: VecDeque::new(),
            retry_at: None,
        })
    }

    /// The cluster it reads from.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Adds partitions to read, from `start` on.
    ///
    /// # Errors
    /// Where it begins cannot be found out.
    pub async fn assign(
        &mut self,
        partitions: &[TopicPartition],
        start: StartPosition,
    ) -> Result<(), ClientError> {
        let timestamp = match start {
            StartPosition::At(offset) => {
                self.positions.extend(partitions.iter().map(|partition| (partition.clone(), offset)));
                return Ok(());
            }
            StartPosition::Earliest => EARLIEST,
            StartPosition::Latest => LATEST,
        };
        let admin = Admin::of(self.cluster.clone());
        let found = admin.list_offsets(partitions, timestamp, self.settings.read_committed).await?;
        self.positions.extend(found.into_iter().map(|(partition, found)| (partition, found.offset)));
        Ok(())
    }

    /// The offset of the next record to be returned of a partition, if it is assigned.
    pub fn position(&self, partition: &TopicPartition) -> Option<Offset> {
        let first = self.ready.iter().find(|it| it.partition == *partition);
        first.map(|it| it.record.offset).or_else(|| self.positions.get(partition).copied())
    }

    /// The next record; waits up to `limit`; None if none came in that time.
    ///
    /// # Errors What waiting does not cure: a position out of range without a reset, no authorization, bytes
    /// that are no records.
    pub async fn next(&mut self, limit: Duration) -> Result<Option<Consumed>, ClientError> {
        let end = Instant::now() + limit;
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            if self.retry_at.is_none_or(|at| at <= Instant::now()) {
                self.retry_at = None;
                // Dropped half-way, it has started nothing.
                if tokio::time::timeout_at(end, self.start_fetching()).await.is_err() {
                    return Ok(None);
                }
            }
            let until = self.retry_at.map_or(end, |at| at.min(end));
            match tokio::time::timeout_at(until, self.next_answer()).await {
                Ok((leader, answer)) => {
                    self.busy.remove(&leader);
                    self.take(leader, answer).await?;
                }
                Err(_) if Instant::now() >= end => return Ok(None),
                Err(_) => {}
            }
        }
    }

    async fn next_answer(&mut self) -> (BrokerId, Result<FetchResponse, ClientError>) {
        match self.fetching.next().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// Sends a fetch to every leader that has none in flight.
    async fn start_fetching(&mut self) {
        let mut by_leader: BTreeMap<BrokerId, Vec<fetch::FetchedPartition>> = BTreeMap::new();
        for (partition, offset) in &self.positions {
            match self.cluster.leader(partition).await {
                Ok(leader) => {
                    let fetched = fetch::FetchedPartition {
                        partition: partition.clone(),
                        offset: *offset,
                        leader_epoch: leader.epoch,
                    };
                    by_leader.entry(leader.broker).or_default().push(fetched);
                }
                Err(_) => self.retry_at = Some(self.soon()),
            }
        }
        for (leader, partitions) in by_leader {
            if self.busy.insert(leader) {
                let request = fetch::request(&self.settings, &partitions);
                self.fetching.push(self.fetch(leader, request));
            }
        }
    }

    fn fetch(&self, leader: BrokerId, request: FetchRequest) -> Fetching {
        let cluster = self.cluster.clone();
        let limit = self.settings.cluster.request_timeout + self.settings.fetch_max_wait;
        Box::pin(async move { (leader, cluster.call_within(&Target::Broker(leader), &request, limit).await) })
    }

    fn soon(&self) -> Instant {
        Instant::now() + self.settings.cluster.retry_backoff
    }

    /// Takes the records of an answer, and handles the errors that keep more from coming.
    async fn take(
        &mut self,
        leader: BrokerId,
        answer: Result<FetchResponse, ClientError>,
    ) -> Result<(), ClientError> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.is_retriable() => {
                self.cluster.forget(&Target::Broker(leader));
                self.retry_at = Some(self.soon());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        ClientError::check(answer.error_code, None)?;
        for topic in answer.responses {
            let name: std::sync::Arc<str> = topic.topic.as_str().into();
            for part in topic.partition_responses {
                let id = TopicPartition { topic: name.clone(), partition: part.partition };
                let Some(position) = self.positions.get(&id).copied() else { continue };
                match ErrorCode::from_code(part.error_code) {
                    ErrorCode::None => {
                        let next = fetch::records(
                            &id,
                            position,
                            &part,
                            self.settings.read_committed,
                            &mut self.ready,
                        )?;
                        self.positions.insert(id, next);
                    }
                    ErrorCode::OffsetOutOfRange => self.reset(id).await?,
                    error if error.is_retriable() => {
                        self.cluster.forget(&Target::Leader(id));
                        self.retry_at = Some(self.soon());
                    }
                    _ => ClientError::check(part.error_code, None)?,
                }
            }
        }
        Ok(())
    }

    /// Resets a position that is out of range.
    async fn reset(&mut self, partition: TopicPartition) -> Result<(), ClientError> {
        let start = match self.settings.offset_reset {
            OffsetReset::Earliest => StartPosition::Earliest,
            OffsetReset::Latest => StartPosition::Latest,
            OffsetReset::None => return ClientError::check(ErrorCode::OffsetOutOfRange.code(), None),
        };
        self.assign(&[partition], start).await
    }
}
