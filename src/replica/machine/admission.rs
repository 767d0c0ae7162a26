//! What a replica accepts: leaderships and stops of a later leader epoch, readers that know the present one,
//! appends that enough replicas will have.
//!
//! Pure. Nothing here changes the machine. Kafka:
//! `ReplicaManager.becomeLeaderOrFollower` and `stopReplicas`, `Partition.checkCurrentLeaderEpoch`,
//! `appendRecordsToLeader`, `checkEnoughReplicasReachOffset`.

use super::{LeadershipState, LocalReplica};
use crate::base::{LeaderAndIsr, LeaderEpoch};
use crate::wire::error_code::ErrorCode;

/// Which replicas answer a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// The leader alone.
    Leader,
    /// Any replica: a consumer may read from a follower that is close to it (KIP-392).
    AnyReplica,
}

/// Which replicas must have records before they are acknowledged (`acks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredAcks {
    /// None: the client waits for no answer.
    None,
    /// The leader.
    Leader,
    /// All replicas in sync, which must be `min.insync.replicas` at least.
    All,
}

impl RequiredAcks {
    /// The value of `acks` in a request: 0, 1 or -1; None for any other.
    pub fn from_wire(acks: i16) -> Option<Self> {
        match acks {
            0 => Some(Self::None),
            1 => Some(Self::Leader),
            -1 => Some(Self::All),
            _ => None,
        }
    }
}

impl LocalReplica {
    /// Whether this replica applies a state that the controller describes.
    ///
    /// # Errors
    /// STALE_CONTROLLER_EPOCH where the leader epoch is not larger than the known one: a new controller describes
    /// every partition again, and a change within the epoch was this leader's own. UNKNOWN_TOPIC_OR_PARTITION where
    /// this broker is not among the replicas.
    pub fn accepts(&self, state: &LeadershipState) -> Result<(), ErrorCode> {
        if state.leadership.leader_epoch <= self.leader_epoch() {
            return Err(ErrorCode::StaleControllerEpoch);
        }
        if !state.replicas.contains(&self.me) {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        Ok(())
    }

    /// Whether this replica stops at the controller's request, which names a leader epoch. A deletion supersedes
    /// every epoch ([`LeaderAndIsr::EPOCH_DURING_DELETE`]); before StopReplica v3 a request had none
    /// ([`LeaderAndIsr::NO_EPOCH`], KIP-570).
    ///
    /// # Errors
    /// FENCED_LEADER_EPOCH where the epoch is not larger than the known one.
    pub fn accepts_stop(&self, leader_epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        let of_any_epoch = matches!(leader_epoch, LeaderAndIsr::EPOCH_DURING_DELETE | LeaderAndIsr::NO_EPOCH);
        if of_any_epoch || leader_epoch > self.leader_epoch() {
            return Ok(());
        }
        Err(ErrorCode::FencedLeaderEpoch)
    }

    /// Whether a caller that knows this leader epoch (None: it sends none) may read here.
    ///
    /// # Errors
    /// FENCED_LEADER_EPOCH where the caller's epoch is smaller than the known one, UNKNOWN_LEADER_EPOCH where it is
    /// larger, NOT_LEADER_OR_FOLLOWER.
    pub fn admits_read(&self, epoch: Option<LeaderEpoch>, from: ReadFrom) -> Result<(), ErrorCode> {
        match epoch {
            Some(epoch) if epoch < self.leader_epoch() => Err(ErrorCode::FencedLeaderEpoch),
            Some(epoch) if epoch > self.leader_epoch() => Err(ErrorCode::UnknownLeaderEpoch),
            _ if from == ReadFrom::Leader && !self.is_leader() => Err(ErrorCode::NotLeaderOrFollower),
            _ => Ok(()),
        }
    }

    /// The leader epoch in which records are appended now; `min_isr` is `min.insync.replicas`.
    ///
    /// # Errors
    /// NOT_LEADER_OR_FOLLOWER; NOT_ENOUGH_REPLICAS with acks=all where too few replicas are in sync.
    pub fn admits_append(&self, acks: RequiredAcks, min_isr: usize) -> Result<LeaderEpoch, ErrorCode> {
        if !self.is_leader() {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        if acks == RequiredAcks::All && self.state.leadership.isr.len() < min_isr {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        Ok(self.leader_epoch())
    }

    /// How an append with acks=all ends once the high watermark has passed its records: NONE, or
    /// NOT_ENOUGH_REPLICAS_AFTER_APPEND. A follower that is proposed to join counts here, but not before an append.
    pub fn replicated(&self, min_isr: usize) -> ErrorCode {
        if self.maximal_isr().len() < min_isr {
            return ErrorCode::NotEnoughReplicasAfterAppend;
        }
        ErrorCode::None
    }

    /// Whether this replica leads in a leader epoch. What follows from an append is applied in the epoch that
    /// accepted it, or not at all.
    pub fn leads_in(&self, epoch: LeaderEpoch) -> bool {
        self.is_leader() && self.leader_epoch() == epoch
    }

    /// Whether this replica follows in a leader epoch. A fetcher changes the log in the epoch in which it fetched, or
    /// not at all.
    pub fn follows_in(&self, epoch: LeaderEpoch) -> bool {
        !self.is_leader() && self.leader_epoch() == epoch
    }
}

#[cfg(test)]
mod tests;
