//! What all brokers of a simulation share: chance, time, the network, ZooKeeper, and the checks.

use std::collections::{BTreeMap, BTreeSet};

use barnabas::base::{BrokerId, LeaderEpoch, Millis, TopicPartition};
use barnabas::controller::state::Leadership;
use barnabas::controller::writes::{Outcome, Write};
use barnabas::wire::error_code::ErrorCode;
use barnabas::zk::{MultiError, OpResult, ZkError};
use fastrand::Rng;

use crate::checks::Checks;
use crate::client::{Answer, Multi, Request, refused};
use crate::ensemble::{Ensemble, SESSION_TIMEOUT};
use crate::network::{Message, Network};

/// A machine broken on purpose, to see that the checks find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A follower keeps what its new leader does not have.
    KeepsTail,
    /// A leader's high watermark does not wait for the in-sync replicas.
    RushesWatermark,
    /// A controller's writes are not guarded by its epoch.
    WritesUnguarded,
    /// Leaders are elected from outside the ISR.
    ElectsAnyone,
    /// A broker accepts requests of controllers and leader epochs that are over.
    AcceptsStaleRequests,
    /// A leader answers followers of any leader epoch.
    FencesNobody,
    /// Records that were admitted in one leader epoch are written though another is in force.
    WritesThePast,
    /// A broker that stops and gets no answer closes as if its leaderships had been moved.
    TakesSilenceForLeave,
    /// A leader that never gets the outcome of the ISR it wrote goes on as if it had not been written.
    ForgetsDoubts,
    /// A leader does not notify waiting fetches of appended and replicated records.
    WakesNobody,
    /// The cleaner takes records away whose successors are not replicated yet (as Kafka 2.7.2 does).
    CleansPastHighWatermark,
    /// The cleaner retains the oldest record of a key, not the latest.
    RetainsOldest,
    /// The recovery point passes leader epochs that are not written yet.
    FlushesWithoutEpochs,
    /// A write that is repeated because its answer was lost takes a refusal for a success.
    BelievesItsWrites,
}

/// What happens next.
#[derive(Debug)]
pub enum Happening {
    /// A message arrives.
    Arrives { from: BrokerId, to: BrokerId, message: Message },
    /// The reads that a controller asked for take place.
    Trip { broker: BrokerId, epoch: i32 },
    /// Writes reach a server of ZooKeeper's.
    AtServer(Request),
    /// The outcomes of writes come back to their sender, if its connection is still open.
    Answered { broker: BrokerId, connection: u64, call: u64, answers: Vec<Answer> },
    /// A broker does what is due.
    Tick(BrokerId),
    /// A producer writes.
    Produce,
    /// A fault begins or ends.
    Fault,
}

/// The scene of a simulation.
#[derive(Debug)]
pub struct Scene {
    /// The only source of chance.
    pub rng: Rng,
    /// The time.
    pub now: Millis,
    /// Whether faults happen at present.
    pub rough: bool,
    /// Whether no session may end at present, because a broker that has lost records is in an ISR.
    pub fragile: bool,
    /// The flaw.
    pub flaw: Option<Flaw>,
    /// Whether leaders change their ISR by AlterIsr; else by ZooKeeper.
    pub alter_isr: bool,
    /// The network.
    pub network: Network,
    /// ZooKeeper.
    pub ensemble: Ensemble,
    /// Brokers that cannot reach ZooKeeper.
    pub cut_from_zookeeper: BTreeSet<BrokerId>,
    /// How often each broker's connection to ZooKeeper was lost, and when the next one opens.
    connections: BTreeMap<BrokerId, (u64, Millis)>,
    /// The replicas before the last change of assignments.
    replicas_before: BTreeMap<TopicPartition, Vec<BrokerId>>,
    /// The checks.
    pub checks: Checks,
    /// A log of events, for the reader of a failure.
    pub trace: Option<Vec<String>>,
    /// Events that the scene plans for later.
    pub later: Vec<(Millis, Happening)>,
    calls: u64,
}

impl Scene {
    /// The scene of a seed.
    pub fn new(seed: u64, flaw: Option<Flaw>, traced: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let alter_isr = rng.u8(..) < 160;
        Self {
            rng,
            now: 10_000,
            rough: true,
            fragile: false,
            flaw,
            alter_isr,
            network: Network::default(),
            ensemble: Ensemble::default(),
            cut_from_zookeeper: BTreeSet::new(),
            connections: BTreeMap::new(),
            replicas_before: BTreeMap::new(),
            checks: Checks::default(),
            trace: traced.then(Vec::new),
            later: Vec::new(),
            calls: 0,
        }
    }

    /// Adds a line for the reader of a failure.
    pub fn log_line(&mut self, text: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>6} {}", now - 10_000, text()));
        }
    }

    /// What a refusal is taken for: nothing, in a cluster with this flaw.
    pub fn overlooks(&self, flaw: Flaw) -> impl FnOnce(ErrorCode) -> Result<(), ErrorCode> + use<> {
        let flawed = self.flaw == Some(flaw);
        move |refusal| if flawed { Ok(()) } else { Err(refusal) }
    }

    /// A number for a call that is to be answered.
    pub fn call(&mut self) -> u64 {
        self.calls += 1;
        self.calls
    }

    /// Sends a message on its way.
    pub fn send(&mut self, from: BrokerId, to: BrokerId, message: Message) {
        let arrivals = if from == to {
            vec![self.now + 1]
        } else {
            self.network.arrivals(&mut self.rng, from, to, self.now, self.rough)
        };
        for at in arrivals {
            self.later.push((at, Happening::Arrives { from, to, message: message.clone() }));
        }
    }

    /// Whether a broker reaches ZooKeeper in a session that is alive.
    pub fn reaches_zookeeper(&self, broker: BrokerId, session: u64) -> bool {
        self.connected(broker) && self.ensemble.lives(session)
    }

    /// Whether a broker has a connection to ZooKeeper.
    pub fn connected(&self, broker: BrokerId) -> bool {
        let back = self.connections.get(&broker).is_none_or(|(_, back)| *back <= self.now);
        back && !self.cut_from_zookeeper.contains(&broker)
    }

    /// The number of a broker's connection: requests in flight on an earlier one are lost.
    pub fn connection(&self, broker: BrokerId) -> u64 {
        self.connections.get(&broker).map_or(0, |(lost, _)| *lost)
    }

    /// A broker's connection is lost; another one opens after a while, which the session may outlive or not.
    pub fn lose_connection(&mut self, broker: BrokerId) {
        let longest = if self.fragile { SESSION_TIMEOUT / 4 } else { SESSION_TIMEOUT * 3 / 2 };
        let back = self.now + self.rng.i64(20..longest);
        self.log_line(|| {
            format!("broker {broker} loses its connection to ZooKeeper until {}", back - 10_000)
        });
        let (lost, until) = self.connections.entry(broker).or_default();
        (*lost, *until) = (*lost + 1, back);
    }

    /// Cuts a broker off from ZooKeeper until that is undone.
    pub fn cut_from_zookeeper(&mut self, broker: BrokerId) {
        self.cut_from_zookeeper.insert(broker);
        self.connections.entry(broker).or_default().0 += 1;
    }

    /// All brokers reach ZooKeeper again.
    pub fn reconnect(&mut self) {
        self.cut_from_zookeeper.clear();
        self.connections.values_mut().for_each(|(_, back)| *back = 0);
    }

    /// Whether a connection breaks at this very moment.
    pub fn breaks(&mut self) -> bool {
        self.rough && self.rng.u8(..) < 40
    }

    /// Writes have reached the server; or only some of them, and no answer goes back, because the connection is lost.
    pub fn serve(&mut self, request: Request) {
        let Request { broker, session, connection, call, multis } = request;
        if connection != self.connection(broker) || !self.ensemble.lives(session) {
            return;
        }
        let breaks = self.breaks();
        let taken = if breaks { self.rng.usize(..=multis.len()) } else { multis.len() };
        let answers = multis[..taken].iter().map(|multi| self.execute(session, multi)).collect();
        if breaks {
            return self.lose_connection(broker);
        }
        let after = self.now + self.rng.i64(1..4);
        self.later.push((after, Happening::Answered { broker, connection, call, answers }));
    }

    fn execute(&mut self, session: u64, multi: &Multi) -> Answer {
        match multi {
            Multi::Decided { epoch, version, write } => match self.controller_writes(*epoch, *version, write)
            {
                Some(outcome) => answer(outcome, 1),
                None => refused(0, ZkError::BadVersion),
            },
            Multi::Claim { broker, epoch, version, now } => {
                let answer = self.ensemble.claim(*broker, session, *version, *now);
                if answer.is_ok() {
                    self.log_line(|| format!("broker {broker} is the controller, epoch {epoch}"));
                    self.checks.elected(*epoch);
                }
                answer
            }
            Multi::Isr { id, next } => answer(self.leader_writes(id, next), 0),
        }
    }

    /// Carries out a controller's write; None if the epoch is over.
    fn controller_writes(&mut self, epoch: i32, version: i32, write: &Write) -> Option<Outcome> {
        if version != self.ensemble.epoch_version && self.flaw != Some(Flaw::WritesUnguarded) {
            return None;
        }
        let before = match write {
            Write::SetState(id, _) => self.ensemble.znodes.states.get(id).cloned(),
            _ => None,
        };
        if let Write::SetAssignments(topic, partitions) = write {
            for number in partitions.keys() {
                let id = TopicPartition::new(topic.clone(), *number);
                let replicas = self.replicas(&id);
                self.replicas_before.insert(id, replicas);
            }
        }
        let outcome = self.ensemble.znodes.write(write);
        if let Outcome::Ok(_) = outcome {
            self.checks.controller_wrote(epoch, &format!("{write:?}"));
            match write {
                Write::SetState(id, now) | Write::CreateState(id, now) => {
                    self.state_written(id, before.as_ref(), now);
                }
                _ => {}
            }
        }
        Some(outcome)
    }

    /// Carries out a leader's write of its partition's state.
    fn leader_writes(&mut self, id: &TopicPartition, next: &Leadership) -> Outcome {
        let before = self.ensemble.znodes.states.get(id).cloned();
        let outcome = self.ensemble.znodes.set_state(id, next);
        if let Outcome::Ok(_) = outcome {
            self.state_written(id, before.as_ref(), next);
            let name = format!("isr_change_{:010}", self.call());
            self.ensemble.znodes.isr_notifications.insert(name, vec![id.clone()]);
        }
        outcome
    }

    fn state_written(&mut self, id: &TopicPartition, before: Option<&Leadership>, now: &Leadership) {
        let mut replicas = self.replicas(id);
        replicas.extend(self.replicas_before.get(id).into_iter().flatten());
        self.checks.state_written(id, before, now, &replicas);
        let state = now.leader_and_isr.clone();
        let epoch = now.controller_epoch;
        self.log_line(|| {
            format!(
                "{id}: leader {} epoch {} isr {:?} (controller epoch {epoch})",
                state.leader, state.leader_epoch, state.isr
            )
        });
    }

    /// The controller answers that it has moved all that a broker led but `left`.
    pub fn taken_over(&mut self, broker: BrokerId, left: &[TopicPartition]) {
        let moved = self.led_by(broker).into_iter().filter(|id| !left.contains(id)).collect();
        self.checks.handed_over(broker, moved);
    }

    /// A broker closes because it leads nothing any more.
    pub fn left_in_order(&mut self, broker: BrokerId) {
        let moved = self.led_by(broker);
        self.checks.handed_over(broker, moved);
    }

    /// What a broker leads by ZooKeeper's states.
    fn led_by(&self, broker: BrokerId) -> Vec<TopicPartition> {
        let states = self.ensemble.znodes.states.iter();
        states.filter(|(_, state)| state.leader_and_isr.leader == broker).map(|(id, _)| id.clone()).collect()
    }

    /// A partition's replicas.
    pub fn replicas(&self, id: &TopicPartition) -> Vec<BrokerId> {
        let topic = self.ensemble.znodes.topics.get(&id.topic);
        topic
            .and_then(|topic| Some(topic.partitions.get(&id.partition)?.replicas.clone()))
            .unwrap_or_default()
    }

    /// The leader epoch in ZooKeeper.
    pub fn epoch_in_force(&self, id: &TopicPartition) -> Option<LeaderEpoch> {
        self.ensemble.znodes.states.get(id).map(|moved| moved.leader_and_isr.leader_epoch)
    }
}

/// The result of a multi whose operation at this index had an outcome, those before it being checks.
fn answer(outcome: Outcome, index: usize) -> Answer {
    match outcome {
        Outcome::Ok(version) => {
            let checks = std::iter::repeat_n(OpResult::Done, index);
            Ok(checks.chain([OpResult::Set { version }]).collect())
        }
        Outcome::BadVersion => refused(index, ZkError::BadVersion),
        Outcome::NoNode => refused(index, ZkError::NoNode),
        Outcome::NodeExists => refused(index, ZkError::NodeExists),
        Outcome::NotEmpty => refused(index, ZkError::NotEmpty),
        Outcome::TooLarge(bytes) => Err(MultiError { index: None, source: ZkError::TooLarge(bytes) }),
        Outcome::Failed => refused(index, ZkError::Other("refused".to_owned())),
    }
}
