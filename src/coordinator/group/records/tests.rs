//! The records against those that Kafka 2.7.2 wrote.

use super::*;
use crate::coordinator::group::load::LoadedGroups;
use crate::coordinator::machine::{CoordinatorRecord, Replayed};
use crate::wire::batch::Batch;
use crate::wire::record::Record;

/// A segment of `__consumer_offsets` of Kafka 2.7.2: groups of all kinds, offsets, also in transactions, tombstones.
const RECORDED: &[u8] = include_bytes!("../../../../tests/formats/data/consumer_offsets.log");

fn recorded() -> Vec<Record> {
    let batches = Batch::split(Bytes::from_static(RECORDED)).map(Result::unwrap);
    batches.flat_map(|batch| batch.records().unwrap()).map(Result::unwrap).collect()
}

#[test]
fn what_kafka_wrote_is_read_and_written_the_same() {
    let (mut offsets, mut groups, mut tombstones) = (0, 0, 0);
    for Record { offset, key, value, .. } in recorded() {
        let key = key.unwrap();
        let read = read_key(key.clone()).unwrap();
        let written = match &read {
            GroupRecordKey::Offset { group, partition } => offset_key(group, partition),
            GroupRecordKey::Group(group) => group_key(group),
        };
        assert_eq!(written, key, "the key at {offset}");
        let Some(value) = value else {
            tombstones += 1;
            continue;
        };
        let written = match read {
            GroupRecordKey::Offset { .. } => {
                offsets += 1;
                offset_value(&read_offset(value.clone()).unwrap(), &KafkaVersion::LATEST)
            }
            GroupRecordKey::Group(group) => {
                groups += 1;
                let read = read_group(value.clone()).unwrap();
                let group = GroupMetadata::new(group, 1, 0).described_by(read);
                group_value(&group, |member| member.assignment.clone(), &KafkaVersion::LATEST)
            }
        };
        assert_eq!(written, value, "the value at {offset}");
    }
    assert!(offsets > 10 && groups > 10 && tombstones > 0, "{offsets} {groups} {tombstones}");
}

#[test]
fn every_version_is_read_as_it_is_written() {
    let offset = OffsetCommitValue {
        offset: 5,
        leader_epoch: Some(3),
        metadata: "note".into(),
        commit_timestamp: 7,
        expire_timestamp: None,
    };
    let of_2_0 = OffsetCommitValue { leader_epoch: None, ..offset.clone() };
    for (version, protocol, read) in [
        (1, KafkaVersion::V2_0_IV1, &of_2_0),
        (2, KafkaVersion::V2_1_IV0, &of_2_0),
        (3, KafkaVersion::V2_1_IV1, &offset),
    ] {
        let written = offset_value(&offset, &protocol);
        assert_eq!((written[1], read_offset(written).as_ref()), (version, Ok(read)));
    }
    let expires = OffsetCommitValue { expire_timestamp: Some(9), ..of_2_0 };
    let written = offset_value(&expires, &KafkaVersion::LATEST);
    assert_eq!((written[1], read_offset(written)), (1, Ok(expires)), "which only version 1 can say");

    let profile = MemberProfile {
        instance: Some("i".into()),
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout: 5,
        session_timeout: 6,
    };
    let protocols = vec![SupportedProtocol { name: "range".into(), metadata: Bytes::from_static(b"x") }];
    let mut group = GroupMetadata::new("g".into(), 1, 44);
    group.protocol_type = Some("consumer".into());
    group.protocol_name = Some("range".into());
    group.generation = 4;
    group.members.insert(MemberMetadata::new("m".into(), profile, protocols));
    for (version, protocol) in [
        (0, KafkaVersion::V0_10_0_IV1),
        (1, KafkaVersion::V2_0_IV1),
        (2, KafkaVersion::V2_2_IV1),
        (3, KafkaVersion::V2_3_IV0),
    ] {
        let written = group_value(&group, |_| Bytes::from_static(b"all"), &protocol);
        assert_eq!(written[1], version);
        let read = read_group(written).unwrap();
        assert_eq!((read.generation, read.leader.as_deref()), (4, Some("m")));
        assert_eq!(read.state_since, (version >= 2).then_some(44));
        let member = &read.members[0];
        assert_eq!(member.profile.instance.is_some(), version >= 3);
        let rebalance = if version == 0 { 6 } else { 5 };
        assert_eq!((member.profile.rebalance_timeout, member.profile.session_timeout), (rebalance, 6));
        assert_eq!((&*member.assignment, &*member.protocols[0].metadata), (&b"all"[..], &b"x"[..]));
    }
}

#[test]
fn what_is_no_record_of_a_coordinator_is_an_error_and_no_panic() {
    for Record { key, value, .. } in recorded() {
        let (key, value) = (key.unwrap(), value.unwrap_or_default());
        for end in 0..key.len() {
            assert!(read_key(key.slice(..end)).is_err());
        }
        for end in 0..value.len() {
            assert!(read_offset(value.slice(..end)).is_err() || read_group(value.slice(..end)).is_err());
        }
    }
    assert!(read_key(Bytes::from_static(b"\0\x03\0\x01g")).is_err());
    let mut loaded = LoadedGroups::default();
    let record = CoordinatorRecord { key: Bytes::from_static(b"\0\x09"), value: None };
    loaded.replay(Replayed::Record { offset: 3, timestamp: 0, producer: None, record });
    assert_eq!(loaded.faults().len(), 1);
}
