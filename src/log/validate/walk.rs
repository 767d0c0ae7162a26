//! The records of one batch, walked once: every one checked, none kept. Those that are to be laid out anew go to a
//! builder on the way.
//!
//! Pure. Kafka: the loops of `LogValidator` over a batch's iterators.

use super::rules::{RecordRules, Seen};
use super::{Validation, ValidationError};
use crate::base::{Millis, Offset};
use crate::wire::batch::{Batch, BatchError, BatchHeader, NO_TIMESTAMP};
use crate::wire::compression::{Compression, Decompressor};
use crate::wire::legacy::{LegacyMessage, Messages};
use crate::wire::record::iter::{BatchBase, count};
use crate::wire::record::{RecordHeaders, RecordView, still_remaining, stream};
use crate::wire::records_builder::{NewRecord, RecordsBuilder};

/// What a walk over the records found.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// How many there are.
    pub count: i64,
    /// The largest timestamp; -1 if none has one.
    pub max_timestamp: Millis,
    /// Which record has it, from 0; None if none has one.
    pub index_of_max: Option<i64>,
    /// Whether their offsets count up from 0.
    pub is_consecutive: bool,
}

impl Walk {
    pub(super) fn new() -> Self {
        Self { count: 0, max_timestamp: NO_TIMESTAMP, index_of_max: None, is_consecutive: true }
    }

    #[inline]
    fn note(&mut self, offset: Offset, timestamp: Millis) {
        if timestamp > self.max_timestamp {
            (self.max_timestamp, self.index_of_max) = (timestamp, Some(self.count));
        }
        self.is_consecutive &= offset == self.count;
        self.count += 1;
    }
}

/// Where the records go that are laid out anew, with offsets from 0 on.
pub(super) struct RecordSink {
    builder: RecordsBuilder,
    next: Offset,
    /// The error of the builder, if it is reported only after all records were checked.
    failed: Option<BatchError>,
    defers_failure: bool,
}

impl RecordSink {
    /// A sink that reports a record that cannot be laid out at once.
    pub(super) fn new(builder: RecordsBuilder) -> Self {
        Self { builder, next: 0, failed: None, defers_failure: false }
    }

    /// A sink that reports a record that cannot be laid out only after all were checked.
    pub(super) fn deferring(builder: RecordsBuilder) -> Self {
        Self { defers_failure: true, ..Self::new(builder) }
    }

    fn push(&mut self, record: Result<NewRecord<'_>, BatchError>) -> Result<(), BatchError> {
        if self.failed.is_some() {
            return Ok(());
        }
        match record.and_then(|record| self.builder.push_new(self.next, &record)) {
            Err(error) if self.defers_failure => self.failed = Some(error),
            pushed => pushed?,
        }
        self.next += 1;
        Ok(())
    }

    /// What lays them out, and how many there are.
    pub(super) fn finish(self) -> Result<(RecordsBuilder, i64), BatchError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok((self.builder, self.next)),
        }
    }
}

/// Checks every record of `batch`, with its neighbours in `walk`. Without a `sink` keys, values and headers of
/// compressed records are skipped.
pub(super) fn walk(
    batch: &Batch,
    validation: &Validation<'_>,
    walk: &mut Walk,
    sink: Option<&mut RecordSink>,
) -> Result<(), ValidationError> {
    let header = batch.header();
    match (header.magic, header.is_compressed(), sink) {
        (2, false, sink) => walk_plain(batch, validation, walk, sink),
        (2, true, None) => walk_skipping(batch, validation, walk),
        (2, true, Some(sink)) => walk_stream(batch, validation, walk, sink),
        (_, _, sink) => walk_messages(batch, validation, walk, sink),
    }
}

fn walk_plain(
    batch: &Batch,
    validation: &Validation<'_>,
    walk: &mut Walk,
    mut sink: Option<&mut RecordSink>,
) -> Result<(), ValidationError> {
    let (header, body) = (batch.header(), batch.body());
    let (batch_base, count) = (BatchBase::of(header), count(header)?);
    let mut rules = RecordRules::new(validation, header);
    let mut rest = &body[..];
    for index in 0..count {
        let view = parse_plain(rest, index + 1 == count)?;
        rest = &rest[view.size..];
        let (offset, timestamp) =
            (batch_base.offset(view.offset_delta), batch_base.timestamp(view.timestamp_delta));
        let size = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
        let (key, value) = (size(view.key), size(view.value));
        let print = || {
            Ok(format!(
                "DefaultRecord(offset={offset}, timestamp={timestamp}, key={key} bytes, value={value} bytes)"
            ))
        };
        let seen = Seen { offset, timestamp, has_key: view.key.is_some(), print: &print };
        rules.allow(index, &seen)?;
        walk.note(offset, timestamp);
        if let Some(sink) = sink.as_mut().filter(|_| rules.none_refused()) {
            let (key, value) = (view.key, view.value);
            sink.push(Ok(NewRecord { timestamp, key, value, headers: view.headers }))?;
        }
    }
    if count > 0 && !rest.is_empty() {
        return Err(still_remaining().into());
    }
    rules.finish()
}

/// The record at the start of the rest of an uncompressed batch.
#[inline]
fn parse_plain(rest: &[u8], is_last: bool) -> Result<RecordView<'_>, BatchError> {
    match RecordView::parse(rest) {
        // Kafka takes it for no record, and then finds that something is left.
        Err(BatchError::Malformed(_)) if is_last && more_than_a_size(rest) => Err(still_remaining()),
        view => view,
    }
}

/// Reads every record of an uncompressed batch, with no look at what is in them: Kafka sums up their sizes before it
/// converts them.
pub(super) fn read_all(batch: &Batch) -> Result<(), BatchError> {
    if batch.header().magic < 2 {
        let mut messages = Messages::of(batch)?;
        while let Some(message) = messages.next_message()? {
            as_new(&message)?;
        }
        return Ok(());
    }
    let (body, count) = (batch.body(), count(batch.header())?);
    let mut rest = &body[..];
    for index in 0..count {
        rest = &rest[parse_plain(rest, index + 1 == count)?.size..];
    }
    if count > 0 && !rest.is_empty() { Err(still_remaining()) } else { Ok(()) }
}

/// Whether something comes after the record size at the start of `rest`, which ends.
fn more_than_a_size(rest: &[u8]) -> bool {
    let size = rest.iter().take(5).position(|byte| *byte < 0x80);
    size.is_some_and(|last| rest.len() > last + 1)
}

/// Opens the records of a compressed batch of format 2.
fn open(
    header: &BatchHeader,
    batch: &Batch,
    validation: &Validation<'_>,
) -> Result<(Decompressor, usize), ValidationError> {
    let reader = Decompressor::new(header.compression()?, header.magic, batch.body());
    let reader = reader.map(|reader| reader.at_most(validation.unpacked_at_most));
    let reader = reader.map_err(|error| BatchError::Decompress(error.to_string()))?;
    Ok((reader, count(header)?))
}

fn walk_skipping(batch: &Batch, validation: &Validation<'_>, walk: &mut Walk) -> Result<(), ValidationError> {
    let header = batch.header();
    let (mut reader, count) = open(header, batch, validation)?;
    let batch_base = BatchBase::of(header);
    let mut rules = RecordRules::new(validation, header);
    for index in 0..count {
        let record = stream::skip(&mut reader)?;
        if index + 1 == count {
            stream::end(&mut reader)?;
        }
        let (offset, timestamp) =
            (batch_base.offset(record.offset_delta), batch_base.timestamp(record.timestamp_delta));
        let print = || {
            let (key, value) = (record.key_size, record.value_size);
            Ok(format!(
                "PartialDefaultRecord(offset={offset}, timestamp={timestamp}, key={key} bytes, value={value} bytes)"
            ))
        };
        rules.allow(index, &Seen { offset, timestamp, has_key: record.key_size >= 0, print: &print })?;
        walk.note(offset, timestamp);
    }
    rules.finish()
}

fn walk_stream(
    batch: &Batch,
    validation: &Validation<'_>,
    walk: &mut Walk,
    sink: &mut RecordSink,
) -> Result<(), ValidationError> {
    let header = batch.header();
    let (mut reader, count) = open(header, batch, validation)?;
    let batch_base = BatchBase::of(header);
    let mut rules = RecordRules::new(validation, header);
    for index in 0..count {
        let size = stream::read(&mut reader)?;
        let view = stream::parse(&reader.unread()[..size])?;
        let (offset, timestamp) =
            (batch_base.offset(view.offset_delta), batch_base.timestamp(view.timestamp_delta));
        let field = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
        let (key, value) = (field(view.key), field(view.value));
        let print = || {
            Ok(format!(
                "DefaultRecord(offset={offset}, timestamp={timestamp}, key={key} bytes, value={value} bytes)"
            ))
        };
        rules.allow(index, &Seen { offset, timestamp, has_key: view.key.is_some(), print: &print })?;
        walk.note(offset, timestamp);
        if rules.none_refused() {
            let (key, value) = (view.key, view.value);
            sink.push(Ok(NewRecord { timestamp, key, value, headers: view.headers }))?;
        }
        reader.consume(size);
        if index + 1 == count {
            stream::end(&mut reader)?;
        }
    }
    rules.finish()
}

fn walk_messages(
    batch: &Batch,
    validation: &Validation<'_>,
    walk: &mut Walk,
    mut sink: Option<&mut RecordSink>,
) -> Result<(), ValidationError> {
    let outer = batch.header();
    let mut rules = RecordRules::new(validation, outer);
    let mut messages = Messages::of(batch)?;
    let mut index = 0;
    while let Some(message) = messages.next_message()? {
        check_message(&message, index, outer, validation, &mut rules)?;
        walk.note(message.offset, message.timestamp);
        if let Some(sink) = sink.as_mut().filter(|_| rules.none_refused()) {
            sink.push(as_new(&message))?;
        }
        index += 1;
    }
    rules.finish()
}

fn as_new<'a>(message: &LegacyMessage<'a>) -> Result<NewRecord<'a>, BatchError> {
    let (key, value) = (message.key()?, message.value()?);
    Ok(NewRecord { timestamp: message.timestamp, key, value, headers: RecordHeaders::NONE })
}

fn check_message(
    message: &LegacyMessage<'_>,
    index: usize,
    outer: &BatchHeader,
    validation: &Validation<'_>,
    rules: &mut RecordRules<'_>,
) -> Result<(), ValidationError> {
    let print = || print_message(message);
    if message.magic() != outer.magic {
        let (record, magic, partition) = (print()?, outer.magic, validation.partition);
        rules.refuse(
            index,
            format!(
                "Record {record}'s magic does not match outer magic {magic} in topic partition {partition}."
            ),
        );
        return Ok(());
    }
    // The checksum of a message that is not compressed was looked at with its batch.
    if outer.is_compressed() {
        message.check_crc()?;
    }
    let has_key = !validation.compacted || message.has_key()?;
    let seen = Seen { offset: message.offset, timestamp: message.timestamp, has_key, print: &print };
    rules.allow(index, &seen)?;
    Ok(())
}

/// A message as Kafka prints it in its errors.
fn print_message(message: &LegacyMessage<'_>) -> Result<String, BatchError> {
    let size = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
    let (key, value) = (size(message.key()?), size(message.value()?));
    let codec: Compression = message.compression()?;
    let time = match message.magic() {
        ..=0 => String::new(),
        _ => format!("{}={}, ", message.timestamp_type().name(), message.timestamp),
    };
    Ok(format!(
        "LegacyRecordBatch(offset={}, Record(magic={}, attributes={}, compression={}, crc={}, {time}key={key} bytes, \
         value={value} bytes))",
        message.offset,
        message.magic(),
        message.attributes(),
        codec.name().to_uppercase(),
        message.crc()
    ))
}
