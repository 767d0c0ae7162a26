//! A broker that was elected: runs the controller's machine, as its driver does, one request to ZooKeeper at
//! a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use barnabas::base::{BrokerId, LeaderAndIsr, Millis, TopicPartition};
use barnabas::controller::decide::{AlterIsr, ControlledShutdown};
use barnabas::controller::event::{ControlResponse, Event};
use barnabas::controller::facts::Question;
use barnabas::controller::machine::ControllerMachine;
use barnabas::controller::multi;
use barnabas::controller::outbox::ControlRequest;
use barnabas::controller::reply::ControllerReply;
use barnabas::controller::state::ClusterState;
use barnabas::controller::step::{ControllerSettings, Effect, Watched};
use barnabas::controller::writes::{Outcome, Write};
use parking_lot::Mutex;

use crate::client::{Answer as Written, Multi, Progress, Writing};
use crate::network::Message;
use crate::scene::{Happening, Scene};

/// How long a controller waits for an answer before it sends again.
const PATIENCE: Millis = 300;

/// What the machine waits for.
#[derive(Debug)]
enum Trip {
    None,
    Gather(Vec<Question>),
    Commit(Vec<Write>, Writing),
}

/// The requests to one broker, in order.
#[derive(Debug, Default)]
struct Channel {
    queue: VecDeque<(u64, ControlRequest)>,
    sent: Option<Millis>,
}

/// Replies that are to be sent: to which broker, and what.
type Replies = Arc<Mutex<VecDeque<(BrokerId, Message)>>>;

/// One term of office.
#[derive(Debug)]
pub struct Term {
    broker: BrokerId,
    session: u64,
    /// The controller epoch.
    pub epoch: i32,
    version: i32,
    machine: ControllerMachine,
    trip: Trip,
    /// Events that wait.
    pub events: VecDeque<Event>,
    channels: BTreeMap<BrokerId, Channel>,
    replies: Replies,
    brokers_seen: BTreeMap<BrokerId, i64>,
    topics_seen: BTreeMap<Arc<str>, i32>,
    states_watched: BTreeMap<TopicPartition, i32>,
}

impl Term {
    /// Begins after a won election.
    pub fn new(broker: BrokerId, session: u64, (epoch, version): (i32, i32), alter_isr: bool) -> Self {
        let settings = ControllerSettings {
            broker,
            delete_topics: true,
            alter_isr,
            features: false,
            imbalance_percentage: 10,
        };
        Self {
            broker,
            session,
            epoch,
            version,
            machine: ControllerMachine::new(settings, ClusterState::elected(epoch, version)),
            trip: Trip::None,
            events: VecDeque::from([Event::Elected]),
            channels: BTreeMap::new(),
            replies: Replies::default(),
            brokers_seen: BTreeMap::new(),
            topics_seen: BTreeMap::new(),
            states_watched: BTreeMap::new(),
        }
    }

    /// Whether all that was begun is complete.
    pub fn is_idle(&self) -> bool {
        matches!(self.trip, Trip::None) && self.events.is_empty()
    }

    /// A leader sends AlterIsr, and waits for an answer to its call.
    pub fn alter_isr(
        &mut self,
        from: BrokerId,
        call: u64,
        broker_epoch: i64,
        wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
    ) {
        let reply = self.reply(from, move |outcome| Message::IsrAltered { call, outcome });
        self.events.push_back(Event::request(AlterIsr::new(from, broker_epoch, wanted, reply)));
    }

    /// A broker sends ControlledShutdown, and waits for an answer to its call.
    pub fn controlled_shutdown(&mut self, from: BrokerId, call: u64, broker_epoch: i64) {
        let reply = self.reply(from, move |outcome| Message::StillLed { call, outcome });
        self.events.push_back(Event::request(ControlledShutdown { broker: from, broker_epoch, reply }));
    }

    fn reply<T>(
        &self,
        to: BrokerId,
        message: impl Fn(T) -> Message + Send + Sync + 'static,
    ) -> ControllerReply<T> {
        let replies = self.replies.clone();
        ControllerReply::new(move |value| replies.lock().push_back((to, message(value))))
    }

    /// A broker has answered a request of the controller.
    pub fn answered(&mut self, from: BrokerId, call: u64, response: Option<ControlResponse>) {
        let Some(channel) = self.channels.get_mut(&from) else { return };
        if channel.queue.front().is_some_and(|(sent, _)| *sent == call) {
            channel.queue.pop_front();
            channel.sent = None;
            self.events.extend(response.map(Event::Response));
        }
    }

    /// Reads what has changed in ZooKeeper, sends what is due, handles events. False if the term is over.
    pub fn tick(&mut self, scene: &mut Scene) -> bool {
        if !self.commit(scene) {
            return false;
        }
        // An event in progress is completed before anything else is read, as in the driver.
        if matches!(self.trip, Trip::None) && scene.reaches_zookeeper(self.broker, self.session) {
            if scene.ensemble.controller != Some((self.broker, self.session)) {
                return false;
            }
            self.notice(scene);
        }
        self.deliver(scene);
        self.go_on(scene);
        true
    }

    /// The reports of watches: what differs from the last read.
    fn notice(&mut self, scene: &Scene) {
        let znodes = &scene.ensemble.znodes;
        if znodes.brokers != self.brokers_seen {
            self.brokers_seen = znodes.brokers.clone();
            self.events.push_back(Event::BrokersChanged);
        }
        let versions: BTreeMap<_, _> =
            znodes.topics.iter().map(|(name, topic)| (name.clone(), topic.version)).collect();
        if versions != self.topics_seen {
            if !versions.keys().eq(self.topics_seen.keys()) {
                self.events.push_back(Event::TopicsChanged);
            }
            for (name, version) in &versions {
                let known = self.machine.state().topic(name).map(|topic| topic.znode_version);
                if self.topics_seen.get(name).is_some_and(|seen| seen != version) && known != Some(*version) {
                    self.events.push_back(Event::TopicChanged(name.clone()));
                }
            }
            self.topics_seen = versions;
        }
        if !znodes.isr_notifications.is_empty() {
            self.events.push_back(Event::IsrNotified);
        }
        for (id, seen) in &mut self.states_watched {
            let version = znodes.states.get(id).map_or(-1, |held| held.leader_and_isr.zk_version);
            if version != *seen {
                *seen = version;
                self.events.push_back(Event::IsrChanged(id.clone()));
            }
        }
    }

    fn deliver(&mut self, scene: &mut Scene) {
        for (to, channel) in &mut self.channels {
            let due = channel.sent.is_none_or(|sent| sent + PATIENCE < scene.now);
            if let Some((call, request)) = channel.queue.front().filter(|_| due) {
                channel.sent = Some(scene.now);
                scene.send(self.broker, *to, Message::Control { call: *call, request: request.clone() });
            }
        }
    }

    /// Handles the waiting events, until ZooKeeper has to be read or written.
    fn go_on(&mut self, scene: &mut Scene) {
        while let Trip::None = self.trip {
            match self.machine.ask() {
                Some(questions) => {
                    self.trip = Trip::Gather(questions);
                    let after = scene.now + scene.rng.i64(1..8);
                    scene.later.push((after, Happening::Trip { broker: self.broker, epoch: self.epoch }));
                }
                None => match self.events.pop_front() {
                    Some(event) => self.machine.begin(event),
                    None => return,
                },
            }
        }
    }

    /// The reads for the machine are done. False if they showed that the term is over.
    pub fn arrived(&mut self, scene: &mut Scene) -> bool {
        if !scene.connected(self.broker) {
            // The connection is lost; the client tries again as long as the session may live.
            let after = scene.now + 100;
            scene.later.push((after, Happening::Trip { broker: self.broker, epoch: self.epoch }));
            return true;
        }
        if !scene.ensemble.lives(self.session) {
            return false;
        }
        match std::mem::replace(&mut self.trip, Trip::None) {
            Trip::Gather(questions) => {
                let writes = self.machine.decide(scene.ensemble.znodes.gather(questions));
                if writes.is_empty() {
                    self.apply(&[], scene);
                } else {
                    let (epoch, version) = (self.epoch, self.version);
                    let decided = |write: &Write| Multi::Decided { epoch, version, write: write.clone() };
                    let multis = writes.iter().map(decided).collect();
                    let writing = Writing::begin(scene, self.broker, self.session, multis);
                    self.trip = Trip::Commit(writes, writing);
                }
            }
            other => self.trip = other,
        }
        self.go_on(scene);
        true
    }

    /// The outcomes of writes. False if they showed that the term is over.
    pub fn written(&mut self, call: u64, answers: Vec<Written>, scene: &mut Scene) -> bool {
        if let Trip::Commit(_, writing) = &mut self.trip {
            writing.answered(call, answers);
        }
        let goes_on = self.commit(scene);
        if goes_on {
            self.go_on(scene);
        }
        goes_on
    }

    /// Continues writes that are in flight. False if they showed that the term is over.
    fn commit(&mut self, scene: &mut Scene) -> bool {
        let (writes, answers) = match std::mem::replace(&mut self.trip, Trip::None) {
            Trip::Commit(writes, writing) => match writing.go_on(scene) {
                Progress::Waits(writing) => {
                    self.trip = Trip::Commit(writes, writing);
                    return true;
                }
                Progress::Expired => return false,
                Progress::Known(answers) => (writes, answers),
            },
            other => {
                self.trip = other;
                return true;
            }
        };
        let outcomes = answers.into_iter().zip(&writes).map(|(answer, write)| multi::outcome(answer, write));
        let Ok(outcomes) = outcomes.collect::<Result<Vec<_>, _>>() else { return false };
        self.apply(&outcomes, scene);
        true
    }

    fn apply(&mut self, outcomes: &[Outcome], scene: &mut Scene) {
        for effect in self.machine.apply(outcomes) {
            match effect {
                Effect::Send(request) => {
                    let call = scene.call();
                    if let Some(channel) = self.channels.get_mut(&request.to) {
                        channel.queue.push_back((call, request));
                    }
                }
                Effect::Connect(broker) => drop(self.channels.insert(broker.id, Channel::default())),
                Effect::Disconnect(id) => drop(self.channels.remove(&id)),
                Effect::Watch(Watched::State(id)) => drop(self.states_watched.insert(id, -2)),
                Effect::Unwatch(Watched::State(id)) => drop(self.states_watched.remove(&id)),
                Effect::Watch(_) | Effect::Unwatch(_) | Effect::Moved(_) | Effect::Log(..) => {}
                Effect::Reply(delivery) => {
                    delivery.deliver();
                    self.send_replies(scene);
                }
                Effect::Later(step) => self.events.push_back(Event::PutOff(step)),
            }
        }
        self.deliver(scene);
    }

    fn send_replies(&mut self, scene: &mut Scene) {
        for (to, message) in self.replies.lock().drain(..) {
            if let Message::StillLed { outcome: Ok(led), .. } = &message
                && scene.ensemble.controller_epoch == self.epoch
            {
                scene.taken_over(to, led);
            }
            scene.send(self.broker, to, message);
        }
    }
}
