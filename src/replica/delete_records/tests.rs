use super::*;
use crate::config::TopicConfig;
use crate::replica::tests::{Room, batch, partition};

/// Broker 1 leads partition 0 with these in sync, and its log holds three records that all of them have.
async fn leading(isr: &[i32], topic: TopicConfig) -> Room {
    let room = Room::with(&[], topic);
    assert_eq!(room.become_replica(0, 1, 0, isr), ErrorCode::None);
    drop(room.append(0, 1, batch(&["a", "b", "c"])));
    for follower in isr.iter().filter(|id| **id != 1) {
        room.follow(*follower, 3, 0).await;
    }
    room
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
        assert_eq!(delete(&room, to, Duration::ZERO).await, Err(ErrorCode::OffsetOutOfRange.into()));
    }
    let mut compacted = TopicConfig::default();
    compacted.set("cleanup.policy", "compact").unwrap();
    let room = Room::with(&[], compacted);
    assert_eq!(room.become_replica(0, 1, 0, &[1]), ErrorCode::None);
    assert_eq!(delete(&room, 0, Duration::ZERO).await, Err(ErrorCode::PolicyViolation.into()));
    let internal = TopicPartition::new("__consumer_offsets", 0);
    let refused = room.replicas.delete_records(Duration::ZERO, vec![(internal, 0)]).await.remove(0).1;
    assert_eq!(refused, Err(ErrorCode::InvalidTopicException.into()));
}

#[tokio::test]
async fn the_answer_waits_for_the_followers() {
    let room = leading(&[1, 2, 3], TopicConfig::default()).await;
    let long = Duration::from_secs(60);
    let (deleted, ()) = tokio::join!(delete(&room, 2, long), async {
        room.follow(2, 3, 2).await;
        room.follow(3, 3, 2).await;
    });
    assert_eq!(deleted, Ok(2));
}

#[tokio::test]
async fn it_does_not_wait_for_ever_nor_for_another_leader() {
    let room = leading(&[1, 2, 3], TopicConfig::default()).await;
    assert_eq!(
        delete(&room, 2, Duration::from_millis(1)).await,
        Err(NotDeleted { error: ErrorCode::RequestTimedOut, low_watermark: 0 })
    );
    let (deleted, changed) = tokio::join!(delete(&room, 2, Duration::from_secs(60)), async {
        room.become_replica(0, 2, 1, &[2, 3])
    });
    assert_eq!((deleted, changed), (Err(ErrorCode::NotLeaderOrFollower.into()), ErrorCode::None));
}
