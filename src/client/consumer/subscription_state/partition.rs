//! One assigned partition: where its position comes from, and from which replica it is read.
//!
//! Pure. Kafka: `SubscriptionState.TopicPartitionState`.

use super::{ConsumerPosition, LogMarks};
use crate::base::{BrokerId, LeaderEpoch, Millis, Offset};
use crate::client::metadata::PartitionLeader;
use crate::client::settings::OffsetReset;

/// Where the position of a partition comes from. Kafka: `SubscriptionState.FetchStates`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FetchState {
    /// It is not known yet: the group's, or by reset.
    #[default]
    Initializing,
    /// It is being looked up at the start or the end of the log.
    AwaitReset(OffsetReset),
    /// The leader has changed: whether the log up to it is still the one that was read is being asked.
    AwaitValidation(ConsumerPosition),
    /// It is valid: records are fetched from it.
    Fetching(ConsumerPosition),
}

/// A replica that is read from instead of the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PreferredReplica {
    broker: BrokerId,
    expires: Millis,
}

/// The state of one assigned partition.
#[derive(Debug, Default)]
pub(super) struct TopicPartitionState {
    state: FetchState,
    paused: bool,
    high_watermark: Option<Offset>,
    last_stable_offset: Option<Offset>,
    /// No request for its position before this time.
    retry_at: Option<Millis>,
    preferred: Option<PreferredReplica>,
    /// When it had its last turn; larger is later.
    turn: u64,
}

impl TopicPartitionState {
    fn enter(&mut self, state: FetchState) {
        self.state = state;
        self.retry_at = None;
    }

    pub(super) fn is_initializing(&self) -> bool {
        self.state == FetchState::Initializing
    }

    pub(super) fn reset_strategy(&self) -> Option<OffsetReset> {
        if let FetchState::AwaitReset(to) = self.state { Some(to) } else { None }
    }

    pub(super) fn validating(&self) -> Option<&ConsumerPosition> {
        if let FetchState::AwaitValidation(position) = &self.state { Some(position) } else { None }
    }

    pub(super) fn valid_position(&self) -> Option<&ConsumerPosition> {
        if let FetchState::Fetching(position) = &self.state { Some(position) } else { None }
    }

    /// A position that needs no validation.
    pub(super) fn seek_validated(&mut self, position: ConsumerPosition) {
        self.enter(FetchState::Fetching(position));
    }

    /// A position that is validated if the epochs of it and of the leader are known.
    pub(super) fn seek_unvalidated(&mut self, position: ConsumerPosition) {
        let leader_has_epoch = position.leader.is_some_and(|leader| leader.epoch >= 0);
        self.enter(match position.offset_epoch {
            Some(_) if leader_has_epoch => FetchState::AwaitValidation(position),
            _ => FetchState::Fetching(position),
        });
    }

    pub(super) fn request_reset(&mut self, to: OffsetReset) {
        self.enter(FetchState::AwaitReset(to));
    }

    pub(super) fn complete_reset(&mut self, asked: OffsetReset, found: ConsumerPosition) {
        if self.state == FetchState::AwaitReset(asked) {
            self.seek_unvalidated(found);
        }
    }

    /// The leader is another one, or leads in another epoch. The position is then validated, and read from the leader.
    pub(super) fn leader_changed(&mut self, leader: PartitionLeader) {
        let (FetchState::AwaitValidation(position) | FetchState::Fetching(position)) = self.state else {
            return;
        };
        if position.leader != Some(leader) {
            self.preferred = None;
            self.seek_unvalidated(ConsumerPosition { leader: Some(leader), ..position });
        }
    }

    pub(super) fn complete_validation(&mut self) {
        if let FetchState::AwaitValidation(position) = self.state {
            self.seek_validated(position);
        }
    }

    pub(super) fn consumed(&mut self, next: Offset, epoch: Option<LeaderEpoch>) {
        if let FetchState::Fetching(position) = &mut self.state {
            position.offset = next;
            position.offset_epoch = epoch;
        }
    }

    pub(super) fn may_retry(&self, now: Millis) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    pub(super) fn retry_at(&mut self, at: Millis) {
        self.retry_at = Some(at);
    }

    /// When the next request for its position may be sent, if it waits for that.
    pub(super) fn waits_until(&self) -> Option<Millis> {
        if self.valid_position().is_some() { None } else { self.retry_at }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    pub(super) fn resume(&mut self) {
        self.paused = false;
    }

    pub(super) fn turn(&self) -> u64 {
        self.turn
    }

    pub(super) fn set_turn(&mut self, turn: u64) {
        self.turn = turn;
    }

    pub(super) fn update_marks(&mut self, marks: LogMarks) {
        let known = |mark: Offset| Some(mark).filter(|mark| *mark >= 0);
        self.high_watermark = known(marks.high_watermark).or(self.high_watermark);
        self.last_stable_offset = known(marks.last_stable_offset).or(self.last_stable_offset);
    }

    pub(super) fn lag(&self, read_committed: bool) -> Option<Offset> {
        let end = if read_committed { self.last_stable_offset } else { self.high_watermark }?;
        Some(end.saturating_sub(self.valid_position()?.offset))
    }

    pub(super) fn preferred_read_replica(&self, now: Millis) -> Option<BrokerId> {
        self.preferred.filter(|it| now <= it.expires).map(|it| it.broker)
    }

    /// The broker that it is fetched from; None where the leader is not known.
    pub(super) fn broker(&self, now: Millis) -> Option<BrokerId> {
        let leader = self.valid_position()?.leader?;
        Some(self.preferred_read_replica(now).unwrap_or(leader.broker))
    }

    /// Whether this replica is read from instead of the leader.
    pub(super) fn is_read_from(&self, broker: BrokerId) -> bool {
        self.preferred.is_some_and(|it| it.broker == broker)
    }

    /// The expiry of a replica that is named again stays as it was, so that the leader is asked from time to time.
    pub(super) fn prefer_replica(&mut self, broker: BrokerId, expires: Millis) {
        if self.preferred.is_none_or(|it| it.broker != broker) {
            self.preferred = Some(PreferredReplica { broker, expires });
        }
    }

    pub(super) fn clear_preferred_read_replica(&mut self) -> Option<BrokerId> {
        self.preferred.take().map(|it| it.broker)
    }
}
