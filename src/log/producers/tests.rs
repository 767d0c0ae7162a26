use super::*;
use crate::log::validate::AppendOrigin;
use crate::wire::batch::{Batch, BatchBuilder};
use crate::wire::control::EndTransactionMarker;

fn producers() -> Producers {
    Producers::new(TopicPartition::new("t", 0), 1000)
}

fn batch(id: ProducerId, epoch: ProducerEpoch, sequence: i32, offset: Offset, records: i32) -> BatchHeader {
    let mut builder = BatchBuilder::new().base_offset(offset).producer(id, epoch, sequence);
    for _ in 0..records {
        builder.push(100, None, None, &[]);
    }
    Batch::parse(&builder.build().expect("a batch")).expect("a batch").header().clone()
}

fn in_transaction(mut batch: BatchHeader) -> BatchHeader {
    batch.attributes |= 0x10;
    batch
}

fn marker(id: ProducerId, epoch: ProducerEpoch, offset: Offset) -> BatchHeader {
    let mut marker = batch(id, epoch, -1, offset, 1);
    marker.attributes |= 0x30;
    marker
}

fn commit(coordinator_epoch: i32) -> Option<EndTransactionMarker> {
    Some(EndTransactionMarker { committed: true, coordinator_epoch })
}

fn append(
    producers: &mut Producers,
    batch: &BatchHeader,
    marker: Option<EndTransactionMarker>,
) -> Result<Option<CompletedTransaction>, ErrorCode> {
    let origin = if marker.is_some() { AppendOrigin::Coordinator } else { AppendOrigin::Client };
    let mut change = Change::new(origin);
    let completed = change.append(producers, batch, marker).map_err(|error| ErrorCode::from(&error))?;
    producers.apply(change);
    Ok(completed)
}

#[test]
fn sequences_must_follow_each_other() {
    let mut all = producers();
    append(&mut all, &batch(1, 0, 0, 0, 1), None).expect("the first");
    append(&mut all, &batch(1, 0, 1, 1, 2), None).expect("the next");
    let error = Err(ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(append(&mut all, &batch(1, 0, 7, 3, 1), None), error, "a gap");
    assert_eq!(append(&mut all, &batch(1, 1, 5, 3, 1), None), error, "a new epoch begins at 0");
    append(&mut all, &batch(1, 1, 0, 3, 1), None).expect("a new epoch");
    assert_eq!(append(&mut all, &batch(1, 0, 3, 4, 1), None), Err(ErrorCode::InvalidProducerEpoch));
    append(&mut all, &batch(2, 0, 5, 4, 1), None).expect("an unknown producer begins anywhere");
}

#[test]
fn the_last_five_batches_are_known_again() {
    let mut all = producers();
    for i in 0..6 {
        append(&mut all, &batch(1, 0, i * 2, i64::from(i) * 2, 2), None).expect("in order");
    }
    assert_eq!(all.duplicate_of(&batch(1, 0, 0, 50, 2)), None, "older than five");
    let known = all.duplicate_of(&batch(1, 0, 2, 50, 2)).expect("a duplicate");
    assert_eq!((known.first_offset(), known.last_offset, known.timestamp), (2, 3, 100));
    assert_eq!(all.duplicate_of(&batch(1, 0, 2, 50, 1)), None, "another size");
    assert_eq!(all.duplicate_of(&batch(1, 1, 2, 50, 2)), None, "another epoch");
}

#[test]
fn sequences_begin_again_at_the_largest() {
    let mut all = producers();
    append(&mut all, &batch(1, 0, i32::MAX - 1, 0, 2), None).expect("the last two");
    append(&mut all, &batch(1, 0, 0, 2, 1), None).expect("the first again");
}

#[test]
fn nothing_changes_before_it_is_applied() {
    let all = producers();
    let mut change = Change::new(AppendOrigin::Client);
    change.append(&all, &in_transaction(batch(1, 0, 0, 0, 1)), None).expect("in order");
    change.append(&all, &in_transaction(batch(1, 0, 1, 1, 1)), None).expect("in order within the change");
    assert!(all.is_empty() && all.first_undecided_offset().is_none());
}

#[test]
fn open_transactions_bound_the_last_stable_offset() {
    let mut all = producers();
    append(&mut all, &in_transaction(batch(1, 0, 0, 10, 1)), None).expect("begins");
    append(&mut all, &in_transaction(batch(2, 0, 0, 11, 1)), None).expect("begins");
    assert_eq!(all.first_undecided_offset(), Some(10));
    let completed = append(&mut all, &marker(1, 0, 12), commit(3)).expect("ends").expect("a transaction");
    assert_eq!((completed.first_offset, completed.last_offset, completed.aborted), (10, 12, false));
    assert_eq!(all.last_stable_offset(&completed), 11);
    all.complete(&completed).expect("known");
    assert_eq!(all.first_undecided_offset(), Some(11));
    assert_eq!(
        all.take_completed().into_iter().collect::<Vec<_>>(),
        [(10, 12)],
        "until the marker is replicated"
    );
    assert!(all.take_completed().is_empty(), "once");
    assert!(all.complete(&completed).is_err(), "no transaction ends twice");
}

#[test]
fn writes_outside_an_open_transaction_are_refused() {
    let mut all = producers();
    append(&mut all, &in_transaction(batch(1, 0, 0, 10, 1)), None).expect("begins");
    assert_eq!(append(&mut all, &batch(1, 0, 1, 11, 1), None), Err(ErrorCode::InvalidTxnState));
}

#[test]
fn old_coordinators_are_fenced() {
    let mut all = producers();
    append(&mut all, &marker(1, 0, 0), commit(3)).expect("a marker alone");
    let fenced = append(&mut all, &marker(1, 0, 1), commit(2));
    assert_eq!(fenced, Err(ErrorCode::TransactionCoordinatorFenced));
    let mut change = Change::new(AppendOrigin::Replication);
    change.append(&all, &marker(1, 0, 1), commit(2)).expect("a follower takes what the leader took");
}

#[test]
fn producers_expire_unless_a_transaction_is_open() {
    let mut all = producers();
    append(&mut all, &batch(1, 0, 0, 0, 1), None).expect("written");
    append(&mut all, &in_transaction(batch(2, 0, 0, 1, 1)), None).expect("begins");
    all.remove_expired(1099);
    assert!(all.entry(1).is_some());
    all.remove_expired(1100);
    assert!(all.entry(1).is_none() && all.entry(2).is_some());
}

#[test]
fn snapshots_read_back() {
    let mut all = producers();
    append(&mut all, &batch(2000, 3, 0, 0, 4), None).expect("written");
    append(&mut all, &in_transaction(batch(1000, 0, 9, 4, 1)), None).expect("begins");
    let bytes = all.snapshot();
    assert_eq!(bytes[10..18], 2000i64.to_be_bytes(), "in the order of Kafka's hash table");
    let mut again = producers();
    again.load(&bytes, 5, 500).expect("a sound snapshot");
    assert_eq!((again.end_offset(), again.first_undecided_offset()), (5, Some(4)));
    assert_eq!(again.snapshot(), bytes);
    assert!(again.duplicate_of(&batch(2000, 3, 0, 9, 4)).is_some());

    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x40;
        assert!(snapshot::read(&wrong).is_err(), "byte {at}");
        assert!(snapshot::read(&bytes[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn snapshots_are_byte_for_byte_those_of_kafka() {
    // A `.snapshot` that 2.7.2 wrote without producers.
    let empty = [0, 1, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0];
    assert_eq!(producers().snapshot(), empty);
}
