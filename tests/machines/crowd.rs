//! Ten thousand members of one group: they join at once, get their assignments, live, and leave.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use barnabas::base::Millis;
use barnabas::config::KafkaVersion;
use barnabas::coordinator::group::join::GroupJoin;
use barnabas::coordinator::group::leave::{GroupLeave, LeavingMember};
use barnabas::coordinator::group::machine::GroupTimer;
use barnabas::coordinator::group::member::{MemberProfile, SupportedProtocol};
use barnabas::coordinator::group::request::{GroupRequest, GroupResponse, MemberClaim};
use barnabas::coordinator::group::session::GroupHeartbeat;
use barnabas::coordinator::group::sync::GroupSync;
use barnabas::coordinator::group::{GroupCoordinator, GroupSettings};
use barnabas::coordinator::machine::{Actions, CoordinatorAction, CoordinatorMachine, RequestId};
use barnabas::wire::error_code::ErrorCode;
use bytes::Bytes;

const MEMBERS: usize = 10_000;

/// A coordinator whose appends succeed at once, and its clock.
struct Crowd {
    machine: GroupCoordinator,
    now: Millis,
    timers: BTreeMap<GroupTimer, Millis>,
    requests: u64,
}

impl Crowd {
    fn new(max_size: usize) -> Self {
        let settings = GroupSettings {
            min_session_timeout: 6_000,
            max_session_timeout: 1_800_000,
            max_size,
            initial_rebalance_delay: 3_000,
            max_offset_metadata: 4_096,
            offsets_retention: 60_000,
            retention_check_interval: 600_000,
            protocol: KafkaVersion::LATEST,
        };
        let mut crowd = Self {
            machine: GroupCoordinator::new(Arc::new(settings), 0),
            now: 1_000_000,
            timers: BTreeMap::new(),
            requests: 0,
        };
        let mut actions = Actions::default();
        crowd.machine.on_loaded(crowd.now, &mut actions);
        crowd.carry_out(actions);
        crowd
    }

    /// The responses to these requests, which come at the same time, and to those before.
    fn ask(&mut self, requests: impl IntoIterator<Item = GroupRequest>) -> Vec<GroupResponse> {
        let mut actions = Actions::default();
        for request in requests {
            self.machine.on_request(RequestId(self.requests), request, self.now, &mut actions);
            self.requests += 1;
        }
        self.carry_out(actions)
    }

    /// The responses that come once the next timer fires.
    fn fire(&mut self) -> Vec<GroupResponse> {
        let (timer, at) = self.timers.iter().min_by_key(|(_, at)| **at).expect("a timer is set");
        let (timer, at) = (timer.clone(), *at);
        self.timers.remove(&timer);
        self.now = at;
        let mut actions = Actions::default();
        self.machine.on_timer(timer, at, &mut actions);
        self.carry_out(actions)
    }

    fn carry_out(&mut self, mut actions: Actions<GroupCoordinator>) -> Vec<GroupResponse> {
        let mut responses = Vec::new();
        loop {
            let taken = actions.take();
            if taken.is_empty() {
                return responses;
            }
            for action in taken {
                match action {
                    CoordinatorAction::Respond(_, response) => responses.push(response),
                    CoordinatorAction::Append { then, .. } => {
                        self.machine.on_appended(then, Ok(()), self.now, &mut actions);
                    }
                    CoordinatorAction::Schedule(timer, at) => drop(self.timers.insert(timer, at)),
                    CoordinatorAction::Cancel(timer) => drop(self.timers.remove(&timer)),
                    CoordinatorAction::Effect(_) => {}
                }
            }
        }
    }
}

fn join(number: usize) -> GroupRequest {
    let name: Arc<str> = format!("member-{number}").into();
    GroupRequest::Join(GroupJoin {
        group: "g".into(),
        member: "".into(),
        new_member: name.clone(),
        requires_member_id: false,
        profile: MemberProfile {
            instance: None,
            client_id: name,
            client_host: "/127.0.0.1".into(),
            rebalance_timeout: 60_000,
            session_timeout: 10_000,
        },
        protocol_type: "consumer".into(),
        protocols: vec![SupportedProtocol { name: "range".into(), metadata: Bytes::from_static(&[0; 14]) }],
    })
}

fn claim(member: &Arc<str>) -> MemberClaim {
    MemberClaim { member: member.clone(), instance: None, generation: 1 }
}

#[test]
fn ten_thousand_members_join_at_once_and_leave() {
    let mut crowd = Crowd::new(usize::MAX);
    assert_eq!(crowd.ask((0..MEMBERS).map(join)).len(), 0, "the first rebalance waits for more");
    let mut joined = Vec::new();
    while joined.is_empty() {
        joined = crowd.fire();
    }
    assert_eq!(joined.len(), MEMBERS);
    let mut members = Vec::new();
    let mut leader = None;
    for response in joined {
        let GroupResponse::Join(result) = response else { panic!("{response:?}") };
        assert_eq!((result.error, result.generation), (ErrorCode::None, 1));
        if *result.leader == *result.member {
            assert_eq!(result.members.len(), MEMBERS, "the leader knows all");
            leader = Some(result.member.clone());
        } else {
            assert_eq!(result.members.len(), 0);
        }
        members.push(result.member);
    }
    let leader = leader.expect("one of them leads");
    let sync = |member: &Arc<str>| {
        let assignments = members.iter().map(|it| (it.clone(), Bytes::copy_from_slice(it.as_bytes())));
        GroupRequest::Sync(GroupSync {
            group: "g".into(),
            claim: claim(member),
            protocol_type: None,
            protocol_name: None,
            assignments: if *member == leader { assignments.collect() } else { HashMap::new() },
        })
    };
    let synced = crowd.ask(members.iter().map(sync));
    assert_eq!(synced.len(), MEMBERS);
    for response in &synced {
        let GroupResponse::Sync(result) = response else { panic!("{response:?}") };
        assert_eq!((result.error, result.assignment.is_empty()), (ErrorCode::None, false));
    }
    let beat = |member| GroupRequest::Heartbeat(GroupHeartbeat { group: "g".into(), claim: claim(member) });
    let alive = crowd.ask(members.iter().map(beat));
    assert!(alive.iter().all(|it| matches!(it, GroupResponse::Heartbeat(ErrorCode::None))), "{alive:?}");
    let leaving = |member: &Arc<str>| LeavingMember { member: member.clone(), instance: None };
    let leave = GroupLeave { group: "g".into(), members: members.iter().map(leaving).collect() };
    assert_eq!(crowd.ask([GroupRequest::Leave(leave)]).len(), 1);
}

#[test]
fn no_more_members_are_kept_than_a_group_may_have() {
    let mut crowd = Crowd::new(100);
    let refused = crowd.ask((0..MEMBERS).map(join));
    assert_eq!(refused.len(), MEMBERS - 100);
    for response in refused {
        let GroupResponse::Join(result) = response else { panic!("{response:?}") };
        assert_eq!(result.error, ErrorCode::GroupMaxSizeReached);
    }
    let mut joined = Vec::new();
    while joined.is_empty() {
        joined = crowd.fire();
    }
    assert_eq!(joined.len(), 100);
}
