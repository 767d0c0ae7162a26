//! What leaders of this broker want their ISR to be, brought to whoever decides: by AlterIsr to the controller
//! (`inter.broker.protocol.version` 2.7-IV2 and up, KIP-497), before that by writing the partition's state in ZooKeeper and
//! telling of it below `/isr_change_notification`.
//!
//! Proposes nothing by itself: [`super::machine`] does, when a follower fetches and every half
//! `replica.lag.time.max.ms`. Kafka: `AlterIsrManager`, `ReplicaManager.maybePropagateIsrChanges`, `ReplicationUtils`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::ReplicaManager;
use super::machine::{IsrAnswer, IsrOutcome, IsrProposal};
use crate::base::{BrokerId, LeaderAndIsr, Millis, TopicPartition};
use crate::config::RequestVersions;
use crate::net::peer::Peer;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_isr::{
    AlterIsrRequest, AlterIsrResponse, PartitionData, PartitionDataResponse, TopicData,
};
use crate::zk::znode::isr_change;
use crate::zk::znode::partition_state::{self, PartitionStateZNode};
use crate::zk::{CreateMode, ZkError, ZooKeeper};

/// How long to wait before the controller is asked, or looked for, again.
const RETRY: Duration = Duration::from_millis(100);
/// How often changes written to ZooKeeper are looked at, to tell of them.
const NOTICE_CHECK: Duration = Duration::from_millis(2500);
/// How long after the last change they are told of.
const NOTICE_LINGER: Millis = 5000;
/// How long they are kept at most.
const NOTICE_DELAY_MAX: Millis = 60_000;
/// How many partitions one notice names: however long their topics' names are, it is less than ZooKeeper takes.
const NOTICE_PARTITIONS: usize = 2000;
const TARGET: &str = "kafka.server.AlterIsrManager";

type Batch = Vec<(TopicPartition, IsrProposal)>;

/// Proposals that are not answered yet, one a partition.
#[derive(Debug, Default)]
pub(super) struct IsrReports {
    waiting: Mutex<BTreeMap<TopicPartition, IsrProposal>>,
    added: Notify,
}

impl IsrReports {
    /// Brings a proposal on its way.
    pub fn add(&self, partition: &TopicPartition, proposal: IsrProposal) {
        self.waiting.lock().insert(partition.clone(), proposal);
        self.added.notify_one();
    }

    fn settle(&self, partition: &TopicPartition, proposal: &IsrProposal) {
        let mut waiting = self.waiting.lock();
        if waiting.get(partition) == Some(proposal) {
            waiting.remove(partition);
        }
    }
}

impl ReplicaManager {
    /// Looks for followers that lag, and reports what leaders want, until `stop`.
    pub async fn report_isr(
        self: Arc<Self>,
        zk: ZooKeeper,
        broker_epoch: Arc<AtomicI64>,
        stop: CancellationToken,
    ) {
        let versions = RequestVersions::of(&self.config.inter_broker_protocol_version);
        let reporting = async {
            match versions.alter_isr {
                Some(version) => {
                    let replicas = self.clone();
                    Reporter { replicas, broker_epoch, version, controller: None }.run().await;
                }
                None => Writer::new(self.clone(), zk).run().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.watch_followers() => {}
            () = reporting => {}
        }
    }

    async fn watch_followers(&self) {
        let period = u64::try_from(self.config.replica_lag_time_max_ms / 2).unwrap_or(0).max(1);
        let mut ticks = tokio::time::interval(Duration::from_millis(period));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for partition in self.online() {
                if let Some(proposal) = partition.tick(self.clock.now()) {
                    self.isr_reports.add(partition.id(), proposal);
                }
            }
        }
    }

    /// The proposals that are still of use.
    fn awaited_reports(&self) -> Batch {
        let mut waiting = self.isr_reports.waiting.lock();
        waiting.retain(|id, proposal| self.partition(id).is_ok_and(|held| held.awaits(proposal)));
        waiting.iter().map(|(id, proposal)| (id.clone(), proposal.clone())).collect()
    }

    fn isr_answered(&self, id: &TopicPartition, proposal: &IsrProposal, answer: IsrAnswer) -> IsrOutcome {
        self.isr_reports.settle(id, proposal);
        match self.partition(id) {
            Ok(partition) => {
                let outcome = partition.isr_answered(proposal, answer, self.clock.now());
                self.isr_changes.count(proposal.expands, &outcome);
                outcome
            }
            Err(_) => IsrOutcome::Stale,
        }
    }
}

/// Asks the controller.
struct Reporter {
    replicas: Arc<ReplicaManager>,
    broker_epoch: Arc<AtomicI64>,
    /// The version of AlterIsr.
    version: i16,
    controller: Option<(BrokerId, Peer)>,
}

impl Reporter {
    async fn run(mut self) {
        loop {
            let batch = self.replicas.awaited_reports();
            if batch.is_empty() {
                self.replicas.isr_reports.added.notified().await;
            } else if let Err(reason) = self.report(batch).await {
                log::debug!(target: TARGET, "AlterIsr is tried again: {reason}");
                self.controller = None;
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Sends one request and takes its answers in; the reason where there are none, or some that ask to try again.
    async fn report(&mut self, batch: Batch) -> Result<(), String> {
        let replicas = self.replicas.clone();
        let request = AlterIsrRequest {
            broker_id: replicas.broker_id,
            broker_epoch: self.broker_epoch.load(Ordering::SeqCst),
            topics: topics(&batch),
        };
        let limit = millis(replicas.config.controller_socket_timeout_ms);
        let peer = self.connected(limit).await?;
        let answer = peer.call(&request, self.version, limit).await.map_err(|error| error.to_string())?;
        let error = ErrorCode::from_code(answer.error_code);
        if error != ErrorCode::None {
            if error != ErrorCode::NotController {
                log::warn!(target: TARGET, "Controller returned an unexpected top-level error when handling AlterIsr request: {}", error.name());
            }
            return Err(error.name().to_owned());
        }
        let mut answered = answers(answer);
        let mut again = None;
        for (id, proposal) in batch {
            match answered.remove(&id) {
                Some(Ok(answer)) => {
                    replicas.isr_answered(&id, &proposal, answer);
                }
                Some(Err(error)) => {
                    log::warn!(target: TARGET, "Controller failed to update ISR of {id} to {:?} due to unexpected {}. Retrying.", proposal.isr, error.name());
                    again = Some(error.name().to_owned());
                }
                None => {
                    log::warn!(target: TARGET, "Partition {id} was sent but not included in the response");
                    again = Some(format!("{id} was not answered"));
                }
            }
        }
        again.map_or(Ok(()), Err)
    }

    async fn connected(&mut self, limit: Duration) -> Result<Peer, String> {
        let metadata = self.replicas.metadata.snapshot();
        let controller = metadata.controller.and_then(|id| metadata.live_broker(id));
        let broker = controller.ok_or("no controller is known")?;
        if let Some((id, peer)) = &self.controller
            && *id == broker.id
            && peer.is_open()
        {
            return Ok(peer.clone());
        }
        let listener = &self.replicas.controller_listener;
        let endpoint = broker.endpoint(listener).ok_or_else(|| format!("{} has no {listener}", broker.id))?;
        let port = u16::try_from(endpoint.port).unwrap_or(0);
        let client_id = self.replicas.broker_id.to_string();
        let peer = Peer::connect(&endpoint.host, port, &client_id, limit).await;
        let peer = peer.map_err(|error| error.to_string())?;
        self.controller = Some((broker.id, peer.clone()));
        Ok(peer)
    }
}

fn topics(batch: &Batch) -> Vec<TopicData> {
    let groups = batch.chunk_by(|one, other| one.0.topic == other.0.topic);
    let topics = groups.map(|group| TopicData {
        name: group[0].0.topic.to_string(),
        partitions: group
            .iter()
            .map(|(id, proposal)| PartitionData {
                partition_index: id.partition,
                leader_epoch: proposal.leader_epoch,
                new_isr: proposal.isr.clone(),
                current_isr_version: proposal.zk_version,
            })
            .collect(),
    });
    topics.collect()
}

/// How each partition was answered; an error where it is to be tried again.
fn answers(answer: AlterIsrResponse) -> BTreeMap<TopicPartition, Result<IsrAnswer, ErrorCode>> {
    let mut answers = BTreeMap::new();
    for topic in answer.topics {
        let name: Arc<str> = topic.name.into();
        for it in topic.partitions {
            answers.insert(TopicPartition::new(name.clone(), it.partition_index), meaning(it));
        }
    }
    answers
}

fn meaning(it: PartitionDataResponse) -> Result<IsrAnswer, ErrorCode> {
    IsrAnswer::of_controller(match ErrorCode::from_code(it.error_code) {
        ErrorCode::None => Ok(LeaderAndIsr {
            leader: it.leader_id,
            leader_epoch: it.leader_epoch,
            isr: it.isr,
            zk_version: it.current_isr_version,
        }),
        error => Err(error),
    })
}

/// Writes to ZooKeeper.
struct Writer {
    replicas: Arc<ReplicaManager>,
    zk: ZooKeeper,
    changed: BTreeSet<TopicPartition>,
    last_change: Millis,
    last_notice: Millis,
}

impl Writer {
    fn new(replicas: Arc<ReplicaManager>, zk: ZooKeeper) -> Self {
        let now = replicas.clock.now();
        Self { replicas, zk, changed: BTreeSet::new(), last_change: now, last_notice: now }
    }

    async fn run(mut self) {
        let mut checks = tokio::time::interval(NOTICE_CHECK);
        let replicas = self.replicas.clone();
        loop {
            tokio::select! {
                () = replicas.isr_reports.added.notified() => {
                    for (id, proposal) in replicas.awaited_reports() {
                        self.write(&id, &proposal).await;
                    }
                }
                _ = checks.tick() => self.notify().await,
            }
        }
    }

    async fn write(&mut self, id: &TopicPartition, proposal: &IsrProposal) {
        let answer = self.written(id, proposal).await.unwrap_or_else(|error| {
            log::warn!(target: TARGET, "Writing the ISR of {id}: {error}");
            IsrAnswer::NotWritten
        });
        match &answer {
            IsrAnswer::Holds { .. } => {
                self.changed.insert(id.clone());
                self.last_change = self.replicas.clock.now();
            }
            IsrAnswer::Refused => {
                log::info!(target: TARGET, "[Partition {id} broker={}] Cached zkVersion {} not equal to that in zookeeper, skip updating ISR", self.replicas.broker_id, proposal.zk_version);
            }
            IsrAnswer::NotWritten => {}
        }
        self.replicas.isr_answered(id, proposal, answer);
    }

    /// What became of a proposal.
    ///
    /// # Errors
    /// Failures of ZooKeeper that are certain to have left the state as it was.
    async fn written(&self, id: &TopicPartition, proposal: &IsrProposal) -> Result<IsrAnswer, ZkError> {
        let (path, leader) = (partition_state::path(id), self.replicas.broker_id);
        let wanted = proposal.leadership(leader);
        let data = PartitionStateZNode::new(wanted.clone(), proposal.controller_epoch).encode();
        loop {
            match self.zk.set(&path, &data, Some(proposal.zk_version)).await {
                Ok(stat) => return Ok(IsrAnswer::holding(wanted.at_version(stat.version))),
                // It may have been written before the session ended. It is not written twice: the version is another then.
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

    /// Tells the controller of what has changed, once it has been quiet for a while.
    async fn notify(&mut self) {
        let now = self.replicas.clock.now();
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

fn millis(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
