//! Which batches and records survive a cleaning.
//!
//! Pure. Kafka: the `RecordFilter` of `Cleaner.cleanInto`, `shouldDiscardBatch`, `shouldRetainRecord`. There a marker's
//! key is looked for among the keys of the log, so that a record with the key 0 or 1 as a Java int may take a marker
//! away whose transaction is still in the log; here a marker stays until its transaction is gone.

use std::collections::HashMap;

use super::offset_map::{KeyHash, OffsetMap};
use super::transactions::{CleanedTransactionMetadata, MetMarker};
use crate::base::{Offset, ProducerEpoch, ProducerId};
use crate::log::index::AbortedEntry;
use crate::wire::batch::BatchHeader;
use crate::wire::control::ControlType;

/// The last that an active producer has in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRecord {
    /// The last offset of its last batch of records; None where its last entry is a marker of a new epoch.
    pub last_data_offset: Option<Offset>,
    /// Its epoch.
    pub epoch: ProducerEpoch,
}

/// The last that each active producer has in a log.
pub type LastRecords = HashMap<ProducerId, LastRecord>;

/// Which records of a batch survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetainedRecords {
    /// None of them.
    None,
    /// Those that are the latest of their key, see [`is_retained`].
    Latest,
    /// All of them: a marker.
    All,
}

/// What survives of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRetention {
    /// Which of its records.
    pub records: RetainedRecords,
    /// Whether its header does where no record does: its producer's last sequence number or epoch stands in it.
    pub retains_empty: bool,
    /// The entry of the transaction index that survives with it.
    pub aborted: Option<AbortedEntry>,
}

/// Which records of a batch are retained. `marker` is the first control record; None in batches without
/// control records.
pub fn retention(
    header: &BatchHeader,
    marker: Option<ControlType>,
    tombstones: Tombstones,
    transactions: &mut CleanedTransactionMetadata,
    last_records: &LastRecords,
) -> BatchRetention {
    let mut aborted = None;
    let records = if header.is_control() {
        match transactions.meet_marker(header, marker) {
            MetMarker::MayGo if tombstones == Tombstones::Discarded => RetainedRecords::None,
            MetMarker::StaysWithEntry(entry) => {
                aborted = Some(entry);
                RetainedRecords::All
            }
            MetMarker::MayGo | MetMarker::Stays => RetainedRecords::All,
        }
    } else if transactions.meet_batch(header) {
        RetainedRecords::None
    } else {
        RetainedRecords::Latest
    };
    let retains_empty = header.has_producer_id() && is_last_of_producer(header, last_records);
    BatchRetention { records, retains_empty, aborted }
}

fn is_last_of_producer(header: &BatchHeader, last_records: &LastRecords) -> bool {
    let Some(last) = last_records.get(&header.producer_id) else { return false };
    match last.last_data_offset {
        Some(offset) => header.last_offset() == offset,
        None => header.is_control() && header.producer_epoch == last.epoch,
    }
}

/// What comes of the tombstones and transaction markers of a segment (`delete.retention.ms`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tombstones {
    /// They stay, so that every reader sees them in time.
    Retained,
    /// Their time is over.
    Discarded,
}

/// What decides on a record.
#[derive(Clone, Copy, Debug)]
pub struct RecordToRetain {
    /// Its offset.
    pub offset: Offset,
    /// Its key, if it has one.
    pub key: Option<KeyHash>,
    /// Whether it has a value; one without is the tombstone of its key.
    pub has_value: bool,
}

/// Whether a record survives: it is the latest of its key, and no tombstone whose time is over. Records behind what the
/// map accounts for survive in any case.
#[inline]
pub fn is_retained(record: &RecordToRetain, map: &OffsetMap, tombstones: Tombstones) -> bool {
    if map.latest_offset().is_none_or(|latest| record.offset > latest) {
        return true;
    }
    let Some(key) = record.key else { return false };
    let is_latest = map.get(key).is_none_or(|latest| record.offset >= latest);
    is_latest && (record.has_value || tombstones == Tombstones::Retained)
}

#[cfg(test)]
mod tests;
