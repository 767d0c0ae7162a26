//! The small text files that remember offsets: version, number of entries, one entry a line.
//!
//! A file is replaced whole: written beside, synced, renamed over the old one, so that a reader sees the old entries
//! or the new ones. Only the epochs of a log are synced later ([`super::epoch_checkpoint`]). Never decides what to
//! remember.
//!
//! Kafka: `CheckpointFile`, `OffsetCheckpointFile`, `LeaderEpochCheckpointFile`.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::directory::is_storable;
use super::epochs::EpochEntry;
use super::open_files::retry;
use crate::base::{Offset, TopicPartition};

/// Up to where each log of a directory is known to be on disk.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// The high watermark of each log of a directory.
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// The start of each log of a directory whose start does not show in its segments.
pub const LOG_START_OFFSETS: &str = "log-start-offset-checkpoint";
/// Up to where each compacted log of a directory is clean.
pub const CLEANER_OFFSETS: &str = "cleaner-offset-checkpoint";
/// The leader epochs of one log, in its own directory.
pub const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";

/// The only version of these files there is.
const VERSION: &str = "0";

/// What a file of offsets holds.
#[derive(Debug, Default)]
pub struct StoredOffsets {
    /// The entries of all lines that could be read.
    pub offsets: BTreeMap<TopicPartition, Offset>,
    /// What is wrong with the file, in Kafka's words: entries are missing then, or may be.
    pub damage: Option<String>,
}

/// Reads a file of offsets; a missing or empty file has none. Lines of topics with a blank in their name, which Kafka
/// writes but cannot read, are passed over: such topics have no logs here.
///
/// # Errors
/// Those of reading. What makes no sense is [`StoredOffsets::damage`].
pub fn read_offsets(path: &Path) -> io::Result<StoredOffsets> {
    let Some(text) = contents(path)? else { return Ok(StoredOffsets::default()) };
    let (lines, damage) = lines_of(&text, path, |line| {
        let (named, offset) = line.rsplit_once(char::is_whitespace)?;
        let (topic, partition) = named.trim_end().rsplit_once(char::is_whitespace)?;
        let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
        Some((topic.trim_end().to_owned(), partition, offset))
    });
    let entries = lines.into_iter().filter(|(topic, ..)| is_storable(topic));
    let offsets = entries.map(|(topic, partition, offset)| (TopicPartition::new(topic, partition), offset));
    Ok(StoredOffsets { offsets: offsets.collect(), damage })
}

/// Replaces a file of offsets. Topics whose names no line can hold are left out.
///
/// # Errors
/// Those of writing, syncing and renaming; the old file is then still there.
pub fn write_offsets(path: &Path, offsets: &BTreeMap<TopicPartition, Offset>) -> io::Result<()> {
    let storable = offsets.iter().filter(|(of, _)| is_storable(&of.topic));
    let lines: Vec<_> =
        storable.map(|(of, offset)| format!("{} {} {offset}", of.topic, of.partition)).collect();
    replace(path, text_of(lines.into_iter()).as_bytes())
}

/// Reads the epochs of a log, and makes the file, empty, where there is none.
///
/// # Errors
/// Those of reading and creating, and `InvalidData` with Kafka's text where anything makes no sense.
pub fn read_epochs(path: &Path) -> io::Result<Vec<EpochEntry>> {
    match contents(path)? {
        Some(text) => epochs_of(&text, path),
        None => create(path).map(|()| Vec::new()),
    }
}

fn epochs_of(text: &str, path: &Path) -> io::Result<Vec<EpochEntry>> {
    let (entries, damage) = lines_of(text, path, |line| {
        let mut fields = line.split_whitespace();
        let (epoch, start_offset) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        fields.next().is_none().then_some(EpochEntry { epoch, start_offset })
    });
    match damage {
        None => Ok(entries),
        Some(text) => Err(io::Error::new(io::ErrorKind::InvalidData, text)),
    }
}

/// Replaces the epochs of a log without waiting for the disk: [`sync`] does that, before the log counts on them.
///
/// # Errors
/// Those of writing and renaming; the old file is then still there.
pub fn write_epochs(path: &Path, epochs: &[EpochEntry]) -> io::Result<()> {
    let text = text_of(epochs.iter().map(|entry| format!("{} {}", entry.epoch, entry.start_offset)));
    let (_, beside) = write_beside(path, text.as_bytes())?;
    fs::rename(beside, path)
}

/// Brings a file to the disk.
///
/// # Errors
/// Those of opening and syncing.
pub fn sync(path: &Path) -> io::Result<()> {
    retry(|| File::open(path))?.sync_all()
}

/// Makes the file, empty, where there is none.
///
/// # Errors
/// Those of creating it.
pub fn create(path: &Path) -> io::Result<()> {
    retry(|| OpenOptions::new().create(true).append(true).open(path)).map(|_| ())
}

/// The text of a checkpoint file; None where there is none. Bytes that are no text make their lines unreadable.
fn contents(path: &Path) -> io::Result<Option<String>> {
    match retry(|| fs::read(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(String::from_utf8_lossy(&read?).into_owned())),
    }
}

/// The entries of a checkpoint's lines as far as they can be read, and Kafka's text for the first that cannot, or for
/// their wrong number.
fn lines_of<T>(text: &str, path: &Path, entry: impl Fn(&str) -> Option<T>) -> (Vec<T>, Option<String>) {
    let at = path.display();
    let malformed = |line: &str| format!("Malformed line in checkpoint file ({at}): '{line}'");
    let mut lines = text.lines();
    let Some(version) = lines.next() else { return (Vec::new(), None) };
    if version != VERSION {
        let damage = match version.parse::<i32>() {
            Ok(_) => format!("Unrecognized version of the checkpoint file ({at}): {VERSION}"),
            Err(_) => malformed(version),
        };
        return (Vec::new(), Some(damage));
    }
    let Some(count) = lines.next() else { return (Vec::new(), None) };
    let (mut entries, mut damage) = (Vec::new(), None);
    for line in lines {
        match entry(line) {
            Some(entry) => entries.push(entry),
            None => damage = damage.or_else(|| Some(malformed(line))),
        }
    }
    let found = entries.len();
    let counted = match count.parse::<usize>() {
        Err(_) => Some(malformed(count)),
        Ok(expected) => (expected != found).then(|| {
            format!("Expected {expected} entries in checkpoint file ({at}), but found only {found}")
        }),
    };
    (entries, damage.or(counted))
}

/// Version, number of lines, the lines.
fn text_of(lines: impl ExactSizeIterator<Item = String>) -> String {
    let mut text = format!("{VERSION}\n{}\n", lines.len());
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Replaces a file by one of these bytes: written to `<path>.tmp`, synced, renamed.
///
/// # Errors
/// Those of writing, syncing and renaming; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (file, beside) = write_beside(path, bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(beside, path)
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<(File, PathBuf)> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let mut file = retry(|| File::create(&beside))?;
    file.write_all(bytes)?;
    Ok((file, beside.into()))
}

#[cfg(test)]
mod tests;
