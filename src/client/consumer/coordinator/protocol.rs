//! What the members of a consumer group write to each other: subscriptions and assignments.
//!
//! Pure. The group's coordinator carries these bytes and does not look into them. Versions 0 and 1 are known; a later
//! one begins as version 1 does. Never allocates by a count that it has not read. Kafka: `ConsumerProtocol`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;

use super::assignor::{ConsumerAssignment, ConsumerSubscription};
use crate::base::{TopicPartition, jvm_order};
use crate::wire::codec::{Problem, Reader, WireError, Writer};

/// The protocol type of consumers, as JoinGroup names it.
pub(super) const PROTOCOL_TYPE: &str = "consumer";

/// The newest version that is written: with owned partitions (KIP-429).
const VERSION: i16 = 1;

/// Gives every topic's name once in memory, however many members of a group name it.
#[derive(Debug, Default)]
pub(super) struct TopicNames(HashSet<Arc<str>>);

impl TopicNames {
    fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.0.insert(name.clone());
        name
    }
}

/// A subscription as a member sends it when it joins.
pub(super) fn write_subscription(subscription: &ConsumerSubscription) -> Bytes {
    let mut out = Writer::new();
    out.i16(VERSION);
    write_count(&mut out, subscription.topics.len());
    subscription.topics.iter().for_each(|topic| write_text(&mut out, topic));
    write_nullable_bytes(&mut out, subscription.user_data.as_ref());
    write_partitions(&mut out, &subscription.owned_partitions);
    whole(out)
}

/// Reads a member's subscription.
///
/// # Errors
/// The bytes are no subscription.
pub(super) fn read_subscription(
    bytes: &Bytes,
    names: &mut TopicNames,
) -> Result<ConsumerSubscription, WireError> {
    let mut input = Reader::new(bytes.clone());
    let version = read_version(&mut input)?;
    let mut topics = Vec::new();
    for _ in 0..read_count(&mut input)? {
        topics.push(read_text(&mut input, names)?);
    }
    let user_data = read_nullable_bytes(&mut input)?;
    let owned_partitions = if version >= 1 { read_partitions(&mut input, names)? } else { Vec::new() };
    Ok(ConsumerSubscription { topics, user_data, owned_partitions, group_instance_id: None })
}

/// An assignment as the leader sends it to a member.
pub(super) fn write_assignment(assignment: &ConsumerAssignment) -> Bytes {
    let mut out = Writer::new();
    out.i16(VERSION);
    write_partitions(&mut out, &assignment.partitions);
    write_nullable_bytes(&mut out, assignment.user_data.as_ref());
    whole(out)
}

/// Reads the assignment that the leader made for this member.
///
/// # Errors
/// The bytes are no assignment.
pub(in crate::client) fn read_assignment(bytes: &Bytes) -> Result<ConsumerAssignment, WireError> {
    let mut input = Reader::new(bytes.clone());
    read_version(&mut input)?;
    let partitions = read_partitions(&mut input, &mut TopicNames::default())?;
    let user_data = read_nullable_bytes(&mut input)?;
    Ok(ConsumerAssignment { partitions, user_data })
}

/// A topic and the numbers of its partitions.
struct TopicNumbers<'a> {
    topic: &'a str,
    partitions: Vec<i32>,
}

/// Topics in the order of Kafka's clients, each with its partitions in the order they have.
pub(super) fn write_partitions(out: &mut Writer, partitions: &[TopicPartition]) {
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    let mut topics: Vec<(i32, TopicNumbers)> = Vec::new();
    let mut last_is_new = false;
    for TopicPartition { topic, partition } in partitions {
        let known = topics.len();
        let slot = *at.entry(topic).or_insert_with(|| {
            topics.push((jvm_order::hash_code(topic), TopicNumbers { topic, partitions: Vec::new() }));
            known
        });
        topics[slot].1.partitions.push(*partition);
        last_is_new = topics.len() > known;
    }
    write_count(out, topics.len());
    for TopicNumbers { topic, partitions } in jvm_order::java_map_of_computed(topics, last_is_new) {
        write_text(out, topic);
        write_count(out, partitions.len());
        partitions.into_iter().for_each(|partition| out.i32(partition));
    }
}

/// The partitions that [`write_partitions`] has written.
///
/// # Errors
/// The bytes are no list of topics and partitions.
pub(super) fn read_partitions(
    input: &mut Reader,
    names: &mut TopicNames,
) -> Result<Vec<TopicPartition>, WireError> {
    let mut partitions = Vec::new();
    for _ in 0..read_count(input)? {
        let topic = read_text(input, names)?;
        for _ in 0..read_count(input)? {
            partitions.push(TopicPartition { topic: topic.clone(), partition: input.i32()? });
        }
    }
    Ok(partitions)
}

fn read_version(input: &mut Reader) -> Result<i16, WireError> {
    let version = input.i16()?;
    if version < 0 { Err(Problem::UnsupportedVersion(version).into()) } else { Ok(version) }
}

/// A count; every item that it counts has bytes, so the input's end bounds the loop over them.
fn read_count(input: &mut Reader) -> Result<i32, WireError> {
    let count = input.i32()?;
    if count < 0 { Err(Problem::Length(count.into()).into()) } else { Ok(count) }
}

fn read_text(input: &mut Reader, names: &mut TopicNames) -> Result<Arc<str>, WireError> {
    let length = input.i16()?;
    let bytes = input.take(usize::try_from(length).map_err(|_| Problem::Length(length.into()))?)?;
    Ok(names.of(&String::from_utf8_lossy(&bytes)))
}

fn read_nullable_bytes(input: &mut Reader) -> Result<Option<Bytes>, WireError> {
    // A negative length stands for null.
    usize::try_from(input.i32()?).ok().map(|length| input.take(length)).transpose()
}

fn write_count(out: &mut Writer, count: usize) {
    out.i32(i32::try_from(count).unwrap_or(i32::MAX));
}

/// A text of at most 32,767 bytes; a topic's name has at most 249.
fn write_text(out: &mut Writer, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(i16::MAX as usize)];
    out.i16(i16::try_from(bytes.len()).unwrap_or(i16::MAX));
    out.raw(bytes);
}

fn write_nullable_bytes(out: &mut Writer, bytes: Option<&Bytes>) {
    match bytes {
        None => out.i32(-1),
        Some(bytes) => {
            write_count(out, bytes.len());
            out.raw(bytes);
        }
    }
}

/// What was written; nothing of it lies in a file, so nothing can fail.
pub(super) fn whole(out: Writer) -> Bytes {
    out.into_bytes().unwrap_or_default()
}

#[cfg(test)]
mod tests;
