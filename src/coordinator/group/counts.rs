//! How many groups and offsets there are.
//!
//! Pure.

use super::metadata::{GroupMetadata, GroupState};

/// The groups of a partition, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Committed offsets.
    pub offsets: usize,
    /// Groups in each state, in the order of [`GroupState::ALL`].
    pub in_state: [usize; GroupState::ALL.len()],
}

impl GroupCounts {
    /// Counts a group.
    pub(super) fn add(&mut self, group: &GroupMetadata) {
        self.offsets += group.offsets().len();
        self.in_state[group.state() as usize] += 1;
    }

    /// Counts a group no more; it was counted as it is.
    pub(super) fn remove(&mut self, group: &GroupMetadata) {
        self.offsets -= group.offsets().len();
        self.in_state[group.state() as usize] -= 1;
    }
}

impl std::ops::AddAssign for GroupCounts {
    fn add_assign(&mut self, other: Self) {
        self.offsets += other.offsets;
        for (state, more) in self.in_state.iter_mut().zip(other.in_state) {
            *state += more;
        }
    }
}
