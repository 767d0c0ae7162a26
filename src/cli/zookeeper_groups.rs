//! Groups of ZooKeeper consumers as several tools of Kafka up to 1.1 look at them: offsets, ends of logs, owners.
//!
//! Kafka: `ConsumerGroupCommand.ZkConsumerGroupService`, `ConsumerOffsetChecker`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::throwable::JavaThrowable;
use super::zookeeper_session::{self, TIMEOUT};
use crate::admin::topics;
use crate::base::internal_topics::OFFSETS_TOPIC;
use crate::base::{BrokerId, LeaderAndIsr, Offset, TopicPartition};
use crate::client::admin::{Admin, ListOffsetsOptions, OffsetSpec};
use crate::client::{ClientError, Cluster, ClusterOptions, ZooKeeperOptions};
use crate::zk::znode::partition_state::{self, PartitionStateZNode};
use crate::zk::znode::{broker, consumer_offset, consumer_owner};
use crate::zk::{ZkError, ZooKeeper};

/// How long brokers may take to answer.
const BROKER_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a partition's log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogEnd {
    /// At this offset.
    At(Offset),
    /// The partition has no leader, or it does not answer.
    Unknown,
    /// No leader was ever elected.
    NoLeader,
    /// Its leader is not alive.
    NoBroker(BrokerId),
}

/// A partition as a group reads it.
#[derive(Clone, Debug)]
pub(super) struct GroupPartition {
    pub id: TopicPartition,
    /// What the group has committed to Kafka or, if nothing, to ZooKeeper.
    pub offset: Option<Offset>,
    pub log_end: LogEnd,
    /// The thread that owns it.
    pub owner: Option<String>,
}

/// The znodes of groups, and the brokers that they lead to.
pub(super) struct ZookeeperGroups {
    pub zk: ZooKeeper,
    pub admin: Admin,
}

impl ZookeeperGroups {
    /// Opens a session, and finds the brokers.
    ///
    /// # Errors
    /// As [`zookeeper_session::connect`].
    pub(super) async fn connect(to: &str) -> Result<Self, JavaThrowable> {
        let options = ClusterOptions {
            zookeeper: Some(ZooKeeperOptions {
                session_timeout: TIMEOUT,
                connection_timeout: TIMEOUT,
                ..ZooKeeperOptions::new(to)
            }),
            allow_auto_create_topics: false,
            request_timeout: BROKER_TIMEOUT,
            ..ClusterOptions::new("", "ConsumerGroupCommand")
        };
        let cluster = Cluster::new(options).await.map_err(|error| match error {
            ClientError::ZooKeeper(error) => zookeeper_session::unreachable(to, TIMEOUT, error),
            other => JavaThrowable::from(other),
        })?;
        let zk = cluster.zookeeper().cloned().ok_or(ZkError::Closed)?;
        Ok(Self { zk, admin: Admin::of(cluster).within(BROKER_TIMEOUT) })
    }

    /// The partitions of topics that exist, with all that is known of them.
    pub(super) async fn partitions(
        &self,
        group: &str,
        topics: &[String],
    ) -> Result<Vec<GroupPartition>, JavaThrowable> {
        let mut ids = Vec::new();
        for name in topics {
            let found = topics::fetch(&self.zk, name).await.unwrap_or_default();
            let numbers = found.into_iter().flat_map(|topic| topic.partitions.into_keys());
            ids.extend(numbers.map(|at| TopicPartition::new(name.as_str(), at)));
        }
        let paths = |path: fn(&str, &str, i32) -> String| -> Vec<_> {
            ids.iter().map(|id| path(group, &id.topic, id.partition)).collect()
        };
        let (owner_paths, offset_paths) = (paths(consumer_owner::path), paths(consumer_offset::path));
        let (owners, offsets, mut ends) = tokio::join!(
            self.zk.get_many(&owner_paths),
            self.zk.get_many(&offset_paths),
            self.log_ends(&ids)
        );
        let mut committed = self.committed_to_kafka(group, &ids).await;
        let all = ids.into_iter().zip(owners?).zip(offsets?);
        let partition = |((id, owner), offset): ((TopicPartition, _), Option<(bytes::Bytes, _)>)| {
            let owner: Option<(bytes::Bytes, _)> = owner;
            let in_znode = offset.and_then(|(data, _)| consumer_offset::decode(&data).ok());
            GroupPartition {
                offset: committed.remove(&id).or(in_znode),
                log_end: ends.remove(&id).unwrap_or(LogEnd::Unknown),
                owner: owner.and_then(|(data, _)| consumer_owner::decode(&data).ok()),
                id,
            }
        };
        Ok(all.map(partition).collect())
    }

    /// Where the logs of these partitions end.
    async fn log_ends(&self, ids: &[TopicPartition]) -> BTreeMap<TopicPartition, LogEnd> {
        let paths: Vec<_> = ids.iter().map(partition_state::path).collect();
        let states = self.zk.get_each(&paths).await;
        let live = self.zk.children(broker::PARENT).await.ok().flatten().unwrap_or_default();
        let mut ends = BTreeMap::new();
        for (id, state) in ids.iter().zip(states) {
            let state = state.ok().flatten();
            let state = state.and_then(|(data, stat)| PartitionStateZNode::decode(&data, stat.version).ok());
            let end = match state.map(|state| state.leader_and_isr.leader) {
                None => LogEnd::NoLeader,
                Some(leader) if leader == LeaderAndIsr::NO_LEADER => LogEnd::Unknown,
                Some(leader) if !live.contains(&leader.to_string()) => LogEnd::NoBroker(leader),
                Some(_) => LogEnd::Unknown,
            };
            ends.insert(id.clone(), end);
        }
        let led = ends.iter().filter(|(id, end)| **end == LogEnd::Unknown && ids.contains(id));
        let specs: Vec<_> = led.map(|(id, _)| (id.clone(), OffsetSpec::Latest)).collect();
        if specs.is_empty() {
            return ends;
        }
        for (id, found) in self.admin.list_offsets(specs, ListOffsetsOptions::default()).await {
            if let Ok(Some(offset)) = found.map(|found| found.offset) {
                ends.insert(id, LogEnd::At(offset));
            }
        }
        ends
    }

    /// What the group has committed to Kafka; nothing where no group has.
    async fn committed_to_kafka(
        &self,
        group: &str,
        ids: &[TopicPartition],
    ) -> BTreeMap<TopicPartition, Offset> {
        let has_offsets_topic = topics::fetch(&self.zk, OFFSETS_TOPIC).await.is_ok_and(|it| it.is_some());
        if ids.is_empty() || !has_offsets_topic {
            return BTreeMap::new();
        }
        let ids = ids.iter().cloned().collect();
        let Ok(found) = self.admin.list_consumer_group_offsets(group, Some(ids)).await else {
            return BTreeMap::new();
        };
        found.into_iter().filter_map(|(id, found)| Some((id, found.ok()??.offset))).collect()
    }

    /// Ends the session.
    pub(super) async fn close(&self) {
        self.zk.close().await;
    }
}

/// The exception of Kafka's old ZooKeeper client for a znode that does not exist.
pub(super) fn no_node(path: &str) -> JavaThrowable {
    let class = "org.I0Itec.zkclient.exception.ZkNoNodeException";
    let cause = "org.apache.zookeeper.KeeperException$NoNodeException";
    JavaThrowable::new(class, format!("{cause}: KeeperErrorCode = NoNode for {path}"))
}
