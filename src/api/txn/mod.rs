//! APIs of idempotent and transactional producers.

pub mod add_offsets_to_txn;
pub mod add_partitions_to_txn;
pub mod end_txn;
pub mod init_producer_id;
pub mod write_txn_markers;

use crate::api::Exchange;
use crate::config::version::KafkaVersion;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;

/// Whether the brokers of the cluster know transactions.
///
/// # Errors
/// UNSUPPORTED_VERSION: `inter.broker.protocol.version` is older than they are.
fn check_protocol(exchange: &Exchange) -> Result<(), ErrorCode> {
    match exchange.services.config.inter_broker_protocol_version.at_least(KafkaVersion::V0_11_0_IV0) {
        true => Ok(()),
        false => Err(ErrorCode::UnsupportedVersion),
    }
}

/// The permission that a producer needs for its transactional id.
///
/// # Errors
/// TRANSACTIONAL_ID_AUTHORIZATION_FAILED: it does not have it.
fn authorize_transactional_id(exchange: &Exchange, transactional_id: &str) -> Result<(), ErrorCode> {
    let resource = AclResource::transactional_id(transactional_id);
    match exchange.is_authorized(AclOperation::Write, resource) {
        true => Ok(()),
        false => Err(ErrorCode::TransactionalIdAuthorizationFailed),
    }
}

/// The error as a request of this version is answered with it: before `known_from` clients do not know PRODUCER_FENCED.
fn for_version(error: ErrorCode, version: i16, known_from: i16) -> ErrorCode {
    match error {
        ErrorCode::ProducerFenced if version < known_from => ErrorCode::InvalidProducerEpoch,
        error => error,
    }
}
