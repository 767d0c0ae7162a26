//! What a cleaner knows of the transactions while it walks through a log.
//!
//! Pure. Records of aborted transactions go at once; a marker goes once no batch of its transaction was met before it,
//! as all of them were cleaned away, and its tombstones' time is over. Kafka: `CleanedTransactionMetadata`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::base::{Offset, ProducerId};
use crate::log::index::AbortedEntry;
use crate::wire::batch::BatchHeader;
use crate::wire::control::ControlType;

/// An aborted transaction that the walk is in.
#[derive(Clone, Copy, Debug)]
struct OngoingAborted {
    entry: AbortedEntry,
    /// Whether a batch of it was met.
    was_met: bool,
}

/// What a marker that was met means for the cleaned log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetMarker {
    /// The marker may go: nothing of its transaction is left.
    MayGo,
    /// The marker stays.
    Stays,
    /// The marker of an aborted transaction stays, and its entry in the transaction index.
    StaysWithEntry(AbortedEntry),
}

/// The transactions that a walk through a log is in.
#[derive(Debug, Default)]
pub struct CleanedTransactionMetadata {
    committed: HashSet<ProducerId>,
    aborted: HashMap<ProducerId, OngoingAborted>,
    /// Aborted transactions that begin later, by their first offset.
    coming: BinaryHeap<Reverse<ByFirstOffset>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ByFirstOffset(AbortedEntry);

impl Ord for ByFirstOffset {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let order = |it: &Self| (it.0.first_offset, it.0.last_offset, it.0.producer_id);
        order(self).cmp(&order(other))
    }
}

impl PartialOrd for ByFirstOffset {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl CleanedTransactionMetadata {
    /// Takes in aborted transactions before the walk comes to their first offsets. One may come more than once.
    pub fn add_aborted(&mut self, entries: impl IntoIterator<Item = AbortedEntry>) {
        self.coming.extend(entries.into_iter().map(|entry| Reverse(ByFirstOffset(entry))));
    }

    /// The walk has met a batch that is no control batch. Whether it belongs to an aborted transaction.
    pub fn meet_batch(&mut self, header: &BatchHeader) -> bool {
        self.begin_aborted_up_to(header.last_offset());
        if !header.is_transactional() {
            return false;
        }
        match self.aborted.get_mut(&header.producer_id) {
            Some(aborted) => {
                aborted.was_met = true;
                true
            }
            None => {
                self.committed.insert(header.producer_id);
                false
            }
        }
    }

    /// The walk has met a control batch with a marker of this kind; `None` where it is empty, as it was cleaned before.
    pub fn meet_marker(&mut self, header: &BatchHeader, kind: Option<ControlType>) -> MetMarker {
        self.begin_aborted_up_to(header.last_offset());
        match kind {
            None => MetMarker::MayGo,
            Some(ControlType::Abort) => match self.aborted.remove(&header.producer_id) {
                Some(OngoingAborted { entry, was_met: true }) => MetMarker::StaysWithEntry(entry),
                _ => MetMarker::MayGo,
            },
            Some(ControlType::Commit) => match self.committed.remove(&header.producer_id) {
                true => MetMarker::Stays,
                false => MetMarker::MayGo,
            },
            Some(ControlType::Unknown(_)) => MetMarker::Stays,
        }
    }

    fn begin_aborted_up_to(&mut self, offset: Offset) {
        while let Some(Reverse(ByFirstOffset(entry))) = self.coming.peek().copied() {
            if entry.first_offset > offset {
                return;
            }
            self.coming.pop();
            self.aborted.entry(entry.producer_id).or_insert(OngoingAborted { entry, was_met: false });
        }
    }
}

#[cfg(test)]
mod tests;
