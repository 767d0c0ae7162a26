//! Where an offset lies: its segment and the byte in it. Pure.
//!
//! Kafka: `LogOffsetMetadata`.

use crate::base::Offset;

/// A byte in the `.log` of a segment where a batch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPosition {
    /// The base offset of the segment.
    pub base_offset: Offset,
    /// Which segment of that base offset: segments are exchanged when they are cleaned ([`super::segments`]).
    pub generation: u32,
    /// The byte in the segment's file.
    pub byte: u32,
}

/// An offset and, where it is known, the position of its batch on disk.
#[doc(alias = "LogOffsetMetadata")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// The offset.
    pub offset: Offset,
    /// Where its batch begins; None until it is looked up.
    pub in_segment: Option<SegmentPosition>,
}

impl LogPosition {
    /// An offset with its position in a segment that was never exchanged.
    pub fn at(offset: Offset, base_offset: Offset, byte: u32) -> Self {
        Self { offset, in_segment: Some(SegmentPosition { base_offset, generation: 0, byte }) }
    }

    /// Whether it is known to lie in an older segment than `other`.
    pub fn on_older_segment(&self, other: &Self) -> bool {
        match (self.in_segment, other.in_segment) {
            (Some(this), Some(other)) => this.base_offset < other.base_offset,
            _ => false,
        }
    }

    /// How many bytes lie between `older` and this position; None unless both lie in one segment.
    pub fn bytes_since(&self, older: &Self) -> Option<i64> {
        let (this, older) = (self.in_segment?, older.in_segment?);
        let is_same = this.base_offset == older.base_offset && this.generation == older.generation;
        is_same.then(|| i64::from(this.byte) - i64::from(older.byte))
    }
}

impl From<Offset> for LogPosition {
    /// An offset whose position is not known.
    fn from(offset: Offset) -> Self {
        Self { offset, in_segment: None }
    }
}
