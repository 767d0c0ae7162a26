//! A broker's partitions over real logs in a temporary directory, driven by requests as a controller sends
//! them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tempfile::TempDir;

use super::*;
use crate::base::{Broker, Endpoint, LeaderAndIsr, LeaderEpoch, Offset, SecurityProtocol};
use crate::config::Properties;
use crate::log::{AppendOrigin, LogManagerOptions};
use crate::metadata::MetadataUpdate;
use crate::replica::controller_epoch::RequestEpochs;
use crate::replica::fetch::{FetchParams, Isolation, PartitionFetch};
use crate::replica::machine::{LeadershipState, ReadFrom};
use crate::replica::orders::{
    LeaderAndIsrOrder, OrderOutcomes, PartitionOrder, Reassigned, ReplicaStop, StopReplicaOrder, StoppedLog,
};
use crate::replica::produce::{AppendParams, InternalTopics, RequiredAcks};
use crate::wire::batch::BatchBuilder;

/// The time of everything.
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// Broker 1 with its directory.
pub(crate) struct Room {
    pub replicas: Arc<ReplicaManager>,
    pub clock: Clock,
    pub dir: TempDir,
}

/// A partition of topic `t`.
pub(crate) fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

/// A broker as the controller describes it.
fn live(id: BrokerId) -> Broker {
    let endpoint = Endpoint {
        listener: "PLAINTEXT".to_owned(),
        protocol: SecurityProtocol::Plaintext,
        host: "nowhere".to_owned(),
        port: 9092,
    };
    let rack = Some(format!("r{id}"));
    Broker { id, endpoints: vec![endpoint], rack, epoch: -1, features: Default::default() }
}

/// An append of a client.
pub(crate) fn of_client(acks: i16, timeout: Duration) -> AppendParams {
    AppendParams {
        acks: RequiredAcks::from_wire(acks).unwrap(),
        timeout,
        internal_topics: InternalTopics::Refused,
        origin: AppendOrigin::Client,
        leader_epoch: None,
    }
}

/// One batch of records without keys.
pub(crate) fn batch(values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for value in values {
        builder.push(NOW, None, Some(value.as_bytes()), &[]);
    }
    builder.build().unwrap()
}

/// The epochs of a request of the first controller, which has no broker epoch.
pub(crate) const EPOCHS: RequestEpochs = RequestEpochs { controller: 1, broker: -1 };

/// The request to lead or to follow one partition of `t`.
pub(crate) fn lead_or_follow(number: i32, state: LeadershipState, is_new: bool) -> LeaderAndIsrOrder {
    let reassignment = Reassigned::default();
    let order = PartitionOrder { partition: partition(number), state, is_new, reassignment };
    LeaderAndIsrOrder { epochs: EPOCHS, partitions: vec![order] }
}

impl Room {
    pub(crate) fn new() -> Self {
        Self::with(&[], TopicConfig::default())
    }

    /// A broker with these further properties, and this config for every topic.
    pub(crate) fn with(properties: &[(&str, &str)], topics: TopicConfig) -> Self {
        Self::opened(tempfile::tempdir().unwrap(), properties, topics)
    }

    /// A broker with two data directories.
    pub(crate) fn with_two_dirs() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let dirs = ["one", "two"].map(|name| dir.path().join(name)).to_vec();
        Self::opened_in(dir, dirs, &[], TopicConfig::default())
    }

    /// Fetches from the first partition as a follower that has everything below `offset`, and whose log starts at
    /// `log_start_offset`.
    pub(crate) async fn follow(&self, replica_id: BrokerId, offset: Offset, log_start_offset: Offset) {
        let params = FetchParams {
            replica_id,
            max_wait: Duration::ZERO,
            min_bytes: 1,
            max_bytes: 1 << 20,
            hard_max_bytes: false,
            isolation: Isolation::ReadUncommitted,
            read_from: ReadFrom::Leader,
        };
        let wanted = PartitionFetch {
            offset,
            max_bytes: 1 << 20,
            current_leader_epoch: None,
            last_fetched_epoch: None,
            log_start_offset,
        };
        let found = self.replicas.fetch(params, &[(partition(0), wanted)]).await;
        assert_eq!(found[0].1.error, ErrorCode::None);
    }

    /// Its logs.
    pub(crate) fn logs(&self) -> &LogManager {
        &self.replicas.logs
    }

    fn opened(dir: TempDir, properties: &[(&str, &str)], topics: TopicConfig) -> Self {
        let dirs = vec![dir.path().to_path_buf()];
        Self::opened_in(dir, dirs, properties, topics)
    }

    fn opened_in(
        dir: TempDir,
        dirs: Vec<std::path::PathBuf>,
        properties: &[(&str, &str)],
        topics: TopicConfig,
    ) -> Self {
        let mut all = Properties::default();
        all.set("zookeeper.connect", "nowhere");
        for (key, value) in properties {
            all.set(*key, *value);
        }
        let config = Arc::new(crate::config::BrokerConfig::parse(&all).unwrap());
        let clock = Clock::manual(NOW);
        let options = LogManagerOptions { dirs, clock: clock.clone(), ..LogManagerOptions::default() };
        let logs = LogManager::open(options).unwrap();
        let metadata = Arc::new(MetadataCache::default());
        metadata.apply(MetadataUpdate { live_brokers: [1, 2, 3].map(live).to_vec(), ..Default::default() });
        let replicas = ReplicaManager::new(1, config, logs, metadata, clock.clone(), move || topics.clone());
        Self { replicas, clock, dir }
    }

    /// The same directory, opened by a broker started anew.
    pub(crate) fn restarted(self) -> Self {
        let Self { replicas, dir, .. } = self;
        replicas.close();
        replicas.logs.close();
        drop(replicas);
        Self::opened(dir, &[], TopicConfig::default())
    }

    /// Makes the broker leader or follower of a partition of `t`; the result is the error.
    pub(crate) fn become_replica(
        &self,
        number: i32,
        leader: BrokerId,
        epoch: LeaderEpoch,
        isr: &[BrokerId],
    ) -> ErrorCode {
        self.become_replica_at(number, leader, epoch, isr, epoch)
    }

    /// The same, with the version of the state's znode.
    pub(crate) fn become_replica_at(
        &self,
        number: i32,
        leader: BrokerId,
        epoch: LeaderEpoch,
        isr: &[BrokerId],
        zk_version: i32,
    ) -> ErrorCode {
        let replicas = if isr == [1] { vec![1] } else { vec![1, 2, 3] };
        let leadership = LeaderAndIsr { leader, leader_epoch: epoch, isr: isr.to_vec(), zk_version };
        let order = lead_or_follow(number, LeadershipState::new(leadership, replicas, 1), epoch == 0);
        self.obey(order, 0).unwrap()[0].1.err().unwrap_or_default()
    }

    /// Applies a request; topics have no configs of their own.
    pub(crate) fn obey(
        &self,
        order: LeaderAndIsrOrder,
        own_broker_epoch: i64,
    ) -> Result<OrderOutcomes, ErrorCode> {
        let initializing = self.replicas.log_configs().initialize(&order);
        let topics = initializing.topics().into_iter();
        let settings = initializing.settings(topics.map(|topic| (topic, Default::default())));
        let outcomes =
            self.replicas.role_changes().become_leader_or_follower(order, own_broker_epoch, &settings);
        initializing.finish();
        outcomes
    }

    /// Stops a partition of `t`; the answer is its error.
    pub(crate) fn stop(&self, number: i32, leader_epoch: LeaderEpoch, delete: bool) -> ErrorCode {
        let log = if delete { StoppedLog::Deleted } else { StoppedLog::Kept };
        let replicas = vec![ReplicaStop { partition: partition(number), leader_epoch, log }];
        let order = StopReplicaOrder { epochs: EPOCHS, replicas };
        self.replicas.role_changes().stop_replicas(order, 0).unwrap()[0].1.err().unwrap_or_default()
    }

    /// Appends a batch to a partition of `t`; the offset of its first record.
    pub(crate) async fn produce(&self, number: i32, values: &[&str]) -> Offset {
        let entries = vec![(partition(number), batch(values).into())];
        let outcomes =
            self.replicas.append_records(of_client(1, Duration::ZERO), entries).await.outcomes().await;
        assert_eq!(outcomes[0].1.error, ErrorCode::None, "{outcomes:?}");
        outcomes[0].1.base_offset
    }

    /// Begins a produce of these bytes to a partition of `t`, with a minute's time.
    pub(crate) fn append(&self, number: i32, acks: i16, records: Bytes) -> PendingProduce {
        let entries = vec![(partition(number), records.into())];
        let appending = self.replicas.append_records(of_client(acks, Duration::from_secs(60)), entries);
        appending.now_or_never().expect("few plain bytes are appended at once, without another thread")
    }

    pub(crate) fn high_watermark(&self, number: i32) -> Offset {
        self.replicas.partition(&partition(number)).unwrap().log().unwrap().high_watermark()
    }
}
