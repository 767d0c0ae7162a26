//! The records of one batch, decompressed once, walked to be checked and read only if they are laid out anew.

use bytes::Bytes;

use super::rules::{RecordRules, Seen};
use super::{Validation, ValidationError};
use crate::base::Millis;
use crate::wire::batch::{Batch, BatchError, BatchHeader, DECOMPRESSED_LIMIT, NO_TIMESTAMP, TimestampType};
use crate::wire::legacy::{self, Message};
use crate::wire::record::{self, Record, RecordIter, RecordView};

/// What is in a batch.
pub(super) enum Contents {
    /// Format 2: the bytes of its records.
    Records(Bytes),
    /// Formats 0 and 1: its messages.
    Messages(Vec<Message>),
}

/// What a walk over the records found.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// How many there are.
    pub count: usize,
    /// The largest timestamp; -1 if none has one.
    pub max_timestamp: Millis,
    /// Which record has it, from 0.
    pub index_of_max: usize,
    /// Whether their offsets count up from what was expected.
    pub is_consecutive: bool,
}

impl Walk {
    fn new() -> Self {
        Self { count: 0, max_timestamp: NO_TIMESTAMP, index_of_max: 0, is_consecutive: true }
    }

    fn note(&mut self, timestamp: Millis, is_expected: bool) {
        if timestamp > self.max_timestamp {
            (self.max_timestamp, self.index_of_max) = (timestamp, self.count);
        }
        self.is_consecutive &= is_expected;
        self.count += 1;
    }
}

impl Contents {
    pub(super) fn open(batch: &Batch) -> Result<Self, BatchError> {
        if batch.header().magic == 2 {
            return batch.decompressed_body(DECOMPRESSED_LIMIT).map(Self::Records);
        }
        legacy::messages(batch, DECOMPRESSED_LIMIT).map(Self::Messages)
    }

    /// Checks every record; their offsets are expected to count up from `expected`.
    pub(super) fn walk(
        &self,
        batch: &Batch,
        validation: &Validation<'_>,
        expected: usize,
    ) -> Result<Walk, ValidationError> {
        match self {
            Self::Records(body) => walk_records(batch.header(), body, validation, expected),
            Self::Messages(messages) => walk_messages(batch, messages, validation, expected),
        }
    }

    /// The records themselves.
    pub(super) fn into_records(self, batch: &Batch) -> Result<RecordIter, BatchError> {
        match self {
            Self::Records(body) => RecordIter::of_batch(batch.header(), body),
            Self::Messages(messages) => messages
                .iter()
                .map(Message::record)
                .collect::<Result<Vec<Record>, _>>()
                .map(RecordIter::of_list),
        }
    }
}

/// What a walk over a client's format 2 batch would find, without looking into its records: of compressed ones its header
/// tells, whose checks and checksum were passed; uncompressed ones are stepped over, for the largest of their timestamps.
pub(super) fn skim(batch: &Batch) -> Result<Walk, ValidationError> {
    let header = batch.header();
    let count = usize::try_from(header.record_count).unwrap_or(0);
    if header.is_compressed() {
        let index_of_max = count.saturating_sub(1);
        return Ok(Walk { count, max_timestamp: header.max_timestamp, index_of_max, is_consecutive: true });
    }
    let body = batch.body();
    let (mut walk, mut rest) = (Walk::new(), &body[..]);
    for _ in 0..count {
        let (timestamp_delta, after) = record::step_over(rest)?;
        walk.note(header.base_timestamp.wrapping_add(timestamp_delta), true);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(record::still_remaining().into());
    }
    Ok(walk)
}

fn walk_records(
    header: &BatchHeader,
    body: &[u8],
    validation: &Validation<'_>,
    expected: usize,
) -> Result<Walk, ValidationError> {
    let count = header.record_count;
    let count = usize::try_from(count).map_err(|_| {
        ValidationError::invalid(format!(
            "Found invalid record count {count} in magic v{} batch",
            header.magic
        ))
    })?;
    let append_time =
        (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp);
    let class = if header.is_compressed() { "PartialDefaultRecord" } else { "DefaultRecord" };
    let mut rules = RecordRules::new(validation, header);
    let mut walk = Walk::new();
    let mut rest = body;
    for index in 0..count {
        let view = RecordView::parse(rest)?;
        rest = &rest[view.size..];
        let offset = header.base_offset.wrapping_add(i64::from(view.offset_delta));
        let timestamp = append_time.unwrap_or(header.base_timestamp.wrapping_add(view.timestamp_delta));
        let print = || {
            let size = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
            let (key, value) = (size(view.key), size(view.value));
            format!("{class}(offset={offset}, timestamp={timestamp}, key={key} bytes, value={value} bytes)")
        };
        rules.allow(index, &Seen { offset, timestamp, has_key: view.key.is_some(), print: &print });
        walk.note(timestamp, offset == (expected + index) as i64);
    }
    if count > 0 && !rest.is_empty() {
        return Err(record::still_remaining().into());
    }
    rules.finish()?;
    Ok(walk)
}

fn walk_messages(
    batch: &Batch,
    messages: &[Message],
    validation: &Validation<'_>,
    expected: usize,
) -> Result<Walk, ValidationError> {
    let outer = batch.header();
    let mut rules = RecordRules::new(validation, outer);
    let mut walk = Walk::new();
    for (index, message) in messages.iter().enumerate() {
        let inner = message.message.header();
        let print = || print_message(message);
        if inner.magic != outer.magic {
            let (record, partition) = (print(), validation.partition);
            let magic = outer.magic;
            rules.refuse(
                index,
                format!(
                    "Record {record}'s magic does not match outer magic {magic} in topic partition {partition}."
                ),
            );
            continue;
        }
        // The checksum of a message that is not compressed was looked at with its batch.
        if outer.is_compressed() {
            message.message.check_crc()?;
        }
        let (offset, timestamp) = (message.offset, message.timestamp);
        rules.allow(index, &Seen { offset, timestamp, has_key: message.key()?.is_some(), print: &print });
        walk.note(timestamp, offset == (expected + index) as i64);
    }
    rules.finish()?;
    Ok(walk)
}

/// A message as Kafka prints it in its errors.
fn print_message(message: &Message) -> String {
    let header = message.message.header();
    let (key, value) = message.record().map_or((0, 0), |record| {
        (record.key.map_or(0, |key| key.len()), record.value.map_or(0, |value| value.len()))
    });
    let codec = header.compression().map_or("", |codec| codec.name()).to_uppercase();
    let time = match header.magic {
        0 => String::new(),
        _ => format!("{}={}, ", header.timestamp_type().name(), message.timestamp),
    };
    format!(
        "LegacyRecordBatch(offset={}, Record(magic={}, attributes={}, compression={codec}, crc={}, {time}key={key} bytes, \
         value={value} bytes))",
        message.offset, header.magic, header.attributes, header.crc
    )
}
