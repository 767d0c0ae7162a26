use super::*;
use crate::base::TopicPartition;
use crate::wire::record::Record;

fn printed(properties: &[(&str, &str)], record: Record) -> String {
    let formatter = Formatter::new(DEFAULT, &properties.iter().copied().collect()).unwrap();
    let mut out = Vec::new();
    let consumed = Consumed { partition: TopicPartition::new("t", 2), record, append_time: false };
    formatter.print(&mut out, &consumed).unwrap();
    String::from_utf8(out).unwrap()
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
fn numbers_are_read_as_numbers() {
    let record = Record { value: Some(vec![0xff, 0xff, 0xff, 0xfe].into()), ..Record::default() };
    let class = "org.apache.kafka.common.serialization.IntegerDeserializer";
    assert_eq!(printed(&[("value.deserializer", class)], record), "-2\n");
    assert!(Formatter::new("no.such.Formatter", &Properties::default()).is_err());
}
