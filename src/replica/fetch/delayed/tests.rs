use super::*;

/// A position in a log whose segments begin at 0 and 100; a record is ten bytes.
fn at(offset: i64, segment: i64) -> LogPosition {
    LogPosition::at(offset, segment, u32::try_from((offset - segment) * 10).unwrap())
}

fn position(start: LogPosition, bound: LogPosition) -> FetchPosition {
    FetchPosition { start, bound, max_bytes: 35, throttled: false }
}

#[test]
fn positions_show_what_is_readable() {
    for (start, bound, expected) in [
        (at(5, 0), at(5, 0), Readable::Bytes(0)),
        (at(5, 0), at(7, 0), Readable::Bytes(20)),
        (at(5, 0), at(50, 0), Readable::Bytes(35)), // no more than is wanted
        (at(7, 0), at(5, 0), Readable::Bytes(0)),   // past the bound
        (at(5, 0), at(105, 100), Readable::OtherSegment),
        (at(105, 100), at(5, 0), Readable::OtherSegment), // truncated since
        (at(100, 0), at(100, 100), Readable::Bytes(0)),   // rolled since
        (at(5, 0), 7.into(), Readable::Unmeasured),
    ] {
        assert_eq!(position(start, bound).readable(), expected, "{start:?} {bound:?}");
    }
    let throttled = FetchPosition { throttled: true, ..position(at(5, 0), at(7, 0)) };
    assert_eq!(throttled.readable(), Readable::Throttled);
}

#[test]
fn a_fetch_is_satisfied_by_the_sum_of_its_partitions() {
    let mut fetch = DelayedFetch::new(30);
    fetch.count(0, Readable::Bytes(10));
    fetch.count(1, Readable::Bytes(19));
    fetch.count(0, Readable::Bytes(10));
    assert_eq!(fetch.verdict(), DelayedVerdict::Waits);
    fetch.count(0, Readable::Bytes(0));
    fetch.count(1, Readable::Bytes(29));
    assert_eq!(fetch.verdict(), DelayedVerdict::Waits, "what was truncated is not counted");
    fetch.count(0, Readable::Bytes(1));
    assert_eq!(fetch.verdict(), DelayedVerdict::Satisfied);
}

#[test]
fn another_segment_satisfies_a_fetch() {
    let mut fetch = DelayedFetch::new(1000);
    fetch.count(0, Readable::OtherSegment);
    assert_eq!(fetch.verdict(), DelayedVerdict::Satisfied);
}

#[test]
fn one_byte_needs_no_measuring() {
    let mut fetch = DelayedFetch::new(1);
    fetch.count(0, Readable::Unmeasured);
    assert_eq!(fetch.verdict(), DelayedVerdict::Satisfied);
    let mut fetch = DelayedFetch::new(2);
    fetch.count(0, Readable::Unmeasured);
    assert_eq!(fetch.verdict(), DelayedVerdict::Examine);
    assert_eq!(fetch.take_to_examine().into_iter().collect::<Vec<_>>(), [0]);
    fetch.count(0, Readable::Bytes(1));
    assert_eq!(fetch.verdict(), DelayedVerdict::Waits);
}

#[test]
fn what_may_be_throttled_is_examined() {
    let mut fetch = DelayedFetch::new(1);
    fetch.count(0, Readable::Throttled);
    assert_eq!(fetch.verdict(), DelayedVerdict::Examine);
}

#[test]
fn a_high_watermark_waits_for_records_below_min_bytes() {
    let mut fetch = DelayedFetch::new(10);
    fetch.has_new_high_watermark();
    assert_eq!(fetch.verdict(), DelayedVerdict::HasNews);
    fetch.count(0, Readable::Bytes(5));
    assert_eq!(fetch.verdict(), DelayedVerdict::Waits);
}
