use std::path::PathBuf;

use super::*;
use crate::replica::tests::{Room, partition};

/// A partition led in epoch 0, with a batch, and a second data directory that it is to be moved to.
async fn moving() -> (Room, Arc<Partition>, PathBuf) {
    let room = Room::with_two_dirs();
    room.become_replica(0, 1, 0, &[1]);
    room.produce(0, &["one", "two"]).await;
    let hosted = room.replicas.partition(&partition(0)).unwrap();
    let here = hosted.log().unwrap().data_dir().to_owned();
    let other = room.logs().dirs().iter().find(|dir| **dir != here).unwrap().clone();
    room.logs().prefer(&partition(0), &other);
    hosted.begin_move(room.logs().create_future(&partition(0), Default::default()).unwrap(), None);
    (room, hosted, other)
}

#[tokio::test]
async fn a_log_is_copied_and_goes_on_in_the_other_directory() {
    let (room, hosted, other) = moving().await;
    room.produce(0, &["three"]).await;
    assert!(matches!(hosted.copy_some(room.logs(), 1).unwrap(), Copied::Some(_)), "one batch at a time");
    assert_eq!(hosted.future().unwrap().log_end_offset(), 2);
    assert!(matches!(hosted.copy_some(room.logs(), 1 << 20).unwrap(), Copied::All(_)));
    let log = hosted.log().unwrap();
    assert_eq!((log.data_dir(), log.log_end_offset(), log.high_watermark()), (&*other, 3, 3));
    assert!(hosted.future().is_none());
    assert_eq!(room.produce(0, &["four"]).await, 3);
    assert_eq!(hosted.copy_some(room.logs(), 1).unwrap(), Copied::Nothing);
}

#[tokio::test]
async fn what_the_log_loses_the_copy_loses() {
    let (room, hosted, _) = moving().await;
    room.produce(0, &["three"]).await;
    room.produce(0, &["four"]).await;
    for _ in 0..2 {
        hosted.copy_some(room.logs(), 1).unwrap();
    }
    // Another broker leads, with other records from offset 2 on.
    room.become_replica(0, 2, 1, &[1, 2]);
    hosted.truncate(1, 2).unwrap();
    room.become_replica(0, 1, 2, &[1]);
    room.produce(0, &["other"]).await;
    room.produce(0, &["more"]).await;
    assert_eq!(hosted.future().unwrap().log_end_offset(), 3);
    while hosted.copy_some(room.logs(), 1).unwrap() != Copied::Nothing {}
    let read = |log: &Log| {
        log.read(0, 1 << 20, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().records.read().unwrap()
    };
    let log = hosted.log().unwrap();
    assert_eq!((log.log_end_offset(), log.latest_epoch()), (4, Some(2)));
    let text = read(&log);
    assert!(!text.windows(5).any(|window| window == b"three"), "cut from the copy, too");
    assert!(text.windows(5).any(|window| window == b"other"));
}

#[tokio::test]
async fn a_copy_that_begins_behind_the_logs_start_begins_anew() {
    let (room, hosted, _) = moving().await;
    hosted.log().unwrap().increment_log_start_offset(2, "test").unwrap();
    room.produce(0, &["three"]).await;
    while hosted.copy_some(room.logs(), 1 << 20).unwrap() != Copied::Nothing {}
    let log = hosted.log().unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (2, 3));
}
