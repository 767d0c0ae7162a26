//! The HTTP server of a broker's metrics.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::idle_workers::IdleWorkers;
use super::{BrokerServer, StartError, TARGET, quotas};
use crate::base::{BrokerId, Millis};
use crate::log::LogManager;
use crate::metrics::{Metric, Registry, http, process};

/// Kafka's number of the state of a broker that serves requests.
const RUNNING: usize = 3;

/// The environment variable that names the address, as `host:port`, as `JMX_PORT` names a JVM's port; without it no
/// metrics are served.
const LISTENER: &str = "METRICS_LISTENER";

/// Binds the address that [`LISTENER`] names.
///
/// # Errors
/// [`StartError::Metrics`]: it cannot be bound.
pub(super) async fn bind() -> Result<Option<TcpListener>, StartError> {
    let Ok(address) = std::env::var(LISTENER) else { return Ok(None) };
    match TcpListener::bind(&address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) => Err(StartError::Metrics { address, error }),
    }
}

impl BrokerServer {
    /// Serves the metrics there, until the stop.
    pub(super) fn serve_metrics(&self, listener: TcpListener) {
        let registry = Arc::new(self.registry());
        let serving = http::serve(listener, registry, self.shutdown.clone());
        self.tasks.spawn(async move {
            if let Err(error) = serving.await {
                log::error!(target: TARGET, "Metrics are served no more: {error}");
            }
        });
    }

    /// All sources of metrics.
    fn registry(&self) -> Registry {
        let registry = Registry::default();
        let services = self.services.clone();
        registry.add(move || {
            let mut metrics = services.replicas.metrics();
            metrics.extend(services.groups.metrics());
            metrics.extend(services.transactions.metrics());
            metrics.extend(services.request_metrics.metrics());
            metrics.extend(services.controller.metrics());
            metrics.extend(services.zk.metrics());
            metrics
        });
        let services = self.services.clone();
        registry.add(move || quotas::metrics(&services.quotas, services.clock.now()));
        let limits = self.sockets.limits().clone();
        registry.add(move || limits.metrics());
        let logs = self.logs.clone();
        registry.add(move || {
            let mut metrics = logs.metrics();
            metrics.extend(of_log_cleaner(&logs));
            metrics
        });
        registry.add(process::metrics);
        let idle = IdleWorkers::of(&Handle::current());
        registry.add(move || idle.metrics());
        let (id, began) = (self.services.broker_id, self.services.clock.now());
        registry.add(move || of_server(id, began));
        let services = self.services.clone();
        registry.add_of_partitions(move || services.replicas.metrics_by_partition());
        let logs = self.logs.clone();
        registry.add_of_partitions(move || logs.metrics_by_partition());
        registry
    }
}

/// The broker's state and start.
fn of_server(broker_id: BrokerId, began: Millis) -> Vec<Metric> {
    vec![
        Metric::gauge("KafkaServer", "BrokerState", RUNNING),
        Metric::attribute("app-info", "start-time-ms", began as f64),
        Metric::attribute("app-info", "StartTimeMs", began as f64).tagged("id", broker_id),
    ]
}

/// The metrics of the log cleaner; none where it is turned off.
fn of_log_cleaner(logs: &LogManager) -> Vec<Metric> {
    let Some(cleaner) = logs.cleaner() else { return Vec::new() };
    let gauges = cleaner.metrics().gauges(logs.shared().clock.now());
    let cleaning = [
        ("DeadThreadCount", gauges.dead_thread_count),
        ("cleaner-recopy-percent", gauges.cleaner_recopy_percent),
        ("max-buffer-utilization-percent", gauges.max_buffer_utilization_percent),
        ("max-clean-time-secs", gauges.max_clean_time_secs),
        ("max-compaction-delay-secs", gauges.max_compaction_delay_secs),
    ];
    let managing = [
        ("max-dirty-percent", gauges.max_dirty_percent),
        ("time-since-last-run-ms", gauges.time_since_last_run_ms),
    ];
    let cleaning = cleaning.map(|(name, value)| Metric::gauge("LogCleaner", name, value));
    let managing = managing.map(|(name, value)| Metric::gauge("LogCleanerManager", name, value));
    let uncleanable = logs.dirs().iter().flat_map(|dir| {
        let found = logs.uncleanable(dir);
        let gauges = [
            Metric::gauge("LogCleanerManager", "uncleanable-partitions-count", found.partitions),
            Metric::gauge("LogCleanerManager", "uncleanable-bytes", found.bytes),
        ];
        gauges.map(|gauge| gauge.tagged("logDirectory", dir.display()))
    });
    let all =
        cleaning.into_iter().chain(managing).chain(uncleanable).map(|gauge| gauge.of_group("kafka.log"));
    let io = Metric::meter("Throttler", "cleaner-io", cleaner.io()).of_group("kafka.utils");
    all.chain([io]).collect()
}
