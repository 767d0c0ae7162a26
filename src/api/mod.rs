//! One handler an API, each in the same four paragraphs: authorize, check, act, answer.
//!
//! - *Entry points:* [`dispatch::RequestDispatch`], the receiver of `net`'s frames; [`table::ROWS`], one row
//!   an API, which is also the content of ApiVersions.
//! - *Never:* keeps state; what a handler may use is in [`Services`].
//! - *In Kafka:* `KafkaApis`, `AdminManager`, `ApiVersionsResponse`.

pub mod admin;
mod auto_topic_creation;
mod authorize;
mod broker_loggers;
mod client_quota_entity;
mod client_quotas;
pub mod cluster;
mod config_changes;
mod config_entries;
pub mod dispatch;
mod error_response;
pub mod group;
mod handling;
mod mutation_quota;
mod named_twice;
mod offset_znodes;
pub mod records;
pub mod request_metrics;
pub mod session;
pub mod table;
mod topic_waits;
pub mod txn;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

use tokio::sync::watch;

use self::client_quotas::ThreadTime;
use self::request_metrics::RequestMetrics;
use crate::admin::configs::ConfigReader;
use crate::base::{BrokerId, Clock};
use crate::config::{BrokerConfig, LiveConfig};
use crate::controller::Controller;
use crate::coordinator::groups::Groups;
use crate::coordinator::txn::Transactions;
use crate::metadata::MetadataCache;
use crate::net::Caller;
use crate::quota::ClientQuotas;
use crate::replica::ReplicaManager;
use crate::security::Authorization;
use crate::wire::header::RequestHeader;
use crate::zk::ZooKeeper;
use crate::zk::producer_ids::ProducerIdManager;
use crate::zk::znode::feature::FinalizedFeaturesAndEpoch;

/// What handlers may use.
#[derive(Debug)]
pub struct Services {
    /// This broker's id.
    pub broker_id: BrokerId,
    /// The clock; a request's handler uses no other one.
    pub clock: Clock,
    /// The authorizer.
    pub authorization: Authorization,
    /// The quotas of clients.
    pub quotas: Arc<ClientQuotas>,
    /// Counts the requests.
    pub request_metrics: Arc<RequestMetrics>,
    /// The cluster's id.
    pub cluster_id: String,
    /// This broker's epoch: the czxid of its registration in the present session.
    pub broker_epoch: Arc<AtomicI64>,
    /// Its settings at the start, for the keys that need a restart.
    pub config: Arc<BrokerConfig>,
    /// Its settings now.
    pub live: LiveConfig,
    /// The partitions that this broker leads or follows.
    pub replicas: Arc<ReplicaManager>,
    /// The cluster as the controller last described it.
    pub metadata: Arc<MetadataCache>,
    /// The controller, while this broker is it.
    pub controller: Controller,
    /// The groups that this broker coordinates.
    pub groups: Arc<Groups>,
    /// The ensemble.
    pub zk: ZooKeeper,
    /// Reads configs from it.
    pub configs: Arc<ConfigReader>,
    /// Producer ids to assign.
    pub producer_ids: Arc<ProducerIdManager>,
    /// The transactions that this broker coordinates.
    pub transactions: Transactions,
    /// The features finalized for the cluster; None if they are not in force.
    pub features: watch::Receiver<Option<FinalizedFeaturesAndEpoch>>,
}

/// One request: its caller, and its header.
#[derive(Debug)]
pub struct Exchange {
    /// The caller.
    pub caller: Arc<Caller>,
    /// API, version and client id.
    pub header: RequestHeader,
    /// The bytes of the request, its header among them.
    pub size: usize,
    /// For how long its handler has kept threads busy.
    thread_time: ThreadTime,
    /// When it came, and how large it was.
    pub received: Received,
    /// What the handler may use.
    pub services: Arc<Services>,
}

/// The arrival of a request.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// When its last byte was read.
    pub at: Instant,
    /// How many bytes it has behind its header.
    pub body_bytes: usize,
}

impl Exchange {
    /// The version of the request and its answer.
    pub fn version(&self) -> i16 {
        self.header.api_version
    }
}
