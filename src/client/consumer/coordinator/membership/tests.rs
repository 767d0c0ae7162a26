//! The member's plays: what happens to it, and line by line what it does.

use bytes::Bytes;

use super::*;
use crate::client::consumer::coordinator::assignor::{
    ConsumerAssignment, CooperativeStickyAssignor, RangeAssignor, StickyAssignor,
};
use crate::client::consumer::coordinator::protocol::{
    TopicNames, read_subscription, write_assignment, write_subscription,
};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::join_group::JoinGroupResponseMember;

mod groups;

/// A member and the coordinator's side of it.
struct Play {
    member: Membership,
    now: Millis,
    /// The attempt whose answer is waited for.
    attempt: u64,
    sent: MemberGeneration,
    assignment: Option<LeaderAssignment>,
}

fn ids(partitions: &[i32]) -> BTreeSet<TopicPartition> {
    partitions.iter().map(|at| TopicPartition::new("t", *at)).collect()
}

fn numbers(partitions: &BTreeSet<TopicPartition>) -> String {
    let numbers: Vec<_> = partitions.iter().map(|it| it.partition.to_string()).collect();
    format!("[{}]", numbers.join(" "))
}

fn topics(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().map(|name| (*name).into()).collect()
}

fn play_with(instance: Option<&str>, assignors: Vec<Arc<dyn ConsumerPartitionAssignor>>) -> Play {
    let settings = GroupRebalanceConfig {
        group_instance_id: instance.map(str::to_owned),
        ..GroupRebalanceConfig::new("g")
    };
    let member = Membership::new(Arc::new(settings), 100, assignors).unwrap();
    Play { member, now: 1000, attempt: 0, sent: MemberGeneration::NONE, assignment: None }
}

fn eager() -> Play {
    play_with(None, vec![Arc::new(RangeAssignor)])
}

fn cooperative() -> Play {
    play_with(None, vec![Arc::new(CooperativeStickyAssignor)])
}

impl Play {
    /// What the member does now, and what its consumer is to carry out.
    fn does(&mut self) -> String {
        self.member.advance(self.now);
        let mut lines: Vec<String> =
            self.member.take_actions().into_iter().map(|action| self.line(action)).collect();
        if let Some(error) = self.member.take_failure() {
            lines.push(format!("fails: {error}"));
        }
        lines.extend(self.member.next_event().map(|event| match event {
            RebalanceEvent::Revoke(partitions) => format!("revokes {}", numbers(&partitions)),
            RebalanceEvent::Assign { added, all } => {
                format!("is assigned {}, new {}", numbers(&all), numbers(&added))
            }
            RebalanceEvent::Lost(partitions) => format!("has lost {}", numbers(&partitions)),
        }));
        if lines.is_empty() { "nothing".to_owned() } else { lines.join(", ") }
    }

    fn line(&mut self, action: MembershipAction) -> String {
        match action {
            MembershipAction::FindCoordinator => "find".to_owned(),
            MembershipAction::ForgetCoordinator => "forget".to_owned(),
            MembershipAction::Join(attempt, request) => {
                self.attempt = attempt;
                let first = &request.protocols[0].metadata;
                let subscription = read_subscription(first, &mut TopicNames::default()).unwrap();
                let owned = subscription.owned_partitions.into_iter().collect();
                format!("join as '{}' with {}", request.member_id, numbers(&owned))
            }
            MembershipAction::Assign(_, assignment) => {
                let line = format!("assign {:?}", assignment.topics());
                self.assignment = Some(assignment);
                line
            }
            MembershipAction::Sync(_, request) => {
                format!("sync {} with {} assignments", request.generation_id, request.assignments.len())
            }
            MembershipAction::Heartbeat(sent, request) => {
                self.sent = sent;
                format!("heartbeat {}", request.generation_id)
            }
            MembershipAction::Leave(member) => format!("leave {member}"),
        }
    }

    fn answer(&mut self, answer: MembershipAnswer) -> String {
        self.member.answered(self.now, answer);
        self.does()
    }

    /// The application subscribes and polls, and the coordinator is found.
    fn begins(&mut self) -> String {
        self.member.subscribe(self.now, topics(&["t"]));
        self.member.poll(self.now);
        assert_eq!(self.does(), "find");
        self.found()
    }

    fn found(&mut self) -> String {
        self.answer(MembershipAnswer::Coordinator(Ok(())))
    }

    fn joined(&mut self, generation_id: i32) -> String {
        self.joined_by("range", generation_id, "m-2")
    }

    fn joined_by(&mut self, protocol: &str, generation_id: i32, leader: &str) -> String {
        let member = |id: &str| JoinGroupResponseMember {
            member_id: id.to_owned(),
            group_instance_id: None,
            metadata: write_subscription(&crate::client::consumer::ConsumerSubscription {
                topics: vec!["t".into(), "u".into()],
                ..Default::default()
            }),
        };
        let answer = JoinGroupResponse {
            generation_id,
            protocol_name: Some(protocol.to_owned()),
            leader: leader.to_owned(),
            member_id: "m-1".to_owned(),
            members: vec![member("m-1"), member("m-2")],
            ..Default::default()
        };
        self.answer(MembershipAnswer::Joined(self.attempt, Ok(answer)))
    }

    fn join_refused(&mut self, error: ErrorCode) -> String {
        let member_id = "m-1".to_owned();
        let answer = JoinGroupResponse { error_code: error.code(), member_id, ..Default::default() };
        self.answer(MembershipAnswer::Joined(self.attempt, Ok(answer)))
    }

    fn synced(&mut self, partitions: &[i32]) -> String {
        let partitions = ids(partitions).into_iter().collect();
        let assignment = write_assignment(&ConsumerAssignment { partitions, user_data: None });
        self.synced_with(assignment)
    }

    fn synced_with(&mut self, assignment: Bytes) -> String {
        let answer = SyncGroupResponse { assignment, ..Default::default() };
        self.answer(MembershipAnswer::Synced(self.attempt, Ok(answer)))
    }

    fn sync_refused(&mut self, error: ErrorCode) -> String {
        let answer = SyncGroupResponse { error_code: error.code(), ..Default::default() };
        self.answer(MembershipAnswer::Synced(self.attempt, Ok(answer)))
    }

    fn heartbeat_answered(&mut self, error: ErrorCode) -> String {
        self.answer(MembershipAnswer::Heartbeat(self.sent.clone(), Ok(error.code())))
    }

    fn done(&mut self, owned: &[i32]) -> String {
        self.member.event_done(self.now, ids(owned));
        self.does()
    }

    fn after(&mut self, span: Millis) -> String {
        self.now += span;
        self.does()
    }

    /// As [`Play::after`]; the application polls meanwhile.
    fn after_polling(&mut self, span: Millis) -> String {
        self.now += span;
        self.member.poll(self.now);
        self.does()
    }

    /// A member of generation 1 with partitions 0 and 1.
    fn is_stable(&mut self) {
        self.begins();
        let protocol = self.member.assignors[0].name().to_owned();
        self.joined_by(&protocol, 1, "m-2");
        self.synced(&[0, 1]);
        assert_eq!(self.done(&[0, 1]), "nothing");
        assert_eq!(self.member.state(), MemberState::Stable);
    }
}

#[test]
fn a_member_joins_with_the_id_that_the_coordinator_gives_it() {
    let mut play = eager();
    play.member.subscribe(play.now, topics(&["t"]));
    assert_eq!(play.does(), "nothing", "the application has not polled");
    play.member.poll(play.now);
    assert_eq!(play.does(), "find");
    assert_eq!(play.found(), "join as '' with []");
    assert_eq!(play.join_refused(ErrorCode::MemberIdRequired), "join as 'm-1' with []");
    assert_eq!(play.joined(1), "sync 1 with 0 assignments");
    assert_eq!(play.synced(&[0, 2]), "is assigned [0 2], new [0 2]");
    assert_eq!(play.does(), "is assigned [0 2], new [0 2]", "it is the same until it is done");
    assert_eq!(play.done(&[0, 2]), "nothing");
    let metadata = play.member.group_metadata();
    assert_eq!((metadata.generation_id, metadata.member_id.as_str()), (1, "m-1"));
    assert_eq!(play.after_polling(3000), "heartbeat 1");
    assert_eq!(play.after_polling(2999), "nothing", "one heartbeat is in flight");
    assert_eq!(play.heartbeat_answered(ErrorCode::None), "nothing");
    assert_eq!(play.after_polling(1), "heartbeat 1");
}

#[test]
fn with_the_eager_protocol_all_partitions_are_given_up_before_a_member_joins() {
    let mut play = eager();
    play.is_stable();
    assert_eq!(play.after_polling(3000), "heartbeat 1");
    assert_eq!(play.heartbeat_answered(ErrorCode::RebalanceInProgress), "revokes [0 1]");
    assert_eq!(play.after_polling(3000), "heartbeat 1, revokes [0 1]");
    assert_eq!(play.heartbeat_answered(ErrorCode::RebalanceInProgress), "revokes [0 1]");
    assert_eq!(play.done(&[]), "join as 'm-1' with []");
    assert_eq!(play.after_polling(3000), "nothing", "while it joins, it sends no heartbeat");
    assert_eq!(play.joined(2), "sync 2 with 0 assignments");
    assert_eq!(play.after_polling(3000), "heartbeat 2");
    assert_eq!(play.heartbeat_answered(ErrorCode::RebalanceInProgress), "nothing");
    assert_eq!(play.sync_refused(ErrorCode::RebalanceInProgress), "join as 'm-1' with []");
    assert_eq!(play.joined(3), "sync 3 with 0 assignments");
    assert_eq!(play.synced(&[1]), "is assigned [1], new [1]");
}

#[test]
fn with_the_cooperative_protocol_a_member_gives_up_what_goes_and_joins_again() {
    let mut play = cooperative();
    play.is_stable();
    play.after_polling(3000);
    assert_eq!(play.heartbeat_answered(ErrorCode::RebalanceInProgress), "join as 'm-1' with [0 1]");
    assert_eq!(play.joined_by("cooperative-sticky", 2, "m-2"), "sync 2 with 0 assignments");
    assert_eq!(play.synced(&[0]), "revokes [1]");
    assert_eq!(play.member.commit_generation().unwrap().id, 2, "what goes can be committed");
    assert_eq!(play.done(&[0]), "is assigned [0], new []");
    assert_eq!(play.done(&[0]), "join as 'm-1' with [0]");
    assert_eq!(play.joined_by("cooperative-sticky", 3, "m-2"), "sync 3 with 0 assignments");
    assert_eq!(play.synced(&[0, 5]), "is assigned [0 5], new [5]");
    assert_eq!(play.done(&[0, 5]), "nothing");
    // Partitions of topics that it is no longer subscribed to go before it joins.
    play.member.subscribe(play.now, topics(&["u"]));
    assert_eq!(play.does(), "revokes [0 5]");
    assert_eq!(play.done(&[]), "join as 'm-1' with []");
}

#[test]
fn a_member_that_is_not_known_any_more_has_lost_its_partitions() {
    for error in [ErrorCode::UnknownMemberId, ErrorCode::IllegalGeneration] {
        let mut play = cooperative();
        play.is_stable();
        play.after_polling(3000);
        assert_eq!(play.heartbeat_answered(error), "has lost [0 1]");
        assert!(play.member.commit_generation().is_err());
        assert_eq!(play.done(&[]), "join as '' with []");
    }
    // An answer to a heartbeat of an earlier generation means nothing.
    let mut play = eager();
    play.is_stable();
    play.after_polling(3000);
    let stale = play.sent.clone();
    play.heartbeat_answered(ErrorCode::RebalanceInProgress);
    play.done(&[]);
    play.joined(2);
    play.synced(&[3]);
    play.sent = stale;
    assert_eq!(play.heartbeat_answered(ErrorCode::UnknownMemberId), "is assigned [3], new [3]");
}

#[test]
fn what_the_consumer_has_not_begun_is_void_once_the_member_is_lost() {
    let mut play = cooperative();
    play.is_stable();
    play.after_polling(3000);
    play.heartbeat_answered(ErrorCode::RebalanceInProgress);
    play.joined_by("cooperative-sticky", 2, "m-2");
    let partitions = ids(&[0, 7]).into_iter().collect();
    let assignment = write_assignment(&ConsumerAssignment { partitions, user_data: None });
    let synced = SyncGroupResponse { assignment, ..Default::default() };
    play.member.answered(play.now, MembershipAnswer::Synced(play.attempt, Ok(synced)));
    // The consumer has not asked for the event yet.
    play.sent = play.member.generation().clone();
    assert_eq!(play.heartbeat_answered(ErrorCode::UnknownMemberId), "has lost [0 1]");
}

#[test]
fn a_static_member_that_another_one_replaces_gives_up_until_it_is_polled() {
    let mut play = play_with(Some("i"), vec![Arc::new(RangeAssignor)]);
    play.is_stable();
    play.after_polling(3000);
    let text = ErrorCode::FencedInstanceId.message();
    assert_eq!(
        play.heartbeat_answered(ErrorCode::FencedInstanceId),
        format!("fails: {text}, has lost [0 1]")
    );
    assert_eq!(play.done(&[]), "nothing");
    assert_eq!(play.after(1000), "nothing");
    assert_eq!(play.after_polling(0), "join as '' with []");
    let refused = play.join_refused(ErrorCode::FencedInstanceId);
    assert_eq!(refused, format!("fails: {text}"));
    // It does not leave: its session is to go on.
    let mut play = play_with(Some("i"), vec![Arc::new(RangeAssignor)]);
    play.is_stable();
    play.member.subscribe(play.now, BTreeSet::new());
    assert_eq!(play.does(), "nothing");
}

#[test]
fn the_leader_assigns_and_joins_again_when_partitions_are_added() {
    let mut play = eager();
    play.begins();
    assert_eq!(play.joined_by("range", 1, "m-1"), r#"assign {"t", "u"}"#);
    let counts = |t: i32| BTreeMap::from([("t".into(), t), ("w".into(), 9)]);
    let made = play.assignment.take().unwrap().perform(counts(4)).unwrap();
    let assigned = play.answer(MembershipAnswer::Assigned(play.attempt, Ok(made)));
    assert_eq!(assigned, "sync 1 with 2 assignments");
    assert_eq!(play.synced(&[0, 1]), "is assigned [0 1], new [0 1]");
    assert_eq!(play.done(&[0, 1]), "nothing");
    assert_eq!(play.member.group_topics(), topics(&["t", "u"]));
    play.member.metadata_changed(play.now, &counts(4));
    assert_eq!(play.does(), "nothing", "w is no topic of the group, and u does not exist");
    play.member.metadata_changed(play.now, &counts(5));
    assert_eq!(play.does(), "revokes [0 1]");
    assert_eq!(play.done(&[]), "join as 'm-1' with []");
    // Partitions that are added while the assignment is made are noticed, too.
    assert_eq!(play.joined_by("range", 2, "m-1"), r#"assign {"t", "u"}"#);
    let made = play.assignment.take().unwrap().perform(counts(5)).unwrap();
    play.member.metadata_changed(play.now, &counts(6));
    play.answer(MembershipAnswer::Assigned(play.attempt, Ok(made)));
    assert_eq!(play.synced(&[0]), "is assigned [0], new [0]");
    assert_eq!(play.done(&[0]), "revokes [0]");
    assert_eq!(play.done(&[]), "join as 'm-1' with []");
    // A follower leaves that to its leader.
    play.joined(3);
    play.synced(&[0]);
    play.done(&[0]);
    play.member.metadata_changed(play.now, &counts(7));
    assert_eq!(play.does(), "nothing");
}

#[test]
fn an_application_that_does_not_poll_gives_its_partitions_to_others() {
    let mut play = eager();
    play.is_stable();
    for _ in 0..99 {
        assert_eq!(play.after(3000), "heartbeat 1");
        play.heartbeat_answered(ErrorCode::None);
    }
    assert_eq!(play.member.deadline(play.now), Some(1000 + 300_000));
    assert_eq!(play.after(3000), "leave m-1, has lost [0 1]");
    assert_eq!(play.done(&[]), "nothing", "it joins again only once the application polls");
    assert_eq!(play.after_polling(1), "join as '' with []");
    // While the application waits in a call, it polls.
    play.joined(4);
    play.synced(&[0]);
    play.done(&[0]);
    play.member.begin_polling(play.now);
    assert_eq!(play.after(400_000), "forget, find");
    assert_eq!(play.found(), "nothing");
    assert_eq!(play.after(100), "heartbeat 4");
    play.member.end_polling(play.now);
    play.heartbeat_answered(ErrorCode::None);
    assert_eq!(play.member.deadline(play.now), Some(play.now + 3000));
}

#[test]
fn the_coordinator_is_found_again_where_it_has_moved() {
    let mut play = eager();
    play.begins();
    assert_eq!(play.join_refused(ErrorCode::NotCoordinator), "forget, find");
    assert_eq!(play.found(), "nothing", "the next attempt waits");
    assert_eq!(play.member.deadline(play.now), Some(play.now + 100));
    assert_eq!(play.after(100), "join as '' with []");
    assert_eq!(play.join_refused(ErrorCode::CoordinatorLoadInProgress), "nothing");
    assert_eq!(play.after(100), "join as '' with []");
    play.joined(1);
    assert_eq!(play.sync_refused(ErrorCode::CoordinatorNotAvailable), "forget, find");
    let not_found = ClientError::check(ErrorCode::CoordinatorNotAvailable.code(), None).unwrap_err();
    assert_eq!(play.answer(MembershipAnswer::Coordinator(Err(not_found))), "nothing");
    assert_eq!(play.after(100), "find");
    assert_eq!(play.found(), "join as 'm-1' with []");
    play.joined(2);
    play.synced(&[0]);
    play.done(&[0]);
    play.after_polling(3000);
    assert_eq!(play.heartbeat_answered(ErrorCode::NotCoordinator), "forget, find");
    // The member keeps its partitions meanwhile, and its heartbeats go on.
    assert_eq!(play.found(), "nothing");
    assert_eq!(play.after_polling(100), "heartbeat 2");
    // Without an answer, the session is over at last.
    assert_eq!(play.after_polling(10_000), "forget, find");
}

#[test]
fn what_the_coordinator_refuses_for_good_is_an_error_once() {
    let expected = [
        (
            ErrorCode::GroupMaxSizeReached,
            "Consumer group g already has the configured maximum number of members.",
        ),
        (ErrorCode::GroupAuthorizationFailed, "Not authorized to access group: g"),
        (ErrorCode::InvalidSessionTimeout, ErrorCode::InvalidSessionTimeout.message()),
        (ErrorCode::InconsistentGroupProtocol, ErrorCode::InconsistentGroupProtocol.message()),
        (
            ErrorCode::UnknownServerError,
            "Unexpected error in join group response: The server experienced an unexpected error when processing \
             the request.",
        ),
    ];
    for (error, text) in expected {
        let mut play = eager();
        play.begins();
        assert_eq!(play.join_refused(error), format!("fails: {text}"));
        assert_eq!(play.after(1000), "nothing");
        assert_eq!(play.after_polling(0), "join as '' with []");
    }
}

#[test]
fn answers_of_a_hostile_coordinator_are_errors() {
    let mut play = eager();
    play.begins();
    assert_eq!(play.joined_by("x", 1, "m-1"), "fails: Coordinator selected invalid assignment protocol: x");
    play.after_polling(0);
    assert_eq!(play.joined_by("x", 1, "m-2"), "sync 1 with 0 assignments");
    assert_eq!(play.synced(&[0]), "fails: Coordinator selected invalid assignment protocol: x");
    play.after_polling(0);
    let member = JoinGroupResponseMember {
        member_id: "m-9".to_owned(),
        metadata: Bytes::from_static(b"\0\x01\x7f\xff\xff\xff"),
        ..Default::default()
    };
    let answer = JoinGroupResponse {
        protocol_name: Some("range".to_owned()),
        members: vec![member],
        ..Default::default()
    };
    let text = "fails: The subscription of member m-9 cannot be read: 2 bytes needed, 0 remain";
    assert_eq!(play.answer(MembershipAnswer::Joined(play.attempt, Ok(answer))), text);
    play.after_polling(0);
    play.joined(2);
    let failed = play.synced_with(Bytes::from_static(b"\0"));
    assert!(
        failed.starts_with("fails: The assignment in the sync-group response cannot be read"),
        "{failed}"
    );
    play.after_polling(0);
    play.joined(3);
    // Another topic than it is subscribed to: it joins again.
    let partitions = vec![TopicPartition::new("other", 0)];
    let other = write_assignment(&ConsumerAssignment { partitions, user_data: None });
    assert_eq!(play.synced_with(other), "revokes []");
    let wrong_type = JoinGroupResponse { protocol_type: Some("connect".to_owned()), ..Default::default() };
    play.done(&[]);
    let failed = play.answer(MembershipAnswer::Joined(play.attempt, Ok(wrong_type)));
    assert_eq!(failed, format!("fails: {}", GroupError::InconsistentProtocol));
    // An answer to an attempt that is over is dropped.
    let late = JoinGroupResponse { generation_id: 77, ..Default::default() };
    assert_eq!(play.answer(MembershipAnswer::Joined(play.attempt - 1, Ok(late))), "nothing");
}

#[test]
fn a_refused_commit_shows_where_the_member_stands() {
    let mut play = eager();
    assert_eq!(play.member.commit_generation().unwrap(), MemberGeneration::NONE);
    play.is_stable();
    let sent = play.member.commit_generation().unwrap();
    let refused = play.member.commit_refused(play.now, &sent, ErrorCode::RebalanceInProgress);
    assert!(matches!(refused, ClientError::Group(GroupError::RebalanceInProgress(_))), "{refused}");
    assert_eq!(play.does(), "revokes [0 1]");
    assert!(play.member.commit_generation().is_ok(), "what is revoked can be committed");
    assert_eq!(play.done(&[]), "join as 'm-1' with []");
    let rebalancing = play.member.commit_generation().unwrap_err();
    assert!(matches!(rebalancing, GroupError::RebalanceInProgress(_)));
    let refused = play.member.commit_refused(play.now, &sent, ErrorCode::FencedInstanceId);
    assert!(matches!(refused, ClientError::Refused { error: ErrorCode::FencedInstanceId, .. }), "{refused}");
    play.joined(2);
    play.synced(&[0]);
    play.done(&[0]);
    let refused = play.member.commit_refused(play.now, &sent, ErrorCode::IllegalGeneration);
    assert!(refused.to_string().starts_with("Commit cannot be completed since the group has already"));
    assert_eq!(play.does(), "has lost [0]");
    let outside = play.member.commit_generation().unwrap_err();
    assert!(matches!(outside, GroupError::CommitFailed(_)));
}

#[test]
fn a_consumer_that_unsubscribes_leaves() {
    let mut play = eager();
    play.is_stable();
    assert_eq!(play.member.parting_event(), Some(RebalanceEvent::Revoke(ids(&[0, 1]))));
    play.member.subscribe(play.now, BTreeSet::new());
    assert_eq!(play.does(), "leave m-1");
    assert_eq!(play.member.parting_event(), None);
    assert_eq!((play.after_polling(60_000), play.member.deadline(play.now)), ("nothing".to_owned(), None));
    play.member.subscribe(play.now, topics(&["t"]));
    assert_eq!(play.does(), "join as '' with []");
}

#[test]
fn the_sticky_assignor_remembers_what_it_was_assigned() {
    let mut play = play_with(None, vec![Arc::new(RangeAssignor), Arc::new(StickyAssignor)]);
    play.begins();
    play.joined_by("sticky", 7, "m-2");
    play.synced(&[1]);
    play.done(&[1]);
    play.member.request_rejoin(play.now);
    assert_eq!(play.does(), "revokes [1]");
    play.member.event_done(play.now, BTreeSet::new());
    let actions = play.member.take_actions();
    let [MembershipAction::Join(_, request)] = &actions[..] else { panic!("{actions:?}") };
    let data = |at: usize| {
        let metadata = &request.protocols[at].metadata;
        read_subscription(metadata, &mut TopicNames::default()).unwrap().user_data
    };
    let expected = Bytes::from_static(b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x01\0\0\0\x07");
    assert_eq!((data(0), data(1)), (None, Some(expected)));
}

#[test]
fn assignors_without_a_common_protocol_are_refused() {
    #[derive(Debug)]
    struct OnlyCooperative;
    impl ConsumerPartitionAssignor for OnlyCooperative {
        fn name(&self) -> &str {
            "own"
        }
        fn supported_protocols(&self) -> &[RebalanceProtocol] {
            &[RebalanceProtocol::Cooperative]
        }
        fn assign(
            &self,
            _: &BTreeMap<Arc<str>, i32>,
            _: &[crate::client::consumer::SubscribedMember],
        ) -> BTreeMap<String, ConsumerAssignment> {
            BTreeMap::new()
        }
    }
    let settings = Arc::new(GroupRebalanceConfig::new("g"));
    let made = |assignors| Membership::new(settings.clone(), 100, assignors);
    let refused = made(vec![Arc::new(RangeAssignor), Arc::new(OnlyCooperative)]).unwrap_err().to_string();
    let text = "Specified assignors [range, own] do not have commonly supported rebalance protocol";
    assert_eq!(refused, text);
    let both = made(vec![Arc::new(CooperativeStickyAssignor), Arc::new(RangeAssignor)]).unwrap();
    assert_eq!(both.protocol, Some(RebalanceProtocol::Eager));
    let mut none = Play { member: made(Vec::new()).unwrap(), ..eager() };
    assert!(none.begins().starts_with("fails: User configured partition.assignment.strategy to empty"));
}
