//! Segments by themselves.

use super::*;
use crate::wire::batch::BatchBuilder;

fn options() -> SegmentOptions {
    SegmentOptions { max_index_bytes: 1000, index_interval: 100, roll_jitter: 0, preallocate: 0, now: 0 }
}

fn at(dir: &tempfile::TempDir) -> Arc<LogDir> {
    LogDir::new(dir.path().to_owned())
}

fn segment(dir: &tempfile::TempDir) -> Segment {
    let segment = Segment::create(&at(dir), 40, options()).unwrap();
    segment.activate().unwrap();
    segment
}

fn append(segment: &Segment, offset: Offset, timestamp: Millis) -> usize {
    let mut builder = BatchBuilder::new().base_offset(offset);
    builder.push(timestamp, None, Some(b"value"), &[]);
    let bytes = builder.build().unwrap();
    let pieces = [bytes.slice(..21), bytes.slice(21..)];
    segment.append(&pieces, offset, TimestampOffset { timestamp, offset }).unwrap();
    bytes.len()
}

#[test]
fn a_batch_is_found_by_any_offset_up_to_its_last() {
    let dir = tempfile::tempdir().unwrap();
    let segment = segment(&dir);
    assert_eq!(segment.find(40).unwrap(), None);
    assert_eq!(segment.next_offset().unwrap(), 40);
    let size = append(&segment, 50, 1) as u32;
    append(&segment, 60, 2);
    let found = |offset| segment.find(offset).unwrap().map(|found| found.position);
    assert_eq!([40, 50, 51, 60, 61].map(found), [Some(0), Some(0), Some(size), Some(size), None]);
    assert_eq!(segment.next_offset().unwrap(), 61);
}

#[test]
fn an_index_entry_comes_after_so_many_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let segment = segment(&dir);
    for at in 0..6 {
        append(&segment, 40 + at, 100 + at);
    }
    // A batch has 73 bytes: after two of them more than a hundred have passed.
    assert_eq!(segment.indexes.read().offset.entries.count(), 2);
    assert_eq!(segment.indexes.read().time.entries.count(), 2);
    segment.deactivate().unwrap();
    assert_eq!(segment.indexes.read().time.entries.count(), 3, "the largest time is noted at last");
    let reopened = Segment::open(&at(&dir), 40, "", options()).unwrap();
    assert_eq!(reopened.next_offset().unwrap(), 46);
    assert_eq!(reopened.largest_timestamp().unwrap(), 105);
}

#[test]
fn an_offset_out_of_reach_is_refused_and_rolls() {
    let dir = tempfile::tempdir().unwrap();
    let segment = segment(&dir);
    append(&segment, 40, 1);
    let far = 40 + i64::from(i32::MAX) + 1;
    let largest = TimestampOffset { timestamp: 1, offset: far };
    assert!(segment.append(&[Bytes::from_static(b"x")], far, largest).is_err());
    assert_eq!(segment.size(), 73);
    let coming = |last_offset| Coming {
        bytes: 10,
        last_offset,
        largest_timestamp: 1,
        segment_bytes: 1 << 30,
        segment_ms: 1000,
    };
    assert!(!segment.should_roll(&coming(far - 1), 0).unwrap());
    assert!(segment.should_roll(&coming(far), 0).unwrap());
}

#[test]
fn without_timestamps_the_files_time_counts() {
    let dir = tempfile::tempdir().unwrap();
    let segment = segment(&dir);
    append(&segment, 40, -1);
    assert_eq!(segment.largest_timestamp().unwrap(), segment.last_modified().unwrap());
}

#[test]
fn renamed_files_are_still_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let segment = segment(&dir);
    append(&segment, 40, 1);
    segment.deactivate().unwrap();
    segment.change_suffix(".deleted").unwrap();
    assert!(
        segment.path(Kind::Log).ends_with("00000000000000000040.log.deleted")
            && segment.path(Kind::Log).exists()
    );
    assert_eq!(segment.find(40).unwrap().map(|found| found.position), Some(0));
    assert_eq!(segment.largest_timestamp().unwrap(), 1);
}

#[test]
fn pieces_of_all_sizes_are_written_in_order() {
    let file = tempfile::tempfile().unwrap();
    let sizes = [21, 0, 2 * WRITTEN_AT_ONCE + 7, 1, WRITTEN_AT_ONCE, WRITTEN_AT_ONCE - 1].into_iter();
    let sizes = sizes.chain(std::iter::repeat_n(3, SLICES_AT_ONCE + 10));
    let pieces: Vec<_> = sizes.enumerate().map(|(at, size)| Bytes::from(vec![at as u8; size])).collect();
    write_all_at(&file, &pieces, 5).unwrap();
    let mut written = vec![0; pieces.iter().map(Bytes::len).sum()];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut written, 5).unwrap();
    assert!(written == pieces.concat());
    assert_eq!(file.metadata().unwrap().len(), written.len() as u64 + 5);
}
