use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::assignment::{GroupView, ZookeeperAssignmentStrategy};
use super::*;
use crate::base::Offset;

mod groups;

fn limits() -> RetryLimits {
    RetryLimits { retries: 2, backoff: 10 }
}

fn partition(at: i32) -> TopicPartition {
    TopicPartition::new("t", at)
}

fn set(partitions: &[i32]) -> BTreeSet<TopicPartition> {
    partitions.iter().map(|at| partition(*at)).collect()
}

/// These partitions for the first thread of a consumer.
fn owned(partitions: &[i32]) -> OwnerMap {
    let thread = ConsumerThreadId::new(&"g_a".into(), 0);
    partitions.iter().map(|at| (partition(*at), thread.clone())).collect()
}

/// A consumer that reads partitions 0 and 1.
fn settled() -> Rebalancer {
    let mut it = Rebalancer::new(limits());
    assert_eq!(it.next_action(0), Some(RebalanceAction::Register));
    it.registered();
    assert_eq!(it.next_action(0), None, "nothing is known of the group");
    it.set_target(Some(owned(&[0, 1])));
    assert_eq!(it.next_action(0), Some(RebalanceAction::Claim(owned(&[0, 1]))));
    it.claimed(owned(&[0, 1]), set(&[]), 0);
    assert_eq!(it.next_action(0), Some(RebalanceAction::Read(set(&[0, 1]))));
    it.reading(&set(&[0, 1]));
    assert_eq!((it.next_action(0), it.due(0)), (None, None));
    it
}

#[test]
fn partitions_that_go_are_released_before_others_are_claimed() {
    let mut it = settled();
    it.set_target(Some(owned(&[1, 2])));
    assert_eq!(it.next_action(0), Some(RebalanceAction::Release(set(&[0]))));
    it.released(&set(&[0]));
    assert_eq!(it.being_read(), &set(&[1]), "what stays is read on");
    assert_eq!(it.next_action(0), Some(RebalanceAction::Claim(owned(&[2]))));
    // While it was claimed, the group has changed once more.
    it.set_target(Some(owned(&[1])));
    it.claimed(owned(&[2]), set(&[]), 0);
    assert_eq!(it.next_action(0), Some(RebalanceAction::Release(set(&[2]))));
    it.released(&set(&[2]));
    assert_eq!(it.next_action(0), None);
}

#[test]
fn a_partition_that_goes_to_another_thread_is_released_and_claimed() {
    let mut it = settled();
    let other = ConsumerThreadId::new(&"g_a".into(), 1);
    let mut target = owned(&[0, 1]);
    target.insert(partition(1), other.clone());
    it.set_target(Some(target));
    assert_eq!(it.next_action(0), Some(RebalanceAction::Release(set(&[1]))));
    it.released(&set(&[1]));
    assert_eq!(it.next_action(0), Some(RebalanceAction::Claim([(partition(1), other)].into())));
}

#[test]
fn claims_in_vain_are_repeated_and_what_was_won_is_read_meanwhile() {
    let mut it = Rebalancer::new(limits());
    it.registered();
    it.set_target(Some(owned(&[0, 1])));
    it.claimed(owned(&[0]), set(&[1]), 5);
    assert_eq!(it.next_action(5), Some(RebalanceAction::Read(set(&[0]))));
    it.reading(&set(&[0]));
    assert_eq!((it.next_action(5), it.due(5)), (None, Some(15)));
    assert_eq!(it.conflicts(), &set(&[1]));
    // The owner goes before the time is over.
    it.try_now();
    assert_eq!(it.next_action(6), Some(RebalanceAction::Claim(owned(&[1]))));
    it.claimed(owned(&[1]), set(&[]), 6);
    assert_eq!(it.next_action(6), Some(RebalanceAction::Read(set(&[1]))));
}

#[test]
fn a_rebalance_fails_after_its_tries_and_is_tried_on() {
    let mut it = Rebalancer::new(limits());
    it.registered();
    it.set_target(Some(owned(&[0])));
    it.claimed(owned(&[]), set(&[0]), 0);
    assert!(!it.has_given_up());
    assert_eq!(it.next_action(10), Some(RebalanceAction::Claim(owned(&[0]))));
    it.claimed(owned(&[]), set(&[0]), 10);
    assert!(it.has_given_up() && !it.has_settled());
    assert_eq!((it.next_action(19), it.due(19)), (None, Some(20)));
    it.try_now();
    assert_eq!(it.next_action(19), Some(RebalanceAction::Claim(owned(&[0]))));
    it.claimed(owned(&[0]), set(&[]), 19);
    assert!(!it.has_given_up());

    let mut it = Rebalancer::new(limits());
    it.not_registered(0);
    it.not_registered(10);
    assert!(it.has_given_up(), "another consumer has its id");
    it.registered();
    assert!(!it.has_given_up());

    let mut it = settled();
    it.set_target(Some(owned(&[0, 1, 2])));
    it.claimed(owned(&[]), set(&[2]), 0);
    it.claimed(owned(&[]), set(&[2]), 10);
    assert!(it.has_given_up() && it.has_settled());
    it.set_target(Some(owned(&[0, 1, 3])));
    assert!(!it.has_given_up(), "another target is tried anew");
}

#[test]
fn a_new_session_owns_nothing_and_registers_again() {
    let mut it = settled();
    it.session_began();
    assert!(it.owned().is_empty() && it.being_read().is_empty());
    assert_eq!(it.next_action(0), Some(RebalanceAction::Register));
    it.not_registered(0);
    assert_eq!((it.next_action(9), it.due(9)), (None, Some(10)));
    assert_eq!(it.next_action(10), Some(RebalanceAction::Register));
    it.registered();
    assert_eq!(it.next_action(10), Some(RebalanceAction::Claim(owned(&[0, 1]))));
}

#[test]
fn without_a_view_of_the_group_nothing_changes() {
    let mut it = settled();
    it.set_target(None);
    assert_eq!(it.next_action(0), None);
    assert_eq!(it.being_read(), &set(&[0, 1]));
    it.registration_lost();
    assert_eq!(it.next_action(0), Some(RebalanceAction::Register));
}

#[test]
fn offsets_that_cannot_be_looked_up_are_looked_up_again() {
    let mut it = Rebalancer::new(limits());
    it.registered();
    it.set_target(Some(owned(&[0])));
    it.claimed(owned(&[0]), set(&[]), 0);
    it.not_reading(0);
    assert_eq!((it.next_action(0), it.due(0)), (None, Some(10)));
    assert_eq!(it.next_action(10), Some(RebalanceAction::Read(set(&[0]))));
}
