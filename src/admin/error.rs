//! Why a change by znode was refused: every case, its error code, and Kafka's text.

use crate::config::ConfigError;
use crate::wire::error_code::ErrorCode;
use crate::zk::ZkError;

/// Why a change was refused; prints Kafka's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// A topic of this name exists.
    #[error("Topic '{0}' already exists.")]
    TopicExists(String),
    /// There is no topic of this name.
    #[error("The topic '{0}' does not exist.")]
    UnknownTopic(String),
    /// A topic that does not exist was to be deleted.
    #[error("Topic `{0}` to delete does not exist")]
    NoTopicToDelete(String),
    /// The topic was marked for deletion before.
    #[error("topic {0} is already marked for deletion")]
    AlreadyMarkedForDeletion(String),
    /// The topic's name or its present state does not allow the change; the text gives the reason.
    #[error("{0}")]
    InvalidTopic(String),
    /// A partition of this topic is being reassigned.
    #[error("A partition reassignment is in progress for the topic '{0}'.")]
    ReassignmentInProgress(String),
    /// The replicas asked for are no assignment; the text gives the reason.
    #[error("{0}")]
    InvalidAssignment(String),
    /// The number of partitions is impossible; the text gives the reason.
    #[error("{0}")]
    InvalidPartitions(String),
    /// The replication factor is impossible; the text gives the reason.
    #[error("{0}")]
    InvalidReplicationFactor(String),
    /// A broker that is to get a replica is not alive; the text names the brokers.
    #[error("{0}")]
    BrokerNotAvailable(String),
    /// The request contradicts itself or asks for what does not exist; the text gives the reason.
    #[error("{0}")]
    InvalidRequest(String),
    /// A config has a name or a value that it cannot have.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The caller has changed as much as its quota allows (KIP-599).
    #[error("The throttling quota has been exceeded.")]
    ThrottlingQuotaExceeded,
    /// A failure that has no error code of its own (Kafka's `AdminOperationException`); may have no text.
    #[error("{0}")]
    Operation(String),
    /// ZooKeeper failed.
    #[error("{0}")]
    ZooKeeper(#[from] ZkError),
}

impl AdminError {
    /// [`AdminError::Operation`].
    pub fn operation(message: impl Into<String>) -> Self {
        Self::Operation(message.into())
    }

    /// [`AdminError::InvalidRequest`].
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::InvalidRequest(message.into())
    }

    /// The error code of an answer.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TopicExists(_) => ErrorCode::TopicAlreadyExists,
            Self::UnknownTopic(_) | Self::NoTopicToDelete(_) => ErrorCode::UnknownTopicOrPartition,
            Self::InvalidTopic(_) => ErrorCode::InvalidTopicException,
            Self::ReassignmentInProgress(_) => ErrorCode::ReassignmentInProgress,
            Self::InvalidAssignment(_) => ErrorCode::InvalidReplicaAssignment,
            Self::InvalidPartitions(_) => ErrorCode::InvalidPartitions,
            Self::InvalidReplicationFactor(_) => ErrorCode::InvalidReplicationFactor,
            Self::BrokerNotAvailable(_) => ErrorCode::BrokerNotAvailable,
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::Config(_) => ErrorCode::InvalidConfig,
            Self::ThrottlingQuotaExceeded => ErrorCode::ThrottlingQuotaExceeded,
            Self::AlreadyMarkedForDeletion(_) | Self::Operation(_) | Self::ZooKeeper(_) => {
                ErrorCode::UnknownServerError
            }
        }
    }

    /// The text as a client may see it: none with UNKNOWN_SERVER_ERROR, and none where it is the code's own (Kafka's
    /// `ApiError.fromThrowable`).
    pub fn client_message(&self) -> Option<String> {
        let (text, code) = (self.to_string(), self.code());
        let has_more = !text.is_empty() && text != code.message() && code != ErrorCode::UnknownServerError;
        has_more.then_some(text)
    }
}
