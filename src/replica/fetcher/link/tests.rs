use super::*;
use crate::config::Properties;
use crate::replica::fetcher::session::Want;

#[test]
fn a_request_has_its_replica_id_and_groups_topics() {
    let mut properties = Properties::default();
    properties.set("zookeeper.connect", "nowhere");
    properties.set("replica.fetch.max.bytes", "99");
    let options = FetcherOptions::of(7, 2, &BrokerConfig::parse(&properties).unwrap(), None);
    let want = Want { offset: 5, log_start: 1, leader_epoch: 3 };
    let send = [("a", 0), ("a", 1), ("b", 0)].map(|(topic, at)| (TopicPartition::new(topic, at), want));
    let forget = [("c", 0), ("c", 4)].map(|(topic, at)| TopicPartition::new(topic, at));
    let request = FetcherRequest {
        session_id: 9,
        session_epoch: 4,
        to_send: send.to_vec(),
        to_forget: forget.to_vec(),
    };
    let wire = options.fetch_request(&request);
    assert_eq!((wire.replica_id, wire.session_id, wire.session_epoch), (7, 9, 4));
    assert_eq!(wire.topics.iter().map(|it| it.partitions.len()).collect::<Vec<_>>(), [2, 1]);
    let first = &wire.topics[0].partitions[0];
    assert_eq!((first.fetch_offset, first.log_start_offset, first.current_leader_epoch), (5, 1, 3));
    assert_eq!((first.partition_max_bytes, first.last_fetched_epoch), (99, -1));
    assert_eq!(wire.forgotten_topics_data[0].partitions, [0, 4]);
}
