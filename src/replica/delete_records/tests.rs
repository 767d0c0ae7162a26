use super::*;
use crate::config::TopicConfig;
use crate::replica::fetch::{FetchParams, FetchPartition, Isolation};
use crate::replica::tests::{Room, batch, partition};

/// Broker 1 leads partition 0 with these in sync, and its log holds three records that all of them have.
async fn leading(isr: &[i32], topic: TopicConfig) -> Room {
    let room = Room::with(&[], topic);
    assert_eq!(room.tell(0, 1, 0, isr), ErrorCode::None);
    drop(room.append(0, 1, batch(&["a", "b", "c"])));
    for follower in isr.iter().filter(|id| **id != 1) {
        follow(&room, *follower, 3, 0).await;
    }
    room
}

/// A follower's fetch, which tells where its log ends and starts.
async fn follow(room: &Room, replica_id: i32, offset: Offset, log_start_offset: Offset) {
    let params = FetchParams {
        replica_id,
        max_wait: Duration::ZERO,
        min_bytes: 1,
        max_bytes: 1 << 20,
        hard_max_bytes: false,
        isolation: Isolation::ReadUncommitted,
        leader_only: true,
    };
    let wanted = FetchPartition {
        offset,
        max_bytes: 1 << 20,
        current_leader_epoch: None,
        last_fetched_epoch: None,
        log_start_offset,
    };
    assert_eq!(room.replicas.fetch(params, vec![(partition(0), wanted)]).await[0].1.error, ErrorCode::None);
}

async fn delete(room: &Room, to: Offset, limit: Duration) -> LowWatermark {
    room.replicas.delete_records(limit, vec![(partition(0), to)]).await.remove(0).1
}

#[tokio::test]
async fn a_lone_leader_starts_later_at_once() {
    let room = leading(&[1], TopicConfig::default()).await;
    assert_eq!(delete(&room, 2, Duration::ZERO).await, Ok(2));
    assert_eq!(delete(&room, 1, Duration::ZERO).await, Ok(2), "it never starts earlier again");
    assert_eq!(delete(&room, HIGH_WATERMARK, Duration::ZERO).await, Ok(3));
}

#[tokio::test]
async fn what_cannot_be_deleted_is_refused() {
    let room = leading(&[1], TopicConfig::default()).await;
    for to in [4, -2] {
        assert_eq!(delete(&room, to, Duration::ZERO).await, Err(ErrorCode::OffsetOutOfRange));
    }
    let mut compacted = TopicConfig::default();
    compacted.set("cleanup.policy", "compact").unwrap();
    let room = Room::with(&[], compacted);
    assert_eq!(room.tell(0, 1, 0, &[1]), ErrorCode::None);
    assert_eq!(delete(&room, 0, Duration::ZERO).await, Err(ErrorCode::PolicyViolation));
    let internal = TopicPartition::new("__consumer_offsets", 0);
    let refused = room.replicas.delete_records(Duration::ZERO, vec![(internal, 0)]).await.remove(0).1;
    assert_eq!(refused, Err(ErrorCode::InvalidTopicException));
}

#[tokio::test]
async fn the_answer_waits_for_the_followers() {
    let room = leading(&[1, 2, 3], TopicConfig::default()).await;
    let long = Duration::from_secs(60);
    let (deleted, ()) = tokio::join!(delete(&room, 2, long), async {
        follow(&room, 2, 3, 2).await;
        follow(&room, 3, 3, 2).await;
    });
    assert_eq!(deleted, Ok(2));
}

#[tokio::test]
async fn it_does_not_wait_for_ever_nor_for_another_leader() {
    let room = leading(&[1, 2, 3], TopicConfig::default()).await;
    assert_eq!(delete(&room, 2, Duration::from_millis(1)).await, Err(ErrorCode::RequestTimedOut));
    let (deleted, told) =
        tokio::join!(delete(&room, 2, Duration::from_secs(60)), async { room.tell(0, 2, 1, &[2, 3]) });
    assert_eq!((deleted, told), (Err(ErrorCode::NotLeaderOrFollower), ErrorCode::None));
}
