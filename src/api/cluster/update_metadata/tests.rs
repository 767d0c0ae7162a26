use super::*;
use crate::metadata::MetadataCache;
use crate::wire::message::update_metadata::{UpdateMetadataEndpoint, UpdateMetadataTopicState};

fn state(number: i32, leader: i32) -> UpdateMetadataPartitionState {
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

#[test]
fn grouped_states_are_decoded() {
    let states = vec![state(0, 1), state(1, LeaderAndIsr::LEADER_DURING_DELETE)];
    let topic = UpdateMetadataTopicState { topic_name: "t".to_owned(), partition_states: states };
    let update =
        decoded(UpdateMetadataRequest { controller_id: 1, topic_states: vec![topic], ..Default::default() });
    assert_eq!(update.controller, Some(1));
    let [(first, PartitionUpdate::Present(found)), (second, PartitionUpdate::Deleted)] =
        &update.partitions[..]
    else {
        panic!("{update:?}")
    };
    assert_eq!((first, second), (&TopicPartition::new("t", 0), &TopicPartition::new("t", 1)));
    assert_eq!((found.leadership.leader, found.leadership.leader_epoch), (1, 3));
    assert_eq!(
        (&found.leadership.isr[..], &found.replicas[..], &found.offline_replicas[..]),
        (&[1][..], &[1, 2][..], &[2][..])
    );
}

#[test]
fn ungrouped_states_count_as_well() {
    let cache = MetadataCache::default();
    cache.apply(decoded(UpdateMetadataRequest {
        controller_id: -1,
        controller_epoch: 1,
        ungrouped_partition_states: vec![state(0, 1)],
        ..Default::default()
    }));
    let snapshot = cache.snapshot();
    assert!(snapshot.partition(&TopicPartition::new("t", 0)).is_some());
    assert_eq!(snapshot.controller, None);
}

#[test]
fn the_live_brokers_are_those_of_the_last_request_of_any_version() {
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
    let cache = MetadataCache::default();
    cache.apply(decoded(UpdateMetadataRequest { live_brokers: vec![v0, v2, v3], ..Default::default() }));
    let snapshot = cache.snapshot();
    let shown: Vec<_> = snapshot.live_brokers().map(|broker| broker.endpoints[0].to_string()).collect();
    assert_eq!(shown, ["PLAINTEXT://old:9092", "SSL://host:9093", "INSIDE://host:9093"]);
    assert_eq!(snapshot.live_broker(2).unwrap().rack.as_deref(), Some("r"));
    cache.apply(decoded(UpdateMetadataRequest::default()));
    assert_eq!(cache.snapshot().live_brokers().count(), 0);
}
