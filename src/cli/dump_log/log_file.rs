//! Prints a segment batch by batch, however large it is.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{DumpError, DumpOptions, Problems, absolute, base_offset};
use crate::base::{Millis, Offset};
use crate::wire::batch::{
    BATCH_OVERHEAD, Batch, BatchError, BatchHeader, HEADER_SIZE_UP_TO_MAGIC, NO_SEQUENCE, add_to_sequence,
};
use crate::wire::control::{ControlType, EndTransactionMarker};
use crate::wire::legacy::Messages;
use crate::wire::record::Record;

/// An open segment, or a part of one.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl LogFile {
    /// Opens it for reading.
    pub(super) fn open(path: &Path) -> Result<Self, DumpError> {
        let file = File::open(path).map_err(|error| DumpError::of_file(path, &error))?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size })
    }

    /// The header at `position`; None if no whole batch lies between there and `end`.
    pub(super) fn header(&self, position: u64, end: u64) -> Result<Option<BatchHeader>, DumpError> {
        let end = end.min(self.size);
        if position.saturating_add(HEADER_SIZE_UP_TO_MAGIC as u64) >= end {
            return Ok(None);
        }
        let mut bytes = vec![0; (BATCH_OVERHEAD as u64).min(end - position) as usize];
        self.file.read_exact_at(&mut bytes, position)?;
        match BatchHeader::parse(&bytes) {
            Ok(header) if position + header.size() as u64 > end => Ok(None),
            Ok(header) => Ok(Some(header)),
            Err(BatchError::Incomplete { .. }) => Ok(None),
            Err(error) => Err(DumpError::Corrupt(format!("{error} in file {}.", self.path.display()))),
        }
    }

    /// The whole batch at `position`, which [`LogFile::header`] has found.
    pub(super) fn batch(&self, position: u64, header: &BatchHeader) -> Result<Batch, DumpError> {
        let mut bytes = vec![0; header.size()];
        self.file.read_exact_at(&mut bytes, position)?;
        Batch::parse(&Bytes::from(bytes)).map_err(|error| DumpError::Corrupt(error.to_string()))
    }
}

/// Prints a segment.
pub(super) fn dump(
    path: &Path,
    options: &DumpOptions,
    problems: &mut Problems,
    out: &mut impl Write,
) -> Result<(), DumpError> {
    writeln!(out, "Starting offset: {}", base_offset(path)?)?;
    let log = LogFile::open(path)?;
    let mut position = 0;
    let mut last_offset = -1;
    while let Some(header) = log.header(position, u64::MAX)? {
        let batch = log.batch(position, &header)?;
        print_batch(&batch, position, out)?;
        if options.is_deep {
            for line in lines_of(&batch)? {
                if last_offset != -1 && line.record.offset != last_offset + 1 {
                    let gaps = problems.gaps.entry(absolute(path)).or_default();
                    gaps.insert(0, (last_offset, line.record.offset));
                }
                last_offset = line.record.offset;
                print_record(&batch, &line, options, out)?;
            }
        }
        position += header.size() as u64;
    }
    if log.size > position {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(out, "Found {} invalid bytes at the end of {name}", log.size - position)?;
    }
    Ok(())
}

fn print_batch(batch: &Batch, position: u64, out: &mut impl Write) -> io::Result<()> {
    let header = batch.header();
    if header.magic >= 2 {
        write!(
            out,
            "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} \
             partitionLeaderEpoch: {} isTransactional: {} isControl: {}",
            header.base_offset,
            header.last_offset(),
            header.record_count,
            header.base_sequence,
            header.last_sequence(),
            header.producer_id,
            header.producer_epoch,
            header.leader_epoch,
            header.is_transactional(),
            header.is_control()
        )?;
    } else {
        write!(out, "offset: {}", header.last_offset())?;
    }
    let codec = header.compression().map_or("UNKNOWN", |codec| codec.name()).to_uppercase();
    writeln!(
        out,
        " position: {position} {}: {} size: {} magic: {} compresscodec: {codec} crc: {} isvalid: {}",
        header.timestamp_type().name(),
        header.max_timestamp,
        header.size(),
        header.magic,
        header.crc,
        batch.check_crc().is_ok()
    )
}

/// A record, and of formats 0 and 1 its own checksum and whether that is right.
struct Line {
    record: Record,
    crc: Option<(u32, bool)>,
}

fn lines_of(batch: &Batch) -> Result<Vec<Line>, DumpError> {
    let lines = if batch.header().magic < 2 {
        lines_of_messages(batch)
    } else {
        batch
            .all_records()
            .map(|records| records.into_iter().map(|record| Line { record, crc: None }).collect())
    };
    lines.map_err(|error: BatchError| DumpError::Corrupt(error.to_string()))
}

fn lines_of_messages(batch: &Batch) -> Result<Vec<Line>, BatchError> {
    let mut lines = Vec::new();
    let mut messages = Messages::of(batch)?;
    while let Some(message) = messages.next_message()? {
        let crc = Some((message.crc(), message.check_crc().is_ok()));
        lines.push(Line { record: message.record()?, crc });
    }
    Ok(lines)
}

/// The largest timestamp of a batch's records.
pub(super) fn max_timestamp(batch: &Batch) -> Result<Millis, DumpError> {
    let lines = lines_of(batch)?;
    Ok(lines.iter().map(|line| line.record.timestamp).max().unwrap_or(-1))
}

fn print_record(
    batch: &Batch,
    line: &Line,
    options: &DumpOptions,
    out: &mut impl Write,
) -> Result<(), DumpError> {
    let (header, record) = (batch.header(), &line.record);
    let size = |field: &Option<Bytes>| field.as_ref().map_or(-1, |field| field.len() as i64);
    write!(
        out,
        "| offset: {} {}: {} keysize: {} valuesize: {}",
        record.offset,
        header.timestamp_type().name(),
        record.timestamp,
        size(&record.key),
        size(&record.value)
    )?;
    match line.crc {
        Some((crc, is_valid)) => write!(out, " crc: {crc} isvalid: {is_valid}")?,
        None => {
            let keys: Vec<_> = record.headers.iter().map(|(key, _)| key.as_str()).collect();
            let sequence = sequence_of(header, record.offset);
            write!(out, " sequence: {sequence} headerKeys: [{}]", keys.join(","))?;
        }
    }
    if header.is_control() {
        write!(out, " {}", control(record)?)?;
    } else if options.prints_data {
        let (key, payload) = options.parser.parse(record)?;
        if let Some(key) = key {
            write!(out, " key: {key}")?;
        }
        if let Some(payload) = payload {
            write!(out, " payload: {payload}")?;
        }
    }
    Ok(writeln!(out)?)
}

fn sequence_of(header: &BatchHeader, offset: Offset) -> i32 {
    if header.base_sequence < 0 {
        return NO_SEQUENCE;
    }
    add_to_sequence(header.base_sequence, offset.wrapping_sub(header.base_offset) as i32)
}

fn control(record: &Record) -> Result<String, DumpError> {
    let corrupt = |error: BatchError| DumpError::Corrupt(error.to_string());
    let name = match ControlType::parse(record.key.as_deref().unwrap_or_default()).map_err(corrupt)? {
        ControlType::Commit => "COMMIT",
        ControlType::Abort => "ABORT",
        ControlType::Unknown(2) => return Ok("controlType: QUORUM_REASSIGNMENT(2)".to_owned()),
        ControlType::Unknown(3) => return Ok("controlType: LEADER_CHANGE(3)".to_owned()),
        ControlType::Unknown(other) => return Ok(format!("controlType: UNKNOWN({other})")),
    };
    let marker = EndTransactionMarker::parse(record).map_err(corrupt)?;
    Ok(format!("endTxnMarker: {name} coordinatorEpoch: {}", marker.coordinator_epoch))
}
