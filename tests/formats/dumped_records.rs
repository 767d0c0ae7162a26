//! `kafka-dump-log` prints the records of the internal topics as Kafka 2.7.2's tool does.
//!
//! `data/consumer-offsets` and `data/transaction-state` hold a partition's log as `N.log`, and as `N.txt` what 2.7.2's
//! `kafka-dump-log` printed of its records: offset, key, value. 2.7.2 wrote the logs, but for `consumer-offsets/2.log`:
//! it has every version of the values, members whose order is that of a hash table, assignments with user data.

use std::fs;
use std::path::Path;

use crate::support::{root, tool};

fn is_printed_as_by_kafka(decoder: &str, log: &Path) {
    let printed = tool("dump-log", &[decoder, "--files", &log.display().to_string()]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    let found: Vec<_> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("| offset: ")?.split_once(' '))
        .filter_map(|(offset, rest)| Some(format!("{offset} {}", &rest[rest.find("key: ")?..])))
        .collect();
    let expected = fs::read_to_string(log.with_extension("txt")).unwrap();
    assert_eq!(found, expected.lines().collect::<Vec<_>>(), "{}", log.display());
}

#[test]
fn internal_topics_are_printed_as_kafka_prints_them() {
    let data = root().join("tests/formats/data");
    let decoders = [
        ("--offsets-decoder", "consumer-offsets", &["0", "1", "2"][..]),
        ("--transaction-log-decoder", "transaction-state", &["0", "1"]),
    ];
    for (decoder, topic, partitions) in decoders {
        for partition in partitions {
            is_printed_as_by_kafka(decoder, &data.join(topic).join(partition).with_extension("log"));
        }
    }
}
