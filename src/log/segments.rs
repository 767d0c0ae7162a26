//! The segments of a log, in order, and how they are exchanged while readers use them.
//!
//! Readers take a [`SegmentList`]: the segments as they were at one moment, which never changes. Only the appender
//! holds the [`SegmentsWriter`]; each of its changes puts a new list in the place of the old one, whole. A reader that
//! took the old list before still reads the files of its segments, under their `.deleted` names, until these are
//! unlinked after `file.delete.delay.ms`; then it finds [`std::io::ErrorKind::UnexpectedEof`], as after a truncation.
//!
//! What a reader must not keep is a byte position in a segment that was exchanged, for the new segment of the same base
//! offset has other bytes there. Every position therefore carries the generation of its segment, and one of another
//! generation is looked up anew by its offset:
//!
//! ```text
//!   generation 0     [0 … 99] [100 … 199] [200 …      the cleaner makes one segment of the first two:
//!   replace(0..2)    [0 ………………… 199]      [200 …      the new segment has generation 1, the last one still 0
//! ```
//!
//! Kafka: `Log.segments` (a `ConcurrentSkipListMap`), `addSegment`, `replaceSegments`.

use std::ops::{Deref, Range};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::position::{LogPosition, SegmentPosition};
use super::segment::Segment;
use crate::base::Offset;

/// The segments of a log at one moment: rising by base offset, the active one last; never empty once the log is open.
#[derive(Clone, Debug, Default)]
pub struct SegmentList {
    segments: Vec<Arc<Segment>>,
}

impl Deref for SegmentList {
    type Target = [Arc<Segment>];

    fn deref(&self) -> &Self::Target {
        &self.segments
    }
}

impl SegmentList {
    fn new(segments: Vec<Arc<Segment>>) -> Self {
        debug_assert!(segments.is_sorted_by(|one, next| one.base_offset < next.base_offset));
        Self { segments }
    }

    /// The segment that is appended to.
    ///
    /// # Panics
    /// Where the log is not open yet and has no segments.
    pub fn active(&self) -> &Arc<Segment> {
        &self.segments[self.segments.len() - 1]
    }

    /// The index of the last segment that begins at or before `offset`.
    pub fn floor(&self, offset: Offset) -> Option<usize> {
        self.segments.partition_point(|segment| segment.base_offset <= offset).checked_sub(1)
    }

    /// The segments from the one that may hold `offset` on; all of them for an offset before the first.
    pub fn from(&self, offset: Offset) -> &[Arc<Segment>] {
        &self.segments[self.floor(offset).unwrap_or(0)..]
    }

    /// The base offset of the last segment that begins before `offset`.
    pub fn base_below(&self, offset: Offset) -> Option<Offset> {
        let at = self.segments.partition_point(|segment| segment.base_offset < offset);
        at.checked_sub(1).map(|at| self.segments[at].base_offset)
    }

    /// The byte position of `position`, if it was looked up in a segment that is in this list.
    pub fn current(&self, position: &LogPosition) -> Option<SegmentPosition> {
        let known = position.in_segment?;
        let segment = &self.segments[self.floor(known.base_offset)?];
        (segment.base_offset == known.base_offset && segment.generation() == known.generation)
            .then_some(known)
    }
}

/// The list of segments as readers see it.
#[derive(Debug, Default)]
pub struct Segments {
    current: ArcSwap<SegmentList>,
}

impl Segments {
    /// The list now, for a short use.
    pub fn load(&self) -> Guard<Arc<SegmentList>> {
        self.current.load()
    }

    /// The list now, to be kept.
    pub fn snapshot(&self) -> Arc<SegmentList> {
        self.current.load_full()
    }
}

/// The right to change the list. There is one for each log, and its appender has it.
#[derive(Debug)]
pub struct SegmentsWriter {
    segments: Arc<Segments>,
    /// How often segments were exchanged for others with [`SegmentsWriter::replace`].
    generation: u32,
}

impl SegmentsWriter {
    /// An empty list, its readers' side and its writer.
    pub fn new() -> (Arc<Segments>, Self) {
        let segments = Arc::new(Segments::default());
        (segments.clone(), Self { segments, generation: 0 })
    }

    /// Begins anew with these segments: a log that is being loaded, or that was truncated fully.
    pub fn reset(&mut self, segments: Vec<Arc<Segment>>) {
        self.store(segments);
    }

    /// Makes `segment` the active one. It takes the place of the present one if both begin at the same offset.
    pub fn roll(&mut self, segment: Arc<Segment>) {
        let mut segments = self.segments.load().to_vec();
        if segments.last().is_some_and(|active| active.base_offset == segment.base_offset) {
            segments.pop();
        }
        segments.push(segment);
        self.store(segments);
    }

    /// Puts `with` in the place of the segments in `range`, in one step for readers. Returns the segments replaced,
    /// whose files are to be discarded. Positions in them are looked up anew from now on.
    pub fn replace(&mut self, range: Range<usize>, with: Vec<Arc<Segment>>) -> Vec<Arc<Segment>> {
        self.generation += 1;
        for segment in &with {
            segment.enter(self.generation);
        }
        let mut segments = self.segments.load().to_vec();
        let replaced = segments.splice(range, with).collect();
        self.store(segments);
        replaced
    }

    /// Takes the segments away that begin at or after `offset`. Returns them, to be discarded.
    pub fn truncate_from(&mut self, offset: Offset) -> Vec<Arc<Segment>> {
        let mut kept = self.segments.load().to_vec();
        let removed = kept.split_off(kept.partition_point(|segment| segment.base_offset < offset));
        self.store(kept);
        removed
    }

    /// Takes the segments away that begin before `offset`. Returns them, to be discarded.
    pub fn delete_before(&mut self, offset: Offset) -> Vec<Arc<Segment>> {
        let mut removed = self.segments.load().to_vec();
        let kept = removed.split_off(removed.partition_point(|segment| segment.base_offset < offset));
        self.store(kept);
        removed
    }

    fn store(&mut self, segments: Vec<Arc<Segment>>) {
        self.segments.current.store(Arc::new(SegmentList::new(segments)));
    }
}

#[cfg(test)]
mod tests;
