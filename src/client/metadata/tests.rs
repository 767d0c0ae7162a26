use super::*;

fn address(port: u16) -> ServerAddress {
    ServerAddress { host: "h".to_owned(), port }
}

fn answer(leader: BrokerId) -> MetadataResponse {
    let broker = |node_id| MetadataResponseBroker {
        node_id,
        host: "h".to_owned(),
        port: 9000 + node_id,
        ..Default::default()
    };
    let partition = |partition_index, leader_id| MetadataResponsePartition {
        partition_index,
        leader_id,
        leader_epoch: 5,
        ..Default::default()
    };
    MetadataResponse {
        brokers: vec![broker(1), broker(2)],
        controller_id: 2,
        topics: vec![MetadataResponseTopic {
            name: "t".to_owned(),
            partitions: vec![partition(0, leader), partition(1, -1)],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn a_target_is_a_broker_or_what_is_missing() {
    let mut known = ClientMetadata::default();
    let leader = Target::Leader(TopicPartition::new("t", 0));
    let group = Target::Coordinator(CoordinatorKind::Group, "g".into());
    assert_eq!(known.address(&Target::Any), Ok(None));
    assert_eq!(known.address(&Target::Controller), Err(Missing::Brokers));
    assert_eq!(known.address(&leader), Err(Missing::Topic("t".into())));
    assert_eq!(known.address(&group), Err(Missing::Coordinator(CoordinatorKind::Group, "g".into())));
    known.apply(&answer(1), 9, AnswerScope::NamedTopics);
    known.apply_coordinator(CoordinatorKind::Group, "g".into(), 3, address(9003));
    assert_eq!(known.address(&Target::Controller), Ok(Some(&address(9002))));
    assert_eq!(known.address(&leader), Ok(Some(&address(9001))));
    assert_eq!(known.address(&group), Ok(Some(&address(9003))));
    assert_eq!(known.address(&Target::Broker(7)), Err(Missing::Brokers));
    let found = Some(PartitionLeader { broker: 1, epoch: 5 });
    assert_eq!(known.leaders_of("t"), Some(vec![found, None]));
    assert_eq!(known.leaders_of("u"), None);
}

#[test]
fn what_was_forgotten_is_missing_until_it_is_known_again() {
    let mut known = ClientMetadata::default();
    let leader = Target::Leader(TopicPartition::new("t", 0));
    known.apply(&answer(1), 9, AnswerScope::NamedTopics);
    known.forget(&Target::Broker(2));
    assert!(known.address(&leader).is_ok(), "another broker's leaderships stay");
    known.forget(&Target::Broker(1));
    assert_eq!(known.address(&leader), Err(Missing::Topic("t".into())));
    known.apply(&answer(2), 9, AnswerScope::NamedTopics);
    assert_eq!(known.address(&leader), Ok(Some(&address(9002))));
    known.forget(&Target::Controller);
    assert_eq!(known.address(&Target::Controller), Err(Missing::Brokers));
    known.apply(&answer(-1), 9, AnswerScope::NamedTopics);
    assert_eq!(known.address(&leader), Err(Missing::Topic("t".into())), "the leader is gone");
}

#[test]
fn the_coordinator_of_a_group_outlives_a_lost_connection_for_data_but_not_its_broker() {
    let mut known = ClientMetadata::default();
    let group = Target::Coordinator(CoordinatorKind::Group, "g".into());
    let transactions = Target::Coordinator(CoordinatorKind::Transaction, "x".into());
    known.apply(&answer(1), 9, AnswerScope::NamedTopics);
    known.apply_coordinator(CoordinatorKind::Group, "g".into(), 2, address(9002));
    known.apply_coordinator(CoordinatorKind::Transaction, "x".into(), 2, address(9002));
    known.forget(&Target::Broker(2));
    assert_eq!(known.address(&group), Ok(Some(&address(9002))));
    let missing = Missing::Coordinator(CoordinatorKind::Transaction, "x".into());
    assert_eq!(known.address(&transactions), Err(missing));
    let mut without = answer(1);
    without.brokers.retain(|broker| broker.node_id != 2);
    known.apply(&without, 9, AnswerScope::NamedTopics);
    assert_eq!(known.address(&group), Err(Missing::Coordinator(CoordinatorKind::Group, "g".into())));
}

/// An answer in which broker 1 or another leads partition 0 in this leader epoch.
fn led(leader: BrokerId, leader_epoch: LeaderEpoch) -> MetadataResponse {
    let mut answer = answer(leader);
    answer.topics[0].partitions[0].leader_epoch = leader_epoch;
    answer
}

#[test]
fn a_leader_epoch_never_goes_back() {
    let mut known = ClientMetadata::default();
    let partition = TopicPartition::new("t", 0);
    known.apply(&led(1, 5), 9, AnswerScope::NamedTopics);
    known.apply(&led(2, 4), 9, AnswerScope::NamedTopics);
    assert_eq!(known.leader(&partition), Some(PartitionLeader { broker: 1, epoch: 5 }));
    assert_eq!(known.snapshot().partition("t", 0).unwrap().leader, Some(1));
    known.apply(&led(2, 6), 9, AnswerScope::NamedTopics);
    assert_eq!(known.leader(&partition), Some(PartitionLeader { broker: 2, epoch: 6 }));

    // Another answer names epoch 7: until metadata has it, no leader is known.
    assert!(!known.note_epoch(&partition, 6) && known.note_epoch(&partition, 7));
    assert_eq!(known.leader(&partition), None);
    known.apply(&led(2, 6), 9, AnswerScope::NamedTopics);
    assert_eq!(known.leader(&partition), None);
    known.apply(&led(1, 7), 9, AnswerScope::NamedTopics);
    assert_eq!(known.leader(&partition), Some(PartitionLeader { broker: 1, epoch: 7 }));
}

#[test]
fn a_topic_that_was_created_again_unnoticed_is_believed_in_the_end() {
    let mut known = ClientMetadata::default();
    let partition = TopicPartition::new("t", 0);
    known.apply(&led(1, 5), 9, AnswerScope::NamedTopics);
    for _ in 0..OLDER_ANSWERS {
        known.apply(&led(2, 0), 9, AnswerScope::NamedTopics);
        assert_eq!(known.leader(&partition), Some(PartitionLeader { broker: 1, epoch: 5 }));
    }
    known.apply(&led(2, 0), 9, AnswerScope::NamedTopics);
    assert_eq!(known.leader(&partition), Some(PartitionLeader { broker: 2, epoch: 0 }));
}

#[test]
fn epochs_of_brokers_before_2_4_are_not_relied_on() {
    let mut known = ClientMetadata::default();
    let partition = TopicPartition::new("t", 0);
    known.apply(&led(1, 5), 8, AnswerScope::NamedTopics);
    known.apply(&led(2, 4), 8, AnswerScope::NamedTopics);
    assert_eq!(known.leader(&partition), Some(PartitionLeader { broker: 2, epoch: -1 }));
}

#[test]
fn a_topic_that_was_deleted_begins_anew() {
    let mut known = ClientMetadata::default();
    let partition = TopicPartition::new("t", 0);
    known.apply(&led(1, 5), 9, AnswerScope::NamedTopics);
    let mut gone = led(1, 5);
    gone.topics[0].partitions.clear();
    gone.topics[0].error_code = ErrorCode::UnknownTopicOrPartition.code();
    known.apply(&gone, 9, AnswerScope::NamedTopics);
    assert_eq!((known.leader(&partition), known.leaders_of("t")), (None, None));
    assert_eq!(known.snapshot().topic_errors.get("t"), Some(&ErrorCode::UnknownTopicOrPartition));
    known.apply(&led(2, 0), 9, AnswerScope::NamedTopics);
    assert_eq!(known.leader(&partition), Some(PartitionLeader { broker: 2, epoch: 0 }));
    assert!(known.snapshot().topic_errors.is_empty());

    let nothing = MetadataResponse { topics: Vec::new(), ..answer(1) };
    known.apply(&nothing, 9, AnswerScope::NamedTopics);
    assert!(known.snapshot().topics.contains_key("t"), "the answer is not about the topic");
    known.apply(&nothing, 9, AnswerScope::AllTopics);
    assert_eq!((known.leader(&partition), known.snapshot().topics.len()), (None, 0));
}

#[test]
fn a_snapshot_has_what_the_answer_has_and_never_changes() {
    let mut known = ClientMetadata::default();
    let mut first = answer(1);
    first.cluster_id = Some("c".to_owned());
    first.brokers[0].rack = Some("r".to_owned());
    let described = &mut first.topics[0].partitions[0];
    (described.replica_nodes, described.isr_nodes, described.offline_replicas) =
        (vec![1, 2], vec![1], vec![2]);
    // A number that is given twice counts once.
    let again = described.clone();
    first.topics[0].partitions.push(again);
    known.apply(&first, 9, AnswerScope::NamedTopics);
    let snapshot = known.snapshot().clone();
    assert_eq!((snapshot.cluster_id.as_deref(), snapshot.controller), (Some("c"), Some(2)));
    assert_eq!(snapshot.broker(1).unwrap().rack.as_deref(), Some("r"));
    assert_eq!(snapshot.partitions_of("t").unwrap().len(), 2);
    let partition = snapshot.partition("t", 0).unwrap();
    assert_eq!((&*partition.replicas, &*partition.in_sync_replicas), (&[1, 2][..], &[1][..]));
    assert_eq!(&*partition.offline_replicas, &[2]);
    known.apply(&led(2, 6), 9, AnswerScope::NamedTopics);
    assert_eq!(snapshot.partition("t", 0).unwrap().leader, Some(1));
    assert_eq!(known.snapshot().version, snapshot.version + 1);
    known.retain_topics(|topic| topic != "t");
    assert!(known.snapshot().topics.is_empty());
}
