//! The settings of an admin. Pure. Kafka: `AdminClientConfig`.

use std::time::Duration;

use super::{IgnoredSetting, Keys};
use crate::client::cluster::ClusterOptions;
use crate::client::error::ClientError;
use crate::config::Properties;

/// Kafka's name of an admin without a `client.id`, the first of its process.
const CLIENT_ID: &str = "adminclient-1";

/// How an admin works. Made by [`AdminSettings::new`] and changed by its methods, or read from properties with Kafka's
/// keys.
///
/// ```
/// # use std::time::Duration;
/// use barnabas::client::settings::AdminSettings;
/// let settings = AdminSettings::new("localhost:9092").retries(3).call_limit(Duration::from_secs(20));
/// # let _ = settings;
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "AdminClientConfig")]
pub struct AdminSettings {
    /// How it reaches the cluster; `api_timeout` is the most a call may take.
    pub cluster: ClusterOptions,
    /// How often a call is tried again (`retries`).
    pub retries: u32,
    /// Properties that have no effect.
    pub ignored: Vec<IgnoredSetting>,
}

impl From<ClusterOptions> for AdminSettings {
    fn from(cluster: ClusterOptions) -> Self {
        Self { cluster, retries: i32::MAX.unsigned_abs(), ignored: Vec::new() }
    }
}

impl AdminSettings {
    /// Kafka's defaults for an admin at these bootstrap servers.
    pub fn new(bootstrap: &str) -> Self {
        let connections_max_idle = Duration::from_secs(300);
        ClusterOptions { connections_max_idle, ..ClusterOptions::new(bootstrap, CLIENT_ID) }.into()
    }

    /// How often a call is tried again whose error may pass.
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// The most a call may take, retries included (`default.api.timeout.ms`).
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.cluster.api_timeout = limit;
        self
    }

    /// The settings of these properties, Kafka's defaults for the rest.
    ///
    /// # Errors
    /// [`ClientError::BadSetting`]; [`ClientError::Unsafe`] for a `default.api.timeout.ms` below `request.timeout.ms`.
    pub fn read(properties: &Properties) -> Result<Self, ClientError> {
        Self::read_of(properties, CLIENT_ID)
    }

    fn read_of(properties: &Properties, client_id: &str) -> Result<Self, ClientError> {
        let mut keys = Keys { properties, used: Vec::new() };
        let mut cluster = keys.cluster(client_id)?;
        if properties.get("connections.max.idle.ms").is_none() {
            cluster.connections_max_idle = Duration::from_secs(300);
        }
        if cluster.api_timeout < cluster.request_timeout {
            if properties.get("default.api.timeout.ms").is_some() {
                return Err(ClientError::Unsafe(
                    "The specified value of default.api.timeout.ms must be no smaller than the value of \
                     request.timeout.ms.",
                ));
            }
            cluster.api_timeout = cluster.request_timeout;
        }
        let retries = keys.int("retries", i32::MAX, 0)?.unsigned_abs();
        // What these tune does not exist here; their values are checked as Kafka checks them.
        keys.int("metrics.num.samples", 2, 1)?;
        keys.long("metrics.sample.window.ms", 30_000, 0)?;
        keys.choice("metrics.recording.level", &[("INFO", ()), ("DEBUG", ())])?;
        Ok(Self { cluster, retries, ignored: keys.ignored() })
    }
}

/// The settings of an admin of the cluster at these bootstrap servers; `client_id` is its default.
///
/// # Errors
/// As [`AdminSettings::read`].
pub fn read_admin(
    properties: &Properties,
    servers: &str,
    client_id: &str,
) -> Result<AdminSettings, ClientError> {
    let mut settings = AdminSettings::read_of(properties, client_id)?;
    settings.cluster.bootstrap = servers.to_owned();
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<AdminSettings, ClientError> {
        let mut properties = Properties::default();
        settings.iter().for_each(|(key, value)| properties.set(*key, *value));
        AdminSettings::read(&properties)
    }

    #[test]
    fn an_admin_has_the_defaults_of_kafkas() {
        let (read, built) = (read(&[]).unwrap(), AdminSettings::new(""));
        assert_eq!((read.retries, read.cluster.client_id.as_str()), (2_147_483_647, "adminclient-1"));
        assert_eq!(read.cluster.api_timeout, Duration::from_secs(60));
        assert_eq!(read.cluster.connections_max_idle, Duration::from_secs(300));
        assert_eq!(format!("{:?}", built.cluster), format!("{:?}", read.cluster));
    }

    #[test]
    fn a_call_may_take_no_less_than_one_request() {
        let limit = |settings: &[(&str, &str)]| read(settings).map(|it| it.cluster.api_timeout.as_millis());
        assert_eq!(limit(&[("request.timeout.ms", "70000")]).unwrap(), 70_000);
        assert_eq!(limit(&[("default.api.timeout.ms", "30000")]).unwrap(), 30_000);
        let error = limit(&[("default.api.timeout.ms", "29999")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "The specified value of default.api.timeout.ms must be no smaller than the value of request.timeout.ms."
        );
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_in_kafkas_words() {
        let text = |key: &str, value: &str| read(&[(key, value)]).unwrap_err().to_string();
        let reason = "Value must be at least 0";
        assert_eq!(text("retries", "-1"), format!("Invalid value -1 for configuration retries: {reason}"));
        let reason = "Value must be at least 1";
        let expected = format!("Invalid value 0 for configuration metrics.num.samples: {reason}");
        assert_eq!(text("metrics.num.samples", "0"), expected);
        let reason = "String must be one of: INFO, DEBUG";
        let expected = format!("Invalid value ALL for configuration metrics.recording.level: {reason}");
        assert_eq!(text("metrics.recording.level", "ALL"), expected);
        assert_eq!(read(&[("retries", "3")]).unwrap().retries, 3);
    }
}
