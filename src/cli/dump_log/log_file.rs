//! Prints a segment batch by batch, however large it is.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::printer::{DumpPrinter, FileKind};
use super::problems::Problems;
use super::rows::{BatchRow, RecordContent, RecordFormat, RecordRow};
use super::{DumpError, DumpOptions, absolute, base_offset};
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
    printer: &mut DumpPrinter<impl Write>,
) -> Result<(), DumpError> {
    printer.starting_offset(base_offset(path)?)?;
    let log = LogFile::open(path)?;
    printer.begin(path, FileKind::Log)?;
    let mut position = 0;
    let mut last_offset = -1;
    while let Some(header) = log.header(position, u64::MAX)? {
        let batch = log.batch(position, &header)?;
        let mut row = BatchRow::new(&batch, position);
        let read = match options.is_deep {
            true => read_records(&batch, options, row.records.insert(Vec::new())),
            false => Ok(()),
        };
        for record in row.records.iter().flatten() {
            if last_offset != -1 && record.offset != last_offset + 1 {
                let gaps = problems.gaps.entry(absolute(path)).or_default();
                gaps.insert(0, (last_offset, record.offset));
            }
            last_offset = record.offset;
        }
        printer.entry(&row)?;
        read?;
        position += header.size() as u64;
    }
    if log.size > position {
        printer.invalid_bytes(path, log.size - position)?;
    }
    Ok(())
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

/// Reads the records of a batch up to the first that cannot be read, that one included.
fn read_records(batch: &Batch, options: &DumpOptions, rows: &mut Vec<RecordRow>) -> Result<(), DumpError> {
    for line in lines_of(batch)? {
        let content = content(batch, &line.record, options);
        let is_truncated = content.is_err();
        let (content, read) = match content {
            Ok(content) => (content, Ok(())),
            Err(error) => (None, Err(error)),
        };
        rows.push(RecordRow { content, is_truncated, ..row_of(batch, line) });
        read?;
    }
    Ok(())
}

/// A record's row without its content.
fn row_of(batch: &Batch, line: Line) -> RecordRow {
    let (header, record) = (batch.header(), line.record);
    let format = match line.crc {
        Some((crc, is_valid)) => RecordFormat::Message { crc, is_valid },
        None => RecordFormat::Record {
            sequence: sequence_of(header, record.offset),
            header_keys: record.headers.iter().map(|(key, _)| key.to_string()).collect(),
        },
    };
    RecordRow {
        offset: record.offset,
        timestamp_type: header.timestamp_type().name(),
        timestamp: record.timestamp,
        key_size: record.key.map(|key| key.len()),
        value_size: record.value.map(|value| value.len()),
        format,
        content: None,
        is_truncated: false,
    }
}

/// What a record contains, where it is a control record or its data is asked for.
fn content(
    batch: &Batch,
    record: &Record,
    options: &DumpOptions,
) -> Result<Option<RecordContent>, DumpError> {
    if batch.header().is_control() {
        return control(record).map(Some);
    }
    if !options.prints_data {
        return Ok(None);
    }
    let (key, payload) = options.parser.parse(record)?;
    Ok(Some(RecordContent::Data { key, payload }))
}

fn sequence_of(header: &BatchHeader, offset: Offset) -> i32 {
    if header.base_sequence < 0 {
        return NO_SEQUENCE;
    }
    add_to_sequence(header.base_sequence, offset.wrapping_sub(header.base_offset) as i32)
}

fn control(record: &Record) -> Result<RecordContent, DumpError> {
    let corrupt = |error: BatchError| DumpError::Corrupt(error.to_string());
    let other = |name: String| Ok(RecordContent::Control { control_type: name });
    let end_txn_marker =
        match ControlType::parse(record.key.as_deref().unwrap_or_default()).map_err(corrupt)? {
            ControlType::Commit => "COMMIT",
            ControlType::Abort => "ABORT",
            ControlType::Unknown(2) => return other("QUORUM_REASSIGNMENT(2)".to_owned()),
            ControlType::Unknown(3) => return other("LEADER_CHANGE(3)".to_owned()),
            ControlType::Unknown(number) => return other(format!("UNKNOWN({number})")),
        };
    let marker = EndTransactionMarker::parse(record).map_err(corrupt)?;
    Ok(RecordContent::EndTransaction { end_txn_marker, coordinator_epoch: marker.coordinator_epoch })
}
