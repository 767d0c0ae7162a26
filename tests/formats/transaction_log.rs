//! Records of `__transaction_state` as Kafka 2.7.2 wrote them: what they say is read, and written again as
//! the same bytes.
//!
//! `data/transaction-state/N.log` is the log of a partition, `N.txt` what 2.7.2's `kafka-dump-log` printed of
//! it: offset, key, value.

use std::fs;
use std::path::PathBuf;

use barnabas::coordinator::txn::records::{TransactionLogValue, decode_key, encode_key};
use barnabas::wire::batch::Batch;
use barnabas::wire::record::Record;

/// A record as `kafka-dump-log --transaction-log-decoder` prints it.
fn dumped(record: &Record) -> String {
    let id = decode_key(record.key.clone().unwrap()).unwrap();
    let value = TransactionLogValue::decode(record.value.clone().unwrap()).unwrap();
    let partitions = value
        .partitions
        .iter()
        .flatten()
        .flat_map(|topic| topic.partitions.iter().map(|number| format!("{}-{number}", topic.topic)));
    let partitions: Vec<_> = partitions.collect();
    format!(
        "{} key: transaction_metadata::transactionalId={id} payload: producerId:{},producerEpoch:{},state={:?},partitions=[{}],txnLastUpdateTimestamp={},txnTimeoutMs={}",
        record.offset,
        value.producer.id,
        value.producer.epoch,
        value.state,
        partitions.join(","),
        value.last_update,
        value.timeout_ms,
    )
}

/// Sorted partitions: the tool prints a set.
fn sorted(line: &str) -> String {
    let (before, rest) = line.split_once("partitions=[").unwrap();
    let (partitions, after) = rest.split_once(']').unwrap();
    let mut partitions: Vec<_> = partitions.split(',').collect();
    partitions.sort_unstable();
    format!("{before}partitions=[{}]{after}", partitions.join(","))
}

#[test]
fn the_transaction_log_of_kafka_is_read_and_written_as_the_same_bytes() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/formats/data/transaction-state");
    let mut states = Vec::new();
    for partition in ["0", "1"] {
        let log = fs::read(data.join(partition).with_extension("log")).unwrap();
        let batches = Batch::split(log.into()).map(Result::unwrap);
        let records: Vec<_> = batches.flat_map(|batch| batch.all_records().unwrap()).collect();
        for record in &records {
            let (key, value) = (record.key.clone().unwrap(), record.value.clone().unwrap());
            assert_eq!(encode_key(&decode_key(key.clone()).unwrap()).unwrap(), key);
            let decoded = TransactionLogValue::decode(value.clone()).unwrap();
            states.push(decoded.state);
            assert_eq!(decoded.encode().unwrap(), value, "{}", dumped(record));
        }
        let found: Vec<_> = records.iter().map(|record| sorted(&dumped(record))).collect();
        let expected = fs::read_to_string(data.join(partition).with_extension("txt")).unwrap();
        assert_eq!(found, expected.lines().map(sorted).collect::<Vec<_>>());
    }
    states.sort_unstable();
    states.dedup();
    assert_eq!(states.len(), 6, "every state that is ever written: {states:?}");
}
