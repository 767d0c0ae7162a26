use super::*;
use crate::config::Properties;
use crate::replica::fetcher::session::Want;

fn versions(protocol: &str) -> (i16, i16, i16) {
    let of = Versions::of(&KafkaVersion::parse(protocol).unwrap());
    (of.fetch, of.offset_for_leader_epoch, of.list_offsets)
}

#[test]
fn every_protocol_version_has_its_requests() {
    let table = [
        ("0.10.0", (2, 0, 0)),
        ("0.11.0", (5, 0, 2)),
        ("1.0", (5, 0, 2)),
        ("1.1", (7, 0, 2)),
        ("2.0-IV0", (7, 1, 2)),
        ("2.0", (8, 1, 3)),
        ("2.1", (10, 2, 4)),
        ("2.2", (10, 2, 5)),
        ("2.3", (11, 3, 5)),
        ("2.4", (11, 3, 5)),
        ("2.5", (11, 3, 5)),
        ("2.6", (11, 3, 5)),
        ("2.7-IV0", (11, 3, 5)),
        ("2.7", (12, 3, 5)),
    ];
    for (protocol, expected) in table {
        assert_eq!(versions(protocol), expected, "{protocol}");
    }
}

#[test]
fn a_request_says_who_asks_and_groups_topics() {
    let mut properties = Properties::default();
    properties.set("zookeeper.connect", "nowhere");
    properties.set("replica.fetch.max.bytes", "99");
    let manner = Manner::of(7, 2, &BrokerConfig::parse(&properties).unwrap());
    let want = Want { offset: 5, log_start: 1, leader_epoch: 3 };
    let send = [("a", 0), ("a", 1), ("b", 0)].map(|(topic, at)| (TopicPartition::new(topic, at), want));
    let forget = [("c", 0), ("c", 4)].map(|(topic, at)| TopicPartition::new(topic, at));
    let request = Request { session_id: 9, session_epoch: 4, send: send.to_vec(), forget: forget.to_vec() };
    let wire = manner.fetch_request(&request);
    assert_eq!((wire.replica_id, wire.session_id, wire.session_epoch), (7, 9, 4));
    assert_eq!(wire.topics.iter().map(|it| it.partitions.len()).collect::<Vec<_>>(), [2, 1]);
    let first = &wire.topics[0].partitions[0];
    assert_eq!((first.fetch_offset, first.log_start_offset, first.current_leader_epoch), (5, 1, 3));
    assert_eq!((first.partition_max_bytes, first.last_fetched_epoch), (99, -1));
    assert_eq!(wire.forgotten_topics_data[0].partitions, [0, 4]);
}
