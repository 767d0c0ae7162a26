//! One partition of a coordinator's topic: its replicated log, and the machines of the brokers that lead it, or believe
//! to.

use std::collections::{BTreeMap, HashMap, VecDeque};

use barnabas::base::{LeaderEpoch, Millis, ProducerEpoch, ProducerId};
use barnabas::coordinator::machine::{
    Actions, CoordinatorAction, CoordinatorMachine, CoordinatorRecord, Replayed, RequestId,
    TransactionalProducer,
};
use barnabas::coordinator::transaction_result::TransactionResult;
use barnabas::wire::error_code::ErrorCode;
use fastrand::Rng;

use super::CoordinatorFlaw;

/// A batch in the log.
#[derive(Clone, Debug)]
enum Logged {
    /// Of a coordinator.
    Records(Vec<CoordinatorRecord>, Option<TransactionalProducer>),
    /// The end of a producer's transaction.
    Marker(TransactionalProducer, bool),
}

/// An append that is under way.
#[derive(Debug)]
struct Appending<T> {
    /// How long the log is with it; None where it is not in the log.
    needs: Option<usize>,
    /// How it is known to have failed.
    failed: Option<ErrorCode>,
    then: T,
}

/// A broker that leads the partition, or did and does not know yet that it does no more.
#[derive(Debug)]
pub struct Leader<M: CoordinatorMachine> {
    machine: M,
    /// The leader epoch in which it loaded the log.
    epoch: LeaderEpoch,
    actions: Actions<M>,
    timers: BTreeMap<M::Timer, Millis>,
    appending: VecDeque<Appending<M::Append>>,
    /// What it has read and not all replicas have yet: it takes no requests before they do.
    loading: Option<usize>,
    /// The requests that wait, by what the world calls them.
    waiting: HashMap<RequestId, u64>,
    requests: u64,
}

/// What comes out of a partition.
#[derive(Debug)]
pub enum FromPartition<M: CoordinatorMachine> {
    /// A response to the request of this number, from the leader of an epoch.
    Response(u64, LeaderEpoch, M::Response),
    /// A request will never be answered.
    Lost(u64),
    /// An effect, asked for by the leader of an epoch.
    Effect(LeaderEpoch, M::Effect),
}

/// The partition.
#[derive(Debug)]
pub struct Partition<M: CoordinatorMachine> {
    make: fn(LeaderEpoch) -> M,
    flaw: Option<CoordinatorFlaw>,
    log: Vec<Logged>,
    /// How much of the log is replicated.
    committed: usize,
    /// The last one leads; those before it are still to learn that they do no more.
    leaders: Vec<Leader<M>>,
    epoch: LeaderEpoch,
    /// What came out of it since it was last looked at.
    pub out: Vec<FromPartition<M>>,
}

impl<M: CoordinatorMachine> Partition<M> {
    pub fn new(make: fn(LeaderEpoch) -> M, flaw: Option<CoordinatorFlaw>) -> Self {
        let (log, leaders, out) = (Vec::new(), Vec::new(), Vec::new());
        let mut partition = Self { make, flaw, log, committed: 0, leaders, epoch: -1, out };
        partition.lead();
        partition
    }

    /// Which leader leads.
    pub fn present(&self) -> usize {
        self.leaders.len() - 1
    }

    /// The leader epoch.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The leader that a client takes for the present one: rarely one of before, and none before one that has answered
    /// it.
    pub fn believed(&self, rng: &mut Rng, answered: LeaderEpoch) -> usize {
        let oldest = self.leaders.iter().position(|it| it.epoch >= answered).unwrap_or(self.present());
        if rng.u8(0..10) == 0 { rng.usize(oldest..=self.present()) } else { self.present() }
    }

    fn lead(&mut self) {
        self.epoch += 1;
        let mut leader = Leader {
            machine: (self.make)(self.epoch),
            epoch: self.epoch,
            actions: Actions::default(),
            timers: BTreeMap::new(),
            appending: VecDeque::new(),
            loading: Some(self.log.len()),
            waiting: HashMap::new(),
            requests: 0,
        };
        let mut read = self.log.len();
        if self.flaw == Some(CoordinatorFlaw::LoadsTooLittle) {
            read = read.saturating_sub(1);
        }
        let mut offset = 0;
        for batch in &self.log[..read] {
            for replayed in replayed(batch, &mut offset, self.flaw) {
                leader.machine.replay(replayed);
            }
        }
        self.leaders.push(leader);
    }

    /// Another broker leads, with all that is replicated and some of what is not. The leader of before goes on for a
    /// while.
    pub fn fail_over(&mut self, rng: &mut Rng) {
        self.log.truncate(rng.usize(self.committed..=self.log.len()));
        let length = self.log.len();
        for leader in &mut self.leaders {
            for append in leader.appending.iter_mut().filter(|append| append.failed.is_none()) {
                // Once it was acknowledged it stays so; else its fate is not known.
                if append.needs.is_none_or(|needs| needs > self.committed || needs > length) {
                    append.failed = Some(match rng.bool() {
                        true => ErrorCode::NotLeaderOrFollower,
                        false => ErrorCode::RequestTimedOut,
                    });
                }
            }
        }
        self.lead();
    }

    /// A leader of before learns that it leads no more.
    pub fn unload_first(&mut self) {
        if self.leaders.len() < 2 {
            return;
        }
        let mut leader = self.leaders.remove(0);
        leader.machine.on_unloaded(&mut leader.actions);
        for action in leader.actions.take() {
            match action {
                CoordinatorAction::Respond(id, response) => {
                    if let Some(request) = leader.waiting.remove(&id) {
                        self.out.push(FromPartition::Response(request, leader.epoch, response));
                    }
                }
                CoordinatorAction::Effect(effect) => {
                    self.out.push(FromPartition::Effect(leader.epoch, effect));
                }
                _ => {}
            }
        }
        self.out.extend(leader.waiting.into_values().map(FromPartition::Lost));
    }

    /// A request reaches a leader.
    pub fn request(&mut self, at: usize, number: u64, request: M::Request, now: Millis) {
        let leader = &mut self.leaders[at];
        if leader.loading.is_some() {
            return self.out.push(FromPartition::Lost(number));
        }
        let id = RequestId(leader.requests);
        leader.requests += 1;
        leader.waiting.insert(id, number);
        leader.machine.on_request(id, request, now, &mut leader.actions);
        self.carry_out(at);
    }

    /// An event reaches the leader of an epoch, where it is still there.
    pub fn event(&mut self, epoch: LeaderEpoch, event: M::Event, now: Millis) {
        if let Some(at) = self.leaders.iter().position(|leader| leader.epoch == epoch) {
            // It is in the log that the leader reads.
            if self.leaders[at].loading.is_some() {
                return;
            }
            let leader = &mut self.leaders[at];
            leader.machine.on_event(event, now, &mut leader.actions);
            self.carry_out(at);
        }
    }

    /// The leader appends the marker that ends a producer's transaction, at once on all replicas.
    pub fn append_marker(&mut self, id: ProducerId, epoch: ProducerEpoch, committed: bool) {
        self.log.push(Logged::Marker(TransactionalProducer { id, epoch }, committed));
        self.committed = self.log.len();
    }

    /// Time passes: more of the log is replicated, unless `stalled`, and timers fire.
    pub fn tick(&mut self, rng: &mut Rng, stalled: bool, now: Millis) {
        if !stalled {
            self.committed = rng.usize(self.committed..=self.log.len());
        } else if rng.u8(0..4) == 0 {
            // The first that waits has waited long enough; that the log keeps it is as possible as ever.
            let at = self.present();
            if let Some(append) = self.leaders[at].appending.front_mut() {
                append.failed.get_or_insert(ErrorCode::RequestTimedOut);
            }
        }
        self.finish_load(now);
        for at in 0..self.leaders.len() {
            self.finish_appends(at, now);
            self.fire_timers(at, now);
        }
    }

    /// Takes requests once what was loaded is replicated.
    fn finish_load(&mut self, now: Millis) {
        let eager = self.flaw == Some(CoordinatorFlaw::ServesUnreplicated);
        let present = self.present();
        let leader = &mut self.leaders[present];
        if leader.loading.is_some_and(|needs| needs <= self.committed || eager) {
            leader.loading = None;
            leader.machine.on_loaded(now, &mut leader.actions);
            self.carry_out(present);
        }
    }

    /// All of the log is replicated.
    pub fn replicate(&mut self, now: Millis) {
        self.committed = self.log.len();
        self.finish_load(now);
        for at in 0..self.leaders.len() {
            self.finish_appends(at, now);
        }
    }

    fn finish_appends(&mut self, at: usize, now: Millis) {
        let early = self.flaw == Some(CoordinatorFlaw::AcknowledgesEarly);
        loop {
            let leader = &mut self.leaders[at];
            let Some(first) = leader.appending.front() else { break };
            let outcome = match (first.failed, first.needs) {
                (Some(error), _) => Err(error),
                (None, Some(needs)) if needs <= self.committed || early => Ok(()),
                _ => break,
            };
            if let Some(append) = leader.appending.pop_front() {
                leader.machine.on_appended(append.then, outcome, now, &mut leader.actions);
            }
            self.carry_out(at);
        }
    }

    fn fire_timers(&mut self, at: usize, now: Millis) {
        let due: Vec<_> =
            self.leaders[at].timers.iter().filter(|(_, at)| **at <= now).map(|(it, _)| it.clone()).collect();
        for timer in due {
            let leader = &mut self.leaders[at];
            if leader.timers.get(&timer).is_some_and(|at| *at <= now) {
                leader.timers.remove(&timer);
                leader.machine.on_timer(timer, now, &mut leader.actions);
                self.carry_out(at);
            }
        }
    }

    fn carry_out(&mut self, at: usize) {
        let leads = at == self.present();
        let leader = &mut self.leaders[at];
        for action in leader.actions.take() {
            match action {
                CoordinatorAction::Respond(id, response) => {
                    let request = leader.waiting.remove(&id).expect("a request is answered once");
                    self.out.push(FromPartition::Response(request, leader.epoch, response));
                }
                CoordinatorAction::Append { records, producer, then, .. } => {
                    // Only the present leader's log is the one that others will have.
                    let failed = (!leads).then_some(ErrorCode::NotLeaderOrFollower);
                    if leads {
                        self.log.push(Logged::Records(records, producer));
                    }
                    let needs = leads.then_some(self.log.len());
                    leader.appending.push_back(Appending { needs, failed, then });
                }
                CoordinatorAction::Schedule(timer, at) => {
                    leader.timers.insert(timer, at);
                }
                CoordinatorAction::Cancel(timer) => {
                    leader.timers.remove(&timer);
                }
                CoordinatorAction::Effect(effect) => {
                    self.out.push(FromPartition::Effect(leader.epoch, effect));
                }
            }
        }
    }
}

fn replayed(batch: &Logged, offset: &mut i64, flaw: Option<CoordinatorFlaw>) -> Vec<Replayed> {
    let mut next = || {
        *offset += 1;
        *offset - 1
    };
    match batch {
        Logged::Records(records, producer) => records
            .iter()
            .map(|record| Replayed::Record {
                offset: next(),
                timestamp: 0,
                producer: *producer,
                record: record.clone(),
            })
            .collect(),
        Logged::Marker(producer, committed) => {
            let committed = *committed || flaw == Some(CoordinatorFlaw::LoadsTheAborted);
            vec![Replayed::Marker {
                offset: next(),
                producer: *producer,
                result: TransactionResult::of(committed),
            }]
        }
    }
}
