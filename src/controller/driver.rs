//! The controller's loop: stands for election, and while elected carries events through the machine one after the other.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::channel::{Channel, Manner};
use super::commit;
use super::event::{Answer, ElectionTrigger, Event, PerPartition, Ticket};
use super::gather::{Others, gather};
use super::machine::{Effect, Machine, Settings, Severity, Watched};
use super::multi::Stopped;
use super::state::ClusterState;
use super::{Command, Leaderships};
use crate::base::{Assignment, BrokerId, Clock, TopicPartition};
use crate::config::{BrokerConfig, KafkaVersion, LiveConfig, RequestVersions};
use crate::wire::error_code::ErrorCode;
use crate::zk::claim::{self, Claim};
use crate::zk::znode::{
    broker, controller, delete_topic, isr_change, log_dir_event, partition_state, preferred_election,
    reassign_partitions, topic,
};
use crate::zk::{Watches, ZkError, ZnodeChange, ZooKeeper};

/// How many answers of brokers may wait.
const ANSWERS_WAITING: usize = 1024;
/// How long after its election a controller first looks at leader imbalance.
const FIRST_IMBALANCE_CHECK: Duration = Duration::from_secs(5);
/// How long a candidate waits after a failure before it stands again.
const PAUSE: Duration = Duration::from_millis(100);
const TARGET: &str = "kafka.controller.KafkaController";

/// What the loop runs on.
pub(super) struct Driver {
    pub zk: ZooKeeper,
    pub broker: BrokerId,
    pub config: Arc<BrokerConfig>,
    pub live: LiveConfig,
    pub clock: Clock,
    /// The generation of the session in which this broker registered last.
    pub registered: watch::Receiver<u64>,
    pub waiting: mpsc::Receiver<Command>,
    pub activity: watch::Sender<Option<i32>>,
    pub stop: CancellationToken,
}

/// Stands for election until told to stop.
pub(super) async fn run(mut driver: Driver) {
    let stop = driver.stop.clone();
    tokio::select! {
        biased;
        () = driver.stand() => {}
        () = stop.cancelled() => {}
    }
    driver.activity.send_replace(None);
}

impl Driver {
    /// Stands for election, and acts when elected, until the session is closed.
    ///
    /// `/controller` is watched anew by each candidate and by each controller: only what differs is reported, so that one
    /// that came and went between two looks, be it this broker's own, would leave an old watch waiting for a change that
    /// has already been.
    async fn stand(&mut self) {
        loop {
            if !self.vacancy(&mut self.watched_anew()).await {
                return;
            }
            self.await_registration().await;
            match claim::claim(&self.zk, self.broker, self.clock.now()).await {
                Ok(Some(claim)) => self.serve(claim, self.watched_anew()).await,
                Ok(None) => {}
                Err(error) => {
                    log::error!(target: TARGET, "[Controller id={}] Error while electing or becoming controller: {error}", self.broker);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits until this broker is registered in the present session: elected before, it would find itself dead.
    async fn await_registration(&mut self) {
        let Self { registered, zk, waiting, .. } = self;
        loop {
            tokio::select! {
                _ = registered.wait_for(|generation| *generation == zk.generation()) => return,
                // Dropping the command answers it: not the controller.
                Some(_) = waiting.recv() => {}
            }
        }
    }

    fn watched_anew(&self) -> Watches {
        let mut watches = self.zk.watches();
        watches.watch_data(controller::PATH);
        watches
    }

    /// Waits until `/controller` is vacant; false where the session is closed.
    async fn vacancy(&mut self, watches: &mut Watches) -> bool {
        loop {
            let change = tokio::select! {
                change = watches.next() => change,
                // Dropping the command answers it: not the controller.
                Some(_) = self.waiting.recv() => continue,
            };
            match change {
                None => return false,
                Some(ZnodeChange::Data { data: None, .. }) => return true,
                Some(ZnodeChange::Data { data: Some((data, _)), .. }) => {
                    if let Ok(id) = controller::decode(&data) {
                        log::debug!(target: TARGET, "Broker {id} has been elected as the controller");
                    }
                    self.vacate().await;
                }
                Some(_) => {}
            }
        }
    }

    /// One term of office, from a won election to the resignation.
    async fn serve(&mut self, claim: Claim, mut watches: Watches) {
        let (id, epoch, version) = (self.broker, claim.epoch, claim.epoch_version);
        log::info!(target: TARGET, "[Controller id={id}] {id} successfully elected as the controller. Epoch incremented to {epoch} and epoch zk version is now {version}");
        let reason = self.lead(claim, &mut watches).await;
        self.activity.send_replace(None);
        log::info!(target: TARGET, "[Controller id={id}] Resigned: {reason}");
        if !self.stop.is_cancelled() && self.vacate().await {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Deletes `/controller` where it is held by this session though this broker does not act; whether it did.
    /// Without this a term that ended in a failure would leave a cluster whose controller does nothing.
    async fn vacate(&self) -> bool {
        let held = match self.zk.get(controller::PATH).await {
            Ok(Some((_, stat))) if stat.ephemeral_owner == self.zk.session_id() => stat.version,
            _ => return false,
        };
        log::warn!(target: TARGET, "[Controller id={}] Forcing the controller to resign", self.broker);
        self.zk.delete(controller::PATH, Some(held)).await.is_ok()
    }

    /// Acts as controller until that is over; why it is.
    async fn lead(&mut self, claim: Claim, watches: &mut Watches) -> String {
        let protocol = &self.config.inter_broker_protocol_version;
        let versions = RequestVersions::of(protocol);
        let settings = Settings {
            broker: self.broker,
            delete_topics: self.config.delete_topic_enable,
            alter_isr: versions.alter_isr.is_some(),
            features: protocol.at_least(KafkaVersion::V2_7_IV0),
            imbalance_percentage: u32::try_from(self.config.leader_imbalance_per_broker_percentage)
                .unwrap_or(0),
        };
        let listener = match self.config.inter_broker_listener() {
            Ok(listener) => listener,
            Err(error) => return error.to_string(),
        };
        let (answers, answered) = mpsc::channel(ANSWERS_WAITING);
        let manner = Manner {
            controller: self.broker,
            listener,
            versions,
            timeout: Duration::from_millis(
                u64::try_from(self.config.controller_socket_timeout_ms).unwrap_or(30_000),
            ),
            answers,
        };
        let term = Term {
            zk: self.zk.clone(),
            claim,
            live: self.live.clone(),
            machine: Machine::new(settings, ClusterState::elected(claim.epoch, claim.epoch_version)),
            manner,
            channels: BTreeMap::new(),
            waiting: HashMap::new(),
            next_ticket: 0,
            request: None,
            others: Others::default(),
            events: VecDeque::from([Event::Elected]),
        };
        self.activity.send_replace(Some(claim.epoch));
        term.serve(self, watches, answered).await
    }
}

/// Who waits for an answer.
enum Waiting {
    ControlledShutdown(oneshot::Sender<Result<Vec<TopicPartition>, ErrorCode>>),
    AlterIsr(oneshot::Sender<Result<Leaderships, ErrorCode>>),
    AlterReassignments(oneshot::Sender<PerPartition<()>>),
    ListReassignments(oneshot::Sender<BTreeMap<TopicPartition, Assignment>>),
    ElectLeaders(oneshot::Sender<PerPartition<BrokerId>>),
}

/// One term of office.
struct Term {
    zk: ZooKeeper,
    claim: Claim,
    live: LiveConfig,
    machine: Machine,
    manner: Manner,
    channels: BTreeMap<BrokerId, Channel>,
    waiting: HashMap<Ticket, Waiting>,
    next_ticket: Ticket,
    /// The `/admin/reassign_partitions` seen last, by its czxid; -1 where there was none.
    request: Option<i64>,
    /// What is written back beside the states of partitions.
    others: Others,
    events: VecDeque<Event>,
}

impl Term {
    async fn serve(
        mut self,
        driver: &mut Driver,
        watches: &mut Watches,
        mut answered: mpsc::Receiver<Event>,
    ) -> String {
        for parent in
            [broker::PARENT, topic::PARENT, delete_topic::PARENT, isr_change::PARENT, log_dir_event::PARENT]
        {
            watches.watch_children(parent);
        }
        watches.watch_data(preferred_election::PATH);
        watches.watch_data(reassign_partitions::PATH);
        let period = Duration::from_secs(
            u64::try_from(driver.config.leader_imbalance_check_interval_seconds).unwrap_or(300).max(1),
        );
        let mut imbalance = tokio::time::interval_at(Instant::now() + FIRST_IMBALANCE_CHECK, period);
        loop {
            while let Some(event) = self.events.pop_front() {
                if let Err(reason) = self.process(event, watches).await {
                    return reason;
                }
            }
            tokio::select! {
                change = watches.next() => match change {
                    None => return "the session is closed".to_owned(),
                    Some(change) => if let Err(reason) = self.notice(change) {
                        return reason;
                    },
                },
                Some(event) = answered.recv() => self.events.push_back(event),
                Some(command) = driver.waiting.recv() => self.take(command),
                _ = imbalance.tick(), if driver.config.auto_leader_rebalance_enable => self.events.push_back(Event::CheckImbalance),
                () = driver.stop.cancelled() => return "the broker stops".to_owned(),
            }
        }
    }

    /// Carries one event through the machine.
    async fn process(&mut self, event: Event, watches: &mut Watches) -> Result<(), String> {
        self.machine.begin(event);
        while let Some(questions) = self.machine.ask() {
            let defaults = self.live.current().broker.topic_defaults();
            let facts = gather(&self.zk, &defaults, &mut self.others, questions).await;
            let facts = facts.map_err(|error| error.to_string())?;
            let writes = self.machine.decide(facts);
            let outcomes = if writes.is_empty() {
                Vec::new()
            } else {
                self.commit(writes).await.map_err(|stopped| match stopped {
                    Stopped::Moved => "Controller moved to another broker".to_owned(),
                    Stopped::Failed(error) => error.to_string(),
                })?
            };
            for effect in self.machine.apply(&outcomes) {
                self.carry_out(effect, watches);
            }
        }
        Ok(())
    }

    async fn commit(
        &self,
        writes: Vec<super::writes::Write>,
    ) -> Result<Vec<super::writes::Outcome>, Stopped> {
        if self.zk.generation() != self.claim.generation {
            return Err(Stopped::Failed(ZkError::SessionExpired));
        }
        commit::commit(&self.zk, self.claim.epoch_version, &self.others, writes).await
    }

    fn carry_out(&mut self, effect: Effect, watches: &mut Watches) {
        match effect {
            Effect::Tell(tell) => {
                if let Some(channel) = self.channels.get(&tell.to) {
                    channel.send(tell);
                }
            }
            Effect::Connect(broker) => {
                let id = broker.id;
                self.channels.insert(id, Channel::open(broker, self.manner.clone()));
            }
            Effect::Disconnect(id) => drop(self.channels.remove(&id)),
            Effect::Watch(watched) => watches.watch_data(&path(&watched)),
            Effect::Unwatch(watched) => watches.unwatch(&path(&watched)),
            Effect::Answer(ticket, answer) => self.answer(ticket, answer),
            Effect::Again(event) => self.events.push_back(event),
            Effect::Note(Severity::Info, text) => log::info!(target: TARGET, "{text}"),
            Effect::Note(Severity::Warn, text) => log::warn!(target: TARGET, "{text}"),
            Effect::Note(Severity::Error, text) => log::error!(target: TARGET, "{text}"),
        }
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        // Whoever asked may have given up.
        match (self.waiting.remove(&ticket), answer) {
            (Some(Waiting::ControlledShutdown(reply)), Answer::ControlledShutdown(left)) => {
                drop(reply.send(left));
            }
            (Some(Waiting::AlterIsr(reply)), Answer::AlterIsr(held)) => drop(reply.send(held)),
            (Some(Waiting::AlterReassignments(reply)), Answer::AlterReassignments(begun)) => {
                drop(reply.send(begun));
            }
            (Some(Waiting::ListReassignments(reply)), Answer::Reassignments(found)) => {
                drop(reply.send(found));
            }
            (Some(Waiting::ElectLeaders(reply)), Answer::ElectLeaders(elected)) => drop(reply.send(elected)),
            _ => {}
        }
    }

    fn take(&mut self, command: Command) {
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        let (waiting, event) = match command {
            Command::ControlledShutdown { broker, broker_epoch, reply } => (
                Waiting::ControlledShutdown(reply),
                Event::ControlledShutdown { broker, broker_epoch, ticket },
            ),
            Command::AlterIsr { broker, broker_epoch, wanted, reply } => {
                (Waiting::AlterIsr(reply), Event::AlterIsr { broker, broker_epoch, wanted, ticket })
            }
            Command::AlterReassignments { wanted, reply } => {
                (Waiting::AlterReassignments(reply), Event::AlterReassignments { wanted, ticket })
            }
            // Nobody waits for it.
            Command::UncleanEnabled(topic) => return self.events.push_back(Event::UncleanEnabled(topic)),
            Command::ListReassignments { partitions, reply } => {
                (Waiting::ListReassignments(reply), Event::ListReassignments { partitions, ticket })
            }
            Command::ElectLeaders { partitions, kind, reply } => {
                let (partitions, trigger) = (Some(partitions), ElectionTrigger::Admin(ticket));
                (Waiting::ElectLeaders(reply), Event::ElectLeaders { partitions, kind, trigger })
            }
        };
        self.waiting.insert(ticket, waiting);
        self.events.push_back(event);
    }

    /// Turns a change of a znode into an event; Err where the term is over.
    fn notice(&mut self, change: ZnodeChange) -> Result<(), String> {
        let event = match change {
            ZnodeChange::Session(state) if state.generation != self.claim.generation => {
                return Err("the ZooKeeper session has expired".to_owned());
            }
            ZnodeChange::Session(_) => return Ok(()),
            ZnodeChange::Children { path, .. } => match path.as_str() {
                broker::PARENT => Event::BrokersChanged,
                topic::PARENT => Event::TopicsChanged,
                delete_topic::PARENT => Event::TopicDeletionsChanged,
                isr_change::PARENT => Event::IsrNotified,
                log_dir_event::PARENT => Event::LogDirNotified,
                _ => return Ok(()),
            },
            ZnodeChange::Data { path, data, .. } => match self.data_changed(&path, data)? {
                Some(event) => event,
                None => return Ok(()),
            },
        };
        self.events.push_back(event);
        Ok(())
    }

    /// Whether `/admin/reassign_partitions` was made anew: what the controller itself takes off it is no request, and what
    /// lay there at the election has been taken up with it.
    fn is_new_request(&mut self, data: Option<(bytes::Bytes, crate::zk::Stat)>) -> bool {
        let Some((data, stat)) = data else {
            self.request = Some(-1);
            return false;
        };
        let seen = self.request.replace(stat.czxid);
        if seen.is_some() {
            return seen != Some(stat.czxid);
        }
        let state = self.machine.state();
        let wanted = reassign_partitions::decode(&data).unwrap_or_default();
        let is_on_its_way = |(partition, target): &(TopicPartition, Vec<BrokerId>)| {
            state.reassigning.contains(partition) && state.assignment(partition).target() == *target
        };
        !wanted.iter().all(is_on_its_way)
    }

    fn data_changed(
        &mut self,
        path: &str,
        data: Option<(bytes::Bytes, crate::zk::Stat)>,
    ) -> Result<Option<Event>, String> {
        if path == controller::PATH {
            let ours = data.is_some_and(|(data, stat)| {
                controller::decode(&data) == Ok(self.manner.controller)
                    && stat.ephemeral_owner == self.zk.session_id()
            });
            return if ours { Ok(None) } else { Err("/controller no longer names this broker".to_owned()) };
        }
        if path == preferred_election::PATH {
            let elect = Event::ElectLeaders {
                partitions: None,
                kind: super::event::ElectionKind::Preferred,
                trigger: super::event::ElectionTrigger::Znode,
            };
            return Ok(data.map(|_| elect));
        }
        if path == reassign_partitions::PATH {
            return Ok(self.is_new_request(data).then_some(Event::ReassignmentRequested));
        }
        if let Some(partition) = state_of(path) {
            return Ok(data.map(|_| Event::IsrChanged(partition)));
        }
        if let Some(id) =
            path.strip_prefix(broker::PARENT).and_then(|rest| rest.strip_prefix('/')?.parse().ok())
        {
            return Ok(data.map(|_| Event::BrokerChanged(id)));
        }
        if let Some(name) = path.strip_prefix(topic::PARENT).and_then(|rest| rest.strip_prefix('/')) {
            // The first look at a topic that has just been read says nothing new.
            let known = self.machine.state().topic(name).map(|topic| topic.znode_version);
            let fresh = data.is_some_and(|(_, stat)| known != Some(stat.version));
            return Ok(fresh.then(|| Event::TopicChanged(Arc::from(name))));
        }
        Ok(None)
    }
}

/// The partition whose state lies at this path.
fn state_of(path: &str) -> Option<TopicPartition> {
    let rest = path.strip_prefix(topic::PARENT)?.strip_prefix('/')?;
    let (topic, number) = rest.strip_suffix("/state")?.split_once("/partitions/")?;
    Some(TopicPartition::new(topic, number.parse().ok()?))
}

fn path(watched: &Watched) -> String {
    match watched {
        Watched::Broker(id) => broker::path(*id),
        Watched::Topic(name) => topic::path(name),
        Watched::State(partition) => partition_state::path(partition),
    }
}
