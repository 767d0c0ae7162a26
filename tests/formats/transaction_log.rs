//! Records of `__transaction_state` as Kafka 2.7.2 wrote them: the tool prints what Kafka's printed, and what is read
//! is written again as the same bytes.
//!
//! `data/transaction-state/N.log` is the log of a partition, `N.txt` what 2.7.2's
//! `kafka-dump-log --transaction-log-decoder` printed of its records: offset, key, value.

use std::fs;

use barnabas::coordinator::txn::records::{TransactionLogValue, decode_key, encode_key};
use barnabas::wire::batch::Batch;

use crate::support::{root, tool};

#[test]
fn the_transaction_log_of_kafka_is_read_and_written_as_the_same_bytes() {
    let data = root().join("tests/formats/data/transaction-state");
    let mut states = Vec::new();
    for partition in ["0", "1"] {
        let log = fs::read(data.join(partition).with_extension("log")).unwrap();
        let batches = Batch::split(log.into()).map(Result::unwrap);
        for record in batches.flat_map(|batch| batch.all_records().unwrap()) {
            let (key, value) = (record.key.unwrap(), record.value.unwrap());
            assert_eq!(encode_key(&decode_key(key.clone()).unwrap()).unwrap(), key);
            let decoded = TransactionLogValue::decode(value.clone()).unwrap();
            states.push(decoded.state);
            assert_eq!(decoded.encode().unwrap(), value, "offset {}", record.offset);
        }
    }
    states.sort_unstable();
    states.dedup();
    assert_eq!(states.len(), 6, "every state that is ever written: {states:?}");
}

#[test]
fn the_transaction_log_is_printed_as_kafka_prints_it() {
    let data = root().join("tests/formats/data/transaction-state");
    for partition in ["0", "1"] {
        let log = data.join(partition).with_extension("log").display().to_string();
        let printed = tool("dump-log", &["--transaction-log-decoder", "--files", &log]);
        let printed = String::from_utf8(printed.stdout).unwrap();
        let found: Vec<_> = printed
            .lines()
            .filter_map(|line| line.strip_prefix("| offset: ")?.split_once(' '))
            .map(|(offset, rest)| format!("{offset} {}", &rest[rest.find("key: ").unwrap()..]))
            .collect();
        let expected = fs::read_to_string(data.join(partition).with_extension("txt")).unwrap();
        assert_eq!(found, expected.lines().collect::<Vec<_>>());
    }
}
