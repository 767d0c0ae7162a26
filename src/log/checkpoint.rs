//! The small text files that remember offsets: version, number of entries, one entry a line.
//!
//! A file is replaced whole: written beside, synced, renamed over the old one, so that a reader sees the old entries
//! or the new ones. Never decides what to remember.
//!
//! Kafka: `CheckpointFile`, `OffsetCheckpointFile`, `LeaderEpochCheckpointFile`.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::epochs::EpochEntry;
use crate::base::{Offset, TopicPartition};

/// Up to where each log of a directory is known to be on disk.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// The high watermark of each log of a directory.
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// The start of each log of a directory whose start does not show in its segments.
pub const LOG_START_OFFSETS: &str = "log-start-offset-checkpoint";
/// The leader epochs of one log, in its own directory.
pub const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";

/// The only version of these files there is.
const VERSION: &str = "0";

/// Reads a file of offsets; a missing or empty file has none.
///
/// # Errors
/// Those of reading, and `InvalidData` with Kafka's text where a line makes no sense.
pub fn read_offsets(path: &Path) -> io::Result<BTreeMap<TopicPartition, Offset>> {
    let entries = read(path, |line| {
        let mut fields = line.split_whitespace();
        let (topic, partition, offset) = (fields.next()?, fields.next()?, fields.next()?);
        let complete = fields.next().is_none() && !line.starts_with(char::is_whitespace);
        complete.then_some(())?;
        Some((TopicPartition::new(topic, partition.parse().ok()?), offset.parse().ok()?))
    })?;
    Ok(entries.into_iter().collect())
}

/// Replaces a file of offsets.
///
/// # Errors
/// Those of writing, syncing and renaming; the old file is then still there.
pub fn write_offsets(path: &Path, offsets: &BTreeMap<TopicPartition, Offset>) -> io::Result<()> {
    let line = |(of, offset): (&TopicPartition, &Offset)| format!("{} {} {offset}", of.topic, of.partition);
    write(path, offsets.iter().map(line))
}

/// Reads the epochs of a log; a missing or empty file has none.
///
/// # Errors
/// As [`read_offsets`].
pub fn read_epochs(path: &Path) -> io::Result<Vec<EpochEntry>> {
    read(path, |line| {
        let mut fields = line.split_whitespace();
        let (epoch, start_offset) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        fields.next().is_none().then_some(EpochEntry { epoch, start_offset })
    })
}

/// Replaces the epochs of a log.
///
/// # Errors
/// As [`write_offsets`].
pub fn write_epochs(path: &Path, epochs: &[EpochEntry]) -> io::Result<()> {
    write(path, epochs.iter().map(|entry| format!("{} {}", entry.epoch, entry.start_offset)))
}

/// Makes the file, empty, where there is none.
///
/// # Errors
/// Those of creating it.
pub fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path).map(|_| ())
}

fn read<T>(path: &Path, entry: impl Fn(&str) -> Option<T>) -> io::Result<Vec<T>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let at = path.display();
    let malformed = |line: &str| invalid(format!("Malformed line in checkpoint file ({at}): '{line}'"));
    let mut lines = text.lines();
    let Some(version) = lines.next() else { return Ok(Vec::new()) };
    if version != VERSION {
        return Err(match version.parse::<i32>() {
            Ok(_) => invalid(format!("Unrecognized version of the checkpoint file ({at}): {VERSION}")),
            Err(_) => malformed(version),
        });
    }
    let Some(count) = lines.next() else { return Ok(Vec::new()) };
    let expected: usize = count.parse().map_err(|_| malformed(count))?;
    let entries =
        lines.map(|line| entry(line).ok_or_else(|| malformed(line))).collect::<io::Result<Vec<_>>>()?;
    if entries.len() != expected {
        let found = entries.len();
        let text = format!("Expected {expected} entries in checkpoint file ({at}), but found only {found}");
        return Err(invalid(text));
    }
    Ok(entries)
}

fn write(path: &Path, lines: impl ExactSizeIterator<Item = String>) -> io::Result<()> {
    let mut text = format!("{VERSION}\n{}\n", lines.len());
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    replace(path, text.as_bytes())
}

/// Replaces a file by one of these bytes: written to `<path>.tmp`, synced, renamed.
///
/// # Errors
/// Those of writing, syncing and renaming; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests;
