//! The parts of a broker that apply new settings while it runs, one for each of Kafka's.
//!
//! A key that a running broker accepts is read by one of these parts, as a test shows.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::config::layers::LayeredSettings;
use crate::config::{
    BrokerConfig, BrokerReconfigurable, ConfigError, SettingsChange, listener, throttles, topic,
};
use crate::controller::Controller;
use crate::log::LogManager;
use crate::log::cleaner::CleanerConfig;
use crate::net::limits::SocketLimits;
use crate::replica::ReplicaManager;

/// The keys of thread pools.
const POOLS: [&str; 5] = [
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
];

fn is_connection_limit(key: &str) -> bool {
    match listener::own_key(key) {
        Some(key) => listener::LIMITS.contains(&key),
        None => listener::LIMITS.contains(&key) || key.starts_with("max.connections.per.ip"),
    }
}

fn is_log_default(key: &str) -> bool {
    topic::ROWS.iter().any(|row| row.broker_key == Some(key))
}

/// The keys of the log cleaner.
const CLEANER: [&str; 6] = [
    "log.cleaner.backoff.ms",
    "log.cleaner.dedupe.buffer.size",
    "log.cleaner.io.buffer.load.factor",
    "log.cleaner.io.buffer.size",
    "log.cleaner.io.max.bytes.per.second",
    "log.cleaner.threads",
];

const METRIC_REPORTERS: &str = "metric.reporters";

fn is_of_replication(key: &str) -> bool {
    key == "num.replica.fetchers" || throttles::ROWS.iter().any(|row| row.key == key)
}

/// How many connections may be open, and how fast new ones may come.
#[doc(alias = "ConnectionQuotas")]
#[derive(Debug)]
pub struct DynamicConnectionLimits(pub Arc<SocketLimits>);

impl BrokerReconfigurable for DynamicConnectionLimits {
    fn takes(&self, key: &str) -> bool {
        // A new listener has limits of its own.
        is_connection_limit(key) || key == "listeners"
    }

    fn apply<'a>(&'a self, change: &'a SettingsChange) -> BoxFuture<'a, ()> {
        if let Err(error) = self.0.reconfigure(&change.now.broker, &change.now.pairs) {
            log::error!(target: super::BROKERS, "The limits of connections stay as they are: {error}");
        }
        std::future::ready(()).boxed()
    }

    fn validate(&self, change: &SettingsChange) -> Result<(), ConfigError> {
        SocketLimits::validate_reconfiguration(change)
    }
}

/// The default configs of logs.
#[derive(Debug)]
pub struct DynamicLogConfig {
    /// The logs.
    pub replicas: Arc<ReplicaManager>,
    /// Elects leaders once unclean election is enabled.
    pub controller: Controller,
}

impl BrokerReconfigurable for DynamicLogConfig {
    fn takes(&self, key: &str) -> bool {
        is_log_default(key)
    }

    fn apply<'a>(&'a self, change: &'a SettingsChange) -> BoxFuture<'a, ()> {
        let (before, now) = (&change.before.broker, &change.now.broker);
        async move {
            if now.topic_defaults() != before.topic_defaults() {
                self.replicas.log_configs().log_defaults_changed();
            }
            if now.unclean_leader_election_enable && !before.unclean_leader_election_enable {
                self.controller.unclean_enabled(None).await;
            }
        }
        .boxed()
    }
}

/// The sizes of thread pools: each may at most be doubled or halved at once. Of these, only the fetchers
/// exist here.
#[derive(Debug)]
pub struct DynamicThreadPool;

impl DynamicThreadPool {
    /// The sizes of the [`POOLS`].
    fn sizes(config: &BrokerConfig) -> [i32; 5] {
        [
            config.background_threads,
            config.num_io_threads,
            config.num_network_threads,
            config.num_recovery_threads_per_data_dir,
            config.num_replica_fetchers,
        ]
    }
}

impl BrokerReconfigurable for DynamicThreadPool {
    fn takes(&self, key: &str) -> bool {
        POOLS.contains(&key)
    }

    fn validate(&self, change: &SettingsChange) -> Result<(), ConfigError> {
        let (before, now) = (Self::sizes(&change.before.broker), Self::sizes(&change.now.broker));
        for (pool, (before, now)) in POOLS.into_iter().zip(before.into_iter().zip(now)) {
            let reason = match now {
                _ if now == before => continue,
                ..=0 => "value should be at least 1".to_owned(),
                _ if now < before / 2 => format!("value should be at least half the current value {before}"),
                _ if now > before.saturating_mul(2) => {
                    format!("value should not be greater than double the current value {before}")
                }
                _ => continue,
            };
            let sentence =
                format!("Dynamic thread count update validation failed for {pool}={now}, {reason}");
            return Err(ConfigError::Combination(sentence));
        }
        Ok(())
    }

    fn apply<'a>(&'a self, _: &'a SettingsChange) -> BoxFuture<'a, ()> {
        std::future::ready(()).boxed()
    }
}

/// What cleans compacted logs. Its threads may at most be doubled or halved at once.
#[derive(Debug)]
pub struct DynamicLogCleaner(pub Arc<LogManager>);

impl BrokerReconfigurable for DynamicLogCleaner {
    fn takes(&self, key: &str) -> bool {
        CLEANER.contains(&key)
    }

    fn validate(&self, change: &SettingsChange) -> Result<(), ConfigError> {
        if self.0.cleaner().is_none() {
            return Ok(());
        }
        let threads = |settings: &LayeredSettings| settings.broker.log_cleaner_threads;
        let (before, now) = (threads(&change.before), threads(&change.now));
        let sentence = match now {
            ..=0 => "Log cleaner threads should be at least 1".to_owned(),
            _ if now < before / 2 => {
                format!("Log cleaner threads cannot be reduced to less than half the current value {before}")
            }
            _ if now > before.saturating_mul(2) => format!(
                "Log cleaner threads cannot be increased to more than double the current value {before}"
            ),
            _ => return Ok(()),
        };
        Err(ConfigError::Combination(sentence))
    }

    fn apply<'a>(&'a self, change: &'a SettingsChange) -> BoxFuture<'a, ()> {
        if let Some(cleaner) = self.0.cleaner() {
            cleaner.reconfigure(CleanerConfig::of(&change.now.broker));
        }
        std::future::ready(()).boxed()
    }
}

/// The rates of throttled replication (KIP-73), and how many fetchers share a leader's partitions.
#[derive(Debug)]
pub struct DynamicReplication(pub Arc<ReplicaManager>);

impl BrokerReconfigurable for DynamicReplication {
    fn takes(&self, key: &str) -> bool {
        is_of_replication(key)
    }

    fn apply<'a>(&'a self, change: &'a SettingsChange) -> BoxFuture<'a, ()> {
        let (replicas, now) = (self.0.clone(), change.now.clone());
        async move {
            // A change of fetchers waits for role changes in progress, which wait for disks.
            let applying = tokio::task::spawn_blocking(move || replicas.apply_settings(&now));
            if let Err(error) = applying.await {
                log::error!(target: super::BROKERS, "Applying the settings of replication: {error}");
            }
        }
        .boxed()
    }
}

/// Reporters of metrics, which are Java classes: none can be added. That of JMX stands for the metrics that the broker
/// serves anyway.
#[derive(Debug)]
pub struct DynamicMetricsReporters;

impl BrokerReconfigurable for DynamicMetricsReporters {
    fn takes(&self, key: &str) -> bool {
        key == METRIC_REPORTERS
    }

    fn validate(&self, change: &SettingsChange) -> Result<(), ConfigError> {
        if Self::not_loaded(&change.now).next().is_none() {
            return Ok(());
        }
        let changed: Vec<_> = change.keys().into_iter().collect();
        Err(ConfigError::Combination(format!(
            "Validation of dynamic config update of Set({}) failed with class class kafka.server.DynamicMetricsReporters",
            changed.join(", ")
        )))
    }

    /// What the properties file names does not keep the broker from starting.
    fn apply<'a>(&'a self, change: &'a SettingsChange) -> BoxFuture<'a, ()> {
        let classes: Vec<_> = Self::not_loaded(&change.now).collect();
        if !classes.is_empty() {
            log::warn!(target: super::BROKERS, "Java classes cannot be loaded: {METRIC_REPORTERS} reports nothing to {}", classes.join(", "));
        }
        std::future::ready(()).boxed()
    }
}

impl DynamicMetricsReporters {
    fn not_loaded(settings: &LayeredSettings) -> impl Iterator<Item = &str> {
        let classes = settings.broker.metric_reporters.iter().map(String::as_str);
        classes.filter(|class| *class != "org.apache.kafka.common.metrics.JmxReporter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::dynamic_config::listeners::LISTENERS;
    use crate::config::broker;
    use crate::config::layers::{Layer, Layers};
    use crate::config::rows::{Support, UpdateMode};

    #[test]
    fn what_a_running_broker_takes_is_applied_by_a_part() {
        let rows = broker::ROWS.iter().chain(throttles::ROWS);
        let taken =
            rows.filter(|row| row.update_mode != UpdateMode::ReadOnly && row.support == Support::Supported);
        let unapplied = taken.map(|row| row.key).filter(|key| {
            !(is_connection_limit(key)
                || is_log_default(key)
                || is_of_replication(key)
                || CLEANER.contains(key)
                || LISTENERS.contains(key)
                || *key == METRIC_REPORTERS
                || POOLS.contains(key))
        });
        assert_eq!(unapplied.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_pool_may_be_doubled_or_halved_but_no_more() {
        let file = [("zookeeper.connect", "localhost"), ("num.io.threads", "8")];
        let layers = Layers::new(file.into_iter().collect());
        let before = Arc::new(layers.settings().unwrap());
        let resized = |threads: &str| {
            let own = [("num.io.threads".to_owned(), threads.to_owned())];
            let now = Arc::new(layers.check(Layer::Broker, &own.into()).unwrap());
            DynamicThreadPool.validate(&SettingsChange { before: before.clone(), now })
        };
        assert_eq!((resized("16"), resized("4")), (Ok(()), Ok(())));
        let refused = |threads| resized(threads).unwrap_err().to_string();
        assert!(refused("17").contains("should not be greater than double the current value 8"));
        assert!(refused("3").contains("should be at least half the current value 8"));
    }
}
