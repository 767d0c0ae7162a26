//! The finalized features, as they stand in `/feature` (KIP-584): a broker that does not support them ends.
//!
//! Kafka: `FinalizedFeatureChangeListener`, `FinalizedFeatureCache`.

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::base::features::{broker_features, incompatible_features};
use crate::zk::znode::feature::{self, FeatureZNode, FinalizedFeaturesAndEpoch};
use crate::zk::{Stat, ZnodeChange, ZooKeeper};

const TARGET: &str = "kafka.server.FinalizedFeatureChangeListener";

/// Finalized features that this broker does not support, with the reason for each.
#[derive(Debug, thiserror::Error)]
#[error("Feature incompatibilities seen: {}", .0.join(", "))]
pub(super) struct IncompatibleFeatures(Vec<String>);

/// What is finalized now, for a broker that is starting.
///
/// # Errors
/// Failures of ZooKeeper, and features that this broker does not support.
pub(super) async fn read(zk: &ZooKeeper) -> Result<Option<FinalizedFeaturesAndEpoch>, StartError> {
    let data = zk.get(feature::PATH).await?;
    finalized(data).map_err(|error| StartError::Other(error.to_string()))
}

/// Sends what is finalized whenever that changes, until `shutdown`. Features that this broker does not support end
/// the broker.
pub(super) async fn follow(
    zk: ZooKeeper,
    finalized_features: watch::Sender<Option<FinalizedFeaturesAndEpoch>>,
    shutdown: CancellationToken,
) {
    let mut watches = zk.watches();
    watches.watch_data(feature::PATH);
    while let Some(Some(change)) = shutdown.run_until_cancelled(watches.next()).await {
        let ZnodeChange::Data { data, .. } = change else { continue };
        match finalized(data) {
            Ok(features) => drop(finalized_features.send_replace(features)),
            Err(error) => {
                log::error!(target: TARGET, "Failed to process feature ZK node change event. The broker will eventually exit. {error}");
                return shutdown.cancel();
            }
        }
    }
}

/// What is finalized by the data of `/feature`; None where features are not in force.
fn finalized(data: Option<(Bytes, Stat)>) -> Result<Option<FinalizedFeaturesAndEpoch>, IncompatibleFeatures> {
    let Some((data, stat)) = data else {
        log::info!(target: TARGET, "Feature ZK node at path: {} does not exist", feature::PATH);
        return Ok(None);
    };
    match FeatureZNode::decode(&data) {
        Ok(FeatureZNode { enabled: true, features }) => {
            let reasons = incompatible_features(&broker_features(), &features);
            if !reasons.is_empty() {
                return Err(IncompatibleFeatures(reasons));
            }
            Ok(Some(FinalizedFeaturesAndEpoch { epoch: stat.version, features }))
        }
        Ok(_) => {
            log::info!(target: TARGET, "Feature ZK node at path: {} is in disabled status.", feature::PATH);
            Ok(None)
        }
        Err(error) => {
            log::error!(target: TARGET, "Unable to deserialize feature ZK node at path: {}: {error}", feature::PATH);
            Ok(None)
        }
    }
}
