//! Why a member cannot take part in its group, or cannot commit.
//!
//! Pure. Texts are those of Kafka's clients.

use crate::base::TopicPartition;
use crate::client::error::Recovery;
use crate::wire::error_code::ErrorCode;

/// Why the group's protocol failed in this client. Errors of the coordinator itself are
/// [`ClientError::Refused`](crate::client::ClientError::Refused).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The configured assignors have no rebalance protocol in common.
    #[error("Specified assignors [{}] do not have commonly supported rebalance protocol", .0.join(", "))]
    NoCommonProtocol(Vec<String>),
    /// The consumer subscribes, and no assignor is configured.
    #[error(
        "User configured partition.assignment.strategy to empty while trying to subscribe for group protocol to auto assign partitions"
    )]
    NoAssignor,
    /// The coordinator chose an assignor that this member does not have.
    #[error("Coordinator selected invalid assignment protocol: {0}")]
    UnknownAssignor(String),
    /// The subscription of another member cannot be read.
    #[error("The subscription of member {member} cannot be read: {problem}")]
    BadSubscription {
        /// The member.
        member: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The assignment that this member received cannot be read.
    #[error("The assignment in the sync-group response cannot be read: {0}")]
    BadAssignment(String),
    /// An assignor for the cooperative protocol gave partitions to one member that another one still has.
    #[error("Assignor supporting the COOPERATIVE protocol violates its requirements")]
    NotCooperative(Vec<TopicPartition>),
    /// The assignor panicked.
    #[error("The assignor failed")]
    AssignorFailed,
    /// The answer of the coordinator names another protocol than this member's.
    #[error(
        "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list."
    )]
    InconsistentProtocol,
    /// A rebalance goes on; a commit may succeed once the consumer has been polled until it is over. Kafka:
    /// `RebalanceInProgressException`.
    #[error("{0}")]
    RebalanceInProgress(&'static str),
    /// The consumer is no longer the member that consumed these offsets. Kafka: `CommitFailedException`.
    #[error("{0}")]
    CommitFailed(&'static str),
    /// A commit that is not repeated failed for a reason that may pass. Kafka: `RetriableCommitFailedException`.
    #[error(
        "Offset commit failed with a retriable exception. You should retry committing the latest consumed offsets."
    )]
    RetriableCommitFailed {
        /// The coordinator's error; None where it did not answer.
        cause: Option<ErrorCode>,
    },
    /// Offsets cannot become part of a transaction: the consumer is no longer the member that consumed them. Kafka:
    /// `CommitFailedException`.
    #[error("Transaction offset Commit failed due to consumer group metadata mismatch: {}", .0.message())]
    MetadataMismatch(ErrorCode),
    /// An offset to commit is negative.
    #[error("Invalid offset: {0}")]
    InvalidOffset(i64),
}

impl GroupError {
    /// What the caller can do.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::NoCommonProtocol(_) | Self::NoAssignor => Recovery::Fatal,
            Self::RebalanceInProgress(_) | Self::RetriableCommitFailed { .. } => Recovery::Retry,
            Self::UnknownAssignor(_)
            | Self::BadSubscription { .. }
            | Self::BadAssignment(_)
            | Self::NotCooperative(_)
            | Self::AssignorFailed
            | Self::InconsistentProtocol
            | Self::CommitFailed(_)
            | Self::MetadataMismatch(_)
            | Self::InvalidOffset(_) => Recovery::Abort,
        }
    }
}
