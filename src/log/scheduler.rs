//! What logs put off: flushing a rolled segment, unlinking what was renamed away.
//!
//! A queue by due time, worked through on a thread that may block: see [`super::log_manager::LogManager::start`].
//! Kafka: the `flush-log`, `delete-file` and `kafka-delete-logs` jobs of its scheduler.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Weak;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::directory::remove_if_there;
use super::log::Log;
use crate::base::{Millis, Offset};

const TARGET: &str = "kafka.log.LogManager";

/// Something to be done later.
#[derive(Debug)]
pub enum ScheduledTask {
    /// Bring a log to the disk up to an offset, if it still exists.
    Flush(Weak<Log>, Offset),
    /// Unlink files.
    Unlink(Vec<PathBuf>),
    /// Remove a partition's directory with all that is in it.
    RemoveDir(PathBuf),
}

/// The tasks of all logs of a broker.
#[derive(Debug, Default)]
#[doc(alias = "KafkaScheduler")]
pub struct Scheduler {
    /// By due time, then by arrival.
    queue: Mutex<BTreeMap<(Millis, u64), ScheduledTask>>,
    wake: Notify,
}

impl Scheduler {
    /// Puts a task off until `due`.
    pub fn schedule(&self, due: Millis, task: ScheduledTask) {
        let mut queue = self.queue.lock();
        let mut key = (due, 0);
        if let Some((&(_, last), _)) = queue.range((due, 0)..=(due, u64::MAX)).next_back() {
            key.1 = last + 1;
        }
        queue.insert(key, task);
        drop(queue);
        self.wake.notify_one();
    }

    /// Does what is due at `now`, in order. Returns when the next task is due. Blocks on the disk.
    pub fn run_due(&self, now: Millis) -> Option<Millis> {
        loop {
            let mut queue = self.queue.lock();
            let next = queue.first_entry()?;
            if next.key().0 > now {
                return Some(next.key().0);
            }
            let task = next.remove();
            drop(queue);
            task.run();
        }
    }

    /// Waits until a task was put off.
    pub async fn added(&self) {
        self.wake.notified().await;
    }
}

impl ScheduledTask {
    fn run(self) {
        match self {
            // A failed flush takes the directory offline by itself.
            Self::Flush(log, offset) => {
                let _ = log.upgrade().map(|log| log.flush_to(offset));
            }
            Self::Unlink(paths) => {
                for path in paths {
                    match remove_if_there(&path) {
                        Ok(true) => log::info!(target: TARGET, "Deleted {}.", path.display()),
                        Ok(false) => {}
                        Err(error) => {
                            log::error!(target: TARGET, "Delete of {} failed: {error}", path.display())
                        }
                    }
                }
            }
            Self::RemoveDir(dir) => match std::fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    log::error!(target: TARGET, "Exception while deleting {}: {error}", dir.display());
                }
                _ => log::info!(target: TARGET, "Deleted log in {}.", dir.display()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
