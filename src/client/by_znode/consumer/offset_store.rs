//! Where a ZooKeeper consumer keeps its offsets: in znodes, in Kafka, or in both while its group moves from one to the
//! other.
//!
//! Kafka: `ZookeeperConsumerConnector.commitOffsets` and `fetchOffsets`, `OffsetManager`.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use crate::base::{Offset, TopicPartition};
use crate::client::OffsetAndMetadata;
use crate::client::admin::Admin;
use crate::client::error::{ClientError, StateViolation};
use crate::zk::znode::consumer_offset;
use crate::zk::{ZkError, ZooKeeper};

/// Where offsets are kept (`offsets.storage`, `dual.commit.enabled`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetStorage {
    /// Under `/consumers/GROUP/offsets`.
    #[default]
    ZooKeeper,
    /// In Kafka, by the group's coordinator.
    Kafka,
    /// In Kafka and in ZooKeeper; the higher one counts.
    Both,
}

/// The offsets of one consumer's group.
pub(super) struct OffsetStore {
    zk: ZooKeeper,
    admin: Admin,
    group: String,
    storage: OffsetStorage,
    /// What this consumer has read or written last.
    known: BTreeMap<TopicPartition, Offset>,
}

impl OffsetStore {
    pub(super) fn new(zk: ZooKeeper, admin: Admin, group: &str, storage: OffsetStorage) -> Self {
        Self { zk, admin, group: group.to_owned(), storage, known: BTreeMap::new() }
    }

    /// The offsets of these partitions; those without one are left out.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) async fn fetch(
        &mut self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Offset>, ClientError> {
        let mut found = BTreeMap::new();
        if self.storage != OffsetStorage::ZooKeeper {
            let all = self.admin.list_consumer_group_offsets(&self.group, Some(partitions.clone())).await?;
            for (id, offset) in all {
                if let Some(offset) = offset? {
                    found.insert(id, offset.offset);
                }
            }
        }
        if self.storage != OffsetStorage::Kafka {
            for (id, offset) in self.fetch_from_zookeeper(partitions).await? {
                let higher = found.get(&id).map_or(offset, |other| offset.max(*other));
                found.insert(id, higher);
            }
        }
        found.retain(|_, offset| *offset >= 0);
        self.known.retain(|id, _| !partitions.contains(id));
        self.known.extend(found.clone());
        Ok(found)
    }

    async fn fetch_from_zookeeper(
        &self,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<Vec<(TopicPartition, Offset)>, ClientError> {
        let paths: Vec<_> = partitions.iter().map(|id| self.path(id)).collect();
        let read = self.zk.get_many(&paths).await.map_err(of_zookeeper)?;
        let mut found = Vec::new();
        for ((id, path), read) in partitions.iter().zip(&paths).zip(read) {
            let Some((data, _)) = read else { continue };
            let offset = consumer_offset::decode(&data)
                .map_err(|error| ClientError::from(StateViolation::Call(format!("{path}: {error}"))))?;
            found.push((id.clone(), offset));
        }
        Ok(found)
    }

    /// Commits those that have changed.
    ///
    /// # Errors
    /// Some of them could not be committed.
    pub(super) async fn commit(
        &mut self,
        mut offsets: BTreeMap<TopicPartition, Offset>,
    ) -> Result<(), ClientError> {
        offsets.retain(|id, offset| self.known.get(id) != Some(offset));
        if offsets.is_empty() {
            return Ok(());
        }
        if self.storage != OffsetStorage::ZooKeeper {
            let committed = offsets.iter().map(|(id, offset)| (id.clone(), OffsetAndMetadata::new(*offset)));
            self.admin.alter_consumer_group_offsets(&self.group, committed).await.all()?;
        }
        if self.storage != OffsetStorage::Kafka {
            let writes = offsets.iter().map(async |(id, offset)| {
                self.zk.set_or_create(&self.path(id), &consumer_offset::encode(*offset)).await
            });
            join_all(writes).await.into_iter().collect::<Result<(), ZkError>>().map_err(of_zookeeper)?;
        }
        self.known.extend(offsets);
        Ok(())
    }

    fn path(&self, id: &TopicPartition) -> String {
        consumer_offset::path(&self.group, &id.topic, id.partition)
    }
}

/// A failure of ZooKeeper.
fn of_zookeeper(error: ZkError) -> ClientError {
    match error {
        ZkError::Closed => ClientError::Closed,
        error => ClientError::ZooKeeper(error),
    }
}
