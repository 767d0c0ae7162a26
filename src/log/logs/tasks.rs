//! What is done for all logs every now and then: retention, flushing, checkpoints, expiry, chores.
//!
//! Each task sleeps on the runtime and works on a thread that may block. Kafka: `LogManager.startup`.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::Logs;
use crate::base::Millis;

const TARGET: &str = "kafka.log.LogManager";

/// How long a new broker leaves its logs alone.
const INITIAL_DELAY: Duration = Duration::from_secs(30);
/// How often silent producers are looked for.
const PRODUCER_EXPIRY_CHECK_MS: Millis = 600_000;

/// Something done for all logs.
type Job = fn(&Logs);

impl Logs {
    /// Begins what is done every now and then, until `shutdown`. To be called on a runtime; the tasks end by themselves
    /// and should be waited for before [`Logs::close`].
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
        for (period, job) in jobs {
            tasks.spawn(self.clone().every(period, job, shutdown.clone()));
        }
        tasks.spawn(self.clone().do_chores(shutdown.clone()));
        tasks
    }

    async fn every(self: Arc<Self>, period: Millis, job: Job, shutdown: CancellationToken) {
        let mut wait = INITIAL_DELAY;
        let period = Duration::from_millis(period.max(1).unsigned_abs());
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            let logs = self.clone();
            // A job that panics has said so; the next round tries again.
            let _ = spawn_blocking(move || job(&logs)).await;
            wait = period;
        }
    }

    async fn do_chores(self: Arc<Self>, shutdown: CancellationToken) {
        loop {
            let logs = self.clone();
            let due = spawn_blocking(move || logs.shared.chores.run_due(logs.shared.clock.now())).await;
            let wait = match due {
                Ok(Some(due)) => Duration::from_millis((due - self.shared.clock.now()).max(1).unsigned_abs()),
                _ => Duration::MAX,
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.shared.chores.added() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Lets old segments go. Compacted logs are left to the cleaner.
    pub fn delete_old_segments(&self) {
        for log in self.all().into_iter().filter(|log| !log.settings().compact) {
            if let Err(error) = log.delete_old_segments() {
                log::error!(target: TARGET, "Error while deleting old segments of {}: {error}", log.partition());
            }
        }
    }

    /// Flushes the logs whose `flush.ms` is over.
    pub fn flush_dirty(&self) {
        let now = self.shared.clock.now();
        for log in self.all() {
            if now.saturating_sub(log.last_flush()) >= log.settings().flush_ms
                && let Err(error) = log.flush()
            {
                log::error!(target: TARGET, "Error flushing topic {}: {error}", log.partition().topic);
            }
        }
    }

    /// Writes down up to where each log is on the disk, and deletes the producer snapshots nobody would read again.
    pub fn checkpoint_recovery_points(&self) {
        for dir in self.live_dirs() {
            self.write_recovery_points(&dir);
            for log in self.in_dir(&dir) {
                if let Err(error) = log.delete_old_snapshots() {
                    log::error!(target: TARGET, "Error while deleting snapshots of {}: {error}", log.partition());
                }
            }
        }
    }

    /// Writes down where each log starts.
    pub fn checkpoint_log_starts(&self) {
        for dir in self.live_dirs() {
            self.write_log_start_offsets(&dir);
        }
    }

    fn expire_producers(&self) {
        for log in self.all() {
            log.remove_expired_producers();
        }
    }
}
