//! A broker's settings in layers: those that ZooKeeper has for this broker, over those that it has for all
//! brokers, over the properties file, over the defaults (KIP-226).
//!
//! Pure. Decides what is in force, and which changes a running broker accepts; never reads ZooKeeper itself.
//! Kafka: `DynamicBrokerConfig`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::broker::BrokerConfig;
use super::listener::{self, own_key};
use super::properties::Properties;
use super::rows::{ConfigError, ConfigRow, ConfigType, UpdateMode};
use super::throttles::Throttles;
use super::unbuilt;

/// The configs that an entity below `/config/brokers` has of its own.
pub type OwnConfigs = BTreeMap<String, String>;

/// Which entity below `/config/brokers` configs belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// `<default>`: those of every broker that has none of its own.
    AllBrokers,
    /// The broker's id.
    Broker,
}

/// Everything that is in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayeredSettings {
    /// The keys that a properties file may hold.
    pub broker: BrokerConfig,
    /// The keys that exist only in ZooKeeper.
    pub throttles: Throttles,
    /// Everything that is set, with the settings of single listeners (`listener.name.…`) among it.
    pub pairs: Properties,
}

/// The layers of one broker's settings.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    file: Properties,
    all_brokers: OwnConfigs,
    broker: OwnConfigs,
}

impl Layers {
    /// The layers of a broker with a properties file alone.
    pub fn new(file: Properties) -> Self {
        Self { file, ..Self::default() }
    }

    /// The pairs of its properties file.
    pub fn file(&self) -> &Properties {
        &self.file
    }

    /// What a layer holds, passwords as they are used.
    pub fn own(&self, layer: Layer) -> &OwnConfigs {
        match layer {
            Layer::AllBrokers => &self.all_brokers,
            Layer::Broker => &self.broker,
        }
    }

    /// What is in force.
    ///
    /// # Errors [`ConfigError`] of the first value that is wrong, or contradicts another.
    pub fn settings(&self) -> Result<LayeredSettings, ConfigError> {
        let (mut throttles, mut file) = (Throttles::default(), self.file.clone());
        let mut of_zookeeper_only = Vec::new();
        for (key, value) in self.all_brokers.iter().chain(&self.broker) {
            if throttles.set(key, value)? {
                of_zookeeper_only.push((key, value));
            } else {
                synonyms(key).iter().for_each(|synonym| file.remove(synonym));
                file.set(key, value);
            }
        }
        let broker = BrokerConfig::parse(&file)?;
        of_zookeeper_only.into_iter().for_each(|(key, value)| file.set(key, value));
        Ok(LayeredSettings { broker, throttles, pairs: file })
    }

    /// Checks that a layer may be replaced by these configs (`DynamicBrokerConfig.validatedKafkaProps`);
    /// returns what would be in force then.
    ///
    /// # Errors
    /// [`ConfigError`] with Kafka's message, as it stands behind "Invalid config value for resource …: ".
    pub fn check(&self, layer: Layer, own: &OwnConfigs) -> Result<LayeredSettings, ConfigError> {
        check_own(layer, own)?;
        self.with(layer, own.clone()).settings()
    }

    /// Applies what ZooKeeper has for a layer. Values that cannot be in force are left out; the sentences
    /// name them and the reason.
    pub fn take(&mut self, layer: Layer, own: OwnConfigs) -> Vec<String> {
        let mut refused = Vec::new();
        let valid = own.into_iter().filter(|(key, value)| {
            let reason = match () {
                () if mode(key) == Some(UpdateMode::ReadOnly) => {
                    "Non-dynamic configs configured in ZooKeeper will be ignored".to_owned()
                }
                () if is_security(key) => {
                    "Security configs can be dynamically updated only using listener prefix, base configs will be \
                     ignored"
                        .to_owned()
                }
                () if layer == Layer::AllBrokers && is_per_broker(key) => {
                    "Per-broker configs defined at default cluster level will be ignored".to_owned()
                }
                () => match check_alone(key, value) {
                    Ok(()) => return true,
                    Err(error) => error.to_string(),
                },
            };
            refused.push(format!("{reason}: Set({key})"));
            false
        });
        let next = self.with(layer, valid.collect());
        match next.settings() {
            Ok(_) => *self = next,
            Err(error) => refused.push(format!("Dynamic configs could not be applied: {error}")),
        }
        refused
    }

    fn with(&self, layer: Layer, own: OwnConfigs) -> Self {
        let mut next = self.clone();
        match layer {
            Layer::AllBrokers => next.all_brokers = own,
            Layer::Broker => next.broker = own,
        }
        next
    }
}

/// Checks the configs of a layer by themselves (`DynamicBrokerConfig.validateConfigs`).
///
/// # Errors
/// [`ConfigError`] of keys that cannot change, cannot change in this layer, or have a value that they cannot have.
pub fn check_own(layer: Layer, own: &OwnConfigs) -> Result<(), ConfigError> {
    refuse(
        own,
        |key| mode(key) == Some(UpdateMode::ReadOnly),
        "Cannot update these configs dynamically: Set",
    )?;
    refuse(
        own,
        is_security,
        "These security configs can be dynamically updated only per-listener using the listener prefix: HashSet",
    )?;
    check_values(own)?;
    if layer == Layer::AllBrokers {
        refuse(
            own,
            is_per_broker,
            "Cannot update these configs at default cluster level, broker id must be specified: Set",
        )?;
    }
    Ok(())
}

/// The row of a broker's key, that of its file or of ZooKeeper only.
pub fn row(key: &str) -> Option<&'static ConfigRow> {
    BrokerConfig::row(key).or_else(|| Throttles::row(key))
}

/// The keys of the same setting in other units, the one that counts first; a key without any stands alone.
pub fn synonyms(key: &str) -> Vec<&str> {
    const TIMES: &[&[&str]] = &[
        &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
        &["log.roll.ms", "log.roll.hours"],
        &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    ];
    // The scheduler's interval is a fallback of this key, but not the other way round.
    const FLUSH: &[&str] = &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"];
    if key == FLUSH[0] {
        return FLUSH.to_vec();
    }
    TIMES.iter().find(|keys| keys.contains(&key)).map_or_else(|| vec![key], |keys| keys.to_vec())
}

fn mode(key: &str) -> Option<UpdateMode> {
    row(key).map(|row| row.update_mode)
}

/// Keys of stores and their secrets: each listener has its own.
fn is_security(key: &str) -> bool {
    listener::STORES.contains(&key)
}

fn is_per_broker(key: &str) -> bool {
    match own_key(key) {
        Some(base) => !listener::LIMITS.contains(&base),
        None => mode(key) == Some(UpdateMode::PerBroker),
    }
}

/// Refuses keys; the sentence ends with the kind of set in which Kafka lists them.
fn refuse(own: &OwnConfigs, refused: impl Fn(&str) -> bool, sentence: &str) -> Result<(), ConfigError> {
    let keys: Vec<_> = own.keys().map(String::as_str).filter(|key| refused(key)).collect();
    if keys.is_empty() {
        return Ok(());
    }
    // Scala prints larger sets by the name of their class.
    let sentence = match keys.len() {
        5.. if sentence.ends_with(": Set") => sentence.replace(": Set", ": HashSet"),
        _ => sentence.to_owned(),
    };
    Err(ConfigError::Combination(format!("{sentence}({})", keys.join(", "))))
}

/// Checks each value by itself. A key that is in no table may belong to a plugin.
///
/// # Errors
/// [`ConfigError`] of the first value that its key cannot have.
pub fn check_values(own: &OwnConfigs) -> Result<(), ConfigError> {
    let (mut broker, mut throttles) = (BrokerConfig::default(), Throttles::default());
    for (key, value) in own {
        let key = own_key(key).unwrap_or(key);
        check_class(key, value.trim())?;
        if !throttles.set(key, value)? {
            broker.set(key, value)?;
        }
    }
    Ok(())
}

/// Refuses a class that a running broker would have to load; the default one stands for itself.
fn check_class(key: &str, class: &str) -> Result<(), ConfigError> {
    let is_class = row(key).is_some_and(|row| row.kind == ConfigType::Class);
    if !is_class || class.is_empty() || class == unbuilt::DEFAULT_PRINCIPAL_BUILDER {
        return Ok(());
    }
    let reason = format!("Class {class} could not be found.");
    Err(ConfigError::Invalid { key: key.to_owned(), value: class.to_owned(), reason })
}

/// Checks a value by itself, and that it asks for nothing that is not built.
fn check_alone(key: &str, value: &str) -> Result<(), ConfigError> {
    check_values(&OwnConfigs::from([(key.to_owned(), value.to_owned())]))?;
    unbuilt::check_broker(&Properties::from_iter([(key, value)]))
}
