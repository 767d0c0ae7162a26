//! Starts the coordinators: how many partitions their topics have is found out once, as in Kafka.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use crate::admin::names::{OFFSETS_TOPIC, TRANSACTIONS_TOPIC};
use crate::admin::topics;
use crate::base::{BrokerId, Clock};
use crate::config::BrokerConfig;
use crate::coordinator::groups::{Groups, OffsetsTopic};
use crate::coordinator::txn::{TransactionParts, Transactions};
use crate::metadata::MetadataCache;
use crate::net::link::LinkLogin;
use crate::replica::ReplicaManager;
use crate::zk::ZooKeeper;
use crate::zk::producer_ids::ProducerIdManager;

/// What the coordinators work with.
pub(super) struct CoordinatorParts<'a> {
    pub broker_id: BrokerId,
    pub config: &'a Arc<BrokerConfig>,
    pub zk: &'a ZooKeeper,
    pub replicas: &'a Arc<ReplicaManager>,
    pub metadata: &'a Arc<MetadataCache>,
    pub producer_ids: &'a Arc<ProducerIdManager>,
    /// The user at the listener between brokers.
    pub login: LinkLogin,
    pub clock: &'a Clock,
    pub tasks: &'a TaskTracker,
    pub stop: &'a CancellationToken,
}

impl CoordinatorParts<'_> {
    /// Starts the transaction coordinator.
    ///
    /// # Errors
    /// Failures of ZooKeeper, and settings that name no listener for brokers.
    pub async fn start_transactions(&self) -> Result<Transactions, StartError> {
        let configured = self.config.transaction_state_log_num_partitions;
        let parts = TransactionParts {
            broker_id: self.broker_id,
            config: self.config.clone(),
            topic: TRANSACTIONS_TOPIC,
            partitions: self.partitions(TRANSACTIONS_TOPIC, configured).await?,
            listener: self.config.inter_broker_listener()?,
            login: self.login.clone(),
            replicas: self.replicas.clone(),
            metadata: self.metadata.clone(),
            producer_ids: self.producer_ids.clone(),
            clock: self.clock.clone(),
        };
        Ok(Transactions::start(parts, self.tasks, self.stop))
    }

    /// Starts the group coordinator.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn start_groups(&self) -> Result<Arc<Groups>, StartError> {
        let configured = self.config.offsets_topic_num_partitions;
        let partitions = self.partitions(OFFSETS_TOPIC, configured).await?;
        let topic = OffsetsTopic { name: OFFSETS_TOPIC, partitions };
        let (replicas, clock) = (self.replicas.clone(), self.clock.clone());
        let (tasks, stop) = (self.tasks.clone(), self.stop.clone());
        Ok(Groups::start(self.broker_id, self.config, topic, replicas, clock, tasks, stop))
    }

    /// How many partitions a coordinator's topic has, or will have once it is created.
    async fn partitions(&self, topic: &str, configured: i32) -> Result<i32, StartError> {
        let existing =
            topics::fetch(self.zk, topic).await.map_err(|error| StartError::Other(error.to_string()))?;
        Ok(existing.map_or(configured, |topic| i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)))
    }
}
