//! Configs as they are described: the value in force, where it comes from, and what else there is.
//!
//! Pure. Kafka: `ConfigResource`, `Config`, `ConfigEntry`.

use std::fmt;

use crate::base::BrokerId;
use crate::client::metadata::Target;
use crate::config::rows::ConfigType;

/// The kind of thing a config belongs to (Kafka's `ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum ConfigResourceType {
    /// A topic, by name.
    Topic = 2,
    /// A broker, by id; empty for the default of all.
    Broker = 4,
    /// A broker's loggers, by the broker's id.
    BrokerLogger = 8,
}

/// A thing with configs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// Its kind.
    pub resource_type: ConfigResourceType,
    /// Its name: a topic's, or a broker's id in decimal.
    pub name: String,
}

impl ConfigResource {
    /// A topic.
    pub fn topic(name: impl Into<String>) -> Self {
        Self { resource_type: ConfigResourceType::Topic, name: name.into() }
    }

    /// A broker.
    pub fn broker(id: BrokerId) -> Self {
        Self { resource_type: ConfigResourceType::Broker, name: id.to_string() }
    }

    /// What all brokers have that they have not set for themselves.
    pub fn all_brokers() -> Self {
        Self { resource_type: ConfigResourceType::Broker, name: String::new() }
    }

    /// The loggers of a broker; each has its level as a value.
    pub fn broker_logger(id: BrokerId) -> Self {
        Self { resource_type: ConfigResourceType::BrokerLogger, name: id.to_string() }
    }

    /// The resource that an answer names; None for a kind that does not exist.
    pub(super) fn of_answer(resource_type: i8, name: &str) -> Option<Self> {
        use ConfigResourceType::{Broker, BrokerLogger, Topic};
        let known = [Topic, Broker, BrokerLogger].into_iter().find(|it| *it as i8 == resource_type)?;
        Some(Self { resource_type: known, name: name.to_owned() })
    }

    /// A broker alone knows its configs and its loggers; any broker knows the rest.
    pub(super) fn target(&self) -> Target {
        match (self.resource_type, self.name.parse()) {
            (ConfigResourceType::Broker | ConfigResourceType::BrokerLogger, Ok(id)) => Target::Broker(id),
            _ => Target::Any,
        }
    }
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.resource_type {
            ConfigResourceType::Topic => "TOPIC",
            ConfigResourceType::Broker => "BROKER",
            ConfigResourceType::BrokerLogger => "BROKER_LOGGER",
        };
        write!(out, "ConfigResource(type={kind}, name='{}')", self.name)
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum ConfigSource {
    /// The topic's own configs.
    DynamicTopicConfig = 1,
    /// The broker's own configs in ZooKeeper.
    DynamicBrokerConfig = 2,
    /// Those that all brokers have in ZooKeeper.
    DynamicDefaultBrokerConfig = 3,
    /// The broker's properties file.
    StaticBrokerConfig = 4,
    /// The default.
    DefaultConfig = 5,
    /// The level of a logger.
    DynamicBrokerLoggerConfig = 6,
    /// A source that this client does not know.
    Unknown = 0,
}

impl ConfigSource {
    pub(super) fn from_code(code: i8) -> Self {
        match code {
            1 => Self::DynamicTopicConfig,
            2 => Self::DynamicBrokerConfig,
            3 => Self::DynamicDefaultBrokerConfig,
            4 => Self::StaticBrokerConfig,
            5 => Self::DefaultConfig,
            6 => Self::DynamicBrokerLoggerConfig,
            _ => Self::Unknown,
        }
    }
}

/// The value of a config from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// The key there.
    pub name: String,
    /// The value; None where it is null or must not be shown.
    pub value: Option<String>,
    /// The source.
    pub source: ConfigSource,
}

/// A config and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its key.
    pub name: String,
    /// The value in force; None where it is null or must not be shown.
    pub value: Option<String>,
    /// Where that value comes from.
    pub source: ConfigSource,
    /// Whether its value is never shown.
    pub is_sensitive: bool,
    /// Whether it cannot be changed while the broker runs.
    pub is_read_only: bool,
    /// The values of all sources, the one in force first; empty where they were not asked for.
    pub synonyms: Vec<ConfigSynonym>,
    /// What values it may have; None where the broker does not know (before 2.6, and for keys of plugins).
    pub config_type: Option<ConfigType>,
    /// What it means; None where that was not asked for.
    pub documentation: Option<String>,
}

impl ConfigEntry {
    /// Whether the value is the default.
    pub fn is_default(&self) -> bool {
        self.source == ConfigSource::DefaultConfig
    }
}

/// The configs of a resource, in the order of the broker's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    entries: Vec<ConfigEntry>,
}

impl Config {
    /// All of them.
    pub fn entries(&self) -> &[ConfigEntry] {
        &self.entries
    }

    /// The config of this key.
    pub fn get(&self, name: &str) -> Option<&ConfigEntry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The value in force of the config of this key.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name)?.value.as_deref()
    }
}

impl FromIterator<ConfigEntry> for Config {
    fn from_iter<I: IntoIterator<Item = ConfigEntry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}
