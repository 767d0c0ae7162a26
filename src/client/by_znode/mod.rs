//! Clients that follow ZooKeeper: brokers, controller, topics and leaders as the znodes have them, and consumers whose
//! groups live in znodes.
//!
//! - *Entry points:* [`ZooKeeperOptions`], by which a client is configured so; `ZnodeMetadata`, which its cluster asks;
//!   [`ZookeeperConsumer`].
//! - *Never:* writes a znode outside `/consumers`; what is asked of a broker (coordinators, records, new topics) is
//!   asked of the broker.
//! - *Tasks:* one for a client, which follows the znodes of the topics that the client works with; two more for a
//!   consumer.
//! - *In Kafka:* the clients before 0.9 did so (`ZkUtils`, `ZookeeperConsumerConnector`); the znodes are those of
//!   `ZkData`.
//!
//! A consumer of a group in znodes reads what its topics hold, now and when others join or leave. A record counts as
//! read once the next one is asked for:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use barnabas::client::by_znode::{FilterKind, TopicCount, TopicFilter, ZookeeperConsumer, ZookeeperConsumerSettings};
//!
//! # async fn shown() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = ZookeeperConsumerSettings::new("localhost:2181", "readers");
//! let orders = TopicCount::by_filter(TopicFilter::new(FilterKind::Whitelist, "orders.*")?);
//! let mut consumer = ZookeeperConsumer::new(settings, orders).await?;
//! for _ in 0..10 {
//!     let record = consumer.next_record().await?;
//!     println!("{} {}: {:?}", record.partition, record.offset, record.value);
//! }
//! consumer.close(Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use self::follower::ZnodeFollower;
use self::znode_cluster::ListenerChoice;
use super::error::ClientError;
use super::metadata::{ClientMetadata, ClusterSnapshot};
use crate::base::SecurityProtocol;
use crate::wire::message::metadata::MetadataResponse;
use crate::zk::{ConnectOptions, ZooKeeper};

mod consumer;
mod follower;
mod znode_cluster;

pub use consumer::{
    BadFilter, FilterKind, LegacyConfigError, OffsetStorage, TopicCount, TopicFilter,
    ZookeeperAssignmentStrategy, ZookeeperConsumer, ZookeeperConsumerSettings,
};

/// How a client reaches a cluster's ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeperOptions {
    /// The ensemble: `host:port[,host:port...][/chroot]` (`zookeeper.connect`).
    pub connect: String,
    /// How long the ensemble keeps a session from which it hears nothing (`zookeeper.session.timeout.ms`).
    pub session_timeout: Duration,
    /// The most that the first connection may take (`zookeeper.connection.timeout.ms`).
    pub connection_timeout: Duration,
    /// The listener of the brokers that the client connects to; None for the first one that is secured as the client's
    /// connections are.
    pub listener: Option<String>,
}

impl ZooKeeperOptions {
    /// Kafka's defaults for an ensemble.
    pub fn new(connect: &str) -> Self {
        let timeout = Duration::from_secs(18);
        let connect = connect.to_owned();
        Self { connect, session_timeout: timeout, connection_timeout: timeout, listener: None }
    }
}

/// The topics of a request for metadata; None for all.
type WantedTopics = Option<BTreeSet<Arc<str>>>;

/// A request to the follower.
#[derive(Debug)]
pub(super) enum FollowCommand {
    /// Describes topics once all about them is known, and follows them from then on.
    Describe(WantedTopics, oneshot::Sender<MetadataResponse>),
    /// Follows only these topics.
    Retain(WantedTopics),
}

/// The metadata of a client that follows znodes.
#[derive(Debug)]
pub(super) struct ZnodeMetadata {
    zk: ZooKeeper,
    /// Unbounded. A call waits for its reply, so there are about as many as calls.
    commands: mpsc::UnboundedSender<FollowCommand>,
}

impl ZnodeMetadata {
    /// Opens a session with the ensemble and follows its znodes until the client is `over`; returns once the brokers
    /// are known. Every change goes into `metadata` and is published. `protocol` is how the client's connections are
    /// secured.
    ///
    /// # Errors
    /// [`ClientError::ZooKeeper`].
    pub(super) async fn connect(
        options: &ZooKeeperOptions,
        protocol: SecurityProtocol,
        metadata: Arc<RwLock<ClientMetadata>>,
        published: watch::Sender<Arc<ClusterSnapshot>>,
        over: CancellationToken,
    ) -> Result<Self, ClientError> {
        let connect = ConnectOptions {
            session_timeout: options.session_timeout,
            connection_timeout: options.connection_timeout,
            make_chroot: false,
            ..ConnectOptions::default()
        };
        let zk = ZooKeeper::connect(&options.connect, connect).await.map_err(ClientError::ZooKeeper)?;
        let (commands, received) = mpsc::unbounded_channel();
        let named = options.listener.clone().map(ListenerChoice::Named);
        let listener = named.unwrap_or(ListenerChoice::First(protocol));
        let follower = ZnodeFollower::new(zk.clone(), listener, metadata, published);
        tokio::spawn(follower.run(received, over));
        let this = Self { zk, commands };
        this.describe(Some(&[])).await?;
        Ok(this)
    }

    /// The session.
    pub(super) fn zookeeper(&self) -> &ZooKeeper {
        &self.zk
    }

    /// Topics as the znodes describe them, all of them for None. A topic that does not exist has the error of that.
    ///
    /// # Errors
    /// [`ClientError::Closed`].
    pub(super) async fn describe(&self, topics: Option<&[String]>) -> Result<MetadataResponse, ClientError> {
        let wanted = topics.map(|names| names.iter().map(|name| name.as_str().into()).collect());
        let (reply, answer) = oneshot::channel();
        let command = FollowCommand::Describe(wanted, reply);
        self.commands.send(command).map_err(|_| ClientError::Closed)?;
        answer.await.map_err(|_| ClientError::Closed)
    }

    /// Follows only these topics from now on.
    pub(super) fn retain(&self, topics: WantedTopics) {
        // Without the task nothing is followed.
        let _ = self.commands.send(FollowCommand::Retain(topics));
    }
}
