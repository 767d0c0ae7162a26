//! Which leader epoch began at which offset: how replicas find where their logs part.
//!
//! Pure. The caller writes the entries to `leader-epoch-checkpoint`: at once, or as late as
//! [`Epochs::are_found_again_from`] allows.
//! Entries rise in both epoch and offset; where a new one contradicts old ones, the old ones go.
//!
//! Kafka: `LeaderEpochFileCache` (KIP-101, KIP-279).

use crate::base::{LeaderEpoch, Offset};

/// The first offset that a leader of this epoch wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// The leader's epoch, from 0.
    pub epoch: LeaderEpoch,
    /// The offset of its first record, from 0.
    pub start_offset: Offset,
}

/// Where a leader epoch ends in a log: the first offset that is not of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "EpochEndOffset")]
pub struct EpochEnd {
    /// The epoch. In a leader's answer, -1 from version 0 of OffsetForLeaderEpoch, which does not have it.
    pub epoch: LeaderEpoch,
    /// Its end. In a leader's answer, -1 if the leader does not know the epoch.
    pub offset: Offset,
}

impl EpochEnd {
    /// The answer for an epoch that is not known.
    pub const UNKNOWN: Self = Self { epoch: -1, offset: -1 };
}

/// The epochs of one log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    entries: Vec<EpochEntry>,
}

impl Epochs {
    /// The epochs of these entries, assigned one after another, so that contradictions are settled as while running.
    pub fn of(entries: impl IntoIterator<Item = EpochEntry>) -> Self {
        let mut epochs = Self::default();
        for entry in entries {
            epochs.assign(entry.epoch, entry.start_offset);
        }
        epochs
    }

    /// Notes that `epoch` begins at `start_offset`; entries of a later epoch or offset give way.
    /// Negative values are of no epoch and are ignored. Returns whether anything changed.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) -> bool {
        if epoch < 0 || start_offset < 0 {
            return false;
        }
        if self.entries.last().is_some_and(|last| epoch == last.epoch && start_offset >= last.start_offset) {
            return false;
        }
        while self.entries.last().is_some_and(|last| last.epoch >= epoch || last.start_offset >= start_offset)
        {
            self.entries.pop();
        }
        self.entries.push(EpochEntry { epoch, start_offset });
        true
    }

    /// The latest entry.
    pub fn latest(&self) -> Option<EpochEntry> {
        self.entries.last().copied()
    }

    /// The earliest entry.
    pub fn earliest(&self) -> Option<EpochEntry> {
        self.entries.first().copied()
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The largest known epoch not above `requested`, and the offset where it ended: the start of the next epoch,
    /// or `log_end_offset` for the latest one. An epoch older than all ends where the first one starts.
    /// None for an epoch above the latest and for -1.
    pub fn end_offset_for(&self, requested: LeaderEpoch, log_end_offset: Offset) -> Option<EpochEnd> {
        let latest = self.latest()?;
        if requested == -1 || requested > latest.epoch {
            return None;
        }
        if requested == latest.epoch {
            return Some(EpochEnd { epoch: requested, offset: log_end_offset });
        }
        let higher = self.entries.partition_point(|entry| entry.epoch <= requested);
        let offset = self.entries.get(higher)?.start_offset;
        let epoch = higher.checked_sub(1).map_or(requested, |floor| self.entries[floor].epoch);
        Some(EpochEnd { epoch, offset })
    }

    /// Forgets the epochs that begin at or after `end_offset`. Returns whether anything changed.
    pub fn truncate_from_end(&mut self, end_offset: Offset) -> bool {
        let before = self.entries.len();
        if end_offset >= 0 {
            self.entries.truncate(self.entries.partition_point(|entry| entry.start_offset < end_offset));
        }
        self.entries.len() != before
    }

    /// Forgets what lies before `start_offset`: the last epoch that began at or before it now begins there.
    /// Returns whether anything changed.
    pub fn truncate_from_start(&mut self, start_offset: Offset) -> bool {
        let gone = self.entries.partition_point(|entry| entry.start_offset <= start_offset);
        let Some(last_gone) = gone.checked_sub(1) else { return false };
        let begun = std::mem::replace(&mut self.entries[last_gone].start_offset, start_offset);
        self.entries.drain(..last_gone);
        last_gone > 0 || begun != start_offset
    }

    /// Notes the epoch of a batch that a recovery reads, unless it or a later one is known. Returns whether anything
    /// changed.
    pub fn note_recovered(&mut self, epoch: LeaderEpoch, base_offset: Offset) -> bool {
        self.entries.last().is_none_or(|latest| epoch > latest.epoch) && self.assign(epoch, base_offset)
    }

    /// Whether a recovery that has no more than `written` makes these epochs of it, by [`Epochs::note_recovered`] with
    /// the batches from the first epoch on that `written` lacks.
    ///
    /// ```text
    ///   written 1@0 4@20         now 1@0 4@20 7@30    yes: the batch at 30 is of a later epoch
    ///   written 1@0 4@20         now 1@0 7@20         yes: the batch at 20 replaces 4, which has no records
    ///   written 1@0 4@20         now 1@0 7@25         no: nothing would take back that 4 began at 20
    ///   written 1@0 4@20         now 1@0 3@20         no: the batch at 20 is of an earlier epoch
    ///   written 1@0 4@20         now 1@0              no: the batches behind 20, of epoch 1, show nothing new
    ///   written                  now 1@0              yes: where there are none, they are taken from all batches
    /// ```
    pub fn are_found_again_from(&self, written: &Self) -> bool {
        let common = self.in_common_with(written);
        let gone = &written.entries[common..];
        match self.entries.get(common) {
            None => gone.is_empty(),
            Some(next) => {
                let gives_way =
                    |old: &EpochEntry| old.epoch < next.epoch && old.start_offset >= next.start_offset;
                gone.iter().all(gives_way)
            }
        }
    }

    /// Where the first epoch begins that `written` lacks.
    pub fn first_missing_in(&self, written: &Self) -> Option<Offset> {
        self.entries.get(self.in_common_with(written)).map(|entry| entry.start_offset)
    }

    /// With how many equal entries both begin.
    fn in_common_with(&self, other: &Self) -> usize {
        self.entries.iter().zip(&other.entries).take_while(|(one, other)| one == other).count()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests;
