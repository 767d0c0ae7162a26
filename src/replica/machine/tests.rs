use super::*;

const LAG: Millis = 30_000;

fn state(leader: BrokerId, epoch: LeaderEpoch, isr: &[BrokerId]) -> LeadershipState {
    let leadership = LeaderAndIsr { leader, leader_epoch: epoch, isr: isr.to_vec(), zk_version: 0 };
    LeadershipState { leadership, replicas: vec![1, 2, 3], controller_epoch: 1 }
}

fn leader(isr: &[BrokerId]) -> LocalReplica {
    let mut machine = LocalReplica::new(1);
    assert!(machine.become_leader(state(1, 0, isr), 0, 0));
    machine
}

fn fetch(
    machine: &mut LocalReplica,
    from: BrokerId,
    at: Offset,
    end: Offset,
    now: Millis,
) -> FollowerFetchOutcome {
    let fetch = FollowerFetch { from, at: at.into(), log_start: 0, leader_end: end };
    machine.on_follower_fetch(fetch, end.into(), 0, now, LAG)
}

fn watermark(step: FollowerFetchOutcome) -> Option<Offset> {
    step.high_watermark.map(|position| position.offset)
}

#[test]
fn alone_in_sync_the_watermark_is_the_end() {
    assert_eq!(leader(&[1]).high_watermark(7.into(), LAG + 1, LAG).map(|it| it.offset), Some(7));
}

#[test]
fn the_high_watermark_waits_for_every_replica_in_sync() {
    let mut machine = leader(&[1, 2, 3]);
    assert_eq!(machine.high_watermark(7.into(), 0, LAG), None, "no follower has fetched yet");
    assert_eq!(watermark(fetch(&mut machine, 2, 5, 7, 1)), None);
    assert_eq!(watermark(fetch(&mut machine, 3, 4, 7, 1)), Some(4));
    assert_eq!(watermark(fetch(&mut machine, 3, 7, 7, 2)), Some(5));
    assert_eq!(watermark(fetch(&mut machine, 2, 7, 7, 2)), Some(7));
}

#[test]
fn a_follower_that_has_caught_up_is_to_join_and_already_counts() {
    let mut machine = leader(&[1, 2]);
    fetch(&mut machine, 2, 5, 5, 1);
    let proposal = fetch(&mut machine, 3, 5, 5, 1).proposal.unwrap();
    assert_eq!((proposal.isr, proposal.expands), (vec![1, 2, 3], true));
    assert_eq!(
        watermark(fetch(&mut machine, 2, 9, 9, 2)),
        Some(5),
        "3 counts although it is not in the ISR yet"
    );
}

#[test]
fn a_follower_that_lags_too_long_is_out_of_sync() {
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
fn what_is_known_of_followers_is_kept_as_long_as_this_broker_leads() {
    let mut machine = leader(&[1, 2]);
    fetch(&mut machine, 2, 5, 5, 1);
    assert!(!machine.become_leader(state(1, 0, &[1, 2]), 5, 2));
    assert_eq!(machine.high_watermark(5.into(), 2, LAG).map(|it| it.offset), Some(5));
    assert!(machine.become_leader(state(1, 1, &[1, 2]), 7, 2));
    assert_eq!(machine.high_watermark(7.into(), 2, LAG).map(|it| it.offset), Some(5));
    machine.become_follower(state(2, 2, &[1, 2]));
    machine.become_leader(state(1, 3, &[1, 2]), 7, 3);
    assert_eq!(machine.high_watermark(7.into(), 3, LAG), None);
}

#[test]
fn a_proposal_waits_for_its_answer() {
    let mut machine = leader(&[1, 2]);
    fetch(&mut machine, 2, 5, 5, 1);
    let proposal = fetch(&mut machine, 3, 5, 5, 1).proposal.unwrap();
    assert_eq!(fetch(&mut machine, 3, 5, 5, 2).proposal, None);
    assert_eq!(machine.on_tick(9, LAG * 3, LAG), None, "one at a time");
    assert_eq!((machine.maximal_isr(), &*machine.state().leadership.isr), (&[1, 2, 3][..], &[1, 2][..]));
    let holds = IsrAnswer::InForce { leader_epoch: 0, isr: vec![1, 2, 3], zk_version: 1 };
    assert_eq!(machine.on_isr_answer(&proposal, holds.clone()), IsrOutcome::Changed);
    assert_eq!(
        (&*machine.state().leadership.isr, machine.state().leadership.zk_version),
        (&[1, 2, 3][..], 1)
    );
    assert_eq!(machine.on_isr_answer(&proposal, holds), IsrOutcome::Stale);
}

#[test]
fn the_high_watermark_waits_for_followers_proposed_to_join_and_to_leave() {
    let mut machine = leader(&[1, 2]);
    fetch(&mut machine, 2, 5, 5, 1);
    fetch(&mut machine, 3, 5, 5, 1).proposal.unwrap();
    let late = LAG * 2;
    assert_eq!(
        watermark(fetch(&mut machine, 2, 9, 9, late)),
        Some(5),
        "3 lags, and may be in the ISR by now"
    );
    let mut machine = leader(&[1, 2]);
    fetch(&mut machine, 2, 5, 5, 1);
    let proposal = machine.on_tick(9, late, LAG).unwrap();
    assert_eq!((&*proposal.isr, proposal.expands), (&[1][..], false));
    assert_eq!(machine.high_watermark(9.into(), late, LAG).map(|it| it.offset), Some(5));
    let holds = IsrAnswer::InForce { leader_epoch: 0, isr: vec![1], zk_version: 1 };
    assert_eq!(machine.on_isr_answer(&proposal, holds), IsrOutcome::Changed);
    assert_eq!(machine.high_watermark(9.into(), late, LAG).map(|it| it.offset), Some(9));
}

#[test]
fn a_refused_proposal_blocks_others_and_one_not_written_does_not() {
    let mut machine = leader(&[1, 2]);
    let proposal = fetch(&mut machine, 3, 5, 5, 1).proposal.unwrap();
    assert_eq!(machine.on_isr_answer(&proposal, IsrAnswer::Refused), IsrOutcome::Unchanged);
    assert_eq!(machine.on_tick(9, LAG * 3, LAG), None);
    assert!(machine.become_leader(state(1, 1, &[1, 2]), 5, 2));
    let proposal = fetch(&mut machine, 3, 5, 5, 3).proposal.unwrap();
    assert_eq!(machine.on_isr_answer(&proposal, IsrAnswer::NotWritten), IsrOutcome::Unchanged);
    assert!(fetch(&mut machine, 3, 5, 5, 4).proposal.is_some());
}

#[test]
fn following_begins_anew_with_another_leader_or_epoch() {
    let mut machine = leader(&[1, 2]);
    assert!(machine.become_follower(state(2, 1, &[1, 2])));
    assert!(!machine.become_follower(state(2, 1, &[2])));
    assert!(machine.become_follower(state(2, 2, &[2])));
    assert_eq!(fetch(&mut machine, 3, 5, 5, 1), FollowerFetchOutcome::default());
}

#[test]
fn what_is_appended_after_the_read_does_not_count_against_a_follower() {
    let mut machine = leader(&[1, 2]);
    let late = FollowerFetch { from: 2, at: 5.into(), log_start: 0, leader_end: 5 };
    machine.on_follower_fetch(late, 6.into(), 0, LAG * 2, LAG);
    assert_eq!(machine.out_of_sync(6, LAG * 3, LAG), [0; 0]);
}

#[test]
fn a_stopped_replica_leads_no_more_and_knows_its_epoch() {
    let mut machine = leader(&[1, 2]);
    machine.stop();
    assert!(!machine.is_leader());
    assert_eq!((machine.state().leadership.leader, machine.leader_epoch()), (-1, 0));
    assert_eq!(machine.accepts(&state(1, 0, &[1, 2])), Err(ErrorCode::StaleControllerEpoch));
}

#[test]
fn a_broker_without_a_replica_is_no_member_of_the_isr() {
    let leadership = LeaderAndIsr { leader: 1, leader_epoch: 0, isr: vec![1, 4, 2], zk_version: 3 };
    let mut expected = state(1, 0, &[1, 2]);
    expected.leadership.zk_version = 3;
    assert_eq!(LeadershipState::new(leadership, vec![1, 2, 3], 1), expected);
}

#[test]
fn the_controllers_answer_decides_a_proposal_or_is_retried() {
    let leadership = LeaderAndIsr { leader: 1, leader_epoch: 4, isr: vec![1, 2], zk_version: 9 };
    let holds = IsrAnswer::InForce { leader_epoch: 4, isr: vec![1, 2], zk_version: 9 };
    assert_eq!(IsrAnswer::of_controller(Ok(leadership)), Ok(holds));
    for error in
        [ErrorCode::UnknownTopicOrPartition, ErrorCode::FencedLeaderEpoch, ErrorCode::InvalidUpdateVersion]
    {
        assert_eq!(IsrAnswer::of_controller(Err(error)), Ok(IsrAnswer::Refused));
    }
    for error in [ErrorCode::UnknownServerError, ErrorCode::NotController, ErrorCode::RequestTimedOut] {
        assert_eq!(IsrAnswer::of_controller(Err(error)), Err(error));
    }
}

#[test]
fn a_proposal_is_recognised_where_it_is_found_and_else_the_controller_has_written() {
    let mut machine = leader(&[1, 2]);
    let proposal = fetch(&mut machine, 3, 5, 5, 1).proposal.unwrap();
    let found = |isr: &[BrokerId], leader_epoch, controller_epoch| {
        let leadership = LeaderAndIsr { leader: 1, leader_epoch, isr: isr.to_vec(), zk_version: 1 };
        PartitionStateZNode::new(leadership, controller_epoch)
    };
    let holds = IsrAnswer::InForce { leader_epoch: 0, isr: vec![1, 2, 3], zk_version: 1 };
    assert_eq!(proposal.judge(1, Some(&found(&[1, 2, 3], 0, 1))), holds);
    for other in [found(&[1, 3], 1, 1), found(&[1, 2], 0, 1), found(&[1, 2, 3], 0, 2)] {
        assert_eq!(proposal.judge(1, Some(&other)), IsrAnswer::Refused, "{other:?}");
    }
    assert_eq!(proposal.judge(1, None), IsrAnswer::Refused, "the topic is gone");
}

#[test]
fn the_high_watermark_waits_for_a_follower_that_may_have_joined() {
    let mut machine = leader(&[1, 2]);
    fetch(&mut machine, 2, 5, 5, 1);
    let proposal = fetch(&mut machine, 3, 5, 5, 1).proposal.unwrap();
    let late = LAG * 2;
    let written_over = PartitionStateZNode::new(written(3, 1), 1);
    let answer = proposal.judge(1, Some(&written_over));
    assert_eq!(machine.on_isr_answer(&proposal, answer), IsrOutcome::Unchanged);
    assert_eq!(watermark(fetch(&mut machine, 2, 9, 9, late)), Some(5), "3 may lead by now");
}

fn written(leader: BrokerId, leader_epoch: LeaderEpoch) -> LeaderAndIsr {
    LeaderAndIsr { leader, leader_epoch, isr: vec![leader], zk_version: 2 }
}
