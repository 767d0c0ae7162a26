//! Records of `__consumer_offsets` as `--offsets-decoder` prints them (`GroupMetadataManager.formatRecordKeyAndValue`).
//!
//! Pure.

use bytes::Bytes;
use serde_json::json;

use super::DumpError;
use crate::base::jvm_order;
use crate::coordinator::group::records::{GroupRecordKey, GroupValue, read_group, read_key, read_offset};
use crate::wire::codec::{Problem, Reader, WireError};
use crate::wire::record::Record;

/// The protocol type of consumers, whose assignments name partitions.
const CONSUMER: &str = "consumer";

/// A record's key and value as text.
///
/// # Errors
/// [`DumpError::Record`] and [`DumpError::Schema`] where they are none of this topic.
pub(super) fn parse(record: &Record) -> Result<(String, String), DumpError> {
    let missing = "Failed to decode message using offset topic decoder (message had a missing key)";
    let key = record.key.clone().ok_or_else(|| DumpError::Record(missing.to_owned()))?;
    let key = read_key(key).map_err(|error| unreadable("message key schema", error))?;
    let value = record.value.clone();
    Ok(match key {
        GroupRecordKey::Offset { group, partition } => {
            let key = format!("offset_commit::group={group},partition={partition}");
            (key, value.map_or_else(deleted, offset)?)
        }
        GroupRecordKey::Group(group) => {
            (format!("group_metadata::group={group}"), value.map_or_else(deleted, group_value)?)
        }
    })
}

fn deleted() -> Result<String, DumpError> {
    Ok("<DELETE>".to_owned())
}

fn unreadable(what: &str, error: WireError) -> DumpError {
    match error.problem {
        Problem::UnsupportedVersion(version) => {
            DumpError::Record(format!("Unknown {what} version {version}"))
        }
        _ => DumpError::Schema(error.to_string()),
    }
}

fn offset(value: Bytes) -> Result<String, DumpError> {
    let value = read_offset(value).map_err(|error| unreadable("offset schema", error))?;
    Ok(match &*value.metadata {
        "" => format!("offset={}", value.offset),
        metadata => format!("offset={},metadata={metadata}", value.offset),
    })
}

fn group_value(value: Bytes) -> Result<String, DumpError> {
    let group = read_group(value).map_err(|error| unreadable("group metadata", error))?;
    let assignment = format!("{{{}}}", assignments(&group)?.join(","));
    let described = json!({
        "protocolType": group.protocol_type.as_deref().unwrap_or_default(),
        "protocol": group.protocol_name.as_deref(),
        "generationId": group.generation,
        "assignment": assignment,
    });
    Ok(described.to_string())
}

/// What each member is to consume, in the order of Kafka's map of members.
fn assignments(group: &GroupValue) -> Result<Vec<String>, DumpError> {
    let is_consumers = group.protocol_type.as_deref() == Some(CONSUMER);
    let members = group.assignments().map(|(member, assignment)| ((**member).to_owned(), assignment));
    let members = jvm_order::scala_mutable_map(members.collect());
    let text = |(member, assignment): (String, &Bytes)| {
        let assignment = if is_consumers { of_consumer(assignment)? } else { hex(assignment) };
        Ok(format!("{member}={assignment}"))
    };
    members.into_iter().map(text).collect()
}

/// The partitions of a consumer's assignment and its user data (`ConsumerProtocol.deserializeAssignment`). A later
/// version begins as this one does.
fn of_consumer(assignment: &Bytes) -> Result<String, DumpError> {
    let underflow =
        |what| DumpError::Schema(format!("Buffer underflow while parsing consumer protocol's {what}"));
    let mut input = Reader::new(assignment.clone());
    let version = input.i16().map_err(|_| underflow("header"))?;
    if version < 0 {
        return Err(DumpError::Schema(format!("Unsupported assignment version: {version}")));
    }
    let (partitions, user_data) = read_assignment(&mut input).map_err(|_| underflow("assignment"))?;
    let partitions = format!("[{}]", partitions.join(", "));
    Ok(if user_data.is_empty() { partitions } else { format!("{partitions}:{}", hex(&user_data)) })
}

fn read_assignment(input: &mut Reader) -> Result<(Vec<String>, Bytes), WireError> {
    let mut partitions = Vec::new();
    for _ in 0..input.i32()?.max(0) {
        let length = input.i16()?;
        let topic = input.take(usize::try_from(length).map_err(|_| Problem::Length(length.into()))?)?;
        let topic = String::from_utf8_lossy(&topic);
        for _ in 0..input.i32()?.max(0) {
            partitions.push(format!("{topic}-{}", input.i32()?));
        }
    }
    let length = input.i32()?;
    // A negative length stands for none.
    Ok((partitions, input.take(usize::try_from(length).unwrap_or_default())?))
}

/// Bytes as one hexadecimal number: no zeros stand in front.
fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    match digits.trim_start_matches('0') {
        "" if !bytes.is_empty() => "0".to_owned(),
        number => number.to_owned(),
    }
}
