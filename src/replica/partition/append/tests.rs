//! Appends between two changes of roles.

use std::sync::mpsc;
use std::thread;

use super::*;
use crate::log::AppendOrigin;
use crate::replica::machine::ReplicaRole;
use crate::replica::partition::Stop;
use crate::replica::tests::{NOW, Room, batch, partition};

/// Broker 1 leads in epoch 0, with brokers 2 and 3 in sync.
fn led() -> (Room, Arc<Partition>) {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1, 2]);
    let hosted = room.replicas.partition(&partition(0)).unwrap();
    (room, hosted)
}

/// An append that is admitted and then waits for the log, whose disk does not answer while `meanwhile` runs.
fn stuck(
    hosted: &Arc<Partition>,
    acks: RequiredAcks,
    meanwhile: impl FnOnce(),
) -> Result<(LogAppendInfo, Acknowledgement), Refused> {
    let log = hosted.log().unwrap();
    let (begin, begun) = mpsc::channel();
    thread::scope(|scope| {
        let disk = log.append_lock();
        let appending = scope.spawn(move || {
            let (log, epoch) = hosted.admits_append(acks, None).map_err(Refused::Partition)?;
            begin.send(()).unwrap();
            let info =
                log.append_as_leader(batch(&["a"]), epoch, AppendOrigin::Client).map_err(Refused::Log)?;
            let acknowledged = hosted.appended(epoch, &info, acks, NOW);
            Ok((info, acknowledged))
        });
        begun.recv().unwrap();
        meanwhile();
        drop(disk);
        appending.join().unwrap()
    })
}

#[test]
fn all_but_the_log_goes_on_while_a_disk_does_not_answer() {
    let (room, hosted) = led();
    let outcome = stuck(&hosted, RequiredAcks::All, || {
        assert!(hosted.tick(NOW + 1_000_000).is_some(), "the ISR is looked after");
        assert_eq!(hosted.replication().map(|it| it.in_sync), Some(2));
        let log = hosted.log().unwrap();
        log.update_high_watermark(0);
        assert!(!log.set_settings(Default::default()), "a config changes");
        room.replicas.log_dirs().describe();
        assert!(matches!(hosted.standing().1, ReplicaRole::Leader { .. }));
    });
    assert!(matches!(outcome, Ok((_, Acknowledgement::Awaited(_)))));
}

#[test]
fn nothing_lands_in_a_log_that_has_begun_to_follow() {
    let (room, hosted) = led();
    let outcome = stuck(&hosted, RequiredAcks::Leader, || {
        room.become_replica(0, 2, 1, &[1, 2]);
    });
    assert!(matches!(outcome, Err(Refused::Log(AppendError::Fenced(0)))), "{outcome:?}");
    assert_eq!(ErrorCode::from(&AppendError::Fenced(0)), ErrorCode::NotLeaderOrFollower);
    assert_eq!(hosted.log().unwrap().log_end_offset(), 0);
}

#[test]
fn nothing_lands_in_a_log_that_is_stopped() {
    let (room, hosted) = led();
    let outcome = stuck(&hosted, RequiredAcks::Leader, || hosted.stop(Stop::KeepLog));
    assert!(matches!(outcome, Err(Refused::Log(AppendError::Fenced(0)))), "{outcome:?}");
    drop(room);
}

#[test]
fn a_leader_that_becomes_follower_does_not_acknowledge_acks_all() {
    let (room, hosted) = led();
    let (log, epoch) = hosted.admits_append(RequiredAcks::All, None).unwrap();
    let info = log.append_as_leader(batch(&["a"]), epoch, AppendOrigin::Client).unwrap();
    room.become_replica(0, 2, 1, &[1, 2]);
    let acknowledged = hosted.appended(epoch, &info, RequiredAcks::All, NOW);
    assert!(matches!(acknowledged, Acknowledgement::Settled(ErrorCode::NotLeaderOrFollower)));
}

#[test]
fn a_leader_that_leads_on_in_a_later_epoch_still_has_its_appends() {
    let (room, hosted) = led();
    let (log, epoch) = hosted.admits_append(RequiredAcks::All, None).unwrap();
    let info = log.append_as_leader(batch(&["a"]), epoch, AppendOrigin::Client).unwrap();
    room.become_replica(0, 1, 1, &[1, 2]);
    assert!(matches!(hosted.appended(epoch, &info, RequiredAcks::All, NOW), Acknowledgement::Awaited(_)));
    // Truncated in between, it has not.
    room.become_replica(0, 2, 2, &[1, 2]);
    hosted.truncate(2, 0).unwrap();
    room.become_replica(0, 1, 3, &[1, 2]);
    let acknowledged = hosted.appended(epoch, &info, RequiredAcks::All, NOW);
    assert!(matches!(acknowledged, Acknowledgement::Settled(ErrorCode::NotLeaderOrFollower)));
}
