//! Data directories of brokers: what lies in them, and replicas moved between them.
//!
//! Kafka: `DescribeLogDirsResult`, `DescribeReplicaLogDirsResult`, `AlterReplicaLogDirsResult`, `LogDirDescription`,
//! `ReplicaInfo`, `TopicPartitionReplica`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Admin;
use super::item_api::ItemApi;
use super::item_results::{AnsweredItems, ItemResults};
use crate::base::ids::by_topic;
use crate::base::{BrokerId, Offset, TopicPartition};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse,
};
use crate::wire::message::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeLogDirsResult,
};

/// A partition's replica on a broker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartitionReplica {
    /// The broker.
    pub broker: BrokerId,
    /// The partition.
    pub partition: TopicPartition,
}

impl fmt::Display for TopicPartitionReplica {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.partition, self.broker)
    }
}

/// A data directory.
#[derive(Clone, Debug)]
pub struct LogDirDescription {
    /// Why it cannot be used: it has failed (`KAFKA_STORAGE_ERROR`).
    pub error: Option<ClientError>,
    /// The replicas in it.
    pub replica_infos: BTreeMap<TopicPartition, ReplicaInfo>,
}

/// A replica in a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaInfo {
    /// Bytes of its segments.
    pub size: i64,
    /// How many offsets its end is behind the high watermark, or, of a replica that is being moved here, behind the
    /// end of the replica that it replaces.
    pub offset_lag: Offset,
    /// Whether it is being moved here, to replace the one in another directory.
    pub is_future: bool,
}

/// Where a replica lies, and where it is being moved to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaLogDirInfo {
    /// The directory that it lies in; None where the broker has no such replica.
    pub current_replica_log_dir: Option<String>,
    /// How far it is behind the high watermark; -1 where the broker has no such replica.
    pub current_replica_offset_lag: Offset,
    /// The directory that it is being moved to, while it is.
    pub future_replica_log_dir: Option<String>,
    /// How far the copy there is behind; -1 where there is none.
    pub future_replica_offset_lag: Offset,
}

impl Admin {
    /// The data directories of brokers, by path.
    ///
    /// Errors of a broker: there is none of this id, the caller may not describe the cluster.
    pub async fn describe_log_dirs(
        &self,
        brokers: impl IntoIterator<Item = BrokerId>,
    ) -> ItemResults<BrokerId, BTreeMap<String, LogDirDescription>> {
        self.call_each(&DescribeLogDirsApi, brokers).await
    }

    /// Where replicas lie. A broker without a replica answers with no directory of it.
    ///
    /// Errors of a replica: there is no such broker, the caller may not describe the cluster.
    pub async fn describe_replica_log_dirs(
        &self,
        replicas: impl IntoIterator<Item = TopicPartitionReplica>,
    ) -> ItemResults<TopicPartitionReplica, ReplicaLogDirInfo> {
        self.call_each(&DescribeReplicaLogDirsApi, replicas).await
    }

    /// Moves replicas to other data directories of their brokers, by absolute paths (KIP-113). A replica that does
    /// not exist yet will be created there.
    ///
    /// Errors of a replica: there is no such broker, directory or replica, the caller may not alter the cluster.
    pub async fn alter_replica_log_dirs(
        &self,
        assignment: impl IntoIterator<Item = (TopicPartitionReplica, String)>,
    ) -> ItemResults<TopicPartitionReplica, ()> {
        let assignment: BTreeMap<_, _> = assignment.into_iter().collect();
        let replicas: Vec<_> = assignment.keys().cloned().collect();
        self.call_each(&AlterReplicaLogDirsApi(assignment), replicas).await
    }
}

/// The error of a whole answer: version 2 and older ones have an answer without a directory where the caller may not
/// describe the cluster.
fn ensure_described(answer: &DescribeLogDirsResponse) -> Result<(), ClientError> {
    match answer.results.is_empty() {
        true => ClientError::check(ErrorCode::ClusterAuthorizationFailed.code(), None),
        false => Ok(()),
    }
}

struct DescribeLogDirsApi;

impl ItemApi for DescribeLogDirsApi {
    type Item = BrokerId;
    type Outcome = BTreeMap<String, LogDirDescription>;
    type Request = DescribeLogDirsRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn target(&self, broker: &BrokerId) -> Target {
        Target::Broker(*broker)
    }

    fn request(&self, _: &[BrokerId], _: i32) -> DescribeLogDirsRequest {
        DescribeLogDirsRequest { topics: None }
    }

    fn read(
        &self,
        brokers: &[BrokerId],
        answer: DescribeLogDirsResponse,
        found: &mut AnsweredItems<BrokerId, BTreeMap<String, LogDirDescription>>,
    ) -> Result<(), ClientError> {
        ensure_described(&answer)?;
        for broker in brokers {
            let dirs = answer.results.iter().map(|it| (it.log_dir.clone(), description(it)));
            found.insert(broker, Ok(dirs.collect()));
        }
        Ok(())
    }
}

fn description(dir: &DescribeLogDirsResult) -> LogDirDescription {
    let replicas = dir.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|it| {
            let info = ReplicaInfo {
                size: it.partition_size,
                offset_lag: it.offset_lag,
                is_future: it.is_future_key,
            };
            (TopicPartition::new(topic.name.as_str(), it.partition_index), info)
        })
    });
    LogDirDescription {
        error: ClientError::check(dir.error_code, None).err(),
        replica_infos: replicas.collect(),
    }
}

struct DescribeReplicaLogDirsApi;

impl ItemApi for DescribeReplicaLogDirsApi {
    type Item = TopicPartitionReplica;
    type Outcome = ReplicaLogDirInfo;
    type Request = DescribeLogDirsRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn target(&self, replica: &TopicPartitionReplica) -> Target {
        Target::Broker(replica.broker)
    }

    fn request(&self, replicas: &[TopicPartitionReplica], _: i32) -> DescribeLogDirsRequest {
        let topics = by_topic(replicas.iter().map(|it| (&it.partition, it.partition.partition)));
        let topics = topics.map(|(topic, partition_index)| DescribableLogDirTopic {
            topic: topic.to_string(),
            partition_index,
        });
        DescribeLogDirsRequest { topics: Some(topics.collect()) }
    }

    fn read(
        &self,
        replicas: &[TopicPartitionReplica],
        answer: DescribeLogDirsResponse,
        found: &mut AnsweredItems<TopicPartitionReplica, ReplicaLogDirInfo>,
    ) -> Result<(), ClientError> {
        ensure_described(&answer)?;
        let dirs: Vec<_> = answer.results.iter().map(|it| (&it.log_dir, description(it))).collect();
        for replica in replicas {
            let mut info = ReplicaLogDirInfo {
                current_replica_offset_lag: -1,
                future_replica_offset_lag: -1,
                ..ReplicaLogDirInfo::default()
            };
            for (dir, description) in &dirs {
                match description.replica_infos.get(&replica.partition) {
                    Some(ReplicaInfo { is_future: true, offset_lag, .. }) => {
                        info.future_replica_log_dir = Some((*dir).clone());
                        info.future_replica_offset_lag = *offset_lag;
                    }
                    Some(ReplicaInfo { is_future: false, offset_lag, .. }) => {
                        info.current_replica_log_dir = Some((*dir).clone());
                        info.current_replica_offset_lag = *offset_lag;
                    }
                    None => {}
                }
            }
            found.insert(replica, Ok(info));
        }
        Ok(())
    }
}

struct AlterReplicaLogDirsApi(BTreeMap<TopicPartitionReplica, String>);

impl ItemApi for AlterReplicaLogDirsApi {
    type Item = TopicPartitionReplica;
    type Outcome = ();
    type Request = AlterReplicaLogDirsRequest;

    const PASSING: &'static [ErrorCode] = &[];

    fn target(&self, replica: &TopicPartitionReplica) -> Target {
        Target::Broker(replica.broker)
    }

    fn request(&self, replicas: &[TopicPartitionReplica], _: i32) -> AlterReplicaLogDirsRequest {
        let mut by_dir: BTreeMap<&str, Vec<&TopicPartition>> = BTreeMap::new();
        for replica in replicas {
            let dir = self.0.get(replica).map_or("", String::as_str);
            by_dir.entry(dir).or_default().push(&replica.partition);
        }
        let dirs = by_dir.into_iter().map(|(path, partitions)| {
            let topics = by_topic(partitions.into_iter().map(|it| (it, it.partition)));
            let topics = topics
                .map(|(name, partitions)| AlterReplicaLogDirTopic { name: name.to_string(), partitions });
            AlterReplicaLogDir { path: path.to_owned(), topics: topics.collect() }
        });
        AlterReplicaLogDirsRequest { dirs: dirs.collect() }
    }

    fn read(
        &self,
        replicas: &[TopicPartitionReplica],
        answer: AlterReplicaLogDirsResponse,
        found: &mut AnsweredItems<TopicPartitionReplica, ()>,
    ) -> Result<(), ClientError> {
        // All replicas of a request are those of one broker.
        let brokers: BTreeSet<_> = replicas.iter().map(|it| it.broker).collect();
        for topic in &answer.results {
            for it in &topic.partitions {
                let partition = TopicPartition::new(topic.topic_name.as_str(), it.partition_index);
                for broker in &brokers {
                    let replica = TopicPartitionReplica { broker: *broker, partition: partition.clone() };
                    found.insert_checked(&replica, it.error_code, None, ());
                }
            }
        }
        Ok(())
    }
}
