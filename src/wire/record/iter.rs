//! The records of one batch in order, of any format: read in place if they are not compressed, else unpacked
//! as they are read.
//!
//! Pure.

use bytes::Bytes;

use super::{Record, RecordView, still_remaining, stream};
use crate::base::{Millis, Offset};
use crate::wire::batch::{Batch, BatchError, BatchHeader, TimestampType};
use crate::wire::compression::Decompressor;
use crate::wire::legacy::Messages;

/// Bytes of the smallest record: length, attributes, two deltas, key, value and header count, one each.
const SMALLEST_RECORD: usize = 7;

/// The records of one batch in order; ends after the first error. Made by [`Batch::records`].
#[derive(Debug)]
pub struct RecordIter {
    source: RecordSource,
    /// Records not read yet; of formats 0 and 1 only whether there may be any.
    left: usize,
    batch_base: BatchBase,
}

#[derive(Debug)]
enum RecordSource {
    Messages(Messages),
    Plain(Bytes),
    Stream {
        reader: Decompressor,
        /// How many bytes may still be unpacked, and how many there might be in all.
        budget: usize,
        limit: usize,
    },
}

/// The base of a record's offset and timestamp.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchBase {
    pub(crate) base_offset: Offset,
    pub(crate) base_timestamp: Millis,
    pub(crate) append_time: Option<Millis>,
}

impl BatchBase {
    pub(crate) fn of(header: &BatchHeader) -> Self {
        let append_time =
            (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp);
        Self { base_offset: header.base_offset, base_timestamp: header.base_timestamp, append_time }
    }

    #[inline]
    pub(crate) fn offset(&self, delta: i32) -> Offset {
        self.base_offset.wrapping_add(i64::from(delta))
    }

    #[inline]
    pub(crate) fn timestamp(&self, delta: i64) -> Millis {
        self.append_time.unwrap_or(self.base_timestamp.wrapping_add(delta))
    }
}

/// How many records a format 2 header claims.
///
/// # Errors
/// [`BatchError::InvalidRecord`] if the count is negative.
pub(crate) fn count(header: &BatchHeader) -> Result<usize, BatchError> {
    let count = header.record_count;
    usize::try_from(count).map_err(|_| {
        BatchError::InvalidRecord(format!(
            "Found invalid record count {count} in magic v{} batch",
            header.magic
        ))
    })
}

impl RecordIter {
    /// The records of `batch`, unpacked up to `limit` bytes.
    pub(crate) fn new(batch: &Batch, limit: usize) -> Result<Self, BatchError> {
        let header = batch.header();
        let batch_base = BatchBase::of(header);
        if header.magic < 2 {
            return Ok(Self {
                source: RecordSource::Messages(Messages::of(batch)?),
                left: usize::MAX,
                batch_base,
            });
        }
        let source = if header.is_compressed() {
            let reader = Decompressor::new(header.compression()?, header.magic, batch.body())?;
            RecordSource::Stream { reader, budget: limit, limit }
        } else {
            RecordSource::Plain(batch.body())
        };
        Ok(Self { source, left: count(header)?, batch_base })
    }

    fn read(&mut self) -> Result<Option<Record>, BatchError> {
        let is_last = self.left == 1;
        match &mut self.source {
            RecordSource::Messages(messages) => {
                messages.next_message()?.map(|message| message.record()).transpose()
            }
            RecordSource::Plain(rest) => {
                let view = RecordView::parse(rest)?;
                let record = self.batch_base.record(&view, |part| rest.slice_ref(part));
                let size = view.size;
                *rest = rest.slice(size..);
                if is_last && !rest.is_empty() { Err(still_remaining()) } else { Ok(Some(record)) }
            }
            RecordSource::Stream { reader, budget, limit } => {
                let size = stream::read(reader)?;
                *budget = budget.checked_sub(size).ok_or(BatchError::TooLarge(*limit))?;
                let view = stream::parse(&reader.unread()[..size])?;
                let record = self.batch_base.record(&view, Bytes::copy_from_slice);
                reader.consume(size);
                if is_last {
                    stream::end(reader)?;
                }
                Ok(Some(record))
            }
        }
    }
}

impl BatchBase {
    fn record(&self, view: &RecordView<'_>, share: impl Fn(&[u8]) -> Bytes) -> Record {
        Record {
            offset: self.offset(view.offset_delta),
            timestamp: self.timestamp(view.timestamp_delta),
            key: view.key.map(&share),
            value: view.value.map(&share),
            headers: view.headers.iter().map(|(key, value)| (key.into_owned(), value.map(&share))).collect(),
        }
    }
}

impl Iterator for RecordIter {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let record = self.read();
        self.left -= 1;
        if !matches!(record, Ok(Some(_))) {
            self.left = 0;
        }
        record.transpose()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.source {
            // The count is only a claim: memory is allocated only for as many records as the bytes can have.
            RecordSource::Plain(rest) => (self.left.min(rest.len() / SMALLEST_RECORD), Some(self.left)),
            _ => (0, Some(self.left)),
        }
    }
}
