//! Whom a replica lets in: orders that are news, callers whose idea of the leadership is right, records that enough
//! replicas will have.
//!
//! Pure. What is let in changes the machine elsewhere. Kafka:
//! `ReplicaManager.becomeLeaderOrFollower` and `stopReplicas`, `Partition.checkCurrentLeaderEpoch`,
//! `appendRecordsToLeader`, `checkEnoughReplicasReachOffset`.

use super::{Machine, Told};
use crate::base::{LeaderAndIsr, LeaderEpoch};
use crate::wire::error_code::ErrorCode;

impl Machine {
    /// Whether what was told is news to this replica.
    ///
    /// # Errors
    /// STALE_CONTROLLER_EPOCH where the leader epoch is not larger than the one known: a new controller tells everything
    /// again, and what changed within the epoch this leader wrote itself. UNKNOWN_TOPIC_OR_PARTITION where this broker is
    /// no replica.
    pub fn heeds(&self, told: &Told) -> Result<(), ErrorCode> {
        if told.leader_epoch <= self.told.leader_epoch {
            return Err(ErrorCode::StaleControllerEpoch);
        }
        if !told.replicas.contains(&self.me) {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        Ok(())
    }

    /// Whether this replica stops where the controller orders it at a leader epoch. A deletion supersedes every epoch
    /// ([`LeaderAndIsr::EPOCH_DURING_DELETE`]); before StopReplica v3 none was sent ([`LeaderAndIsr::NO_EPOCH`], KIP-570).
    ///
    /// # Errors
    /// FENCED_LEADER_EPOCH where the epoch is not larger than the one known.
    pub fn heeds_stop(&self, leader_epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        let of_any_epoch = matches!(leader_epoch, LeaderAndIsr::EPOCH_DURING_DELETE | LeaderAndIsr::NO_EPOCH);
        if of_any_epoch || leader_epoch > self.told.leader_epoch {
            return Ok(());
        }
        Err(ErrorCode::FencedLeaderEpoch)
    }

    /// Whether somebody who believes in a leader epoch (None: in any) may read here; `leader_only` where nobody but the
    /// leader may answer.
    ///
    /// # Errors
    /// FENCED_LEADER_EPOCH where the caller is behind, UNKNOWN_LEADER_EPOCH where this broker is,
    /// NOT_LEADER_OR_FOLLOWER.
    pub fn admits_read(&self, epoch: Option<LeaderEpoch>, leader_only: bool) -> Result<(), ErrorCode> {
        match epoch {
            Some(epoch) if epoch < self.told.leader_epoch => Err(ErrorCode::FencedLeaderEpoch),
            Some(epoch) if epoch > self.told.leader_epoch => Err(ErrorCode::UnknownLeaderEpoch),
            _ if leader_only && !self.is_leader() => Err(ErrorCode::NotLeaderOrFollower),
            _ => Ok(()),
        }
    }

    /// The leader epoch in which records are appended now; `acks_all` where all in-sync replicas are to have them,
    /// `min_isr` is `min.insync.replicas`.
    ///
    /// # Errors
    /// NOT_LEADER_OR_FOLLOWER; NOT_ENOUGH_REPLICAS where all are to have them and too few are in sync.
    pub fn admits_append(&self, acks_all: bool, min_isr: usize) -> Result<LeaderEpoch, ErrorCode> {
        if !self.is_leader() {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        if acks_all && self.told.isr.len() < min_isr {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        Ok(self.told.leader_epoch)
    }

    /// How produces end whose records the high watermark has passed: NONE, or NOT_ENOUGH_REPLICAS_AFTER_APPEND. Who is
    /// about to join counts already, unlike before an append.
    pub fn replicated(&self, min_isr: usize) -> ErrorCode {
        if self.maximal_isr().len() < min_isr {
            return ErrorCode::NotEnoughReplicasAfterAppend;
        }
        ErrorCode::None
    }

    /// Whether this replica still leads in a leader epoch: what follows from an append is taken in in the epoch that let it
    /// in, or not at all.
    pub fn leads_in(&self, epoch: LeaderEpoch) -> bool {
        self.is_leader() && self.told.leader_epoch == epoch
    }

    /// Whether this replica still follows in a leader epoch: what its fetcher does to the log, it does in the epoch it
    /// asked in or not at all.
    pub fn follows_in(&self, epoch: LeaderEpoch) -> bool {
        !self.is_leader() && self.told.leader_epoch == epoch
    }
}

#[cfg(test)]
mod tests;
