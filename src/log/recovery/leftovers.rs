//! What a deletion, a cleaning or a split left that a stop interrupted: undone or completed before segments are opened.
//!
//! New segments are written as `.cleaned`, then renamed to `.swap` from the last to the first, then the old
//! ones to `.deleted`, then the new ones to their own names ([`super::split`], and Kafka's cleaner). So while
//! there is a `.cleaned` file, no old segment is renamed yet, and every `.swap` at or behind it belongs to
//! the unfinished replacement. The `.cleaned` file is removed last, as another stop in between must find it.
//! Without one, the `.swap` files are whole and replace the old segments.
//!
//! Kafka: `Log.removeTempFilesAndCollectSwapFiles`, `completeSwapOperations`. It completes the swaps after it has
//! opened the segments, and may then take an empty file for a segment that was split again meanwhile.

use std::io;

use super::TARGET;
use crate::base::Offset;
use crate::log::directory::{self, CLEANED, DELETED, LOG, SWAP, file_name, offset_of, remove_if_there};
use crate::log::log::Log;
use crate::log::open_files::retry;
use crate::log::segment_files::Kind;
use crate::log::walk::{Headers, WalkError};

impl Log {
    /// Undoes or completes what was interrupted, by the names of the log's files. Indexes of what takes another's place
    /// are removed, to be rebuilt. Returns the names of the log's files after that.
    pub(super) fn clear_leftovers(&self, names: Vec<String>) -> io::Result<Vec<String>> {
        let ending = |suffix: &'static str| names.iter().filter(move |name| name.ends_with(suffix));
        if ending(CLEANED).chain(ending(SWAP)).chain(ending(DELETED)).next().is_none() {
            return Ok(names);
        }
        let unfinished = ending(CLEANED).filter_map(|name| offset_of(name)).min().unwrap_or(Offset::MAX);
        for base in ending(SWAP).filter_map(|name| offset_of(name)).filter(|base| *base >= unfinished) {
            self.remove_files(base, SWAP, &Kind::ALL)?;
        }
        self.own_dir().sync()?;
        for name in ending(CLEANED) {
            remove_if_there(&self.dir().join(name))?;
        }
        for name in ending(SWAP).filter(|name| offset_of(name).is_some_and(|base| base < unfinished)) {
            log::info!(target: TARGET, "Found file {name} of {} from interrupted swap operation.", self.partition());
            let Some(base) = offset_of(name) else { continue };
            self.remove_files(base, "", &INDEXES)?;
            match *name == file_name(base, LOG) + SWAP {
                true => self.complete_swap(base)?,
                // It is rebuilt from the batches.
                false => remove_if_there(&self.dir().join(name)).map(|_| ())?,
            }
        }
        // Those among them that a swap has just replaced.
        for name in directory::files(&self.dir())?.iter().filter(|name| name.ends_with(DELETED)) {
            remove_if_there(&self.dir().join(name))?;
        }
        directory::files(&self.dir())
    }

    /// Gives a whole new segment its name, and the segments whose records it holds that of deleted ones.
    fn complete_swap(&self, base: Offset) -> io::Result<()> {
        let end = self.end_of(&(file_name(base, LOG) + SWAP), base)?.max(base + 1);
        for name in directory::files(&self.dir())? {
            let Some(old) = offset_of(&name).filter(|old| name == file_name(*old, LOG)) else { continue };
            if old < end && (old >= base || self.end_of(&name, old)? > base) {
                log::info!(target: TARGET, "Segment {old} of {} gives way to segment {base}.", self.partition());
                self.remove_files(old, "", &INDEXES)?;
                self.rename(&name, &(name.clone() + DELETED))?;
            }
        }
        self.own_dir().sync()?;
        let name = file_name(base, LOG);
        self.rename(&(name.clone() + SWAP), &name)?;
        self.own_dir().sync()
    }

    /// The offset behind the last batch of a `.log` that begins with `base`, found without an index.
    fn end_of(&self, name: &str, base: Offset) -> io::Result<Offset> {
        let file = retry(|| self.own_dir().with(name, |path| std::fs::File::open(path)))?;
        let length = file.metadata()?.len();
        let mut headers = Headers::new(file.into(), 0, length);
        let mut end = base;
        loop {
            match headers.next_header() {
                Ok(Some((_, header))) => end = header.next_offset(),
                // What follows a damaged batch is judged by the recovery of its segment.
                Ok(None) | Err(WalkError::Batch(_)) => return Ok(end),
                Err(WalkError::Io(error)) => return Err(error),
            }
        }
    }

    fn remove_files(&self, base: Offset, suffix: &str, kinds: &[Kind]) -> io::Result<()> {
        for kind in kinds {
            remove_if_there(&self.dir().join(file_name(base, kind.extension()) + suffix))?;
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.own_dir().with(from, |from| std::fs::rename(from, from.with_file_name(to)))
    }
}

const INDEXES: [Kind; 3] = [Kind::OffsetIndex, Kind::TimeIndex, Kind::TransactionIndex];
