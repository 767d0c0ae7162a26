use super::*;
use crate::base::TopicPartition;
use crate::config::KafkaVersion;
use crate::coordinator::group::records::{group_key, offset_key, offset_value};
use crate::coordinator::group::request::OffsetCommitValue;
use crate::coordinator::txn::records::encode_key;
use crate::wire::batch::TimestampType;
use crate::wire::record::{Record, RecordHeaders};

/// What a formatter prints of a record, and the error that ended it.
fn written(class: &str, properties: &[(&str, &str)], record: &Record) -> (String, Option<String>) {
    let formatter =
        formatter(class, &properties.iter().copied().collect()).unwrap_or_else(|error| panic!("{error:?}"));
    let mut out = Vec::new();
    let consumed = ConsumerRecordRef {
        partition: &TopicPartition::new("t", 2),
        offset: record.offset,
        leader_epoch: None,
        timestamp: record.timestamp,
        timestamp_type: if record.timestamp < 0 { TimestampType::None } else { TimestampType::CreateTime },
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: RecordHeaders::List(&record.headers),
    };
    let error = formatter.write(&consumed, &mut out).err().map(|error| error.to_string());
    (String::from_utf8(out).unwrap(), error)
}

fn printed(properties: &[(&str, &str)], record: Record) -> String {
    let (text, error) = written(DEFAULT, properties, &record);
    assert_eq!(error, None);
    text
}

const ALL: [(&str, &str); 6] = [
    ("print.key", "true"),
    ("print.timestamp", "true"),
    ("print.offset", "true"),
    ("print.partition", "true"),
    ("print.headers", "true"),
    ("key.separator", "|"),
];

#[test]
fn the_value_alone_or_everything() {
    let record =
        Record { offset: 3, timestamp: 1795207253897, value: Some("v1".into()), ..Record::default() };
    assert_eq!(printed(&[], record.clone()), "v1\n");
    let all = printed(&ALL, record.clone());
    assert_eq!(all, "CreateTime:1795207253897|Partition:2|Offset:3|NO_HEADERS|null|v1\n");
    let headers = vec![("a".to_owned(), Some("1".into())), ("b".to_owned(), None)];
    let more = Record { key: Some("k".into()), headers, timestamp: -1, ..record };
    assert_eq!(printed(&ALL, more), "NO_TIMESTAMP|Partition:2|Offset:3|a:1,b:null|k|v1\n");
}

#[test]
fn the_last_part_ends_the_line_and_no_part_makes_no_line() {
    let record = Record { key: Some("k".into()), value: Some("v".into()), ..Record::default() };
    let key = [("print.key", "true"), ("print.value", "false"), ("line.separator", ";")];
    assert_eq!(printed(&key, record.clone()), "k;");
    assert_eq!(printed(&[("print.value", "false")], record.clone()), "");
    let offset = [("print.offset", "TRUE "), ("print.value", "no")];
    assert_eq!(printed(&offset, record), "Offset:0\n");
}

/// How a value is printed, or else why it cannot be.
fn value(class: &str, more: &[(&str, &str)], bytes: &[u8]) -> String {
    let class = format!("org.apache.kafka.common.serialization.{class}");
    let properties = [&[("value.deserializer", class.as_str())], more].concat();
    let record = Record { value: Some(bytes.to_vec().into()), ..Record::default() };
    match written(DEFAULT, &properties, &record) {
        (text, None) => text.trim_end_matches('\n').to_owned(),
        (_, Some(error)) => error,
    }
}

#[test]
fn values_are_read_by_the_deserializer_that_is_named() {
    let shown = |class, bytes: &[u8]| value(class, &[], bytes);
    assert_eq!(shown("IntegerDeserializer", &[0xff, 0xff, 0xff, 0xfe]), "-2");
    assert_eq!(shown("LongDeserializer", &258i64.to_be_bytes()), "258");
    assert_eq!(shown("ShortDeserializer", &[1, 0]), "256");
    assert_eq!(shown("FloatDeserializer", &1.5e10f32.to_be_bytes()), "1.5E10");
    assert_eq!(shown("FloatDeserializer", &0.1f32.to_be_bytes()), "0.1");
    assert_eq!(shown("DoubleDeserializer", &100f64.to_be_bytes()), "100.0");
    assert_eq!(shown("BytesDeserializer", b"a\\\x00z"), "a\\x5C\\x00z");
    assert_eq!(shown("ByteBufferDeserializer", b"abc"), "java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]");
    assert_eq!(shown("ByteArrayDeserializer", b"abc"), "abc");
    assert_eq!(shown("StringDeserializer", b"a\xffb"), "a\u{fffd}b");
    let uuid = "123e4567-e89b-12d3-a456-426614174000";
    assert_eq!(shown("UUIDDeserializer", uuid.as_bytes()), uuid);
}

#[test]
fn a_text_has_the_encoding_that_is_wanted() {
    let encoded = |name, bytes: &[u8]| {
        value("StringDeserializer", &[("value.deserializer.deserializer.encoding", name)], bytes)
    };
    assert_eq!(encoded("UTF-16", &[0xff, 0xfe, b'a', 0]), "a");
    assert_eq!(encoded("UTF-16", &[0, b'a', 7]), "a\u{fffd}");
    assert_eq!(encoded("iso-8859-1", &[0xe4]), "ä");
    assert_eq!(encoded("US-ASCII", &[b'x', 0xe4]), "x\u{fffd}");
    assert_eq!(
        encoded("EBCDIC", b"x"),
        "Error when deserializing byte[] to string due to unsupported encoding EBCDIC"
    );
    let own = [
        ("value.deserializer.deserializer.encoding", "UTF-16LE"),
        ("value.deserializer.value.deserializer.encoding", "UTF-16BE"),
    ];
    assert_eq!(value("StringDeserializer", &own, &[0, b'a']), "a");
}

#[test]
fn what_a_deserializer_cannot_read_is_refused_in_its_words() {
    let refused = |class, bytes: &[u8]| value(class, &[], bytes);
    assert_eq!(refused("LongDeserializer", b"abc"), "Size of data received by LongDeserializer is not 8");
    assert_eq!(refused("FloatDeserializer", b"abc"), "Size of data received by Deserializer is not 4");
    assert_eq!(refused("UUIDDeserializer", b"abc"), "Error parsing data into UUID");
    assert_eq!(refused("VoidDeserializer", b""), "Data should be null for a VoidDeserializer.");
    // The literal for null goes through the deserializer, too.
    let class = "org.apache.kafka.common.serialization.LongDeserializer";
    let null = written(DEFAULT, &[("value.deserializer", class)], &Record::default());
    assert_eq!(null.1.unwrap(), "Size of data received by LongDeserializer is not 8");
    for unknown in ["no.such.Deserializer", "org.apache.kafka.common.serialization.NoSuch"] {
        let properties = [("key.deserializer", unknown)].into_iter().collect();
        let error = formatter(DEFAULT, &properties).err();
        assert_eq!(error, Some(UnknownClass(unknown.to_owned())));
    }
    assert!(formatter("no.such.Formatter", &Properties::default()).is_err());
}

#[test]
fn the_small_formatters_print_what_they_printed() {
    let record = Record { value: Some("v".into()), ..Record::default() };
    let text = |class, properties: &[(&str, &str)]| written(class, properties, &record).0;
    assert_eq!(text("kafka.tools.NoOpMessageFormatter", &[]), "");
    assert_eq!(text("kafka.tools.LoggingMessageFormatter", &[("print.key", "true")]), "null\tv\n");
    assert_eq!(text("kafka.tools.ChecksumMessageFormatter", &[]), "checksum:0\n");
    assert_eq!(text("kafka.tools.ChecksumMessageFormatter", &[("topic", "t")]), "t:checksum:0\n");
}

const OFFSETS: &str = "kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter";
const GROUPS: &str = "kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter";
const TRANSACTIONS: &str = "kafka.coordinator.transaction.TransactionLog$TransactionLogMessageFormatter";

#[test]
fn committed_offsets_are_printed_as_scala_prints_them() {
    let key = offset_key("cg1", &TopicPartition::new("p", 0));
    let offset = OffsetCommitValue {
        offset: 10,
        leader_epoch: Some(0),
        metadata: "".into(),
        commit_timestamp: 1795207319219,
        expire_timestamp: None,
    };
    let text =
        |value| written(OFFSETS, &[], &Record { key: Some(key.clone()), value, ..Record::default() }).0;
    assert_eq!(
        text(Some(offset_value(&offset, &KafkaVersion::LATEST))),
        "[cg1,p,0]::OffsetAndMetadata(offset=10, leaderEpoch=Optional[0], metadata=, \
         commitTimestamp=1795207319219, expireTimestamp=None)\n"
    );
    let expiring = OffsetCommitValue { leader_epoch: None, expire_timestamp: Some(7), ..offset };
    assert_eq!(
        text(Some(offset_value(&expiring, &KafkaVersion::LATEST))),
        "[cg1,p,0]::OffsetAndMetadata(offset=10, leaderEpoch=Optional.empty, metadata=, \
         commitTimestamp=1795207319219, expireTimestamp=Some(7))\n"
    );
    assert_eq!(text(None), "[cg1,p,0]::NULL\n");
    let group = Record { key: Some(group_key("cg1")), ..Record::default() };
    assert_eq!(written(OFFSETS, &[], &group), (String::new(), None), "a group's record is left out");
    assert_eq!(written(OFFSETS, &[], &Record::default()), (String::new(), None), "without a key");
    let other = Record { key: Some(vec![0, 9].into()), ..Record::default() };
    assert_eq!(written(OFFSETS, &[], &other).1.unwrap(), "Unknown message key schema version 9");
}

/// A group's value of a version, with one member where it has an id.
fn group_value(version: i16, member: Option<&str>) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as i16).to_be_bytes()[..], text.as_bytes()].concat();
    let mut value =
        [&version.to_be_bytes()[..], &text("consumer"), &5i32.to_be_bytes(), &text("range")].concat();
    value.extend((-1i16).to_be_bytes());
    if version >= 2 {
        value.extend((-1i64).to_be_bytes());
    }
    value.extend(i32::from(member.is_some()).to_be_bytes());
    if let Some(member) = member {
        value.extend(text(member));
        if version >= 3 {
            value.extend((-1i16).to_be_bytes());
        }
        value.extend([text("client"), text("/127.0.0.1")].concat());
        value.extend([300_000i32, 10_000, 0, 0].map(i32::to_be_bytes).concat());
    }
    value
}

#[test]
fn groups_are_printed_as_scala_prints_them() {
    let text = |value: Vec<u8>| {
        let record = Record { key: Some(group_key("g")), value: Some(value.into()), ..Record::default() };
        written(GROUPS, &[], &record).0
    };
    assert_eq!(
        text(group_value(3, None)),
        "g::GroupMetadata(groupId=g, generation=5, protocolType=Some(consumer), currentState=Empty, members=HashMap())\n"
    );
    let member = |instance| {
        format!(
            "g::GroupMetadata(groupId=g, generation=5, protocolType=Some(consumer), currentState=Stable, \
             members=HashMap(m1 -> MemberMetadata(memberId=m1, groupInstanceId={instance}, clientId=client, \
             clientHost=/127.0.0.1, sessionTimeoutMs=10000, rebalanceTimeoutMs=300000, \
             supportedProtocols=List(range), )))\n"
        )
    };
    assert_eq!(text(group_value(3, Some("m1"))), member("Some(null)"));
    assert_eq!(text(group_value(2, Some("m1"))), member("None"));
    let offset = Record { key: Some(offset_key("g", &TopicPartition::new("p", 0))), ..Record::default() };
    assert_eq!(written(GROUPS, &[], &offset), (String::new(), None), "an offset's record is left out");
}

#[test]
fn transactional_ids_are_printed_as_scala_prints_them() {
    let key = Some(encode_key("tx").unwrap());
    let mut value = vec![0, 0];
    value.extend(7i64.to_be_bytes());
    value.extend([0, 2, 0, 0, 0xea, 0x60, 1]);
    value.extend([1i32.to_be_bytes().to_vec(), vec![0, 1, b't'], 1i32.to_be_bytes().to_vec()].concat());
    value.extend(4i32.to_be_bytes());
    value.extend([9i64.to_be_bytes(), 8i64.to_be_bytes()].concat());
    let record = Record { key: key.clone(), value: Some(value.into()), ..Record::default() };
    assert_eq!(
        written(TRANSACTIONS, &[], &record).0,
        "tx::TransactionMetadata(transactionalId=tx, producerId=7, producerEpoch=2, txnTimeoutMs=60000, \
         state=Ongoing, pendingState=None, topicPartitions=HashSet(t-4), txnStartTimestamp=8, \
         txnLastUpdateTimestamp=9)\n"
    );
    let gone = Record { key, ..Record::default() };
    assert_eq!(written(TRANSACTIONS, &[], &gone).0, "tx::NULL\n");
}
