//! Records of `__transaction_state` as `--transaction-log-decoder` prints them
//! (`TransactionLog.formatRecordKeyAndValue`).
//!
//! Pure.

use super::DumpError;
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
        value.partitions_as_printed().join(","),
        value.last_update,
        value.timeout_ms,
    );
    Ok((key, payload))
}
