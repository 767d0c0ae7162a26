//! Prints the three kinds of index, and compares those of offsets and times with their log.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::log_file::{LogFile, max_timestamp};
use super::printer::{DumpPrinter, FileKind};
use super::problems::Problems;
use super::rows::{OffsetIndexRow, TimeIndexRow, TransactionIndexRow};
use super::{DumpError, DumpOptions, absolute, base_offset};
use crate::base::{Millis, Offset};
use crate::wire::batch::NO_TIMESTAMP;

/// The fixed-size entries of an index file, up to the zeros that a broker leaves after a crash.
struct IndexFile {
    base: Offset,
    bytes: Vec<u8>,
    size: usize,
}

impl IndexFile {
    fn read(path: &Path, size: usize) -> Result<Self, DumpError> {
        let base = base_offset(path)?;
        let bytes = fs::read(path).map_err(|error| DumpError::of_file(path, &error))?;
        Ok(Self { base, bytes, size })
    }

    fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.size)
    }

    fn offset(&self, relative: i32) -> Offset {
        self.base + i64::from(relative)
    }

    /// Offsets and positions of an `.index`.
    fn positions(&self) -> impl Iterator<Item = (Offset, u64)> {
        let entry = |entry: &[u8]| (self.offset(int(entry, 0)), u64::from(int(entry, 4) as u32));
        self.entries()
            .map(entry)
            .enumerate()
            .map_while(|(i, entry)| (i == 0 || entry.0 != self.base).then_some(entry))
    }

    /// Timestamps and offsets of a `.timeindex`.
    fn times(&self) -> impl Iterator<Item = (Millis, Offset)> {
        let entry = |entry: &[u8]| (long(entry, 0), self.offset(int(entry, 8)));
        self.entries()
            .map(entry)
            .enumerate()
            .map_while(|(i, entry)| (i == 0 || entry.1 != self.base).then_some(entry))
    }

    /// What a broker checks when it starts (`sanityCheck`); `last` is the last entry's offset.
    fn check(
        &self,
        path: &Path,
        last: Option<Offset>,
        printer: &mut DumpPrinter<impl Write>,
    ) -> Result<(), DumpError> {
        let file = absolute(path);
        let (file, length) = (file.display(), self.bytes.len());
        if let Some(last) = last.filter(|last| *last < self.base) {
            return Err(DumpError::CorruptIndex(format!(
                "Corrupt index found, index file ({file}) has non-zero size but the last offset is {last} which is less than \
                 the base offset {}.",
                self.base
            )));
        }
        if !length.is_multiple_of(self.size) {
            return Err(DumpError::CorruptIndex(format!(
                "Index file {file} is corrupt, found {length} bytes which is neither positive nor a multiple of {}.",
                self.size
            )));
        }
        Ok(printer.sane(path)?)
    }
}

/// The log that an index belongs to.
fn log_of(index: &Path) -> Result<LogFile, DumpError> {
    base_offset(index)?;
    LogFile::open(&index.with_extension("log"))
}

/// Prints an `.index`.
pub(super) fn dump_offsets(
    path: &Path,
    options: &DumpOptions,
    problems: &mut Problems,
    printer: &mut DumpPrinter<impl Write>,
) -> Result<(), DumpError> {
    let log = log_of(path)?;
    let index = IndexFile::read(path, 8)?;
    printer.begin(path, FileKind::OffsetIndex)?;
    if options.checks_sanity {
        let last = index.entries().last().map(|entry| index.offset(int(entry, 0)));
        return index.check(path, last, printer);
    }
    let max_message_size = options.max_message_size()?;
    for (offset, position) in index.positions() {
        let Some(batch) = log.header(position, position.saturating_add(max_message_size))? else {
            return Err(DumpError::NoBatch(format!("no batch at {position}")));
        };
        if batch.last_offset() != offset {
            let mismatches = problems.index.entry(absolute(path)).or_default();
            mismatches.insert(0, (offset, batch.last_offset()));
        }
        if !options.verifies_only {
            printer.entry(&OffsetIndexRow { offset, position })?;
        }
    }
    Ok(())
}

/// Prints a `.timeindex`.
pub(super) fn dump_times(
    path: &Path,
    options: &DumpOptions,
    problems: &mut Problems,
    printer: &mut DumpPrinter<impl Write>,
) -> Result<(), DumpError> {
    let log = log_of(path)?;
    let index = IndexFile::read(&path.with_extension("index"), 8)?;
    let times = IndexFile::read(path, 12)?;
    printer.begin(path, FileKind::TimeIndex)?;
    if options.checks_sanity {
        let last = times.entries().last().map(|entry| times.offset(int(entry, 8)));
        return times.check(path, last, printer);
    }
    let mut before = NO_TIMESTAMP;
    for (timestamp, offset) in times.times() {
        let from =
            index.positions().take_while(|(at, _)| *at <= offset).last().map_or(0, |(_, position)| position);
        match log_timestamp(&log, from, offset)? {
            BatchAtEntry::Timestamp(found) => {
                if found != timestamp {
                    problems.timestamps.entry(absolute(path)).or_default().push((timestamp, found));
                }
                if before >= timestamp {
                    problems.out_of_order.entry(absolute(path)).or_default().push((timestamp, before));
                }
            }
            BatchAtEntry::Other(found) => {
                problems.not_found.entry(absolute(path)).or_default().push((offset, found));
            }
        }
        if !options.verifies_only {
            printer.entry(&TimeIndexRow { timestamp, offset })?;
        }
        before = timestamp;
    }
    Ok(())
}

/// What the log has where the time index points.
enum BatchAtEntry {
    /// The largest timestamp of the batch that ends at the offset.
    Timestamp(Millis),
    /// Another batch, which ends at this offset; -1 for none.
    Other(Offset),
}

fn log_timestamp(log: &LogFile, from: u64, offset: Offset) -> Result<BatchAtEntry, DumpError> {
    let mut position = from;
    while let Some(header) = log.header(position, u64::MAX)? {
        if header.last_offset() == offset {
            return Ok(BatchAtEntry::Timestamp(max_timestamp(&log.batch(position, &header)?)?));
        }
        if header.last_offset() > offset {
            return Ok(BatchAtEntry::Other(header.last_offset()));
        }
        position += header.size() as u64;
    }
    Ok(BatchAtEntry::Other(-1))
}

/// Prints a `.txnindex`.
pub(super) fn dump_transactions(path: &Path, printer: &mut DumpPrinter<impl Write>) -> Result<(), DumpError> {
    let index = IndexFile::read(path, 34)?;
    printer.begin(path, FileKind::TransactionIndex)?;
    for entry in index.entries() {
        printer.entry(&TransactionIndexRow {
            version: i16::from_be_bytes([entry[0], entry[1]]),
            producer_id: long(entry, 2),
            first_offset: long(entry, 10),
            last_offset: long(entry, 18),
            last_stable_offset: long(entry, 26),
        })?;
    }
    Ok(())
}

fn int(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> i64 {
    i64::from(int(bytes, at)) << 32 | i64::from(int(bytes, at + 4) as u32)
}
