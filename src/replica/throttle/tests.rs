use std::time::Duration;

use super::*;
use crate::base::Records;
use crate::config::TopicConfig;
use crate::replica::fetch::{FetchParams, Isolation, PartitionFetch};
use crate::replica::machine::ReadFrom;
use crate::replica::tests::{Room, partition};

fn throttled(list: &str) -> TopicConfig {
    TopicConfig { leader_replication_throttled_replicas: vec![list.to_owned()], ..TopicConfig::default() }
}

/// The bytes that a follower gets of partition 0 from its start.
async fn fetched(room: &Room, follower: BrokerId, max_wait: Duration) -> Records {
    let params = FetchParams {
        replica_id: follower,
        max_wait,
        min_bytes: 1,
        max_bytes: i32::MAX,
        hard_max_bytes: false,
        isolation: Isolation::ReadUncommitted,
        read_from: ReadFrom::Leader,
    };
    let wanted = PartitionFetch {
        offset: 0,
        max_bytes: i32::MAX,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset: 0,
    };
    let mut outcomes = room.replicas.fetch(params, &[(partition(0), wanted)]).await;
    outcomes.remove(0).1.records
}

async fn led(list: &str) -> Room {
    let room = Room::with(&[], throttled(list));
    room.become_replica(0, 1, 0, &[1, 2]);
    room.produce(0, &["one", "two"]).await;
    room.replicas.throttles.leader.lock().allow(10);
    room
}

#[tokio::test]
async fn a_follower_that_catches_up_gets_no_more_than_allowed() {
    let room = led("0:1").await;
    assert!(!fetched(&room, 3, Duration::ZERO).await.is_empty(), "the first passes, and is counted");
    assert!(fetched(&room, 3, Duration::from_millis(5)).await.is_empty());
    assert!(!fetched(&room, 2, Duration::ZERO).await.is_empty(), "2 is in sync");
    room.clock.set(room.clock.now() + 60_000);
    assert!(!fetched(&room, 3, Duration::ZERO).await.is_empty(), "a minute later");
}

#[tokio::test]
async fn replicas_that_are_not_named_are_not_held_back() {
    let room = led("0:2,1:1").await;
    for _ in 0..3 {
        assert!(!fetched(&room, 3, Duration::ZERO).await.is_empty());
    }
}

#[tokio::test]
async fn a_follower_asks_for_no_more_than_allowed() {
    let room = Room::with(
        &[],
        TopicConfig {
            follower_replication_throttled_replicas: vec!["*".to_owned()],
            ..TopicConfig::default()
        },
    );
    room.become_replica(0, 2, 0, &[1, 2]);
    room.replicas.throttles.follower.lock().allow(10);
    assert!(!room.replicas.follower_throttle()(&partition(0)));
    room.replicas.count_fetched(&partition(0), 1000);
    assert!(room.replicas.follower_throttle()(&partition(0)));
    assert!(!room.replicas.follower_throttle()(&partition(7)), "an unknown partition");
}
