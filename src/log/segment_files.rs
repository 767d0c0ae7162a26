//! The files of one segment: what they are called, where they lie, and each open only while it is used.
//!
//! Renaming and opening exclude each other, so that no file is looked for under a name it has just lost. A file may be
//! closed while what was written to it is not yet on the disk: the system keeps that with the file, and a later
//! `fsync` through another descriptor brings it there. Kafka: the files of `LogSegment`.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::cold;
use super::directory::{DELETED, LOG, LogDir, OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX, file_name};
use super::open_files::{OPEN_FILES, Slots, retry};
use crate::base::Offset;

/// What a file of a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Record batches.
    Log,
    /// Offsets to positions.
    OffsetIndex,
    /// Timestamps to offsets.
    TimeIndex,
    /// Aborted transactions; never held open, and there only where there is one.
    TransactionIndex,
}

impl Kind {
    /// All of them, the batches first.
    pub const ALL: [Self; 4] = [Self::Log, Self::OffsetIndex, Self::TimeIndex, Self::TransactionIndex];

    /// What the names of such files end with.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Log => LOG,
            Self::OffsetIndex => OFFSET_INDEX,
            Self::TimeIndex => TIME_INDEX,
            Self::TransactionIndex => TRANSACTION_INDEX,
        }
    }

    fn slot(self) -> Option<usize> {
        match self {
            Self::Log => Some(0),
            Self::OffsetIndex => Some(1),
            Self::TimeIndex => Some(2),
            Self::TransactionIndex => None,
        }
    }
}

/// The files of a segment.
#[derive(Debug)]
pub struct SegmentFiles {
    dir: Arc<LogDir>,
    base_offset: Offset,
    /// What is appended to the names. Held while a file is opened or renamed.
    suffix: Mutex<&'static str>,
    slots: Arc<Slots>,
}

impl SegmentFiles {
    /// The files of the segment that begins with `base_offset`, their names ending with `suffix`. None is opened.
    pub fn new(dir: Arc<LogDir>, base_offset: Offset, suffix: &'static str) -> Arc<Self> {
        Arc::new(Self { dir, base_offset, suffix: Mutex::new(suffix), slots: Arc::default() })
    }

    /// Where a file lies now.
    pub fn path(&self, kind: Kind) -> PathBuf {
        self.dir.with(&self.name(kind, *self.suffix.lock()), |path| path.to_owned())
    }

    fn name(&self, kind: Kind, suffix: &str) -> String {
        file_name(self.base_offset, kind.extension()) + suffix
    }

    /// A file for reading and writing. It stays open for the next use as long as descriptors suffice.
    ///
    /// # Errors
    /// Those of opening; `UnexpectedEof` for a segment that was deleted meanwhile.
    pub fn open(&self, kind: Kind) -> io::Result<Arc<File>> {
        let in_slot = || kind.slot().and_then(|at| self.slots[at].get());
        if let Some(file) = in_slot() {
            return Ok(file);
        }
        self.exclusively(|suffix| {
            if let Some(file) = in_slot() {
                return Ok(file);
            }
            let file = Arc::new(self.opened(kind, suffix, OpenOptions::new().read(true).write(true))?);
            if let Some(at) = kind.slot() {
                OPEN_FILES.admit(&self.slots, at, file.clone());
            }
            Ok(file)
        })
    }

    /// A file for one use: as it is held open, or else opened for the moment.
    ///
    /// # Errors
    /// As [`SegmentFiles::open`].
    pub fn open_briefly(&self, kind: Kind) -> io::Result<Arc<File>> {
        if let Some(file) = kind.slot().and_then(|at| self.slots[at].get()) {
            return Ok(file);
        }
        let options = OpenOptions::new().read(true).write(true).clone();
        self.exclusively(|suffix| self.opened(kind, suffix, &options).map(Arc::new))
    }

    /// A file for one use, made where there is none.
    ///
    /// # Errors
    /// Those of opening.
    pub fn open_or_create(&self, kind: Kind) -> io::Result<File> {
        let options = OpenOptions::new().write(true).create(true).truncate(false).clone();
        self.exclusively(|suffix| self.opened(kind, suffix, &options))
    }

    /// Does something with the names as they are. The caller may wait for the disk, and the next caller for it.
    fn exclusively<T>(&self, work: impl FnOnce(&'static str) -> T) -> T {
        cold::patiently(|| {
            let suffix = self.suffix.lock();
            work(*suffix)
        })
    }

    fn opened(&self, kind: Kind, suffix: &str, options: &OpenOptions) -> io::Result<File> {
        let open = |path: &Path| retry(|| options.open(path));
        self.dir.with(&self.name(kind, suffix), open).map_err(|error| match error.kind() {
            // A reader that still holds the segment finds that its records are gone, as after a truncation.
            io::ErrorKind::NotFound if suffix == DELETED => io::ErrorKind::UnexpectedEof.into(),
            _ => error,
        })
    }

    /// Makes an empty file of `length` bytes; one that is there is replaced. It is not kept open.
    ///
    /// # Errors
    /// Those of creating.
    pub fn create(&self, kind: Kind, length: u64) -> io::Result<()> {
        let options = OpenOptions::new().write(true).create(true).truncate(true).clone();
        let file = self.exclusively(|suffix| self.opened(kind, suffix, &options))?;
        if length > 0 { file.set_len(length) } else { Ok(()) }
    }

    /// The metadata of a file; None if there is none.
    ///
    /// # Errors
    /// Those of looking.
    pub fn metadata(&self, kind: Kind) -> io::Result<Option<Metadata>> {
        match self.exclusively(|suffix| self.dir.with(&self.name(kind, suffix), |path| fs::metadata(path))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    /// Renames the files to names ending with `suffix`.
    ///
    /// # Errors
    /// Those of renaming; a missing transaction index is none.
    pub fn change_suffix(&self, to: &'static str) -> io::Result<()> {
        let mut suffix = self.suffix.lock();
        for kind in Kind::ALL {
            let (old, new) = (self.name(kind, *suffix), self.name(kind, to));
            match self.dir.with(&old, |from| fs::rename(from, from.with_file_name(&new))) {
                Err(error) if kind == Kind::TransactionIndex && error.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed?,
            }
        }
        *suffix = to;
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
