use super::*;

/// Segments of ten offsets and 100 bytes each, the active one last.
fn segments(count: i64) -> Vec<SegmentToClean> {
    let segment = |at| SegmentToClean { base_offset: at * 10, size: 100, ..SegmentToClean::default() };
    (0..count).map(segment).collect()
}

fn log(segments: &[SegmentToClean]) -> LogFacts<'_> {
    let end = segments.last().map_or(0, |last| last.base_offset + 10);
    LogFacts {
        segments,
        log_start_offset: 0,
        log_end_offset: end,
        last_stable_offset: end,
        clean_offset: None,
        min_compaction_lag_ms: 0,
        max_compaction_lag_ms: Millis::MAX,
        min_cleanable_ratio: 0.5,
        now: 1_000_000,
    }
}

fn range(cleanable: &LogToClean) -> (Offset, Offset, u64, u64) {
    let LogToClean { first_dirty_offset, first_uncleanable_offset, clean_bytes, cleanable_bytes, .. } =
        *cleanable;
    (first_dirty_offset, first_uncleanable_offset, clean_bytes, cleanable_bytes)
}

#[test]
fn everything_below_the_active_segment_may_be_cleaned() {
    let segments = segments(5);
    assert_eq!(range(&LogToClean::of(&log(&segments))), (0, 40, 0, 400));
    let half = LogToClean::of(&LogFacts { clean_offset: Some(20), ..log(&segments) });
    assert_eq!(range(&half), (20, 40, 200, 200));
    assert!(!half.is_due(), "it has to be dirtier than the ratio, not as dirty");
    assert!(LogToClean::of(&LogFacts { clean_offset: Some(10), ..log(&segments) }).is_due());
    let clean =
        LogToClean::of(&LogFacts { clean_offset: Some(40), min_cleanable_ratio: 0.0, ..log(&segments) });
    assert_eq!((range(&clean), clean.is_due()), ((40, 40, 400, 0), false));
}

#[test]
fn the_active_segment_alone_is_never_cleaned() {
    let segments = segments(1);
    let cleanable = LogToClean::of(&LogFacts { min_cleanable_ratio: 0.0, ..log(&segments) });
    assert_eq!((range(&cleanable), cleanable.total_bytes(), cleanable.is_due()), ((0, 0, 0, 0), 0, false));
    let within = LogToClean::of(&LogFacts { clean_offset: Some(7), ..log(&segments) });
    assert_eq!(range(&within), (7, 0, 100, 0));
}

#[test]
fn a_cleaning_that_ended_within_a_segment_goes_on_there() {
    let segments = segments(5);
    let cleanable = LogToClean::of(&LogFacts { clean_offset: Some(15), ..log(&segments) });
    assert_eq!(range(&cleanable), (15, 40, 200, 300), "that segment counts as both, as in Kafka");
}

#[test]
fn what_is_not_stable_is_not_cleaned() {
    let segments = segments(5);
    for (stable, end, bytes) in [(40, 40, 400), (39, 30, 300), (25, 20, 200), (3, 0, 0), (0, 0, 0)] {
        let cleanable = LogToClean::of(&LogFacts { last_stable_offset: stable, ..log(&segments) });
        assert_eq!(range(&cleanable), (0, end, 0, bytes), "{stable}");
    }
    let behind =
        LogToClean::of(&LogFacts { last_stable_offset: 15, clean_offset: Some(30), ..log(&segments) });
    assert_eq!(range(&behind), (30, 30, 300, 0));
}

#[test]
fn segments_with_records_that_are_too_new_wait() {
    let mut segments = segments(5);
    for (at, segment) in segments.iter_mut().enumerate() {
        segment.largest_timestamp = 999_000 + 100 * at as i64;
    }
    for (lag, end) in [(0, 40), (650, 40), (900, 20), (799, 30), (1001, 0)] {
        let cleanable = LogToClean::of(&LogFacts { min_compaction_lag_ms: lag, ..log(&segments) });
        assert_eq!(cleanable.first_uncleanable_offset, end, "{lag}");
    }
}

#[test]
fn a_record_that_has_waited_too_long_makes_its_log_due() {
    let mut segments = segments(5);
    segments[2].first_batch_timestamp = Some(990_000);
    segments[3].first_batch_timestamp = Some(0);
    let facts = LogFacts { min_cleanable_ratio: 1.0, ..log(&segments) };
    let with = |max_compaction_lag_ms, clean| {
        LogToClean::of(&LogFacts { max_compaction_lag_ms, clean_offset: Some(clean), ..facts })
    };
    assert_eq!((with(4000, 0).compaction_delay_ms, with(4000, 0).is_due()), (6000, true));
    assert_eq!((with(10_000, 0).compaction_delay_ms, with(10_000, 0).is_due()), (0, false));
    assert_eq!(with(4000, 30).compaction_delay_ms, 0, "it is clean already");
    let undecided = LogToClean::of(&LogFacts { max_compaction_lag_ms: 4000, last_stable_offset: 0, ..facts });
    assert_eq!((undecided.compaction_delay_ms, undecided.is_due()), (6000, false));
}

#[test]
fn a_checkpoint_that_cannot_be_true_does_not_count() {
    let segments = segments(5);
    let before = LogToClean::of(&LogFacts { log_start_offset: 12, clean_offset: Some(7), ..log(&segments) });
    assert_eq!(before.invalid_checkpoint, Some(InvalidCheckpoint::BeforeStart(7)));
    assert_eq!(range(&before), (12, 40, 200, 300));
    let past = LogToClean::of(&LogFacts { clean_offset: Some(51), ..log(&segments) });
    assert_eq!(past.invalid_checkpoint, Some(InvalidCheckpoint::PastEnd(51)));
    assert_eq!(past.first_dirty_offset, 0);
    let at_end = LogToClean::of(&LogFacts { clean_offset: Some(50), ..log(&segments) });
    assert_eq!((at_end.invalid_checkpoint, at_end.first_dirty_offset), (None, 50));
    let never = LogToClean::of(&LogFacts { log_start_offset: 12, ..log(&segments) });
    assert_eq!((never.invalid_checkpoint, never.first_dirty_offset), (None, 12));
}

/// Where each group begins and ends.
fn grouped(
    segments: &[SegmentToClean],
    segment_bytes: u64,
    index_bytes: u64,
    end: Offset,
) -> Vec<(usize, usize)> {
    let groups = group_segments(segments, segment_bytes, index_bytes, end);
    groups.into_iter().map(|group| (group.start, group.end)).collect()
}

fn groups(sizes: &[u64], segment_bytes: u64) -> Vec<(usize, usize)> {
    let segments: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| SegmentToClean {
            base_offset: at as i64 * 10,
            size: *size,
            index_size: 8,
            time_index_size: 12,
            ..SegmentToClean::default()
        })
        .collect();
    grouped(&segments, segment_bytes, 1 << 20, sizes.len() as i64 * 10)
}

#[test]
fn small_segments_become_one_no_larger_than_a_segment_may_be() {
    assert!(groups(&[], 100).is_empty());
    assert_eq!(groups(&[50, 50, 50], 100), [(0, 2), (2, 3)]);
    assert_eq!(groups(&[50, 51, 49, 1], 100), [(0, 1), (1, 3), (3, 4)]);
    assert_eq!(
        groups(&[500, 0, 0, 500], 100),
        [(0, 1), (1, 3), (3, 4)],
        "one that is too large stays by itself"
    );
    assert_eq!(groups(&[0; 5], 100), [(0, 5)]);
}

#[test]
fn the_indexes_of_a_group_fit_in_one_index() {
    let segment = |base_offset, index_size, time_index_size| SegmentToClean {
        base_offset,
        size: 1,
        index_size,
        time_index_size,
        ..SegmentToClean::default()
    };
    let by_offsets = [segment(0, 60, 0), segment(1, 40, 0), segment(2, 1, 0)];
    assert_eq!(grouped(&by_offsets, 100, 100, 3), [(0, 2), (2, 3)]);
    let by_times = [segment(0, 0, 60), segment(1, 0, 41), segment(2, 0, 59)];
    assert_eq!(grouped(&by_times, 100, 100, 3), [(0, 1), (1, 3)]);
}

#[test]
fn the_offsets_of_a_group_are_within_the_reach_of_one_segment() {
    let far = i64::from(i32::MAX);
    let segments = |bases: &[Offset]| -> Vec<_> {
        let segment =
            |base_offset: &Offset| SegmentToClean { base_offset: *base_offset, ..Default::default() };
        bases.iter().map(segment).collect()
    };
    assert_eq!(grouped(&segments(&[0, 100]), 100, 100, far + 1), [(0, 2)]);
    assert_eq!(grouped(&segments(&[0, 100]), 100, 100, far + 2), [(0, 1), (1, 2)]);
    assert_eq!(grouped(&segments(&[5, 100, far + 7]), 100, 100, far + 8), [(0, 1), (1, 3)]);
    assert_eq!(grouped(&segments(&[5, 100, far + 6]), 100, 100, far + 8), [(0, 2), (2, 3)]);
}
