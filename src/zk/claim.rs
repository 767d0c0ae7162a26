//! Becoming the controller: `/controller` and `/controller_epoch` in one multi, so that no two brokers can
//! both become it (`KafkaZkClient.registerControllerAndIncrementControllerEpoch`).

use super::ZooKeeper;
use super::op::{CreateMode, Op, OpResult, ZkError};
use super::znode::{controller, controller_epoch};
use crate::base::{BrokerId, Millis};

/// A won election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The controller epoch that begins.
    pub epoch: i32,
    /// The version of `/controller_epoch`, which guards every write of this controller.
    pub epoch_version: i32,
    /// The session that holds `/controller`.
    pub generation: u64,
}

/// Tries to make `broker` the controller; None if another broker is, or became it first.
///
/// # Errors
/// [`ZkError::SessionExpired`] where the session ended before the outcome was known, and other failures of ZooKeeper.
pub async fn claim(zk: &ZooKeeper, broker: BrokerId, now: Millis) -> Result<Option<Claim>, ZkError> {
    let generation = zk.generation();
    let (current, version) = present_epoch(zk).await?;
    let epoch = current + 1;
    match zk.multi(&operations(broker, epoch, version, now)).await {
        Ok(results) => match results.last() {
            Some(OpResult::Set { version }) => Ok(Some(Claim { epoch, epoch_version: *version, generation })),
            _ => Err(ZkError::Other("the election's multi gave no version".to_owned())),
        },
        Err(error) => match error.source {
            ZkError::NodeExists | ZkError::BadVersion => Ok(None),
            other => Err(other),
        },
    }
}

/// The operations that make `broker` the controller of an epoch, if `/controller_epoch` still has this
/// version.
pub fn operations(broker: BrokerId, epoch: i32, version: i32, now: Millis) -> [Op; 2] {
    let data = controller::encode(broker, now);
    let (path, mode) = (controller::PATH.to_owned(), CreateMode::Ephemeral);
    let next = controller_epoch::encode(epoch);
    [
        Op::Create { path, data, mode },
        Op::Set { path: controller_epoch::PATH.to_owned(), data: next, version: Some(version) },
    ]
}

/// The controller that `/controller` names; None where there is none.
///
/// # Errors
/// Those of reading it.
pub async fn controller(zk: &ZooKeeper) -> Result<Option<BrokerId>, ZkError> {
    Ok(zk.get(controller::PATH).await?.and_then(|(data, _)| controller::decode(&data).ok()))
}

/// The epoch and its version; created if the cluster has had no controller yet.
async fn present_epoch(zk: &ZooKeeper) -> Result<(i32, i32), ZkError> {
    loop {
        if let Some((data, stat)) = zk.get(controller_epoch::PATH).await? {
            let epoch = controller_epoch::decode(&data).map_err(|error| ZkError::Other(error.to_string()))?;
            return Ok((epoch, stat.version));
        }
        let initial = controller_epoch::encode(controller_epoch::INITIAL);
        match zk.create(controller_epoch::PATH, &initial, CreateMode::Persistent).await {
            Ok(_) | Err(ZkError::NodeExists) => {}
            Err(error) => return Err(error),
        }
    }
}
