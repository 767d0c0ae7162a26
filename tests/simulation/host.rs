//! A broker's process: its session, its replicas, its fetchers, and the controller while it is elected.

mod fetching;
mod leading;
mod sessions;
mod stopping;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use barnabas::base::{BrokerId, Millis, Offset, TopicPartition};
use barnabas::controller::event::ControlResponse;
use barnabas::controller::outbox::{ControlBody, ControlRequest, LeaderAndIsrRow, StopReplicaRow};
use barnabas::replica::controller_epoch::{ControllerEpoch, RequestEpochs};
use barnabas::replica::fetcher::plan::{Plan, Start};
use barnabas::replica::machine::{IsrProposal, LeadershipState, LocalReplica};
use barnabas::wire::error_code::ErrorCode;
use barnabas::zk::OpResult;

use crate::client::{Answer as Written, Multi, Progress, Writing};
use crate::disk::{Log, Record};
use crate::network::Message;
use crate::scene::{Flaw, Scene};
use crate::term::Term;

/// `replica.lag.time.max.ms`.
pub const LAG_MAX: Millis = 1000;
/// `min.insync.replicas`.
pub const MIN_ISR: usize = 2;
/// How long a broker waits for an answer.
const PATIENCE: Millis = 400;

type Proposals = Vec<(TopicPartition, IsrProposal)>;

/// A fetcher of one leader's partitions: what it plans, and the call that is not answered.
#[derive(Debug)]
struct Fetcher {
    plan: Plan,
    call: Option<(u64, Millis)>,
}

/// A partition of this broker.
#[derive(Debug)]
struct Replica {
    machine: LocalReplica,
    /// Produces that wait for the high watermark.
    waiting: VecDeque<(Offset, Record)>,
    /// Records admitted as leader whose turn at the disk has not come yet.
    admitted: VecDeque<Record>,
}

/// One broker.
#[derive(Debug)]
pub struct Host {
    /// Its id.
    pub id: BrokerId,
    /// Whether its process runs.
    pub up: bool,
    /// Until when it is stopped, as after SIGSTOP.
    pub still_until: Millis,
    /// Whether it has lost records that it had acknowledged, and is not out of every ISR yet.
    pub damaged: bool,
    /// Its session, as far as it knows.
    pub session: Option<u64>,
    /// A session in which it has registered, not knowing yet that it has, and its epoch there.
    registering: Option<(u64, i64)>,
    broker_epoch: i64,
    controller_epoch: ControllerEpoch,
    controller: Option<BrokerId>,
    /// The live brokers, by its last UpdateMetadata.
    live: BTreeSet<BrokerId>,
    /// The last call of each controller epoch.
    last_calls: BTreeMap<i32, u64>,
    /// What lies on its disk.
    pub disks: BTreeMap<TopicPartition, Log>,
    replicas: BTreeMap<TopicPartition, Replica>,
    fetchers: BTreeMap<BrokerId, Fetcher>,
    /// The sessions of followers that fetch from here.
    served: BTreeMap<BrokerId, sessions::Served>,
    reports: BTreeMap<TopicPartition, IsrProposal>,
    /// The AlterIsr that is not answered: its call, when it was sent, and what it proposed.
    report_call: Option<(u64, Millis, Proposals)>,
    /// The state that it writes as leader, and what it proposed.
    isr_write: Option<(TopicPartition, IsrProposal, Writing)>,
    /// Its claim to be the controller of an epoch.
    claim: Option<(i32, Writing)>,
    /// How far its stop is, if it is to stop.
    stopping: Option<stopping::Stopping>,
    /// Its term as controller.
    pub term: Option<Term>,
}

impl Host {
    /// A broker that has never run.
    pub fn new(id: BrokerId) -> Self {
        Self {
            id,
            up: true,
            still_until: 0,
            damaged: false,
            session: None,
            registering: None,
            broker_epoch: -1,
            controller_epoch: ControllerEpoch::default(),
            controller: None,
            live: BTreeSet::new(),
            last_calls: BTreeMap::new(),
            disks: BTreeMap::new(),
            replicas: BTreeMap::new(),
            fetchers: BTreeMap::new(),
            served: BTreeMap::new(),
            reports: BTreeMap::new(),
            report_call: None,
            isr_write: None,
            claim: None,
            stopping: None,
            term: None,
        }
    }

    /// Ends the process; `loses` if the machine goes with it, and what was not flushed.
    pub fn crash(&mut self, loses: bool) {
        self.disks.values_mut().for_each(|log| log.crash(loses));
        let disks = std::mem::take(&mut self.disks);
        *self = Self { up: false, damaged: self.damaged || loses, disks, ..Self::new(self.id) };
    }

    /// Flushes and checkpoints everything, as before a clean stop.
    fn flush(&mut self) {
        self.disks.values_mut().for_each(|log| {
            log.flush();
            log.checkpoint();
        });
    }

    /// The partitions that it leads by its own state.
    pub fn led(&self) -> Vec<TopicPartition> {
        self.replicas.iter().filter(|(_, it)| it.machine.is_leader()).map(|(id, _)| id.clone()).collect()
    }

    /// Whether no change of an ISR is on its way from here: one could still leave this broker alone in it.
    pub fn proposes_nothing(&self) -> bool {
        self.reports.is_empty() && self.isr_write.is_none()
    }

    /// Whether it is no controller that has begun something.
    pub fn decides_nothing(&self) -> bool {
        self.term.as_ref().is_none_or(Term::is_idle)
    }

    /// Whether it serves requests: from its registration until it closes.
    pub fn serves(&self) -> bool {
        self.up && self.broker_epoch >= 0 && !self.closes()
    }

    /// Does what is due.
    pub fn tick(&mut self, scene: &mut Scene) {
        self.keep_session(scene);
        self.go_on_stopping(scene);
        if !self.serves() {
            return;
        }
        if let Some(mut term) = self.term.take()
            && term.tick(scene)
        {
            self.term = Some(term);
        }
        self.stand(scene);
        if scene.rng.bool() {
            self.write_all_admitted(scene);
        }
        self.end_waits(scene);
        self.look_for_laggards(scene);
        self.report(scene);
        self.fetch(scene);
        match scene.rng.u8(..) {
            0..20 if scene.flaw == Some(Flaw::FlushesWithoutEpochs) => {
                self.disks.values_mut().for_each(Log::flush_records);
            }
            0..20 => self.disks.values_mut().for_each(Log::flush),
            20..40 => self.disks.values_mut().for_each(Log::checkpoint),
            40..80 => self.clean(scene),
            _ => {}
        }
    }

    /// Cleans every log up to its high watermark (`log::cleaner`).
    fn clean(&mut self, scene: &Scene) {
        for log in self.disks.values_mut() {
            let last_stable = match scene.flaw {
                Some(Flaw::CleansPastHighWatermark) => log.end(),
                _ => log.high_watermark(),
            };
            log.clean(last_stable, scene.flaw == Some(Flaw::RetainsOldest));
        }
    }

    fn keep_session(&mut self, scene: &mut Scene) {
        if !scene.connected(self.id) {
            return;
        }
        if self.session.is_some_and(|session| scene.ensemble.renew(session, scene.now)) {
            return;
        }
        // What the controller decided in the old session it may decide no more.
        self.term = None;
        self.session = None;
        if self.closes() {
            return;
        }
        // A registration whose answer was lost is recognised by the session that owns it.
        let known = self.registering.take().filter(|(session, _)| scene.ensemble.lives(*session));
        let registered = known.or_else(|| scene.ensemble.register(self.id, scene.now));
        if registered.is_some() && scene.breaks() {
            self.registering = registered;
            return scene.lose_connection(self.id);
        }
        if let Some((session, epoch)) = registered {
            let id = self.id;
            scene.log_line(|| format!("broker {id} registers, epoch {epoch}"));
            (self.session, self.broker_epoch) = (Some(session), epoch);
        }
    }

    /// Takes part in the election (`controller::driver`, `zk::claim`).
    fn stand(&mut self, scene: &mut Scene) {
        if let Some((epoch, claim)) = self.claim.take() {
            return match claim.go_on(scene) {
                Progress::Waits(claim) => self.claim = Some((epoch, claim)),
                Progress::Known(answers) => self.claimed(epoch, answers, scene),
                Progress::Expired => {}
            };
        }
        let Some(session) = self.session.filter(|_| self.term.is_none()) else { return };
        let vacant = scene.reaches_zookeeper(self.id, session) && scene.ensemble.controller.is_none();
        if !vacant || scene.rng.bool() {
            return;
        }
        let (epoch, version) = (scene.ensemble.controller_epoch + 1, scene.ensemble.epoch_version);
        let claim = Multi::Claim { broker: self.id, epoch, version, now: scene.now };
        self.claim = Some((epoch, Writing::begin(scene, self.id, session, vec![claim])));
    }

    fn claimed(&mut self, epoch: i32, answers: Vec<Written>, scene: &mut Scene) {
        let Some(Ok(results)) = answers.into_iter().next() else { return };
        if let (Some(session), Some(OpResult::Set { version })) = (self.session, results.last()) {
            let mut term = Term::new(self.id, session, (epoch, *version), scene.alter_isr);
            self.term = term.tick(scene).then_some(term);
        }
    }

    /// Applies the outcomes of writes.
    pub fn written(&mut self, call: u64, answers: Vec<Written>, scene: &mut Scene) {
        if let Some((_, claim)) = &mut self.claim {
            claim.answered(call, answers.clone());
            self.stand(scene);
        }
        if let Some((_, _, writing)) = &mut self.isr_write {
            writing.answered(call, answers.clone());
            self.write_isrs(scene);
        }
        if let Some(mut term) = self.term.take()
            && term.written(call, answers, scene)
        {
            self.term = Some(term);
        }
    }

    /// Handles a message.
    pub fn receive(&mut self, from: BrokerId, message: Message, scene: &mut Scene) {
        match message {
            Message::Control { call, request } => {
                // One connection at a time, and the next request only after the answer: a message that was
                // overtaken is dropped.
                let last = self.last_calls.entry(request.controller_epoch).or_default();
                if call < *last {
                    return;
                }
                *last = call;
                let epoch = request.controller_epoch;
                let response = self.obey(from, request, scene);
                scene.send(self.id, from, Message::Controlled { call, epoch, response });
            }
            Message::Controlled { call, epoch, response } => {
                if let Some(term) = self.term.as_mut().filter(|term| term.epoch == epoch) {
                    term.answered(from, call, response);
                }
            }
            Message::AlterIsr { call, broker_epoch, wanted } => match &mut self.term {
                Some(term) => term.alter_isr(from, call, broker_epoch, wanted),
                None => {
                    let outcome = Err(ErrorCode::NotController);
                    scene.send(self.id, from, Message::IsrAltered { call, outcome });
                }
            },
            Message::ControlledShutdown { call, broker_epoch } => match &mut self.term {
                Some(term) => term.controlled_shutdown(from, call, broker_epoch),
                None => {
                    let outcome = Err(ErrorCode::NotController);
                    scene.send(self.id, from, Message::StillLed { call, outcome });
                }
            },
            Message::StillLed { call, outcome } => {
                self.answered_to_leave(call, outcome.map(|led| led.len()), scene);
            }
            Message::IsrAltered { call, outcome } => self.isr_altered(call, outcome, scene),
            Message::EpochEnds { call, asked } => self.answer_epoch_ends(from, call, asked, scene),
            Message::EpochsEnd { call, ends } => self.truncate(from, call, ends, scene),
            Message::Fetch { call, request } => self.serve(from, call, request, scene),
            Message::Fetched { call, error, session_id, found } => {
                self.take_in(from, call, (error, session_id), found, scene);
            }
        }
    }

    /// Applies a controller's request (`replica::role_changes`); returns the answer.
    fn obey(
        &mut self,
        from: BrokerId,
        request: ControlRequest,
        scene: &mut Scene,
    ) -> Option<ControlResponse> {
        let epochs = RequestEpochs { controller: request.controller_epoch, broker: request.broker_epoch };
        let accepted = self.controller_epoch.accept(epochs, self.broker_epoch);
        let refusal = accepted.or_else(scene.overlooks(Flaw::AcceptsStaleRequests)).err();
        let (past, error) = (refusal.is_some(), refusal.unwrap_or_default());
        if !past {
            self.controller = Some(from);
        }
        let broker = self.id;
        match request.body {
            ControlBody::LeaderAndIsr { rows, .. } => {
                let rows = if past { Vec::new() } else { rows };
                let partitions = rows.into_iter().map(|row| {
                    let id = row.partition.clone();
                    let outcome = self.lead_or_follow(row, request.controller_epoch, scene);
                    (id, outcome.err().unwrap_or_default())
                });
                let partitions = partitions.collect();
                Some(ControlResponse::LeaderAndIsr { broker, error, partitions })
            }
            ControlBody::UpdateMetadata { brokers, .. } => {
                if !past {
                    self.live = brokers.iter().map(|broker| broker.id).collect();
                }
                Some(ControlResponse::UpdateMetadata { broker, error })
            }
            ControlBody::StopReplica { rows } => {
                let rows = if past { Vec::new() } else { rows };
                let deleted: Vec<_> = rows.into_iter().filter_map(|row| self.stop(row, scene)).collect();
                let asked = !deleted.is_empty();
                asked.then_some(ControlResponse::StopReplica { broker, error, partitions: deleted })
            }
        }
    }

    fn lead_or_follow(
        &mut self,
        row: LeaderAndIsrRow,
        controller_epoch: i32,
        scene: &mut Scene,
    ) -> Result<(), ErrorCode> {
        let state =
            LeadershipState::new(row.leadership.leader_and_isr, row.assignment.replicas, controller_epoch);
        let (leader, leader_epoch) = (state.leadership.leader, state.leadership.leader_epoch);
        let id = row.partition;
        let fresh = Replica {
            machine: LocalReplica::new(self.id),
            waiting: VecDeque::new(),
            admitted: VecDeque::new(),
        };
        let known = self.replicas.get(&id).map_or(&fresh.machine, |replica| &replica.machine);
        known.accepts(&state).or_else(scene.overlooks(Flaw::AcceptsStaleRequests))?;
        self.disks.entry(id.clone()).or_default();
        self.replicas.entry(id.clone()).or_insert(fresh);
        // Nothing can be fetched from a leader that is not known to be alive: the replica keeps its role.
        if leader != self.id && !self.live.contains(&leader) {
            let me = self.id;
            scene.log_line(|| format!("broker {me} waits for a leader of {id}: {leader} is not alive"));
            return Ok(());
        }
        self.fetchers.values_mut().for_each(|fetcher| fetcher.plan.remove(&id));
        if leader == self.id {
            self.lead(&id, state, scene);
        } else {
            let me = self.id;
            scene.log_line(|| format!("broker {me} follows {leader} in {id} in epoch {leader_epoch}"));
            self.follow(&id, state, scene);
        }
        Ok(())
    }

    fn follow(&mut self, id: &TopicPartition, state: LeadershipState, scene: &mut Scene) {
        let Some(replica) = self.replicas.get_mut(id) else { return };
        let (leader, leader_epoch) = (state.leadership.leader, state.leadership.leader_epoch);
        replica.waiting.clear();
        replica.machine.become_follower(state);
        if let Some(log) = self.disks.get_mut(id) {
            log.fence = leader_epoch;
        }
        let offset = self.disks.get(id).map_or(0, Log::high_watermark);
        let fetcher = self.fetchers.entry(leader);
        let fetcher = fetcher.or_insert_with(|| Fetcher { plan: Plan::new(100), call: None });
        fetcher.plan.add(id.clone(), Start { offset, leader_epoch });
        self.role_changed(id, scene);
    }

    /// Stops a replica; returns the answer to the controller if its log is deleted.
    fn stop(&mut self, row: StopReplicaRow, scene: &mut Scene) -> Option<(TopicPartition, ErrorCode)> {
        let StopReplicaRow { partition: id, leader_epoch, delete } = row;
        if let Some(replica) = self.replicas.get_mut(&id) {
            if let Err(fenced) = replica.machine.accepts_stop(leader_epoch) {
                return delete.then_some((id, fenced));
            }
            self.fetchers.values_mut().for_each(|fetcher| fetcher.plan.remove(&id));
            replica.waiting.clear();
            if let Some(log) = self.disks.get_mut(&id) {
                log.fence = replica.machine.leader_epoch() + 1;
            }
            replica.machine.stop();
        }
        self.role_changed(&id, scene);
        if !delete {
            return None;
        }
        self.replicas.remove(&id);
        self.disks.remove(&id);
        Some((id, ErrorCode::None))
    }
}
