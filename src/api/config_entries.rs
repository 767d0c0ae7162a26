//! The configs of a topic or a broker as they are described: value, source, and the values that stand behind it.

use std::collections::BTreeMap;

use super::Services;
use crate::config::rows::{Row, Type};
use crate::config::{broker, topic};

/// Where a value comes from (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The topic's own configs.
    Topic = 1,
    /// The broker's properties file.
    StaticBroker = 4,
    /// Nothing but the default.
    Default = 5,
}

/// One config as it is described.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    /// None where it is null or must not be shown.
    pub value: Option<String>,
    pub source: Source,
    pub sensitive: bool,
    pub read_only: bool,
    pub row: &'static Row,
    /// The values behind it, the one in force first.
    pub synonyms: Vec<(String, Option<String>, Source)>,
}

/// Every config of a topic that has these configs of its own.
pub(super) fn topic(services: &Services, own: &BTreeMap<String, String>) -> Vec<Entry> {
    let config = services.config.topic_defaults().with_valid_overrides(own).0;
    let entries = topic::ROWS.iter().map(|row| {
        let mut synonyms = Vec::new();
        if let Some(value) = own.get(row.key) {
            synonyms.push((row.key.to_owned(), Some(value.clone()), Source::Topic));
        }
        synonyms.extend(row.twin.into_iter().flat_map(|twin| broker_synonyms(services, twin)));
        entry(row, config.get(row.key), synonyms, false)
    });
    entries.collect()
}

/// Every config of this broker.
pub(super) fn broker(services: &Services) -> Vec<Entry> {
    let entries = broker::ROWS.iter().map(|row| {
        let read_only = row.mode == crate::config::rows::Mode::ReadOnly;
        entry(row, services.config.get(row.key), broker_synonyms(services, row.key), read_only)
    });
    entries.collect()
}

fn entry(
    row: &'static Row,
    value: Option<String>,
    synonyms: Vec<(String, Option<String>, Source)>,
    read_only: bool,
) -> Entry {
    let sensitive = row.kind == Type::Password;
    let source = synonyms.first().map_or(Source::Default, |(_, _, source)| *source);
    let value = value.filter(|_| !sensitive);
    Entry { name: row.key.to_owned(), value, source, sensitive, read_only, row, synonyms }
}

/// The keys that stand for each other, the one that counts first.
const TIMES: &[&[&str]] = &[
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    &["log.roll.ms", "log.roll.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
];

fn broker_synonyms(services: &Services, key: &str) -> Vec<(String, Option<String>, Source)> {
    let single = [key];
    let keys = TIMES.iter().find(|keys| keys[0] == key).map_or(&single[..], |keys| keys);
    let given = keys.iter().filter(|key| services.given_keys.contains(**key));
    let given = given.map(|key| ((*key).to_owned(), services.config.get(key), Source::StaticBroker));
    let defaults = keys.iter().filter_map(|key| {
        let default = crate::config::BrokerConfig::row(key)?.default_text()?;
        Some(((*key).to_owned(), Some(default.to_owned()), Source::Default))
    });
    given.chain(defaults).collect()
}
