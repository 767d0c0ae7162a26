//! Reads for an answer, on threads that may wait for a disk. The number of reads at once is bounded for each
//! file system, so that a disk that does not answer does not block all of these threads. Kafka reads on its
//! network threads, which one disk may block.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many reads of one file system wait for it at once.
const AT_ONCE: usize = 32;

/// The permits for reads, by the device of the file system.
static TURNS: LazyLock<Mutex<HashMap<u64, Arc<Semaphore>>>> = LazyLock::new(Mutex::default);

/// Runs `work`, which reads `file`; None if it reads no single file.
///
/// # Errors
/// `work` has panicked.
pub async fn run<T: Send + 'static>(
    file: Option<&File>,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let turn = turn(file).await;
    let working = tokio::task::spawn_blocking(move || {
        // Held until the disk has answered, even when no request waits for the read any longer.
        let _turn = turn;
        work()
    });
    working.await.map_err(io::Error::other)
}

async fn turn(file: Option<&File>) -> Option<OwnedSemaphorePermit> {
    let device = file.and_then(|file| rustix::fs::fstat(file).ok()).map_or(0, |stat| stat.st_dev);
    let turns = TURNS.lock().entry(device).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone();
    turns.acquire_owned().await.ok()
}

#[cfg(test)]
mod tests;
