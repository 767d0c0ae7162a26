use bytes::Bytes;

use super::*;
use crate::wire::batch::BatchBuilder;
use crate::wire::control::EndTransactionMarker;

fn batch(base_offset: Offset, values: &[&str], producer: Option<i64>) -> Bytes {
    let mut builder = BatchBuilder::new().base_offset(base_offset);
    if let Some(id) = producer {
        builder = builder.producer(id, 0, 0).transactional(true);
    }
    for value in values {
        builder.push(1, None, Some(value.as_bytes()), &[]);
    }
    builder.build().unwrap()
}

fn marker(offset: Offset, committed: bool, producer: i64) -> Bytes {
    let marker = EndTransactionMarker { committed, coordinator_epoch: 0 };
    let made = Batch::parse(&marker.batch(1, producer, 0).unwrap()).unwrap();
    made.restamped(offset, 0).concat().into()
}

/// The values read from `position` on, and the next position.
fn read(
    position: Offset,
    batches: &[Bytes],
    aborted: &[(i64, Offset)],
    committed: bool,
) -> (Vec<String>, Offset) {
    let transaction =
        |&(producer_id, first_offset): &(i64, Offset)| AbortedTransaction { producer_id, first_offset };
    let answer = FetchablePartitionResponse {
        aborted_transactions: Some(aborted.iter().map(transaction).collect()),
        record_set: Some(Records::Memory(batches.concat().into())),
        ..Default::default()
    };
    let mut out = VecDeque::new();
    let next = records(&TopicPartition::new("t", 0), position, &answer, committed, &mut out).unwrap();
    let text = |it: Consumed| String::from_utf8(it.record.value.unwrap().to_vec()).unwrap();
    (out.into_iter().map(text).collect(), next)
}

#[test]
fn what_lies_before_the_position_is_left_out() {
    let batches = [batch(5, &["a", "b", "c"], None), batch(8, &["d"], None)];
    assert_eq!(read(6, &batches, &[], false), (vec!["b".into(), "c".into(), "d".into()], 9));
    let incomplete = [batches[0].clone(), batches[1].slice(..30)];
    assert_eq!(read(5, &incomplete, &[], false).1, 8, "a batch cut off at the end is not there yet");
    assert_eq!(read(9, &[], &[], false), (vec![], 9));
}

#[test]
fn aborted_transactions_are_left_out_where_only_committed_records_are_wanted() {
    let batches = [
        batch(0, &["aborted"], Some(7)),
        batch(1, &["other"], Some(8)),
        batch(2, &["plain"], None),
        marker(3, false, 7),
        batch(4, &["later"], Some(7)),
        marker(5, true, 8),
        marker(6, true, 7),
    ];
    let (committed, next) = read(0, &batches, &[(7, 0)], true);
    assert_eq!((committed, next), (vec!["other".into(), "plain".into(), "later".into()], 7));
    assert_eq!(read(0, &batches, &[(7, 0)], false).0.len(), 4);
}

#[test]
fn bytes_that_were_changed_are_refused() {
    let mut bytes = batch(0, &["a"], None).to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let answer =
        FetchablePartitionResponse { record_set: Some(Records::Memory(bytes.into())), ..Default::default() };
    assert!(records(&TopicPartition::new("t", 0), 0, &answer, false, &mut VecDeque::new()).is_err());
}
