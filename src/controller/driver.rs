//! The controller's loop: takes part in the election, and while elected passes events to the machine one
//! after the other.
//!
//! Kafka: `KafkaController.elect` and `startup`, `ControllerEventManager`.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::channel::{BrokerChannel, ChannelOptions};
use super::commit;
use super::control_requests::Encoding;
use super::controller_state::ControllerState;
use super::event::{ControlResponse, Event};
use super::gather::{Others, gather};
use super::machine::ControllerMachine;
use super::metrics::{ClusterCounts, ControllerMetrics};
use super::state::ClusterState;
use super::step::{ControllerSettings, Effect, Severity};
use super::term_over::TermOver;
use super::watching::{self, Watching};
use super::writes::{Outcome, Write};
use crate::base::time::millis;
use crate::base::{BrokerId, Clock};
use crate::config::{BrokerConfig, KafkaVersion, LiveConfig, RequestVersions};
use crate::net::link::LinkLogin;
use crate::zk::claim::{self, Claim};
use crate::zk::znode::controller;
use crate::zk::{Watches, ZkError, ZnodeChange, ZooKeeper};

/// How many answers of brokers may wait.
const RESPONSES_WAITING: usize = 1024;
/// How long after its election a controller first looks at leader imbalance.
const FIRST_IMBALANCE_CHECK: Duration = Duration::from_secs(5);
/// How long a candidate waits after a failure before it tries again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long after an event the cluster is counted, with what has happened by then.
const COUNT_PAUSE: Duration = Duration::from_millis(200);
const TARGET: &str = "kafka.controller.KafkaController";

/// A candidate for controller.
pub(super) struct Driver {
    pub zk: ZooKeeper,
    pub broker: BrokerId,
    pub config: Arc<BrokerConfig>,
    pub live: LiveConfig,
    /// The user at the listener between brokers.
    pub login: LinkLogin,
    pub clock: Clock,
    /// The generation of the session in which this broker registered last.
    pub registered: watch::Receiver<u64>,
    /// Requests of brokers and tools.
    pub requests: mpsc::Receiver<Event>,
    /// The controller epoch while this broker is the controller.
    pub activity: watch::Sender<Option<i32>>,
    pub stop: CancellationToken,
    pub metrics: Arc<ControllerMetrics>,
}

/// Takes part in elections until `stop`.
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
    /// Takes part in elections, and acts as controller when elected, until the session is closed.
    ///
    /// Each candidate and each controller sets a new watch on `/controller`. A watch reports only what
    /// differs from its last read: if `/controller` came and went between two reads, an old watch would wait
    /// for a change that is past.
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

    /// Waits until this broker is registered in the present session: elected before that, it would count
    /// itself among the dead brokers.
    async fn await_registration(&mut self) {
        let Self { registered, zk, requests, .. } = self;
        loop {
            tokio::select! {
                _ = registered.wait_for(|generation| *generation == zk.generation()) => return,
                // A request whose reply is dropped is answered NOT_CONTROLLER.
                Some(_) = requests.recv() => {}
            }
        }
    }

    fn watched_anew(&self) -> Watches {
        let mut watches = self.zk.watches();
        watches.watch_data(controller::PATH);
        watches
    }

    /// Waits until `/controller` is vacant; false if the session is closed.
    async fn vacancy(&mut self, watches: &mut Watches) -> bool {
        loop {
            let change = tokio::select! {
                change = watches.next() => change,
                // A request whose reply is dropped is answered NOT_CONTROLLER.
                Some(_) = self.requests.recv() => continue,
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
        let over = self.lead(claim, &mut watches).await;
        self.activity.send_replace(None);
        self.metrics.resign();
        log::info!(target: TARGET, "[Controller id={id}] Resigned: {over}");
        if !self.stop.is_cancelled() && self.vacate().await {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Deletes `/controller` if it belongs to this session while this broker does not act; returns whether it
    /// did. Without this, a term that ended in a failure would leave a cluster whose controller does nothing.
    async fn vacate(&self) -> bool {
        let version = match self.zk.get(controller::PATH).await {
            Ok(Some((_, stat))) if stat.ephemeral_owner == self.zk.session_id() => stat.version,
            _ => return false,
        };
        log::warn!(target: TARGET, "[Controller id={}] Forcing the controller to resign", self.broker);
        self.zk.delete(controller::PATH, Some(version)).await.is_ok()
    }

    /// Acts as controller until the term is over.
    async fn lead(&mut self, claim: Claim, watches: &mut Watches) -> TermOver {
        let (responses, responded) = mpsc::channel(RESPONSES_WAITING);
        let mut term = match Term::new(self, claim, responses) {
            Ok(term) => term,
            Err(over) => return over,
        };
        self.activity.send_replace(Some(claim.epoch));
        match term.run(self, watches, responded).await {
            Ok(never) => match never {},
            Err(over) => over,
        }
    }
}

/// One term of office.
struct Term {
    zk: ZooKeeper,
    claim: Claim,
    live: LiveConfig,
    machine: ControllerMachine,
    watching: Watching,
    options: ChannelOptions,
    channels: BTreeMap<BrokerId, BrokerChannel>,
    /// What is written back beside the states of partitions.
    others: Others,
    /// Events that wait, each with when it came.
    events: VecDeque<(Event, Instant)>,
    metrics: Arc<ControllerMetrics>,
    /// When the cluster may be counted again, where something has happened since it was counted last.
    count_at: Option<Instant>,
    next_count: Instant,
}

impl Term {
    fn new(
        driver: &Driver,
        claim: Claim,
        responses: mpsc::Sender<ControlResponse>,
    ) -> Result<Self, TermOver> {
        let config = &driver.config;
        let protocol = &config.inter_broker_protocol_version;
        let versions = RequestVersions::of(protocol);
        let settings = ControllerSettings {
            broker: driver.broker,
            delete_topics: config.delete_topic_enable,
            alter_isr: versions.alter_isr.is_some(),
            features: protocol.at_least(KafkaVersion::V2_7_IV0),
            imbalance_percentage: u32::try_from(config.leader_imbalance_per_broker_percentage).unwrap_or(0),
        };
        let listener = config.inter_broker_listener()?;
        let encoding = Encoding { controller: driver.broker, listener, versions };
        let timeout = millis(config.controller_socket_timeout_ms);
        Ok(Self {
            zk: driver.zk.clone(),
            claim,
            live: driver.live.clone(),
            machine: ControllerMachine::new(
                settings,
                ClusterState::elected(claim.epoch, claim.epoch_version),
            ),
            watching: Watching::new(driver.broker, claim.generation),
            options: ChannelOptions { encoding, login: driver.login.clone(), timeout, responses },
            channels: BTreeMap::new(),
            others: Others::default(),
            events: VecDeque::from([(Event::Elected, Instant::now())]),
            metrics: driver.metrics.clone(),
            count_at: None,
            next_count: Instant::now(),
        })
    }

    fn enqueue(&mut self, event: Event) {
        self.events.push_back((event, Instant::now()));
    }

    /// Handles events, one after the other, until the term is over.
    async fn run(
        &mut self,
        driver: &mut Driver,
        watches: &mut Watches,
        mut responded: mpsc::Receiver<ControlResponse>,
    ) -> Result<Infallible, TermOver> {
        watching::PARENTS.iter().for_each(|parent| watches.watch_children(parent));
        watching::REQUESTS.iter().for_each(|path| watches.watch_data(path));
        let config = driver.config.clone();
        let period = Duration::from_secs(
            u64::try_from(config.leader_imbalance_check_interval_seconds).unwrap_or(300).max(1),
        );
        let mut imbalance = tokio::time::interval_at(Instant::now() + FIRST_IMBALANCE_CHECK, period);
        loop {
            while let Some((event, came)) = self.events.pop_front() {
                let (state, began) = (ControllerState::of(&event), Instant::now());
                self.metrics.begin(state, began - came, self.events.len());
                self.process(event, watches).await?;
                self.metrics.end(state, began.elapsed());
                self.metrics.count_unclean(self.machine.unclean_elections());
                self.count_at.get_or_insert((began + COUNT_PAUSE).max(self.next_count));
            }
            let count_at = self.count_at;
            tokio::select! {
                change = watches.next() => {
                    let change = change.ok_or(TermOver::SessionClosed)?;
                    let state = self.machine.state();
                    if let Some(event) = self.watching.event(change, self.zk.session_id(), state)? {
                        self.enqueue(event);
                    }
                }
                Some(response) = responded.recv() => self.enqueue(Event::Response(response)),
                Some(request) = driver.requests.recv() => self.enqueue(request),
                () = sleep_until(count_at) => self.count_cluster(),
                _ = imbalance.tick(), if config.auto_leader_rebalance_enable => {
                    self.enqueue(Event::CheckImbalance);
                }
                () = driver.stop.cancelled() => return Err(TermOver::Stopping),
            }
        }
    }

    /// Counts what the cluster has. That takes a while where it has many partitions, and so is done at most during
    /// 5% of the time.
    fn count_cluster(&mut self) {
        let began = Instant::now();
        self.metrics.set_counts(ClusterCounts::of(self.machine.state()));
        self.next_count = Instant::now() + began.elapsed() * 20;
        self.count_at = None;
    }

    /// Passes one event through the machine.
    async fn process(&mut self, event: Event, watches: &mut Watches) -> Result<(), TermOver> {
        self.machine.begin(event);
        while let Some(questions) = self.machine.ask() {
            let defaults = self.live.current().broker.topic_defaults();
            let facts = gather(&self.zk, &defaults, &mut self.others, questions).await?;
            let writes = self.machine.decide(facts);
            let outcomes = if writes.is_empty() { Vec::new() } else { self.commit(writes).await? };
            for effect in self.machine.apply(&outcomes) {
                self.carry_out(effect, watches);
            }
        }
        Ok(())
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<Vec<Outcome>, TermOver> {
        if self.zk.generation() != self.claim.generation {
            return Err(ZkError::SessionExpired.into());
        }
        Ok(commit::commit(&self.zk, self.claim.epoch_version, &self.others, writes).await?)
    }

    fn carry_out(&mut self, effect: Effect, watches: &mut Watches) {
        match effect {
            Effect::Send(request) => {
                if let Some(channel) = self.channels.get(&request.to) {
                    channel.send(request);
                }
            }
            Effect::Connect(broker) => {
                let id = broker.id;
                let measured = self.metrics.open_channel(id);
                self.channels.insert(id, BrokerChannel::open(broker, self.options.clone(), measured));
            }
            Effect::Disconnect(id) => {
                self.channels.remove(&id);
                self.metrics.close_channel(id);
            }
            Effect::Moved(broker) => {
                if let Some(channel) = self.channels.get(&broker.id) {
                    channel.moved(broker);
                }
            }
            Effect::Watch(watched) => watches.watch_data(&watching::path(&watched)),
            Effect::Unwatch(watched) => watches.unwatch(&watching::path(&watched)),
            Effect::Reply(delivery) => delivery.deliver(),
            Effect::Later(step) => self.enqueue(Event::PutOff(step)),
            Effect::Log(Severity::Info, text) => log::info!(target: TARGET, "{text}"),
            Effect::Log(Severity::Warn, text) => log::warn!(target: TARGET, "{text}"),
            Effect::Log(Severity::Error, text) => log::error!(target: TARGET, "{text}"),
        }
    }
}

/// Waits until then; forever where there is no such time.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
