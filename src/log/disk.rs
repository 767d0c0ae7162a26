//! What a broker does with one data directory at a time: the appends under way, what may block, the tasks put off.
//!
//! A directory that does not answer must hold up its own partitions and no others. Appends end in the page cache, in
//! a few microseconds, and are done at once on the thread that serves the request: handing them to another thread would
//! cost more than they do. That thread polls no sockets while its append waits for a frozen disk. So no more than
//! [`APPENDS_AT_ONCE`] appends of a directory are under way (the others wait for their turn without a thread). The
//! runtime has that many threads more than it needs ([`threads`]), and no other work is left behind on a stuck thread:
//!
//! - Tasks in its queue are stolen by other threads. The task that it would run next cannot be stolen; it is moved to
//!   the queue before an append begins, where there may be such a task ([`poll`]).
//! - The sockets are polled by the thread that was idle last, maybe the stuck one: [`Disks::watch`] wakes another.
//!
//! Kafka has `num.io.threads` threads for all requests, which one frozen disk may use up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

use super::scheduler::Scheduler;
use crate::base::{Millis, Offset, TopicPartition, poll};

/// How many appends of a directory are under way at once.
const APPENDS_AT_ONCE: usize = 2;
/// How many other jobs of a directory occupy a thread at once.
const JOBS_AT_ONCE: usize = 8;
/// How often appends under way are looked at.
const WATCH: Duration = Duration::from_millis(10);
/// After how many looks without any append they are looked at no longer, until there is one.
const QUIET_LOOKS: u32 = 100;

/// How many threads a runtime needs that serves requests to so many data directories on so many cores.
pub fn threads(cores: usize, directories: usize) -> usize {
    cores + directories * APPENDS_AT_ONCE
}

/// How long an append is expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendTakes {
    /// Microseconds, unless the disk is stuck: it is done on the thread that serves the request.
    Microseconds,
    /// Longer: it is done on a thread that may block.
    Long,
}

/// A data directory at work.
#[derive(Debug)]
pub struct Disk {
    /// What is put off.
    pub scheduler: Scheduler,
    /// What its checkpoints hold, by their names, as far as they were written; held while one is: two writers would
    /// share one temporary file.
    pub checkpoints: Mutex<BTreeMap<&'static str, BTreeMap<TopicPartition, Offset>>>,
    appends: Semaphore,
    jobs: Semaphore,
    watch: Arc<Watch>,
}

/// The data directories of a broker.
#[derive(Debug, Default)]
pub struct Disks {
    known: RwLock<BTreeMap<PathBuf, Arc<Disk>>>,
    watch: Arc<Watch>,
}

/// Whether the watch looks at the appends in progress.
#[derive(Debug, Default)]
struct Watch {
    asleep: AtomicBool,
    wake: Notify,
}

impl Disk {
    fn new(watch: Arc<Watch>) -> Self {
        let (appends, jobs) = (Semaphore::new(APPENDS_AT_ONCE), Semaphore::new(JOBS_AT_ONCE));
        Self { scheduler: Scheduler::default(), checkpoints: Mutex::default(), appends, jobs, watch }
    }

    /// Appends to a log of this directory once it is its turn. For tasks of a runtime only.
    pub async fn append<T: Send + 'static>(
        &self,
        takes: AppendTakes,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let _turn = turn(&self.appends).await;
        if takes == AppendTakes::Long {
            return blocking(work).await;
        }
        self.watch.begun();
        if poll::may_have_woken_others()
            && let Ok(runtime) = Handle::try_current()
        {
            // Takes the place of the task that this thread would run next, which goes where others can steal it.
            runtime.spawn(async {});
        }
        let done = work();
        // The callers that waited for the records.
        poll::note_woken_others();
        done
    }

    /// Does what may wait for the disk on a thread that may block. For tasks of a runtime only.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _turn = turn(&self.jobs).await;
        blocking(work).await
    }

    fn is_appending(&self) -> bool {
        self.appends.available_permits() < APPENDS_AT_ONCE
    }
}

impl Disks {
    /// That of a data directory.
    pub fn of(&self, dir: &Path) -> Arc<Disk> {
        if let Some(disk) = self.known.read().get(dir) {
            return disk.clone();
        }
        let made = || Arc::new(Disk::new(self.watch.clone()));
        self.known.write().entry(dir.to_owned()).or_insert_with(made).clone()
    }

    /// Does all tasks that are due at `now`, of one directory after the other. Blocks on the disk.
    pub fn run_due(&self, now: Millis) {
        for disk in self.all() {
            disk.scheduler.run_due(now);
        }
    }

    fn all(&self) -> Vec<Arc<Disk>> {
        self.known.read().values().cloned().collect()
    }

    /// Watches the appends in progress. While there are any, it has another thread of `runtime`, on which
    /// they run, poll its sockets and steal its tasks. To be run on another runtime; never ends.
    pub async fn watch(&self, runtime: Handle) {
        let mut quiet = 0;
        loop {
            tokio::time::sleep(WATCH).await;
            if self.is_appending() {
                quiet = 0;
                // A thread that is woken for a task looks for more of them, and for sockets, before it sleeps again.
                runtime.spawn(async {});
                continue;
            }
            quiet += 1;
            if quiet >= QUIET_LOOKS {
                self.sleep().await;
                quiet = 0;
            }
        }
    }

    fn is_appending(&self) -> bool {
        self.known.read().values().any(|disk| disk.is_appending())
    }

    async fn sleep(&self) {
        self.watch.asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        // One that began before it could know.
        if !self.is_appending() {
            self.watch.wake.notified().await;
        }
        self.watch.asleep.store(false, Ordering::SeqCst);
    }
}

impl Watch {
    /// An append has begun.
    fn begun(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }
}

async fn turn(semaphore: &Semaphore) -> Option<SemaphorePermit<'_>> {
    // It is never closed, so there is always a turn.
    semaphore.acquire().await.ok()
}

/// Does what may block on a thread for that.
///
/// # Panics
/// Where the work does.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = spawn_blocking(work).await;
    poll::note_woken_others();
    match done {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels; it polls no task any more.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests;
