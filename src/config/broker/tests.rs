use super::*;
use crate::config::rows::{ConfigRow, Support};

/// The error with which a broker refuses these properties beside the usual ones.
fn refusal(pairs: &[(&str, &str)]) -> String {
    let usual = [
        ("broker.id", "1"),
        ("zookeeper.connect", "localhost:2181"),
        ("listeners", "PLAINTEXT://localhost:9092"),
    ];
    let mut properties: Properties = usual.into_iter().collect();
    for (key, value) in pairs {
        properties.set(*key, *value);
    }
    BrokerConfig::parse(&properties).unwrap_err().to_string()
}

fn parse(pairs: &[(&str, &str)]) -> BrokerConfig {
    let properties = [("zookeeper.connect", "localhost:2181")].iter().chain(pairs).copied().collect();
    BrokerConfig::parse(&properties).unwrap()
}

#[test]
fn every_default_is_of_its_type_and_passes_its_check() {
    let mut config = BrokerConfig::default();
    for row in ROWS {
        if let Some(default) = row.default_text() {
            assert!(config.set(row.key, default).unwrap(), "{}", row.key);
        }
    }
    assert_eq!(config, BrokerConfig::default());
}

#[test]
fn rows_are_sorted_and_stand_once() {
    let keys: Vec<_> = ROWS.iter().map(|row| row.key).collect();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(keys, sorted);
}

#[test]
fn a_start_is_refused_in_kafkas_words() {
    let missing = BrokerConfig::parse(&Properties::default()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "Missing required configuration \"zookeeper.connect\" which has no default value."
    );
    assert_eq!(
        refusal(&[("broker.id", "abc")]),
        "Invalid value abc for configuration broker.id: Not a number of type INT"
    );
    assert_eq!(
        refusal(&[("broker.id", "1001")]),
        "requirement failed: broker.id must be equal or greater than -1 and not greater than reserved.broker.max.id"
    );
    assert_eq!(
        refusal(&[("listeners", "FOO://localhost:9092")]),
        "Error creating broker listeners from 'FOO://localhost:9092': No security protocol defined for listener FOO"
    );
    assert_eq!(
        refusal(&[("listeners", "PLAINTEXT://localhost:9092,SSL://localhost:9092")]),
        "requirement failed: Each listener must have a different port, listeners: PLAINTEXT://localhost:9092,SSL://localhost:9092"
    );
    assert_eq!(
        refusal(&[("listeners", "PLAINTEXT://localhost:9092,PLAINTEXT://localhost:9093")]),
        "requirement failed: Each listener must have a different name, listeners: PLAINTEXT://localhost:9092,PLAINTEXT://localhost:9093"
    );
    assert_eq!(
        refusal(&[
            ("inter.broker.listener.name", "INTERNAL"),
            ("listener.security.protocol.map", "INTERNAL:PLAINTEXT,PLAINTEXT:PLAINTEXT")
        ]),
        "requirement failed: inter.broker.listener.name must be a listener name defined in advertised.listeners. \
         The valid options based on currently configured listeners are PLAINTEXT"
    );
    assert_eq!(
        refusal(&[("advertised.listeners", "PLAINTEXT://0.0.0.0:9092")]),
        "requirement failed: advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address."
    );
    assert_eq!(
        refusal(&[
            ("inter.broker.listener.name", "PLAINTEXT"),
            ("security.inter.broker.protocol", "PLAINTEXT")
        ]),
        "Only one of inter.broker.listener.name and security.inter.broker.protocol should be set."
    );
    assert_eq!(
        refusal(&[("num.io.threads", "0")]),
        "Invalid value 0 for configuration num.io.threads: Value must be at least 1"
    );
    assert_eq!(
        refusal(&[("compression.type", "brotli")]),
        "requirement failed: compression.type : brotli is not valid. Valid options are uncompressed,zstd,lz4,snappy,gzip,producer"
    );
    assert_eq!(
        refusal(&[("inter.broker.protocol.version", "3.0")]),
        "Invalid value 3.0 for configuration inter.broker.protocol.version: Version `3.0` is not a valid version"
    );
    assert_eq!(
        refusal(&[("inter.broker.protocol.version", "0.10.2"), ("log.message.format.version", "2.7")]),
        "requirement failed: log.message.format.version 2.7 can only be used when inter.broker.protocol.version is set to \
         version 0.11.0 or higher"
    );
    assert_eq!(
        refusal(&[("offsets.commit.required.acks", "5")]),
        "requirement failed: offsets.commit.required.acks must be greater or equal -1 and less or equal to \
         offsets.topic.replication.factor"
    );
    assert_eq!(
        refusal(&[("log.dirs", "")]),
        "requirement failed: At least one log directory must be defined via log.dirs or log.dir."
    );
}

#[test]
fn the_finest_unit_counts() {
    assert_eq!(parse(&[]).retention_ms(), 604_800_000);
    assert_eq!(parse(&[("log.retention.minutes", "5")]).retention_ms(), 300_000);
    assert_eq!(parse(&[("log.retention.minutes", "5"), ("log.retention.ms", "7")]).retention_ms(), 7);
    assert_eq!(parse(&[("log.retention.hours", "-1")]).retention_ms(), -1);
    assert_eq!(parse(&[("log.roll.hours", "2")]).topic_defaults().segment_ms, 7_200_000);
}

#[test]
fn topics_take_their_defaults_from_the_broker() {
    assert_eq!(parse(&[]).topic_defaults(), TopicConfig::default());
    let defaults =
        parse(&[("log.segment.bytes", "1000"), ("message.max.bytes", "2000"), ("min.insync.replicas", "2")])
            .topic_defaults();
    assert_eq!(
        (defaults.segment_bytes, defaults.max_message_bytes, defaults.min_insync_replicas),
        (1000, 2000, 2)
    );
}

#[test]
fn listeners_come_from_old_and_new_keys() {
    let show = |endpoints: Vec<crate::base::Endpoint>| {
        endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    assert_eq!(show(parse(&[]).listeners().unwrap()), "PLAINTEXT://:9092");
    assert_eq!(show(parse(&[("host.name", "h"), ("port", "1")]).listeners().unwrap()), "PLAINTEXT://h:1");
    let config =
        parse(&[("listeners", "plaintext://[::1]:1"), ("advertised.listeners", "PLAINTEXT://name:2")]);
    assert_eq!(show(config.listeners().unwrap()), "PLAINTEXT://[::1]:1");
    assert_eq!(show(config.advertised_listeners().unwrap()), "PLAINTEXT://name:2");
    assert_eq!(show(parse(&[("advertised.port", "3")]).advertised_listeners().unwrap()), "PLAINTEXT://:3");
}

#[test]
fn keys_that_are_unknown_or_not_heeded_yet_are_warned_of() {
    let pairs = [
        ("zookeeper.connect", "z"),
        ("no.such.property", "1"),
        ("metrics.num.samples", "3"),
        ("broker.id", "1"),
    ];
    let read = BrokerConfig::read(&pairs.into_iter().collect()).unwrap();
    assert_eq!(
        read.warnings,
        [
            "The configuration 'no.such.property' was supplied but isn't a known config.",
            "These configurations are accepted but not heeded yet: metrics.num.samples",
        ]
    );
}

use crate::config::topic::TopicConfig;

/// The product's sources without the tables of configs and the checks: code there that reads a setting also
/// acts on it.
fn sources() -> String {
    let mut text = String::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            let is_table = ["config/broker.rs", "config/topic.rs", "config/throttles.rs", "broker/checks.rs"];
            if path.is_dir() {
                folders.push(path);
            } else if !is_table.iter().any(|table| name.ends_with(table)) && !name.ends_with("tests.rs") {
                text += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    text
}

/// Whether a field of this name is read.
fn is_read(sources: &str, field: &str) -> bool {
    let field = format!(".{field}");
    sources.match_indices(&field).any(|(at, _)| {
        let next = sources[at + field.len()..].chars().next().unwrap_or(' ');
        !(next.is_alphanumeric() || next == '_' || next == '(')
    })
}

#[test]
fn a_row_is_marked_supported_if_its_key_is_read() {
    let sources = sources();
    let read = |row: &ConfigRow| is_read(&sources, &row.key.replace(['.'], "_"));
    let topics = crate::config::topic::ROWS;
    // Some keys of a broker are the defaults of a topic's keys.
    let is_default = |row: &ConfigRow| {
        topics.iter().any(|it| it.broker_key == Some(row.key) && it.support == Support::Supported)
    };
    let rows = ROWS.iter().chain(topics).chain(crate::config::throttles::ROWS);
    let wrong = rows.filter(|row| {
        let supported = row.support == Support::Supported;
        supported != (read(row) || is_default(row))
    });
    let wrong: Vec<_> = wrong.map(|row| (row.key, row.support)).collect();
    assert!(wrong.is_empty(), "supported and unread, or read and not supported: {wrong:?}");
}
