use super::*;
use crate::base::{BrokerId, LeaderAndIsr, TopicPartition};
use crate::metadata::{PartitionMetadata, PartitionUpdate};

fn present(number: i32, leader: BrokerId) -> (TopicPartition, PartitionUpdate) {
    let leadership = LeaderAndIsr { leader, leader_epoch: 3, isr: vec![leader], zk_version: 0 };
    let metadata = PartitionMetadata {
        leadership,
        replicas: vec![1, 2],
        offline_replicas: vec![2],
        controller_epoch: 1,
    };
    (TopicPartition::new("t", number), PartitionUpdate::Present(metadata))
}

fn deleted(number: i32) -> (TopicPartition, PartitionUpdate) {
    (TopicPartition::new("t", number), PartitionUpdate::Deleted)
}

fn leader(snapshot: &MetadataSnapshot, number: i32) -> Option<BrokerId> {
    snapshot.partition(&TopicPartition::new("t", number)).map(|found| found.leadership.leader)
}

#[test]
fn partitions_are_added_changed_and_deleted() {
    let cache = MetadataCache::default();
    let apply = |partitions| cache.apply(MetadataUpdate { partitions, ..MetadataUpdate::default() });
    apply(vec![present(0, 1), present(1, 2)]);
    let before = cache.snapshot();
    assert_eq!((leader(&before, 0), leader(&before, 1)), (Some(1), Some(2)));
    apply(vec![present(0, 2), deleted(1)]);
    let after = cache.snapshot();
    assert_eq!(after.topic("t").unwrap().keys().copied().collect::<Vec<_>>(), [0]);
    assert_eq!(leader(&after, 0), Some(2));
    assert_eq!(leader(&before, 0), Some(1), "a snapshot that is held does not change");
    apply(vec![deleted(0)]);
    assert_eq!(cache.snapshot().topics().count(), 0);
}

#[tokio::test]
async fn a_change_can_be_awaited() {
    let cache = MetadataCache::default();
    let mut changes = cache.changes();
    assert!(!changes.has_changed().unwrap());
    cache.apply(MetadataUpdate { partitions: vec![present(0, 1)], ..MetadataUpdate::default() });
    changes.changed().await.unwrap();
    assert!(cache.snapshot().topic("t").is_some());
}
