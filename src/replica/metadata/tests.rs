use super::*;
use crate::replica::tests::{Room, partition};
use crate::wire::message::update_metadata::{UpdateMetadataEndpoint, UpdateMetadataTopicState};

fn state(number: i32, leader: BrokerId) -> UpdateMetadataPartitionState {
    UpdateMetadataPartitionState {
        topic_name: "t".to_owned(),
        partition_index: number,
        leader,
        leader_epoch: 3,
        isr: vec![leader],
        replicas: vec![1, 2],
        offline_replicas: vec![2],
        ..Default::default()
    }
}

/// As version 6 has it.
fn grouped(states: Vec<UpdateMetadataPartitionState>) -> UpdateMetadataRequest {
    let topic = UpdateMetadataTopicState { topic_name: "t".to_owned(), partition_states: states };
    UpdateMetadataRequest {
        controller_id: 1,
        controller_epoch: 1,
        topic_states: vec![topic],
        ..Default::default()
    }
}

#[test]
fn partitions_are_added_changed_and_deleted() {
    let room = Room::new();
    let told = |states| assert_eq!(room.replicas.update_metadata(&grouped(states), 0), ErrorCode::None);
    told(vec![state(0, 1), state(1, 2)]);
    let before = room.replicas.metadata();
    let found = before.partition(&partition(0)).unwrap();
    assert_eq!((found.leader, found.leader_epoch), (1, 3));
    assert_eq!(
        (&found.isr[..], &found.replicas[..], &found.offline_replicas[..]),
        (&[1][..], &[1, 2][..], &[2][..])
    );
    told(vec![state(0, 2), state(1, LeaderAndIsr::LEADER_DURING_DELETE)]);
    let after = room.replicas.metadata();
    assert_eq!(after.topic("t").unwrap().keys().copied().collect::<Vec<_>>(), [0]);
    assert_eq!(after.partition(&partition(0)).unwrap().leader, 2);
    assert_eq!(before.partition(&partition(0)).unwrap().leader, 1, "a picture that is held does not change");
    told(vec![state(0, LeaderAndIsr::LEADER_DURING_DELETE)]);
    assert_eq!(room.replicas.metadata().topics().count(), 0);
}

#[test]
fn ungrouped_states_count_as_well() {
    let room = Room::new();
    let request = UpdateMetadataRequest {
        controller_id: -1,
        controller_epoch: 1,
        ungrouped_partition_states: vec![state(0, 1)],
        ..Default::default()
    };
    assert_eq!(room.replicas.update_metadata(&request, 0), ErrorCode::None);
    let snapshot = room.replicas.metadata();
    assert!(snapshot.partition(&partition(0)).is_some());
    assert_eq!(snapshot.controller, None);
}

#[test]
fn brokers_are_those_told_last_in_the_form_of_any_version() {
    let endpoint = |listener: &str, protocol: SecurityProtocol| UpdateMetadataEndpoint {
        port: 9093,
        host: "host".to_owned(),
        listener: listener.to_owned(),
        security_protocol: protocol.id(),
    };
    let v0 = UpdateMetadataBroker { id: 1, v0_host: "old".to_owned(), v0_port: 9092, ..Default::default() };
    let v2 = UpdateMetadataBroker {
        id: 2,
        endpoints: vec![endpoint("", SecurityProtocol::Ssl)],
        rack: Some("r".to_owned()),
        ..Default::default()
    };
    let v3 = UpdateMetadataBroker {
        id: 3,
        endpoints: vec![endpoint("INSIDE", SecurityProtocol::SaslSsl)],
        ..Default::default()
    };
    let room = Room::new();
    let request = UpdateMetadataRequest { live_brokers: vec![v0, v2, v3], ..grouped(vec![]) };
    assert_eq!(room.replicas.update_metadata(&request, 0), ErrorCode::None);
    let snapshot = room.replicas.metadata();
    let shown: Vec<_> = snapshot.live_brokers().map(|broker| broker.endpoints[0].to_string()).collect();
    assert_eq!(shown, ["PLAINTEXT://old:9092", "SSL://host:9093", "INSIDE://host:9093"]);
    assert_eq!(snapshot.live_broker(2).unwrap().rack.as_deref(), Some("r"));
    room.replicas.update_metadata(&grouped(vec![]), 0);
    assert_eq!(room.replicas.metadata().live_brokers().count(), 0);
}

#[test]
fn old_controllers_and_news_for_an_earlier_life_are_refused() {
    let room = Room::new();
    let request = |controller_epoch, broker_epoch| UpdateMetadataRequest {
        controller_epoch,
        broker_epoch,
        ..grouped(vec![state(0, 1)])
    };
    assert_eq!(room.replicas.update_metadata(&request(9, 5), 6), ErrorCode::StaleBrokerEpoch);
    assert_eq!(room.replicas.update_metadata(&request(3, 6), 6), ErrorCode::None);
    assert_eq!(room.replicas.update_metadata(&request(2, -1), 6), ErrorCode::StaleControllerEpoch);
}

#[tokio::test]
async fn a_change_can_be_awaited() {
    let room = Room::new();
    let mut changes = room.replicas.metadata_changes();
    assert!(!changes.has_changed().unwrap());
    room.replicas.update_metadata(&grouped(vec![state(0, 1)]), 0);
    changes.changed().await.unwrap();
    assert!(room.replicas.metadata().topic("t").is_some());
}

#[test]
fn a_partition_that_others_hold_is_told_from_an_unknown_one() {
    let room = Room::new();
    room.replicas.update_metadata(&grouped(vec![state(0, 2)]), 0);
    assert_eq!(room.replicas.partition(&partition(0)).err(), Some(ErrorCode::NotLeaderOrFollower));
    assert_eq!(room.replicas.partition(&partition(1)).err(), Some(ErrorCode::UnknownTopicOrPartition));
}
