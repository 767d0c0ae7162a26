//! The quotas of clients at the start, those of the settings and those below `/config/clients` and `/config/users`,
//! with the credentials that lie beside them; and what is measured of the quotas.
//!
//! Kafka: `QuotaFactory.instantiate`, `DynamicConfigManager.startup`.

use std::sync::Arc;

use super::StartError;
use super::dynamic_config::ClientQuotaConfigHandler;
use crate::admin::configs::ConfigReader;
use crate::base::Millis;
use crate::config::BrokerConfig;
use crate::metrics::Metric;
use crate::quota::client_quota_manager::QuotaWindows;
use crate::quota::values::ClientQuotaType;
use crate::quota::{ClientQuotaConfig, ClientQuotas};
use crate::security::sasl::CredentialCache;

const TARGET: &str = "kafka.server.QuotaFactory$";

/// The quotas that are in force from the first request on. Fills the credentials of users, too.
///
/// # Errors
/// Failures of ZooKeeper.
pub(super) async fn load(
    config: &BrokerConfig,
    configs: &Arc<ConfigReader>,
    credentials: &Arc<CredentialCache>,
) -> Result<Arc<ClientQuotas>, StartError> {
    let quotas = Arc::new(ClientQuotas::new(quota_config(config)));
    let (configs, credentials) = (configs.clone(), credentials.clone());
    ClientQuotaConfigHandler { configs, quotas: quotas.clone(), credentials }.process_all().await?;
    Ok(quotas)
}

fn quota_config(config: &BrokerConfig) -> ClientQuotaConfig {
    let static_default = |key: &str, bytes: i64| {
        (bytes != i64::MAX).then(|| {
            log::warn!(target: TARGET, "{key} has been deprecated in 0.11.0.0 and will be removed in a future release. Use dynamic quota defaults instead.");
            bytes as f64
        })
    };
    ClientQuotaConfig {
        windows: windows(config.quota_window_num, config.quota_window_size_seconds),
        controller_windows: windows(
            config.controller_quota_window_num,
            config.controller_quota_window_size_seconds,
        ),
        producer_default: static_default("quota.producer.default", config.quota_producer_default),
        consumer_default: static_default("quota.consumer.default", config.quota_consumer_default),
    }
}

fn windows(samples: i32, seconds: i32) -> QuotaWindows {
    QuotaWindows { samples: usize::try_from(samples).unwrap_or(1), window_ms: Millis::from(seconds) * 1000 }
}

/// What clients have taken of their quotas, by the users and client ids that share one. As in Kafka there are no such
/// metrics before the first quota is set.
pub(super) fn metrics(quotas: &ClientQuotas, now: Millis) -> Vec<Metric> {
    let rates = [
        (ClientQuotaType::Produce, "byte-rate"),
        (ClientQuotaType::Fetch, "byte-rate"),
        (ClientQuotaType::Request, "request-time"),
    ];
    let mut metrics = Vec::new();
    for (quota_type, rate) in rates {
        for usage in quotas.manager(quota_type).usage(now) {
            let attributes = [(rate, usage.rate), ("throttle-time", usage.throttle_time)];
            metrics.extend(attributes.map(|(name, value)| {
                let metric = Metric::attribute(quota_type.name(), name, value);
                // JMX has no empty tags.
                let tags = [("user", &usage.user), ("client-id", &usage.client_id)];
                let tags = tags.into_iter().filter(|(_, value)| !value.is_empty());
                tags.fold(metric, |metric, (tag, value)| metric.tagged(tag, value))
            }));
        }
    }
    let exempt = quotas.request.exempt_request_time(now);
    metrics.extend(exempt.map(|percent| Metric::attribute("Request", "exempt-request-time", percent)));
    metrics
}
