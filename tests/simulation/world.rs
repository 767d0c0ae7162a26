//! A whole cluster from one seed: brokers, ZooKeeper, producers, and the faults between them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use barnabas::base::{Assignment, BrokerId, Millis, TopicPartition};
use barnabas::controller::decide::{AlterReassignments, ElectLeaders, ElectionTrigger};
use barnabas::controller::election::ElectionKind;
use barnabas::controller::event::Event;
use barnabas::controller::reply::ControllerReply;
use barnabas::controller::step::Step;

use crate::host::Host;
use crate::scene::{Flaw, Happening, Scene};

/// The brokers of a cluster.
const BROKERS: std::ops::RangeInclusive<BrokerId> = 1..=4;
/// How many replicas a partition has.
const REPLICATION_FACTOR: usize = 3;
/// For how long faults happen.
const ROUGH: Millis = 15_000;
/// How long the cluster may take to recover after that.
const RECOVERY: Millis = 15_000;
/// How often a broker does what is due.
const TICK: std::ops::Range<Millis> = 20..80;

/// The outcome of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What did not hold.
    pub violation: Option<String>,
    /// What had not recovered at the end.
    pub broken: Option<String>,
    /// How many events happened.
    pub steps: usize,
    /// How many records were acknowledged.
    pub acknowledged: usize,
    /// The log of events, if it was asked for.
    pub trace: Vec<String>,
}

/// The cluster.
pub struct World {
    scene: Scene,
    hosts: BTreeMap<BrokerId, Host>,
    queue: BinaryHeap<Reverse<(Millis, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    last: u64,
    topics: usize,
    values: u64,
}

/// Runs the cluster of a seed to its end, or to the first thing that does not hold.
pub fn run(seed: u64, flaw: Option<Flaw>, traced: bool) -> Outcome {
    let mut world = World::new(seed, flaw, traced);
    let end = world.scene.now + ROUGH;
    let mut steps = world.run_until(end);
    world.calm_down();
    let end = end + RECOVERY;
    steps += world.run_until(end);
    world.check_whole();
    Outcome {
        violation: world.scene.checks.violation.take(),
        broken: world.scene.checks.broken.take(),
        steps,
        acknowledged: world.scene.checks.acknowledged(),
        trace: world.scene.trace.take().unwrap_or_default(),
    }
}

impl World {
    fn new(seed: u64, flaw: Option<Flaw>, traced: bool) -> Self {
        let mut world = Self {
            scene: Scene::new(seed, flaw, traced),
            hosts: BROKERS.map(|id| (id, Host::new(id))).collect(),
            queue: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            last: 0,
            topics: 0,
            values: 0,
        };
        world.create_topic();
        world.create_topic();
        let now = world.scene.now;
        for id in BROKERS {
            world.at(now + Millis::from(id), Happening::Tick(id));
        }
        world.at(now + 500, Happening::Produce);
        world.at(now + 1000, Happening::Fault);
        world
    }

    fn at(&mut self, time: Millis, happening: Happening) {
        self.last += 1;
        self.queue.push(Reverse((time, self.last)));
        self.happenings.insert(self.last, happening);
    }

    fn run_until(&mut self, end: Millis) -> usize {
        let mut steps = 0;
        while self.scene.checks.violation.is_none()
            && let Some(Reverse((time, number))) = self.queue.pop()
        {
            if time > end {
                self.queue.push(Reverse((time, number)));
                break;
            }
            self.scene.now = time;
            if let Some(happening) = self.happenings.remove(&number) {
                self.step(happening);
                steps += 1;
            }
            for (time, happening) in std::mem::take(&mut self.scene.later) {
                self.at(time, happening);
            }
        }
        steps
    }

    fn step(&mut self, happening: Happening) {
        self.scene.ensemble.expire(self.scene.now);
        self.scene.fragile = self.is_repairing();
        match happening {
            Happening::Arrives { to, .. } | Happening::Trip { broker: to, .. } | Happening::Tick(to) => {
                self.at_host(to, happening);
            }
            Happening::Answered { broker, .. } => self.at_host(broker, happening),
            Happening::AtServer(request) => self.scene.serve(request),
            Happening::Produce => {
                self.produce();
                let next = self.scene.now + self.scene.rng.i64(5..60);
                self.at(next, Happening::Produce);
            }
            Happening::Fault => {
                if self.scene.rough {
                    self.fault();
                    let next = self.scene.now + self.scene.rng.i64(100..1200);
                    self.at(next, Happening::Fault);
                }
            }
        }
    }

    fn at_host(&mut self, id: BrokerId, happening: Happening) {
        let (scene, Some(host)) = (&mut self.scene, self.hosts.get_mut(&id)) else { return };
        if host.still_until > scene.now {
            let resumed = host.still_until;
            return self.at(resumed, happening);
        }
        match happening {
            Happening::Arrives { from, message, .. } if host.serves() => host.receive(from, message, scene),
            Happening::Trip { epoch, .. } => {
                let Some(term) = host.term.as_mut().filter(|term| term.epoch == epoch) else { return };
                if !term.arrived(scene) {
                    host.term = None;
                }
            }
            Happening::Answered { connection, call, answers, .. }
                if host.up && connection == scene.connection(id) =>
            {
                host.written(call, answers, scene);
            }
            Happening::Tick(_) => {
                if host.up {
                    host.tick(scene);
                }
                let next = scene.now + scene.rng.i64(TICK);
                self.at(next, Happening::Tick(id));
            }
            _ => {}
        }
    }

    fn produce(&mut self) {
        let up: Vec<_> =
            self.hosts.values().filter(|host| host.serves() && host.still_until <= self.scene.now).collect();
        let led: Vec<_> = up.iter().flat_map(|host| host.led().into_iter().map(|id| (host.id, id))).collect();
        if led.is_empty() {
            return;
        }
        let (broker, id) = led[self.scene.rng.usize(..led.len())].clone();
        self.values += 1;
        if let Some(host) = self.hosts.get_mut(&broker) {
            host.produce(&id, self.values, &mut self.scene);
        }
    }

    // ---- faults ----

    fn fault(&mut self) {
        let id = self.scene.rng.i32(BROKERS);
        let other = self.scene.rng.i32(BROKERS);
        let kind = self.scene.rng.u8(0..16);
        let network_only = self.is_repairing();
        match kind {
            0 | 1 if !network_only => self.crash(id),
            2 | 3 => self.restart(),
            4 if id != other => {
                self.scene.log_line(|| format!("brokers {id} and {other} are cut off from each other"));
                self.scene.network.cut(id, other);
            }
            5 => {
                self.scene.log_line(|| "the network heals".to_owned());
                self.scene.network.heal();
            }
            6 if !network_only => {
                self.scene.log_line(|| format!("broker {id} is cut off from ZooKeeper"));
                self.scene.cut_from_zookeeper(id);
            }
            7 => self.scene.reconnect(),
            8 if !network_only => {
                let until = self.scene.now + self.scene.rng.i64(200..4000);
                self.scene.log_line(|| format!("broker {id} stands still until {until}"));
                self.host(id).still_until = until;
            }
            9 if !network_only => {
                if let Some(session) = self.host(id).session {
                    self.scene.log_line(|| format!("the session of broker {id} ends"));
                    self.scene.ensemble.close(session);
                }
            }
            10 => self.reassign(),
            11 => self.elect_preferred(),
            12 if !network_only => self.stop(id),
            13 if self.topics < 4 => self.create_topic(),
            14 => {
                self.scene.log_line(|| "/controller is deleted by hand".to_owned());
                self.scene.ensemble.controller = None;
            }
            15 => self.scene.lose_connection(id),
            _ => {}
        }
    }

    fn host(&mut self, id: BrokerId) -> &mut Host {
        self.hosts.get_mut(&id).expect("one of the brokers")
    }

    /// Whether a broker that lost acknowledged records is still in an ISR. Kafka does not flush what it
    /// acknowledges: it relies on a replica that has lost something being out of the ISR before any other
    /// goes, and so do its users.
    fn is_repairing(&self) -> bool {
        self.hosts.values().any(|host| host.damaged && self.is_in_an_isr(host.id))
    }

    fn is_in_an_isr(&self, id: BrokerId) -> bool {
        let states = self.scene.ensemble.znodes.states.values();
        states.into_iter().any(|held| held.leader_and_isr.isr.contains(&id))
    }

    /// Whether all other brokers run and are connected to ZooKeeper.
    fn all_well_but(&self, id: BrokerId) -> bool {
        let scene = &self.scene;
        self.hosts.values().filter(|host| host.id != id).all(|host| {
            let in_session = host.session.is_some_and(|session| scene.reaches_zookeeper(host.id, session));
            host.up && !host.stops() && host.still_until <= scene.now && in_session
        })
    }

    /// Whether every partition of this broker has another in-sync replica.
    fn others_hold_all(&self, id: BrokerId) -> bool {
        let states = self.scene.ensemble.znodes.states.values();
        states
            .into_iter()
            .map(|held| &held.leader_and_isr.isr)
            .all(|isr| isr.iter().any(|other| *other != id))
    }

    fn crash(&mut self, id: BrokerId) {
        if !self.may_leave(id) && !self.host(id).stops() {
            return;
        }
        let settled = self.hosts.values().all(Host::decides_nothing) && self.host(id).proposes_nothing();
        let bearable = self.all_well_but(id) && self.others_hold_all(id) && settled;
        let loses = bearable && self.scene.rng.bool();
        self.scene.log_line(|| {
            format!("broker {id} crashes{}", if loses { " and loses what was not flushed" } else { "" })
        });
        self.host(id).crash(loses);
        self.scene.checks.crashed(id);
    }

    /// A broker begins to stop in order.
    fn stop(&mut self, id: BrokerId) {
        if !self.may_leave(id) || !self.host(id).serves() {
            return;
        }
        self.scene.log_line(|| format!("broker {id} begins to stop"));
        let (scene, Some(host)) = (&mut self.scene, self.hosts.get_mut(&id)) else { return };
        host.begin_to_stop(scene);
    }

    /// Whether enough brokers are left without this one.
    fn may_leave(&self, id: BrokerId) -> bool {
        let stays = |host: &&Host| host.up && !host.stops();
        self.hosts.get(&id).is_some_and(|host| stays(&host)) && self.hosts.values().filter(stays).count() >= 3
    }

    fn restart(&mut self) {
        let down = self.hosts.values().filter(|host| !host.up).map(|host| host.id);
        let ready: Vec<_> = down.filter(|id| !(self.hosts[id].damaged && self.is_in_an_isr(*id))).collect();
        for id in ready {
            self.scene.log_line(|| format!("broker {id} starts"));
            let host = self.host(id);
            (host.up, host.damaged) = (true, false);
        }
    }

    /// Sends a request to the broker that acts as controller; nothing waits for the answer.
    fn ask_controller(&mut self, request: impl Step + 'static) {
        let acting = self.hosts.values_mut().find_map(|host| host.term.as_mut());
        if let Some(term) = acting {
            term.events.push_back(Event::request(request));
        }
    }

    fn reassign(&mut self) {
        let Some(id) = self.some_partition() else { return };
        if !self.may_be_moved(&id) {
            return;
        }
        let to = self.some_brokers();
        self.scene.log_line(|| format!("{id} is to move to {to:?}"));
        let wanted = BTreeMap::from([(id, Some(to))]);
        self.ask_controller(AlterReassignments { wanted, reply: ControllerReply::new(|_| {}) });
    }

    /// Kafka removes a replica that a reassignment was adding again if the next one does not want it, even if
    /// no other is in sync: so a reassignment in progress is only changed while all replicas are in sync.
    fn may_be_moved(&self, id: &TopicPartition) -> bool {
        let znodes = &self.scene.ensemble.znodes;
        let held = znodes.topics.get(&id.topic).and_then(|topic| topic.partitions.get(&id.partition));
        let Some((assignment, state)) = held.zip(znodes.states.get(id)) else { return false };
        let all_in_sync = assignment.replicas.iter().all(|broker| state.leader_and_isr.isr.contains(broker));
        !assignment.is_being_reassigned() || (all_in_sync && self.all_well_but(0))
    }

    fn elect_preferred(&mut self) {
        let Some(id) = self.some_partition() else { return };
        self.scene.log_line(|| format!("the preferred leader of {id} is to lead"));
        self.ask_controller(ElectLeaders {
            partitions: Some(vec![id]),
            kind: ElectionKind::Preferred,
            trigger: ElectionTrigger::Admin(ControllerReply::new(|_| {})),
        });
    }

    fn some_partition(&mut self) -> Option<TopicPartition> {
        let all: Vec<_> = self.scene.ensemble.znodes.states.keys().cloned().collect();
        (!all.is_empty()).then(|| all[self.scene.rng.usize(..all.len())].clone())
    }

    fn some_brokers(&mut self) -> Vec<BrokerId> {
        let mut brokers: Vec<_> = BROKERS.collect();
        self.scene.rng.shuffle(&mut brokers);
        brokers.truncate(REPLICATION_FACTOR);
        brokers
    }

    fn create_topic(&mut self) {
        let name = format!("t{}", self.topics);
        self.topics += 1;
        let replicas = self.some_brokers();
        self.scene.log_line(|| format!("topic {name} is created on {replicas:?}"));
        let partitions = BTreeMap::from([(0, Assignment::new(replicas))]);
        self.scene.ensemble.znodes.put_topic(&name, partitions);
        if self.scene.flaw == Some(Flaw::ElectsAnyone) {
            self.scene.ensemble.znodes.unclean.insert(name.as_str().into());
        }
    }

    // ---- the end ----

    /// No more faults, and all brokers run.
    fn calm_down(&mut self) {
        self.scene.log_line(|| "all is calm from here on".to_owned());
        self.scene.rough = false;
        self.scene.network.heal();
        self.scene.reconnect();
        for host in self.hosts.values_mut() {
            host.still_until = 0;
        }
        // A broker that has lost records waits until it is out of the ISR, as before.
        let mut waits = 0;
        while self.hosts.values().any(|host| !host.up || host.stops()) && waits < 100 {
            self.restart();
            waits += 1;
            let soon = self.scene.now + 100;
            self.run_until(soon);
        }
    }

    /// After a calm while every partition is led, its replicas are in sync and equal, and no record is lost.
    fn check_whole(&mut self) {
        if self.scene.checks.violation.is_some() {
            return;
        }
        let states = self.scene.ensemble.znodes.states.clone();
        for (id, held) in states {
            let state = held.leader_and_isr;
            let assignment = &self.scene.ensemble.znodes.topics[&id.topic].partitions[&id.partition];
            let Some(leader) = self.hosts.get(&state.leader).filter(|host| host.led().contains(&id)) else {
                self.scene.checks.broken = Some(format!("{id} has no leader in the end: {state:?}"));
                return;
            };
            let log = &leader.disks[&id];
            self.scene.checks.holds_acknowledged(&id, leader.id, log);
            let (mut isr, mut replicas) = (state.isr.clone(), assignment.replicas.clone());
            isr.sort_unstable();
            replicas.sort_unstable();
            if assignment.is_being_reassigned() || isr != replicas {
                self.scene.checks.broken =
                    Some(format!("{id} is not whole in the end: {state:?} of {assignment:?}"));
                return;
            }
        }
    }
}
