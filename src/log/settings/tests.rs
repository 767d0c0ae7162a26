//! What configs mean.

use std::collections::BTreeMap;

use super::*;

#[test]
fn a_config_has_the_effect_of_its_value() {
    let own = [
        ("cleanup.policy", "compact"),
        ("compression.type", "zstd"),
        ("message.format.version", "0.10.2"),
        ("message.timestamp.type", "LogAppendTime"),
        ("segment.ms", "1000"),
        ("max.compaction.lag.ms", "500"),
        ("segment.bytes", "1024"),
    ];
    let own: BTreeMap<_, _> =
        own.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let settings = Settings::from(TopicConfig::default().with_overrides(&own).unwrap());
    assert!(settings.compact && !settings.delete);
    assert_eq!(settings.compression, Some(Compression::Zstd));
    assert_eq!((settings.magic, settings.timestamp_type), (1, TimestampType::LogAppendTime));
    assert_eq!((settings.max_segment_ms(), settings.segment_bytes), (500, 1024));
}

#[test]
fn the_defaults_are_kafkas() {
    let settings = Settings::default();
    assert!(settings.delete && !settings.compact && !settings.preallocate);
    assert_eq!((settings.compression, settings.magic), (None, 2));
    assert_eq!((settings.segment_bytes, settings.segment_index_bytes), (1 << 30, 10 << 20));
    assert_eq!((settings.retention_ms, settings.retention_bytes), (604_800_000, -1));
    let options = settings.segment_options(0);
    assert_eq!((options.roll_jitter, options.preallocate), (0, 0));
}

#[test]
fn each_segment_rolls_a_little_early() {
    let settings = Settings { segment_jitter_ms: 100, ..Settings::default() };
    assert!((0..20).all(|_| (0..100).contains(&settings.segment_options(0).roll_jitter)));
}
