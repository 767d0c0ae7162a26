//! Records of `__transaction_state` as `--transaction-log-decoder` prints them
//! (`TransactionLog.formatRecordKeyAndValue`).
//!
//! Pure.

use super::DumpError;
use crate::base::jvm_order;
use crate::coordinator::txn::records::{TransactionLogValue, decode_key};
use crate::wire::record::Record;

/// A record's key and value as text.
///
/// # Errors
/// [`DumpError::Record`] where they are none of this topic.
pub(super) fn parse(record: &Record) -> Result<(String, String), DumpError> {
    let invalid = |error: &dyn ToString| DumpError::Record(error.to_string());
    let key = record.key.clone().ok_or_else(|| invalid(&"a record has no key"))?;
    let id = decode_key(key).map_err(|error| invalid(&error))?;
    let key = format!("transaction_metadata::transactionalId={id}");
    let Some(value) = &record.value else { return Ok((key, "<DELETE>".to_owned())) };
    let value = TransactionLogValue::decode(value.clone()).map_err(|error| invalid(&error))?;
    let payload = format!(
        "producerId:{},producerEpoch:{},state={:?},partitions=[{}],txnLastUpdateTimestamp={},txnTimeoutMs={}",
        value.producer.id,
        value.producer.epoch,
        value.state,
        partitions(&value).join(","),
        value.last_update,
        value.timeout_ms,
    );
    Ok((key, payload))
}

/// The partitions in the order of Kafka's set of them.
fn partitions(value: &TransactionLogValue) -> Vec<String> {
    let mut partitions = Vec::new();
    for topic in value.partitions.iter().flatten() {
        let of_topic = jvm_order::hash_code(&topic.topic);
        let hash = |number: i32| 31i32.wrapping_mul(31i32.wrapping_add(number)).wrapping_add(of_topic);
        partitions.extend(topic.partitions.iter().map(|it| (hash(*it), format!("{}-{it}", topic.topic))));
    }
    jvm_order::scala_mutable_set(partitions)
}
