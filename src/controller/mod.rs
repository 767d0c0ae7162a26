//! The controller: the elected broker that decides which replica leads each partition (Kafka's
//! `KafkaController` and its state machines).
//!
//! An event becomes steps (`decide`). For each step ZooKeeper is read (`gather`), the step decides, its
//! writes are committed (`commit` and `multi`, guarded by the controller epoch), their outcomes are applied
//! to the cluster's state (`state`), and requests are sent to the brokers (`outbox`, `control_requests`,
//! `channel`). `machine` runs the steps and is pure; `driver` is the only loop that waits. `watching` turns
//! changes of znodes into events; `requests` has the requests of brokers and tools.
//!
//! - *Entry points:* [`Controller::start`] and the handle it returns.
//! - *Never:* reaches a log or a replica, not even its own broker's, except by requests over the wire.
//! - *Tasks:* the driver; one channel for each broker.

pub(crate) mod channel;
pub(crate) mod commit;
mod control_requests;
pub mod controller_state;
pub mod decide;
mod driver;
pub mod election;
pub mod event;
pub mod facts;
pub(crate) mod gather;
pub mod machine;
pub mod metrics;
pub mod multi;
pub mod outbox;
pub mod reply;
mod requests;
pub mod state;
pub mod step;
mod term_over;
pub mod transitions;
mod watching;
pub mod writes;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::event::Event;
use self::metrics::ControllerMetrics;
use crate::base::{BrokerId, Clock};
use crate::config::{BrokerConfig, LiveConfig};
use crate::metrics::Metric;
use crate::net::link::LinkLogin;
use crate::zk::ZooKeeper;

/// How many requests may wait for the controller.
const REQUESTS_WAITING: usize = 256;

/// This broker as a candidate for controller, and as the controller while it is elected.
#[derive(Clone, Debug)]
#[doc(alias = "KafkaController")]
pub struct Controller {
    requests: mpsc::Sender<Event>,
    /// The controller epoch while this broker is the controller.
    active: watch::Receiver<Option<i32>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    metrics: Arc<ControllerMetrics>,
}

impl Controller {
    /// Takes part in elections from now on, and acts as controller whenever elected. `registered` holds the
    /// generation of the session in which this broker registered last: in any other session the broker is no
    /// candidate.
    pub fn start(
        zk: ZooKeeper,
        broker: BrokerId,
        config: Arc<BrokerConfig>,
        live: LiveConfig,
        login: LinkLogin,
        clock: Clock,
        registered: watch::Receiver<u64>,
    ) -> Self {
        let (requests, waiting) = mpsc::channel(REQUESTS_WAITING);
        let (activity, active) = watch::channel(None);
        let metrics: Arc<ControllerMetrics> = Arc::default();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(driver::run(driver::Driver {
            zk,
            broker,
            config,
            live,
            login,
            clock,
            registered,
            requests: waiting,
            activity,
            stop: stop.clone(),
            metrics: metrics.clone(),
        }));
        tasks.close();
        Self { requests, active, stop, tasks, metrics }
    }

    /// Whether this broker is the controller.
    pub fn is_active(&self) -> bool {
        self.active.borrow().is_some()
    }

    /// The controller epoch, if this broker is the controller.
    pub fn epoch(&self) -> Option<i32> {
        *self.active.borrow()
    }

    /// What is measured of it.
    pub fn metrics(&self) -> Vec<Metric> {
        self.metrics.metrics(self.is_active())
    }

    /// Resigns, and takes part in no more elections.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        if tokio::time::timeout(Duration::from_secs(30), self.tasks.wait()).await.is_err() {
            log::warn!(target: "kafka.controller.KafkaController", "The controller did not stop in time");
        }
    }
}
