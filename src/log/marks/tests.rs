//! The order of the marks, and where committed reads end.

use super::*;
use crate::base::TopicPartition;

const LOG: fn(Offset) -> LogPosition = |offset| LogPosition::at(offset, 0, 0);

fn producers() -> Producers {
    Producers::new(TopicPartition::new("t", 0), 1 << 40)
}

/// A log that ends at 20, with a transaction from 10 on that was completed at 12.
fn with_completed(at: Offset, marker: Offset) -> Marks {
    let mut marks = Marks::empty_at(0);
    marks.unreplicated.insert(at, marker);
    marks.appended(LOG(20), &mut producers());
    marks
}

fn last_stable(marks: &Marks) -> Offset {
    marks.snapshot().last_stable.offset
}

#[test]
fn committed_reads_end_before_a_transaction_until_its_marker_is_replicated() {
    let mut marks = with_completed(10, 12);
    assert_eq!(marks.first_unstable.map(|it| it.offset), Some(10), "the marker is not replicated");
    marks.increment_high_watermark(LOG(12));
    assert_eq!(last_stable(&marks), 10, "the marker is above the high watermark");
    marks.increment_high_watermark(LOG(13));
    assert_eq!((marks.first_unstable, last_stable(&marks)), (None, 13));
}

#[test]
fn truncated_transactions_do_not_bound_readers() {
    let mut marks = with_completed(10, 12);
    marks.set_high_watermark(LOG(11));
    marks.truncated(0, LOG(11));
    marks.note_transactions(&mut producers());
    assert_eq!((marks.snapshot().high_watermark, last_stable(&marks)), (LOG(11), 11));
}

#[test]
fn the_high_watermark_stays_between_start_and_end() {
    let mut marks = with_completed(0, 1);
    assert_eq!((marks.set_high_watermark(LOG(30)), marks.set_high_watermark(LOG(5))), (20, 5));
    assert!(marks.increment_log_start(7) && !marks.increment_log_start(6));
    assert_eq!(marks.snapshot().high_watermark.offset, 7);
    assert_eq!(marks.set_high_watermark(LOG(3)), 7);
    assert_eq!(marks.increment_high_watermark(LOG(21)), None, "past the end");
    marks.truncated(7, LOG(7));
    assert_eq!(marks.snapshot().high_watermark, LOG(7));
}
