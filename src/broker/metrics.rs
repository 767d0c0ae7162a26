//! The HTTP server of a broker's metrics.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::{BrokerServer, StartError, TARGET};
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
