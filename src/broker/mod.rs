//! The boot and the stop of a broker, and what changes while it runs (Kafka's `KafkaServer`).
//!
//! - *Entry points:* [`BrokerServer::start`], [`BrokerServer::stop`].
//! - *Never:* serves a request itself.
//! - *Runtimes:* requests and records run on the runtime that calls `start`; ZooKeeper and the controller on another,
//!   so that a stalled disk does not cost the session.

mod authorizer;
mod coordinators;
mod dynamic_config;
mod error;
mod failed_dirs;
mod features;
mod idle_workers;
mod metrics;
pub mod hand_over;
mod quotas;
mod registration;
mod report;
mod start;
mod stop;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::Services;
use crate::base::BrokerId;
use crate::log::LogManager;
use crate::net::socket_server::SocketServer;
use crate::security::{Authorization, BrokerLogins};

pub use error::StartError;
pub use report::threads;

const TARGET: &str = "kafka.server.KafkaServer";

/// Plugins for the classes that Kafka's settings name; none by default.
#[derive(Clone, Debug, Default)]
pub struct Plugins {
    /// The authorizer (`authorizer.class.name`).
    pub authorization: Authorization,
}

/// A running broker.
#[doc(alias = "KafkaServer")]
pub struct BrokerServer {
    services: Arc<Services>,
    logs: Arc<LogManager>,
    /// Its listeners, which are closed before all else.
    sockets: Arc<SocketServer>,
    /// The users that it authenticates as at the other brokers.
    logins: BrokerLogins,
    /// Ends everything that runs.
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl BrokerServer {
    /// Its id.
    pub fn id(&self) -> BrokerId {
        self.services.broker_id
    }

    /// Cancelled when the broker cannot go on, e.g. because no log directory is left.
    pub fn failed(&self) -> CancellationToken {
        self.shutdown.clone()
    }
}
