//! Gives offsets and times: in place where codec and format stay, else by laying the records out anew.
//!
//! Kafka: `LogValidator.validateMessagesAndAssignOffsets` and what it calls.

use bytes::Bytes;

use super::contents::{self, Contents, Walk};
use super::{AppendOrigin, NumberError, Numbered, Numbering, validate};
use crate::base::{Millis, Offset};
use crate::wire::batch::{Batch, BatchBuilder, NO_TIMESTAMP, TimestampType};
use crate::wire::compression::Compression;
use crate::wire::convert::RecordsBuilder;
use crate::wire::error_code::ErrorCode;
use crate::wire::legacy;
use crate::wire::record::Record;

/// Checks whole batches and gives them offsets; `source` is what [`super::check`] found. Where the
/// records stay as they are they are hardly looked at: that would be many times the work of all else.
///
/// # Errors
/// [`NumberError`]; nothing may be appended then.
pub fn number(
    records: Bytes,
    source: Compression,
    numbering: &Numbering<'_>,
) -> Result<Numbered, NumberError> {
    let target = numbering.target_codec;
    if target == Compression::Zstd && !numbering.zstd_allowed {
        let says = "Produce requests to inter.broker.protocol.version < 2.1 broker are not allowed to use ZStandard compression";
        return Err(NumberError::refused(ErrorCode::UnsupportedCompressionType, says));
    }
    let batches = Batch::split(records.clone()).collect::<Result<Vec<_>, _>>()?;
    let is_compressed = source != Compression::None;
    let first = validate::first_of(&batches, is_compressed)?;
    for batch in &batches {
        validate::batch(first, batch, numbering)?;
    }
    if is_left_alone(first, source, numbering) {
        let walk = contents::skim(first)?;
        return if is_compressed {
            compressed_in_place(first, &[walk], numbering)
        } else {
            uncompressed_in_place(&records, &batches, vec![walk], numbering)
        };
    }
    let mut opened = Opened::default();
    for batch in &batches {
        opened.add(batch, numbering)?;
    }
    let magic = first.header().magic;
    let keeps_format = magic == numbering.magic;
    if !is_compressed && target == Compression::None {
        return if keeps_format {
            uncompressed_in_place(&records, &batches, opened.walks, numbering)
        } else {
            rebuild(&batches, opened.contents, numbering)
        };
    }
    let keeps_codec = source == target && keeps_format && numbering.magic > 0 && opened.is_consecutive;
    let stays_uncompressed = !is_compressed && first.header().is_control();
    if keeps_codec || stays_uncompressed {
        compressed_in_place(first, &opened.walks, numbering)
    } else {
        rebuild(&batches, opened.contents, numbering)
    }
}

/// Whether a client's batch stays as it is and nothing of its records is needed: not their keys, nor their times, which
/// may be refused. Kafka looks at them all the same, and so refuses records that no client writes.
fn is_left_alone(batch: &Batch, source: Compression, numbering: &Numbering<'_>) -> bool {
    let header = batch.header();
    let stays = header.magic == 2 && numbering.magic == 2 && source == numbering.target_codec;
    let any_time = numbering.timestamp_type == TimestampType::LogAppendTime
        || numbering.max_timestamp_difference == Millis::MAX;
    let as_sent = header.timestamp_type() == TimestampType::CreateTime;
    stays && any_time && as_sent && numbering.origin == AppendOrigin::Client && !numbering.compacted
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
    fn add(&mut self, batch: &Batch, numbering: &Numbering<'_>) -> Result<(), NumberError> {
        let contents = Contents::open(batch)?;
        let walk = contents.walk(batch, numbering, self.seen)?;
        self.is_consecutive = walk.is_consecutive && (self.walks.is_empty() || self.is_consecutive);
        self.seen += walk.count;
        self.contents.push(contents);
        self.walks.push(walk);
        Ok(())
    }
}

/// The type and the largest timestamp that a batch is to have.
fn new_time(numbering: &Numbering<'_>, largest: Millis) -> (TimestampType, Millis) {
    match numbering.timestamp_type {
        TimestampType::LogAppendTime => (TimestampType::LogAppendTime, numbering.now),
        _ => (TimestampType::CreateTime, largest),
    }
}

/// Gives a format 2 batch its place and time, its bytes kept but for the header.
fn stamp(numbered: &mut Numbered, batch: &Batch, count: usize, largest: Millis, numbering: &Numbering<'_>) {
    let mut header = batch.header().clone();
    numbered.last_offset += count as i64;
    header.base_offset = numbered.last_offset - i64::from(header.last_offset_delta);
    header.leader_epoch = numbering.leader_epoch;
    let (kind, timestamp) = new_time(numbering, largest);
    if (header.timestamp_type(), header.max_timestamp) == (kind, timestamp) {
        numbered.pieces.extend(batch.restamped(header.base_offset, header.leader_epoch));
        numbered.batches.push(header);
        return;
    }
    let pieces = batch.retimed(header.base_offset, header.leader_epoch, kind, timestamp);
    // The checksum has changed too; the header is read back rather than patched in step.
    numbered.batches.extend(crate::wire::batch::BatchHeader::parse(&pieces[0]));
    numbered.pieces.extend(pieces);
}

fn empty(numbering: &Numbering<'_>) -> Numbered {
    Numbered {
        pieces: Vec::new(),
        batches: Vec::new(),
        last_offset: numbering.next_offset - 1,
        max_timestamp: NO_TIMESTAMP,
        offset_of_max_timestamp: -1,
        size_changed: false,
    }
}

fn uncompressed_in_place(
    records: &Bytes,
    batches: &[Batch],
    walks: Vec<Walk>,
    numbering: &Numbering<'_>,
) -> Result<Numbered, NumberError> {
    let mut numbered = empty(numbering);
    // Messages of formats 0 and 1 are small and many: one copy of all of them is cheaper than pieces of each.
    let mut messages = if numbering.magic < 2 { records.to_vec() } else { Vec::new() };
    let mut at = 0;
    for (batch, walk) in batches.iter().zip(walks) {
        let first_offset = numbered.last_offset + 1;
        if numbering.magic > 0 && walk.max_timestamp > numbered.max_timestamp {
            numbered.max_timestamp = walk.max_timestamp;
            numbered.offset_of_max_timestamp = first_offset + walk.index_of_max as i64;
        }
        if numbering.magic == 2 {
            stamp(&mut numbered, batch, walk.count, walk.max_timestamp, numbering);
        } else {
            numbered.last_offset = first_offset;
            let message = &mut messages[at..at + batch.header().size()];
            restamp_message(message, batch, first_offset, walk.max_timestamp, numbering);
            at += batch.header().size();
            numbered.batches.push(Batch::parse(&Bytes::copy_from_slice(message))?.header().clone());
        }
    }
    if numbering.magic < 2 {
        numbered.pieces.push(messages.into());
    }
    if numbering.timestamp_type == TimestampType::LogAppendTime {
        numbered.max_timestamp = numbering.now;
        numbered.offset_of_max_timestamp =
            if numbering.magic == 2 { numbered.last_offset } else { numbering.next_offset };
    }
    Ok(numbered)
}

/// Gives a message of format 0 or 1 its offset and, in format 1, its time where that changes.
fn restamp_message(
    message: &mut [u8],
    batch: &Batch,
    offset: Offset,
    largest: Millis,
    numbering: &Numbering<'_>,
) {
    let header = batch.header();
    let time = new_time(numbering, largest);
    let is_same = header.magic == 0 || (header.timestamp_type(), header.max_timestamp) == time;
    legacy::restamp(message, offset, (!is_same).then_some(time));
}

fn compressed_in_place(
    batch: &Batch,
    walks: &[Walk],
    numbering: &Numbering<'_>,
) -> Result<Numbered, NumberError> {
    let mut numbered = empty(numbering);
    let count = walks.iter().map(|walk| walk.count).sum();
    let largest = walks.iter().map(|walk| walk.max_timestamp).max().unwrap_or(NO_TIMESTAMP);
    if batch.header().magic == 2 {
        stamp(&mut numbered, batch, count, largest, numbering);
    } else {
        numbered.last_offset += count as i64;
        let mut message = batch.bytes().to_vec();
        restamp_message(&mut message, batch, numbered.last_offset, largest, numbering);
        let message = Bytes::from(message);
        numbered.batches.push(Batch::parse(&message)?.header().clone());
        numbered.pieces.push(message);
    }
    numbered.max_timestamp = new_time(numbering, largest).1;
    numbered.offset_of_max_timestamp = numbered.last_offset;
    Ok(numbered)
}

/// Lays all records out anew, in the topic's format and codec.
fn rebuild(
    batches: &[Batch],
    contents: Vec<Contents>,
    numbering: &Numbering<'_>,
) -> Result<Numbered, NumberError> {
    let mut numbered = empty(numbering);
    let mut builder = builder(batches, numbering);
    for (batch, contents) in batches.iter().zip(contents) {
        for record in contents.into_records(batch)? {
            let record: Record = record?;
            numbered.last_offset += 1;
            builder.push_at(numbered.last_offset, &record)?;
        }
    }
    (numbered.max_timestamp, numbered.offset_of_max_timestamp) = builder.max_timestamp();
    let bytes = builder.build()?;
    for batch in Batch::split(bytes.clone()) {
        let batch = batch?;
        check_size(batch.header().size(), numbering)?;
        numbered.batches.push(batch.header().clone());
    }
    numbered.pieces.push(bytes);
    numbered.size_changed = true;
    Ok(numbered)
}

fn builder(batches: &[Batch], numbering: &Numbering<'_>) -> RecordsBuilder {
    let (codec, offset) = (numbering.target_codec, numbering.next_offset);
    let append_time = (numbering.timestamp_type == TimestampType::LogAppendTime).then_some(numbering.now);
    if numbering.magic < 2 {
        return RecordsBuilder::messages(numbering.magic, codec, append_time, offset);
    }
    let mut batch =
        BatchBuilder::new().base_offset(offset).leader_epoch(numbering.leader_epoch).compression(codec);
    if let Some(time) = append_time {
        batch = batch.append_time(time);
    }
    if let Some(first) = batches.first().map(Batch::header) {
        batch = batch
            .producer(first.producer_id, first.producer_epoch, first.base_sequence)
            .transactional(first.is_transactional());
    }
    RecordsBuilder::batch(batch, append_time, offset)
}

fn check_size(size: usize, numbering: &Numbering<'_>) -> Result<(), NumberError> {
    let Some(most) = numbering.max_batch_size.filter(|most| size > *most) else { return Ok(()) };
    let says = format!(
        "Message batch size is {size} bytes in append to partition {} which exceeds the maximum configured size of {most}.",
        numbering.partition
    );
    Err(NumberError::refused(ErrorCode::MessageTooLarge, says))
}
