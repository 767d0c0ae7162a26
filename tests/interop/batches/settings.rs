//! The settings of topics that cases are sent to.

/// Configs of a topic.
pub type Setting = &'static [(&'static str, &'static str)];

const FORMAT: &str = "message.format.version";
const CODEC: &str = "compression.type";
const TIME: &str = "message.timestamp.type";
const POLICY: &str = "cleanup.policy";
const LARGEST: &str = "max.message.bytes";
const DIFFERENCE: &str = "message.timestamp.difference.max.ms";
/// Formats 0 and 1.
const OLDEST: &str = "0.9.0";
const OLD: &str = "0.10.0";
/// Timestamps of cases are of 2020 and later: until 2050 they are within this, and zero is not.
const DECADES: &str = "1000000000000";

/// All of them; what is tried most stands more than once.
pub const SETTINGS: [Setting; 30] = [
    &[],
    &[],
    &[],
    &[(FORMAT, OLDEST)],
    &[(FORMAT, OLD)],
    &[(FORMAT, OLDEST), (CODEC, "gzip")],
    &[(FORMAT, OLDEST), (CODEC, "snappy")],
    &[(FORMAT, OLDEST), (CODEC, "lz4")],
    &[(FORMAT, OLDEST), (CODEC, "uncompressed")],
    &[(FORMAT, OLDEST), (POLICY, "compact")],
    &[(FORMAT, OLD), (CODEC, "gzip")],
    &[(FORMAT, OLD), (CODEC, "lz4"), (DIFFERENCE, DECADES)],
    &[(FORMAT, OLD), (CODEC, "snappy"), (TIME, "LogAppendTime")],
    &[(FORMAT, OLD), (TIME, "LogAppendTime")],
    &[(FORMAT, OLD), (POLICY, "compact")],
    &[(FORMAT, OLD), (DIFFERENCE, DECADES)],
    &[(CODEC, "uncompressed")],
    &[(CODEC, "gzip")],
    &[(CODEC, "snappy")],
    &[(CODEC, "lz4")],
    &[(CODEC, "zstd")],
    &[(TIME, "LogAppendTime")],
    &[(TIME, "LogAppendTime"), (CODEC, "gzip")],
    &[(POLICY, "compact")],
    &[(POLICY, "compact"), (CODEC, "lz4"), (LARGEST, "2000")],
    &[(POLICY, "compact,delete"), (TIME, "LogAppendTime"), (CODEC, "zstd")],
    &[(DIFFERENCE, DECADES)],
    &[(DIFFERENCE, DECADES), (CODEC, "snappy"), (POLICY, "compact")],
    &[(LARGEST, "300")],
    &[("segment.bytes", "3000"), ("index.interval.bytes", "1"), ("segment.ms", "1000000")],
];
