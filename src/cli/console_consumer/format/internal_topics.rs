//! The records of Kafka's own topics (`GroupMetadataManager.OffsetsMessageFormatter`, `GroupMetadataMessageFormatter`,
//! `TransactionLog.TransactionLogMessageFormatter`).

use std::io::Write;

use bytes::Bytes;

use super::{FormatError, MessageFormatter};
use crate::base::jvm_order;
use crate::client::consumer::ConsumerRecordRef;
use crate::coordinator::group::records::{GroupRecordKey, GroupValue, read_group, read_key, read_offset};
use crate::coordinator::txn::records::{TransactionLogError, TransactionLogValue, decode_key};
use crate::wire::codec::{Problem, WireError};

/// Offsets that groups have committed; leaves out the records of groups.
pub(super) struct OffsetsMessageFormatter;

/// Groups; leaves out the records of offsets.
pub(super) struct GroupMetadataMessageFormatter;

/// Transactional ids.
pub(super) struct TransactionLogMessageFormatter;

fn copied(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// What the record of a group is about; None without a key.
fn group_key(record: &ConsumerRecordRef<'_>) -> Result<Option<GroupRecordKey>, FormatError> {
    record.key.map(|key| read_key(copied(key)).map_err(unreadable("message key schema version"))).transpose()
}

/// Java's exception for what cannot be read; `version` names what has a version.
fn unreadable(version: &str) -> impl Fn(WireError) -> FormatError {
    move |error| match error.problem {
        Problem::UnsupportedVersion(found) => FormatError::kafka(format!("Unknown {version} {found}")),
        _ => FormatError::Record {
            class: "org.apache.kafka.common.protocol.types.SchemaException",
            message: error.to_string(),
        },
    }
}

impl MessageFormatter for OffsetsMessageFormatter {
    fn write(&self, record: &ConsumerRecordRef<'_>, out: &mut dyn Write) -> Result<(), FormatError> {
        let Some(GroupRecordKey::Offset { group, partition }) = group_key(record)? else { return Ok(()) };
        let value = match record.value {
            None => "NULL".to_owned(),
            Some(value) => {
                let value = read_offset(copied(value)).map_err(unreadable("offset schema version"))?;
                format!(
                    "OffsetAndMetadata(offset={}, leaderEpoch={}, metadata={}, commitTimestamp={}, expireTimestamp={})",
                    value.offset,
                    value
                        .leader_epoch
                        .map_or("Optional.empty".to_owned(), |epoch| format!("Optional[{epoch}]")),
                    value.metadata,
                    value.commit_timestamp,
                    value.expire_timestamp.map_or("None".to_owned(), |time| format!("Some({time})")),
                )
            }
        };
        Ok(writeln!(out, "[{group},{},{}]::{value}", partition.topic, partition.partition)?)
    }
}

impl MessageFormatter for GroupMetadataMessageFormatter {
    fn write(&self, record: &ConsumerRecordRef<'_>, out: &mut dyn Write) -> Result<(), FormatError> {
        let Some(GroupRecordKey::Group(group)) = group_key(record)? else { return Ok(()) };
        let value = match record.value {
            None => "NULL".to_owned(),
            Some(value) => {
                let value = read_group(copied(value)).map_err(unreadable("group metadata version"))?;
                described_group(&group, &value)
            }
        };
        Ok(writeln!(out, "{group}::{value}")?)
    }
}

/// A group as Scala prints it.
fn described_group(group: &str, value: &GroupValue) -> String {
    let protocol = value.protocol_name.as_deref().unwrap_or("null");
    let members = value.members().map(|(id, profile)| {
        let instance = profile.instance.as_deref().unwrap_or("null");
        let instance = if value.has_instances() { format!("Some({instance})") } else { "None".to_owned() };
        let text = format!(
            "{id} -> MemberMetadata(memberId={id}, groupInstanceId={instance}, clientId={}, clientHost={}, \
             sessionTimeoutMs={}, rebalanceTimeoutMs={}, supportedProtocols=List({protocol}), )",
            profile.client_id, profile.client_host, profile.session_timeout, profile.rebalance_timeout,
        );
        (id.to_string(), text)
    });
    let members: Vec<_> =
        jvm_order::scala_mutable_map(members.collect()).into_iter().map(|(_, text)| text).collect();
    format!(
        "GroupMetadata(groupId={group}, generation={}, protocolType={}, currentState={}, members=HashMap({}))",
        value.generation,
        value.protocol_type.as_deref().map_or("None".to_owned(), |kind| format!("Some({kind})")),
        if members.is_empty() { "Empty" } else { "Stable" },
        members.join(", "),
    )
}

impl MessageFormatter for TransactionLogMessageFormatter {
    fn write(&self, record: &ConsumerRecordRef<'_>, out: &mut dyn Write) -> Result<(), FormatError> {
        let Some(key) = record.key else { return Ok(()) };
        let id = decode_key(copied(key)).map_err(|error| of_transaction("key", error))?;
        let value = match record.value {
            None => "NULL".to_owned(),
            Some(value) => {
                let value = TransactionLogValue::decode(copied(value));
                described_transaction(&id, &value.map_err(|error| of_transaction("value", error))?)
            }
        };
        Ok(writeln!(out, "{id}::{value}")?)
    }
}

fn of_transaction(what: &str, error: TransactionLogError) -> FormatError {
    match error {
        TransactionLogError::Version(version) => {
            FormatError::kafka(format!("Unknown transaction log message {what} schema version {version}"))
        }
        TransactionLogError::State(id) => FormatError::Record {
            class: "java.lang.IllegalStateException",
            message: format!("Unknown transaction state byte {id} from the transaction status message"),
        },
        TransactionLogError::Wire(error) => unreadable("version")(error),
    }
}

/// A transaction as Scala prints it.
fn described_transaction(id: &str, value: &TransactionLogValue) -> String {
    format!(
        "TransactionMetadata(transactionalId={id}, producerId={}, producerEpoch={}, txnTimeoutMs={}, state={:?}, \
         pendingState=None, topicPartitions=HashSet({}), txnStartTimestamp={}, txnLastUpdateTimestamp={})",
        value.producer.id,
        value.producer.epoch,
        value.timeout_ms,
        value.state,
        value.partitions_as_printed().join(", "),
        value.start,
        value.last_update,
    )
}
