//! The exception of Java's clients that each error of this library stands for.
//!
//! Pure. The scenarios of `tests/cluster/odd_clients.rs` compare it with what Java's clients throw.

use super::consumer::{ConsumerError, GroupError};
use super::error::{ClientError, StateViolation};
use crate::wire::error_code::ErrorCode;

impl ClientError {
    /// The class of the exception that Java's clients throw for this error, with its package.
    ///
    /// | Error | Exception |
    /// |---|---|
    /// | [`ClientError::Refused`] | that of the error code, e.g. `ProducerFencedException` |
    /// | [`ClientError::Jaas`] | `IllegalArgumentException` |
    /// | [`ClientError::Unexpected`] | `KafkaException` |
    /// | [`ClientError::TransactionFailed`] | `KafkaException`, its cause the exception of the cause |
    /// | [`ClientError::CallTimedOut`] | that of the last attempt |
    /// | [`ClientError::Timeout`], [`ClientError::NoLeader`], [`ClientError::Connection`] | `TimeoutException` |
    /// | [`StateViolation::Call`] | `IllegalStateException` |
    /// | [`StateViolation::Transition`] | `KafkaException` |
    /// | [`ClientError::BadSetting`], [`ClientError::Unsafe`] | `ConfigException` |
    /// | [`ClientError::Unsupported`], [`ClientError::UnsupportedField`] | `UnsupportedVersionException` |
    /// | [`GroupError::CommitFailed`] | `CommitFailedException` |
    /// | [`GroupError::RebalanceInProgress`] | `RebalanceInProgressException` |
    /// | [`GroupError::RetriableCommitFailed`] | `RetriableCommitFailedException` |
    /// | [`ConsumerError::OffsetOutOfRange`] | `OffsetOutOfRangeException` |
    /// | [`ConsumerError::LogTruncated`] | `LogTruncationException` |
    /// | [`ConsumerError::NoOffsetForPartition`] | `NoOffsetForPartitionException` |
    /// | [`ConsumerError::TopicAuthorization`] | `TopicAuthorizationException` |
    /// | [`ConsumerError::Wakeup`] | `WakeupException` |
    pub fn java_exception(&self) -> String {
        match self {
            ClientError::BadAddress(_)
            | ClientError::NoneResolvable
            | ClientError::Records(_)
            | ClientError::Unexpected { .. }
            | ClientError::TransactionFailed { .. } => "org.apache.kafka.common.KafkaException".to_owned(),
            ClientError::IllegalState(StateViolation::Transition(_)) => {
                "org.apache.kafka.common.KafkaException".to_owned()
            }
            ClientError::IllegalState(StateViolation::Call(_)) => {
                "java.lang.IllegalStateException".to_owned()
            }
            ClientError::BadSetting { .. } | ClientError::Unsafe(_) => {
                "org.apache.kafka.common.config.ConfigException".to_owned()
            }
            ClientError::UnknownCompression(_) | ClientError::Jaas(_) => {
                "java.lang.IllegalArgumentException".to_owned()
            }
            ClientError::Refused { error, .. } => error.exception(),
            ClientError::Unsupported(_) | ClientError::UnsupportedField { .. } => {
                ErrorCode::UnsupportedVersion.exception()
            }
            ClientError::CallTimedOut { last, .. } => last.java_exception(),
            ClientError::Group(error) => class_of_group(error),
            ClientError::Consumer(error) => consumer_class(error),
            ClientError::RebalanceFailed { .. } => "kafka.common.ConsumerRebalanceFailedException".to_owned(),
            ClientError::Connection(_)
            | ClientError::NoLeader
            | ClientError::Timeout(_)
            | ClientError::ZooKeeper(_)
            | ClientError::Closed => ErrorCode::RequestTimedOut.exception(),
        }
    }
}

impl ClientError {
    /// The error with which Java's producer fails a record that this producer fails with `self`: where the connection
    /// ended, or the request took longer than `request.timeout.ms`, that is one of the error codes,
    /// `NETWORK_EXCEPTION`.
    pub fn of_java_delivery(&self) -> Self {
        match self {
            Self::Connection(_) => Self::refused(ErrorCode::NetworkException),
            other => other.clone(),
        }
    }
}

/// The class of the Java exception for a member's error.
fn class_of_group(error: &GroupError) -> String {
    match error {
        GroupError::RebalanceInProgress(_) => ErrorCode::RebalanceInProgress.exception(),
        GroupError::InconsistentProtocol => ErrorCode::InconsistentGroupProtocol.exception(),
        GroupError::CommitFailed(_) | GroupError::MetadataMismatch(_) => {
            "org.apache.kafka.clients.consumer.CommitFailedException".to_owned()
        }
        GroupError::RetriableCommitFailed { .. } => {
            "org.apache.kafka.clients.consumer.RetriableCommitFailedException".to_owned()
        }
        GroupError::NoCommonProtocol(_) | GroupError::InvalidOffset(_) => {
            "java.lang.IllegalArgumentException".to_owned()
        }
        GroupError::BadSubscription { .. } => {
            "org.apache.kafka.common.protocol.types.SchemaException".to_owned()
        }
        GroupError::NoAssignor
        | GroupError::UnknownAssignor(_)
        | GroupError::BadAssignment(_)
        | GroupError::NotCooperative(_)
        | GroupError::AssignorFailed => "java.lang.IllegalStateException".to_owned(),
    }
}

/// The class of the Java exception for a consumer's error.
fn consumer_class(error: &ConsumerError) -> String {
    let class = match error {
        ConsumerError::Wakeup => "common.errors.WakeupException",
        ConsumerError::NoGroup => "common.errors.InvalidGroupIdException",
        ConsumerError::TopicAuthorization(_) => "common.errors.TopicAuthorizationException",
        ConsumerError::NoOffsetForPartition(_) => "clients.consumer.NoOffsetForPartitionException",
        ConsumerError::OffsetOutOfRange { .. } => "clients.consumer.OffsetOutOfRangeException",
        ConsumerError::LogTruncated(_) => "clients.consumer.LogTruncationException",
        ConsumerError::Records { .. }
        | ConsumerError::CorruptMessage { .. }
        | ConsumerError::NoProgress { .. } => "common.KafkaException",
        ConsumerError::NegativeOffset | ConsumerError::NegativeTime { .. } | ConsumerError::BadPattern(_) => {
            return "java.lang.IllegalArgumentException".to_owned();
        }
        ConsumerError::MixedSubscription
        | ConsumerError::NotSubscribed
        | ConsumerError::NotAssigned(_)
        | ConsumerError::PositionNotAssigned
        | ConsumerError::UnexpectedAnswer { .. } => return "java.lang.IllegalStateException".to_owned(),
    };
    format!("org.apache.kafka.{class}")
}
