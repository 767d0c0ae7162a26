//! A broker's registration under `/brokers/ids` (`KafkaZkClient.registerBroker`, `CheckedEphemeral`), and its id.

use parking_lot::Mutex;

use super::ZooKeeper;
use super::store::{CreateMode, Op, ZkError};
use super::znode::broker::{self, Registration};
use super::znode::producer_id_block::ProducerIdBlock;
use super::znode::{broker_sequence, producer_id_block};
use crate::base::BrokerId;

/// Registers a broker in every session it lives through, and remembers the last one, so that a znode which outlived its
/// session (ZOOKEEPER-2985) is known to be our own.
#[derive(Debug, Default)]
pub struct Registrar {
    last_session: Mutex<Option<i64>>,
}

impl Registrar {
    /// Registers in the present session and gives the broker epoch, which is the znode's czxid.
    ///
    /// # Errors
    /// [`ZkError::NodeExists`] where another live session holds the id, and other failures of ZooKeeper.
    pub async fn register(&self, zk: &ZooKeeper, registration: &Registration) -> Result<i64, ZkError> {
        let path = broker::path(registration.id);
        let data = registration.encode();
        loop {
            // Made empty and then written, as Kafka does it: the registration's version is 1.
            let ops = [
                Op::Create { path: path.clone(), data: Vec::new(), mode: CreateMode::Ephemeral },
                Op::Set { path: path.clone(), data: data.clone(), version: Some(0) },
            ];
            match zk.multi(&ops).await {
                Ok(_) => {}
                Err(error) if error.source == ZkError::NodeExists => {}
                Err(error) => return Err(error.source),
            }
            let Some(stat) = zk.exists(&path).await? else { continue };
            if stat.ephemeral_owner == zk.session_id() {
                *self.last_session.lock() = Some(stat.ephemeral_owner);
                return Ok(stat.czxid);
            }
            if *self.last_session.lock() != Some(stat.ephemeral_owner) {
                log::error!(
                    target: "kafka.zk.KafkaZkClient",
                    "Error while creating ephemeral at {path}, node already exists and owner '{}' does not match current session '{}'",
                    stat.ephemeral_owner,
                    zk.session_id()
                );
                return Err(ZkError::NodeExists);
            }
            match zk.delete(&path, None).await {
                Ok(()) | Err(ZkError::NoNode) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A generated broker id: above the reserved ones, never given twice.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn generate_id(zk: &ZooKeeper, reserved_max: i32) -> Result<BrokerId, ZkError> {
    loop {
        match zk.set(broker_sequence::PATH, broker_sequence::DATA, None).await {
            Ok(stat) => return Ok(stat.version + reserved_max),
            Err(ZkError::NoNode) => {
                match zk
                    .create_recursive(broker_sequence::PATH, broker_sequence::DATA, CreateMode::Persistent)
                    .await
                {
                    Ok(_) | Err(ZkError::NodeExists) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Claims the next thousand producer ids for a broker (`ProducerIdManager`).
///
/// # Errors
/// Failures of ZooKeeper, and [`ZkError::Other`] where the znode cannot be read or the ids are used up.
pub async fn claim_producer_ids(zk: &ZooKeeper, broker: BrokerId) -> Result<ProducerIdBlock, ZkError> {
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
