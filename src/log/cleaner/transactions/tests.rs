use super::*;
use crate::wire::batch::{Batch, BatchBuilder};

fn header(producer_id: ProducerId, offset: Offset, control: bool) -> BatchHeader {
    let builder = BatchBuilder::new().base_offset(offset).producer(producer_id, 0, 0).transactional(true);
    let mut builder = builder.control(control);
    builder.push(1, Some(b"key"), Some(b"value"), &[]);
    Batch::parse(&builder.build().unwrap()).unwrap().header().clone()
}

fn aborted(producer_id: ProducerId, first_offset: Offset, last_offset: Offset) -> AbortedEntry {
    AbortedEntry { producer_id, first_offset, last_offset, last_stable_offset: last_offset + 1 }
}

fn data(transactions: &mut CleanedTransactionMetadata, producer_id: ProducerId, offset: Offset) -> bool {
    transactions.meet_batch(&header(producer_id, offset, false))
}

fn marker(
    transactions: &mut CleanedTransactionMetadata,
    producer_id: ProducerId,
    offset: Offset,
    kind: ControlType,
) -> MetMarker {
    transactions.meet_marker(&header(producer_id, offset, true), Some(kind))
}

#[test]
fn a_commit_marker_stays_as_long_as_a_batch_of_its_transaction_does() {
    let mut transactions = CleanedTransactionMetadata::default();
    assert!(!data(&mut transactions, 1, 0));
    assert_eq!(marker(&mut transactions, 1, 1, ControlType::Commit), MetMarker::Stays);
    assert_eq!(marker(&mut transactions, 1, 2, ControlType::Commit), MetMarker::MayGo);
    assert_eq!(transactions.meet_marker(&header(1, 3, true), None), MetMarker::MayGo);
    assert_eq!(marker(&mut transactions, 1, 4, ControlType::Unknown(7)), MetMarker::Stays);
}

#[test]
fn records_of_aborted_transactions_go_and_the_marker_follows_them_the_next_time() {
    let entry = aborted(1, 3, 6);
    let mut transactions = CleanedTransactionMetadata::default();
    transactions.add_aborted([entry]);
    assert!(!data(&mut transactions, 1, 0), "of a transaction before it");
    assert_eq!(marker(&mut transactions, 1, 2, ControlType::Commit), MetMarker::Stays);
    assert!(data(&mut transactions, 1, 3));
    assert!(!data(&mut transactions, 2, 4), "another producer's");
    assert!(data(&mut transactions, 1, 5));
    assert_eq!(marker(&mut transactions, 1, 6, ControlType::Abort), MetMarker::StaysWithEntry(entry));
    assert!(!data(&mut transactions, 1, 7), "of a transaction behind it");

    let mut transactions = CleanedTransactionMetadata::default();
    transactions.add_aborted([entry]);
    assert_eq!(marker(&mut transactions, 1, 6, ControlType::Abort), MetMarker::MayGo);
}

#[test]
fn an_aborted_transaction_may_be_made_known_by_more_than_one_segment() {
    let mut transactions = CleanedTransactionMetadata::default();
    transactions.add_aborted([aborted(1, 0, 9), aborted(2, 3, 8)]);
    assert!(data(&mut transactions, 1, 0));
    transactions.add_aborted([aborted(1, 0, 9), aborted(2, 3, 8)]);
    assert!(data(&mut transactions, 2, 4));
    assert_eq!(
        marker(&mut transactions, 2, 8, ControlType::Abort),
        MetMarker::StaysWithEntry(aborted(2, 3, 8))
    );
    assert_eq!(
        marker(&mut transactions, 1, 9, ControlType::Abort),
        MetMarker::StaysWithEntry(aborted(1, 0, 9))
    );
    assert!(!data(&mut transactions, 1, 10));
}
