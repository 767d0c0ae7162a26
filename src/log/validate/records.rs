//! Walks the records and makes them what will be stored: in place where codec and format stay, else by laying them out
//! anew.
//!
//! Pure. Kafka: `LogValidator.validateMessagesAndAssignOffsets` and what it calls.

use super::offsets::{SizeLimit, StoredLayout, Validated};
use super::walk::{self, RecordSink, Walk};
use super::{Validation, ValidationError, rules};
use crate::base::Millis;
use crate::wire::batch::{
    Batch, BatchBuilder, BatchHeader, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, STAMP_SIZE, TimestampType,
};
use crate::wire::compression::Compression;
use crate::wire::error_code::ErrorCode;
use crate::wire::legacy;
use crate::wire::memory_records::MemoryRecords;
use crate::wire::records_builder::{Built, RecordsBuilder};

/// The most bytes of messages of formats 0 and 1 that a compressed message is laid out in without compression: all of
/// them are in memory until they are written.
const LARGEST_MESSAGES: usize = 32 << 20;

/// Checks whole batches and every record in them, all but the offsets they will get; `source` is what [`super::check`]
/// found.
///
/// # Errors
/// [`ValidationError`]; nothing may be appended then.
pub fn validate(
    records: &MemoryRecords,
    source: Compression,
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    let target = validation.target_codec;
    if target == Compression::Zstd && !validation.zstd_allowed {
        let message = "Produce requests to inter.broker.protocol.version < 2.1 broker are not allowed to use ZStandard compression";
        return Err(ValidationError::refused(ErrorCode::UnsupportedCompressionType, message));
    }
    let batches = records.batches();
    if source == Compression::None && target == Compression::None {
        let keeps_format = batches.iter().all(|batch| batch.header().magic == validation.magic);
        return if keeps_format {
            keep_uncompressed(records, validation)
        } else {
            convert_uncompressed(batches, validation)
        };
    }
    compressed(batches, source, validation)
}

/// Checks uncompressed batches that stay as they are.
fn keep_uncompressed(
    records: &MemoryRecords,
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    let batches = records.batches();
    let first = rules::first_of(batches, Compression::None)?;
    let mut all = Walk::new();
    let mut largest = Vec::new();
    for batch in batches {
        rules::batch(first, batch, validation)?;
        let mut walk = Walk::new();
        walk::walk(batch, validation, &mut walk, None)?;
        if validation.magic > 0 && walk.max_timestamp > all.max_timestamp {
            all.max_timestamp = walk.max_timestamp;
            all.index_of_max = walk.index_of_max.map(|index| all.count + index);
        }
        all.count += walk.count;
        largest.push(walk.max_timestamp);
    }
    let layout = if validation.magic == 2 {
        retimed(first, all.max_timestamp, validation)?
    } else {
        StoredLayout::Messages(retimed_messages(records, &largest, validation))
    };
    if validation.timestamp_type == TimestampType::LogAppendTime {
        all.max_timestamp = validation.now;
        all.index_of_max = Some(if validation.magic == 2 { all.count - 1 } else { 0 });
    }
    let Walk { count, max_timestamp, index_of_max, .. } = all;
    Ok(Validated { layout, count, max_timestamp, index_of_max, size_changed: false })
}

/// Writes uncompressed batches in the topic's format. Records that this format does not support are reported
/// at once.
fn convert_uncompressed(
    batches: &[Batch],
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    for batch in batches {
        walk::read_all(batch)?;
    }
    if validation.magic < 2 && batches.first().is_some_and(|first| first.header().is_transactional()) {
        // Kafka fails on its way to the error that it has for this.
        let message = format!("Transactional records are not supported for magic {}", validation.magic);
        return Err(ValidationError::refused(ErrorCode::UnknownServerError, message));
    }
    let mut sink = RecordSink::new(builder(batches, validation)?);
    let first = rules::first_of(batches, Compression::None)?;
    for batch in batches {
        rules::batch(first, batch, validation)?;
        walk::walk(batch, validation, &mut Walk::new(), Some(&mut sink))?;
    }
    rebuilt(sink, first.header(), validation)
}

/// Checks batches of which some are compressed or are to be, and lays them out anew if they cannot stay as they are.
fn compressed(
    batches: &[Batch],
    source: Compression,
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    let first = rules::first_of(batches, source)?;
    let keeps_codec = source == validation.target_codec;
    let keeps_format = first.header().magic == validation.magic && validation.magic > 0;
    // Control records are not compressed unless they come so.
    let stays = keeps_codec && keeps_format || source == Compression::None && first.header().is_control();
    let mut sink = if stays { None } else { Some(RecordSink::deferring(builder(batches, validation)?)) };
    let mut all = Walk::new();
    for batch in batches {
        rules::batch(first, batch, validation)?;
        walk::walk(batch, validation, &mut all, sink.as_mut())?;
    }
    let has_offsets = first.header().magic > 0 && validation.magic > 0;
    match sink {
        Some(sink) => rebuilt(sink, first.header(), validation),
        None if all.is_consecutive || !has_offsets => keep_compressed(first, &all, validation),
        None if first.header().magic == 2 => {
            // Kafka has skipped keys and values then, and fails for want of them.
            let message = "The offsets of the compressed records are not consecutive";
            Err(ValidationError::refused(ErrorCode::UnknownServerError, message))
        }
        None => {
            let mut sink = RecordSink::deferring(builder(batches, validation)?);
            walk::walk(first, validation, &mut Walk::new(), Some(&mut sink))?;
            rebuilt(sink, first.header(), validation)
        }
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
fn retimed(
    batch: &Batch,
    largest: Millis,
    validation: &Validation<'_>,
) -> Result<StoredLayout, ValidationError> {
    let header = batch.header();
    let (kind, timestamp) = new_time(validation, largest);
    if (header.timestamp_type(), header.max_timestamp) == (kind, timestamp) {
        let pieces = batch.restamped(header.base_offset, header.leader_epoch);
        return Ok(StoredLayout::Batch(Box::new(header.clone()), pieces));
    }
    let pieces = batch.retimed(header.base_offset, header.leader_epoch, kind, timestamp);
    // The checksum has changed too; the header is read back rather than patched in step.
    Ok(StoredLayout::Batch(Box::new(BatchHeader::parse(&pieces[0])?), pieces))
}

/// Messages of formats 0 and 1 with their times: they are small and many, so that one copy of all is cheaper than
/// pieces of each.
fn retimed_messages(records: &MemoryRecords, largest: &[Millis], validation: &Validation<'_>) -> Vec<u8> {
    let mut messages = records.whole().to_vec();
    let mut at = 0;
    for (batch, largest) in records.batches().iter().zip(largest) {
        let size = batch.header().size();
        retime_message(&mut messages[at..at + size], batch, *largest, validation);
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

/// A compressed batch with its times, its records kept as they are.
fn keep_compressed(
    batch: &Batch,
    walk: &Walk,
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    let layout = if batch.header().magic == 2 {
        retimed(batch, walk.max_timestamp, validation)?
    } else {
        let mut message = batch.bytes().to_vec();
        retime_message(&mut message, batch, walk.max_timestamp, validation);
        StoredLayout::Wrapper(message)
    };
    let max_timestamp = new_time(validation, walk.max_timestamp).1;
    let index_of_max = Some(walk.count - 1);
    Ok(Validated { layout, count: walk.count, max_timestamp, index_of_max, size_changed: false })
}

/// The records as they were laid out anew.
fn rebuilt(
    sink: RecordSink,
    first: &BatchHeader,
    validation: &Validation<'_>,
) -> Result<Validated, ValidationError> {
    producer_state(first, validation)?;
    let (builder, count) = sink.finish()?;
    let (max_timestamp, index_of_max) = builder.max_timestamp();
    let limit = SizeLimit::of(validation);
    let bytes = match builder.build_within()? {
        Built::Records(bytes) => bytes,
        Built::TooLarge(size) if stays_apart(validation) => return Err(too_many_messages(size, validation)),
        Built::TooLarge(size) => return Err(limit.exceeded_by(size)),
    };
    for batch in Batch::split(bytes.clone()) {
        limit.check(batch?.header().size())?;
    }
    let layout = match (validation.magic, validation.target_codec) {
        (2, _) => StoredLayout::Batch(
            Box::new(BatchHeader::parse(&bytes)?),
            [bytes.slice(..STAMP_SIZE), bytes.slice(STAMP_SIZE..)],
        ),
        (_, Compression::None) => StoredLayout::Messages(bytes.into()),
        (0, _) => StoredLayout::Absolute(bytes, limit),
        _ => StoredLayout::Wrapper(bytes.into()),
    };
    Ok(Validated { layout, count, max_timestamp, index_of_max: Some(index_of_max), size_changed: true })
}

/// Whether records laid out anew become messages of their own.
fn stays_apart(validation: &Validation<'_>) -> bool {
    validation.magic < 2 && validation.target_codec == Compression::None
}

/// The error for more than [`LARGEST_MESSAGES`], with Kafka's code for records larger than a segment.
fn too_many_messages(size: usize, validation: &Validation<'_>) -> ValidationError {
    let message = format!(
        "The messages of {size} bytes in append to partition {} exceed the {LARGEST_MESSAGES} bytes that a compressed \
         message may take uncompressed.",
        validation.partition
    );
    ValidationError::refused(ErrorCode::RecordListTooLarge, message)
}

/// What Kafka's builder asks of a producer when it closes; ids below -1 come that far, for they count as none before.
fn producer_state(first: &BatchHeader, validation: &Validation<'_>) -> Result<(), ValidationError> {
    let has_id = first.producer_id != NO_PRODUCER_ID;
    let is_wrong = has_id
        && (first.producer_epoch == NO_PRODUCER_EPOCH || first.base_sequence < 0 || validation.magic < 2)
        || !has_id && first.is_transactional();
    if !is_wrong {
        return Ok(());
    }
    let message = format!("Records of producer {} cannot be laid out anew", first.producer_id);
    Err(ValidationError::refused(ErrorCode::UnknownServerError, message))
}

fn builder(batches: &[Batch], validation: &Validation<'_>) -> Result<RecordsBuilder, ValidationError> {
    let codec = validation.target_codec;
    let append_time = (validation.timestamp_type == TimestampType::LogAppendTime).then_some(validation.now);
    let first = batches.first().map(Batch::header);
    let is_transactional = first.is_some_and(BatchHeader::is_transactional);
    let builder = if validation.magic == 2 {
        let mut batch = BatchBuilder::new().compression(codec).transactional(is_transactional);
        if let Some(time) = append_time {
            batch = batch.append_time(time);
        }
        if let Some(first) = first {
            batch = batch.producer(first.producer_id, first.producer_epoch, first.base_sequence);
        }
        RecordsBuilder::batch(batch, codec, append_time, 0)
    } else {
        RecordsBuilder::messages(validation.magic, codec, append_time, 0)
    };
    let is_compressed = batches.iter().any(|batch| batch.header().is_compressed());
    let most = match (stays_apart(validation), is_compressed) {
        (false, _) => validation.max_batch_size.unwrap_or(usize::MAX),
        (true, true) => LARGEST_MESSAGES,
        // They take a few times the room that they had in the request.
        (true, false) => usize::MAX,
    };
    Ok(builder.at_most(most))
}
