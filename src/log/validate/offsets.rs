//! Writes offsets and leader epoch into the headers of validated batches. Cheap, so that it may be done under the
//! log's append lock;
//! only compressed messages of format 0, whose offsets lie inside them, are compressed here.
//!
//! Pure. Kafka: `ValidationAndOffsetAssignResult`, `MutableRecordBatch.setLastOffset` and `setPartitionLeaderEpoch`.

use bytes::Bytes;

use super::{Validation, ValidationError};
use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::wire::batch::BatchHeader;
use crate::wire::error_code::ErrorCode;
use crate::wire::legacy;

/// Batches that may be appended, laid out as they will be stored but for offsets and leader epoch.
#[derive(Clone, Debug)]
pub struct Validated {
    pub(super) layout: StoredLayout,
    /// How many offsets they take.
    pub(super) count: i64,
    /// The largest timestamp; -1 if there is none.
    pub(super) max_timestamp: Millis,
    /// Which of the records the time index gives it, from 0; None gives it to none.
    pub(super) index_of_max: Option<i64>,
    /// Whether the batches were laid out anew.
    pub(super) size_changed: bool,
}

/// How validated batches lie in memory.
#[derive(Clone, Debug)]
pub(super) enum StoredLayout {
    /// One batch of format 2: its header with the times it is to have, and its records.
    Batch(Box<BatchHeader>, [Bytes; 2]),
    /// Messages of format 0 or 1, each of one offset.
    Messages(Vec<u8>),
    /// One compressed message of format 1, whose offset is that of its last record.
    Wrapper(Vec<u8>),
    /// One compressed message of format 0 whose offsets count from 0, and what it must fit in once they are right.
    Absolute(Bytes, SizeLimit),
}

/// `max.message.bytes`, for batches whose size validation changes.
#[derive(Clone, Debug)]
pub(super) struct SizeLimit {
    partition: TopicPartition,
    most: Option<usize>,
}

impl SizeLimit {
    pub(super) fn of(validation: &Validation<'_>) -> Self {
        Self { partition: validation.partition.clone(), most: validation.max_batch_size }
    }

    /// Checks the size of a batch in bytes.
    pub(super) fn check(&self, size: usize) -> Result<(), ValidationError> {
        if self.most.is_some_and(|most| size > most) { Err(self.exceeded_by(size)) } else { Ok(()) }
    }

    /// The error for a batch that is too large.
    pub(super) fn exceeded_by(&self, size: usize) -> ValidationError {
        let most = self.most.unwrap_or(usize::MAX);
        let message = format!(
            "Message batch size is {size} bytes in append to partition {} which exceeds the maximum configured size of {most}.",
            self.partition
        );
        ValidationError::refused(ErrorCode::MessageTooLarge, message)
    }
}

/// Batches with their offsets, ready to be written.
#[derive(Clone, Debug)]
pub struct Assigned {
    /// The bytes, to be written one after the other.
    pub pieces: Vec<Bytes>,
    /// The headers as they will be in the log; of messages of formats 0 and 1, which may be a million, the last one's.
    pub batches: Vec<BatchHeader>,
    /// Offset of the last record.
    pub last_offset: Offset,
    /// The largest timestamp; -1 if there is none.
    pub max_timestamp: Millis,
    /// The offset that the time index gives it; -1 gives it none.
    pub offset_of_max_timestamp: Offset,
    /// Whether the batches were laid out anew.
    pub size_changed: bool,
}

impl Assigned {
    /// How many bytes there are to be written.
    pub fn size(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

impl Validated {
    /// How many offsets the records take.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Gives the records the offsets from `next_offset` on, and the batches this leader epoch.
    ///
    /// # Errors
    /// [`ValidationError`] for compressed messages of format 0 that have become too large.
    pub fn assign_offsets(
        self,
        next_offset: Offset,
        leader_epoch: LeaderEpoch,
    ) -> Result<Assigned, ValidationError> {
        let last_offset = next_offset + self.count - 1;
        let (pieces, batches) = match self.layout {
            StoredLayout::Batch(header, pieces) => batch(*header, pieces, last_offset, leader_epoch),
            StoredLayout::Messages(mut messages) => {
                let last = stamp_each(&mut messages, next_offset)?;
                (vec![messages.into()], Vec::from_iter(last))
            }
            StoredLayout::Wrapper(mut message) => {
                legacy::restamp(&mut message, last_offset, None);
                let header = BatchHeader::parse(&message)?;
                (vec![message.into()], vec![header])
            }
            StoredLayout::Absolute(message, limit) => {
                let message = legacy::shifted(&message, next_offset)?;
                let header = BatchHeader::parse(&message)?;
                limit.check(header.size())?;
                (vec![message], vec![header])
            }
        };
        Ok(Assigned {
            pieces,
            batches,
            last_offset,
            max_timestamp: self.max_timestamp,
            offset_of_max_timestamp: self.index_of_max.map_or(-1, |index| next_offset + index),
            size_changed: self.size_changed,
        })
    }
}

fn batch(
    mut header: BatchHeader,
    [start, rest]: [Bytes; 2],
    last_offset: Offset,
    leader_epoch: LeaderEpoch,
) -> (Vec<Bytes>, Vec<BatchHeader>) {
    header.base_offset = last_offset - i64::from(header.last_offset_delta);
    header.leader_epoch = leader_epoch;
    let mut start = Vec::from(start);
    start[..8].copy_from_slice(&header.base_offset.to_be_bytes());
    start[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
    (vec![start.into(), rest], vec![header])
}

/// Gives each message its offset. The header of the last one.
fn stamp_each(messages: &mut [u8], next_offset: Offset) -> Result<Option<BatchHeader>, ValidationError> {
    let mut last = None;
    let mut rest = messages;
    let mut offset = next_offset;
    while !rest.is_empty() {
        let size = BatchHeader::parse(rest)?.size();
        let (message, after) = rest.split_at_mut(size.min(rest.len()));
        legacy::restamp(message, offset, None);
        last = Some(BatchHeader::parse(message)?);
        (rest, offset) = (after, offset + 1);
    }
    Ok(last)
}
