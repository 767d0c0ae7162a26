//! Records of `__transaction_state` as Kafka 2.7.2 wrote them: what is read is written again as the same bytes.
//!
//! `data/transaction-state/N.log` is the log of a partition.

use std::fs;

use barnabas::coordinator::txn::records::{TransactionLogValue, decode_key, encode_key};
use barnabas::wire::batch::Batch;

use crate::support::root;

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
