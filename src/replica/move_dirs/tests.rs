use super::*;
use crate::replica::tests::{Room, partition};

/// Where the log of partition 0 lies, and the other directory.
fn dirs(room: &Room) -> (PathBuf, PathBuf) {
    let hosted = room.replicas.partition(&partition(0)).unwrap();
    let here = hosted.log().unwrap().data_dir().to_owned();
    let other = room.logs().dirs().iter().find(|dir| **dir != here).unwrap().clone();
    (here, other)
}

fn alter(room: &Room, number: i32, dir: &Path) -> Result<(), ErrorCode> {
    room.replicas.log_dirs().alter(vec![(partition(number), dir.to_owned())])[0].1
}

#[tokio::test]
async fn a_replica_is_moved_and_described_on_its_way() {
    let room = Room::with_two_dirs();
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["one", "two"]).await;
    let (here, other) = dirs(&room);
    assert_eq!(alter(&room, 0, &here), Ok(()), "it lies there");
    assert_eq!(alter(&room, 0, &other), Ok(()));
    let described = room.replicas.log_dirs().describe();
    let of = |dir: &Path| described.iter().find(|(it, _)| it == dir).unwrap().1.clone().unwrap();
    assert_eq!((of(&here)[0].lag, of(&here)[0].is_future), (0, false));
    assert_eq!((of(&other)[0].lag, of(&other)[0].is_future), (2, true));
    let stop = CancellationToken::new();
    let moving = tokio::spawn(room.replicas.log_dirs().clone().copy_logs(stop.clone()));
    while dirs(&room).0 != other {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    moving.await.unwrap();
    let described = room.replicas.log_dirs().describe();
    let (_, found) = described.iter().find(|(dir, _)| *dir == other).unwrap();
    assert_eq!(
        found.as_ref().unwrap()[0].size,
        room.replicas.partition(&partition(0)).unwrap().log().unwrap().size()
    );
}

#[tokio::test]
async fn refusals_are_kafkas() {
    let room = Room::with_two_dirs();
    room.become_replica(0, 1, 0, &[1]);
    let (_, other) = dirs(&room);
    assert_eq!(alter(&room, 0, Path::new("/nowhere")), Err(ErrorCode::LogDirNotFound));
    assert_eq!(alter(&room, 7, &other), Err(ErrorCode::UnknownTopicOrPartition));
    room.become_replica(7, 1, 0, &[1]);
    let hosted = room.replicas.partition(&partition(7)).unwrap();
    assert_eq!(hosted.log().unwrap().data_dir(), other, "it was made where it was wanted");
    let long = TopicPartition::new("x".repeat(230), 0);
    let refused = room.replicas.log_dirs().alter(vec![(long, other)])[0].1;
    assert_eq!(refused, Err(ErrorCode::InvalidTopicException));
}

#[tokio::test]
async fn another_destination_replaces_the_first() {
    let room = Room::with_two_dirs();
    room.become_replica(0, 1, 0, &[1]);
    let (here, other) = dirs(&room);
    alter(&room, 0, &other).unwrap();
    alter(&room, 0, &here).unwrap();
    assert!(room.logs().future(&partition(0)).is_none());
    assert!(room.replicas.partition(&partition(0)).unwrap().future().is_none());
}

#[tokio::test]
async fn a_move_waits_for_the_cleaner_and_keeps_it_away_until_the_move_has_ended() {
    let room = Room::with_two_dirs();
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["one", "two"]).await;
    let (here, other) = dirs(&room);
    let hosted = room.replicas.partition(&partition(0)).unwrap();
    let log = hosted.log().unwrap();
    log.cleaning().set_clean_offset(1);
    let turn = log.cleaning().begin().unwrap();
    let (log_dirs, to) = (room.replicas.log_dirs().clone(), other.clone());
    let altering = tokio::task::spawn_blocking(move || log_dirs.alter(vec![(partition(0), to)]));
    // Until the move has aborted the cleaner's turn.
    log.cleaning().sleep(Duration::from_secs(3600));
    assert!(log.cleaning().is_aborted() && room.logs().future(&partition(0)).is_none());
    drop(turn);
    assert_eq!(altering.await.unwrap()[0].1, Ok(()));
    assert!(log.cleaning().begin().is_none(), "what is copied is not cleaned");
    // A move that is given up.
    assert_eq!(alter(&room, 0, &here), Ok(()));
    assert!(log.cleaning().begin().is_some());
    assert_eq!(alter(&room, 0, &other), Ok(()));
    let stop = CancellationToken::new();
    let moving = tokio::spawn(room.replicas.log_dirs().clone().copy_logs(stop.clone()));
    while dirs(&room).0 != other {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    moving.await.unwrap();
    let moved = hosted.log().unwrap();
    assert_eq!((moved.log_end_offset(), moved.cleaning().clean_offset()), (2, Some(1)));
    assert!(moved.cleaning().begin().is_some());
    assert!(log.cleaning().begin().is_none(), "its files are about to go");
}
