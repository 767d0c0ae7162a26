//! The configs of logs: read from ZooKeeper for a log that is to be created, changed by notices after that.
//!
//! The handler of LeaderAndIsr reads the configs, before and without any lock of the replicas. A change whose
//! notice comes while a log is being created is kept until the log exists. Nothing is kept of topics without
//! logs here. Kafka: `Partition.createLog`, `LogManager.initializingLog` and `finishedInitializingLog`,
//! `TopicConfigHandler`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::orders::LeaderAndIsrOrder;
use super::partitions::{HostedPartition, Partitions};
use crate::base::TopicPartition;
use crate::config::TopicConfig;
use crate::config::layers::OwnConfigs;
use crate::log::settings::Settings;
use crate::log::{Log, LogManager};

/// The broker's defaults, as they are now.
type TopicDefaults = Box<dyn Fn() -> TopicConfig + Send + Sync>;

/// The defaults, and the changes while logs are being created. Its lock is a leaf.
#[doc(alias = "TopicConfigHandler")]
pub struct LogConfigs {
    logs: Arc<LogManager>,
    partitions: Arc<Partitions>,
    defaults: TopicDefaults,
    changes: Mutex<ConfigChanges>,
}

impl std::fmt::Debug for LogConfigs {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LogConfigs").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct ConfigChanges {
    /// Counts all changes.
    count: u64,
    /// The last change of the defaults.
    of_defaults: u64,
    /// Topics whose logs are being created.
    initializing: HashMap<Arc<str>, InitializingTopic>,
}

#[derive(Default)]
struct InitializingTopic {
    /// How many requests are creating logs of it.
    makers: usize,
    /// The last change since the first of them began.
    newest: Option<TopicChange>,
}

/// A topic's own configs after a change.
#[derive(Clone)]
struct TopicChange {
    /// The change's number.
    count: u64,
    own: OwnConfigs,
}

/// Topics whose logs are about to be created: until this is dropped, no change of their configs is missed.
pub struct InitializingLogs {
    configs: Arc<LogConfigs>,
    topics: BTreeSet<Arc<str>>,
    /// The number of changes before their configs were read.
    seen: u64,
}

/// The configs of the logs that a request creates, by topic.
pub type LogSettings = HashMap<Arc<str>, Settings>;

impl LogConfigs {
    pub(super) fn new(
        logs: Arc<LogManager>,
        partitions: Arc<Partitions>,
        defaults: impl Fn() -> TopicConfig + Send + Sync + 'static,
    ) -> Self {
        Self { logs, partitions, defaults: Box::new(defaults), changes: Mutex::default() }
    }

    fn settings(&self, own: OwnConfigs) -> Settings {
        Settings::of(&(self.defaults)(), own)
    }

    /// The topics of which this request creates logs; their configs are to be read after this.
    pub fn initialize(self: &Arc<Self>, order: &LeaderAndIsrOrder) -> InitializingLogs {
        let is_missing = |id: &&TopicPartition| {
            !matches!(self.partitions.hosted(id), Some(HostedPartition::Offline))
                && self.logs.get(id).is_none()
        };
        let named = order.partitions.iter().map(|order| &order.partition);
        let topics: BTreeSet<_> = named.filter(is_missing).map(|id| id.topic.clone()).collect();
        let mut changes = self.changes.lock();
        for topic in &topics {
            changes.initializing.entry(topic.clone()).or_default().makers += 1;
        }
        InitializingLogs { configs: self.clone(), topics, seen: changes.count }
    }

    /// Applies a topic's own configs to all its logs here, those that are being created included.
    pub fn topic_config_changed(&self, topic: &str, own: &OwnConfigs) {
        {
            let mut changes = self.changes.lock();
            changes.count += 1;
            let count = changes.count;
            if let Some(initializing) = changes.initializing.get_mut(topic) {
                initializing.newest = Some(TopicChange { count, own: own.clone() });
            }
        }
        self.reconfigure(&self.logs_of(topic), own);
    }

    /// Applies new defaults to all logs whose topics have no configs of their own for these keys.
    pub fn log_defaults_changed(&self) {
        {
            let mut changes = self.changes.lock();
            changes.count += 1;
            changes.of_defaults = changes.count;
        }
        self.apply_defaults(self.logs.all().into_iter().chain(self.logs.all_future()));
    }

    /// The topics that have logs here.
    pub fn topics_with_logs(&self) -> BTreeSet<Arc<str>> {
        self.logs.all().iter().map(|log| log.partition().topic.clone()).collect()
    }

    fn apply_defaults(&self, logs: impl IntoIterator<Item = Arc<Log>>) {
        for log in logs {
            let own = log.settings().own.clone();
            self.reconfigure(&[log], &own);
        }
    }

    fn logs_of(&self, topic: &str) -> Vec<Arc<Log>> {
        let all = self.logs.all().into_iter().chain(self.logs.all_future());
        all.filter(|log| &*log.partition().topic == topic).collect()
    }

    /// Sets these logs' configs to those of their topic.
    fn reconfigure(&self, logs: &[Arc<Log>], own: &OwnConfigs) {
        if logs.is_empty() {
            return;
        }
        let settings = self.settings(own.clone());
        for log in logs.iter().filter(|log| *log.settings() != settings) {
            if log.set_settings(settings.clone()) {
                adopt_format(log.clone());
            }
        }
    }
}

impl InitializingLogs {
    /// The topics.
    pub fn topics(&self) -> Vec<Arc<str>> {
        self.topics.iter().cloned().collect()
    }

    /// The configs of the logs, by what was read for each topic; a topic whose configs could not be read gets
    /// no logs.
    pub fn settings(&self, own: impl IntoIterator<Item = (Arc<str>, OwnConfigs)>) -> LogSettings {
        own.into_iter().map(|(topic, own)| (topic, self.configs.settings(own))).collect()
    }

    /// Applies the changes that came meanwhile to the logs that were created.
    pub fn finish(mut self) {
        loop {
            let (topics, of_defaults) = {
                let mut changes = self.configs.changes.lock();
                let missed = self.missed(&changes);
                self.seen = changes.count;
                if missed.0.is_empty() && !missed.1 {
                    changes.forget(&std::mem::take(&mut self.topics));
                    return;
                }
                missed
            };
            let configs = &self.configs;
            topics.iter().for_each(|(topic, own)| configs.reconfigure(&configs.logs_of(topic), own));
            if of_defaults {
                configs.apply_defaults(self.topics.iter().flat_map(|topic| configs.logs_of(topic)));
            }
        }
    }

    /// The changes since then: their topics, and whether the defaults are among them.
    fn missed(&self, changes: &ConfigChanges) -> (Vec<(Arc<str>, OwnConfigs)>, bool) {
        let newer = |topic: &Arc<str>| {
            let TopicChange { count, own } = changes.initializing.get(topic)?.newest.as_ref()?;
            (*count > self.seen).then(|| (topic.clone(), own.clone()))
        };
        (self.topics.iter().filter_map(newer).collect(), changes.of_defaults > self.seen)
    }
}

impl Drop for InitializingLogs {
    fn drop(&mut self) {
        self.configs.changes.lock().forget(&self.topics);
    }
}

impl ConfigChanges {
    /// A request has finished creating logs of these topics.
    fn forget(&mut self, topics: &BTreeSet<Arc<str>>) {
        for topic in topics {
            if let Some(initializing) = self.initializing.get_mut(topic) {
                initializing.makers -= 1;
                if initializing.makers == 0 {
                    self.initializing.remove(topic);
                }
            }
        }
    }
}

/// Applies another message format to a log's epochs, on a thread that may wait for its disk.
fn adopt_format(log: Arc<Log>) {
    let work = move || {
        if let Err(error) = log.adopt_format() {
            log::error!(target: "kafka.server.TopicConfigHandler", "Config of {}: {error}", log.partition());
        }
    };
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

#[cfg(test)]
mod tests;
