//! Reads of indexes and batches that may have to wait for the disk: what is in memory is read at once, for all else the
//! thread is lent out, so that other connections of the runtime go on meanwhile.
//!
//! Kafka reads on `num.io.threads` of its own; here requests share a few threads.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use parking_lot::{RwLock, RwLockReadGuard};
use rustix::io::{Errno, ReadWriteFlags};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Fills `buffer` from `position` on.
///
/// # Errors
/// Those of reading; `UnexpectedEof` where the file ends before.
pub(super) fn read_exact_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        let at = position + filled as u64;
        let mut rest = [io::IoSliceMut::new(&mut buffer[filled..])];
        match rustix::io::preadv2(file, &mut rest, at, ReadWriteFlags::NOWAIT) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(Errno::AGAIN) => return patiently(|| file.read_exact_at(&mut buffer[filled..], at)),
            // The file system does not support the question, or a signal came in between.
            Err(_) => return file.read_exact_at(&mut buffer[filled..], at),
        }
    }
    Ok(())
}

/// Takes a lock that is held over the writing of indexes: where it is held, a disk may be waited for.
pub(super) fn read_locked<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.try_read().unwrap_or_else(|| patiently(|| lock.read()))
}

/// Does what may take its time: the other tasks of a runtime's thread are given to another thread first.
pub(super) fn patiently<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // No other task depends on this thread, or no other thread could take over.
        _ => work(),
    }
}

#[cfg(test)]
mod tests;
