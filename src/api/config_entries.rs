//! The configs of a topic or a broker as they are described: value, source, and synonyms.
//!
//! Kafka: `AdminManager.createTopicConfigEntry` and `createBrokerConfigEntry`.

use std::collections::BTreeSet;

use super::Services;
use crate::base::jvm_order;
use crate::config::layers::{self, Layer, Layers, OwnConfigs};
use crate::config::listener::own_key;
use crate::config::rows::{ConfigRow, ConfigType, UpdateMode};
use crate::config::{BrokerConfig, broker, throttles, topic};
use crate::logging;

/// Where a value comes from (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueSource {
    /// The topic's own configs.
    Topic = 1,
    /// The broker's own configs in ZooKeeper.
    DynamicBroker = 2,
    /// Those of all brokers.
    DynamicDefault = 3,
    /// The broker's properties file.
    StaticBroker = 4,
    /// Nothing but the default.
    Default = 5,
    /// The level of a logger.
    Logger = 6,
}

/// One config as it is described.
#[derive(Clone, Debug)]
pub(super) struct DescribedConfig {
    pub name: String,
    /// None where it is null or must not be shown.
    pub value: Option<String>,
    pub source: ValueSource,
    pub sensitive: bool,
    pub read_only: bool,
    /// None for a key that this broker does not know.
    pub kind: Option<ConfigType>,
    /// What it means; None for a key that is in no table.
    pub doc: Option<&'static str>,
    /// The values from all sources, the one in force first.
    pub synonyms: Vec<Synonym>,
}

/// A value from one source: its key, and the source.
pub(super) type Synonym = (String, Option<String>, ValueSource);

/// Every config of a topic that has these configs of its own.
pub(super) fn topic(services: &Services, own: &OwnConfigs) -> Vec<DescribedConfig> {
    let (layers, defaults) = (services.live.layers(), services.live.current().broker.topic_defaults());
    let config = defaults.with_valid_overrides(own).0;
    let entries = topic::ROWS.iter().map(|row| {
        let set = own.get(row.key).map(|_| (row.key.to_owned(), config.get(row.key), ValueSource::Topic));
        let behind = row.broker_key.into_iter().flat_map(|key| synonyms(&layers, key));
        entry(row.key, Some(row), config.get(row.key), set.into_iter().chain(behind).collect(), false)
    });
    in_scala_order(entries)
}

/// Every config of this broker, keys that it does not know included.
pub(super) fn broker(services: &Services) -> Vec<DescribedConfig> {
    let (layers, settings) = (services.live.layers(), services.live.current());
    let rows = broker::ROWS.iter().map(|row| row.key);
    let own = [Layer::Broker, Layer::AllBrokers].into_iter().flat_map(|layer| layers.own(layer).keys());
    let given = own.map(String::as_str).chain(layers.file().iter().map(|(key, _)| key));
    let others: BTreeSet<_> = given.filter(|key| BrokerConfig::row(key).is_none()).collect();
    let entries = rows.chain(others).map(|key| {
        let value = settings.broker.get(key).or_else(|| settings.throttles.get(key));
        let value = value.or_else(|| own_key(key).and(settings.pairs.get(key)).map(str::to_owned));
        broker_entry(key, value, synonyms(&layers, key))
    });
    in_scala_order(entries)
}

/// The configs that all brokers have in ZooKeeper.
pub(super) fn all_brokers(services: &Services) -> Vec<DescribedConfig> {
    let layers = services.live.layers();
    let entries = layers.own(Layer::AllBrokers).iter().map(|(key, value)| {
        let mut behind = synonyms(&layers, key);
        behind.retain(|(.., source)| *source == ValueSource::DynamicDefault);
        broker_entry(key, Some(value.clone()), behind)
    });
    in_scala_order(entries)
}

/// In the order of the map that Kafka's broker keeps them in.
fn in_scala_order(entries: impl Iterator<Item = DescribedConfig>) -> Vec<DescribedConfig> {
    let named = entries.map(|it| (it.name.clone(), it)).collect();
    jvm_order::scala_mutable_map(named).into_iter().map(|(_, it)| it).collect()
}

/// Every logger of this broker with its level.
pub(super) fn loggers() -> Vec<DescribedConfig> {
    let entries = logging::levels().into_iter().map(|(name, level)| DescribedConfig {
        name,
        value: Some(level.name().to_owned()),
        source: ValueSource::Logger,
        sensitive: false,
        read_only: false,
        kind: None,
        doc: None,
        synonyms: Vec::new(),
    });
    entries.collect()
}

fn broker_entry(key: &str, value: Option<String>, synonyms: Vec<Synonym>) -> DescribedConfig {
    // A key of a single listener is of its base key's type.
    let row = layers::row(key).or_else(|| BrokerConfig::row(listener_base(key)?));
    // The throttles are in no properties file, which makes them read-only in a description.
    let of_zookeeper_only = throttles::ROWS.iter().any(|row| row.key == key);
    let read_only = of_zookeeper_only
        || own_key(key).is_some()
        || row.is_none_or(|row| row.update_mode == UpdateMode::ReadOnly);
    entry(key, row, value, synonyms, read_only)
}

fn entry(
    key: &str,
    row: Option<&'static ConfigRow>,
    value: Option<String>,
    synonyms: Vec<Synonym>,
    read_only: bool,
) -> DescribedConfig {
    // A key that is not known may be a secret.
    let sensitive = row.is_none_or(|row| row.kind == ConfigType::Password);
    let source = synonyms.first().map_or(ValueSource::Default, |(.., source)| *source);
    let value = value.filter(|_| !sensitive);
    let (kind, doc) = (row.map(|row| row.kind), row.filter(|row| row.key == key).map(|row| row.doc));
    DescribedConfig { name: key.to_owned(), value, source, sensitive, read_only, kind, doc, synonyms }
}

/// The base key of a key of a single listener, which may stand behind the name of a SASL mechanism.
fn listener_base(key: &str) -> Option<&str> {
    /// `DynamicBrokerConfig.ListenerMechanismConfigs`.
    const OF_MECHANISMS: [&str; 5] = [
        "connections.max.reauth.ms",
        "sasl.jaas.config",
        "sasl.login.callback.handler.class",
        "sasl.login.class",
        "sasl.server.callback.handler.class",
    ];
    let base = own_key(key)?;
    Some(OF_MECHANISMS.into_iter().find(|of_mechanism| base.ends_with(of_mechanism)).unwrap_or(base))
}

fn synonyms(layers: &Layers, key: &str) -> Vec<Synonym> {
    let mut keys = layers::synonyms(key);
    keys.extend(listener_base(key));
    let named = |key: &str, value: &str, source| (key.to_owned(), Some(value.to_owned()), source);
    let mut all = Vec::new();
    for (layer, source) in
        [(Layer::Broker, ValueSource::DynamicBroker), (Layer::AllBrokers, ValueSource::DynamicDefault)]
    {
        let own = layers.own(layer);
        all.extend(keys.iter().filter_map(|key| Some(named(key, own.get(*key)?, source))));
    }
    all.extend(
        keys.iter().filter_map(|key| Some(named(key, layers.file().get(key)?, ValueSource::StaticBroker))),
    );
    all.extend(
        keys.iter().filter_map(|key| {
            Some(named(key, BrokerConfig::row(key)?.default_text()?, ValueSource::Default))
        }),
    );
    // The values before the one with this key are left out; if there is none with this key, all are
    // (`AdminManager.configSynonyms`).
    all.into_iter().skip_while(|(name, ..)| name != key).collect()
}
