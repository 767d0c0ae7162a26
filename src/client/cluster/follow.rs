//! What a client knows of the topics that it works with, how it stays informed, and leaders of partitions.
//!
//! Kafka: `Metadata`, `ProducerMetadata`, `ConsumerMetadata`.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};

use super::Cluster;
use crate::base::{LeaderEpoch, TopicPartition};
use crate::client::error::ClientError;
use crate::client::metadata::{ClusterSnapshot, FollowedTopics, PartitionLeader, TopicInfo};

impl Cluster {
    /// The cluster as the last answers describe it. Sends no request.
    pub fn snapshot(&self) -> Arc<ClusterSnapshot> {
        self.shared.metadata.read().snapshot().clone()
    }

    /// Reports every new snapshot; one that was not seen before the next came is passed over.
    pub fn snapshots(&self) -> watch::Receiver<Arc<ClusterSnapshot>> {
        self.shared.published.subscribe()
    }

    /// Sets the topics whose metadata is kept up to date, in place of those of the last call. If there are new ones,
    /// they are asked for at once.
    pub fn follow(&self, topics: FollowedTopics) {
        self.shared.updates.lock().follow(topics);
        self.shared.updates_wanted.notify_one();
    }

    /// Notes that a topic is in use: its metadata is kept up to date until it was not used for `metadata.max.idle.ms`.
    pub fn use_topic(&self, topic: &Arc<str>) {
        self.shared.updates.lock().use_topic(topic, self.shared.now());
    }

    /// Asks for a refresh of the followed topics, as metadata was found to be out of date. It comes at once or after
    /// `retry.backoff.ms`. Returns the version of the present snapshot.
    #[doc(alias = "requestUpdate")]
    pub fn request_update(&self) -> u64 {
        let version = self.shared.metadata.read().snapshot().version;
        self.shared.updates.lock().request();
        self.shared.updates_wanted.notify_one();
        version
    }

    /// As [`Cluster::request_update`], if topics are followed.
    pub(super) fn request_update_of_followed(&self) {
        let mut updates = self.shared.updates.lock();
        if updates.follows_any() {
            updates.request();
            self.shared.updates_wanted.notify_one();
        }
    }

    /// Asks for a refresh, and waits for the next snapshot.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub async fn updated(&self) -> Result<Arc<ClusterSnapshot>, ClientError> {
        let mut snapshots = self.snapshots();
        let before = self.request_update();
        let newer = snapshots.wait_for(|snapshot| snapshot.version > before).await;
        newer.map(|snapshot| snapshot.clone()).map_err(|_| ClientError::Closed)
    }

    /// A topic and its partitions; asks for it if it is not known.
    ///
    /// # Errors
    /// The topic's error, or that of asking.
    #[doc(alias = "partitionsFor")]
    pub async fn partitions_for(&self, topic: &str) -> Result<Arc<TopicInfo>, ClientError> {
        let known = || self.shared.metadata.read().snapshot().topics.get(topic).cloned();
        if let Some(topic) = known() {
            return Ok(topic);
        }
        self.look_up([topic.into()]).await?;
        known().ok_or(ClientError::NoLeader)
    }

    /// Notes a leader epoch that an answer has named. If it is newer than that of metadata, a refresh is asked for, and
    /// the partition's leader is not known until it has come (KIP-320).
    #[doc(alias = "updateLastSeenEpochIfNewer")]
    pub fn note_leader_epoch(&self, partition: &TopicPartition, epoch: LeaderEpoch) {
        if self.shared.metadata.write().note_epoch(partition, epoch) {
            self.request_update();
        }
    }

    /// The leader of a partition and its epoch; requests metadata if it is not known.
    ///
    /// # Errors
    /// The topic's error, [`ClientError::NoLeader`], or that of asking.
    pub async fn leader(&self, partition: &TopicPartition) -> Result<PartitionLeader, ClientError> {
        if let Some(leader) = self.known_leader(partition) {
            return Ok(leader);
        }
        self.look_up([partition.topic.clone()]).await?;
        self.known_leader(partition).ok_or(ClientError::NoLeader)
    }

    /// The leader of each partition, in their order; the topics that are not known are looked up with one request.
    pub async fn leaders(&self, partitions: &[TopicPartition]) -> Vec<Result<PartitionLeader, ClientError>> {
        let unknown = partitions.iter().filter(|partition| self.known_leader(partition).is_none());
        let topics: BTreeSet<_> = unknown.map(|partition| partition.topic.clone()).collect();
        let looked_up: Vec<_> = topics.iter().cloned().zip(self.look_up_each(topics.clone()).await).collect();
        let found = |partition: &TopicPartition| {
            if let Some(leader) = self.known_leader(partition) {
                return Ok(leader);
            }
            let asked = looked_up.iter().find(|(topic, _)| *topic == partition.topic);
            asked.map_or(Ok(()), |(_, outcome)| outcome.clone())?;
            Err(ClientError::NoLeader)
        };
        partitions.iter().map(found).collect()
    }

    /// The leader of a partition, if it is known. Sends no request.
    pub fn known_leader(&self, partition: &TopicPartition) -> Option<PartitionLeader> {
        self.shared.metadata.read().leader(partition)
    }

    /// The leader of each partition of a topic by the last metadata, None for a partition without one; None
    /// if the topic is not known. Sends no request.
    pub fn leaders_of(&self, topic: &str) -> Option<Vec<Option<PartitionLeader>>> {
        self.shared.metadata.read().leaders_of(topic)
    }

    /// Looks topics up, together with those that other calls look up at the same time.
    pub(super) async fn look_up(
        &self,
        topics: impl IntoIterator<Item = Arc<str>>,
    ) -> Result<(), ClientError> {
        self.look_up_each(topics).await.into_iter().collect()
    }

    async fn look_up_each(&self, topics: impl IntoIterator<Item = Arc<str>>) -> Vec<Result<(), ClientError>> {
        let waiting: Vec<_> = {
            let mut updates = self.shared.updates.lock();
            let wait = |topic| {
                let (reply, answer) = oneshot::channel();
                updates.look_up(topic, reply);
                answer
            };
            topics.into_iter().map(wait).collect()
        };
        self.shared.updates_wanted.notify_one();
        let answers = join_all(waiting).await.into_iter();
        answers.map(|answer| answer.unwrap_or(Err(ClientError::Closed))).collect()
    }
}
