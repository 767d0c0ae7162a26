use bytes::Bytes;

use super::*;
use crate::client::consumer::records::ConsumerRecords;
use crate::wire::batch::BatchBuilder;
use crate::wire::compression::Compression;
use crate::wire::control::EndTransactionMarker;
use crate::wire::legacy::MessageSetBuilder;
use crate::wire::message::fetch::AbortedTransaction;

const ALL: ReadOptions =
    ReadOptions { read_committed: false, check_crcs: true, largest_unpacked_here: usize::MAX };
const COMMITTED: ReadOptions = ReadOptions { read_committed: true, ..ALL };

fn builder(base_offset: Offset, values: &[&str]) -> BatchBuilder {
    let mut builder = BatchBuilder::new().base_offset(base_offset);
    for value in values {
        builder.push(1, None, Some(value.as_bytes()), &[]);
    }
    builder
}

fn batch(base_offset: Offset, values: &[&str], producer: Option<i64>) -> Bytes {
    let builder = builder(base_offset, values);
    match producer {
        Some(id) => builder.producer(id, 0, 0).transactional(true).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

fn marker(offset: Offset, committed: bool, producer: i64) -> Bytes {
    let marker = EndTransactionMarker { committed, coordinator_epoch: 0 };
    let made = Batch::parse(&marker.batch(1, producer, 0).unwrap()).unwrap();
    made.restamped(offset, 0).concat().into()
}

fn fetch(position: Offset, bytes: Bytes, aborted: &[(i64, Offset)]) -> CompletedFetch {
    let transaction =
        |&(producer_id, first_offset): &(i64, Offset)| AbortedTransaction { producer_id, first_offset };
    let answer = FetchablePartitionResponse {
        aborted_transactions: Some(aborted.iter().map(transaction).collect()),
        record_set: Some(Records::Memory(bytes)),
        ..Default::default()
    };
    let target = FetchTarget { offset: position, leader_epoch: 0 };
    CompletedFetch::new(TopicPartition::new("t", 0), 1, target, answer)
}

/// The values of a chunk.
fn values(chunk: RecordChunk) -> Vec<String> {
    let mut records = ConsumerRecords::default();
    records.push(&TopicPartition::new("t", 0), chunk);
    records.iter().map(|it| String::from_utf8(it.value.unwrap().to_vec()).unwrap()).collect()
}

/// All values from the fetch on, and the next offset.
fn drain(mut fetch: CompletedFetch, options: ReadOptions) -> (Vec<String>, Offset) {
    let mut all = Vec::new();
    loop {
        match fetch.step(usize::MAX, options).unwrap() {
            FetchStep::Records(chunk) => all.extend(values(chunk)),
            FetchStep::Unpack(batch) => panic!("{batch:?} is small"),
            FetchStep::Consumed => return (all, fetch.next_offset()),
        }
    }
}

/// The values read from `position` on, and the next position.
fn read(
    position: Offset,
    batches: &[Bytes],
    aborted: &[(i64, Offset)],
    committed: bool,
) -> (Vec<String>, Offset) {
    drain(fetch(position, batches.concat().into(), aborted), if committed { COMMITTED } else { ALL })
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
    let mut damaged = fetch(0, bytes.clone().into(), &[]);
    assert!(matches!(damaged.step(1, ALL), Err(BatchError::Corrupt(_))));
    assert!(damaged.step(1, ALL).is_err(), "the fetch does not go on behind it");
    // Nor is the value what it was, but it is a record still.
    let (mut bytes, unchecked) = (batch(0, &["a"], None).to_vec(), ReadOptions { check_crcs: false, ..ALL });
    let value = bytes.len() - 2;
    bytes[value] ^= 1;
    assert!(
        fetch(0, bytes.into(), &[]).step(1, unchecked).is_ok_and(|it| matches!(it, FetchStep::Records(_)))
    );
}

#[test]
fn records_are_handed_out_as_many_as_are_asked_for() {
    let mut fetch = fetch(0, batch(0, &["a", "b", "c"], None), &[]);
    assert_eq!((fetch.next_offset(), fetch.end_offset()), (0, 3));
    for (wanted, next) in [(vec!["a", "b"], 2), (vec!["c"], 3)] {
        let Ok(FetchStep::Records(chunk)) = fetch.step(2, ALL) else { panic!("no records") };
        assert_eq!(
            (values(chunk), fetch.next_offset()),
            (wanted.iter().map(|it| it.to_string()).collect(), next)
        );
    }
    assert!(matches!(fetch.step(2, ALL), Ok(FetchStep::Consumed)));
}

#[test]
fn a_large_compressed_batch_is_unpacked_elsewhere() {
    let bytes = builder(3, &["a", "b"]).compression(Compression::Gzip).build().unwrap();
    assert_eq!(drain(fetch(3, bytes.clone(), &[]), ALL).0, ["a", "b"]);
    let mut fetch = fetch(3, bytes, &[]);
    let elsewhere = ReadOptions { largest_unpacked_here: 10, ..ALL };
    let Ok(FetchStep::Unpack(batch)) = fetch.step(1, elsewhere) else { panic!("it is larger than 10 bytes") };
    assert!(fetch.waits_for(&batch));
    assert!(matches!(fetch.step(1, elsewhere), Ok(FetchStep::Unpack(_))), "it still waits");
    fetch.unpacked(unpack(&batch, true));
    assert!(!fetch.waits_for(&batch));
    let Ok(FetchStep::Records(chunk)) = fetch.step(5, elsewhere) else { panic!("no records") };
    assert_eq!((values(chunk), fetch.next_offset()), (vec!["a".to_owned(), "b".to_owned()], 5));
}

#[test]
fn messages_of_old_formats_are_read_as_records() {
    for (magic, timestamp) in [(0, -1), (1, 77)] {
        for codec in [Compression::None, Compression::Gzip] {
            let mut set = MessageSetBuilder::new(magic, codec, None, 4);
            for (offset, value) in [(4, "a"), (5, "b"), (6, "c")] {
                set.push(offset, 77, Some(b"k"), Some(value.as_bytes()));
            }
            let bytes = set.build().unwrap();
            assert_eq!(
                drain(fetch(5, bytes.clone(), &[]), ALL),
                (vec!["b".into(), "c".into()], 7),
                "{magic} {codec:?}"
            );
            let mut fetch = fetch(4, bytes, &[]);
            let Ok(FetchStep::Records(chunk)) = fetch.step(1, ALL) else { panic!("no records") };
            let mut records = ConsumerRecords::default();
            records.push(&TopicPartition::new("t", 0), chunk);
            let record = records.into_iter().next().unwrap();
            assert_eq!((record.offset, record.timestamp, record.key), (4, timestamp, Some("k".into())));
            assert_eq!((record.leader_epoch, fetch.last_epoch()), (None, None));
        }
    }
}

#[test]
fn a_fetch_without_a_whole_batch_makes_no_progress() {
    let bytes = batch(0, &["a"], None);
    assert!(fetch(0, bytes.slice(..40), &[]).is_without_progress());
    assert!(!fetch(0, Bytes::new(), &[]).is_without_progress());
    assert!(!fetch(0, bytes, &[]).is_without_progress());
}

/// A batch whose header claims this count of records.
fn claiming(count: i32, bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[57..61].copy_from_slice(&count.to_be_bytes());
    bytes.into()
}

#[test]
fn a_batch_that_claims_too_much_ends_in_an_error_behind_what_is_there() {
    let bytes = batch(0, &["a", "b"], None);
    let unchecked = ReadOptions { check_crcs: false, ..ALL };
    for count in [-1, 1, 3, i32::MAX] {
        let mut fetch = fetch(0, claiming(count, &bytes), &[]);
        let whole = if count > 1 { 2 } else { 0 };
        let first = fetch.step(usize::MAX, unchecked);
        if let Ok(FetchStep::Records(chunk)) = &first {
            assert_eq!(chunk.count, whole, "{count}");
        } else {
            assert!(first.is_err() && whole == 0, "{count}: {first:?}");
        }
        assert!(fetch.step(usize::MAX, unchecked).is_err(), "{count}");
    }
}

/// Batches of all formats and codecs.
fn all_kinds() -> Vec<Bytes> {
    let mut kinds = vec![marker(0, false, 7)];
    for codec in Compression::ALL {
        let headers = [("h".to_owned(), Some(Bytes::from_static(b"1")))];
        let mut batch =
            BatchBuilder::new().base_offset(2).compression(codec).producer(7, 0, 0).transactional(true);
        (0..5).for_each(|at| batch.push(at, Some(b"key"), Some(b"value"), &headers));
        kinds.push(batch.build().unwrap());
        for magic in [0, 1] {
            let mut set = MessageSetBuilder::new(magic, codec, None, 2);
            (2..5).for_each(|offset| set.push(offset, 5, Some(b"key"), Some(b"value")));
            kinds.extend(set.build().ok());
        }
    }
    kinds
}

#[test]
fn whatever_a_broker_sends_ends_in_records_or_an_error() {
    let kinds = all_kinds();
    let mut chance = fastrand::Rng::with_seed(14);
    let (mut read, mut refused) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = chance.choice(&kinds).unwrap().to_vec();
        bytes.extend_from_slice(chance.choice(&kinds).unwrap());
        for _ in 0..chance.usize(1..6) {
            let at = chance.usize(..bytes.len());
            bytes[at] = if chance.bool() { chance.u8(..) } else { bytes[at] ^ (1 << chance.u8(..8)) };
        }
        bytes.truncate(chance.usize(bytes.len() / 2..=bytes.len()));
        let size = bytes.len();
        let options = ReadOptions { check_crcs: false, read_committed: chance.bool(), ..ALL };
        let mut fetch = fetch(chance.i64(0..4), bytes.into(), &[(7, chance.i64(0..4))]);
        let mut last = fetch.next_offset();
        // Every step hands out a record at least, and none has less than seven bytes once it is unpacked.
        for step in 0.. {
            assert!(step < 10_000 * size, "round {round} does not end");
            match fetch.step(2, options) {
                Ok(FetchStep::Records(chunk)) => {
                    let count = chunk.count;
                    assert_eq!(count, { values_of(chunk) }, "round {round}: what was checked can be read");
                    assert!(fetch.next_offset() > last, "round {round}: offsets grow");
                    (last, read) = (fetch.next_offset(), read + count);
                }
                Ok(FetchStep::Unpack(batch)) => panic!("round {round}: {batch:?} is to be unpacked here"),
                Ok(FetchStep::Consumed) => break,
                Err(_) => {
                    refused += 1;
                    break;
                }
            }
        }
    }
    assert!(read > 10_000 && refused > 1_000, "{read} records were read, {refused} fetches refused");
}

/// How many records a chunk gives.
fn values_of(chunk: RecordChunk) -> usize {
    let mut records = ConsumerRecords::default();
    records.push(&TopicPartition::new("t", 0), chunk);
    assert_eq!(records.clone().into_iter().count(), records.iter().count());
    records.iter().count()
}
