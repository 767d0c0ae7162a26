//! The finalized features, as they stand in `/feature` (KIP-584; Kafka's
//! `FinalizedFeatureChangeListener`).

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::zk::znode::feature::{self, FeatureZNode, Finalized};
use crate::zk::{Stat, ZnodeChange, ZooKeeper};

const TARGET: &str = "kafka.server.FinalizedFeatureChangeListener";

/// Sends what is finalized whenever that changes, until `stop`.
pub(super) async fn follow(
    zk: ZooKeeper,
    finalized_features: watch::Sender<Option<Finalized>>,
    stop: CancellationToken,
) {
    let mut watches = zk.watches();
    watches.watch_data(feature::PATH);
    while let Some(Some(change)) = stop.run_until_cancelled(watches.next()).await {
        if let ZnodeChange::Data { data, .. } = change {
            finalized_features.send_replace(finalized(data));
        }
    }
}

fn finalized(data: Option<(bytes::Bytes, Stat)>) -> Option<Finalized> {
    let Some((data, stat)) = data else {
        log::info!(target: TARGET, "Feature ZK node at path: {} does not exist", feature::PATH);
        return None;
    };
    match FeatureZNode::decode(&data) {
        Ok(FeatureZNode { enabled: true, features }) => Some(Finalized { epoch: stat.version, features }),
        Ok(_) => {
            log::info!(target: TARGET, "Feature ZK node at path: {} is in disabled status.", feature::PATH);
            None
        }
        Err(error) => {
            log::error!(target: TARGET, "Unable to deserialize feature ZK node at path: {}: {error}", feature::PATH);
            None
        }
    }
}
