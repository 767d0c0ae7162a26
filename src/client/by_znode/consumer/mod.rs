//! A consumer whose group lives in znodes: it registers, owns partitions, and keeps its offsets as Kafka's consumers up
//! to 1.1 do, beside which it can read.
//!
//! - *Pure:* what its group looks like ([`group_znodes`]), which thread reads which partition ([`assignment`]), what it
//!   does next ([`rebalancer`]), what it subscribes to ([`topic_count`]).
//! - *Shell:* [`task`] carries that out and fetches, by [`member_znodes`] and [`offset_store`]; [`handout`] lies
//!   between it and the application; [`fence`] keeps records back while the session may be over.
//! - *Never:* skips a record. A partition is released after its offset was committed, and its offset is looked up after
//!   it was claimed.
//! - *In Kafka:* `ZookeeperConsumerConnector`, `ConsumerFetcherManager`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use self::handout::Handout;
use self::task::{ConnectorCommand, ConnectorParts, ConnectorTask};
use super::super::consumer::{Consumer, ConsumerRecord};
use super::super::error::ClientError;
use crate::base::{Clock, TopicPartition};

mod assignment;
mod fence;
mod group_znodes;
mod handout;
mod member_znodes;
mod offset_store;
mod rebalancer;
mod settings;
mod task;
mod topic_count;
mod topic_filter;

pub use assignment::ZookeeperAssignmentStrategy;
pub use offset_store::OffsetStorage;
pub use settings::{LegacyConfigError, ZookeeperConsumerSettings};
pub use topic_count::TopicCount;
pub use topic_filter::{BadFilter, FilterKind, TopicFilter};

/// A member of a group that lives in znodes. It rebalances by itself, whether or not records are taken.
///
/// A consumer that is dropped ends its session, and commits nothing.
#[doc(alias = "ZookeeperConsumerConnector")]
#[derive(Debug)]
pub struct ZookeeperConsumer {
    id: Arc<str>,
    handout: Arc<Handout>,
    commands: mpsc::UnboundedSender<ConnectorCommand>,
    assignment: watch::Receiver<BTreeSet<TopicPartition>>,
}

impl ZookeeperConsumer {
    /// Connects to the ensemble and takes part in the group; returns once it has its first partitions. A call that
    /// is dropped ends the session.
    ///
    /// # Errors
    /// [`ClientError::ZooKeeper`]; [`ClientError::RebalanceFailed`] where others did not give up its partitions.
    pub async fn new(
        settings: ZookeeperConsumerSettings,
        subscription: TopicCount,
    ) -> Result<Self, ClientError> {
        let id: Arc<str> = consumer_id(&settings).into();
        let consumer = Consumer::new(settings.fetch.clone()).await?;
        let zk = consumer.cluster().zookeeper().cloned().ok_or(ClientError::Closed)?;
        let handout = Arc::new(Handout::default());
        let (commands, received) = mpsc::unbounded_channel();
        let (shown, assignment) = watch::channel(BTreeSet::new());
        let (begun, outcome) = oneshot::channel();
        let fence = fence::guard(zk.clone(), handout.clone());
        let task = ConnectorTask::new(ConnectorParts {
            id: id.clone(),
            settings,
            subscription,
            consumer,
            zk,
            handout: handout.clone(),
            assignment: shown,
            begun,
        });
        tokio::spawn(task.run(received, fence));
        outcome.await.map_err(|_| ClientError::Closed)??;
        Ok(Self { id, handout, commands, assignment })
    }

    /// Its id, under which it is registered.
    pub fn consumer_id(&self) -> &str {
        &self.id
    }

    /// The partitions that it reads, now and at every change.
    pub fn assignment(&self) -> watch::Receiver<BTreeSet<TopicPartition>> {
        self.assignment.clone()
    }

    /// The next record, as long as it takes. The one before it counts as read from then on. May be dropped at any time.
    ///
    /// # Errors
    /// What keeps it from reading; it goes on with the next call.
    pub async fn next_record(&mut self) -> Result<ConsumerRecord, ClientError> {
        self.handout.next().await
    }

    /// Commits the offsets behind the records that were returned.
    ///
    /// # Errors
    /// They could not be committed; [`ClientError::Closed`].
    pub async fn commit(&mut self) -> Result<(), ClientError> {
        self.handout.done();
        self.ask(ConnectorCommand::Commit).await
    }

    /// Commits the offsets behind the records that were returned, unless `auto.commit.enable` is false, and ends the
    /// session, so that others take its partitions over at once; all that within `limit`.
    ///
    /// # Errors
    /// The offsets could not be committed.
    pub async fn close(self, limit: Duration) -> Result<(), ClientError> {
        self.handout.done();
        let late = || ClientError::Timeout(format!("The consumer was not closed within {limit:?}"));
        timeout(limit, self.ask(ConnectorCommand::Close)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), ClientError>>) -> ConnectorCommand,
    ) -> Result<(), ClientError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).map_err(|_| ClientError::Closed)?;
        answer.await.map_err(|_| ClientError::Closed)?
    }
}

/// `GROUP_HOST-TIME-RANDOM`, as Kafka makes it; with an id of the settings `GROUP_ID`.
fn consumer_id(settings: &ZookeeperConsumerSettings) -> String {
    let own = settings.consumer_id.clone().unwrap_or_else(|| {
        let host = crate::net::host::own_name();
        format!("{host}-{}-{:08x}", Clock::System.now(), fastrand::u32(0x1000_0000..))
    });
    format!("{}_{own}", settings.group_id)
}
