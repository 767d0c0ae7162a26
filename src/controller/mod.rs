//! Who decides: the elected controller (Kafka's `KafkaController` and what hangs on it).
//!
//! An event is gathered for (`gather` reads), decided (`decide`, pure), committed (`commit` writes, as `multi` says, guarded
//! by the controller epoch), applied to the picture of the cluster (`state`, pure) and told (`outbox`, `channel`).
//! `machine` holds the pure parts together, `driver` is the only loop that waits.
//!
//! - *Entry points:* [`Controller::start`] and the handle it gives.
//! - *Never:* touches a log or a replica of its own broker but by requests over the wire.
//! - *Tasks:* the driver; one sender for each broker.

pub(crate) mod channel;
pub(crate) mod commit;
pub mod decide;
mod driver;
pub mod election;
pub mod event;
pub mod facts;
pub(crate) mod gather;
pub mod machine;
pub mod multi;
pub mod outbox;
pub mod state;
pub mod transitions;
pub mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::event::{ElectionKind, PerPartition};
use crate::base::{Assignment, BrokerId, Clock, LeaderAndIsr, TopicPartition};
use crate::config::{BrokerConfig, LiveConfig};
use crate::wire::error_code::ErrorCode;
use crate::zk::ZooKeeper;

/// How many requests may wait for the controller.
const COMMANDS_WAITING: usize = 256;

/// Something that a request asks of the controller.
#[derive(Debug)]
enum Command {
    /// A broker wants to stop.
    ControlledShutdown {
        broker: BrokerId,
        broker_epoch: i64,
        reply: oneshot::Sender<Result<Vec<TopicPartition>, ErrorCode>>,
    },
    /// A leader wants other in-sync replicas.
    AlterIsr {
        broker: BrokerId,
        broker_epoch: i64,
        wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
        reply: oneshot::Sender<Result<Leaderships, ErrorCode>>,
    },
    /// Partitions are to get other replicas.
    AlterReassignments {
        wanted: BTreeMap<TopicPartition, Option<Vec<BrokerId>>>,
        reply: oneshot::Sender<PerPartition<()>>,
    },
    /// What is on its way?
    ListReassignments {
        partitions: Option<Vec<TopicPartition>>,
        reply: oneshot::Sender<BTreeMap<TopicPartition, Assignment>>,
    },
    /// Unclean election was enabled: for a topic, or for all.
    UncleanEnabled(Option<Arc<str>>),
    /// Leaders are to be elected.
    ElectLeaders {
        partitions: Vec<TopicPartition>,
        kind: ElectionKind,
        reply: oneshot::Sender<PerPartition<BrokerId>>,
    },
}

/// The leadership of each partition as it is now, or why it is not told.
pub type Leaderships = BTreeMap<TopicPartition, Result<LeaderAndIsr, ErrorCode>>;

/// This broker as a candidate for controller, and as the controller while it is elected.
#[derive(Clone, Debug)]
#[doc(alias = "KafkaController")]
pub struct Controller {
    commands: mpsc::Sender<Command>,
    /// The controller epoch while this broker is the controller.
    active: watch::Receiver<Option<i32>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Controller {
    /// Stands for election from now on, in sessions in which it is `registered` (told by their generations), and acts as
    /// controller whenever elected.
    pub fn start(
        zk: ZooKeeper,
        broker: BrokerId,
        config: Arc<BrokerConfig>,
        live: LiveConfig,
        clock: Clock,
        registered: watch::Receiver<u64>,
    ) -> Self {
        let (commands, waiting) = mpsc::channel(COMMANDS_WAITING);
        let (activity, active) = watch::channel(None);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(driver::run(driver::Driver {
            zk,
            broker,
            config,
            live,
            clock,
            registered,
            waiting,
            activity,
            stop: stop.clone(),
        }));
        tasks.close();
        Self { commands, active, stop, tasks }
    }

    /// Whether this broker is the controller.
    pub fn is_active(&self) -> bool {
        self.active.borrow().is_some()
    }

    /// The controller epoch, where this broker is the controller.
    pub fn epoch(&self) -> Option<i32> {
        *self.active.borrow()
    }

    /// Moves a broker's leaderships away, so that it can stop; the partitions it still leads.
    ///
    /// # Errors
    /// NOT_CONTROLLER, BROKER_NOT_AVAILABLE, STALE_BROKER_EPOCH; UNKNOWN_SERVER_ERROR for the epoch of an unknown broker.
    pub async fn controlled_shutdown(
        &self,
        broker: BrokerId,
        broker_epoch: i64,
    ) -> Result<Vec<TopicPartition>, ErrorCode> {
        self.ask(|reply| Command::ControlledShutdown { broker, broker_epoch, reply }).await?
    }

    /// Writes the in-sync replicas that a leader wants; what holds of each partition now.
    ///
    /// # Errors
    /// NOT_CONTROLLER, STALE_BROKER_EPOCH.
    pub async fn alter_isr(
        &self,
        broker: BrokerId,
        broker_epoch: i64,
        wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
    ) -> Result<Leaderships, ErrorCode> {
        self.ask(|reply| Command::AlterIsr { broker, broker_epoch, wanted, reply }).await?
    }

    /// Begins to give partitions other replicas, or, where None is wanted, takes back what is on its way (KIP-455); how each
    /// fared.
    ///
    /// # Errors
    /// NOT_CONTROLLER.
    pub async fn alter_reassignments(
        &self,
        wanted: BTreeMap<TopicPartition, Option<Vec<BrokerId>>>,
    ) -> Result<PerPartition<()>, ErrorCode> {
        self.ask(|reply| Command::AlterReassignments { wanted, reply }).await
    }

    /// The assignments on their way, of these partitions or of all.
    ///
    /// # Errors
    /// NOT_CONTROLLER.
    pub async fn list_reassignments(
        &self,
        partitions: Option<Vec<TopicPartition>>,
    ) -> Result<BTreeMap<TopicPartition, Assignment>, ErrorCode> {
        self.ask(|reply| Command::ListReassignments { partitions, reply }).await
    }

    /// Elects leaders; the leader of each partition now, or why there is no other.
    ///
    /// # Errors
    /// NOT_CONTROLLER.
    pub async fn elect_leaders(
        &self,
        partitions: Vec<TopicPartition>,
        kind: ElectionKind,
    ) -> Result<PerPartition<BrokerId>, ErrorCode> {
        self.ask(|reply| Command::ElectLeaders { partitions, kind, reply }).await
    }

    /// Unclean election was enabled, for a topic or for all: where this broker is the controller, leaders are sought among
    /// replicas that are not in sync.
    pub async fn unclean_enabled(&self, topic: Option<&str>) {
        if self.is_active()
            && self.commands.send(Command::UncleanEnabled(topic.map(Arc::from))).await.is_err()
        {
            log::debug!(target: "kafka.controller.KafkaController", "The controller is gone");
        }
    }

    /// Hands a command over and waits for its answer.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, ErrorCode> {
        if !self.is_active() {
            return Err(ErrorCode::NotController);
        }
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| ErrorCode::NotController)?;
        answer.await.map_err(|_| ErrorCode::NotController)
    }

    /// Resigns and stands for election no more.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        if tokio::time::timeout(Duration::from_secs(30), self.tasks.wait()).await.is_err() {
            log::warn!(target: "kafka.controller.KafkaController", "The controller did not stop in time");
        }
    }
}
