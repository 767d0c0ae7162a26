//! The log cleaner: compacted logs keep the latest record of each key, and the log's other records go.
//!
//! - *Entry points:* [`LogCleaner`], all cleaners of a broker; [`log_cleaner_manager`], which log is cleaned
//!   next; [`cleaner`], how.
//! - *Never:* touches the active segment, what is not decided, or what not every in-sync replica has; works on a thread
//!   that polls sockets; uses more memory than `log.cleaner.dedupe.buffer.size` and `log.cleaner.io.buffer.size`, a
//!   batch that is larger excepted.
//! - *Decisions:* which part of which log ([`cleanable`]), which records ([`retention`], [`transactions`]), by the
//!   latest offsets of keys ([`offset_map`]), what is left of a batch ([`filter`]), how fast ([`throttler`]).
//! - *In Kafka:* `LogCleaner`, `LogCleanerManager`, `Cleaner`.

mod chunks;
pub mod cleanable;
#[allow(clippy::module_inception)]
pub mod cleaner;
pub mod error;
pub mod filter;
pub mod log_cleaner_manager;
pub mod metrics;
pub mod offset_map;
mod output;
pub mod retention;
pub mod state;
pub mod stats;
pub mod throttler;
pub mod transactions;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::log_manager::LogManager;
use crate::config::broker::BrokerConfig;
use crate::metrics::Meter;
use cleaner::{Cleaner, CleanerBuffers, SharedThrottler};
use metrics::CleanerMetrics;
use offset_map::OffsetMap;

const TARGET: &str = "kafka.log.LogCleaner";
/// How much memory one cleaner uses for the offsets of keys at most, in bytes: as much as an array of Java's has.
const MOST_DEDUPE_BYTES: usize = i32::MAX as usize;

/// The settings of a broker's cleaners.
#[derive(Clone, Debug, PartialEq)]
pub struct CleanerConfig {
    /// `log.cleaner.enable`; not looked at again once the broker runs.
    pub enable: bool,
    /// `log.cleaner.threads`.
    pub threads: usize,
    /// The memory of all cleaners together: `log.cleaner.dedupe.buffer.size`, `log.cleaner.io.buffer.load.factor`,
    /// `log.cleaner.io.buffer.size`.
    pub buffers: CleanerBuffers,
    /// `log.cleaner.io.max.bytes.per.second`.
    pub io_max_bytes_per_second: f64,
    /// `log.cleaner.backoff.ms`.
    pub backoff: Duration,
}

impl CleanerConfig {
    /// That of a broker.
    pub fn of(config: &BrokerConfig) -> Self {
        Self {
            enable: config.log_cleaner_enable,
            threads: usize::try_from(config.log_cleaner_threads).unwrap_or(0),
            buffers: CleanerBuffers {
                dedupe_bytes: usize::try_from(config.log_cleaner_dedupe_buffer_size).unwrap_or(0),
                load_factor: config.log_cleaner_io_buffer_load_factor,
                io_bytes: usize::try_from(config.log_cleaner_io_buffer_size).unwrap_or(0),
            },
            io_max_bytes_per_second: config.log_cleaner_io_max_bytes_per_second,
            backoff: Duration::from_millis(config.log_cleaner_backoff_ms.max(0).unsigned_abs()),
        }
    }

    /// What one of the cleaners may use. As in Kafka it writes through a second buffer of the size of the first.
    fn buffers_of_each(&self) -> CleanerBuffers {
        let CleanerBuffers { dedupe_bytes, load_factor, io_bytes } = self.buffers;
        let threads = self.threads.max(1);
        CleanerBuffers {
            dedupe_bytes: (dedupe_bytes / threads).min(MOST_DEDUPE_BYTES),
            load_factor,
            io_bytes: io_bytes / threads / 2,
        }
    }
}

impl Default for CleanerConfig {
    /// 2.7.2's defaults.
    fn default() -> Self {
        Self::of(&BrokerConfig::default())
    }
}

/// The cleaners of a broker.
#[derive(Debug)]
pub struct LogCleaner {
    config: watch::Sender<CleanerConfig>,
    throttler: Arc<SharedThrottler>,
    metrics: CleanerMetrics,
}

impl LogCleaner {
    /// Cleaners that do not run yet.
    pub fn new(config: CleanerConfig) -> Self {
        let throttler = Arc::new(SharedThrottler::new(config.io_max_bytes_per_second));
        Self { config: watch::Sender::new(config), throttler, metrics: CleanerMetrics::default() }
    }

    /// What they have done.
    pub fn metrics(&self) -> &CleanerMetrics {
        &self.metrics
    }

    /// Counts the bytes that the cleaners read and write.
    pub fn io(&self) -> &Meter {
        self.throttler.io()
    }

    /// Ends the cleaners and begins new ones with this config; what they were at is cleaned anew.
    pub fn reconfigure(&self, config: CleanerConfig) {
        self.throttler.set_rate(config.io_max_bytes_per_second);
        self.config.send_if_modified(|current| {
            let changed = *current != config;
            *current = config;
            changed
        });
    }

    /// One cleaner, for one thread.
    pub fn cleaner(&self, id: usize, stop: CancellationToken) -> Cleaner {
        let buffers = self.config.borrow().buffers_of_each();
        Cleaner::new(id, buffers, self.throttler.clone(), stop)
    }
}

impl LogManager {
    /// Cleans logs until `shutdown`: as many at once as there are cleaners.
    pub(super) async fn run_cleaners(self: Arc<Self>, shutdown: CancellationToken) {
        let Some(cleaners) = self.cleaner() else { return };
        let mut configs = cleaners.config.subscribe();
        while !shutdown.is_cancelled() {
            let config = configs.borrow_and_update().clone();
            let stop = shutdown.child_token();
            let mut running = JoinSet::new();
            cleaners.metrics.begin(config.threads);
            if OffsetMap::most_keys(config.buffers_of_each().dedupe_bytes, config.buffers.load_factor) < 1 {
                log::error!(
                    target: TARGET,
                    "offset map is too small to fit in even a single message, so log cleaning will never make progress. \
                     You can increase log.cleaner.dedupe.buffer.size or decrease log.cleaner.threads"
                );
            } else {
                if config.buffers.dedupe_bytes / config.threads.max(1) > MOST_DEDUPE_BYTES {
                    log::warn!(
                        target: TARGET,
                        "Cannot use more than 2G of cleaner buffer space per cleaner thread, ignoring excess buffer \
                         space..."
                    );
                }
                log::info!(target: TARGET, "Starting the log cleaner");
                for id in 0..config.threads {
                    running.spawn(self.clone().run_cleaner(id, config.backoff, stop.clone()));
                }
            }
            tokio::select! {
                changed = configs.changed() => if changed.is_err() { return },
                () = shutdown.cancelled() => {}
            }
            log::info!(target: TARGET, "Shutting down the log cleaner.");
            stop.cancel();
            while running.join_next().await.is_some() {}
        }
    }

    async fn run_cleaner(self: Arc<Self>, id: usize, backoff: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let (logs, stopping) = (self.clone(), stop.clone());
            let round = spawn_blocking(move || {
                let Some(cleaners) = logs.cleaner() else { return false };
                let cleaner = cleaners.cleaner(id, stopping);
                logs.clean_filthiest_log(cleaners, &cleaner)
            });
            match round.await {
                Ok(true) => {}
                Ok(false) => {
                    stop.run_until_cancelled(tokio::time::sleep(backoff)).await;
                }
                Err(error) => {
                    log::error!(target: TARGET, "Log cleaner thread {id} has ended: {error}");
                    if let Some(cleaners) = self.cleaner() {
                        cleaners.metrics.died(id);
                    }
                    return;
                }
            }
        }
    }
}
