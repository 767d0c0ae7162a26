use super::*;
use crate::base::BrokerId;
use crate::replica::tests::{NOW, Room, batch, partition};

const UNCOMMITTED: Option<Isolation> = Some(Isolation::ReadUncommitted);

/// Two records of epoch 0 and one of epoch 2, which this broker leads now.
async fn led(isr: &[BrokerId]) -> Room {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["a", "b"]).await;
    room.become_replica(0, 1, 2, isr);
    room.append(0, 1, batch(&["c"])).outcomes().await;
    room
}

/// The offset and its epoch.
fn look(
    room: &Room,
    timestamp: Millis,
    isolation: Option<Isolation>,
) -> Result<Option<(Offset, Option<LeaderEpoch>)>, ErrorCode> {
    let found = room.replicas.list_offset(&partition(0), timestamp, isolation, None, ReadFrom::Leader)?;
    Ok(found.map(|found| (found.offset, found.leader_epoch)))
}

#[tokio::test]
async fn the_end_is_what_the_caller_may_read() {
    let room = led(&[1]).await;
    assert_eq!(look(&room, LATEST, UNCOMMITTED), Ok(Some((3, Some(2)))));
    let room = led(&[1, 2]).await;
    assert_eq!(look(&room, LATEST, UNCOMMITTED), Ok(Some((2, Some(2)))));
    assert_eq!(look(&room, LATEST, None), Ok(Some((3, Some(2)))), "followers read to the end");
}

#[tokio::test]
async fn the_first_record_of_a_time_is_found_if_it_may_be_read() {
    let room = led(&[1]).await;
    assert_eq!(look(&room, EARLIEST, UNCOMMITTED).map(|it| it.map(|it| it.0)), Ok(Some(0)));
    assert_eq!(look(&room, -3, UNCOMMITTED).map(|it| it.map(|it| it.0)), Ok(Some(0)), "before all records");
    assert_eq!(look(&room, NOW, UNCOMMITTED), Ok(Some((0, Some(0)))));
    assert_eq!(look(&room, NOW + 1, UNCOMMITTED), Ok(None));
}

#[tokio::test]
async fn a_new_leader_does_not_guess_the_end() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1, 2]);
    room.append(0, 1, batch(&["a"])).outcomes().await;
    room.become_replica(0, 1, 1, &[1, 2]);
    // The record of its first leadership is not known to be replicated yet.
    assert_eq!(look(&room, LATEST, UNCOMMITTED), Err(ErrorCode::OffsetNotAvailable));
    assert_eq!(look(&room, NOW, UNCOMMITTED), Err(ErrorCode::OffsetNotAvailable));
    assert_eq!(look(&room, EARLIEST, UNCOMMITTED).map(|it| it.map(|it| it.0)), Ok(Some(0)));
    assert_eq!(look(&room, LATEST, None), Ok(Some((1, Some(1)))));
}

#[tokio::test]
async fn only_the_leader_answers_and_only_at_its_epoch() {
    let room = led(&[1]).await;
    let with = |epoch| {
        room.replicas.list_offset(&partition(0), LATEST, UNCOMMITTED, Some(epoch), ReadFrom::Leader).err()
    };
    assert_eq!(with(1), Some(ErrorCode::FencedLeaderEpoch));
    assert_eq!(with(2), None);
    assert_eq!(with(3), Some(ErrorCode::UnknownLeaderEpoch));
    room.become_replica(0, 2, 3, &[1, 2]);
    assert_eq!(look(&room, LATEST, UNCOMMITTED), Err(ErrorCode::NotLeaderOrFollower));
    let debugging = room.replicas.list_offset(&partition(0), LATEST, UNCOMMITTED, None, ReadFrom::AnyReplica);
    assert_eq!(debugging.map(|it| it.map(|it| it.offset)), Ok(Some(3)));
}

#[tokio::test]
async fn epochs_end_where_the_next_begins() {
    let room = led(&[1]).await;
    let end = |epoch| room.replicas.offset_for_leader_epoch(&partition(0), epoch, None);
    assert_eq!(end(0), Ok(EpochEnd { epoch: 0, offset: 2 }));
    assert_eq!(end(1), Ok(EpochEnd { epoch: 0, offset: 2 }), "the largest one up to it");
    assert_eq!(end(2), Ok(EpochEnd { epoch: 2, offset: 3 }));
    assert_eq!(end(3), Ok(EpochEnd { epoch: -1, offset: -1 }));
    let unknown = room.replicas.offset_for_leader_epoch(&partition(9), 0, None);
    assert_eq!(unknown, Err(ErrorCode::UnknownTopicOrPartition));
}

#[tokio::test]
async fn the_old_way_lists_segments_and_the_high_watermark() {
    let room = led(&[1, 2]).await;
    let list =
        |most, up_to| room.replicas.legacy_offsets(&partition(0), LATEST, most, up_to, ReadFrom::Leader);
    assert_eq!(list(5, ReadUpTo::LogEnd), Ok(vec![3, 0]));
    assert_eq!(list(5, ReadUpTo::HighWatermark), Ok(vec![2, 0]), "consumers see no more than is replicated");
    assert_eq!(list(1, ReadUpTo::HighWatermark), Ok(vec![2]));
}
