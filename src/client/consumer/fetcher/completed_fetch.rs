//! What one fetch has brought of one partition, read batch by batch as the application asks for records.
//!
//! Pure. Leaves out control records, records before the position, and with read_committed those of aborted
//! transactions. Every record is checked before it is handed out; the bytes are never copied unless a batch has to be
//! unpacked, which another thread may do. Kafka: `Fetcher.CompletedFetch`.

use super::FetchTarget;
use super::aborted::AbortedTransactions;
use super::unpack::unpack;
use crate::base::{BrokerId, LeaderEpoch, Offset, Records, TopicPartition};
use crate::client::consumer::records::RecordChunk;
use crate::client::metadata::PartitionLeader;
use crate::wire::batch::{Batch, BatchError, Batches};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::fetch::FetchablePartitionResponse;
use crate::wire::record::{RecordView, still_remaining};

/// How a consumer reads batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReadOptions {
    pub(super) read_committed: bool,
    pub(super) check_crcs: bool,
    /// Batches of more bytes are unpacked elsewhere.
    pub(super) largest_unpacked_here: usize,
}

/// What comes next of a fetch.
#[derive(Debug)]
pub(super) enum FetchStep {
    /// Records to hand out.
    Records(RecordChunk),
    /// This batch is to be unpacked before the next step, and given to [`CompletedFetch::unpacked`].
    Unpack(Batch),
    /// Nothing more.
    Consumed,
}

/// A batch that is being read.
#[derive(Debug)]
struct UnreadBatch {
    /// The records that were not handed out yet.
    rest: RecordChunk,
    /// The offset after the batch.
    end: Offset,
}

/// What one fetch has brought of one partition.
#[derive(Debug)]
pub(super) struct CompletedFetch {
    pub(super) partition: TopicPartition,
    /// The broker that answered.
    pub(super) broker: BrokerId,
    /// The leader epoch that it was asked in.
    leader_epoch: LeaderEpoch,
    pub(super) error: ErrorCode,
    /// The answer's marks and replica; taken once, when its records come first in line.
    pub(super) answer: Option<FetchablePartitionResponse>,
    /// The offset of the next record to be handed out.
    next_offset: Offset,
    /// The offset after the last batch.
    end_offset: Offset,
    /// Bytes that came.
    size: usize,
    /// Whether bytes came and no whole batch.
    is_without_progress: bool,
    batches: Batches,
    open: Option<UnreadBatch>,
    waiting: Option<Batch>,
    aborted: AbortedTransactions,
    last_epoch: Option<LeaderEpoch>,
    /// What ended it; returned again until the position is another one.
    failure: Option<BatchError>,
}

impl CompletedFetch {
    /// What was fetched for this target.
    pub(super) fn new(
        partition: TopicPartition,
        broker: BrokerId,
        FetchTarget { offset, leader_epoch }: FetchTarget,
        mut answer: FetchablePartitionResponse,
    ) -> Self {
        let bytes = match answer.record_set.take() {
            Some(Records::Memory(bytes)) => bytes,
            _ => bytes::Bytes::new(),
        };
        let size = bytes.len();
        let batches = Batch::split(bytes);
        let mut headers = batches.clone();
        let end = headers.by_ref().map_while(Result::ok).map(|batch| batch.header().next_offset()).max();
        Self {
            partition,
            broker,
            leader_epoch,
            error: ErrorCode::from_code(answer.error_code),
            next_offset: offset,
            end_offset: end.unwrap_or(offset).max(offset),
            size,
            // An error of the first batch is returned when it is read.
            is_without_progress: size > 0 && headers.rest().len() == size,
            batches,
            open: None,
            waiting: None,
            aborted: AbortedTransactions::new(answer.aborted_transactions.take().as_deref()),
            last_epoch: None,
            failure: None,
            answer: Some(answer),
        }
    }

    /// Whether it was asked for in the epoch of this leader. A log that another one leads may part anywhere, even where
    /// the position at its start is valid.
    pub(super) fn is_of(&self, leader: Option<PartitionLeader>) -> bool {
        leader.is_none_or(|leader| leader.epoch == self.leader_epoch)
    }

    /// The offset of the next record to be handed out.
    pub(super) fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// The offset after all that it brought.
    pub(super) fn end_offset(&self) -> Offset {
        self.end_offset
    }

    /// The bytes that it keeps in memory, as they came.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether bytes came and no whole batch.
    pub(super) fn is_without_progress(&self) -> bool {
        self.is_without_progress
    }

    /// The leader epoch of the batch that was read last; None of formats 0 and 1.
    pub(super) fn last_epoch(&self) -> Option<LeaderEpoch> {
        self.last_epoch
    }

    /// The next records, `most` at most.
    ///
    /// # Errors
    /// What is wrong with a batch; the same again from then on.
    pub(super) fn step(&mut self, most: usize, options: ReadOptions) -> Result<FetchStep, BatchError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let step = self.advance(most, options);
        self.failure = step.as_ref().err().cloned();
        step
    }

    fn advance(&mut self, most: usize, options: ReadOptions) -> Result<FetchStep, BatchError> {
        loop {
            if let Some(batch) = &self.waiting {
                return Ok(FetchStep::Unpack(batch.clone()));
            }
            if let Some(open) = &mut self.open {
                if let Some((chunk, next)) = take(&mut open.rest, self.next_offset, most)? {
                    self.next_offset = next;
                    return Ok(FetchStep::Records(chunk));
                }
                self.next_offset = self.next_offset.max(open.end);
                self.open = None;
            }
            let Some(batch) = self.batches.next().transpose()? else { return Ok(FetchStep::Consumed) };
            self.enter(batch, options)?;
        }
    }

    /// Goes on to a batch: opens it, passes it over, or has it unpacked.
    fn enter(&mut self, batch: Batch, options: ReadOptions) -> Result<(), BatchError> {
        let header = batch.header();
        self.last_epoch = Some(header.leader_epoch).filter(|epoch| *epoch >= 0);
        if options.check_crcs {
            batch.check_crc()?;
        }
        let left_out = options.read_committed && self.aborted.contain(&batch)?;
        if left_out || header.is_control() {
            self.next_offset = self.next_offset.max(header.next_offset());
        } else if header.is_compressed() && batch.bytes().len() > options.largest_unpacked_here {
            self.waiting = Some(batch);
        } else {
            self.open =
                Some(UnreadBatch { rest: unpack(&batch, options.check_crcs)?, end: header.next_offset() });
        }
        Ok(())
    }

    /// Whether it waits for this batch to be unpacked.
    pub(super) fn waits_for(&self, batch: &Batch) -> bool {
        self.waiting.as_ref().is_some_and(|it| it.bytes().as_ptr() == batch.bytes().as_ptr())
    }

    /// The batch that was waited for is unpacked.
    pub(super) fn unpacked(&mut self, outcome: Result<RecordChunk, BatchError>) {
        let Some(batch) = self.waiting.take() else { return };
        match outcome {
            Ok(rest) => self.open = Some(UnreadBatch { rest, end: batch.header().next_offset() }),
            Err(error) => self.failure = Some(error),
        }
    }
}

/// Takes up to `most` records from `from` on off the front of `rest`, each of them checked; and the offset after the
/// last one. None if there are no more. Records before one that is damaged are returned first.
fn take(
    rest: &mut RecordChunk,
    from: Offset,
    most: usize,
) -> Result<Option<(RecordChunk, Offset)>, BatchError> {
    let mut taken = RecordChunk { count: 0, ..rest.clone() };
    let (mut start, mut at, mut next) = (0, 0, from);
    while rest.count > 0 && taken.count < most {
        let view = match record_at(rest, at) {
            Ok(view) => view,
            Err(_) if taken.count > 0 => break,
            Err(error) => return Err(error),
        };
        let offset = rest.base.offset(view.offset_delta);
        // Offsets grow: a record that is behind the one before it is passed over.
        let is_wanted = offset >= next;
        if !is_wanted && taken.count > 0 {
            break;
        }
        at += view.size;
        rest.count -= 1;
        if is_wanted {
            next = offset.saturating_add(1);
            taken.count += 1;
        } else {
            start = at;
        }
    }
    taken.bytes = rest.bytes.slice(start..at);
    rest.bytes = rest.bytes.slice(at..);
    Ok((taken.count > 0).then_some((taken, next)))
}

/// The record that begins at `at`; the last one of a batch ends where the batch does.
fn record_at(chunk: &RecordChunk, at: usize) -> Result<RecordView<'_>, BatchError> {
    let view = RecordView::parse(&chunk.bytes[at..])?;
    if chunk.count == 1 && at + view.size < chunk.bytes.len() { Err(still_remaining()) } else { Ok(view) }
}

#[cfg(test)]
mod tests;
