//! What an administrator changes through znodes: topics, their partitions, and configs (Kafka's `AdminZkClient`).
//!
//! Used by the tools that are given `--zookeeper` and by the APIs of a broker alike. Writes what the controller and the
//! brokers react to; never waits for them.

pub mod configs;
pub mod names;
pub mod placement;
pub mod topics;

use crate::config::ConfigError;
use crate::wire::error_code::ErrorCode;
use crate::zk::ZkError;

/// Why a change was refused: Kafka's exception, its error code for the wire, and its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AdminError {
    /// The exception's class in Java.
    pub class: &'static str,
    /// What a client is told.
    pub code: ErrorCode,
    /// The message.
    pub message: String,
}

impl AdminError {
    /// A refusal with one of Kafka's exceptions for clients, named without its package.
    pub fn new(class: &'static str, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { class, code, message: message.into() }
    }

    /// The message as a client may see it: none with UNKNOWN_SERVER_ERROR (`ApiError.fromThrowable`).
    pub fn told(self) -> Option<String> {
        Some(self.message).filter(|text| !text.is_empty() && self.code != ErrorCode::UnknownServerError)
    }

    /// `AdminOperationException`, which has no error code of its own.
    pub fn operation(message: impl Into<String>) -> Self {
        Self::new("kafka.admin.AdminOperationException", ErrorCode::UnknownServerError, message)
    }

    /// `InvalidRequestException`.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        let class = "org.apache.kafka.common.errors.InvalidRequestException";
        Self::new(class, ErrorCode::InvalidRequest, message)
    }

    /// `InvalidReplicaAssignmentException`.
    pub(crate) fn assignment(message: impl Into<String>) -> Self {
        let class = "org.apache.kafka.common.errors.InvalidReplicaAssignmentException";
        Self::new(class, ErrorCode::InvalidReplicaAssignment, message)
    }

    /// `InvalidPartitionsException`.
    pub(crate) fn partitions(message: impl Into<String>) -> Self {
        let class = "org.apache.kafka.common.errors.InvalidPartitionsException";
        Self::new(class, ErrorCode::InvalidPartitions, message)
    }
}

impl From<ZkError> for AdminError {
    fn from(error: ZkError) -> Self {
        let class = match error {
            ZkError::ConnectTimeout => "kafka.zookeeper.ZooKeeperClientTimeoutException",
            _ => "org.apache.zookeeper.KeeperException",
        };
        Self::new(class, ErrorCode::UnknownServerError, error.to_string())
    }
}

impl From<ConfigError> for AdminError {
    fn from(error: ConfigError) -> Self {
        Self::new(error.class(), ErrorCode::InvalidConfig, error.to_string())
    }
}
