//! InitProducerId, v0-4. An id for an idempotent producer, from the block of ids that this broker claimed.
//!
//! v2 flexible · v3 a producer's present id and epoch (KIP-360) · v4 PRODUCER_FENCED. A transactional id needs a
//! transaction coordinator, which is not there yet: it is answered COORDINATOR_NOT_AVAILABLE.
//! Kafka: `KafkaApis.handleInitProducerIdRequest`, `ProducerIdManager`.

use crate::api::Exchange;
use crate::base::{BrokerId, ProducerId};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use crate::zk::registration::claim_producer_ids;
use crate::zk::znode::producer_id_block::ProducerIdBlock;
use crate::zk::{ZkError, ZooKeeper};

/// Hands out producer ids, each once; claims the next thousand when it runs out.
#[derive(Debug)]
pub struct ProducerIds {
    zk: ZooKeeper,
    broker: BrokerId,
    block: tokio::sync::Mutex<(ProducerId, ProducerIdBlock)>,
}

impl ProducerIds {
    /// Claims the first block, as every start of a broker does.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn claim(zk: ZooKeeper, broker: BrokerId) -> Result<Self, ZkError> {
        let block = claim_producer_ids(&zk, broker).await?;
        Ok(Self { zk, broker, block: tokio::sync::Mutex::new((block.start, block)) })
    }

    /// The next id.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn next(&self) -> Result<ProducerId, ZkError> {
        let mut held = self.block.lock().await;
        if held.0 > held.1.end {
            let block = claim_producer_ids(&self.zk, self.broker).await?;
            *held = (block.start, block);
        }
        let id = held.0;
        held.0 += 1;
        Ok(id)
    }
}

/// Hands out an id.
pub async fn handle(exchange: &Exchange, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let refused = |error: ErrorCode| InitProducerIdResponse {
        error_code: error as i16,
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    let most = exchange.services.config.transaction_max_timeout_ms;
    match request.transactional_id.as_deref() {
        Some("") => refused(ErrorCode::InvalidRequest),
        Some(_) if !(1..=most).contains(&request.transaction_timeout_ms) => {
            refused(ErrorCode::InvalidTransactionTimeout)
        }
        Some(_) => refused(ErrorCode::CoordinatorNotAvailable),
        None => match exchange.services.producer_ids.next().await {
            Ok(producer_id) => {
                InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() }
            }
            Err(error) => {
                log::error!(target: "kafka.coordinator.transaction.ProducerIdManager", "No producer id: {error}");
                refused(ErrorCode::UnknownServerError)
            }
        },
    }
}
