//! UpdateMetadata, v0-6. The controller says who lives and who leads.
//!
//! v1 endpoints · v2 rack · v3 listener names · v4 offline replicas · v5 broker epoch, topics · v6 flexible.
//! Kafka: `KafkaApis.handleUpdateMetadataRequest`.

use crate::api::Exchange;
use crate::wire::message::update_metadata::{UpdateMetadataRequest, UpdateMetadataResponse};

/// Takes it in.
pub async fn handle(exchange: &Exchange, request: UpdateMetadataRequest) -> UpdateMetadataResponse {
    let error = exchange.services.replicas.update_metadata(&request, super::own_epoch(exchange));
    UpdateMetadataResponse { error_code: error as i16 }
}
