//! An application that reads in a group: the library's machines of a consumer, in the order of the library's shell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas::base::{BrokerId, Millis, TopicPartition};
use barnabas::client::consumer::ConsumerPartitionAssignor;
use barnabas::client::consumer::machines::{
    CommittedOffsets, ConsumerFetcher, ConsumerPosition, GroupRebalanceConfig, MemberGeneration, Membership,
    MembershipAction, MembershipAnswer, RebalanceEvent, RefusedOffsets, SubscriptionState, TakenRecords,
    check_commit,
};
use barnabas::client::error::{ClientError, ConnectionError};
use barnabas::client::metadata::PartitionLeader;
use barnabas::client::settings::{ConsumerSettings, OffsetReset};
use barnabas::wire::message::fetch::FetchResponse;

use super::ClientFlaw;
use super::data::number;
use super::group_wire;
use super::read_records::{Asked, BrokerQuestion, GroupQuestion, Letter, ReadingStage, Reply};

/// How long a client waits for an answer, and for that to JoinGroup.
const REQUEST_TIMEOUT: Millis = 500;
const JOIN_TIMEOUT: Millis = 5_000;
const RETRY_BACKOFF: Millis = 30;
/// How often positions are committed.
const COMMIT_INTERVAL: Millis = 120;
/// How long positions are tried to be committed before partitions are given up.
const COMMIT_TIMEOUT: Millis = 2_000;
const MAX_POLL: Millis = 2_000;
/// How many records a poll returns.
const MAX_POLL_RECORDS: usize = 7;

/// How an application reads.
#[derive(Clone, Debug)]
pub struct ReadingHabits {
    pub assignor: Arc<dyn ConsumerPartitionAssignor>,
    pub instance: Option<String>,
    pub read_committed: bool,
    pub partitions: i32,
}

/// A rebalance that the application carries out.
#[derive(Debug)]
struct Running {
    event: RebalanceEvent,
    since: Millis,
    /// Whether positions are to be committed first.
    commits: bool,
    /// How long its listener takes.
    lasts: Millis,
}

/// The application.
#[derive(Debug)]
pub struct Reader {
    pub name: u64,
    pub habits: ReadingHabits,
    pub member: Membership,
    pub state: SubscriptionState,
    fetcher: ConsumerFetcher,
    /// The leaders by the metadata that it has.
    leaders: BTreeMap<TopicPartition, PartitionLeader>,
    running: Option<Running>,
    asked: BTreeMap<u64, (Asked, Millis)>,
    /// Until when it does nothing.
    pub hangs_until: Millis,
    next_commit: Millis,
    metadata_at: Millis,
    wants_metadata: bool,
}

fn lost() -> ClientError {
    ClientError::Connection(ConnectionError::TimedOut(std::time::Duration::from_millis(500)))
}

impl Reader {
    pub fn new(habits: ReadingHabits, stage: &mut ReadingStage) -> Self {
        let settings = Arc::new(ConsumerSettings {
            read_committed: habits.read_committed,
            offset_reset: OffsetReset::Earliest,
            ..ConsumerSettings::in_group("localhost:9092", "group")
        });
        let config = Arc::new(GroupRebalanceConfig {
            group_instance_id: habits.instance.clone(),
            session_timeout: std::time::Duration::from_millis(1_000),
            heartbeat_interval: std::time::Duration::from_millis(200),
            max_poll_interval: std::time::Duration::from_millis(MAX_POLL as u64),
            ..GroupRebalanceConfig::new("group")
        });
        let mut member = Membership::new(config, RETRY_BACKOFF, vec![habits.assignor.clone()])
            .expect("the settings are right");
        let mut state = SubscriptionState::new(OffsetReset::Earliest);
        let topics = BTreeSet::from(["t".into()]);
        state.subscribe(topics.clone()).expect("nothing was subscribed before");
        member.metadata_changed(stage.now, &BTreeMap::from([("t".into(), habits.partitions)]));
        member.subscribe(stage.now, topics);
        Self {
            name: stage.number(),
            habits,
            member,
            state,
            fetcher: ConsumerFetcher::new(settings),
            leaders: BTreeMap::new(),
            running: None,
            asked: BTreeMap::new(),
            hangs_until: 0,
            next_commit: stage.now + COMMIT_INTERVAL,
            metadata_at: 0,
            wants_metadata: true,
        }
    }

    /// Whether it looks up the leaders now.
    pub fn asks_for_metadata(&mut self, now: Millis) -> bool {
        let asks = self.wants_metadata && self.metadata_at <= now;
        if asks {
            (self.wants_metadata, self.metadata_at) = (false, now + RETRY_BACKOFF);
        }
        asks
    }

    pub fn set_leaders(&mut self, leaders: BTreeMap<TopicPartition, PartitionLeader>) {
        for (id, leader) in &leaders {
            self.state.leader_changed(id, *leader);
        }
        self.leaders = leaders;
    }

    /// Whether it has an assignment and nothing else is to be done for it.
    pub fn is_stable(&self) -> bool {
        self.member.commit_generation().is_ok() && self.running.is_none()
    }

    /// Its turn: that of its tasks, and that of the application where it does not hang.
    pub fn act(&mut self, stage: &mut ReadingStage) {
        self.give_up_waiting(stage);
        if self.hangs_until <= stage.now {
            self.poll(stage);
        }
        self.member.advance(stage.now);
        for action in self.member.take_actions() {
            self.carry_out(action, stage);
        }
    }

    fn give_up_waiting(&mut self, stage: &mut ReadingStage) {
        let now = stage.now;
        let is_over = |asked: &Asked, since: Millis| match asked {
            Asked::Assign => false,
            Asked::Join(_) => since + JOIN_TIMEOUT < now,
            _ => since + REQUEST_TIMEOUT < now,
        };
        let late: Vec<_> = self
            .asked
            .iter()
            .filter(|(_, (asked, since))| is_over(asked, *since))
            .map(|(it, _)| *it)
            .collect();
        for number in late {
            self.answered(number, Reply::Lost, stage);
        }
    }

    /// The application polls.
    fn poll(&mut self, stage: &mut ReadingStage) {
        self.member.poll(stage.now);
        self.commit_in_time(stage);
        self.find_positions(stage);
        if let Some(error) = self.member.take_failure() {
            stage.say(|| format!("{} fails: {error}", self.name));
        }
        self.rebalance(stage);
        if self.running.is_some() {
            return;
        }
        match self.fetcher.take(&mut self.state, MAX_POLL_RECORDS, stage.now) {
            Ok(TakenRecords::Records(records)) => {
                for record in &records {
                    let value = number(record.value.expect("records of this simulation have values"));
                    stage.returned(self.name, record.partition, record.offset, value);
                }
            }
            Ok(TakenRecords::Unpack(_)) => {
                stage.violate("a batch without a codec is to be unpacked".to_owned())
            }
            Err(error) => stage.violate(format!("{} cannot read: {error}", self.name)),
        }
        for (broker, request) in self.fetcher.requests(&self.state, stage.now) {
            self.ask(Asked::Fetch(broker), Letter::Broker(broker, BrokerQuestion::Fetch(request)), stage);
        }
        self.wants_metadata |= self.fetcher.take_needs_metadata();
    }

    /// Goes on with what the group asks for.
    fn rebalance(&mut self, stage: &mut ReadingStage) {
        if self.running.is_none() {
            let Some(event) = self.member.next_event() else { return };
            self.begin_rebalance(event, stage);
        }
        let Some(running) = &mut self.running else { return };
        let is_late = running.since + COMMIT_TIMEOUT < stage.now;
        if running.commits && !is_late {
            let commits = self.state.all_consumed();
            match self.member.commit_generation() {
                _ if self.is_committing() => return,
                Ok(generation) if !commits.is_empty() => {
                    return self.commit(commits, generation, true, stage);
                }
                _ => {}
            }
        }
        if self.is_committing() && !is_late
            || self.running.as_ref().is_some_and(|it| it.since + it.lasts > stage.now)
        {
            return;
        }
        self.finish_rebalance(stage);
    }

    fn begin_rebalance(&mut self, event: RebalanceEvent, stage: &mut ReadingStage) {
        stage.say(|| format!("{} begins {event:?}", self.name));
        if let RebalanceEvent::Assign { all, .. } = &event {
            self.state.assign_from_subscribed(all.iter().cloned());
            self.fetcher.retain_assigned(&self.state);
            // A static member that comes back keeps what it owns, under another id.
            let member = self.habits.instance.clone().unwrap_or_else(|| self.name.to_string());
            stage.assigned(&member, self.member.group_metadata().generation_id, all);
        }
        let commits = matches!(event, RebalanceEvent::Revoke(_));
        let lasts = if stage.goes_wrong(10) { stage.rng.i64(0..1_000) } else { stage.rng.i64(0..20) };
        self.running = Some(Running { event, since: stage.now, commits, lasts });
    }

    fn finish_rebalance(&mut self, stage: &mut ReadingStage) {
        let Some(Running { event, .. }) = self.running.take() else { return };
        if let RebalanceEvent::Revoke(gone) | RebalanceEvent::Lost(gone) = &event {
            let left: Vec<_> = self.state.assigned().filter(|id| !gone.contains(*id)).cloned().collect();
            self.state.assign_from_subscribed(left);
            self.fetcher.retain_assigned(&self.state);
        }
        let owned = self.state.assigned().cloned().collect();
        self.member.event_done(stage.now, owned);
    }

    fn is_committing(&self) -> bool {
        self.asked.values().any(|(asked, _)| matches!(asked, Asked::Commit { .. }))
    }

    fn commit_in_time(&mut self, stage: &mut ReadingStage) {
        if self.next_commit > stage.now || self.running.is_some() || self.is_committing() {
            return;
        }
        self.next_commit = stage.now + COMMIT_INTERVAL;
        let offsets = self.state.all_consumed();
        if let (false, Ok(generation)) = (offsets.is_empty(), self.member.commit_generation()) {
            self.commit(offsets, generation, false, stage);
        }
    }

    fn commit(
        &mut self,
        mut offsets: CommittedOffsets,
        generation: MemberGeneration,
        is_repeated: bool,
        stage: &mut ReadingStage,
    ) {
        if stage.flaw == Some(ClientFlaw::CommitsAhead) {
            offsets.values_mut().for_each(|committed| committed.offset += 3);
        }
        let instance = self.habits.instance.clone();
        let request = group_wire::commit(&offsets, &generation, instance, stage.now);
        let asked = Asked::Commit { offsets, generation, is_repeated };
        self.ask(asked, Letter::Group(GroupQuestion { request, is_commit: true }), stage);
    }

    /// Looks up positions that are not known, not valid any more, or to be validated.
    fn find_positions(&mut self, stage: &mut ReadingStage) {
        let now = stage.now;
        let initializing = self.state.initializing(now);
        if !initializing.is_empty() {
            self.state.retry_at(&initializing, Millis::MAX);
            let request = group_wire::fetch(&initializing);
            let letter = Letter::Group(GroupQuestion { request, is_commit: false });
            self.ask(Asked::Committed(initializing), letter, stage);
        }
        let resets = self.state.needing_reset(now);
        self.state.retry_at(resets.keys(), now + REQUEST_TIMEOUT);
        for (id, to) in resets {
            match self.leaders.get(&id).copied() {
                Some(leader) => {
                    let question = BrokerQuestion::Start(id.clone(), leader.epoch);
                    self.ask(Asked::Reset(id, to), Letter::Broker(leader.broker, question), stage);
                }
                None => self.retry_soon(&id, stage),
            }
        }
        let validations = self.state.needing_validation(now);
        self.state.retry_at(validations.keys(), now + REQUEST_TIMEOUT);
        for (id, position) in validations {
            if stage.flaw == Some(ClientFlaw::SkipsValidations) {
                self.state.skip_validation(&id);
            }
            let (Some(leader), Some(epoch)) = (position.leader, position.offset_epoch) else { continue };
            let question = BrokerQuestion::EpochEnd(id.clone(), leader.epoch, epoch);
            self.ask(Asked::Validation(id, position), Letter::Broker(leader.broker, question), stage);
        }
    }

    fn retry_soon(&mut self, id: &TopicPartition, stage: &mut ReadingStage) {
        self.state.retry_at([id], stage.now + RETRY_BACKOFF);
        self.wants_metadata = true;
    }

    fn ask(&mut self, asked: Asked, letter: Letter, stage: &mut ReadingStage) {
        let number = stage.number();
        stage.say(|| format!("{} asks #{number}: {letter:?}", self.name));
        self.asked.insert(number, (asked, stage.now));
        stage.post(self.name, number, letter);
    }

    fn carry_out(&mut self, action: MembershipAction, stage: &mut ReadingStage) {
        let instance = self.habits.instance.clone();
        let (asked, request) = match action {
            MembershipAction::FindCoordinator => {
                return self.ask(Asked::Coordinator, Letter::Own(Reply::Coordinator), stage);
            }
            MembershipAction::ForgetCoordinator => return,
            MembershipAction::Assign(attempt, assignment) => {
                let counts = BTreeMap::from([("t".into(), self.habits.partitions)]);
                let made = assignment.perform(counts).map_err(ClientError::Group);
                return self.ask(Asked::Assign, Letter::Own(Reply::Assigned(attempt, Box::new(made))), stage);
            }
            MembershipAction::Join(attempt, request) => {
                let new_member = format!("m-{}-{}", self.name, stage.number());
                (Asked::Join(attempt), group_wire::join(request, &new_member, instance))
            }
            MembershipAction::Sync(attempt, request) => {
                (Asked::Sync(attempt), group_wire::sync(request, instance))
            }
            MembershipAction::Heartbeat(sent, request) => {
                (Asked::Heartbeat(sent), group_wire::heartbeat(request, instance))
            }
            MembershipAction::Leave(member) => (Asked::Leave, group_wire::leave(member)),
        };
        self.ask(asked, Letter::Group(GroupQuestion { request, is_commit: false }), stage);
    }

    /// An answer has come, or will not come any more.
    pub fn answered(&mut self, number: u64, reply: Reply, stage: &mut ReadingStage) {
        let Some((asked, _)) = self.asked.remove(&number) else { return };
        stage.say(|| format!("{} has the answer #{number}: {reply:?}", self.name));
        let now = stage.now;
        let membership = match (asked, reply) {
            (Asked::Coordinator, Reply::Lost) => MembershipAnswer::Coordinator(Err(lost())),
            (Asked::Coordinator, _) => MembershipAnswer::Coordinator(Ok(())),
            (Asked::Assign, Reply::Assigned(attempt, made)) => MembershipAnswer::Assigned(attempt, *made),
            (Asked::Join(attempt), reply) => {
                MembershipAnswer::Joined(attempt, group_wire::joined(reply).ok_or_else(lost))
            }
            (Asked::Sync(attempt), reply) => {
                MembershipAnswer::Synced(attempt, group_wire::synced(reply).ok_or_else(lost))
            }
            (Asked::Heartbeat(sent), reply) => {
                MembershipAnswer::Heartbeat(sent, group_wire::beaten(reply).ok_or_else(lost))
            }
            (Asked::Leave, _) => MembershipAnswer::Left,
            (Asked::Commit { offsets, generation, is_repeated }, reply) => {
                return self.committed(&offsets, &generation, is_repeated, reply, stage);
            }
            (Asked::Committed(asked), reply) => return self.initialize(&asked, reply, stage),
            (Asked::Reset(id, to), reply) => return self.reset(&id, to, reply, stage),
            (Asked::Validation(id, position), reply) => return self.validate(&id, &position, reply, stage),
            (Asked::Fetch(broker), reply) => return self.fetched(broker, reply, stage),
            (Asked::Assign, _) => return,
        };
        self.member.answered(now, membership);
    }

    /// A commit was answered. One that is repeated is sent again by the next turn.
    fn committed(
        &mut self,
        offsets: &CommittedOffsets,
        generation: &MemberGeneration,
        is_repeated: bool,
        reply: Reply,
        stage: &mut ReadingStage,
    ) {
        let outcome = match group_wire::commit_answer(offsets, reply) {
            Some(answer) => check_commit("group", &answer),
            None => Err(RefusedOffsets::Retry(lost())),
        };
        let is_over = match outcome {
            Ok(()) => true,
            Err(RefusedOffsets::Retry(_) | RefusedOffsets::FindCoordinator(_)) => !is_repeated,
            Err(RefusedOffsets::AskMember(error)) => {
                let refused = self.member.commit_refused(stage.now, generation, error);
                stage.say(|| format!("{} cannot commit: {refused}", self.name));
                true
            }
            Err(RefusedOffsets::Fail(error)) => {
                stage.violate(format!("{} cannot commit: {error}", self.name));
                true
            }
        };
        if let (true, true, Some(running)) = (is_over, is_repeated, &mut self.running) {
            running.commits = false;
        }
    }

    fn initialize(&mut self, asked: &BTreeSet<TopicPartition>, reply: Reply, stage: &mut ReadingStage) {
        self.state.retry_at(asked, stage.now + RETRY_BACKOFF);
        let Some(found) = group_wire::committed(asked, reply) else { return };
        for (id, committed) in &found {
            stage.initialized(self.name, id, committed.as_ref().map(|it| it.offset));
        }
        let leaders = self.leaders.clone();
        if let Err(error) = self.state.initialize(&found, |id| leaders.get(id).copied()) {
            stage.violate(format!("{} has no position: {error}", self.name));
        }
    }

    fn reset(&mut self, id: &TopicPartition, to: OffsetReset, reply: Reply, stage: &mut ReadingStage) {
        self.retry_soon(id, stage);
        if let Reply::Start(Ok(offset)) = reply {
            let leader = self.leaders.get(id).copied();
            self.state.complete_reset(id, to, ConsumerPosition { offset, offset_epoch: None, leader });
        }
    }

    fn validate(
        &mut self,
        id: &TopicPartition,
        asked: &ConsumerPosition,
        reply: Reply,
        stage: &mut ReadingStage,
    ) {
        self.retry_soon(id, stage);
        if let Reply::EpochEnd(Ok(found)) = reply {
            let truncated = self.state.complete_validation(id, asked, found);
            let may_be = stage.ledger.truncated.contains_key(&id.partition);
            if truncated.is_some() || found.end_offset < asked.offset && !may_be {
                stage.violate(format!("{} finds a truncation of {id} at {asked:?}: {found:?}", self.name));
            }
        }
    }

    fn fetched(&mut self, broker: BrokerId, reply: Reply, stage: &mut ReadingStage) {
        let answer: Option<FetchResponse> = match reply {
            Reply::Fetched(answer) => Some(*answer),
            _ => None,
        };
        match answer {
            Some(answer) => drop(self.fetcher.answered(broker, answer, stage.now)),
            None => self.fetcher.failed(broker, &mut self.state, stage.now),
        }
    }
}
