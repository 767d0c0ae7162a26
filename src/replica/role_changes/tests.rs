use std::time::Duration;

use super::*;
use crate::base::LeaderAndIsr;
use crate::log::epochs::EpochEnd;
use crate::metadata::{PartitionMetadata, PartitionUpdate};
use crate::replica::produce::{AppendParams, InternalTopics};
use crate::replica::role_feed::{NewRole, RoleChanged};
use crate::replica::tests::{EPOCHS, Room, batch, lead_or_follow, of_client, partition};

fn code(room: &Room, number: i32) -> Option<ErrorCode> {
    room.replicas.partition(&partition(number)).err()
}

fn epoch(room: &Room) -> i32 {
    room.replicas.partition(&partition(0)).unwrap().leader_epoch()
}

#[test]
fn a_leadership_begins_with_its_epoch_at_the_logs_end() {
    let room = Room::new();
    assert_eq!(code(&room, 0), Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(room.become_replica(0, 1, 0, &[1]), ErrorCode::None);
    let log = room.replicas.partition(&partition(0)).unwrap().log().unwrap();
    assert_eq!(log.latest_epoch(), Some(0));
    log.append_as_leader(batch(&["a"]), 0, crate::log::AppendOrigin::Client).unwrap();
    assert_eq!(room.become_replica(0, 1, 4, &[1]), ErrorCode::None);
    assert_eq!(log.end_offset_for(0), Some(EpochEnd { epoch: 0, offset: 1 }));
    assert_eq!(log.latest_epoch(), Some(4));
    assert_eq!(room.high_watermark(0), 1, "alone in sync, all of the log is replicated");
}

#[test]
fn only_a_larger_epoch_is_heeded() {
    let room = Room::new();
    assert_eq!(room.become_replica(0, 1, 5, &[1, 2]), ErrorCode::None);
    assert_eq!(room.become_replica(0, 2, 5, &[2]), ErrorCode::StaleControllerEpoch);
    assert_eq!(room.become_replica_at(0, 1, 5, &[1, 2], 9), ErrorCode::StaleControllerEpoch);
    assert_eq!(room.become_replica(0, 2, 4, &[2]), ErrorCode::StaleControllerEpoch);
    assert_eq!(epoch(&room), 5);
    assert_eq!(room.become_replica(0, 2, 6, &[2]), ErrorCode::None);
    assert_eq!(epoch(&room), 6);
}

#[test]
fn partitions_of_other_brokers_are_refused_and_not_created() {
    let room = Room::new();
    let leadership = LeaderAndIsr { leader: 2, leader_epoch: 0, isr: vec![2], zk_version: 0 };
    let outcomes = room.obey(lead_or_follow(0, LeadershipState::new(leadership, vec![2], 1), false), 0);
    assert_eq!(outcomes.unwrap()[0].1, Err(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(code(&room, 0), Some(ErrorCode::UnknownTopicOrPartition));
}

#[test]
fn old_controllers_and_orders_for_an_earlier_life_are_refused() {
    let room = Room::new();
    assert_eq!(room.become_replica(0, 1, 0, &[1]), ErrorCode::None);
    let leadership = LeaderAndIsr { leader: 1, leader_epoch: 0, isr: vec![1], zk_version: 0 };
    for (controller, broker, expected) in
        [(0, -1, ErrorCode::StaleControllerEpoch), (9, 6, ErrorCode::StaleBrokerEpoch)]
    {
        let epochs = RequestEpochs { controller, broker };
        let order = lead_or_follow(0, LeadershipState::new(leadership.clone(), vec![1], 1), false);
        assert_eq!(room.obey(LeaderAndIsrOrder { epochs, ..order }, 7), Err(expected));
        let order = StopReplicaOrder { epochs, replicas: Vec::new() };
        assert_eq!(room.replicas.role_changes().stop_replicas(order, 7), Err(expected));
    }
    // The refused request's controller epoch was not accepted.
    assert_eq!(room.become_replica(0, 1, 1, &[1]), ErrorCode::None);
}

#[test]
fn stopping_needs_a_larger_epoch_or_none() {
    let room = Room::new();
    assert_eq!(room.become_replica(0, 2, 5, &[1, 2]), ErrorCode::None);
    assert_eq!(room.stop(0, 4, true), ErrorCode::FencedLeaderEpoch);
    assert_eq!(room.stop(0, 5, true), ErrorCode::FencedLeaderEpoch);
    assert_eq!(room.stop(0, 6, false), ErrorCode::None);
    assert_eq!(room.stop(0, LeaderAndIsr::NO_EPOCH, false), ErrorCode::None);
    assert_eq!(code(&room, 0), None);
    assert_eq!(room.stop(0, LeaderAndIsr::EPOCH_DURING_DELETE, true), ErrorCode::None);
    assert_eq!(code(&room, 0), Some(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(room.stop(0, LeaderAndIsr::EPOCH_DURING_DELETE, true), ErrorCode::None, "gone already");
}

#[tokio::test]
async fn a_topic_deleted_can_be_made_again() {
    let room = Room::new();
    for _ in 0..2 {
        assert_eq!(room.become_replica(0, 1, 0, &[1]), ErrorCode::None);
        assert_eq!(room.produce(0, &["a", "b"]).await, 0);
        assert_eq!(room.stop(0, LeaderAndIsr::EPOCH_DURING_DELETE, true), ErrorCode::None);
        assert!(!room.dir.path().join("t-0").exists());
    }
}

#[tokio::test]
async fn a_replica_that_is_only_stopped_keeps_its_log_and_high_watermark() {
    let room = Room::new();
    assert_eq!(room.become_replica(0, 1, 0, &[1]), ErrorCode::None);
    room.produce(0, &["a", "b"]).await;
    assert_eq!(room.stop(0, LeaderAndIsr::NO_EPOCH, false), ErrorCode::None);
    let refused = room.append(0, 1, batch(&["c"])).outcomes().await;
    assert_eq!(refused[0].1.error, ErrorCode::NotLeaderOrFollower);
    assert_eq!(room.high_watermark(0), 2);
    assert_eq!(room.become_replica(0, 1, 1, &[1, 2]), ErrorCode::None);
    assert_eq!(room.high_watermark(0), 2);
}

#[tokio::test]
async fn a_leader_that_cannot_write_down_where_its_epoch_begins_flushes_nothing() {
    let room = Room::new();
    assert_eq!(room.become_replica(0, 2, 3, &[1, 2]), ErrorCode::None);
    let hosted = room.replicas.partition(&partition(0)).unwrap();
    // The checkpoint is written beside its place first.
    std::fs::create_dir(room.dir.path().join("t-0/leader-epoch-checkpoint.tmp")).unwrap();
    assert_eq!(
        room.become_replica(0, 1, 4, &[1, 2]),
        ErrorCode::None,
        "without records there is nothing to write"
    );
    let appended = room.append(0, 1, batch(&["a"])).outcomes().await;
    assert_eq!(appended[0].1.error, ErrorCode::None, "a recovery would find the epoch in the batch");
    let log = hosted.log().unwrap();
    assert!(log.flush().is_err());
    assert_eq!((log.log_end_offset(), log.recovery_point()), (1, 0));
    assert!(room.replicas.logs.shared().failures.is_offline(log.data_dir()));
}

/// An update that shows partition 0 of `t`, led by broker 2.
fn described() -> MetadataUpdate {
    let leadership = LeaderAndIsr { leader: 2, leader_epoch: 3, isr: vec![2], zk_version: 0 };
    let (replicas, offline_replicas) = (vec![1, 2], vec![2]);
    let metadata = PartitionMetadata { leadership, replicas, offline_replicas, controller_epoch: 1 };
    MetadataUpdate {
        partitions: vec![(partition(0), PartitionUpdate::Present(metadata))],
        ..Default::default()
    }
}

#[test]
fn updates_of_old_controllers_and_for_an_earlier_registration_are_refused() {
    let room = Room::new();
    let update = |controller, broker| {
        let epochs = RequestEpochs { controller, broker };
        room.replicas.role_changes().update_metadata(epochs, 6, described())
    };
    assert_eq!(update(9, 5), Err(ErrorCode::StaleBrokerEpoch));
    assert_eq!(update(3, 6), Ok(()));
    assert_eq!(update(2, -1), Err(ErrorCode::StaleControllerEpoch));
}

#[test]
fn a_partition_of_other_brokers_differs_from_an_unknown_one() {
    let room = Room::new();
    assert_eq!(room.replicas.role_changes().update_metadata(EPOCHS, 0, described()), Ok(()));
    assert_eq!(code(&room, 0), Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(code(&room, 1), Some(ErrorCode::UnknownTopicOrPartition));
}

#[test]
fn role_changes_are_sent_in_the_order_in_which_they_happen() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    let mut changes = room.replicas.partitions().roles().subscribe();
    room.become_replica(0, 1, 1, &[1, 2]);
    room.become_replica(0, 1, 1, &[1, 2]);
    room.become_replica(0, 2, 2, &[2]);
    room.become_replica(1, 7, 0, &[7]);
    room.stop(0, 3, false);
    room.become_replica(0, 1, 4, &[1]);
    room.stop(0, LeaderAndIsr::EPOCH_DURING_DELETE, true);
    room.become_replica(1, 1, 1, &[1, 2]);
    room.replicas.role_changes().directory_failed(room.dir.path());
    let mut expect = |number, role| {
        assert_eq!(changes.try_recv(), Ok(RoleChanged { partition: partition(number), role }));
    };
    expect(0, NewRole::Leader(1));
    expect(0, NewRole::Follower { leader: 2, leader_epoch: 2 });
    expect(0, NewRole::Stopped);
    expect(0, NewRole::Leader(4));
    expect(0, NewRole::Deleted);
    expect(1, NewRole::Leader(1));
    expect(1, NewRole::Offline);
    assert!(changes.try_recv().is_err(), "what was ignored, or waits for its leader, is no change");
}

/// A coordinator: it learns from the role changes which partition of its topic it serves, writes there, and
/// learns that it no longer serves it.
#[tokio::test]
async fn a_coordinator_writes_where_it_leads_and_stops_where_it_no_longer_does() {
    let room = Room::new();
    let id = TopicPartition::new("__consumer_offsets", 3);
    let order = |leader, leader_epoch, isr: &[i32]| {
        let leadership = LeaderAndIsr { leader, leader_epoch, isr: isr.to_vec(), zk_version: 0 };
        let state = LeadershipState::new(leadership, vec![1, 2], 1);
        let (partition, reassignment) = (id.clone(), Default::default());
        let partitions = vec![PartitionOrder { partition, state, is_new: true, reassignment }];
        LeaderAndIsrOrder { epochs: EPOCHS, partitions }
    };
    let mut changes = room.replicas.partitions().roles().subscribe();
    room.obey(order(1, 0, &[1]), 0).unwrap();
    let RoleChanged { partition, role } = changes.recv().await.unwrap();
    assert_eq!((&partition, role), (&id, NewRole::Leader(0)));
    let write = async |epoch| {
        let entries = vec![(partition.clone(), batch(&["a", "b"]).into())];
        let params = AppendParams {
            leader_epoch: Some(epoch),
            internal_topics: InternalTopics::Allowed,
            ..of_client(-1, Duration::from_millis(1))
        };
        room.replicas.append_records(params, entries).await.outcomes().await.remove(0).1
    };
    let written = write(0).await;
    assert_eq!((written.error, written.base_offset), (ErrorCode::None, 0));
    room.obey(order(1, 1, &[1, 2]), 0).unwrap();
    assert_eq!(write(0).await.error, ErrorCode::NotLeaderOrFollower, "in a later epoch");
    let written = write(1).await;
    assert_eq!((written.error, written.base_offset), (ErrorCode::RequestTimedOut, 2), "2 does not have it");
    room.obey(order(2, 2, &[2]), 0).unwrap();
    assert_eq!(write(2).await.error, ErrorCode::NotLeaderOrFollower);
    assert_eq!(changes.recv().await.unwrap().role, NewRole::Leader(1));
    assert_eq!(changes.recv().await.unwrap().role, NewRole::Follower { leader: 2, leader_epoch: 2 });
}
