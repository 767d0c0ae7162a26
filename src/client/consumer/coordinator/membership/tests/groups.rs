//! Whole groups from a seed: members, the coordinator's own machine, a network that delays and loses, applications that
//! hang and die. A partition never has two owners in a generation, and once all is calm, the members share all
//! partitions.

use std::collections::HashMap;

use fastrand::Rng;

use super::*;
use crate::client::consumer::RoundRobinAssignor;
use crate::config::KafkaVersion;
use crate::coordinator::group::join::{GroupJoin, JoinGroupResult};
use crate::coordinator::group::leave::{GroupLeave, LeavingMember};
use crate::coordinator::group::member::{MemberProfile, SupportedProtocol};
use crate::coordinator::group::request::{GroupRequest, GroupResponse, MemberClaim};
use crate::coordinator::group::session::GroupHeartbeat;
use crate::coordinator::group::sync::GroupSync;
use crate::coordinator::group::{GroupCoordinator, GroupSettings, machine::GroupTimer};
use crate::coordinator::machine::{Actions, CoordinatorAction, CoordinatorMachine, RequestId};

const STEP: Millis = 10;
/// How long members join, leave, hang and die.
const CHAOS: Millis = 60_000;
/// How long a group may take to calm down.
const CALM: Millis = 40_000;
const MAX_POLL: Millis = 4_000;

/// An application with its member.
struct Application {
    name: usize,
    member: Membership,
    owned: BTreeSet<TopicPartition>,
    /// Until when it does nothing.
    hangs_until: Millis,
    /// When it has carried out the event that it has taken.
    done_at: Option<(Millis, RebalanceEvent)>,
}

/// Something on its way.
enum Travelling {
    Request(u64, GroupRequest),
    Answer(usize, Box<MembershipAnswer>),
}

/// What a request was sent for.
enum Purpose {
    Join(u64),
    Sync(u64),
    Heartbeat(MemberGeneration),
    Leave,
}

struct World {
    rng: Rng,
    now: Millis,
    is_calm: bool,
    coordinator: GroupCoordinator,
    timers: BTreeMap<GroupTimer, Millis>,
    travelling: Vec<(Millis, Travelling)>,
    /// Requests that are not answered, by number: the application that sent each.
    waiting: HashMap<u64, (usize, Purpose)>,
    requests: u64,
    names: usize,
    applications: Vec<Application>,
    counts: BTreeMap<Arc<str>, i32>,
    assignor: Arc<dyn ConsumerPartitionAssignor>,
    /// By generation and partition, the application that owned it.
    owners: BTreeMap<(i32, TopicPartition), usize>,
}

fn settings(instance: Option<String>) -> Arc<GroupRebalanceConfig> {
    Arc::new(GroupRebalanceConfig {
        group_instance_id: instance,
        session_timeout: std::time::Duration::from_millis(2_000),
        heartbeat_interval: std::time::Duration::from_millis(300),
        max_poll_interval: std::time::Duration::from_millis(MAX_POLL as u64),
        ..GroupRebalanceConfig::new("g")
    })
}

impl World {
    fn of_seed(seed: u64) -> Self {
        let assignors: [Arc<dyn ConsumerPartitionAssignor>; 4] = [
            Arc::new(RangeAssignor),
            Arc::new(RoundRobinAssignor),
            Arc::new(StickyAssignor),
            Arc::new(CooperativeStickyAssignor),
        ];
        let mut rng = Rng::with_seed(seed);
        // Half of the groups are cooperative, whose way is the longer one.
        let assignor = assignors[if rng.bool() { 3 } else { rng.usize(..3) }].clone();
        Self::new(rng, assignor)
    }

    fn new(mut rng: Rng, assignor: Arc<dyn ConsumerPartitionAssignor>) -> Self {
        let config = GroupSettings {
            min_session_timeout: 1,
            max_session_timeout: 100_000,
            max_size: 100,
            initial_rebalance_delay: 100,
            max_offset_metadata: 100,
            offsets_retention: 100_000_000,
            retention_check_interval: 100_000_000,
            protocol: KafkaVersion::LATEST,
        };
        let mut world = Self {
            now: 1_000,
            is_calm: false,
            coordinator: GroupCoordinator::new(Arc::new(config), 0),
            timers: BTreeMap::new(),
            travelling: Vec::new(),
            waiting: HashMap::new(),
            requests: 0,
            names: 0,
            applications: Vec::new(),
            counts: BTreeMap::from([("t".into(), rng.i32(3..9)), ("u".into(), rng.i32(1..4))]),
            assignor,
            owners: BTreeMap::new(),
            rng,
        };
        let mut actions = Actions::default();
        world.coordinator.on_loaded(world.now, &mut actions);
        world.carry_out(actions);
        (0..3).for_each(|_| world.start());
        world
    }

    /// An application starts, some with a static member.
    fn start(&mut self) {
        self.names += 1;
        let name = self.names;
        let instance = (self.rng.usize(..4) == 0).then(|| format!("i-{name}"));
        let mut member = Membership::new(settings(instance), 50, vec![self.assignor.clone()]).unwrap();
        let all = if self.rng.usize(..5) == 0 { topics(&["t"]) } else { topics(&["t", "u"]) };
        member.subscribe(self.now, all);
        let (owned, done_at) = (BTreeSet::new(), None);
        self.applications.push(Application { name, member, owned, hangs_until: 0, done_at });
    }

    fn run(&mut self) {
        let (chaos, end) = (self.now + CHAOS, self.now + CHAOS + CALM);
        while self.now < end {
            self.now += STEP;
            self.is_calm = self.now > chaos;
            if self.now == chaos + CALM / 4 {
                // A static member that comes back is given what it had, without a rebalance: new partitions, or those
                // that it was about to give up, may be without an owner until there is one (2.7.2).
                let now = self.now;
                self.applications.iter_mut().for_each(|it| it.member.request_rejoin(now));
            }
            if !self.is_calm && self.rng.usize(..100) == 0 {
                self.disturb();
            }
            self.fire_timers();
            self.deliver();
            for at in 0..self.applications.len() {
                self.act(at);
            }
        }
        self.check_shared();
    }

    fn disturb(&mut self) {
        let at = self.rng.usize(..self.applications.len());
        match self.rng.usize(..7) {
            0 | 1 if self.applications.len() < 6 => self.start(),
            2 if self.applications.len() > 1 => drop(self.applications.swap_remove(at)),
            3 => self.applications[at].hangs_until = self.now + self.rng.i64(100..2 * MAX_POLL),
            4 => {
                // It leaves, and comes back.
                let (application, now) = (&mut self.applications[at], self.now);
                if application.done_at.is_none() {
                    application.member.subscribe(now, BTreeSet::new());
                    application.owned.clear();
                    application.member.subscribe(now, topics(&["t", "u"]));
                }
            }
            5 => {
                let topic: Arc<str> = "t".into();
                *self.counts.entry(topic).or_default() += i32::from(self.rng.usize(..3) == 0);
                for application in &mut self.applications {
                    application.member.metadata_changed(self.now, &self.counts);
                }
            }
            _ => self.applications[at].member.request_rejoin(self.now),
        }
    }

    fn fire_timers(&mut self) {
        let due: Vec<_> =
            self.timers.iter().filter(|(_, at)| **at <= self.now).map(|(timer, _)| timer.clone()).collect();
        for timer in due {
            self.timers.remove(&timer);
            let mut actions = Actions::default();
            self.coordinator.on_timer(timer, self.now, &mut actions);
            self.carry_out(actions);
        }
    }

    fn carry_out(&mut self, mut actions: Actions<GroupCoordinator>) {
        for action in actions.take() {
            match action {
                CoordinatorAction::Respond(RequestId(id), response) => self.answer(id, response),
                CoordinatorAction::Append { then, .. } => {
                    let mut further = Actions::default();
                    self.coordinator.on_appended(then, Ok(()), self.now, &mut further);
                    self.carry_out(further);
                }
                CoordinatorAction::Schedule(timer, at) => {
                    self.timers.insert(timer, at);
                }
                CoordinatorAction::Cancel(timer) => {
                    self.timers.remove(&timer);
                }
                CoordinatorAction::Effect(_) => {}
            }
        }
    }

    /// How long something is on its way.
    fn delay(&mut self) -> Millis {
        if self.rng.usize(..20) == 0 { self.rng.i64(0..1_000) } else { self.rng.i64(0..50) }
    }

    fn answer(&mut self, id: u64, response: GroupResponse) {
        let Some((name, purpose)) = self.waiting.remove(&id) else { return };
        let answer = match (purpose, response) {
            (Purpose::Join(attempt), GroupResponse::Join(result)) => {
                MembershipAnswer::Joined(attempt, Ok(joined(result)))
            }
            (Purpose::Sync(attempt), GroupResponse::Sync(result)) => {
                let answer = SyncGroupResponse {
                    error_code: result.error.code(),
                    assignment: result.assignment,
                    ..Default::default()
                };
                MembershipAnswer::Synced(attempt, Ok(answer))
            }
            (Purpose::Heartbeat(sent), GroupResponse::Heartbeat(error)) => {
                MembershipAnswer::Heartbeat(sent, Ok(error.code()))
            }
            (_, _) => MembershipAnswer::Left,
        };
        let answer = if self.is_lost() { lost(answer) } else { answer };
        let at = self.now + self.delay();
        self.travelling.push((at, Travelling::Answer(name, Box::new(answer))));
    }

    fn is_lost(&mut self) -> bool {
        !self.is_calm && self.rng.usize(..50) == 0
    }

    fn deliver(&mut self) {
        let now = self.now;
        let (due, later) = std::mem::take(&mut self.travelling).into_iter().partition(|(at, _)| *at <= now);
        self.travelling = later;
        let mut due: Vec<(Millis, Travelling)> = due;
        due.sort_by_key(|(at, _)| *at);
        for (_, travelling) in due {
            match travelling {
                Travelling::Request(id, request) => {
                    let mut actions = Actions::default();
                    self.coordinator.on_request(RequestId(id), request, self.now, &mut actions);
                    self.carry_out(actions);
                }
                Travelling::Answer(name, answer) => {
                    if let Some(application) = self.applications.iter_mut().find(|it| it.name == name) {
                        application.member.answered(self.now, *answer);
                    }
                }
            }
        }
    }

    /// A member's turn, and its application's.
    fn act(&mut self, at: usize) {
        let now = self.now;
        let slowness = if self.rng.usize(..10) == 0 { self.rng.i64(0..2_000) } else { self.rng.i64(0..30) };
        let application = &mut self.applications[at];
        if now >= application.hangs_until {
            application.member.poll(now);
            application.carry_out(now, slowness, &mut self.owners);
        }
        application.member.advance(now);
        let name = application.name;
        for action in application.member.take_actions() {
            self.send(at, name, action);
        }
    }

    fn send(&mut self, at: usize, name: usize, action: MembershipAction) {
        let answer_soon = |world: &mut Self, answer| {
            let at = world.now + world.delay();
            world.travelling.push((at, Travelling::Answer(name, Box::new(answer))));
        };
        let instance = self.applications[at].member.settings.group_instance_id.as_deref().map(Arc::from);
        let (purpose, request) = match action {
            MembershipAction::FindCoordinator => {
                return answer_soon(self, MembershipAnswer::Coordinator(Ok(())));
            }
            MembershipAction::ForgetCoordinator => return,
            MembershipAction::Assign(attempt, assignment) => {
                let made = assignment.perform(self.counts.clone()).map_err(ClientError::Group);
                return answer_soon(self, MembershipAnswer::Assigned(attempt, made));
            }
            MembershipAction::Join(attempt, request) => {
                (Purpose::Join(attempt), join_request(request, name, self.requests, instance))
            }
            MembershipAction::Sync(attempt, request) => {
                let claim = MemberClaim {
                    member: request.member_id.into(),
                    instance,
                    generation: request.generation_id,
                };
                let assignments = request.assignments.into_iter();
                let sync = GroupSync {
                    group: "g".into(),
                    claim,
                    protocol_type: None,
                    protocol_name: None,
                    assignments: assignments.map(|it| (it.member_id.into(), it.assignment)).collect(),
                };
                (Purpose::Sync(attempt), GroupRequest::Sync(sync))
            }
            MembershipAction::Heartbeat(sent, request) => {
                let claim = MemberClaim {
                    member: request.member_id.into(),
                    instance,
                    generation: request.generation_id,
                };
                let beat = GroupHeartbeat { group: "g".into(), claim };
                (Purpose::Heartbeat(sent), GroupRequest::Heartbeat(beat))
            }
            MembershipAction::Leave(member) => {
                let leaving = LeavingMember { member: member.into(), instance: None };
                (
                    Purpose::Leave,
                    GroupRequest::Leave(GroupLeave { group: "g".into(), members: vec![leaving] }),
                )
            }
        };
        self.requests += 1;
        let id = self.requests;
        self.waiting.insert(id, (name, purpose));
        let at = self.now + self.delay();
        self.travelling.push((at, Travelling::Request(id, request)));
    }

    /// All members are stable in one generation, and share the partitions.
    fn check_shared(&self) {
        let generations: BTreeSet<i32> =
            self.applications.iter().map(|it| it.member.generation().id).collect();
        let stable = self.applications.iter().all(|it| it.member.state() == MemberState::Stable);
        let owned: Vec<_> = self.applications.iter().flat_map(|it| &it.owned).collect();
        let all: i32 = self.counts.values().sum();
        let states: Vec<_> = self
            .applications
            .iter()
            .map(|it| (it.name, it.member.state(), it.member.generation().id, it.owned.len()))
            .collect();
        assert!(stable && generations.len() == 1, "{states:?}");
        assert!(generations.first().is_some_and(|it| *it > 5), "so much happens that there are rebalances");
        let of_u = self.applications.iter().any(|it| it.member.subscription.contains("u"));
        let expected = if of_u { all } else { self.counts["t"] };
        assert_eq!(owned.len(), expected as usize, "{states:?}");
        assert_eq!(owned.iter().collect::<BTreeSet<_>>().len(), owned.len(), "{states:?}");
    }
}

impl Application {
    /// Takes an event, and is done with it after `slowness`.
    fn carry_out(
        &mut self,
        now: Millis,
        slowness: Millis,
        owners: &mut BTreeMap<(i32, TopicPartition), usize>,
    ) {
        // A static member may be replaced by its own earlier attempt to join, where that reached the coordinator late.
        if let Some(error) = self.member.take_failure()
            && !matches!(error, ClientError::Refused { error: ErrorCode::FencedInstanceId, .. })
        {
            panic!("{} fails: {error}", self.name);
        }
        if self.done_at.is_none()
            && let Some(event) = self.member.next_event()
        {
            if let RebalanceEvent::Assign { all, .. } = &event {
                self.owned.clone_from(all);
                let generation = self.member.group_metadata().generation_id;
                for partition in all {
                    let owner = *owners.entry((generation, partition.clone())).or_insert(self.name);
                    assert_eq!(owner, self.name, "owners of {partition} in generation {generation}");
                }
            }
            self.done_at = Some((now + slowness, event));
        }
        let Some((at, event)) = self.done_at.take_if(|(at, _)| *at <= now) else { return };
        debug_assert!(at <= now);
        if let RebalanceEvent::Revoke(gone) | RebalanceEvent::Lost(gone) = event {
            self.owned.retain(|partition| !gone.contains(partition));
        }
        self.member.event_done(now, self.owned.clone());
    }
}

fn joined(result: JoinGroupResult) -> JoinGroupResponse {
    let members = result.members.into_iter().map(|member| JoinGroupResponseMember {
        member_id: member.id.to_string(),
        group_instance_id: member.instance.map(|it| it.to_string()),
        metadata: member.metadata,
    });
    JoinGroupResponse {
        error_code: result.error.code(),
        generation_id: result.generation,
        protocol_name: result.protocol_name.map(|it| it.to_string()),
        leader: result.leader.to_string(),
        member_id: result.member.to_string(),
        members: members.collect(),
        ..Default::default()
    }
}

fn join_request(
    request: JoinGroupRequest,
    name: usize,
    number: u64,
    instance: Option<Arc<str>>,
) -> GroupRequest {
    let protocols = request.protocols.into_iter();
    let is_static = instance.is_some();
    GroupRequest::Join(GroupJoin {
        group: "g".into(),
        new_member: format!("m-{name}-{number}").into(),
        requires_member_id: request.member_id.is_empty() && !is_static,
        member: request.member_id.into(),
        profile: MemberProfile {
            instance,
            client_id: format!("c-{name}").into(),
            client_host: "/127.0.0.1".into(),
            rebalance_timeout: request.rebalance_timeout_ms.into(),
            session_timeout: request.session_timeout_ms.into(),
        },
        protocol_type: request.protocol_type.into(),
        protocols: protocols
            .map(|it| SupportedProtocol { name: it.name.into(), metadata: it.metadata })
            .collect(),
    })
}

/// The answer as it is where the connection has failed.
fn lost(answer: MembershipAnswer) -> MembershipAnswer {
    let failed = || ClientError::check(ErrorCode::NotCoordinator.code(), None).unwrap_err();
    match answer {
        MembershipAnswer::Joined(attempt, _) => MembershipAnswer::Joined(attempt, Err(failed())),
        MembershipAnswer::Synced(attempt, _) => MembershipAnswer::Synced(attempt, Err(failed())),
        MembershipAnswer::Heartbeat(sent, _) => MembershipAnswer::Heartbeat(sent, Err(failed())),
        other => other,
    }
}

#[test]
fn partitions_have_one_owner_in_a_generation_and_all_are_shared_at_last() {
    for seed in 200..230 {
        let outcome = std::panic::catch_unwind(|| World::of_seed(seed).run());
        assert!(outcome.is_ok(), "seed {seed}");
    }
}

#[test]
fn two_owners_in_a_generation_would_be_noticed() {
    #[derive(Debug)]
    struct AllToAll;
    impl ConsumerPartitionAssignor for AllToAll {
        fn name(&self) -> &str {
            "own"
        }
        fn assign(
            &self,
            counts: &BTreeMap<Arc<str>, i32>,
            members: &[crate::client::consumer::SubscribedMember],
        ) -> BTreeMap<String, ConsumerAssignment> {
            let partitions = (0..counts["t"]).map(|at| TopicPartition::new("t", at)).collect();
            let all = ConsumerAssignment { partitions, user_data: None };
            members.iter().map(|member| (member.id.clone(), all.clone())).collect()
        }
    }
    let outcome =
        std::panic::catch_unwind(|| World::new(Rng::with_seed(1), Arc::new(AllToAll)).run()).unwrap_err();
    let text = outcome.downcast_ref::<String>().map(String::as_str).unwrap_or_default();
    assert!(text.contains("owners of"), "{text}");
}
