//! The ISRs that leaders of this broker propose, on their way to the controller or to ZooKeeper, one a partition.
//!
//! - [`by_controller`]: AlterIsr requests (`inter.broker.protocol.version` 2.7-IV2 and up, KIP-497).
//! - [`by_zookeeper`]: before that, writes of the partitions' states and notices below `/isr_change_notification`.
//! - [`expiration`]: the look for followers that lag.
//!
//! Proposes nothing by itself: [`super::machine`] does, when a follower fetches and every half
//! `replica.lag.time.max.ms`. Kafka: `AlterIsrManager`, `ReplicaManager.maybePropagateIsrChanges`.

mod by_controller;
mod by_zookeeper;
mod expiration;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::by_controller::ByController;
use self::by_zookeeper::ByZooKeeper;
use super::ReplicaManager;
use super::machine::{IsrAnswer, IsrOutcome, IsrProposal};
use super::metrics::IsrChanges;
use super::partitions::Partitions;
use crate::base::{Clock, TopicPartition};
use crate::config::inter_broker::RequestVersions;
use crate::net::link::LinkLogin;
use crate::zk::ZooKeeper;

const TARGET: &str = "kafka.server.AlterIsrManager";

/// Proposals, each with its partition, in the order of the partitions.
type Proposals = Vec<(TopicPartition, IsrProposal)>;

/// The proposals that are not answered yet (Kafka's `AlterIsrManager`).
#[derive(Debug)]
#[doc(alias = "AlterIsrManager")]
pub(super) struct IsrProposals {
    partitions: Arc<Partitions>,
    clock: Clock,
    waiting: Mutex<BTreeMap<TopicPartition, IsrProposal>>,
    added: Notify,
    changes: IsrChanges,
}

impl IsrProposals {
    pub fn new(partitions: Arc<Partitions>, clock: Clock) -> Self {
        let (waiting, added, changes) = (Mutex::default(), Notify::new(), IsrChanges::default());
        Self { partitions, clock, waiting, added, changes }
    }

    /// Sends a proposal on its way; it takes the place of an earlier one of the partition.
    pub fn submit(&self, partition: &TopicPartition, proposal: IsrProposal) {
        self.waiting.lock().insert(partition.clone(), proposal);
        self.added.notify_one();
    }

    /// What is counted of the answers.
    pub fn changes(&self) -> &IsrChanges {
        &self.changes
    }

    /// The proposals whose answers are still awaited.
    fn awaited(&self) -> Proposals {
        let mut waiting = self.waiting.lock();
        waiting.retain(|id, proposal| {
            self.partitions.partition(id).is_ok_and(|partition| partition.awaits(proposal))
        });
        waiting.iter().map(|(id, proposal)| (id.clone(), proposal.clone())).collect()
    }

    /// Applies the answer to a proposal.
    fn answered(&self, id: &TopicPartition, proposal: &IsrProposal, answer: IsrAnswer) {
        self.settle(id, proposal);
        let Ok(partition) = self.partitions.partition(id) else { return };
        let outcome: IsrOutcome = partition.isr_answered(proposal, answer, self.clock.now());
        self.changes.count(proposal, &outcome);
    }

    fn settle(&self, partition: &TopicPartition, proposal: &IsrProposal) {
        let mut waiting = self.waiting.lock();
        if waiting.get(partition) == Some(proposal) {
            waiting.remove(partition);
        }
    }
}

impl ReplicaManager {
    /// Looks for followers that lag, and brings the ISRs that leaders propose to the controller or to ZooKeeper, until
    /// `stop`. `broker_epoch` is the epoch of this broker's present registration, `login` its user at the controller's
    /// listener.
    pub async fn propagate_isr(
        self: Arc<Self>,
        zk: ZooKeeper,
        broker_epoch: Arc<AtomicI64>,
        login: LinkLogin,
        stop: CancellationToken,
    ) {
        let proposals = self.alter_isr.clone();
        let versions = RequestVersions::of(&self.config.inter_broker_protocol_version);
        let expiring = expiration::expire_followers(
            &proposals,
            self.clock.clone(),
            self.config.replica_lag_time_max_ms / 2,
        );
        let propagating = async {
            match versions.alter_isr {
                Some(version) => ByController::new(&self, broker_epoch, login, version).run().await,
                None => {
                    ByZooKeeper::new(proposals.clone(), self.broker_id, self.clock.clone(), zk).run().await
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = expiring => {}
            () = propagating => {}
        }
    }
}
