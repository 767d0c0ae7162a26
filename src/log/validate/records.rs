//! Walks the records and makes them what will be stored: in place where codec and format stay, else by laying them out anew.
//!
//! Kafka: `LogValidator.validateMessagesAndAssignOffsets` and what it calls.

use bytes::Bytes;

use super::contents::{self, Contents, Walk};
use super::offsets::{Layout, SizeLimit, Validated};
use super::{AppendOrigin, Validation, ValidationError, rules};
use crate::base::Millis;
use crate::wire::batch::{Batch, BatchBuilder, BatchHeader, NO_TIMESTAMP, STAMP_SIZE, TimestampType};
use crate::wire::compression::Compression;
use crate::wire::convert::RecordsBuilder;
use crate::wire::error_code::ErrorCode;
use crate::wire::legacy;
use crate::wire::record::Record;

/// Checks whole batches, all but their offsets; `source` is what [`super::check`] found. Where the
/// records stay as they are they are hardly looked at: that would be many times the work of all else.
///
/// # Errors
/// [`ValidationError`]; nothing may be appended then.
pub fn validate(
    records: Bytes,
    source: Compression,
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    let target = validation.target_codec;
    if target == Compression::Zstd && !validation.zstd_allowed {
        let says = "Produce requests to inter.broker.protocol.version < 2.1 broker are not allowed to use ZStandard compression";
        return Err(ValidationError::refused(ErrorCode::UnsupportedCompressionType, says));
    }
    let batches = Batch::split(records.clone()).collect::<Result<Vec<_>, _>>()?;
    let is_compressed = source != Compression::None;
    let first = rules::first_of(&batches, is_compressed)?;
    for batch in &batches {
        rules::batch(first, batch, validation)?;
    }
    if is_left_alone(first, source, validation) {
        let walk = contents::skim(first)?;
        return if is_compressed {
            compressed_in_place(first, &[walk], validation)
        } else {
            uncompressed_in_place(&records, &batches, &[walk], validation)
        };
    }
    let mut opened = Opened::default();
    for batch in &batches {
        opened.add(batch, validation)?;
    }
    let magic = first.header().magic;
    let keeps_format = magic == validation.magic;
    if !is_compressed && target == Compression::None {
        return if keeps_format {
            uncompressed_in_place(&records, &batches, &opened.walks, validation)
        } else {
            rebuild(&batches, opened.contents, validation)
        };
    }
    let keeps_codec = source == target && keeps_format && validation.magic > 0 && opened.is_consecutive;
    let stays_uncompressed = !is_compressed && first.header().is_control();
    if keeps_codec || stays_uncompressed {
        compressed_in_place(first, &opened.walks, validation)
    } else {
        rebuild(&batches, opened.contents, validation)
    }
}

/// Whether a client's batch stays as it is and nothing of its records is needed: not their keys, nor their times, which
/// may be refused. Kafka looks at them all the same, and so refuses records that no client writes.
fn is_left_alone(batch: &Batch, source: Compression, validation: &Validation<'_>) -> bool {
    let header = batch.header();
    let stays = header.magic == 2 && validation.magic == 2 && source == validation.target_codec;
    let any_time = validation.timestamp_type == TimestampType::LogAppendTime
        || validation.max_timestamp_difference == Millis::MAX;
    let as_sent = header.timestamp_type() == TimestampType::CreateTime;
    stays && any_time && as_sent && validation.origin == AppendOrigin::Client && !validation.compacted
}

/// The batches with their records found sound.
#[derive(Default)]
struct Opened {
    contents: Vec<Contents>,
    walks: Vec<Walk>,
    seen: usize,
    is_consecutive: bool,
}

impl Opened {
    fn add(&mut self, batch: &Batch, validation: &Validation<'_>) -> Result<(), ValidationError> {
        let contents = Contents::open(batch)?;
        let walk = contents.walk(batch, validation, self.seen)?;
        self.is_consecutive = walk.is_consecutive && (self.walks.is_empty() || self.is_consecutive);
        self.seen += walk.count;
        self.contents.push(contents);
        self.walks.push(walk);
        Ok(())
    }
}

/// The type and the largest timestamp that a batch is to have.
fn new_time(validation: &Validation<'_>, largest: Millis) -> (TimestampType, Millis) {
    match validation.timestamp_type {
        TimestampType::LogAppendTime => (TimestampType::LogAppendTime, validation.now),
        _ => (TimestampType::CreateTime, largest),
    }
}

/// A batch of format 2 with its times as they are to be, its bytes kept but for the header.
fn retimed(batch: &Batch, largest: Millis, validation: &Validation<'_>) -> Result<Layout, ValidationError> {
    let header = batch.header();
    let (kind, timestamp) = new_time(validation, largest);
    if (header.timestamp_type(), header.max_timestamp) == (kind, timestamp) {
        let pieces = batch.restamped(header.base_offset, header.leader_epoch);
        return Ok(Layout::Batch(Box::new(header.clone()), pieces));
    }
    let pieces = batch.retimed(header.base_offset, header.leader_epoch, kind, timestamp);
    // The checksum has changed too; the header is read back rather than patched in step.
    Ok(Layout::Batch(Box::new(BatchHeader::parse(&pieces[0])?), pieces))
}

fn uncompressed_in_place(
    records: &Bytes,
    batches: &[Batch],
    walks: &[Walk],
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    let (mut count, mut largest, mut index_of_max) = (0, NO_TIMESTAMP, None);
    for walk in walks {
        if validation.magic > 0 && walk.max_timestamp > largest {
            largest = walk.max_timestamp;
            index_of_max = Some(count + walk.index_of_max as i64);
        }
        count += walk.count as i64;
    }
    let layout = match batches.first() {
        Some(batch) if validation.magic == 2 => retimed(batch, largest, validation)?,
        _ => Layout::Messages(messages_in_place(records, batches, walks, validation)),
    };
    if validation.timestamp_type == TimestampType::LogAppendTime {
        largest = validation.now;
        index_of_max = Some(if validation.magic == 2 { count - 1 } else { 0 });
    }
    Ok(Validated { layout, count, max_timestamp: largest, index_of_max, size_changed: false })
}

/// Messages of formats 0 and 1 with their times: they are small and many, so that one copy of all is cheaper than pieces of each.
fn messages_in_place(
    records: &Bytes,
    batches: &[Batch],
    walks: &[Walk],
    validation: &Validation<'_>,
) -> Vec<u8> {
    let mut messages = records.to_vec();
    let mut at = 0;
    for (batch, walk) in batches.iter().zip(walks) {
        let size = batch.header().size();
        retime_message(&mut messages[at..at + size], batch, walk.max_timestamp, validation);
        at += size;
    }
    messages
}

/// Gives a message of format 1 its time where that changes.
fn retime_message(message: &mut [u8], batch: &Batch, largest: Millis, validation: &Validation<'_>) {
    let header = batch.header();
    let time = new_time(validation, largest);
    let is_same = header.magic == 0 || (header.timestamp_type(), header.max_timestamp) == time;
    legacy::restamp(message, header.base_offset, (!is_same).then_some(time));
}

fn compressed_in_place(
    batch: &Batch,
    walks: &[Walk],
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    let count = walks.iter().map(|walk| walk.count as i64).sum();
    let largest = walks.iter().map(|walk| walk.max_timestamp).max().unwrap_or(NO_TIMESTAMP);
    let layout = if batch.header().magic == 2 {
        retimed(batch, largest, validation)?
    } else {
        let mut message = batch.bytes().to_vec();
        retime_message(&mut message, batch, largest, validation);
        Layout::Wrapper(message)
    };
    let max_timestamp = new_time(validation, largest).1;
    Ok(Validated { layout, count, max_timestamp, index_of_max: Some(count - 1), size_changed: false })
}

/// Lays all records out anew, in the topic's format and codec.
fn rebuild(
    batches: &[Batch],
    contents: Vec<Contents>,
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    let mut count = 0;
    let mut builder = builder(batches, validation);
    for (batch, contents) in batches.iter().zip(contents) {
        for record in contents.into_records(batch)? {
            let record: Record = record?;
            builder.push_at(count, &record)?;
            count += 1;
        }
    }
    let (max_timestamp, index_of_max) = builder.max_timestamp();
    let limit = SizeLimit::of(validation);
    let layout = match builder.into_messages() {
        Ok(messages) if validation.magic == 0 && validation.target_codec != Compression::None => {
            Layout::Absolute(messages, limit)
        }
        Ok(messages) => laid_out(messages.build()?, &limit, validation)?,
        Err(batch) => laid_out(batch.build()?, &limit, validation)?,
    };
    Ok(Validated { layout, count, max_timestamp, index_of_max: Some(index_of_max), size_changed: true })
}

/// Batches that were laid out anew, if they are not too large.
fn laid_out(bytes: Bytes, limit: &SizeLimit, validation: &Validation<'_>) -> Result<Layout, ValidationError> {
    for batch in Batch::split(bytes.clone()) {
        limit.check(batch?.header().size())?;
    }
    Ok(match (validation.magic, validation.target_codec) {
        (2, _) => Layout::Batch(
            Box::new(BatchHeader::parse(&bytes)?),
            [bytes.slice(..STAMP_SIZE), bytes.slice(STAMP_SIZE..)],
        ),
        (_, Compression::None) => Layout::Messages(bytes.into()),
        _ => Layout::Wrapper(bytes.into()),
    })
}

fn builder(batches: &[Batch], validation: &Validation<'_>) -> RecordsBuilder {
    let codec = validation.target_codec;
    let append_time = (validation.timestamp_type == TimestampType::LogAppendTime).then_some(validation.now);
    if validation.magic < 2 {
        return RecordsBuilder::messages(validation.magic, codec, append_time, 0);
    }
    let mut batch = BatchBuilder::new().compression(codec);
    if let Some(time) = append_time {
        batch = batch.append_time(time);
    }
    if let Some(first) = batches.first().map(Batch::header) {
        batch = batch
            .producer(first.producer_id, first.producer_epoch, first.base_sequence)
            .transactional(first.is_transactional());
    }
    RecordsBuilder::batch(batch, append_time, 0)
}
