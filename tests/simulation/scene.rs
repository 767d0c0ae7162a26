//! What all brokers of a simulation have in common: chance, time, the network, ZooKeeper, and what must hold.

use std::collections::{BTreeMap, BTreeSet};

use barnabas::base::{BrokerId, LeaderEpoch, Millis, TopicPartition};
use barnabas::controller::state::Leadership;
use barnabas::controller::writes::{Outcome, Write};
use barnabas::wire::error_code::ErrorCode;
use fastrand::Rng;

use crate::checks::Checks;
use crate::ensemble::Ensemble;
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
    /// A broker heeds controllers and leader epochs that are over.
    HeedsThePast,
    /// A leader answers whatever epoch a follower is in.
    FencesNobody,
}

/// What happens next.
#[derive(Debug)]
pub enum Happening {
    /// A message arrives.
    Arrives { from: BrokerId, to: BrokerId, message: Message },
    /// What a controller asked of ZooKeeper is done.
    Trip { broker: BrokerId, epoch: i32 },
    /// A broker looks at what is due.
    Tick(BrokerId),
    /// A producer writes.
    Produce,
    /// Something goes wrong, or right again.
    Fault,
}

/// The scene of a simulation.
#[derive(Debug)]
pub struct Scene {
    /// All chance there is.
    pub rng: Rng,
    /// The time.
    pub now: Millis,
    /// Whether things go wrong at present.
    pub rough: bool,
    /// What is broken.
    pub flaw: Option<Flaw>,
    /// Whether leaders change their ISR by AlterIsr; else by ZooKeeper.
    pub alter_isr: bool,
    /// The network.
    pub network: Network,
    /// ZooKeeper.
    pub ensemble: Ensemble,
    /// Brokers that cannot reach ZooKeeper.
    pub cut_from_zookeeper: BTreeSet<BrokerId>,
    /// Where replicas were placed before the last change of their places.
    replicas_before: BTreeMap<TopicPartition, Vec<BrokerId>>,
    /// What must hold.
    pub checks: Checks,
    /// What was seen to happen, for whoever reads a failure.
    pub trace: Option<Vec<String>>,
    /// What the scene wants to happen later.
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
            flaw,
            alter_isr,
            network: Network::default(),
            ensemble: Ensemble::default(),
            cut_from_zookeeper: BTreeSet::new(),
            replicas_before: BTreeMap::new(),
            checks: Checks::default(),
            trace: traced.then(Vec::new),
            later: Vec::new(),
            calls: 0,
        }
    }

    /// Notes something for whoever reads a failure.
    pub fn say(&mut self, text: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>6} {}", now - 10_000, text()));
        }
    }

    /// What is made of a refusal: nothing, in a cluster with this flaw.
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

    /// Whether a broker reaches ZooKeeper in a session that lives.
    pub fn reaches_zookeeper(&self, broker: BrokerId, session: u64) -> bool {
        !self.cut_from_zookeeper.contains(&broker) && self.ensemble.lives(session)
    }

    /// Carries a controller's write out; None where the epoch is over.
    pub fn controller_writes(&mut self, epoch: i32, version: i32, write: &Write) -> Option<Outcome> {
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

    /// Carries a leader's write of its partition's state out.
    pub fn leader_writes(&mut self, id: &TopicPartition, next: &Leadership) -> Outcome {
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
        self.say(|| {
            format!(
                "{id}: leader {} epoch {} isr {:?} (controller epoch {epoch})",
                state.leader, state.leader_epoch, state.isr
            )
        });
    }

    /// Where a partition's replicas are placed.
    pub fn replicas(&self, id: &TopicPartition) -> Vec<BrokerId> {
        let topic = self.ensemble.znodes.topics.get(&id.topic);
        topic
            .and_then(|topic| Some(topic.partitions.get(&id.partition)?.replicas.clone()))
            .unwrap_or_default()
    }

    /// The leader epoch that ZooKeeper holds.
    pub fn epoch_held(&self, id: &TopicPartition) -> Option<LeaderEpoch> {
        self.ensemble.znodes.states.get(id).map(|held| held.leader_and_isr.leader_epoch)
    }
}
