//! Where an offset lies: its segment and the byte in it. Never touches a file.
//!
//! Pure. Kafka: `LogOffsetMetadata`.

use crate::base::Offset;

/// An offset and, where it is known, the place of its batch on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// The offset.
    pub offset: Offset,
    /// The base offset of the segment that holds it and the byte in that segment's file where its batch begins;
    /// None where nobody has looked it up.
    pub place: Option<(Offset, u32)>,
}

impl LogPosition {
    /// An offset with its place.
    pub fn at(offset: Offset, segment: Offset, position: u32) -> Self {
        Self { offset, place: Some((segment, position)) }
    }

    /// Whether it is known to lie in an older segment than `other`.
    pub fn on_older_segment(&self, other: &Self) -> bool {
        matches!((self.place, other.place), (Some((mine, _)), Some((its, _))) if mine < its)
    }

    /// How many bytes lie between `older` and this position; None unless both lie in one segment.
    pub fn bytes_since(&self, older: &Self) -> Option<i64> {
        match (self.place, older.place) {
            (Some((mine, here)), Some((its, there))) if mine == its => {
                Some(i64::from(here) - i64::from(there))
            }
            _ => None,
        }
    }
}

impl From<Offset> for LogPosition {
    /// An offset whose place is not known.
    fn from(offset: Offset) -> Self {
        Self { offset, place: None }
    }
}
