//! Why a call of a consumer failed, beyond what any client's call may fail with.
//!
//! Pure. Texts are those of Kafka's consumer where it has one.

use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::client::error::Recovery;
use crate::client::offsets::OffsetAndMetadata;
use crate::wire::batch::BatchError;
use crate::wire::error_code::ErrorCode;

/// A position whose log was truncated before it (KIP-320).
#[doc(alias = "LogTruncationException")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTruncation {
    /// The partition.
    pub partition: TopicPartition,
    /// The position that the consumer had.
    pub position: Offset,
    /// The leader epoch of the record before it.
    pub position_epoch: Option<LeaderEpoch>,
    /// The first offset at which the logs may differ; None where the leader does not know it.
    pub divergent_offset: Option<OffsetAndMetadata>,
}

/// Why a call of a consumer failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumerError {
    /// Another thread or task has called the consumer's wakeup handle. Kafka: `WakeupException`.
    #[error("The consumer was woken up")]
    Wakeup,
    /// Topics, a pattern and an assignment by hand exclude each other.
    #[error("Subscription to topics, partitions and pattern are mutually exclusive")]
    MixedSubscription,
    /// A poll without a subscription or an assignment.
    #[error("Consumer is not subscribed to any topics or assigned any partitions")]
    NotSubscribed,
    /// The call needs a group, and the consumer has none. Kafka: `InvalidGroupIdException`.
    #[error(
        "To use the group management or offset commit APIs, you must provide a valid group.id in the consumer configuration."
    )]
    NoGroup,
    /// The partition is not assigned to the consumer.
    #[error("No current assignment for partition {0}")]
    NotAssigned(TopicPartition),
    /// The position of a partition that is not assigned.
    #[error("You can only check the position for partitions assigned to this consumer.")]
    PositionNotAssigned,
    /// A seek to a negative offset.
    #[error("seek offset must not be a negative number")]
    NegativeOffset,
    /// A lookup by a time before the Unix epoch.
    #[error("The target time for partition {partition} is {time}. The target time cannot be negative.")]
    NegativeTime {
        /// The partition.
        partition: TopicPartition,
        /// The time.
        time: Millis,
    },
    /// The pattern of a subscription cannot be read.
    #[error("{0}")]
    BadPattern(String),
    /// The consumer begins nowhere: nothing is committed and `auto.offset.reset` is none.
    #[error("Undefined offset with no reset policy for partitions: [{}]", list(.0))]
    NoOffsetForPartition(Vec<TopicPartition>),
    /// The position is out of range and `auto.offset.reset` is none.
    #[error("Fetch position {position} is out of range for partition {partition}")]
    OffsetOutOfRange {
        /// The partition.
        partition: TopicPartition,
        /// The position.
        position: Offset,
    },
    /// The log was truncated before a position and `auto.offset.reset` is none.
    #[error("Detected truncated partitions: [{}]", truncations(.0))]
    LogTruncated(Vec<LogTruncation>),
    /// A partition's records cannot be read. A seek past them goes on.
    #[error(
        "Received exception when fetching the next record from {partition}. If needed, please seek past the record to continue consumption. ({error})"
    )]
    Records {
        /// The partition.
        partition: TopicPartition,
        /// The offset that was to be read.
        offset: Offset,
        /// What is wrong with them.
        error: BatchError,
    },
    /// The broker has found a partition's records to be damaged.
    #[error("Encountered corrupt message when fetching offset {offset} for topic-partition {partition}")]
    CorruptMessage {
        /// The partition.
        partition: TopicPartition,
        /// The offset that was to be read.
        offset: Offset,
    },
    /// A fetch brought bytes, and no whole batch.
    #[error(
        "Failed to make progress reading messages at {partition}={offset}. Received a non-empty fetch response from the server, but no complete records were found."
    )]
    NoProgress {
        /// The partition.
        partition: TopicPartition,
        /// The offset that was to be read.
        offset: Offset,
    },
    /// The consumer may not read these topics.
    #[error("Not authorized to access topics: [{}]", .0.join(", "))]
    TopicAuthorization(Vec<String>),
    /// A broker answered a fetch with an error that fetches do not have.
    #[error("Unexpected error code {} while fetching at offset {offset} from topic-partition {partition}", .error.code())]
    UnexpectedAnswer {
        /// The partition.
        partition: TopicPartition,
        /// The offset that was to be read.
        offset: Offset,
        /// The error.
        error: ErrorCode,
    },
}

impl ConsumerError {
    /// What the caller can do.
    pub(in crate::client) fn recovery(&self) -> Recovery {
        match self {
            Self::Wakeup => Recovery::Retry,
            Self::NoGroup => Recovery::Fatal,
            _ => Recovery::Abort,
        }
    }
}

fn list(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(TopicPartition::to_string).collect::<Vec<_>>().join(", ")
}

fn truncations(all: &[LogTruncation]) -> String {
    let epoch = |epoch: Option<LeaderEpoch>| match epoch {
        Some(epoch) => format!("Optional[{epoch}]"),
        None => "Optional.empty".to_owned(),
    };
    let text = |it: &LogTruncation| {
        let divergent = match &it.divergent_offset {
            Some(to) => {
                format!("divergentOffset={}, divergentEpoch={}", to.offset, epoch(to.leader_epoch))
            }
            None => "divergentOffset=unknown, divergentEpoch=unknown".to_owned(),
        };
        let (partition, position) = (&it.partition, it.position);
        format!(
            "(partition={partition}, fetchOffset={position}, fetchEpoch={}, {divergent})",
            epoch(it.position_epoch)
        )
    };
    all.iter().map(text).collect::<Vec<_>>().join(", ")
}
