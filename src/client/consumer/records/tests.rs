use super::*;
use crate::wire::batch::BatchBuilder;
use crate::wire::batch::{BATCH_OVERHEAD, Batch};

fn id(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

/// The values as records of one batch.
fn chunk(base_offset: Offset, values: &[&str]) -> RecordChunk {
    let mut builder = BatchBuilder::new().base_offset(base_offset).leader_epoch(4);
    for value in values {
        let headers = [("h".to_owned(), Some(Bytes::from_static(b"1"))), ("n".to_owned(), None)];
        builder.push(50, Some(b"k"), Some(value.as_bytes()), &headers);
    }
    let bytes = builder.build().unwrap();
    let batch = Batch::parse(&bytes).unwrap();
    RecordChunk {
        bytes: bytes.slice(BATCH_OVERHEAD..),
        count: values.len(),
        base: BatchBase::of(batch.header()),
        timestamp_type: TimestampType::CreateTime,
        leader_epoch: Some(4),
    }
}

fn some() -> ConsumerRecords {
    let mut records = ConsumerRecords::default();
    records.push(&id(0), chunk(5, &["a", "b"]));
    records.push(&id(1), chunk(0, &["x"]));
    records.push(&id(0), chunk(9, &["c"]));
    records
}

fn seen<'a>(records: impl Iterator<Item = ConsumerRecordRef<'a>>) -> Vec<(i32, Offset, &'a [u8])> {
    records.map(|it| (it.partition.partition, it.offset, it.value.unwrap())).collect()
}

#[test]
fn records_are_read_partition_by_partition() {
    let records = some();
    assert_eq!((records.len(), records.partitions().cloned().collect()), (4, vec![id(0), id(1)]));
    let all: [(i32, Offset, &[u8]); 4] = [(0, 5, b"a"), (0, 6, b"b"), (0, 9, b"c"), (1, 0, b"x")];
    assert_eq!(seen(records.iter()), all);
    assert_eq!(seen(records.of_partition(&id(1))), all[3..]);
    assert_eq!(records.of_partition(&id(2)).count(), 0);
    assert_eq!(ConsumerRecords::default().iter().count(), 0);
}

#[test]
fn a_record_of_its_own_is_the_borrowed_one() {
    let records = some();
    let borrowed: Vec<_> = records.iter().map(|it| it.to_owned()).collect();
    let first = &borrowed[0];
    let headers = vec![("h".to_owned(), Some(Bytes::from_static(b"1"))), ("n".to_owned(), None)];
    assert_eq!((first.timestamp, first.leader_epoch, &first.key), (50, Some(4), &Some("k".into())));
    assert_eq!((&first.headers, &first.partition), (&headers, &id(0)));
    assert_eq!(records.into_iter().collect::<Vec<_>>(), borrowed);
}

#[test]
fn records_that_were_not_given_away_are_still_there() {
    let mut owned = some().into_iter();
    assert_eq!(owned.next().unwrap().offset, 5);
    let position =
        |partition, offset| UnreadPosition { partition: id(partition), offset, leader_epoch: Some(4) };
    assert_eq!(owned.unread().collect::<Vec<_>>(), [position(0, 6), position(1, 0)]);
    assert_eq!(owned.remove(&id(1)), Some(position(1, 0)));
    assert_eq!(owned.remove(&id(1)), None);
    let rest = owned.take_rest();
    assert_eq!((rest.len(), seen(rest.iter())), (2, vec![(0, 6, &b"b"[..]), (0, 9, b"c")]));
    assert!(owned.next().is_none());
}
