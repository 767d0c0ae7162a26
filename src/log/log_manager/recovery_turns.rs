//! Which logs of a data directory are recovered at once: small ones on all cores, large ones in turns.
//!
//! Kafka recovers all logs of a directory on `num.recovery.threads.per.data.dir` threads.

use std::fs;
use std::path::Path;

use parking_lot::{Condvar, Mutex};

use crate::log::directory;

/// How many bytes of records a thread recovers without a turn: to open the files takes longer than to read so many.
const SMALL_LOG: u64 = 1 << 16;

/// Whether a log has so many records that to read them takes its time, by the lengths of its files.
pub(super) fn is_large(log: &Path, files: &[String]) -> bool {
    let segments = files.iter().filter(|name| name.ends_with(directory::LOG));
    let lengths = segments.map(|name| fs::metadata(log.join(name)).map_or(0, |file| file.len()));
    lengths.sum::<u64>() > SMALL_LOG
}

/// How many threads may recover large logs of one data directory at once (`num.recovery.threads.per.data.dir`).
pub(super) struct RecoveryTurns {
    free: Mutex<usize>,
    returned: Condvar,
}

/// The turn of one thread; it ends when it is dropped.
pub(super) struct RecoveryTurn<'a>(&'a RecoveryTurns);

impl RecoveryTurns {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Mutex::new(count.max(1)), returned: Condvar::new() }
    }

    pub(super) fn take(&self) -> RecoveryTurn<'_> {
        let mut free = self.free.lock();
        self.returned.wait_while(&mut free, |free| *free == 0);
        *free -= 1;
        RecoveryTurn(self)
    }
}

impl Drop for RecoveryTurn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.returned.notify_one();
    }
}
