//! The decisions of a partition's replica on this broker: its role, its followers' log ends, the ISR, the
//! bound of the high watermark.
//!
//! Pure. A leader does not change the ISR itself. It proposes an ISR, and applies it when the proposal is answered.
//! Until then the high watermark waits for every replica of the present ISR and of the proposed one (KIP-497). Events
//! go in, decisions come out; the log's offsets and the time are parameters. Kafka: `Partition`, `IsrState`,
//! `Replica`.

mod admission;

pub use admission::{ReadFrom, RequiredAcks};

use std::collections::BTreeMap;

use crate::base::{BrokerId, LeaderAndIsr, LeaderEpoch, Millis, Offset};
use crate::log::LogPosition;
use crate::wire::error_code::ErrorCode;
use crate::zk::znode::partition_state::PartitionStateZNode;

/// A partition's state as the controller described it last (LeaderAndIsr).
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "LeaderAndIsrPartitionState")]
pub struct LeadershipState {
    /// The leader, its epoch, the ISR, and the version of the state's znode. Invariant: the ISR is a subset of
    /// `replicas`.
    pub leadership: LeaderAndIsr,
    /// All replicas.
    pub replicas: Vec<BrokerId>,
    /// The epoch of the controller that decided it.
    pub controller_epoch: i32,
}

impl LeadershipState {
    /// The state that a controller of this epoch describes. Members of the ISR that are no replicas are left out.
    pub fn new(mut leadership: LeaderAndIsr, replicas: Vec<BrokerId>, controller_epoch: i32) -> Self {
        leadership.isr.retain(|id| replicas.contains(id));
        Self { leadership, replicas, controller_epoch }
    }
}

/// How far a follower is, by its fetches (Kafka's `Replica`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "Replica")]
pub struct Follower {
    /// The end of the follower's log: the position of its last fetch; None before its first fetch.
    pub log_end: Option<LogPosition>,
    /// The start of the follower's log; -1 before its first fetch. Invariant: `log_start` ≤ `log_end`.
    pub log_start: Offset,
    /// The last time at which the follower had everything that the leader had. It never goes back within an epoch.
    pub caught_up: Millis,
    /// The leader's log end at the follower's last fetch, with which the next fetch is compared.
    last_fetch: LeaderEndSeen,
}

/// The end of the leader's log when a follower's fetch was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LeaderEndSeen {
    offset: Offset,
    at: Millis,
}

/// The role of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaRole {
    /// The leader, with the state of its followers.
    Leader {
        /// The followers by broker. Invariant: the keys are the replicas without this broker.
        followers: BTreeMap<BrokerId, Follower>,
        /// The end of the log when the leadership began. Invariant: no record of this epoch lies below it.
        epoch_start: Offset,
    },
    /// A follower, or a replica without a leader.
    Follower,
}

/// An ISR that a leader proposes. Invariant: it differs from the present ISR, and is a subset of the replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsrProposal {
    /// The proposed ISR, in the order in which it is to be written.
    pub isr: Vec<BrokerId>,
    /// Whether a follower joins (IsrExpands); else followers leave (IsrShrinks).
    pub expands: bool,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// The version of the state's znode that it replaces.
    pub zk_version: i32,
    /// The epoch of the controller that decided the leadership.
    pub controller_epoch: i32,
}

impl IsrProposal {
    /// The leadership to be written over the znode version that the proposal names; `leader` is the proposing broker.
    pub fn leadership(&self, leader: BrokerId) -> LeaderAndIsr {
        let Self { leader_epoch, zk_version, .. } = *self;
        LeaderAndIsr { leader, leader_epoch, isr: self.isr.clone(), zk_version }
    }

    /// The answer to a proposal whose write ZooKeeper refused as the znode has another version; `found` is the state
    /// there (None: no znode).
    ///
    /// The proposal may have been written already, if the answer to an earlier write was lost
    /// (`ReplicationUtils.checkLeaderAndIsrZkData`). Else the controller has written, and it may have seen the
    /// proposal before: Kafka then goes on with the ISR it knew, and may acknowledge records that a leader elected
    /// from the larger ISR does not have. This broker goes on with the larger of both until the controller describes
    /// the partition again.
    pub fn judge(&self, leader: BrokerId, found: Option<&PartitionStateZNode>) -> IsrAnswer {
        let Some(PartitionStateZNode { leader_and_isr: written, controller_epoch, .. }) = found else {
            return IsrAnswer::Refused;
        };
        let wanted = self.leadership(leader).at_version(written.zk_version);
        if *written != wanted || *controller_epoch != self.controller_epoch {
            return IsrAnswer::Refused;
        }
        IsrAnswer::in_force(wanted)
    }
}

/// How a proposal was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IsrAnswer {
    /// This leadership is in force now.
    InForce {
        /// The leader's epoch.
        leader_epoch: LeaderEpoch,
        /// The in-sync replicas.
        isr: Vec<BrokerId>,
        /// The version of the state's znode.
        zk_version: i32,
    },
    /// The proposal was certainly not written, and neither was anything else: the leader may propose again.
    NotWritten,
    /// The controller refused the proposal, or has written itself: the leader proposes nothing until the controller
    /// describes the partition again.
    Refused,
}

impl IsrAnswer {
    /// The controller's answer for one partition (AlterIsr, KIP-497).
    ///
    /// # Errors
    /// Any other error than UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH and INVALID_UPDATE_VERSION: it decides
    /// nothing about the proposal, which is to be sent again.
    pub fn of_controller(answer: Result<LeaderAndIsr, ErrorCode>) -> Result<Self, ErrorCode> {
        match answer {
            Ok(leadership) => Ok(Self::in_force(leadership)),
            Err(
                ErrorCode::UnknownTopicOrPartition
                | ErrorCode::FencedLeaderEpoch
                | ErrorCode::InvalidUpdateVersion,
            ) => Ok(Self::Refused),
            Err(error) => Err(error),
        }
    }

    /// This leadership is in force now.
    pub fn in_force(LeaderAndIsr { leader_epoch, isr, zk_version, .. }: LeaderAndIsr) -> Self {
        Self::InForce { leader_epoch, isr, zk_version }
    }
}

/// The effect of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsrOutcome {
    /// The ISR has changed; the high watermark may have room to rise.
    Changed,
    /// The ISR is what it was.
    Unchanged,
    /// The answer is to an earlier proposal.
    Stale,
}

/// A partition's replica on this broker.
///
/// Invariant of the log it decides for: log start ≤ high watermark ≤ log end. This machine lets the high watermark
/// rise to the lowest log end among the replicas of [`LocalReplica::maximal_isr`], never above.
#[derive(Clone, Debug)]
pub struct LocalReplica {
    me: BrokerId,
    /// What the controller described last, with the ISR that was answered since. Its leader epoch never falls.
    state: LeadershipState,
    role: ReplicaRole,
    /// The proposal that is not answered yet. Invariant: None unless this broker leads; its epoch is that of `state`.
    proposed: Option<IsrProposal>,
}

/// A follower's fetch: the follower has every record below the fetched position.
#[derive(Clone, Copy, Debug)]
pub struct FollowerFetch {
    /// The follower.
    pub from: BrokerId,
    /// The fetched position, which is the end of the follower's log.
    pub at: LogPosition,
    /// The start of the follower's log.
    pub log_start: Offset,
    /// The end of the leader's log when it was read for this fetch.
    pub leader_end: Offset,
}

/// The effects of a follower's fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowerFetchOutcome {
    /// How high the high watermark may be now; the log keeps it from falling.
    pub high_watermark: Option<LogPosition>,
    /// A larger ISR, with a follower that has caught up.
    pub proposal: Option<IsrProposal>,
}

impl LocalReplica {
    /// A replica that the controller has not described yet.
    pub fn new(me: BrokerId) -> Self {
        let leadership = LeaderAndIsr { leader: -1, leader_epoch: -1, isr: vec![], zk_version: -1 };
        let state = LeadershipState { leadership, replicas: vec![], controller_epoch: 0 };
        Self { me, state, role: ReplicaRole::Follower, proposed: None }
    }

    /// What the controller described last, with the ISR that was answered since.
    pub fn state(&self) -> &LeadershipState {
        &self.state
    }

    /// The leader epoch described last; -1 before the first.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.state.leadership.leader_epoch
    }

    /// Whether this broker leads.
    pub fn is_leader(&self) -> bool {
        matches!(self.role, ReplicaRole::Leader { .. })
    }

    /// What this replica is.
    pub fn role(&self) -> &ReplicaRole {
        &self.role
    }

    /// Every replica that may be in sync: the ISR, and the follower that is proposed to join it.
    pub fn maximal_isr(&self) -> &[BrokerId] {
        match &self.proposed {
            Some(proposed) if proposed.expands => &proposed.isr,
            _ => &self.state.leadership.isr,
        }
    }

    /// The proposal that is not answered yet.
    pub fn proposed(&self) -> Option<&IsrProposal> {
        self.proposed.as_ref()
    }

    /// Leads; true if this broker did not lead in this epoch before. A leader that leads on in a later epoch
    /// keeps the state of its followers.
    ///
    /// # Panics
    /// Where the ISR is not a subset of the replicas, which [`LeadershipState::new`] makes impossible.
    pub fn become_leader(&mut self, state: LeadershipState, log_end: Offset, now: Millis) -> bool {
        let isr = &state.leadership.isr;
        assert!(isr.iter().all(|id| state.replicas.contains(id)), "an ISR outside its replicas: {state:?}");
        let again = self.is_leader() && self.leader_epoch() == state.leadership.leader_epoch;
        let (known, epoch_start) = match std::mem::replace(&mut self.role, ReplicaRole::Follower) {
            ReplicaRole::Leader { followers, epoch_start } if again => (followers, epoch_start),
            ReplicaRole::Leader { followers, .. } => (followers, log_end),
            ReplicaRole::Follower => (BTreeMap::new(), log_end),
        };
        let follower = |id: &BrokerId| match known.get(id) {
            Some(follower) if again => *follower,
            known => Follower {
                log_end: known.and_then(|it| it.log_end),
                log_start: known.map_or(-1, |it| it.log_start),
                // A replica in sync gets the whole of `replica.lag.time.max.ms` for its first fetch.
                caught_up: if isr.contains(id) { now } else { 0 },
                last_fetch: LeaderEndSeen { offset: log_end, at: now },
            },
        };
        let others = state.replicas.iter().filter(|id| **id != self.me);
        let followers = others.map(|id| (*id, follower(id))).collect();
        self.role = ReplicaRole::Leader { followers, epoch_start };
        self.state = state;
        self.proposed = None;
        !again
    }

    /// Follows the leader of this state, if it has one; true if the leader or the epoch has changed.
    pub fn become_follower(&mut self, state: LeadershipState) -> bool {
        let (before, after) = (&self.state.leadership, &state.leadership);
        let changed =
            self.is_leader() || before.leader != after.leader || before.leader_epoch != after.leader_epoch;
        self.role = ReplicaRole::Follower;
        self.state = state;
        self.proposed = None;
        changed
    }

    /// Stops leading or following; the leader epoch stays known, and fences requests of earlier ones.
    pub fn stop(&mut self) {
        self.role = ReplicaRole::Follower;
        self.state.leadership.leader = LeaderAndIsr::NO_LEADER;
        self.proposed = None;
    }

    /// How high the high watermark may be: the lowest log end among the replicas of the maximal ISR, and of those
    /// that have caught up within `lag_max` and may join it (`maybeIncrementLeaderHW`). None where this broker does
    /// not lead, or a replica of the ISR has not fetched yet.
    pub fn high_watermark(&self, log_end: LogPosition, now: Millis, lag_max: Millis) -> Option<LogPosition> {
        let ReplicaRole::Leader { followers, .. } = &self.role else { return None };
        let mut lowest = log_end;
        for (id, follower) in followers {
            let counts = self.maximal_isr().contains(id)
                || (follower.log_end.is_some() && now - follower.caught_up <= lag_max);
            if counts {
                let end = follower.log_end?;
                if end.offset < lowest.offset {
                    lowest = end;
                }
            }
        }
        Some(lowest)
    }

    /// Applies a follower's fetch; `log_end` and `high_watermark` are the leader's now.
    pub fn on_follower_fetch(
        &mut self,
        fetch: FollowerFetch,
        log_end: LogPosition,
        high_watermark: Offset,
        now: Millis,
        lag_max: Millis,
    ) -> FollowerFetchOutcome {
        let ReplicaRole::Leader { followers, epoch_start } = &mut self.role else {
            return FollowerFetchOutcome::default();
        };
        let FollowerFetch { from, at, log_start, leader_end } = fetch;
        let start = *epoch_start;
        let Some(follower) = followers.get_mut(&from) else { return FollowerFetchOutcome::default() };
        // The follower has caught up now, or had at its last fetch if it has what the leader had then. What was
        // appended after the read does not count: a follower could never keep up with it.
        if at.offset >= leader_end {
            follower.caught_up = follower.caught_up.max(now);
        } else if at.offset >= follower.last_fetch.offset {
            follower.caught_up = follower.caught_up.max(follower.last_fetch.at);
        }
        follower.log_start = log_start;
        follower.log_end = Some(at);
        follower.last_fetch = LeaderEndSeen { offset: leader_end, at: now };
        let caught_up = at.offset >= high_watermark && at.offset >= start;
        let joins = caught_up && self.proposed.is_none() && !self.state.leadership.isr.contains(&from);
        let proposal = joins.then(|| {
            let isr = self.state.leadership.isr.iter().copied().chain([from]).collect();
            self.propose(isr, true)
        });
        FollowerFetchOutcome { high_watermark: self.high_watermark(log_end, now, lag_max), proposal }
    }

    /// Counts the fetches of a follower up to this time that did not read this partition, because in this leader
    /// epoch the follower had everything: an incremental fetch is one of all partitions of its session.
    pub fn on_idle_fetch(&mut self, from: BrokerId, leader_epoch: LeaderEpoch, at: Millis) {
        if leader_epoch != self.leader_epoch() {
            return;
        }
        let ReplicaRole::Leader { followers, .. } = &mut self.role else { return };
        let Some(follower) = followers.get_mut(&from) else { return };
        follower.caught_up = follower.caught_up.max(at);
        if let Some(end) = follower.log_end.filter(|_| at > follower.last_fetch.at) {
            follower.last_fetch = LeaderEndSeen { offset: end.offset, at };
        }
    }

    /// Whether this broker leads, and has followers that are neither in sync nor proposed to be.
    pub fn has_followers_out_of_sync(&self) -> bool {
        let ReplicaRole::Leader { followers, .. } = &self.role else { return false };
        followers.keys().any(|id| !self.maximal_isr().contains(id))
    }

    /// Proposes the ISR without the followers that have not caught up for longer than `lag_max` (`maybeShrinkIsr`).
    pub fn on_tick(&mut self, log_end: Offset, now: Millis, lag_max: Millis) -> Option<IsrProposal> {
        if self.proposed.is_some() {
            return None;
        }
        let lagging = self.out_of_sync(log_end, now, lag_max);
        if lagging.is_empty() {
            return None;
        }
        let isr = self.state.leadership.isr.iter().copied().filter(|id| !lagging.contains(id)).collect();
        Some(self.propose(isr, false))
    }

    fn propose(&mut self, isr: Vec<BrokerId>, expands: bool) -> IsrProposal {
        let LeaderAndIsr { leader_epoch, zk_version, .. } = self.state.leadership;
        let controller_epoch = self.state.controller_epoch;
        let proposal = IsrProposal { isr, expands, leader_epoch, zk_version, controller_epoch };
        self.proposed = Some(proposal.clone());
        proposal
    }

    /// Applies the answer to a proposal.
    pub fn on_isr_answer(&mut self, to: &IsrProposal, answer: IsrAnswer) -> IsrOutcome {
        if self.proposed.as_ref() != Some(to) {
            return IsrOutcome::Stale;
        }
        match answer {
            IsrAnswer::InForce { leader_epoch, isr, zk_version }
                if leader_epoch == self.leader_epoch() && zk_version >= self.state.leadership.zk_version =>
            {
                self.proposed = None;
                self.state.leadership.isr = isr;
                self.state.leadership.zk_version = zk_version;
                IsrOutcome::Changed
            }
            IsrAnswer::NotWritten => {
                self.proposed = None;
                IsrOutcome::Unchanged
            }
            // It is not known which ISR is in force: the high watermark waits for both until the controller
            // describes the partition again.
            IsrAnswer::InForce { .. } | IsrAnswer::Refused => IsrOutcome::Unchanged,
        }
    }

    /// The lowest log start among the live replicas; `log_start` is this broker's (`lowWatermarkIfLeader`). None where
    /// this broker does not lead.
    pub fn low_watermark(&self, log_start: Offset, is_live: impl Fn(BrokerId) -> bool) -> Option<Offset> {
        let ReplicaRole::Leader { followers, .. } = &self.role else { return None };
        let live = followers.iter().filter(|(id, _)| is_live(**id));
        Some(
            live.map(|(_, follower)| follower.log_start)
                .min()
                .map_or(log_start, |start| start.min(log_start)),
        )
    }

    /// The in-sync followers that have not caught up for longer than `lag_max` (`getOutOfSyncReplicas`).
    pub fn out_of_sync(&self, log_end: Offset, now: Millis, lag_max: Millis) -> Vec<BrokerId> {
        let ReplicaRole::Leader { followers, .. } = &self.role else { return Vec::new() };
        let lags = |follower: &Follower| {
            follower.log_end.is_none_or(|end| end.offset != log_end) && now - follower.caught_up > lag_max
        };
        followers
            .iter()
            .filter(|(id, it)| self.state.leadership.isr.contains(id) && lags(it))
            .map(|(id, _)| *id)
            .collect()
    }
}

#[cfg(test)]
mod tests;
