use std::time::Duration;

use super::*;
use crate::config::TopicConfig;
use crate::replica::FetchCaller;
use crate::replica::fetch::Isolation;
use crate::replica::tests::{Room, partition};

/// Broker 1 leads from rack `r1`; the answer to a consumer in a rack, once broker 2 has fetched everything.
async fn answered(selector: &[(&str, &str)], rack: &str, version_11: bool) -> FetchOutcome {
    let room = Room::with(selector, TopicConfig::default());
    room.become_replica(0, 1, 0, &[1, 2]);
    room.produce(0, &["one", "two"]).await;
    let wanted = |offset, log_start_offset| PartitionFetch {
        offset,
        max_bytes: i32::MAX,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset,
    };
    let params = FetchParams {
        replica_id: 2,
        max_wait: Duration::ZERO,
        min_bytes: 1,
        max_bytes: i32::MAX,
        hard_max_bytes: false,
        isolation: Isolation::ReadUncommitted,
        read_from: ReadFrom::Leader,
    };
    room.replicas.fetch(params, &[(partition(0), wanted(2, 0))]).await;
    let params = FetchParams {
        replica_id: -1,
        read_from: if version_11 { ReadFrom::AnyReplica } else { ReadFrom::Leader },
        ..params
    };
    let near = Location { rack, listener: "PLAINTEXT" };
    let near = Some(near).filter(|near| room.replicas.selects_replicas(near, &params));
    let wanted = [(partition(0), wanted(0, -1))];
    let fetch =
        room.replicas.fetch_once(params, &wanted, FetchCaller { near, denies: None }, std::future::pending());
    fetch.await.remove(0).1
}

const SELECTOR: [(&str, &str); 1] = [("replica.selector.class", RACK_AWARE)];

#[tokio::test]
async fn a_consumer_in_a_followers_rack_is_sent_there() {
    let outcome = answered(&SELECTOR, "r2", true).await;
    assert_eq!(outcome.preferred_read_replica, Some(2));
    assert!(outcome.records.is_empty());
    assert_eq!((outcome.error, outcome.high_watermark), (ErrorCode::None, 2));
}

#[tokio::test]
async fn other_consumers_are_served_by_the_leader() {
    let old = answered(&SELECTOR, "r2", false).await;
    let outcomes = [
        answered(&SELECTOR, "r1", true).await,
        answered(&SELECTOR, "r3", true).await,
        old,
        answered(&[], "r2", true).await,
    ];
    for outcome in outcomes {
        assert_eq!(outcome.preferred_read_replica, None);
        assert!(!outcome.records.is_empty());
    }
}
