//! Which files of segments are open: those used last, as many as the process can spare descriptors for.
//!
//! A [`Slot`] holds a file open from its first use until the descriptor is wanted elsewhere. Slots are passed over once
//! when they were used since the last look (the clock algorithm, close to least recently used), so that a use costs one
//! flag and no lock that all share. A file that a reader or a socket still holds keeps its place until it lets go;
//! where all do, answers are read into memory instead of holding more ([`OpenFiles::is_crowded`]).
//!
//! One for the process, as descriptors are. What fails for want of a descriptor is tried again with half of the files
//! closed ([`retry`]). Never decides what a failure means. Kafka holds every segment and index open; this part has no
//! counterpart there.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Weak};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use rustix::io::Errno;

use crate::base::DescriptorBudget;

/// How few files may be open even where descriptors are scarce.
const FEWEST: usize = 16;

/// Where one file is held while it is open.
#[derive(Debug, Default)]
pub(super) struct Slot {
    file: ArcSwapOption<File>,
    /// Whether it was used since [`OpenFiles`] last looked.
    used: AtomicBool,
}

impl Slot {
    /// The file, if it is open; counts as a use.
    pub fn get(&self) -> Option<Arc<File>> {
        let file = self.file.load_full()?;
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        Some(file)
    }

    /// Holds a file that was just opened; only the next use counts. One caller at a time for each slot.
    fn set(&self, file: Arc<File>) {
        self.used.store(false, Ordering::Relaxed);
        self.file.store(Some(file));
    }

    /// Lets go of the file.
    pub fn close(&self) -> Option<Arc<File>> {
        self.file.swap(None)
    }
}

/// The slots of the files that belong together.
pub(super) type Slots = [Slot; 3];

/// One of the slots that are open. Those whose owner is gone are forgotten when they are met.
#[derive(Debug)]
struct Entry {
    slots: Weak<Slots>,
    at: usize,
}

/// The slots that are open, in the order in which they are looked at.
#[derive(Debug)]
pub(super) struct OpenFiles {
    entries: Mutex<VecDeque<Entry>>,
    /// How many may be open.
    limit: fn() -> usize,
    /// Whether the last file found no room: all others were being read or sent.
    crowded: AtomicBool,
}

impl OpenFiles {
    /// None open yet, at most as many as `limit` allows at the time.
    pub fn new(limit: fn() -> usize) -> Self {
        Self { entries: Mutex::default(), limit, crowded: AtomicBool::new(false) }
    }

    /// Holds `file` open in a slot that has none, and closes others for it where the limit is reached.
    pub fn admit(&self, slots: &Arc<Slots>, at: usize, file: Arc<File>) {
        slots[at].set(file);
        let limit = (self.limit)().max(FEWEST);
        let mut entries = self.entries.lock();
        let excess = (entries.len() + 1).saturating_sub(limit);
        let closed = close_some(&mut entries, excess);
        entries.push_back(Entry { slots: Arc::downgrade(slots), at });
        self.crowded.store(entries.len() > limit, Ordering::Relaxed);
        drop(entries);
        // The last one to let go closes the file, which may take its time: not under the lock.
        drop(closed);
    }

    /// Whether files are to be let go of at once, for all are in use that may be open.
    pub fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    /// Closes half of the files that are open. Returns whether there were any.
    fn shed(&self) -> bool {
        let mut entries = self.entries.lock();
        let half = entries.len().div_ceil(2);
        let closed = close_some(&mut entries, half);
        drop(entries);
        !closed.is_empty()
    }
}

/// Takes `wanted` entries away, those not used lately first.
fn close_some(entries: &mut VecDeque<Entry>, wanted: usize) -> Vec<Arc<File>> {
    let mut closed = Vec::new();
    let left = entries.len() - wanted.min(entries.len());
    // Every flag is cleared in the first round, so that two rounds are enough.
    for _ in 0..entries.len() * 2 {
        if entries.len() <= left {
            break;
        }
        let Some(entry) = entries.pop_front() else { break };
        let Some(slots) = entry.slots.upgrade() else { continue };
        let slot = &slots[entry.at];
        if slot.used.swap(false, Ordering::Relaxed) {
            entries.push_back(entry);
            continue;
        }
        let Some(file) = slot.close() else { continue };
        if Arc::strong_count(&file) > 1 {
            // Closing it here would free no descriptor.
            slot.file.store(Some(file));
            entries.push_back(entry);
        } else {
            closed.push(file);
        }
    }
    closed
}

/// The open files of this process.
pub(super) static OPEN_FILES: LazyLock<OpenFiles> = LazyLock::new(|| OpenFiles::new(share));

/// The share of this process' descriptors that files of logs may have.
fn share() -> usize {
    DescriptorBudget::current().files()
}

/// Opens something; where no descriptor is left, once more after files that were not used lately were closed.
///
/// # Errors
/// Those of `open`; [`is_exhausted`] where there is still no descriptor.
pub(super) fn retry<T>(open: impl Fn() -> io::Result<T>) -> io::Result<T> {
    loop {
        match open() {
            Err(error) if is_exhausted(&error) && OPEN_FILES.shed() => {}
            done => return done,
        }
    }
}

/// Whether something failed because the process or the machine has no descriptor left: no fault of a disk.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(number, Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests;
