//! The records of `__consumer_offsets`: a key that names an offset or a group, and what is so of it.
//!
//! Pure. Keys: version 0 and 1 name an offset, 2 a group. Values: offsets 0-3, groups 0-3; which is written follows
//! from `inter.broker.protocol.version`, all are read. Kafka: `GroupMetadataManager.readMessageKey`,
//! `offsetCommitValue`, `groupMetadataValue`, `readGroupMessageValue`.
//!
//! ```text
//! offset key v1:    version:i16 group topic partition:i32
//! offset value v3:  version:i16 offset:i64 leader_epoch:i32 metadata commit_timestamp:i64
//! group key v2:     version:i16 group
//! group value v3:   version:i16 protocol_type generation:i32 protocol? leader? state_since:i64 [member]
//!   member:         id instance? client_id client_host rebalance:i32 session:i32 subscription assignment
//! ```

use std::sync::Arc;

use bytes::Bytes;

use super::member::{MemberMetadata, MemberProfile, SupportedProtocol};
use super::metadata::GroupMetadata;
use super::request::OffsetCommitValue;
use crate::base::{Millis, TopicPartition};
use crate::config::KafkaVersion;
use crate::wire::codec::{Problem, Reader, WireError};

const OFFSET_KEY: i16 = 1;
const GROUP_KEY: i16 = 2;
/// The first version of a group's value that has the `group.instance.id` of members.
const INSTANCES_FROM: i16 = 3;

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRecordKey {
    /// The offset of a group in a partition.
    Offset {
        /// The group.
        group: Arc<str>,
        /// The partition.
        partition: TopicPartition,
    },
    /// A group.
    Group(Arc<str>),
}

/// A group as a record describes it.
#[derive(Clone, Debug)]
pub struct GroupValue {
    /// The kind of group; None for none.
    pub protocol_type: Option<Arc<str>>,
    /// Its generation.
    pub generation: i32,
    /// The protocol that it uses.
    pub protocol_name: Option<Arc<str>>,
    /// The id of the member that assigns.
    pub leader: Option<Arc<str>>,
    /// Since when it is in its state; None where that is not known.
    pub state_since: Option<Millis>,
    /// Its members.
    pub(super) members: Vec<MemberMetadata>,
    /// The version of the record's layout.
    version: i16,
}

impl GroupValue {
    /// The ids of its members and what they are, in the order of the record.
    pub fn members(&self) -> impl Iterator<Item = (&Arc<str>, &MemberProfile)> {
        self.members.iter().map(|member| (&member.id, &member.profile))
    }

    /// Whether the record has the `group.instance.id` of its members: older ones do not.
    pub fn has_instances(&self) -> bool {
        self.version >= INSTANCES_FROM
    }

    /// What each member is to consume, in the order of the record.
    pub fn assignments(&self) -> impl Iterator<Item = (&Arc<str>, &Bytes)> {
        self.members.iter().map(|member| (&member.id, &member.assignment))
    }
}

/// The key of an offset.
pub fn offset_key(group: &str, partition: &TopicPartition) -> Bytes {
    let mut out = RecordWriter::new(OFFSET_KEY, 10 + group.len() + partition.topic.len());
    out.string(group);
    out.string(&partition.topic);
    out.i32(partition.partition);
    out.finish()
}

/// The key of a group.
pub fn group_key(group: &str) -> Bytes {
    let mut out = RecordWriter::new(GROUP_KEY, 4 + group.len());
    out.string(group);
    out.finish()
}

/// The value of an offset, as brokers of this protocol version read it.
pub fn offset_value(offset: &OffsetCommitValue, protocol: &KafkaVersion) -> Bytes {
    let version = if !protocol.at_least(KafkaVersion::V2_1_IV0) || offset.expire_timestamp.is_some() {
        1
    } else if !protocol.at_least(KafkaVersion::V2_1_IV1) {
        2
    } else {
        3
    };
    let mut out = RecordWriter::new(version, 32 + offset.metadata.len());
    out.i64(offset.offset);
    if version >= 3 {
        out.i32(offset.leader_epoch.unwrap_or(-1));
    }
    out.string(&offset.metadata);
    out.i64(offset.commit_timestamp);
    if version == 1 {
        out.i64(offset.expire_timestamp.unwrap_or(-1));
    }
    out.finish()
}

/// The value of a group, as brokers of this protocol version read it. Each member has the assignment that `assignment`
/// gives it.
pub(super) fn group_value(
    group: &GroupMetadata,
    assignment: impl Fn(&MemberMetadata) -> Bytes,
    protocol: &KafkaVersion,
) -> Bytes {
    let version = if !protocol.at_least(KafkaVersion::V0_10_1_IV0) {
        0
    } else if !protocol.at_least(KafkaVersion::V2_1_IV0) {
        1
    } else if !protocol.at_least(KafkaVersion::V2_3_IV0) {
        2
    } else {
        3
    };
    let mut out = RecordWriter::new(version, 256);
    out.string(group.protocol_type.as_deref().unwrap_or_default());
    out.i32(group.generation);
    out.nullable(group.protocol_name.as_deref());
    out.nullable(group.members.leader().map(|leader| &**leader));
    if version >= 2 {
        out.i64(group.state_since().unwrap_or(-1));
    }
    out.count(group.members.len());
    let protocol = group.protocol_name.as_deref().unwrap_or_default();
    for member in group.members.iter() {
        out.member(version, member, protocol, &assignment(member));
    }
    out.finish()
}

/// What a record is about.
///
/// # Errors
/// It cannot be read, or is about something that 2.7 does not know.
pub fn read_key(key: Bytes) -> Result<GroupRecordKey, WireError> {
    let mut input = Reader::new(key);
    match input.i16()? {
        0 | OFFSET_KEY => {
            let group = string(&mut input)?;
            let topic = string(&mut input)?;
            let partition = TopicPartition { topic, partition: input.i32()? };
            Ok(GroupRecordKey::Offset { group, partition })
        }
        GROUP_KEY => Ok(GroupRecordKey::Group(string(&mut input)?)),
        other => Err(Problem::UnsupportedVersion(other).into()),
    }
}

/// An offset.
///
/// # Errors
/// It cannot be read.
pub fn read_offset(value: Bytes) -> Result<OffsetCommitValue, WireError> {
    let mut input = Reader::new(value);
    let version = input.i16()?;
    if !(0..=3).contains(&version) {
        return Err(Problem::UnsupportedVersion(version).into());
    }
    let offset = input.i64()?;
    let leader_epoch = if version >= 3 { Some(input.i32()?).filter(|epoch| *epoch >= 0) } else { None };
    let metadata = string(&mut input)?;
    let commit_timestamp = input.i64()?;
    let expire_timestamp = if version == 1 { Some(input.i64()?).filter(|at| *at != -1) } else { None };
    Ok(OffsetCommitValue { offset, leader_epoch, metadata, commit_timestamp, expire_timestamp })
}

/// A group.
///
/// # Errors
/// It cannot be read.
pub fn read_group(value: Bytes) -> Result<GroupValue, WireError> {
    let mut input = Reader::new(value);
    let version = input.i16()?;
    if !(0..=3).contains(&version) {
        return Err(Problem::UnsupportedVersion(version).into());
    }
    let protocol_type = Some(string(&mut input)?).filter(|it| !it.is_empty());
    let generation = input.i32()?;
    let protocol_name = nullable(&mut input)?;
    let leader = nullable(&mut input)?;
    let state_since = if version >= 2 { Some(input.i64()?).filter(|at| *at != -1) } else { None };
    let count = input.i32()?;
    let mut members = Vec::new();
    for _ in 0..count.max(0) {
        members.push(read_member(&mut input, version, protocol_name.as_ref())?);
    }
    Ok(GroupValue { protocol_type, generation, protocol_name, leader, state_since, members, version })
}

fn read_member(
    input: &mut Reader,
    version: i16,
    protocol: Option<&Arc<str>>,
) -> Result<MemberMetadata, WireError> {
    let id = string(input)?;
    let instance = if version >= INSTANCES_FROM { nullable(input)? } else { None };
    let (client_id, client_host) = (string(input)?, string(input)?);
    let rebalance = if version >= 1 { Some(input.i32()?) } else { None };
    let session = input.i32()?;
    let (metadata, assignment) = (bytes(input)?, bytes(input)?);
    let profile = MemberProfile {
        instance,
        client_id,
        client_host,
        rebalance_timeout: Millis::from(rebalance.unwrap_or(session)),
        session_timeout: Millis::from(session),
    };
    let name = protocol.cloned().unwrap_or_default();
    let mut member = MemberMetadata::new(id, profile, vec![SupportedProtocol { name, metadata }]);
    member.assignment = assignment;
    Ok(member)
}

fn string(input: &mut Reader) -> Result<Arc<str>, WireError> {
    nullable(input)?.ok_or(Problem::Null.into())
}

fn nullable(input: &mut Reader) -> Result<Option<Arc<str>>, WireError> {
    let length = input.i16()?;
    if length < 0 {
        return Ok(None);
    }
    let text = input.take(usize::from(length.unsigned_abs()))?;
    Ok(Some(String::from_utf8_lossy(&text).into()))
}

/// Bytes of their own, so that the batch that they come from is not kept.
fn bytes(input: &mut Reader) -> Result<Bytes, WireError> {
    let length = input.i32()?;
    let length = usize::try_from(length).map_err(|_| Problem::Length(length.into()))?;
    Ok(Bytes::copy_from_slice(&input.take(length)?))
}

/// A key or a value as it is written.
struct RecordWriter(Vec<u8>);

impl RecordWriter {
    fn new(version: i16, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend(version.to_be_bytes());
        Self(out)
    }

    fn i32(&mut self, value: i32) {
        self.0.extend(value.to_be_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.0.extend(value.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.i32(i32::try_from(count).unwrap_or(i32::MAX));
    }

    /// A text of at most `i16::MAX` bytes, as none that comes in is longer: neither a field of a request nor a member's
    /// id ([`super::join::MAX_ID_PREFIX`]).
    fn string(&mut self, text: &str) {
        let length = i16::try_from(text.len()).expect("a text of a request");
        self.0.extend(length.to_be_bytes());
        self.0.extend(text.as_bytes());
    }

    fn nullable(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.0.extend((-1i16).to_be_bytes()),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
    }

    fn member(&mut self, version: i16, member: &MemberMetadata, protocol: &str, assignment: &[u8]) {
        let MemberProfile { instance, client_id, client_host, rebalance_timeout, session_timeout } =
            &member.profile;
        let millis = |timeout: Millis| i32::try_from(timeout).unwrap_or(i32::MAX);
        self.string(&member.id);
        if version >= INSTANCES_FROM {
            self.nullable(instance.as_deref());
        }
        self.string(client_id);
        self.string(client_host);
        if version >= 1 {
            self.i32(millis(*rebalance_timeout));
        }
        self.i32(millis(*session_timeout));
        self.bytes(member.metadata(protocol).map_or(&[][..], |it| it));
        self.bytes(assignment);
    }

    fn finish(self) -> Bytes {
        Bytes::from(self.0)
    }
}

#[cfg(test)]
mod tests;
