//! Positions after a change of leader: whether the log up to them is still the one that was read (KIP-320).
//!
//! Pure. Kafka: `SubscriptionState.maybeValidatePositionForCurrentLeader`, `maybeCompleteValidation`.

use std::collections::BTreeMap;

use super::{ConsumerPosition, SubscriptionState};
use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::client::consumer::error::LogTruncation;
use crate::client::metadata::PartitionLeader;
use crate::client::offsets::OffsetAndMetadata;
use crate::client::settings::OffsetReset;

/// Where the leader's log ends in the epoch of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEndOffsetFound {
    /// The largest epoch in the leader's log that is not above the one asked for; -1 where there is none.
    pub epoch: LeaderEpoch,
    /// Where it ends; -1 where there is none.
    pub end_offset: Offset,
}

impl SubscriptionState {
    /// Applies the leader that the metadata names: a position under another leader or epoch awaits its validation.
    pub fn leader_changed(&mut self, id: &TopicPartition, leader: PartitionLeader) {
        if let Some(state) = self.assignment.get_mut(id) {
            state.leader_changed(leader);
        }
    }

    /// The positions to validate.
    pub fn needing_validation(&self, now: Millis) -> BTreeMap<TopicPartition, ConsumerPosition> {
        let needing = self.assignment.iter().filter(|(_, state)| state.may_retry(now));
        needing.filter_map(|(id, state)| Some((id.clone(), *state.validating()?))).collect()
    }

    /// The leader cannot be asked: the position counts as valid.
    pub fn skip_validation(&mut self, id: &TopicPartition) {
        if let Some(state) = self.assignment.get_mut(id) {
            state.complete_validation();
        }
    }

    /// Applies the answer for a position, unless the position is another one by now. A log that parts before it was
    /// truncated: the consumer goes on where it parts, or by its reset policy where that is not known; with the policy
    /// to fail the truncation is returned.
    pub fn complete_validation(
        &mut self,
        id: &TopicPartition,
        asked: &ConsumerPosition,
        found: EpochEndOffsetFound,
    ) -> Option<LogTruncation> {
        let policy = self.default_reset;
        let state = self.assignment.get_mut(id)?;
        if state.validating() != Some(asked) {
            return None;
        }
        let is_known = found.epoch >= 0 && found.end_offset >= 0;
        if is_known && found.end_offset >= asked.offset {
            state.complete_validation();
            return None;
        }
        match policy {
            OffsetReset::None => Some(LogTruncation {
                partition: id.clone(),
                position: asked.offset,
                position_epoch: asked.offset_epoch,
                divergent_offset: is_known.then(|| OffsetAndMetadata {
                    leader_epoch: Some(found.epoch),
                    ..OffsetAndMetadata::new(found.end_offset)
                }),
            }),
            _ if is_known => {
                state.seek_validated(ConsumerPosition {
                    offset: found.end_offset,
                    offset_epoch: Some(found.epoch),
                    leader: asked.leader,
                });
                None
            }
            policy => {
                state.request_reset(policy);
                None
            }
        }
    }
}
