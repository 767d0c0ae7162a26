use super::*;
use crate::base::BrokerId;

/// A state of a partition with replicas on brokers 1 to 3.
fn state(leader: BrokerId, leader_epoch: LeaderEpoch, isr: &[BrokerId]) -> LeadershipState {
    let leader_and_isr = LeaderAndIsr { leader, leader_epoch, isr: isr.to_vec(), zk_version: 0 };
    LeadershipState::new(leader_and_isr, vec![1, 2, 3], 1)
}

/// Broker 1, which leads in epoch 5.
fn leader(isr: &[BrokerId]) -> LocalReplica {
    let mut machine = LocalReplica::new(1);
    machine.become_leader(state(1, 5, isr), 0, 0);
    machine
}

/// Broker 1, which follows 2 in epoch 5.
fn follower() -> LocalReplica {
    let mut machine = LocalReplica::new(1);
    machine.become_follower(state(2, 5, &[1, 2]));
    machine
}

#[test]
fn only_a_larger_leader_epoch_is_accepted() {
    let machine = leader(&[1]);
    assert_eq!(machine.accepts(&state(2, 4, &[2])), Err(ErrorCode::StaleControllerEpoch));
    assert_eq!(machine.accepts(&state(2, 5, &[2])), Err(ErrorCode::StaleControllerEpoch));
    assert_eq!(machine.accepts(&state(2, 6, &[2])), Ok(()));
    let elsewhere = LeadershipState { replicas: vec![2, 3], ..state(2, 6, &[2]) };
    assert_eq!(machine.accepts(&elsewhere), Err(ErrorCode::UnknownTopicOrPartition));
}

#[test]
fn a_stop_needs_a_larger_epoch_a_deletion_or_an_old_request() {
    let machine = follower();
    for (epoch, expected) in [
        (4, Err(ErrorCode::FencedLeaderEpoch)),
        (5, Err(ErrorCode::FencedLeaderEpoch)),
        (6, Ok(())),
        (LeaderAndIsr::NO_EPOCH, Ok(())),
        (LeaderAndIsr::EPOCH_DURING_DELETE, Ok(())),
    ] {
        assert_eq!(machine.accepts_stop(epoch), expected, "at epoch {epoch}");
    }
    assert_eq!(LocalReplica::new(1).accepts_stop(0), Ok(()), "the controller has described nothing yet");
}

#[test]
fn readers_of_another_epoch_are_fenced_before_the_role_is_checked() {
    for machine in [leader(&[1]), follower()] {
        assert_eq!(machine.admits_read(Some(4), ReadFrom::Leader), Err(ErrorCode::FencedLeaderEpoch));
        assert_eq!(machine.admits_read(Some(6), ReadFrom::Leader), Err(ErrorCode::UnknownLeaderEpoch));
        assert_eq!(machine.admits_read(Some(5), ReadFrom::AnyReplica), Ok(()));
        assert_eq!(machine.admits_read(None, ReadFrom::AnyReplica), Ok(()));
    }
    assert_eq!(leader(&[1]).admits_read(Some(5), ReadFrom::Leader), Ok(()));
    assert_eq!(follower().admits_read(Some(5), ReadFrom::Leader), Err(ErrorCode::NotLeaderOrFollower));
    assert_eq!(follower().admits_read(None, ReadFrom::Leader), Err(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn records_for_all_need_enough_in_sync_and_others_only_a_leader() {
    assert_eq!(leader(&[1, 2]).admits_append(RequiredAcks::All, 2), Ok(5));
    assert_eq!(leader(&[1]).admits_append(RequiredAcks::All, 2), Err(ErrorCode::NotEnoughReplicas));
    assert_eq!(leader(&[1]).admits_append(RequiredAcks::Leader, 2), Ok(5));
    assert_eq!(follower().admits_append(RequiredAcks::Leader, 0), Err(ErrorCode::NotLeaderOrFollower));
    assert_eq!(follower().admits_append(RequiredAcks::All, 3), Err(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn a_follower_proposed_to_join_counts_for_appended_records() {
    let mut machine = leader(&[1]);
    assert_eq!(machine.replicated(1), ErrorCode::None);
    assert_eq!(machine.replicated(2), ErrorCode::NotEnoughReplicasAfterAppend);
    let fetch = super::super::FollowerFetch { from: 2, at: 0.into(), log_start: 0, leader_end: 0 };
    assert!(machine.on_follower_fetch(fetch, 0.into(), 0, 1, 10).proposal.is_some());
    assert_eq!(machine.replicated(2), ErrorCode::None);
    assert_eq!(
        machine.admits_append(RequiredAcks::All, 2),
        Err(ErrorCode::NotEnoughReplicas),
        "not before it is in"
    );
}

#[test]
fn a_follower_follows_in_its_own_epoch() {
    assert!(follower().follows_in(5));
    assert!(!follower().follows_in(4));
    assert!(!follower().follows_in(6));
    assert!(!leader(&[1]).follows_in(5));
}
