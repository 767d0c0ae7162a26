use super::*;

const LAG: Millis = 30_000;

fn told(leader: BrokerId, epoch: LeaderEpoch, isr: &[BrokerId]) -> Told {
    Told {
        leader,
        leader_epoch: epoch,
        isr: isr.to_vec(),
        replicas: vec![1, 2, 3],
        zk_version: 0,
        controller_epoch: 1,
    }
}

fn leader(isr: &[BrokerId]) -> Machine {
    let mut machine = Machine::new(1);
    assert!(machine.become_leader(told(1, 0, isr), 0, 0));
    machine
}

fn fetch(machine: &mut Machine, from: BrokerId, at: Offset, end: Offset, now: Millis) -> Step {
    let fetch = FollowerFetch { from, at: at.into(), log_start: 0, leader_end: end };
    machine.on_follower_fetch(fetch, end.into(), 0, now, LAG)
}

fn watermark(step: Step) -> Option<Offset> {
    step.high_watermark.map(|position| position.offset)
}

#[test]
fn alone_in_sync_the_watermark_is_the_end() {
    assert_eq!(leader(&[1]).high_watermark(7.into(), LAG + 1, LAG).map(|it| it.offset), Some(7));
}

#[test]
fn the_watermark_waits_for_everybody_in_sync() {
    let mut machine = leader(&[1, 2, 3]);
    assert_eq!(machine.high_watermark(7.into(), 0, LAG), None, "nobody has fetched yet");
    assert_eq!(watermark(fetch(&mut machine, 2, 5, 7, 1)), None);
    assert_eq!(watermark(fetch(&mut machine, 3, 4, 7, 1)), Some(4));
    assert_eq!(watermark(fetch(&mut machine, 3, 7, 7, 2)), Some(5));
    assert_eq!(watermark(fetch(&mut machine, 2, 7, 7, 2)), Some(7));
}

#[test]
fn a_follower_that_has_caught_up_is_to_join_and_already_counts() {
    let mut machine = leader(&[1, 2]);
    fetch(&mut machine, 2, 5, 5, 1);
    assert_eq!(fetch(&mut machine, 3, 5, 5, 1).expand, Some(3));
    assert_eq!(
        watermark(fetch(&mut machine, 2, 9, 9, 2)),
        Some(5),
        "3 counts although it is not in the ISR yet"
    );
}

#[test]
fn who_lags_for_too_long_is_out_of_sync() {
    let mut machine = leader(&[1, 2, 3]);
    fetch(&mut machine, 2, 5, 5, LAG);
    assert_eq!(machine.out_of_sync(5, LAG + 1, LAG), [3]);
    assert_eq!(machine.out_of_sync(6, LAG * 2 + 1, LAG), [2, 3]);
    assert_eq!(machine.out_of_sync(5, LAG * 2 + 1, LAG), [3], "2 has everything");
}

#[test]
fn keeping_up_with_the_end_of_the_last_fetch_is_keeping_up() {
    let mut machine = leader(&[1, 2]);
    for round in 1..10 {
        fetch(&mut machine, 2, (round - 1) * 10, round * 10, round * LAG / 2);
        assert_eq!(machine.out_of_sync(round * 10, round * LAG / 2, LAG), [0; 0]);
    }
}

#[test]
fn the_same_epoch_told_again_keeps_what_is_known_of_followers() {
    let mut machine = leader(&[1, 2]);
    fetch(&mut machine, 2, 5, 5, 1);
    assert!(!machine.become_leader(told(1, 0, &[1, 2]), 5, 2));
    assert_eq!(machine.high_watermark(5.into(), 2, LAG).map(|it| it.offset), Some(5));
    assert!(machine.become_leader(told(1, 1, &[1, 2]), 5, 2));
    assert_eq!(machine.high_watermark(5.into(), 2, LAG), None);
}

#[test]
fn following_begins_anew_with_another_leader_or_epoch() {
    let mut machine = leader(&[1, 2]);
    assert!(machine.become_follower(told(2, 1, &[1, 2])));
    assert!(!machine.become_follower(told(2, 1, &[2])));
    assert!(machine.become_follower(told(2, 2, &[2])));
    assert_eq!(fetch(&mut machine, 3, 5, 5, 1), Step::default());
}

#[test]
fn what_is_appended_after_the_read_does_not_count_against_a_follower() {
    let mut machine = leader(&[1, 2]);
    let late = FollowerFetch { from: 2, at: 5.into(), log_start: 0, leader_end: 5 };
    machine.on_follower_fetch(late, 6.into(), 0, LAG * 2, LAG);
    assert_eq!(machine.out_of_sync(6, LAG * 3, LAG), [0; 0]);
}
