//! Producer ids, each assigned once in the life of a cluster, from the blocks that brokers claim in
//! `/latest_producer_id_block` (`ProducerIdManager`).

use tokio::sync::Mutex;

use super::ZooKeeper;
use super::op::{CreateMode, ZkError};
use super::znode::producer_id_block::{self, ProducerIdBlock};
use crate::base::{BrokerId, ProducerId};

/// Assigns producer ids; claims the next block of a thousand when the last one is used up.
#[derive(Debug)]
pub struct ProducerIdManager {
    zk: ZooKeeper,
    broker: BrokerId,
    claimed: Mutex<ClaimedBlock>,
}

/// The block that ids are assigned from.
#[derive(Debug)]
struct ClaimedBlock {
    /// The next id to assign; past the block's end if it is used up.
    next: ProducerId,
    block: ProducerIdBlock,
}

impl ProducerIdManager {
    /// Claims the first block, as every start of a broker does.
    ///
    /// # Errors
    /// As [`claim_block`].
    pub async fn start(zk: ZooKeeper, broker: BrokerId) -> Result<Self, ZkError> {
        let block = claim_block(&zk, broker).await?;
        Ok(Self { zk, broker, claimed: Mutex::new(ClaimedBlock { next: block.start, block }) })
    }

    /// The next id.
    ///
    /// # Errors
    /// As [`claim_block`].
    pub async fn next(&self) -> Result<ProducerId, ZkError> {
        let mut claimed = self.claimed.lock().await;
        if claimed.next > claimed.block.end {
            let block = claim_block(&self.zk, self.broker).await?;
            *claimed = ClaimedBlock { next: block.start, block };
        }
        claimed.next += 1;
        Ok(claimed.next - 1)
    }
}

/// Claims the next thousand producer ids for a broker.
///
/// # Errors
/// Failures of ZooKeeper, and [`ZkError::Other`] where the znode cannot be read or the ids are used up.
pub async fn claim_block(zk: &ZooKeeper, broker: BrokerId) -> Result<ProducerIdBlock, ZkError> {
    loop {
        let (last, version) = match zk.get(producer_id_block::PATH).await? {
            None => (None, None),
            Some((data, stat)) if data.is_empty() => (None, Some(stat.version)),
            Some((data, stat)) => {
                let last =
                    ProducerIdBlock::decode(&data).map_err(|error| ZkError::Other(error.to_string()))?;
                (Some(last), Some(stat.version))
            }
        };
        let next = ProducerIdBlock::after(last, broker)
            .ok_or_else(|| ZkError::Other("the producer ids are used up".to_owned()))?;
        let outcome = match version {
            None => {
                zk.create(producer_id_block::PATH, &next.encode(), CreateMode::Persistent).await.map(drop)
            }
            Some(version) => zk.set(producer_id_block::PATH, &next.encode(), Some(version)).await.map(drop),
        };
        match outcome {
            Ok(()) => return Ok(next),
            Err(ZkError::NodeExists | ZkError::BadVersion) => {}
            Err(error) => return Err(error),
        }
    }
}
