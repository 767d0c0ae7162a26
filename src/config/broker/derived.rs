//! Values that follow from several keys of a broker: times given in three units, directories, listeners,
//! topics' defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::BrokerConfig;
use crate::base::{Endpoint, Millis};
use crate::config::listener::{self, ListenerPorts};
use crate::config::rows::ConfigError;
use crate::config::topic::{self, TopicConfig};

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

impl BrokerConfig {
    /// The log directories: `log.dirs`, else `log.dir`; empty where neither names one.
    pub fn log_directories(&self) -> Vec<PathBuf> {
        let text = self.log_dirs.as_deref().unwrap_or(&self.log_dir);
        text.split(',').map(str::trim).filter(|dir| !dir.is_empty()).map(PathBuf::from).collect()
    }

    /// How long records are kept, from the finest unit given; -1 for ever.
    pub fn retention_ms(&self) -> Millis {
        let whole = self
            .log_retention_ms
            .or_else(|| self.log_retention_minutes.map(|minutes| Millis::from(minutes) * MINUTE));
        let kept = whole.unwrap_or_else(|| Millis::from(self.log_retention_hours) * HOUR);
        if kept < 0 { -1 } else { kept }
    }

    /// After how long a new segment is begun, from the finest unit given.
    pub fn roll_ms(&self) -> Millis {
        self.log_roll_ms.unwrap_or_else(|| Millis::from(self.log_roll_hours) * HOUR)
    }

    /// The most that is randomly taken off [`BrokerConfig::roll_ms`].
    pub fn roll_jitter_ms(&self) -> Millis {
        self.log_roll_jitter_ms.unwrap_or_else(|| Millis::from(self.log_roll_jitter_hours) * HOUR)
    }

    /// After how long at most a record is forced to disk.
    pub fn flush_ms(&self) -> Millis {
        self.log_flush_interval_ms.unwrap_or(self.log_flush_scheduler_interval_ms)
    }

    /// How long the first connection to ZooKeeper may take.
    pub fn zookeeper_connection_timeout_ms(&self) -> i32 {
        self.zookeeper_connection_timeout_ms.unwrap_or(self.zookeeper_session_timeout_ms)
    }

    /// The defaults of topics: every topic key's value from its twin among the broker's keys.
    pub fn topic_defaults(&self) -> TopicConfig {
        let mut defaults = TopicConfig::default();
        for row in topic::ROWS {
            let value = match row.key {
                "retention.ms" => Some(self.retention_ms().to_string()),
                "segment.ms" => Some(self.roll_ms().to_string()),
                "segment.jitter.ms" => Some(self.roll_jitter_ms().to_string()),
                "flush.ms" => Some(self.flush_ms().to_string()),
                _ => row.broker_key.and_then(|key| self.get(key)),
            };
            // A broker's key may have a value that its topic twin refuses (a ratio above 1); the topic's own
            // default then applies.
            if let Some(value) = value
                && let Err(error) = defaults.set(row.key, &value)
            {
                log::warn!(target: "kafka.server.KafkaConfig", "{error}; topics keep their own default");
            }
        }
        defaults
    }

    /// The listeners to bind: `listeners`, else one of `host.name` and `port`.
    ///
    /// # Errors
    /// [`ConfigError::Illegal`] or [`ConfigError::Requirement`] with Kafka's message.
    pub fn listeners(&self) -> Result<Vec<Endpoint>, ConfigError> {
        let map = self.protocols()?;
        match &self.listeners {
            Some(listeners) => listener::parse_list(listeners, &map, ListenerPorts::Distinct),
            None => listener::parse_list(
                &format!("PLAINTEXT://{}:{}", self.host_name, self.port),
                &map,
                ListenerPorts::Distinct,
            ),
        }
    }

    /// The listeners as they are advertised: `advertised.listeners`, else one of `advertised.host.name` and
    /// `advertised.port`, else those that are bound.
    ///
    /// # Errors
    /// As [`BrokerConfig::listeners`].
    pub fn advertised_listeners(&self) -> Result<Vec<Endpoint>, ConfigError> {
        if let Some(listeners) = &self.advertised_listeners {
            return listener::parse_list(listeners, &self.protocols()?, ListenerPorts::Shared);
        }
        if self.advertised_host_name.is_none() && self.advertised_port.is_none() {
            return self.listeners();
        }
        let host = self.advertised_host_name.as_deref().unwrap_or(&self.host_name);
        let port = self.advertised_port.unwrap_or(self.port);
        listener::parse_list(&format!("PLAINTEXT://{host}:{port}"), &self.protocols()?, ListenerPorts::Shared)
    }

    /// The name of the listener between brokers.
    ///
    /// # Errors
    /// [`ConfigError`] where it is not in `listener.security.protocol.map`.
    pub fn inter_broker_listener(&self) -> Result<String, ConfigError> {
        let Some(name) = &self.inter_broker_listener_name else {
            return listener::protocol(
                &self.security_inter_broker_protocol,
                "security.inter.broker.protocol",
            )
            .map(|protocol| protocol.name().to_owned());
        };
        let name = listener::normalised(name);
        match self.protocols()?.contains_key(&name) {
            true => Ok(name),
            false => Err(ConfigError::Combination(format!(
                "Listener with name {name} defined in inter.broker.listener.name not found in listener.security.protocol.map."
            ))),
        }
    }

    /// `max.connections.per.ip.overrides` as host → limit.
    ///
    /// # Errors [`ConfigError::Illegal`] where it is no list of host:count pairs.
    pub fn connection_overrides(&self) -> Result<BTreeMap<String, i32>, ConfigError> {
        let key = "max.connections.per.ip.overrides";
        listener::parse_map(key, &self.max_connections_per_ip_overrides)?
            .into_iter()
            .map(|(host, limit)| match limit.parse() {
                Ok(limit) => Ok((host, limit)),
                Err(_) => Err(ConfigError::Illegal(format!("For input string: \"{limit}\""))),
            })
            .collect()
    }

    fn protocols(&self) -> Result<listener::Protocols, ConfigError> {
        listener::protocols(&self.listener_security_protocol_map)
    }
}
