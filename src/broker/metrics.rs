//! The HTTP server of a broker's metrics.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::{BrokerServer, StartError, TARGET};
use crate::log::LogManager;
use crate::metrics::{Metric, Registry, http};

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
        let registry = Arc::new(Registry::default());
        let (replicas, controller) = (self.services.replicas.clone(), self.services.controller.clone());
        let groups = self.services.groups.clone();
        registry.add(move || replicas.metrics());
        registry.add(move || groups.metrics());
        let services = self.services.clone();
        registry.add(move || services.transactions.metrics());
        let logs = self.logs.clone();
        registry.add(move || of_log_cleaner(&logs));
        let services = self.services.clone();
        registry.add(move || services.request_metrics.metrics());
        registry.add(move || {
            let active = usize::from(controller.is_active());
            vec![
                Metric::gauge("KafkaController", "ActiveControllerCount", active)
                    .of_group("kafka.controller"),
            ]
        });
        let serving = http::serve(listener, registry, self.shutdown.clone());
        self.tasks.spawn(async move {
            if let Err(error) = serving.await {
                log::error!(target: TARGET, "Metrics are served no more: {error}");
            }
        });
    }
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
    let io = Metric::meter("Throttler", "cleaner-io", cleaner.io_bytes()).of_group("kafka.utils");
    all.chain([io]).collect()
}
