//! When a waiting fetch is answered: readable bytes are added up over its partitions as their logs grow,
//! until there are enough.
//!
//! Pure. Never reads: a change of a partition comes with the position that bounds its readers. Kafka:
//! `DelayedFetch`.

use std::collections::{BTreeSet, HashMap};

use crate::log::LogPosition;

/// Identifies a partition within a fetch or a session; never used again for another one.
pub type PartitionKey = u64;

/// The positions of a fetch in a partition's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchPosition {
    /// The position of the offset that is fetched from.
    pub start: LogPosition,
    /// The position that bounds the reader: the log's end, the high watermark or the last stable offset.
    pub bound: LogPosition,
    /// The most bytes that are wanted of the partition.
    pub max_bytes: i32,
    /// Whether replication to this follower was throttled when the partition was last read.
    pub throttled: bool,
}

/// What a fetch could read of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// This many bytes.
    Bytes(i64),
    /// The start and the bound lie in different segments: the fetch is answered whatever there is.
    OtherSegment,
    /// Some bytes, but only the log can count them: a position in it is not known.
    Unmeasured,
    /// Some bytes, if replication is not throttled any more.
    Throttled,
}

impl FetchPosition {
    /// What could be read now.
    pub fn readable(&self) -> Readable {
        let Self { start, bound, max_bytes, throttled } = *self;
        if start.offset == bound.offset {
            return Readable::Bytes(0);
        }
        if throttled {
            return Readable::Throttled;
        }
        if bound.on_older_segment(&start) || start.on_older_segment(&bound) {
            return Readable::OtherSegment;
        }
        if start.offset > bound.offset {
            return Readable::Bytes(0);
        }
        // There is at least one record, whatever the positions are: a copy of the log has other positions.
        match bound.bytes_since(&start) {
            Some(bytes) => Readable::Bytes(bytes.max(1).min(i64::from(max_bytes.max(0)))),
            None => Readable::Unmeasured,
        }
    }
}

/// The state of a waiting fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelayedVerdict {
    /// It waits on.
    Waits,
    /// Some partitions have to be read again, as their positions are not sufficient.
    Examine,
    /// There are no records, but a high watermark that the follower does not know: the fetch is answered soon
    /// for it.
    HasNews,
    /// It is answered.
    Satisfied,
}

/// A fetch that waits for records.
#[derive(Clone, Debug)]
pub struct DelayedFetch {
    min_bytes: i64,
    /// The sum of `counted`.
    available: i64,
    counted: HashMap<PartitionKey, i64>,
    to_examine: BTreeSet<PartitionKey>,
    has_new_high_watermark: bool,
    satisfied: bool,
}

impl DelayedFetch {
    /// Waits for so many bytes.
    pub fn new(min_bytes: i32) -> Self {
        Self {
            min_bytes: min_bytes.into(),
            available: 0,
            counted: HashMap::new(),
            to_examine: BTreeSet::new(),
            has_new_high_watermark: false,
            satisfied: false,
        }
    }

    /// This much is readable of a partition now.
    pub fn count(&mut self, key: PartitionKey, readable: Readable) {
        let before = self.counted.get(&key).copied().unwrap_or(0);
        let bytes = match readable {
            Readable::Bytes(bytes) => bytes,
            Readable::OtherSegment => {
                self.satisfied = true;
                before
            }
            // One byte is enough for most fetches.
            Readable::Unmeasured if self.available - before + 1 >= self.min_bytes => 1,
            Readable::Unmeasured | Readable::Throttled => {
                self.to_examine.insert(key);
                before
            }
        };
        self.available += bytes - before;
        if bytes == 0 {
            self.counted.remove(&key);
        } else {
            self.counted.insert(key, bytes);
        }
        self.satisfied |= self.available >= self.min_bytes;
    }

    /// The waiting request has to read a partition again: its role may have changed.
    pub fn examine(&mut self, key: PartitionKey) {
        self.to_examine.insert(key);
    }

    /// The follower does not know a high watermark yet.
    pub fn has_new_high_watermark(&mut self) {
        self.has_new_high_watermark = true;
    }

    /// The fetch is answered, whatever there is to read.
    pub fn complete(&mut self) {
        self.satisfied = true;
    }

    /// The partitions to read again, which are then counted anew.
    pub fn take_to_examine(&mut self) -> BTreeSet<PartitionKey> {
        std::mem::take(&mut self.to_examine)
    }

    /// The state of the fetch.
    pub fn verdict(&self) -> DelayedVerdict {
        if self.satisfied {
            DelayedVerdict::Satisfied
        } else if !self.to_examine.is_empty() {
            DelayedVerdict::Examine
        // If there are records, `min_bytes` decides when the fetch is answered, and the high watermark goes
        // with them.
        } else if self.has_new_high_watermark && self.available == 0 {
            DelayedVerdict::HasNews
        } else {
            DelayedVerdict::Waits
        }
    }
}

#[cfg(test)]
mod tests;
