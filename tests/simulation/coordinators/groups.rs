//! One group and its members: consumers that join, consume, commit, hang, vanish and come back, some of which commit in
//! transactions; and a coordinator that moves from broker to broker.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use barnabas::config::KafkaVersion;
use barnabas::coordinator::group::fetch::OffsetsFetch;
use barnabas::coordinator::group::join::{GroupJoin, JoinGroupResult};
use barnabas::coordinator::group::leave::{GroupLeave, LeavingMember};
use barnabas::coordinator::group::member::{MemberProfile, SupportedProtocol};
use barnabas::coordinator::group::request::{
    GroupEvent, GroupRequest, GroupResponse, MemberClaim, OffsetCommitValue, OffsetsCommit,
};
use barnabas::coordinator::group::session::GroupHeartbeat;
use barnabas::coordinator::group::sync::GroupSync;
use barnabas::coordinator::group::{GroupCoordinator, GroupSettings};
use barnabas::coordinator::machine::TransactionalProducer;
use barnabas::coordinator::transaction_result::TransactionResult;
use barnabas::wire::error_code::ErrorCode;
use bytes::Bytes;
use fastrand::Rng;

use super::partition::{FromPartition, Partition};
use super::{CoordinatorFlaw, Outcome};

/// The group.
const GROUP: &str = "group";
/// How many consumers there are at a time.
const CONSUMERS: usize = 3;
/// How many partitions they consume.
const PARTITIONS: i32 = 4;
/// How long a run lasts.
const LASTS: Millis = 20_000;
/// For how long a member may be silent.
const SESSION: Millis = 600;

/// How a commit fared, and when.
#[derive(Debug)]
struct Attempt {
    partition: i32,
    offset: Offset,
    /// The generation of its member and a newer one, where members of that one owned partitions before it was sent.
    late: Option<(i32, i32)>,
    began: Millis,
    /// When it could have no effect any more but those it has had.
    ended: Option<Millis>,
    acknowledged: Option<Millis>,
    /// It is part of a transaction that is open, or was aborted.
    hidden: bool,
}

/// What a request was sent for.
#[derive(Debug)]
enum Asked {
    Join(usize),
    Sync(usize),
    Heartbeat(usize),
    Fetch(usize),
    Commit(usize, Vec<usize>),
    Leave,
}

impl Asked {
    /// The name of the consumer that asks, where it waits for the answer.
    fn name(&self) -> Option<usize> {
        match self {
            Self::Join(name) | Self::Sync(name) | Self::Heartbeat(name) | Self::Fetch(name) => Some(*name),
            Self::Commit(name, _) => Some(*name),
            Self::Leave => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// To join next.
    Outside,
    /// A request of this number is not answered yet, since then.
    Waits(u64, Millis),
    Consumes,
}

/// A consumer.
#[derive(Debug)]
struct Consumer {
    name: u64,
    instance: Option<Arc<str>>,
    member: Arc<str>,
    generation: i32,
    phase: Phase,
    /// The positions of the partitions that it owns, once it knows them.
    positions: BTreeMap<i32, Option<Offset>>,
    silent_until: Millis,
    /// The newest leader epoch of a coordinator that has answered it.
    answered: LeaderEpoch,
}

struct World {
    rng: Rng,
    now: Millis,
    partition: Partition<GroupCoordinator>,
    flaw: Option<CoordinatorFlaw>,
    consumers: Vec<Consumer>,
    asked: BTreeMap<u64, (Asked, Millis)>,
    numbers: u64,
    attempts: Vec<Attempt>,
    /// What each member was assigned, by generation and by its name or id.
    assigned: BTreeMap<i32, BTreeMap<Arc<str>, BTreeSet<i32>>>,
    /// Open transactions with offsets: the attempts in them.
    transactions: BTreeMap<i64, Vec<usize>>,
    /// When the broker that leads is to fail, too.
    fails_again: Option<Millis>,
    violation: Option<String>,
    trace: Option<Vec<String>>,
}

fn machine(_: i32) -> GroupCoordinator {
    let settings = GroupSettings {
        min_session_timeout: 1,
        max_session_timeout: 100_000,
        max_size: 100,
        initial_rebalance_delay: 100,
        max_offset_metadata: 100,
        offsets_retention: 1_000_000,
        // A group that is forgotten begins anew, with generation 1.
        retention_check_interval: 1_000_000,
        protocol: KafkaVersion::LATEST,
    };
    GroupCoordinator::new(Arc::new(settings), 0)
}

/// Runs the group of a seed to its end, or to the first thing that does not hold.
pub fn run(seed: u64, flaw: Option<CoordinatorFlaw>, traced: bool) -> Outcome {
    let now = 1_000_000;
    let mut world = World {
        rng: Rng::with_seed(seed),
        now,
        partition: Partition::new(machine, flaw),
        flaw,
        consumers: Vec::new(),
        asked: BTreeMap::new(),
        numbers: 0,
        attempts: Vec::new(),
        assigned: BTreeMap::new(),
        transactions: BTreeMap::new(),
        fails_again: None,
        violation: None,
        trace: traced.then(Vec::new),
    };
    while world.now < now + LASTS && world.violation.is_none() {
        world.now += world.rng.i64(1..40);
        world.step();
    }
    let done = world.attempts.iter().filter(|it| it.acknowledged.is_some()).count();
    Outcome { violation: world.violation, done, trace: world.trace.unwrap_or_default() }
}

impl World {
    fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} {}", self.now, line()));
        }
    }

    fn step(&mut self) {
        while self.consumers.len() < CONSUMERS {
            self.add_consumer();
        }
        if self.fails_again.is_some_and(|at| at <= self.now) {
            self.fail_over();
        }
        let stalled = self.rng.u8(0..5) == 0;
        self.partition.tick(&mut self.rng, stalled, self.now);
        self.take_responses();
        match self.rng.u8(0..200) {
            0 | 1 => {
                self.fail_over();
            }
            2..8 => self.partition.unload_first(),
            8 => {
                let gone = self.rng.usize(..self.consumers.len());
                let consumer = self.consumers.swap_remove(gone);
                self.say(|| format!("consumer {} is killed", consumer.name));
                // A static member comes back under its name.
                if consumer.instance.is_some() {
                    self.add_named(consumer.instance);
                }
            }
            9 => {
                let hangs = self.rng.usize(..self.consumers.len());
                self.consumers[hangs].silent_until = self.now + self.rng.i64(100..3 * SESSION);
            }
            10..14 => self.end_transaction(),
            _ => {}
        }
        self.take_responses();
        let at = self.rng.usize(..self.consumers.len());
        if self.consumers[at].silent_until <= self.now {
            self.act(at);
        }
        self.take_responses();
    }

    fn add_consumer(&mut self) {
        let instance = (self.rng.u8(0..3) == 0).then(|| Arc::from(format!("static-{}", self.numbers)));
        self.add_named(instance);
    }

    fn add_named(&mut self, instance: Option<Arc<str>>) {
        self.numbers += 1;
        self.consumers.push(Consumer {
            name: self.numbers,
            instance,
            member: "".into(),
            generation: -1,
            phase: Phase::Outside,
            positions: BTreeMap::new(),
            silent_until: 0,
            answered: -1,
        });
    }

    /// Sends a request to the leader that its sender believes in.
    fn ask(&mut self, asked: Asked, request: GroupRequest) {
        self.numbers += 1;
        let number = self.numbers;
        let asks = self.consumers.iter().find(|it| Some(at_name(it)) == asked.name());
        let at = self.partition.believed(&mut self.rng, asks.map_or(-1, |it| it.answered));
        let present = self.partition.present();
        self.say(|| format!("#{number} to {at} of {present}: {request:?}"));
        self.asked.insert(number, (asked, self.now));
        let request = match self.flaw {
            Some(CoordinatorFlaw::FencesNoMember) => self.unfenced(request),
            _ => request,
        };
        self.partition.request(at, number, request, self.now);
    }

    /// The same commit as if a member of the last generation sent it.
    fn unfenced(&self, request: GroupRequest) -> GroupRequest {
        let GroupRequest::Commit(mut commit) = request else { return request };
        if let Some((generation, members)) = self.assigned.last_key_value()
            && let Some(member) = members.keys().next()
        {
            commit.claim = MemberClaim { member: member.clone(), generation: *generation, instance: None };
        }
        GroupRequest::Commit(commit)
    }

    fn claim(&self, at: usize) -> MemberClaim {
        let Consumer { member, instance, generation, .. } = &self.consumers[at];
        MemberClaim { member: member.clone(), instance: instance.clone(), generation: *generation }
    }

    fn act(&mut self, at: usize) {
        match self.consumers[at].phase.clone() {
            Phase::Outside => self.join(at),
            // The client's own time-out.
            Phase::Waits(_, since) if self.now - since > 5 * SESSION => {
                self.consumers[at].phase = Phase::Outside;
            }
            Phase::Waits(..) => {}
            Phase::Consumes => match self.rng.u8(0..12) {
                0..4 => {
                    let beat = GroupHeartbeat { group: GROUP.into(), claim: self.claim(at) };
                    let name = at_name(&self.consumers[at]);
                    self.ask(Asked::Heartbeat(name), GroupRequest::Heartbeat(beat));
                }
                4..7 => self.fetch(at),
                7..11 => self.commit(at),
                _ if self.rng.u8(0..4) == 0 => {
                    let members = vec![LeavingMember { member: self.claim(at).member, instance: None }];
                    self.consumers.swap_remove(at);
                    let leave = GroupLeave { group: GROUP.into(), members };
                    self.ask(Asked::Leave, GroupRequest::Leave(leave));
                }
                _ => {}
            },
        }
    }

    fn join(&mut self, at: usize) {
        self.numbers += 1;
        let Consumer { name, instance, member, .. } = &self.consumers[at];
        let join = GroupJoin {
            group: GROUP.into(),
            member: member.clone(),
            new_member: format!("member-{}", self.numbers).into(),
            requires_member_id: instance.is_none(),
            profile: MemberProfile {
                instance: instance.clone(),
                client_id: format!("client-{name}").into(),
                client_host: "/127.0.0.1".into(),
                rebalance_timeout: 2 * SESSION,
                session_timeout: SESSION,
            },
            protocol_type: "consumer".into(),
            protocols: vec![SupportedProtocol { name: "range".into(), metadata: Bytes::from_static(b"m") }],
        };
        let name = at_name(&self.consumers[at]);
        self.wait_for(at, Asked::Join(name), GroupRequest::Join(join));
    }

    fn wait_for(&mut self, at: usize, asked: Asked, request: GroupRequest) {
        // Before it is sent: the answer may come at once.
        self.consumers[at].phase = Phase::Waits(self.numbers + 1, self.now);
        self.ask(asked, request);
    }

    fn fetch(&mut self, at: usize) {
        let partitions = self.consumers[at].positions.keys().map(|it| topic_partition(*it)).collect();
        let fetch = OffsetsFetch {
            group: GROUP.into(),
            partitions: Some(partitions),
            require_stable: self.rng.bool(),
        };
        let name = at_name(&self.consumers[at]);
        self.ask(Asked::Fetch(name), GroupRequest::Fetch(fetch));
    }

    /// Commits a record more of each partition whose position is known.
    fn commit(&mut self, at: usize) {
        let consumer = &mut self.consumers[at];
        let mut offsets = Vec::new();
        for (partition, position) in &mut consumer.positions {
            if let Some(position) = position {
                *position += 1;
                offsets.push((*partition, *position));
            }
        }
        if offsets.is_empty() {
            return self.fetch(at);
        }
        let (generation, name) = (consumer.generation, at_name(consumer));
        let producer = (self.rng.u8(0..4) == 0).then_some(name as i64);
        let newest = self.assigned.last_key_value().map_or(-1, |(generation, _)| *generation);
        let mut attempts = Vec::new();
        for (partition, offset) in &offsets {
            attempts.push(self.attempts.len());
            self.attempts.push(Attempt {
                partition: *partition,
                offset: *offset,
                late: (generation < newest).then_some((generation, newest)),
                began: self.now,
                ended: None,
                acknowledged: None,
                hidden: producer.is_some(),
            });
        }
        if let Some(producer) = producer {
            self.transactions.entry(producer).or_default().extend(&attempts);
        }
        let of = |(partition, offset): (i32, Offset)| {
            let kept = OffsetCommitValue {
                offset,
                leader_epoch: None,
                metadata: "".into(),
                commit_timestamp: self.now,
                expire_timestamp: None,
            };
            (topic_partition(partition), kept)
        };
        let commit = OffsetsCommit {
            group: GROUP.into(),
            claim: self.claim(at),
            offsets: offsets.into_iter().map(of).collect(),
            producer: producer.map(|id| TransactionalProducer { id, epoch: 0 }),
        };
        self.ask(Asked::Commit(name, attempts), GroupRequest::Commit(commit));
    }

    /// A transaction ends: its marker is in the log, then the coordinator hears of it.
    fn end_transaction(&mut self) {
        let Some((producer, attempts)) = self.transactions.pop_first() else { return };
        if attempts.iter().any(|it| self.attempts[*it].ended.is_none()) {
            // A producer ends a transaction when its offsets are sent.
            self.transactions.insert(producer, attempts);
            return;
        }
        let every = attempts.iter().all(|it| self.attempts[*it].acknowledged.is_some());
        let committed = every && self.rng.bool();
        self.say(|| format!("the transaction of {producer} ends: committed {committed}"));
        self.partition.append_marker(producer, 0, committed);
        self.partition.replicate(self.now);
        self.take_responses();
        self.partition.event(
            self.partition.epoch(),
            GroupEvent::TransactionCompleted { producer, result: TransactionResult::of(committed) },
            self.now,
        );
        if committed {
            // From now on they count, at the place where the log has them: a later commit has overtaken them.
            for at in attempts {
                (self.attempts[at].hidden, self.attempts[at].acknowledged) = (false, Some(self.now));
            }
        }
    }

    /// Another broker leads, and sometimes yet another soon after that.
    fn fail_over(&mut self) {
        self.say(|| "another broker leads".to_owned());
        self.partition.fail_over(&mut self.rng);
        self.fails_again = (self.rng.u8(0..3) == 0).then(|| self.now + self.rng.i64(1..400));
    }

    fn take_responses(&mut self) {
        for out in std::mem::take(&mut self.partition.out) {
            match out {
                FromPartition::Response(number, epoch, response) => {
                    self.say(|| format!("#{number}: {response:?}"));
                    if let Some((asked, began)) = self.asked.remove(&number) {
                        // A response holds whether or not it arrives.
                        self.check(&asked, began, epoch, &response);
                        if self.rng.u8(0..20) != 0 {
                            self.received(number, asked, epoch, response);
                        }
                    }
                }
                FromPartition::Lost(number) => {
                    if let Some((Asked::Commit(_, attempts), _)) = self.asked.remove(&number) {
                        self.end(&attempts, None);
                    }
                }
                FromPartition::Effect(..) => {}
            }
        }
    }

    fn end(&mut self, attempts: &[usize], errors: Option<&[ErrorCode]>) {
        for (at, attempt) in attempts.iter().enumerate() {
            let attempt = &mut self.attempts[*attempt];
            attempt.ended = Some(self.now);
            if errors.is_some_and(|errors| errors[at] == ErrorCode::None) {
                attempt.acknowledged = Some(self.now);
            }
        }
    }

    fn check(&mut self, asked: &Asked, began: Millis, epoch: LeaderEpoch, response: &GroupResponse) {
        match (asked, response) {
            (Asked::Commit(_, attempts), GroupResponse::Commit(errors)) => {
                self.end(attempts, Some(errors));
                let newest = |at: &usize| self.attempts[*at].acknowledged.and(self.attempts[*at].late);
                if let Some((generation, newest)) = attempts.iter().find_map(newest) {
                    self.violate(format!("a member of generation {generation} committed in {newest}"));
                }
            }
            // A broker that does not know yet that another leads answers with what it knows, as in Kafka.
            (Asked::Fetch(_), GroupResponse::Fetch(fetched)) if epoch == self.partition.epoch() => {
                for (partition, fetched) in fetched {
                    if fetched.error == ErrorCode::None {
                        self.check_fetched(partition.partition, fetched.offset, began);
                    }
                }
            }
            _ => {}
        }
    }

    /// An offset is one that was committed, and none that was overtaken by another before the fetch began.
    fn check_fetched(&mut self, partition: i32, offset: Offset, began: Millis) {
        let of = |it: &&Attempt| it.partition == partition && !it.hidden;
        let acknowledged = || self.attempts.iter().filter(of).filter(|it| it.acknowledged.is_some());
        let before = || acknowledged().filter(|it| it.acknowledged.is_some_and(|at| at < began));
        let is_overtaken = |it: &Attempt| before().any(|by| it.ended.is_some_and(|ended| ended < by.began));
        let may_be = if offset < 0 {
            before().next().is_none()
        } else {
            self.attempts.iter().filter(of).any(|it| it.offset == offset && !is_overtaken(it))
        };
        if !may_be {
            let last = before().map(|it| it.offset).max();
            self.violate(format!("partition {partition} is at {offset}, though {last:?} was acknowledged"));
        }
    }

    fn violate(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    fn received(&mut self, number: u64, asked: Asked, epoch: LeaderEpoch, response: GroupResponse) {
        let Some(name) = asked.name() else { return };
        let Some(at) = self.consumers.iter().position(|it| at_name(it) == name) else { return };
        self.consumers[at].answered = self.consumers[at].answered.max(epoch);
        let waits = matches!(self.consumers[at].phase, Phase::Waits(it, _) if it == number);
        match response {
            GroupResponse::Join(joined) if waits => self.joined(at, joined),
            GroupResponse::Sync(synced) if waits => match synced.error {
                ErrorCode::None => self.assigned(at, &synced.assignment),
                error => self.refused(at, error),
            },
            GroupResponse::Heartbeat(error) => self.refused(at, error),
            GroupResponse::Commit(errors) => {
                for error in errors {
                    self.refused(at, error);
                }
            }
            GroupResponse::Fetch(fetched) => {
                for (partition, fetched) in fetched {
                    let position = self.consumers[at].positions.get_mut(&partition.partition);
                    if let (Some(position @ None), ErrorCode::None) = (position, fetched.error) {
                        *position = Some(fetched.offset.max(0));
                    }
                }
            }
            _ => {}
        }
    }

    fn joined(&mut self, at: usize, joined: JoinGroupResult) {
        let consumer = &mut self.consumers[at];
        match joined.error {
            ErrorCode::MemberIdRequired => {
                consumer.member = joined.member;
                consumer.phase = Phase::Outside;
            }
            ErrorCode::None => {
                consumer.member = joined.member.clone();
                consumer.generation = joined.generation;
                let mut assignments = std::collections::HashMap::new();
                if joined.leader == joined.member {
                    let share = |of: usize| -> Bytes {
                        let mine = |it: &i32| *it as usize % joined.members.len() == of;
                        (0..PARTITIONS).filter(mine).map(|it| it as u8).collect()
                    };
                    let each = joined.members.iter().enumerate();
                    assignments = each.map(|(at, member)| (member.id.clone(), share(at))).collect();
                }
                let sync = GroupSync {
                    group: GROUP.into(),
                    claim: self.claim(at),
                    protocol_type: None,
                    protocol_name: None,
                    assignments,
                };
                let name = at_name(&self.consumers[at]);
                self.wait_for(at, Asked::Sync(name), GroupRequest::Sync(sync));
            }
            error => self.refused(at, error),
        }
    }

    fn assigned(&mut self, at: usize, assignment: &[u8]) {
        let owned: BTreeSet<i32> = assignment.iter().map(|it| i32::from(*it)).collect();
        let consumer = &mut self.consumers[at];
        consumer.positions = owned.iter().map(|it| (*it, None)).collect();
        consumer.phase = Phase::Consumes;
        // A static member that comes back keeps what it owns, under another id.
        let member = consumer.instance.clone().unwrap_or_else(|| consumer.member.clone());
        let generation = consumer.generation;
        let members = self.assigned.entry(generation).or_default();
        for (other, others) in &*members {
            if *other != member && !others.is_disjoint(&owned) {
                let what = format!("{other} and {member} own {others:?} and {owned:?} in {generation}");
                return self.violate(what);
            }
        }
        if let Some(before) = members.insert(member.clone(), owned.clone())
            && before != owned
        {
            self.violate(format!("{member} owns {before:?} and {owned:?} in generation {generation}"));
        }
    }

    fn refused(&mut self, at: usize, error: ErrorCode) {
        let consumer = &mut self.consumers[at];
        match error {
            ErrorCode::None => {}
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId | ErrorCode::IllegalGeneration => {
                if error != ErrorCode::IllegalGeneration {
                    consumer.member = "".into();
                }
                consumer.phase = Phase::Outside;
            }
            ErrorCode::RebalanceInProgress
            | ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorNotAvailable => {
                consumer.phase = Phase::Outside;
            }
            _ => {}
        }
    }
}

/// What a consumer is called in requests: no other has the name, before or after it.
fn at_name(consumer: &Consumer) -> usize {
    consumer.name as usize
}

fn topic_partition(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}
