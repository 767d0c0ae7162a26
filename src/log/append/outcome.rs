//! What comes of an append: where the records are, or why they are not.
//!
//! Pure.

use crate::base::{LeaderEpoch, Millis, Offset};
use crate::log::failure::StorageError;
use crate::log::position::LogPosition;
use crate::log::producers::ProducerError;
use crate::log::validate::{RecordError, ValidationError};
use crate::wire::batch::BatchError;
use crate::wire::error_code::ErrorCode;

/// What an append did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAppendInfo {
    /// The first offset; None for a follower's batches of formats 0 and 1, whose first offset is not looked for.
    pub first_offset: Option<Offset>,
    /// The last offset; -1 where nothing was appended.
    pub last_offset: Offset,
    /// The largest timestamp, or -1.
    pub max_timestamp: Millis,
    /// The append time if the topic uses it; else -1. Of a duplicate, the timestamp in the log.
    pub log_append_time: Millis,
    /// The log's start offset.
    pub log_start_offset: Offset,
    /// The leader epoch that the batches carry; -1 where nothing was appended.
    pub leader_epoch: LeaderEpoch,
    /// How many batches.
    pub batches: usize,
    /// How many bytes as written.
    pub bytes: usize,
    /// Whether the batch was in the log already and nothing was appended.
    pub duplicate: bool,
    /// The log's end after the append.
    pub log_end: LogPosition,
}

/// Why nothing was appended.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AppendError {
    /// The batches may not be appended as they are.
    #[error(transparent)]
    Refused(#[from] ValidationError),
    /// Their producer may not append them.
    #[error(transparent)]
    Producer(#[from] ProducerError),
    /// Together they are larger than a segment may be.
    #[error("{0}")]
    LargerThanSegment(String),
    /// A follower's batches are not in order.
    #[error("{0}")]
    OutOfOrder(String),
    /// A follower's batches begin below the log's end.
    #[error("{message}")]
    UnexpectedOffset {
        /// Kafka's text.
        message: String,
        /// The first offset offered.
        first_offset: Offset,
        /// The last offset offered.
        last_offset: Offset,
    },
    /// The append was decided in this leader epoch, and a later one is in force: this broker no longer leads, or
    /// follows another leader.
    #[error("a later leader epoch than {0} is in force")]
    Fenced(LeaderEpoch),
    /// The disk failed, or the log is closed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<&AppendError> for ErrorCode {
    fn from(error: &AppendError) -> Self {
        match error {
            AppendError::Refused(refused) => refused.into(),
            AppendError::Producer(refused) => refused.into(),
            AppendError::LargerThanSegment(_) => Self::RecordListTooLarge,
            AppendError::OutOfOrder(_) | AppendError::UnexpectedOffset { .. } => Self::UnknownServerError,
            AppendError::Fenced(_) => Self::NotLeaderOrFollower,
            AppendError::Storage(_) => Self::KafkaStorageError,
        }
    }
}

impl From<BatchError> for AppendError {
    fn from(error: BatchError) -> Self {
        Self::Refused(error.into())
    }
}

impl AppendError {
    /// The records at fault, where single ones are (KIP-467).
    pub fn record_errors(&self) -> &[RecordError] {
        match self {
            Self::Refused(refused) => refused.record_errors(),
            _ => &[],
        }
    }

    /// The message that a Produce response carries beside the record errors (KIP-467).
    pub fn client_message(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refused) => refused.client_message(),
            _ => None,
        }
    }
}
