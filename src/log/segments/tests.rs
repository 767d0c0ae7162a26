//! What readers see of a log whose segments are exchanged while they read.

use super::*;
use crate::log::directory::DELETED;
use crate::log::log::tests::{Fixture, append, values};
use crate::log::read::{FirstBatch, ReadUpTo};
use crate::log::segment::Segment;
use crate::log::settings::Settings;

/// A log of the segments [0, 1] [2, 3] [4, 5], all of it replicated; nothing is unlinked soon.
fn three_segments(fixture: &Fixture) -> Arc<crate::log::Log> {
    let log = fixture.open(&Settings { file_delete_delay_ms: 1 << 40, ..Settings::default() });
    for values in [["a", "b"], ["c", "d"], ["e", "f"]] {
        if log.log_end_offset() > 0 {
            log.roll().unwrap();
        }
        append(&log, 5, &values);
    }
    log.update_high_watermark(log.log_end_offset());
    assert_eq!(log.segment_offsets(), [0, 2, 4]);
    log
}

/// One segment with the second batch only, as a cleaner would leave the first two segments if its keys were all newer.
/// It takes their place as Kafka's does: the old files are renamed, then the new ones get their names.
fn clean_first_two(log: &crate::log::Log) {
    let old = log.segment_list();
    let cleaned = Segment::create_beside(log.own_dir(), 0, ".cleaned", log.segment_options()).unwrap();
    let batch = old[1].slice(0, old[1].size()).unwrap().read().unwrap();
    let largest = crate::log::index::TimestampOffset { timestamp: 5, offset: 3 };
    cleaned.append(&[batch], 3, largest).unwrap();
    cleaned.deactivate().unwrap();
    let mut appender = log.appender();
    for segment in &old[..2] {
        segment.change_suffix(DELETED).unwrap();
    }
    cleaned.change_suffix("").unwrap();
    let replaced = appender.segments.replace(0..2, vec![Arc::new(cleaned)]);
    assert_eq!(replaced.iter().map(|segment| segment.base_offset).collect::<Vec<_>>(), [0, 2]);
}

fn read_all(log: &crate::log::Log, offset: Offset) -> Vec<String> {
    let read = log.read(offset, 1 << 20, ReadUpTo::HighWatermark, FirstBatch::Whole).unwrap();
    values(&read.records).into_iter().map(|(_, value)| value).collect()
}

#[test]
fn a_reader_that_took_the_old_segments_reads_them_to_their_end() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    let before = log.read(0, 1 << 20, ReadUpTo::HighWatermark, FirstBatch::Whole).unwrap();
    let segments = log.segment_list();
    clean_first_two(&log);
    assert_eq!(log.segment_offsets(), [0, 4]);
    assert_eq!(values(&before.records).len(), 2, "what was found before is still read from the old file");
    let old = segments[1].find(2).unwrap().unwrap();
    assert_eq!(values(&segments[1].slice(old.position, old.size).unwrap()).len(), 2, "under its new name");
    assert_eq!(read_all(&log, 0), ["c", "d"], "a new reader finds the new segment");
}

#[test]
fn a_mark_in_a_segment_that_was_exchanged_is_looked_up_anew() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    // As a follower reports it that has read up to the end of the second segment.
    let mark = LogPosition::at(4, 2, log.segments()[1].size());
    assert_eq!(log.update_high_watermark(mark), 4);
    clean_first_two(&log);
    assert_eq!(log.segments().current(&log.snapshot().high_watermark), None);
    assert_eq!(read_all(&log, 0), ["c", "d"], "neither less nor more than the new segment holds");
    assert_eq!(log.snapshot().high_watermark, LogPosition::at(4, 4, 0));
}

#[test]
fn positions_of_two_generations_are_not_compared_by_their_bytes() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    let position = |offset| log.read(offset, 1, ReadUpTo::LogEnd, FirstBatch::Whole).unwrap().position;
    let old = position(0);
    clean_first_two(&log);
    let new = position(3);
    assert_eq!(new.in_segment.unwrap().generation, 1);
    assert_eq!((new.bytes_since(&old), old.on_older_segment(&new)), (None, false));
    assert_eq!(log.segments().current(&old), None);
    assert_eq!(log.segments().current(&position(5)), position(5).in_segment, "untouched");
}

#[test]
fn segments_go_from_either_end() {
    let fixture = Fixture::new();
    let log = three_segments(&fixture);
    let bases = |segments: Vec<Arc<Segment>>| segments.iter().map(|it| it.base_offset).collect::<Vec<_>>();
    let mut appender = log.appender();
    assert_eq!(bases(appender.segments.truncate_from(3)), [4]);
    assert_eq!(bases(appender.segments.delete_before(2)), [0]);
    assert_eq!(log.segment_offsets(), [2]);
    let list = log.segment_list();
    assert_eq!((list.floor(1), list.floor(2), list.from(1).len()), (None, Some(0), 1));
    assert_eq!((list.base_below(2), list.base_below(3)), (None, Some(2)));
}
