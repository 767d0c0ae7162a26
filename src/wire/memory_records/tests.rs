use super::*;
use crate::wire::batch::BatchBuilder;

fn batch(value: &str) -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.push(1, None, Some(value.as_bytes()), &[]);
    builder.build().expect("a batch")
}

#[test]
fn whole_batches_are_decoded_and_an_incomplete_one_is_left_out() {
    let (first, second) = (batch("one"), batch("another"));
    let both: Bytes = [&first[..], &second[..]].concat().into();
    let records = MemoryRecords::decode(both.clone());
    let parts: Vec<_> = records.batches().iter().map(|batch| batch.bytes().clone()).collect();
    assert_eq!(parts, [first.clone(), second]);
    assert_eq!((records.whole(), records.rest(), records.fault()), (both.clone(), &[][..], None));

    let incomplete = both.slice(..both.len() - 1);
    let records = MemoryRecords::decode(incomplete.clone());
    assert_eq!(records.batches().len(), 1);
    assert_eq!((records.whole(), records.rest()), (first.clone(), &incomplete[first.len()..]));
    assert_eq!((records.bytes(), records.fault()), (&incomplete, None));
}

#[test]
fn a_fault_ends_the_batches_and_is_kept() {
    let good = batch("good");
    let mut bad = batch("bad").to_vec();
    bad[16] = 7;
    let records = MemoryRecords::decode([&good[..], &bad, &good].concat().into());
    assert_eq!(records.whole(), good);
    assert_eq!(records.rest().len(), bad.len() + good.len());
    assert_eq!(records.fault(), Some(&BatchError::Corrupt("Invalid magic found in record: 7".into())));
}

#[test]
fn no_more_is_decoded_than_asked_for() {
    let one = batch("one");
    let records = MemoryRecords::decode_at_most(2, [&one[..]; 3].concat().into());
    assert_eq!((records.batches().len(), records.rest()), (2, &one[..]));
}

#[test]
fn no_bytes_are_no_batches() {
    let records = MemoryRecords::default();
    assert!(records.batches().is_empty() && records.rest().is_empty() && records.fault().is_none());
}
