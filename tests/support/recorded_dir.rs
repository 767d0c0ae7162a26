//! The data directory that Kafka 2.7.2 wrote, and what its console consumer read of it.

use std::path::PathBuf;

use serde_json::Value;

/// A record as a consumer shows it: its offset, timestamp, key and value.
pub type Seen = (i64, i64, Value, Value);

/// Where the directory lies.
pub fn path() -> PathBuf {
    super::root().join("tests/formats/data/log-dir")
}

/// What Kafka's consumer read of a topic with an `isolation.level`.
pub fn expected(topic: &str, isolation: &str) -> Vec<Seen> {
    let text = std::fs::read_to_string(path().with_extension("jsonl")).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mine =
        rows.filter(|row| row["what"] == "record" && row["topic"] == topic && row["isolation"] == isolation);
    let number = |value: &Value| value.as_i64().unwrap();
    mine.map(|row| {
        (number(&row["offset"]), number(&row["timestamp"]), row["key"].clone(), row["value"].clone())
    })
    .collect()
}
