//! The znodes of a 2.7 cluster: one file each, with its path and its data, byte for byte as Kafka writes
//! them.
//!
//! Pure. The twin of each file is the schema of the same name in `zk-schema/`. Kafka: `ZkData.scala`.

pub mod acl;
pub mod acl_change;
pub mod acl_extended;
pub mod acl_extended_change;
pub mod broker;
pub mod broker_sequence;
pub mod cluster_id;
pub mod config_change;
pub mod config_entity;
pub mod consumer_offset;
pub mod consumer_owner;
pub mod consumer_registration;
pub mod controller;
pub mod controller_epoch;
pub mod delete_topic;
pub mod feature;
pub mod isr_change;
pub mod log_dir_event;
pub mod partition_state;
pub mod preferred_election;
pub mod producer_id_block;
pub mod reassign_partitions;
pub mod token;
pub mod token_change;
pub mod topic;

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use serde_json::{Map, Serializer, Value};

use crate::base::TopicPartition;

/// Data that are not valid for their znode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the znode cannot be read: {0}")]
pub struct ZnodeError(pub String);

impl From<serde_json::Error> for ZnodeError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// The JSON object in the data.
fn object(data: &[u8]) -> Result<Map<String, Value>, ZnodeError> {
    match serde_json::from_slice(data)? {
        Value::Object(object) => Ok(object),
        other => Err(ZnodeError(format!("{other} is no object"))),
    }
}

/// Compact JSON as Jackson writes it: control characters are escaped with upper-case digits.
struct Jackson;

impl Formatter for Jackson {
    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::AsciiControl(byte) => write!(out, "\\u{byte:04X}"),
            other => CompactFormatter.write_char_escape(out, other),
        }
    }
}

/// The compact text of a JSON value.
fn bytes(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut text, Jackson));
    debug_assert!(written.is_ok(), "a value's keys are texts, and a Vec takes all that is written");
    text
}

/// An integer of an object, which Kafka writes as a number or, in some znodes, as a text.
fn number<N: TryFrom<i64>>(object: &Map<String, Value>, key: &str) -> Result<N, ZnodeError> {
    let found = match object.get(key) {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    found.and_then(|number| N::try_from(number).ok()).ok_or_else(|| ZnodeError(format!("no number {key}")))
}

/// A text of an object.
fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a str, ZnodeError> {
    object.get(key).and_then(Value::as_str).ok_or_else(|| ZnodeError(format!("no text {key}")))
}

/// A list of broker ids.
fn ids(value: &Value) -> Result<Vec<i32>, ZnodeError> {
    let id = |value: &Value| value.as_i64().and_then(|id| i32::try_from(id).ok());
    let list = value.as_array().and_then(|list| list.iter().map(id).collect::<Option<Vec<i32>>>());
    list.ok_or_else(|| ZnodeError(format!("{value} is no list of broker ids")))
}

/// The fields of an object that are none of these: fields of a newer version, to be written back.
fn others(object: &Map<String, Value>, known: &[&str]) -> Map<String, Value> {
    object
        .iter()
        .filter(|(key, _)| !known.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// A partition that a list names, with the fields of its entry.
type Named = (TopicPartition, Map<String, Value>);

/// The partitions of `{"version":…,"partitions":[{"topic":…,"partition":…},…]}`, each with its object.
fn partitions(data: &[u8]) -> Result<Vec<Named>, ZnodeError> {
    let object = object(data)?;
    let list = object
        .get("partitions")
        .and_then(Value::as_array)
        .ok_or_else(|| ZnodeError("no list partitions".to_owned()))?;
    list.iter()
        .map(|entry| {
            let entry = entry.as_object().ok_or_else(|| ZnodeError(format!("{entry} is no object")))?;
            Ok((TopicPartition::new(text(entry, "topic")?, number(entry, "partition")?), entry.clone()))
        })
        .collect()
}

/// The path of a sequential change's name, or None if the name is none: the digits behind `prefix`.
pub fn sequence_number(name: &str, prefix: &str) -> Option<i64> {
    name.strip_prefix(prefix)?.parse().ok()
}

#[cfg(test)]
mod tests;
