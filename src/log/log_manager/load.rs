//! Opening all logs of a broker: logs loaded side by side, strays refused.
//!
//! Kafka: `LogManager.loadLogs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use super::recovery_turns::{RecoveryTurns, is_large};
use super::usable_dirs::{lock, no_dirs, usable_dirs};
use super::{Live, LogManager};
use crate::base::{Clock, Millis, Offset, TopicPartition};
use crate::config::broker::BrokerConfig;
use crate::config::layers::OwnConfigs;
use crate::config::topic::TopicConfig;
use crate::config::version::KafkaVersion;
use crate::log::checkpoint::{self, CLEANER_OFFSETS, HIGH_WATERMARKS, LOG_START_OFFSETS, RECOVERY_POINTS};
use crate::log::cleaner::{CleanerConfig, LogCleaner};
use crate::log::directory::{self, Purpose};
use crate::log::failure::{DirFailures, StorageError};
use crate::log::log::{Log, Shared};
use crate::log::log_start::LogStartListener;
use crate::log::recovery::{LastStop, LogSync, Opening};
use crate::log::settings::Settings;

const TARGET: &str = "kafka.log.LogManager";

/// How a broker keeps its logs.
#[derive(Clone, Debug)]
pub struct LogManagerOptions {
    /// `log.dirs`, absolute.
    pub dirs: Vec<PathBuf>,
    /// Those of `dirs` whose `meta.properties` could not be read: they stay offline.
    pub offline: Vec<PathBuf>,
    /// The config of topics that have no values of their own.
    pub defaults: TopicConfig,
    /// The values that topics have of their own.
    pub own: HashMap<Arc<str>, OwnConfigs>,
    /// `num.recovery.threads.per.data.dir`.
    pub recovery_threads: usize,
    /// `log.retention.check.interval.ms`.
    pub retention_check_ms: Millis,
    /// `log.flush.scheduler.interval.ms`.
    pub flush_check_ms: Millis,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub recovery_checkpoint_ms: Millis,
    /// `log.flush.start.offset.checkpoint.interval.ms`.
    pub start_checkpoint_ms: Millis,
    /// `transactional.id.expiration.ms`: how long a silent producer is remembered.
    pub producer_expiration_ms: Millis,
    /// Whether every broker of the cluster reads zstd (`inter.broker.protocol.version` 2.1 and up).
    pub zstd_allowed: bool,
    /// How compacted logs are cleaned.
    pub cleaner: CleanerConfig,
    /// The clock.
    pub clock: Clock,
}

impl LogManagerOptions {
    /// The settings of a broker's logs; `offline` and `topics` have other sources.
    pub fn of(config: &BrokerConfig) -> Self {
        Self {
            dirs: absolute(config.log_directories()),
            defaults: config.topic_defaults(),
            recovery_threads: usize::try_from(config.num_recovery_threads_per_data_dir).unwrap_or(1),
            retention_check_ms: config.log_retention_check_interval_ms,
            flush_check_ms: config.log_flush_scheduler_interval_ms,
            recovery_checkpoint_ms: config.log_flush_offset_checkpoint_interval_ms.into(),
            start_checkpoint_ms: config.log_flush_start_offset_checkpoint_interval_ms.into(),
            producer_expiration_ms: config.transactional_id_expiration_ms.into(),
            zstd_allowed: config.inter_broker_protocol_version.at_least(KafkaVersion::V2_1_IV0),
            cleaner: CleanerConfig::of(config),
            ..Self::default()
        }
    }
}

impl Default for LogManagerOptions {
    /// 2.7.2's defaults, without any directory.
    fn default() -> Self {
        Self {
            dirs: Vec::new(),
            offline: Vec::new(),
            defaults: TopicConfig::default(),
            own: HashMap::new(),
            recovery_threads: 1,
            retention_check_ms: 300_000,
            flush_check_ms: Millis::MAX,
            recovery_checkpoint_ms: 60_000,
            start_checkpoint_ms: 60_000,
            producer_expiration_ms: 604_800_000,
            zstd_allowed: true,
            cleaner: CleanerConfig::default(),
            clock: Clock::System,
        }
    }
}

/// Why the broker must not start. Each prints what Kafka prints.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    /// No directory can be used.
    #[error("Shutdown broker because none of the specified log dirs from {0} can be created or validated")]
    NoDirs(String),
    /// One directory is configured twice.
    #[error("Duplicate log directory found: {0}")]
    DuplicateDir(String),
    /// Another broker uses a directory.
    #[error(
        "Failed to acquire lock on file .lock in {0}. A Kafka instance in another process or thread is using this \
         directory."
    )]
    Locked(String),
    /// A directory in a data directory holds no partition.
    #[error(transparent)]
    Stray(#[from] directory::StrayDir),
    /// The process may have too few files open.
    #[error("{0}: too many open files")]
    NoDescriptors(String),
    /// A partition lies in two directories.
    #[error(
        "Duplicate log directories for {partition} are found in both {one} and {other}. It is likely because log \
         directory failure happened while broker was replacing current replica with future replica. Recover broker \
         from this failure by manually deleting one of the two directories for this partition. It is recommended to \
         delete the partition in the log directory that is known to have failed recently."
    )]
    DuplicateLog {
        /// The partition.
        partition: TopicPartition,
        /// One directory.
        one: String,
        /// The other.
        other: String,
    },
}

/// The topics of the logs that lie in these directories, as far as they can be read.
pub fn topics_in(dirs: &[PathBuf]) -> BTreeSet<Arc<str>> {
    let partitions = dirs.iter().flat_map(|dir| directory::directories(dir).unwrap_or_default());
    let named = partitions.filter_map(|path| directory::parse_dir(&path).ok());
    named.filter(|(_, purpose)| *purpose != Purpose::Deleted).map(|(it, _)| it.topic).collect()
}

impl LogManager {
    /// Opens all logs that lie in the directories, recovering what was not stopped cleanly. Blocks, maybe for long.
    ///
    /// # Errors
    /// What must stop the broker. A directory that fails is offline, and an error only if it was the last.
    pub fn open(mut options: LogManagerOptions) -> Result<Arc<Self>, OpenError> {
        // From now on each log keeps its own.
        let own = std::mem::take(&mut options.own).into_iter();
        let settings = own.map(|(topic, own)| (topic, Settings::of(&options.defaults, own)));
        let settings = settings.collect();
        let failures = DirFailures::default();
        let dirs = usable_dirs(&options, &failures)?;
        let dirs = lock(dirs, &failures)?;
        let shared = Arc::new(Shared {
            clock: options.clock.clone(),
            failures,
            disks: Default::default(),
            producer_expiration: options.producer_expiration_ms,
            zstd_allowed: options.zstd_allowed,
            log_starts: LogStartListener::default(),
            flushes: Default::default(),
        });
        let logs = Self {
            dirs: options.dirs.clone(),
            shared,
            logs: RwLock::default(),
            future: RwLock::default(),
            preferred: Mutex::default(),
            live: Mutex::new(Live { dirs, ..Live::default() }),
            defaults: options.defaults.clone().into(),
            cleaner: options.cleaner.enable.then(|| LogCleaner::new(options.cleaner.clone())),
            options,
        };
        logs.load(&settings)?;
        Ok(Arc::new(logs))
    }

    fn load(&self, settings: &HashMap<Arc<str>, Settings>) -> Result<(), OpenError> {
        let dirs = self.live_dirs();
        log::info!(target: TARGET, "Loading logs from log dirs {}", super::listed(&dirs.iter().collect::<Vec<_>>()));
        let results = in_parallel(dirs.len(), dirs.clone(), |dir| {
            self.load_dir(&dir, settings).inspect(|()| self.read_cleaner_offsets(&dir))
        });
        if let Err(error) = results.into_iter().collect::<Result<(), _>>() {
            self.leave_as_found(&dirs);
            return Err(error);
        }
        dirs.iter()
            .filter(|dir| !self.shared.failures.is_offline(dir))
            .for_each(|dir| self.take_into_use(dir));
        for dir in dirs.iter().filter(|dir| self.shared.failures.is_offline(dir)) {
            self.take_offline(dir);
        }
        if self.live_dirs().is_empty() {
            return Err(no_dirs(&self.dirs));
        }
        log::info!(target: TARGET, "Loaded {} logs.", self.logs.read().len());
        Ok(())
    }

    /// From now on a stop that is not clean is one that needs recovery.
    fn take_into_use(&self, dir: &Path) {
        let files = || -> io::Result<()> {
            directory::unmark_clean(dir)?;
            [RECOVERY_POINTS, LOG_START_OFFSETS, HIGH_WATERMARKS]
                .into_iter()
                .chain(self.cleaner.is_some().then_some(CLEANER_OFFSETS))
                .try_for_each(|name| checkpoint::create(&dir.join(name)))
        };
        if let Err(error) = files() {
            self.report_loading(dir, &error);
        }
    }

    /// Closes what was opened of directories whose mark of a clean stop has not been taken away, so that it stays true.
    fn leave_as_found(&self, dirs: &[PathBuf]) {
        for dir in dirs.iter().filter(|dir| directory::last_stop(dir) == LastStop::Clean) {
            let closed = self.in_dir(dir).iter().all(|log| log.close().is_ok());
            if !(closed && self.sync_epochs(dir))
                && let Err(error) = directory::unmark_clean(dir)
            {
                self.report_loading(dir, &error);
            }
        }
    }

    fn report_loading(&self, dir: &Path, error: &io::Error) {
        let what = format!("Error while loading log dir {}", dir.display());
        self.shared.failures.report(dir, what, error);
    }

    fn load_dir(&self, dir: &Path, settings: &HashMap<Arc<str>, Settings>) -> Result<(), OpenError> {
        let last_stop = directory::last_stop(dir);
        if last_stop == LastStop::Clean {
            log::info!(
                target: TARGET,
                "Skipping recovery for all logs in {} since clean shutdown file was found",
                dir.display()
            );
        } else {
            log::info!(
                target: TARGET,
                "Attempting recovery for all logs in {} since no clean shutdown file was found",
                dir.display()
            );
        }
        let found = match directory::directories(dir) {
            Ok(found) => found,
            Err(error) => {
                self.report_loading(dir, &error);
                return Ok(());
            }
        };
        // Errors of writing are reported to descriptors that were open before.
        let synced = match last_stop {
            LastStop::Clean => None,
            LastStop::Unclean => {
                fs::File::open(dir).inspect_err(|error| self.report_loading(dir, error)).ok()
            }
        };
        let points = recovery_points(dir);
        let starts = match self.log_starts(dir) {
            Ok(starts) => starts,
            // The failure has been reported; the directory stays as it is.
            Err(_) => return Ok(()),
        };
        let (count, done) = (found.len(), AtomicUsize::new(0));
        let recoveries = RecoveryTurns::new(self.options.recovery_threads);
        // What only has to be opened is opened on all cores; what has to be read for long takes turns.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let loaded = in_parallel(self.options.recovery_threads.max(cores), found, |path| {
            // What cannot be listed is reported where the log is opened.
            let files = directory::files(&path).ok();
            let is_long = || is_large(&path, files.as_deref().unwrap_or_default());
            let _turn = (last_stop == LastStop::Unclean && is_long()).then(|| recoveries.take());
            let log = self.load_log(path, files, last_stop, settings, &points, &starts)?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some(log) = log {
                let segments = log.segment_offsets().len();
                let dir = dir.display();
                log::info!(
                    target: TARGET,
                    "Completed load of {log} with {segments} segments ({done}/{count} loaded in {dir})"
                );
            }
            Ok(())
        });
        // One sync for all logs: one for each file takes as long as the disk takes to commit that many times.
        if let Some(Err(error)) = synced.map(rustix::fs::syncfs) {
            self.report_loading(dir, &error.into());
        }
        loaded.into_iter().collect()
    }

    /// The log starts of a directory. Nothing else records which records were deleted. So a directory whose
    /// file is damaged is given up, as Kafka does, instead of letting deleted records be read again.
    fn log_starts(&self, dir: &Path) -> Result<BTreeMap<TopicPartition, Offset>, StorageError> {
        let path = dir.join(LOG_START_OFFSETS);
        let read = checkpoint::read_offsets(&path).and_then(|read| match read.damage {
            None => Ok(read.offsets),
            Some(damage) => Err(io::Error::new(io::ErrorKind::InvalidData, damage)),
        });
        read.map_err(|error| {
            log::error!(
                target: TARGET,
                "Deleted records in {} could be read again: mend {}, or remove it to have them back",
                dir.display(),
                path.display()
            );
            let what = format!("Error while reading checkpoint file {}", path.display());
            self.shared.failures.report(dir, what, &error)
        })
    }

    /// Loads one log. None where there is nothing to serve: it is to be deleted, or the disk failed.
    fn load_log(
        &self,
        path: PathBuf,
        files: Option<Vec<String>>,
        last_stop: LastStop,
        settings: &HashMap<Arc<str>, Settings>,
        points: &BTreeMap<TopicPartition, Offset>,
        starts: &BTreeMap<TopicPartition, Offset>,
    ) -> Result<Option<Arc<Log>>, OpenError> {
        let (partition, purpose) = directory::parse_dir(&path)?;
        if purpose == Purpose::Deleted {
            self.remove_later(path);
            return Ok(None);
        }
        if !directory::is_storable(&partition.topic) {
            log::warn!(
                target: TARGET,
                "{}: its log in {} is left alone",
                super::unstorable(&partition.topic), path.display()
            );
            return Ok(None);
        }
        let settings = settings.get(&partition.topic).cloned();
        let opening = Opening {
            log_start: starts.get(&partition).copied().unwrap_or(0),
            recovery_point: points.get(&partition).copied().unwrap_or(0),
            settings: settings.unwrap_or_else(|| self.defaults.clone()),
            partition: partition.clone(),
            dir: path,
            last_stop,
        };
        let sync = match last_stop {
            LastStop::Clean => LogSync::EachFile,
            LastStop::Unclean => LogSync::WholeDirectory,
        };
        let log = match Log::open_syncing(sync, opening, files, self.shared.clone()) {
            Ok(log) => log,
            // Without this log its records would be missing, and its directory is sound.
            Err(error) if error.is_transient => return Err(OpenError::NoDescriptors(error.message)),
            // A failure has been reported by the log itself.
            Err(_) => return Ok(None),
        };
        let known = if purpose == Purpose::Future { &self.future } else { &self.logs };
        if let Some(other) = known.write().insert(partition.clone(), log.clone()) {
            let (one, other) = (log.dir().display().to_string(), other.dir().display().to_string());
            return Err(OpenError::DuplicateLog { partition, one, other });
        }
        Ok(Some(log))
    }
}

fn absolute(dirs: Vec<PathBuf>) -> Vec<PathBuf> {
    dirs.into_iter().map(|dir| std::path::absolute(&dir).unwrap_or(dir)).collect()
}

/// Up to where the logs of a directory need no recovery. Where the file is damaged none of it is believed: that costs
/// no more than a longer recovery.
fn recovery_points(dir: &Path) -> BTreeMap<TopicPartition, Offset> {
    let read = checkpoint::read_offsets(&dir.join(RECOVERY_POINTS));
    let sound = read.map_err(|error| error.to_string()).and_then(|read| match read.damage {
        None => Ok(read.offsets),
        Some(damage) => Err(damage),
    });
    sound.unwrap_or_else(|error| {
        log::warn!(
            target: TARGET,
            "Error occurred while reading {RECOVERY_POINTS} file of directory {}, resetting the recovery checkpoint to \
             0: {error}",
            dir.display()
        );
        BTreeMap::new()
    })
}

/// Does `work` for each item on up to `threads` threads, at least one. The results are in the items' order.
pub(crate) fn in_parallel<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let threads = threads.clamp(1, items.len().max(1));
    if threads == 1 {
        return items.into_iter().map(work).collect();
    }
    let (queue, results) = (Mutex::new(items.into_iter().enumerate()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some((at, item)) = queue.lock().next() else { break };
                    let result = work(item);
                    results.lock().push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner();
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
