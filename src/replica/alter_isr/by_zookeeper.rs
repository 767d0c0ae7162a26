//! Proposed ISRs written to ZooKeeper, and the controller notified below `/isr_change_notification`.
//!
//! Kafka: `ZkIsrManager`, `ReplicationUtils.updateLeaderAndIsr`, `ReplicaManager.maybePropagateIsrChanges`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{IsrProposals, TARGET};
use crate::base::{BrokerId, Clock, Millis, TopicPartition};
use crate::replica::machine::{IsrAnswer, IsrProposal};
use crate::zk::znode::isr_change;
use crate::zk::znode::partition_state::{self, PartitionStateZNode};
use crate::zk::{CreateMode, ZkError, ZooKeeper};

/// How often it is checked whether a notice is due.
const NOTICE_CHECK: Duration = Duration::from_millis(2500);
/// How long after the last change a notice is due, in milliseconds.
const NOTICE_LINGER: Millis = 5000;
/// How long after the last notice the next one is due at the latest, in milliseconds.
const NOTICE_DELAY_MAX: Millis = 60_000;
/// How many partitions one notice names: however long their topics' names are, it is less than ZooKeeper takes.
const NOTICE_PARTITIONS: usize = 2000;

/// Writes proposed ISRs to ZooKeeper.
pub(super) struct ByZooKeeper {
    proposals: Arc<IsrProposals>,
    me: BrokerId,
    clock: Clock,
    zk: ZooKeeper,
    /// The partitions whose ISR has changed and of which no notice was written yet.
    changed: BTreeSet<TopicPartition>,
    last_change: Millis,
    last_notice: Millis,
}

impl ByZooKeeper {
    pub fn new(proposals: Arc<IsrProposals>, me: BrokerId, clock: Clock, zk: ZooKeeper) -> Self {
        let now = clock.now();
        Self { proposals, me, clock, zk, changed: BTreeSet::new(), last_change: now, last_notice: now }
    }

    /// Writes what is proposed, until it is dropped.
    pub async fn run(mut self) {
        let mut checks = tokio::time::interval(NOTICE_CHECK);
        let proposals = self.proposals.clone();
        loop {
            tokio::select! {
                () = proposals.added.notified() => {
                    for (id, proposal) in proposals.awaited() {
                        self.write(&id, &proposal).await;
                    }
                }
                _ = checks.tick() => self.notify().await,
            }
        }
    }

    async fn write(&mut self, id: &TopicPartition, proposal: &IsrProposal) {
        let answer = self.try_write(id, proposal).await.unwrap_or_else(|error| {
            log::warn!(target: TARGET, "Writing the ISR of {id}: {error}");
            IsrAnswer::NotWritten
        });
        match &answer {
            IsrAnswer::InForce { .. } => {
                self.changed.insert(id.clone());
                self.last_change = self.clock.now();
            }
            IsrAnswer::Refused => {
                log::info!(target: TARGET, "[Partition {id} broker={}] Cached zkVersion {} not equal to that in zookeeper, skip updating ISR", self.me, proposal.zk_version);
            }
            IsrAnswer::NotWritten => {}
        }
        self.proposals.answered(id, proposal, answer);
    }

    /// Writes a proposal; its answer.
    ///
    /// # Errors
    /// Failures of ZooKeeper that are certain to have left the state as it was.
    async fn try_write(&self, id: &TopicPartition, proposal: &IsrProposal) -> Result<IsrAnswer, ZkError> {
        let (path, leader) = (partition_state::path(id), self.me);
        let wanted = proposal.leadership(leader);
        let data = PartitionStateZNode::new(wanted.clone(), proposal.controller_epoch).encode();
        loop {
            match self.zk.set(&path, &data, Some(proposal.zk_version)).await {
                Ok(stat) => return Ok(IsrAnswer::in_force(wanted.at_version(stat.version))),
                // The write may have been made before the session ended. The version, which is another then, keeps it
                // from being made twice.
                Err(ZkError::SessionExpired) => {}
                Err(ZkError::NoNode) => return Ok(proposal.judge(leader, None)),
                Err(ZkError::BadVersion) => {
                    let found = self.zk.get(&path).await.unwrap_or_else(|error| {
                        log::warn!(target: TARGET, "Reading the ISR of {id}: {error}");
                        None
                    });
                    let found =
                        found.and_then(|(data, stat)| PartitionStateZNode::decode(&data, stat.version).ok());
                    return Ok(proposal.judge(leader, found.as_ref()));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes notices of the changed partitions for the controller, once there has been no change for a while.
    async fn notify(&mut self) {
        let now = self.clock.now();
        let due = self.last_change + NOTICE_LINGER < now || self.last_notice + NOTICE_DELAY_MAX < now;
        if self.changed.is_empty() || !due {
            return;
        }
        while !self.changed.is_empty() {
            let named: Vec<_> = self.changed.iter().take(NOTICE_PARTITIONS).cloned().collect();
            let (path, data) = (isr_change::sequential_path(), isr_change::encode(&named));
            if let Err(error) = self.zk.create(&path, &data, CreateMode::PersistentSequential).await {
                log::warn!(target: TARGET, "Telling of changed ISRs: {error}");
                return;
            }
            for id in &named {
                self.changed.remove(id);
            }
        }
        self.last_notice = now;
    }
}
