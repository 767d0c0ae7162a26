//! What is done for all logs every now and then: retention, flushing, checkpoints, expiry, tasks.
//!
//! Each data directory has tasks of its own, which sleep on the runtime and work on threads that may block: a
//! directory that does not answer holds up its own tasks only. Kafka: `LogManager.startup`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::LogManager;
use crate::base::Millis;

const TARGET: &str = "kafka.log.LogManager";

/// How long a new broker leaves its logs alone.
const INITIAL_DELAY: Duration = Duration::from_secs(30);
/// How often silent producers are looked for.
const PRODUCER_EXPIRY_CHECK_MS: Millis = 600_000;

/// Something done for all logs of a data directory.
type Job = fn(&LogManager, &Path);

impl LogManager {
    /// Begins what is done every now and then, until `shutdown`. To be called on a runtime; the tasks end by themselves
    /// and should be waited for before [`LogManager::close`].
    pub fn start(self: &Arc<Self>, shutdown: &CancellationToken) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let options = &self.options;
        log::info!(target: TARGET, "Starting log cleanup with a period of {} ms.", options.retention_check_ms);
        log::info!(target: TARGET, "Starting log flusher with a default period of {} ms.", options.flush_check_ms);
        let jobs: [(Millis, Job); 5] = [
            (options.retention_check_ms, Self::delete_old_segments),
            (options.flush_check_ms, Self::flush_dirty),
            (options.recovery_checkpoint_ms, Self::checkpoint_recovery_points),
            (options.start_checkpoint_ms, Self::checkpoint_log_starts),
            (PRODUCER_EXPIRY_CHECK_MS, Self::expire_producers),
        ];
        for dir in self.live_dirs() {
            for (period, job) in jobs {
                tasks.spawn(self.clone().every(period, job, dir.clone(), shutdown.clone()));
            }
            tasks.spawn(self.clone().run_tasks(dir, shutdown.clone()));
        }
        tasks.spawn(self.clone().run_cleaners(shutdown.clone()));
        tasks
    }

    async fn every(self: Arc<Self>, period: Millis, job: Job, dir: PathBuf, shutdown: CancellationToken) {
        let mut wait = INITIAL_DELAY;
        let period = Duration::from_millis(period.max(1).unsigned_abs());
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            let (logs, at) = (self.clone(), dir.clone());
            // A panic of the job has been logged; the next round tries again.
            let _ = spawn_blocking(move || job(&logs, &at)).await;
            wait = period;
        }
    }

    async fn run_tasks(self: Arc<Self>, dir: PathBuf, shutdown: CancellationToken) {
        let disk = self.shared.disks.of(&dir);
        loop {
            let (working, now) = (disk.clone(), self.shared.clock.now());
            let due = spawn_blocking(move || working.scheduler.run_due(now)).await;
            let wait = match due {
                Ok(Some(due)) => Duration::from_millis((due - self.shared.clock.now()).max(1).unsigned_abs()),
                _ => Duration::MAX,
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = disk.scheduler.added() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Lets old segments of a directory's logs go. Compacted logs are left to the cleaner, and so is one that was
    /// compacted until just now and is still being cleaned.
    fn delete_old_segments(&self, dir: &Path) {
        for log in self.in_dir(dir).into_iter().filter(|log| !log.settings().compact) {
            let Some(_pause) = log.cleaning().try_pause() else { continue };
            if let Err(error) = log.delete_old_segments() {
                log::error!(target: TARGET, "Error while deleting old segments of {}: {error}", log.partition());
            }
        }
    }

    /// Flushes the logs of a directory whose `flush.ms` is over.
    fn flush_dirty(&self, dir: &Path) {
        let now = self.shared.clock.now();
        for log in self.in_dir(dir) {
            if now.saturating_sub(log.last_flush()) >= log.settings().flush_ms
                && let Err(error) = log.flush()
            {
                log::error!(target: TARGET, "Error flushing topic {}: {error}", log.partition().topic);
            }
        }
    }

    /// Writes the recovery points of a directory's logs, and deletes the producer snapshots that are not needed for
    /// a recovery from them.
    fn checkpoint_recovery_points(&self, dir: &Path) {
        if !self.live.lock().has(dir) {
            return;
        }
        self.write_recovery_points(dir);
        if self.cleaner.is_some() {
            // Truncations take back what was clean.
            self.write_cleaner_offsets(dir);
        }
        self.delete_old_snapshots(dir);
    }

    /// Deletes the producer snapshots that a recovery from the recovery points just written would not read.
    pub(super) fn delete_old_snapshots(&self, dir: &Path) {
        for log in self.in_dir(dir) {
            if let Err(error) = log.delete_old_snapshots() {
                log::error!(target: TARGET, "Error while deleting snapshots of {}: {error}", log.partition());
            }
        }
    }

    /// Writes down where each log of a directory starts.
    fn checkpoint_log_starts(&self, dir: &Path) {
        if self.live.lock().has(dir) {
            self.write_log_start_offsets(dir);
        }
    }

    fn expire_producers(&self, dir: &Path) {
        for log in self.in_dir(dir) {
            log.remove_expired_producers();
        }
    }
}
