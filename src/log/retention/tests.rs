//! What may go, as examples.

use super::*;

fn segments(sizes: &[u64]) -> Vec<SegmentFacts> {
    let facts = |(at, &size): (usize, &u64)| {
        let at = at as i64;
        SegmentFacts { base_offset: at * 10, size, largest_timestamp: at * 1000 }
    };
    sizes.iter().enumerate().map(facts).collect()
}

fn limits() -> Limits {
    Limits {
        retention_ms: -1,
        retention_bytes: -1,
        delete: true,
        log_start_offset: 0,
        high_watermark: 40,
        log_end_offset: 40,
    }
}

#[test]
fn what_is_older_than_the_limit_goes_oldest_first() {
    let limits = Limits { retention_ms: 1500, ..limits() };
    let all = segments(&[5, 5, 5, 5]);
    assert_eq!(deletable(&all, &limits, Reason::Time, 2500), 1);
    assert_eq!(deletable(&all, &limits, Reason::Time, 3500), 2);
    assert_eq!(deletable(&all, &limits, Reason::Time, 99_000), 4, "the last one too, when it has records");
    assert_eq!(deletable(&segments(&[5, 5, 5, 0]), &limits, Reason::Time, 99_000), 3);
    assert_eq!(deletable(&all, &Limits { delete: false, ..limits }, Reason::Time, 99_000), 0);
}

#[test]
fn nothing_past_the_high_watermark_goes() {
    let limits = Limits { retention_ms: 0, high_watermark: 25, ..limits() };
    assert_eq!(deletable(&segments(&[5, 5, 5, 5]), &limits, Reason::Time, 99_000), 2);
}

#[test]
fn as_many_whole_segments_go_as_lie_over_the_size() {
    let all = segments(&[10, 10, 10, 10]);
    let at = |retention_bytes| deletable(&all, &Limits { retention_bytes, ..limits() }, Reason::Size, 0);
    assert_eq!(at(40), 0);
    assert_eq!(at(31), 0, "removing one would leave too little");
    assert_eq!(at(30), 1);
    assert_eq!(at(0), 4);
    assert_eq!(at(-1), 0);
}

#[test]
fn what_lies_before_the_start_goes_even_without_the_delete_policy() {
    let limits = Limits { delete: false, log_start_offset: 20, ..limits() };
    let all = segments(&[5, 5, 5, 5]);
    assert_eq!(deletable(&all, &limits, Reason::StartOffset, 0), 2);
    assert_eq!(deletable(&all, &Limits { log_start_offset: 19, ..limits }, Reason::StartOffset, 0), 1);
}
