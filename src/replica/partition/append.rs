//! Appends to a partition that this broker leads: admitted, written, and acknowledged once enough replicas
//! have the records.
//!
//! Three steps. Only the middle one waits for the disk, without the partition's lock. Kafka:
//! `Partition.appendRecordsToLeader`, `checkEnoughReplicasReachOffset`.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{LockedState, Partition, min_isr};
use crate::base::{LeaderEpoch, Millis, Offset};
use crate::log::epochs::EpochEnd;
use crate::log::{AppendError, Log, LogAppendInfo, Prepared};
use crate::replica::fetch::watch::LogChange;
use crate::replica::machine::RequiredAcks;
use crate::wire::error_code::ErrorCode;

/// Why records could not be appended.
#[derive(Debug)]
pub enum Refused {
    /// The partition refused them.
    Partition(ErrorCode),
    /// The log refused them.
    Log(AppendError),
}

/// The state of the replication of appended records.
#[derive(Debug)]
pub enum Acknowledgement {
    /// It has ended; NONE also with acks=0.
    Settled(ErrorCode),
    /// It is awaited.
    Awaited(oneshot::Receiver<ErrorCode>),
}

impl Partition {
    /// Appends prepared batches as leader. With acks=all, enough replicas must be in sync, and the records are
    /// acknowledged once all of them have them. With `within`, they are appended in that leader epoch only. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// [`Refused`]; nothing is appended then.
    pub(in crate::replica) fn append(
        &self,
        prepared: &Prepared,
        acks: RequiredAcks,
        within: Option<LeaderEpoch>,
        now: Millis,
    ) -> Result<(LogAppendInfo, Acknowledgement), Refused> {
        loop {
            let (log, epoch) = self.admits_append(acks, within).map_err(Refused::Partition)?;
            match log.append_prepared(prepared.clone(), epoch) {
                Ok(info) => {
                    let acknowledged = self.appended(epoch, &info, acks, now);
                    return Ok((info, acknowledged));
                }
                // This broker leads on in a later epoch, or with a log in another data directory.
                Err(AppendError::Fenced(_)) if self.leads_otherwise(&log, epoch) => {}
                Err(error) => return Err(Refused::Log(error)),
            }
        }
    }

    /// The log to append to, and the epoch.
    ///
    /// # Errors
    /// Those of [`crate::replica::machine::LocalReplica::admits_append`], and NOT_LEADER_OR_FOLLOWER where the leader
    /// epoch is another than `within`.
    pub(in crate::replica) fn admits_append(
        &self,
        acks: RequiredAcks,
        within: Option<LeaderEpoch>,
    ) -> Result<(Arc<Log>, LeaderEpoch), ErrorCode> {
        let state = self.state.lock();
        let log = state.log.clone().ok_or(ErrorCode::NotLeaderOrFollower)?;
        let epoch = state.machine.admits_append(acks, min_isr(&log))?;
        if within.is_some_and(|within| within != epoch) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        Ok((log, epoch))
    }

    fn leads_otherwise(&self, log: &Arc<Log>, epoch: LeaderEpoch) -> bool {
        let state = self.state.lock();
        let is_other = state.log.as_ref().is_some_and(|current| !Arc::ptr_eq(current, log));
        state.machine.is_leader() && (is_other || !state.machine.leads_in(epoch))
    }

    /// Waits until all in-sync replicas have what the log holds below `end`; NOT_LEADER_OR_FOLLOWER where this broker
    /// does not lead in this epoch.
    pub async fn replicated_up_to(&self, end: Offset, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        let acknowledgement = acknowledgement(&mut self.state.lock(), epoch, end);
        let outcome = match acknowledgement {
            Acknowledgement::Settled(outcome) => outcome,
            Acknowledgement::Awaited(waiting) => waiting.await.unwrap_or(ErrorCode::NotLeaderOrFollower),
        };
        match outcome {
            // How many are in sync is asked when something is appended.
            ErrorCode::None | ErrorCode::NotEnoughReplicasAfterAppend => Ok(()),
            error => Err(error),
        }
    }

    /// Applies the effects of an append in an epoch: the high watermark may rise, requests that wait for
    /// records are woken, and with acks=all the append waits for all in-sync replicas.
    fn appended(
        &self,
        epoch: LeaderEpoch,
        info: &LogAppendInfo,
        acks: RequiredAcks,
        now: Millis,
    ) -> Acknowledgement {
        let required = info.last_offset + 1;
        let mut state = self.state.lock();
        let released = self.raise_watermark(&mut state, now);
        let acknowledged = match acks {
            RequiredAcks::All => acknowledgement(&mut state, epoch, required),
            RequiredAcks::Leader | RequiredAcks::None => Acknowledgement::Settled(ErrorCode::None),
        };
        let change = LogChange::Appended { high_watermark_too: released.is_some() };
        let released = state.log_changed(change, released.unwrap_or_default());
        drop(state);
        released.wake();
        acknowledged
    }
}

/// Whether all in-sync replicas have what was appended in an epoch, up to an offset.
fn acknowledgement(state: &mut LockedState, epoch: LeaderEpoch, required: Offset) -> Acknowledgement {
    match state.log.clone() {
        Some(log) if has_kept(state, &log, epoch, required) => {
            if log.high_watermark() >= required {
                Acknowledgement::Settled(state.machine.replicated(min_isr(&log)))
            } else {
                Acknowledgement::Awaited(state.produces.wait_for(required))
            }
        }
        // The role has changed since: the new leader decides whether these records stay.
        _ => Acknowledgement::Settled(ErrorCode::NotLeaderOrFollower),
    }
}

/// Whether this broker leads and still has what it appended in an epoch, up to an offset: it leads in the
/// same epoch, or leads on in a later one without having been truncated in between.
fn has_kept(state: &LockedState, log: &Log, epoch: LeaderEpoch, required: Offset) -> bool {
    let reaches = |end: EpochEnd| end.epoch == epoch && end.offset >= required;
    state.machine.leads_in(epoch)
        || (state.machine.is_leader() && log.end_offset_for(epoch).is_some_and(reaches))
}

#[cfg(test)]
mod tests;
