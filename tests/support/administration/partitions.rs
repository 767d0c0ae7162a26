//! Replicas: leaders elected, partitions reassigned, data directories described and changed.

use std::collections::BTreeSet;

use barnabas::client::ClientError;
use barnabas::client::admin::{ElectionType, NewTopic, TopicPartitionReplica};
use barnabas::wire::error_code::ErrorCode;

use super::{BRIEF, NO_BROKER, Stage, code, partition};

impl Stage {
    pub async fn partitions(&self) {
        self.create(NewTopic::new("moved", 1, 1), "moved").await;
        self.leaders_are_elected().await;
        self.partitions_are_reassigned().await;
        self.data_directories_are_described().await;
        self.replicas_move_between_directories().await;
    }

    async fn leaders_are_elected(&self) {
        for kind in [ElectionType::Preferred, ElectionType::Unclean] {
            let asked = [partition("moved", 0), partition("missing", 0)];
            let results = self.admin.elect_leaders(kind, asked).await;
            assert_eq!(code(&results[&partition("moved", 0)]), ErrorCode::ElectionNotNeeded, "{kind:?}");
            assert_eq!(code(&results[&partition("missing", 0)]), ErrorCode::UnknownTopicOrPartition);
            assert!(self.admin.elect_all_leaders(kind).await.unwrap().is_empty(), "no election is needed");
        }
    }

    async fn partitions_are_reassigned(&self) {
        let moved = partition("moved", 0);
        let last = *self.brokers.last().unwrap();
        let changes = [
            (moved.clone(), Some(vec![last])),
            (partition("missing", 0), Some(vec![last])),
            (partition("a", 0), None),
            (partition("a", 1), Some(vec![NO_BROKER])),
            (partition("a", -1), Some(vec![last])),
            (partition("", 0), None),
        ];
        let results = self.admin.alter_partition_reassignments(changes).await;
        assert_eq!(code(&results[&moved]), ErrorCode::None);
        assert_eq!(code(&results[&partition("missing", 0)]), ErrorCode::UnknownTopicOrPartition);
        assert_eq!(code(&results[&partition("a", 0)]), ErrorCode::NoReassignmentInProgress);
        assert_eq!(code(&results[&partition("a", 1)]), ErrorCode::InvalidReplicaAssignment);
        assert_eq!(code(&results[&partition("a", -1)]), ErrorCode::InvalidTopicException);
        assert_eq!(code(&results[&partition("", 0)]), ErrorCode::InvalidTopicException);
        self.described("moved", |it| *it.partitions[0].replicas == [last]).await;
        let of = |partitions: BTreeSet<_>| self.admin.list_partition_reassignments(Some(partitions));
        self.eventually("the reassignment ends", async || {
            of([moved.clone()].into()).await.unwrap().is_empty().then_some(())
        })
        .await;
        assert!(self.admin.list_partition_reassignments(None).await.unwrap().is_empty());
        assert_eq!(code(&of([partition("", 0)].into()).await), ErrorCode::InvalidTopicException);
    }

    async fn data_directories_are_described(&self) {
        let brokers = self.brokers.iter().copied().chain([NO_BROKER]);
        let described = self.admin.within(BRIEF).describe_log_dirs(brokers).await;
        for broker in &self.brokers {
            let dirs = described[broker].as_ref().unwrap();
            assert_eq!(dirs.len(), 2, "{dirs:?}");
            assert!(dirs.values().all(|dir| dir.error.is_none()));
            assert!(dirs.values().flat_map(|it| it.replica_infos.values()).all(|it| !it.is_future));
        }
        assert!(
            matches!(&described[&NO_BROKER], Err(ClientError::CallTimedOut { .. })),
            "there is no such broker"
        );
    }

    async fn replicas_move_between_directories(&self) {
        let broker = *self.brokers.last().unwrap();
        let replica = TopicPartitionReplica { broker, partition: partition("moved", 0) };
        let absent = TopicPartitionReplica { broker, partition: partition("missing", 0) };
        let asked = [replica.clone(), absent.clone()];
        let found = self.admin.describe_replica_log_dirs(asked).await.all().unwrap();
        assert_eq!(found[&absent].current_replica_log_dir, None);
        assert_eq!(found[&absent].current_replica_offset_lag, -1);
        assert_eq!(found[&replica].future_replica_log_dir, None);
        let here = found[&replica].current_replica_log_dir.clone().unwrap();
        let dirs = self.admin.describe_log_dirs([broker]).await.all().unwrap();
        let there = dirs[&broker].keys().find(|dir| **dir != here).unwrap().clone();
        let changes = [(replica.clone(), there.clone()), (absent.clone(), "/no/such/directory".to_owned())];
        let results = self.admin.alter_replica_log_dirs(changes).await;
        assert_eq!(code(&results[&replica]), ErrorCode::None);
        assert_eq!(code(&results[&absent]), ErrorCode::LogDirNotFound);
        self.eventually("the replica lies in the other directory", async || {
            let found = self.admin.describe_replica_log_dirs([replica.clone()]).await.only().unwrap();
            (found.current_replica_log_dir.as_ref() == Some(&there)).then_some(())
        })
        .await;
    }
}
