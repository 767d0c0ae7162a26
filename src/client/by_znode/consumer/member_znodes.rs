//! The ephemeral znodes of one consumer: its registration, and the owners of its partitions.
//!
//! An owner is created and deleted only while the consumer is registered, in one operation. The registration goes with
//! its session, so that what was decided in a session does not change the znodes after it. Kafka:
//! `ZookeeperConsumerConnector.registerConsumerInZK`, `reflectPartitionOwnershipDecision`, `ZKCheckedEphemeral`.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;

use super::assignment::{ConsumerThreadId, OwnerMap};
use crate::base::TopicPartition;
use crate::zk::znode::consumer_registration::ConsumerRegistration;
use crate::zk::znode::{consumer_owner, consumer_registration};
use crate::zk::{CreateMode, Op, ZkError, ZooKeeper};

/// Partitions that were claimed.
#[derive(Debug, Default)]
pub(super) struct ClaimOutcome {
    /// Those that the consumer owns now.
    pub(super) own: OwnerMap,
    /// Those that it does not own.
    pub(super) conflicts: BTreeSet<TopicPartition>,
}

/// Writes the znodes of one consumer.
#[derive(Clone, Debug)]
pub(super) struct MemberZnodes {
    zk: ZooKeeper,
    group: String,
    /// The path of its registration.
    registration: String,
}

impl MemberZnodes {
    pub(super) fn new(zk: ZooKeeper, group: &str, id: &Arc<str>) -> Self {
        let registration = consumer_registration::path(group, id);
        Self { zk, group: group.to_owned(), registration }
    }

    /// The path of a partition's owner.
    pub(super) fn owner_path(&self, id: &TopicPartition) -> String {
        consumer_owner::path(&self.group, &id.topic, id.partition)
    }

    /// Registers in the present session; false if that cannot be done now.
    pub(super) async fn register(&self, registration: &ConsumerRegistration) -> bool {
        let data = registration.encode();
        match self.zk.create_recursive(&self.registration, &data, CreateMode::Ephemeral).await {
            Ok(_) => true,
            Err(ZkError::NodeExists) => self.read_own(&self.registration).await.is_some(),
            Err(_) => false,
        }
    }

    /// Creates owners.
    pub(super) async fn claim(&self, wanted: OwnerMap) -> ClaimOutcome {
        let claims = wanted.into_iter().map(async |(id, thread)| {
            let is_own = self.claim_one(&id, &thread).await;
            (id, thread, is_own)
        });
        let mut outcome = ClaimOutcome::default();
        for (id, thread, is_own) in join_all(claims).await {
            if is_own {
                outcome.own.insert(id, thread);
            } else {
                outcome.conflicts.insert(id);
            }
        }
        outcome
    }

    async fn claim_one(&self, id: &TopicPartition, thread: &ConsumerThreadId) -> bool {
        let (path, data) = (self.owner_path(id), consumer_owner::encode(&thread.to_string()));
        let create = Op::Create { path: path.clone(), data: data.clone(), mode: CreateMode::Ephemeral };
        let create = self.as_member(create);
        let mut created = self.zk.multi(&create).await;
        if created.as_ref().is_err_and(|error| error.source == ZkError::NoNode) {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            // Another consumer may create it, too.
            let _ = self.zk.create_recursive(parent, b"", CreateMode::Persistent).await;
            created = self.zk.multi(&create).await;
        }
        match created {
            Ok(_) => true,
            Err(error) if error.source == ZkError::NodeExists => {
                self.read_own(&path).await.is_some_and(|found| found == data)
            }
            Err(_) => false,
        }
    }

    /// The data of an ephemeral znode of this session; None where it is of another.
    async fn read_own(&self, path: &str) -> Option<Bytes> {
        let (data, stat) = self.zk.get(path).await.ok()??;
        (stat.ephemeral_owner == self.zk.session_id()).then_some(data)
    }

    /// Deletes owners. One that is gone, or that went with its session, needs no deletion.
    pub(super) async fn release(&self, partitions: &BTreeSet<TopicPartition>) {
        let delete = |id| self.as_member(Op::Delete { path: self.owner_path(id), version: None });
        let deletions: Vec<_> = partitions.iter().map(delete).collect();
        self.zk.multi_many(&deletions).await;
    }

    /// An operation that has no effect unless the consumer is registered.
    fn as_member(&self, op: Op) -> Vec<Op> {
        vec![Op::Check { path: self.registration.clone(), version: 0 }, op]
    }
}
