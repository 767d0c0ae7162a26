//! Which values of a broker's settings may be combined (`KafkaConfig.validateValues`), in Kafka's order and
//! words.
//!
//! Pure.

use super::BrokerConfig;
use crate::config::properties::Properties;
use crate::config::rows::ConfigError;
use crate::config::unbuilt;

const MIB: i64 = 1024 * 1024;
const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Requirement(otherwise())) }
}

impl BrokerConfig {
    /// Checks the settings as a whole; `given` are the properties they were read from.
    pub(super) fn check(&self, given: &Properties) -> Result<(), ConfigError> {
        self.check_id()?;
        self.check_logs()?;
        self.check_replication()?;
        let sentence = || {
            format!(
                "compression.type : {} is not valid. Valid options are {}",
                self.compression_type,
                CODECS.join(",")
            )
        };
        require(CODECS.contains(&self.compression_type.as_str()), sentence)?;
        if self.inter_broker_listener_name.is_some() && given.get("security.inter.broker.protocol").is_some()
        {
            let sentence =
                "Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.";
            return Err(ConfigError::Combination(sentence.to_owned()));
        }
        self.check_listeners()?;
        self.check_versions()?;
        self.check_limits()?;
        unbuilt::check_broker(given)
    }

    fn check_id(&self) -> Result<(), ConfigError> {
        if self.broker_id_generation_enable {
            let sentence =
                "broker.id must be equal or greater than -1 and not greater than reserved.broker.max.id";
            require((-1..=self.reserved_broker_max_id).contains(&self.broker_id), || sentence.to_owned())
        } else {
            require(self.broker_id >= 0, || "broker.id must be equal or greater than 0".to_owned())
        }
    }

    fn check_logs(&self) -> Result<(), ConfigError> {
        require(self.roll_ms() >= 1, || "log.roll.ms must be equal or greater than 1".to_owned())?;
        require(self.roll_jitter_ms() >= 0, || {
            "log.roll.jitter.ms must be equal or greater than 0".to_owned()
        })?;
        require(self.retention_ms() != 0, || {
            "log.retention.ms must be unlimited (-1) or, equal or greater than 1".to_owned()
        })?;
        require(!self.log_directories().is_empty(), || {
            "At least one log directory must be defined via log.dirs or log.dir.".to_owned()
        })?;
        require(
            self.log_cleaner_dedupe_buffer_size / i64::from(self.log_cleaner_threads.max(1)) > MIB,
            || "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.".to_owned(),
        )
    }

    fn check_replication(&self) -> Result<(), ConfigError> {
        require(self.replica_fetch_wait_max_ms <= self.replica_socket_timeout_ms, || {
            "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts"
                .to_owned()
        })?;
        require(i64::from(self.replica_fetch_wait_max_ms) <= self.replica_lag_time_max_ms, || {
            "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR"
                .to_owned()
        })?;
        require(
            (-1..=self.offsets_topic_replication_factor).contains(&self.offsets_commit_required_acks),
            || {
                "offsets.commit.required.acks must be greater or equal -1 and less or equal to offsets.topic.replication.factor"
                .to_owned()
            },
        )
    }

    fn check_listeners(&self) -> Result<(), ConfigError> {
        let names = |endpoints: &[crate::base::Endpoint]| -> Vec<String> {
            endpoints.iter().map(|endpoint| endpoint.listener.clone()).collect()
        };
        let bound = names(&self.listeners()?);
        let endpoints = self.advertised_listeners()?;
        let advertised = names(&endpoints);
        let between = self.inter_broker_listener()?;
        require(advertised.contains(&between), || {
            format!(
                "inter.broker.listener.name must be a listener name defined in advertised.listeners. \
                 The valid options based on currently configured listeners are {}",
                advertised.join(",")
            )
        })?;
        require(advertised.iter().all(|name| bound.contains(name)), || {
            format!(
                "advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. \
                 Found {}. The valid options based on the current configuration are {}",
                advertised.join(","),
                bound.join(",")
            )
        })?;
        require(endpoints.iter().all(|endpoint| endpoint.host != "0.0.0.0"), || {
            "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address."
                .to_owned()
        })?;
        self.check_control_plane(&advertised, &between)
    }

    fn check_control_plane(&self, advertised: &[String], between: &str) -> Result<(), ConfigError> {
        let Some(name) = self.control_plane_listener_name.as_deref().map(crate::config::listener::normalised)
        else {
            return Ok(());
        };
        require(advertised.contains(&name), || {
            format!(
                "control.plane.listener.name must be a listener name defined in advertised.listeners. \
                 The valid options based on currently configured listeners are {}",
                advertised.join(",")
            )
        })?;
        require(name != between, || {
            format!(
                "control.plane.listener.name, when defined, should have a different value from the inter broker listener \
                 name. Currently they both have the value ListenerName({name})"
            )
        })
    }

    fn check_versions(&self) -> Result<(), ConfigError> {
        let format = &self.log_message_format_version;
        let first = match format.magic() {
            0 => "0.8.0",
            1 => "0.10.0",
            _ => "0.11.0",
        };
        require(self.inter_broker_protocol_version.magic() >= format.magic(), || {
            format!(
                "log.message.format.version {format} can only be used when inter.broker.protocol.version is set to version \
                 {first} or higher"
            )
        })
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let queued = self.queued_max_request_bytes;
        require(queued <= 0 || queued >= i64::from(self.socket_request_max_bytes), || {
            "queued.max.request.bytes must be larger or equal to socket.request.max.bytes".to_owned()
        })?;
        let overrides = self.connection_overrides()?;
        require(self.max_connections_per_ip != 0 || !overrides.is_empty(), || {
            "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.".to_owned()
        })?;
        let delay = i64::from(self.connection_failed_authentication_delay_ms);
        let idle = self.connections_max_idle_ms;
        require(idle < 0 || delay < idle, || {
            format!(
                "connection.failed.authentication.delay.ms={delay} should always be less than connections.max.idle.ms={idle} \
                 to prevent failed authentication responses from timing out"
            )
        })
    }
}
