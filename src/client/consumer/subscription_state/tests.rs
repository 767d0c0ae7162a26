use super::*;
use crate::client::consumer::LogTruncation;

fn id(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn leader(broker: BrokerId, epoch: LeaderEpoch) -> PartitionLeader {
    PartitionLeader { broker, epoch }
}

fn at(
    offset: Offset,
    offset_epoch: Option<LeaderEpoch>,
    leader: Option<PartitionLeader>,
) -> ConsumerPosition {
    ConsumerPosition { offset, offset_epoch, leader }
}

fn assigned(reset: OffsetReset, partitions: &[i32]) -> SubscriptionState {
    let mut state = SubscriptionState::new(reset);
    state.assign_from_user(partitions.iter().map(|it| id(*it))).unwrap();
    state
}

fn names(topics: &[&str]) -> BTreeSet<Arc<str>> {
    topics.iter().map(|it| Arc::from(*it)).collect()
}

#[test]
fn topics_a_pattern_and_partitions_exclude_each_other() {
    let pattern = || regex::Regex::new("^a").unwrap();
    let mut state = SubscriptionState::new(OffsetReset::Latest);
    assert!(state.is_none() && !state.has_auto_assigned_partitions());
    state.subscribe(names(&["a"])).unwrap();
    state.subscribe(names(&["b"])).unwrap();
    assert_eq!(state.subscription(), names(&["b"]));
    assert_eq!(state.subscribe_pattern(pattern()), Err(ConsumerError::MixedSubscription));
    assert_eq!(state.assign_from_user([id(0)]), Err(ConsumerError::MixedSubscription));
    state.unsubscribe();
    state.subscribe_pattern(pattern()).unwrap();
    assert!(state.has_pattern());
    let all = names(&["a1", "b1", "a2"]);
    state.match_topics(all.iter());
    assert_eq!(state.subscription(), names(&["a1", "a2"]));
    assert_eq!(state.subscribe(names(&["a"])), Err(ConsumerError::MixedSubscription));
    state.unsubscribe();
    state.assign_from_user([id(0)]).unwrap();
    assert_eq!(state.subscribe(names(&["a"])), Err(ConsumerError::MixedSubscription));
    assert_eq!((state.subscription(), state.metadata_topics()), (names(&[]), names(&["t"])));
}

#[test]
fn partitions_that_stay_keep_their_positions() {
    let mut state = assigned(OffsetReset::Latest, &[0, 1]);
    state.seek(&id(0), at(5, None, None)).unwrap();
    state.seek(&id(1), at(6, None, None)).unwrap();
    state.assign_from_user([id(1), id(2)]).unwrap();
    assert_eq!(state.position(&id(0)), None);
    assert_eq!(state.position(&id(1)).unwrap().offset, 6);
    assert_eq!(state.initializing(0), BTreeSet::from([id(2)]));
    assert_eq!(state.seek(&id(0), at(1, None, None)), Err(ConsumerError::NotAssigned(id(0))));
    assert_eq!(state.seek(&id(1), at(-1, None, None)), Err(ConsumerError::NegativeOffset));
    state.assign_from_subscribed([id(3)]);
    assert!(state.is_assigned(&id(1)), "a group assigns nothing without a subscription");
}

#[test]
fn a_position_begins_where_the_group_has_committed_or_by_the_policy() {
    let committed = |offset: Option<Offset>| BTreeMap::from([(id(0), offset.map(OffsetAndMetadata::new))]);
    let mut state = assigned(OffsetReset::Earliest, &[0]);
    state.initialize(&committed(Some(7)), |_| None).unwrap();
    assert_eq!(state.position(&id(0)).unwrap().offset, 7);
    state.initialize(&committed(Some(9)), |_| None).unwrap();
    assert_eq!(state.position(&id(0)).unwrap().offset, 7, "a position that is known stays");

    let mut state = assigned(OffsetReset::Earliest, &[0]);
    state.initialize(&committed(None), |_| None).unwrap();
    assert_eq!(state.needing_reset(0), BTreeMap::from([(id(0), OffsetReset::Earliest)]));
    state.complete_reset(&id(0), OffsetReset::Latest, at(50, None, None));
    assert_eq!(state.position(&id(0)), None, "another reset was asked for");
    state.complete_reset(&id(0), OffsetReset::Earliest, at(3, None, None));
    assert_eq!(state.position(&id(0)).unwrap().offset, 3);

    let mut state = assigned(OffsetReset::None, &[0]);
    let missing = Err(ConsumerError::NoOffsetForPartition(vec![id(0)]));
    assert_eq!(state.initialize(&committed(None), |_| None), missing);
    assert!(!state.request_default_reset(&id(0)));
}

#[test]
fn a_failed_lookup_is_tried_again_at_its_time() {
    let mut state = assigned(OffsetReset::Latest, &[0]);
    state.request_reset(&id(0), OffsetReset::Latest).unwrap();
    state.retry_at([&id(0), &id(9)], 100);
    assert_eq!((state.needing_reset(99).len(), state.next_retry()), (0, Some(100)));
    assert_eq!(state.needing_reset(100).len(), 1);
    state.request_reset(&id(0), OffsetReset::Earliest).unwrap();
    assert_eq!(state.needing_reset(0).len(), 1, "another request does not wait");
    state.complete_reset(&id(0), OffsetReset::Earliest, at(0, None, None));
    assert_eq!(state.next_retry(), None);
}

#[test]
fn a_new_leader_has_the_position_validated() {
    let mut state = assigned(OffsetReset::None, &[0]);
    state.seek(&id(0), at(5, Some(3), None)).unwrap();
    assert!(state.position(&id(0)).is_some(), "without a leader there is nothing to ask");
    state.leader_changed(&id(0), leader(1, 3));
    let asked = at(5, Some(3), Some(leader(1, 3)));
    assert_eq!(state.needing_validation(0), BTreeMap::from([(id(0), asked)]));
    assert_eq!((state.position(&id(0)), state.all_consumed().len()), (None, 0));
    let end = EpochEndOffsetFound { epoch: 3, end_offset: 5 };
    assert_eq!(state.complete_validation(&id(0), &at(5, Some(3), Some(leader(2, 4))), end), None);
    assert!(state.position(&id(0)).is_none(), "the answer is for another leader");
    assert_eq!(state.complete_validation(&id(0), &asked, end), None);
    assert_eq!(state.position(&id(0)), Some(&asked));
    state.leader_changed(&id(0), leader(1, 3));
    assert!(state.position(&id(0)).is_some(), "the same leader in the same epoch");
    state.leader_changed(&id(0), leader(1, 4));
    state.skip_validation(&id(0));
    assert_eq!(state.position(&id(0)).unwrap().leader, Some(leader(1, 4)));
}

#[test]
fn a_position_without_an_epoch_needs_no_validation() {
    let mut state = assigned(OffsetReset::None, &[0]);
    state.seek(&id(0), at(5, None, Some(leader(1, 3)))).unwrap();
    state.leader_changed(&id(0), leader(2, 4));
    assert_eq!(state.position(&id(0)), Some(&at(5, None, Some(leader(2, 4)))));
    state.seek(&id(0), at(5, Some(2), Some(leader(2, -1)))).unwrap();
    assert!(state.position(&id(0)).is_some(), "the leader's epoch is not known");
}

/// What becomes of position 10 in epoch 3 with this policy and this answer.
fn truncated(policy: OffsetReset, found: EpochEndOffsetFound) -> (SubscriptionState, Option<LogTruncation>) {
    let mut state = assigned(policy, &[0]);
    let asked = at(10, Some(3), Some(leader(2, 5)));
    state.seek(&id(0), asked).unwrap();
    let truncation = state.complete_validation(&id(0), &asked, found);
    (state, truncation)
}

#[test]
fn a_log_that_parts_before_the_position_was_truncated() {
    let parts = EpochEndOffsetFound { epoch: 2, end_offset: 7 };
    let unknown = EpochEndOffsetFound { epoch: -1, end_offset: -1 };
    let (state, none) = truncated(OffsetReset::Latest, parts);
    assert_eq!((none, state.position(&id(0))), (None, Some(&at(7, Some(2), Some(leader(2, 5))))));
    let (state, none) = truncated(OffsetReset::Earliest, unknown);
    assert_eq!(none, None);
    assert_eq!(state.needing_reset(0), BTreeMap::from([(id(0), OffsetReset::Earliest)]));
    let divergent = OffsetAndMetadata { leader_epoch: Some(2), ..OffsetAndMetadata::new(7) };
    let truncation = |divergent_offset| {
        Some(LogTruncation { partition: id(0), position: 10, position_epoch: Some(3), divergent_offset })
    };
    assert_eq!(truncated(OffsetReset::None, parts).1, truncation(Some(divergent)));
    assert_eq!(truncated(OffsetReset::None, unknown).1, truncation(None));
}

#[test]
fn paused_partitions_are_not_fetched_and_the_others_take_turns() {
    let mut state = assigned(OffsetReset::Latest, &[0, 1, 2]);
    for partition in 0..3 {
        state.seek(&id(partition), at(0, None, None)).unwrap();
    }
    let order = |state: &SubscriptionState| -> Vec<i32> {
        state.fetchable().into_iter().map(|(id, _)| id.partition).collect()
    };
    assert_eq!(order(&state), [0, 1, 2]);
    state.move_to_end(&id(0));
    assert_eq!(order(&state), [1, 2, 0]);
    state.pause(&id(2)).unwrap();
    assert_eq!((order(&state), state.paused()), (vec![1, 0], BTreeSet::from([id(2)])));
    state.resume(&id(2)).unwrap();
    assert_eq!(order(&state), [1, 2, 0]);
    state.request_reset(&id(1), OffsetReset::Latest).unwrap();
    assert_eq!(order(&state), [2, 0]);
}

#[test]
fn a_preferred_replica_is_read_from_until_it_expires() {
    let mut state = assigned(OffsetReset::Latest, &[0]);
    state.seek(&id(0), at(0, Some(1), Some(leader(1, 1)))).unwrap();
    state.skip_validation(&id(0));
    state.prefer_replica(&id(0), 2, 100);
    state.prefer_replica(&id(0), 2, 500);
    assert_eq!(state.preferred_read_replica(&id(0), 100), Some(2));
    assert_eq!(state.preferred_read_replica(&id(0), 101), None, "naming it again does not prolong it");
    state.leader_changed(&id(0), leader(1, 2));
    assert_eq!(state.preferred_read_replica(&id(0), 0), None, "a new leader is asked first");
    state.prefer_replica(&id(0), 3, 100);
    state.clear_preferred_read_replicas_at(2);
    assert_eq!(state.clear_preferred_read_replica(&id(0)), Some(3));
    assert_eq!(state.clear_preferred_read_replica(&id(0)), None);
}

#[test]
fn the_lag_is_what_is_left_up_to_the_end_that_is_seen() {
    let mut state = assigned(OffsetReset::Latest, &[0]);
    state.seek(&id(0), at(4, None, None)).unwrap();
    assert_eq!(state.lag(&id(0), false), None);
    state.update_marks(&id(0), LogMarks { high_watermark: 10, last_stable_offset: 7 });
    state.update_marks(&id(0), LogMarks { high_watermark: -1, last_stable_offset: -1 });
    assert_eq!((state.lag(&id(0), false), state.lag(&id(0), true)), (Some(6), Some(3)));
    state.consumed(&id(0), 6, Some(2));
    assert_eq!(state.lag(&id(0), false), Some(4));
    let committed = OffsetAndMetadata { leader_epoch: Some(2), ..OffsetAndMetadata::new(6) };
    assert_eq!(state.all_consumed(), BTreeMap::from([(id(0), committed)]));
}
