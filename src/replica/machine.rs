//! What a partition's replica decides: its role, how far its followers are, who is in sync, how high the high watermark
//! may rise.
//!
//! Pure. A leader does not change the ISR itself: it proposes one, and goes on once that is answered. Meanwhile the
//! high watermark waits for everybody who may be in it (KIP-497). Events in, decisions out; the log's offsets and the
//! time are told to it. Kafka: `Partition`, `IsrState`, `Replica`.

mod admission;

use std::collections::BTreeMap;

use crate::base::{BrokerId, LeaderAndIsr, LeaderEpoch, Millis, Offset};
use crate::log::LogPosition;
use crate::wire::error_code::ErrorCode;
use crate::zk::znode::partition_state::PartitionStateZNode;

/// A partition's state as the controller told it (LeaderAndIsr).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The leader.
    pub leader: BrokerId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// All replicas.
    pub replicas: Vec<BrokerId>,
    /// The version of the state's znode.
    pub zk_version: i32,
    /// The epoch of the controller that decided it.
    pub controller_epoch: i32,
}

impl Told {
    /// What a controller of an epoch says of a partition; who is no replica is not in sync either.
    pub fn new(said: LeaderAndIsr, replicas: Vec<BrokerId>, controller_epoch: i32) -> Self {
        let LeaderAndIsr { leader, leader_epoch, isr, zk_version } = said;
        let isr = isr.into_iter().filter(|id| replicas.contains(id)).collect();
        Self { leader, leader_epoch, isr, replicas, zk_version, controller_epoch }
    }
}

/// How far a follower is, as its fetches show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    /// Where its log ends; None before its first fetch.
    pub log_end: Option<LogPosition>,
    /// Where its log starts.
    pub log_start: Offset,
    /// When it had last caught up with the leader's end.
    pub caught_up: Millis,
    /// Where the leader's log ended at its last fetch, and when that was.
    last_fetch: (Offset, Millis),
}

/// What a replica is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It leads, and knows its followers.
    Leader {
        /// By broker, this one left out.
        followers: BTreeMap<BrokerId, Follower>,
        /// Where the log ended when the leadership began.
        epoch_start: Offset,
    },
    /// It follows.
    Follower,
}

/// An ISR that a leader wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsrProposal {
    /// The in-sync replicas wanted, in the order they are to be written.
    pub isr: Vec<BrokerId>,
    /// Whether one joins; else some leave.
    pub expands: bool,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// The version of the state's znode that it replaces.
    pub zk_version: i32,
    /// The epoch of the controller that decided the leadership.
    pub controller_epoch: i32,
}

impl IsrProposal {
    /// The leadership that is to be written over the version it names, `leader` being who proposes.
    pub fn leadership(&self, leader: BrokerId) -> LeaderAndIsr {
        let Self { leader_epoch, zk_version, .. } = *self;
        LeaderAndIsr { leader, leader_epoch, isr: self.isr.clone(), zk_version }
    }

    /// How a proposal is answered that ZooKeeper would not write over its version, where it `found` this state (None:
    /// none): it may be there already, its answer having been lost (`ReplicationUtils.checkLeaderAndIsrZkData`). If not,
    /// it may have been there until the controller wrote, who then counted on it: Kafka goes on with the ISR it knew, and
    /// may acknowledge what a new leader from the larger one does not have; here the stricter of both holds until the
    /// controller tells.
    pub fn judge(&self, leader: BrokerId, found: Option<&PartitionStateZNode>) -> IsrAnswer {
        let Some(PartitionStateZNode { leader_and_isr: held, controller_epoch, .. }) = found else {
            return IsrAnswer::Refused;
        };
        let wanted = self.leadership(leader).at_version(held.zk_version);
        if *held != wanted || *controller_epoch != self.controller_epoch {
            return IsrAnswer::Refused;
        }
        IsrAnswer::holding(wanted)
    }
}

/// How a proposal was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IsrAnswer {
    /// This holds now.
    Holds {
        /// The leader's epoch.
        leader_epoch: LeaderEpoch,
        /// The in-sync replicas.
        isr: Vec<BrokerId>,
        /// The version of the state's znode.
        zk_version: i32,
    },
    /// It was not written, which is certain, and nobody else has written: the next occasion proposes again.
    NotWritten,
    /// The controller refuses, or has written itself: nothing is proposed until it tells of the partition again.
    Refused,
}

impl IsrAnswer {
    /// What a controller says of one partition (AlterIsr, KIP-497).
    ///
    /// # Errors
    /// Any other error than UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH and INVALID_UPDATE_VERSION: it says nothing of
    /// the proposal, which is to be sent again.
    pub fn of_controller(said: Result<LeaderAndIsr, ErrorCode>) -> Result<Self, ErrorCode> {
        match said {
            Ok(held) => Ok(Self::holding(held)),
            Err(
                ErrorCode::UnknownTopicOrPartition
                | ErrorCode::FencedLeaderEpoch
                | ErrorCode::InvalidUpdateVersion,
            ) => Ok(Self::Refused),
            Err(error) => Err(error),
        }
    }

    /// This leadership holds now.
    pub fn holding(LeaderAndIsr { leader_epoch, isr, zk_version, .. }: LeaderAndIsr) -> Self {
        Self::Holds { leader_epoch, isr, zk_version }
    }
}

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsrOutcome {
    /// The ISR is another now; the high watermark may have room to rise.
    Changed,
    /// It is not.
    Unchanged,
    /// The answer is to an earlier proposal.
    Stale,
}

/// A partition's replica on this broker.
#[derive(Clone, Debug)]
pub struct Machine {
    me: BrokerId,
    told: Told,
    role: Role,
    /// What was proposed and is not answered.
    proposed: Option<IsrProposal>,
}

/// A follower's fetch, which says that it has everything before.
#[derive(Clone, Copy, Debug)]
pub struct FollowerFetch {
    /// Who fetches.
    pub from: BrokerId,
    /// From where.
    pub at: LogPosition,
    /// Where its own log starts.
    pub log_start: Offset,
    /// Where the leader's log ended when it was read for this fetch.
    pub leader_end: Offset,
}

/// What taking in a fetch decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How high the high watermark may rise now; the log keeps it from falling.
    pub high_watermark: Option<LogPosition>,
    /// A larger ISR, with a follower that has caught up.
    pub proposal: Option<IsrProposal>,
}

impl Machine {
    /// A replica that has been told nothing yet.
    pub fn new(me: BrokerId) -> Self {
        let told = Told {
            leader: -1,
            leader_epoch: -1,
            isr: vec![],
            replicas: vec![],
            zk_version: -1,
            controller_epoch: 0,
        };
        Self { me, told, role: Role::Follower, proposed: None }
    }

    /// What was told last.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// Whether this broker leads.
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader { .. })
    }

    /// What this replica is.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// All who may be in sync: the ISR, and who was proposed to join it.
    pub fn maximal_isr(&self) -> &[BrokerId] {
        match &self.proposed {
            Some(proposed) if proposed.expands => &proposed.isr,
            _ => &self.told.isr,
        }
    }

    /// What was proposed and is not answered.
    pub fn proposed(&self) -> Option<&IsrProposal> {
        self.proposed.as_ref()
    }

    /// Takes the leadership, or a new version of it; true where this broker did not lead at this epoch before. What is
    /// known of followers is kept from one epoch of this broker to its next.
    ///
    /// # Panics
    /// Where the ISR is no part of the replicas: the controller never says so.
    pub fn become_leader(&mut self, told: Told, log_end: Offset, now: Millis) -> bool {
        assert!(
            told.isr.iter().all(|id| told.replicas.contains(id)),
            "an ISR outside its replicas: {told:?}"
        );
        let again = self.is_leader() && self.told.leader_epoch == told.leader_epoch;
        let (known, epoch_start) = match std::mem::replace(&mut self.role, Role::Follower) {
            Role::Leader { followers, epoch_start } if again => (followers, epoch_start),
            Role::Leader { followers, .. } => (followers, log_end),
            Role::Follower => (BTreeMap::new(), log_end),
        };
        let follower = |id: &BrokerId| match known.get(id) {
            Some(follower) if again => *follower,
            known => Follower {
                log_end: known.and_then(|it| it.log_end),
                log_start: known.map_or(-1, |it| it.log_start),
                // Those in sync are given the time to show that they still are.
                caught_up: if told.isr.contains(id) { now } else { 0 },
                last_fetch: (log_end, now),
            },
        };
        let others = told.replicas.iter().filter(|id| **id != self.me);
        let followers = others.map(|id| (*id, follower(id))).collect();
        self.role = Role::Leader { followers, epoch_start };
        self.told = told;
        self.proposed = None;
        !again
    }

    /// Follows another broker, or nobody; true where the leader or the epoch is another than before.
    pub fn become_follower(&mut self, told: Told) -> bool {
        let changed = self.is_leader()
            || self.told.leader != told.leader
            || self.told.leader_epoch != told.leader_epoch;
        self.role = Role::Follower;
        self.told = told;
        self.proposed = None;
        changed
    }

    /// Leads no more, and follows nobody; the epoch stays known.
    pub fn stop(&mut self) {
        self.become_follower(Told { leader: LeaderAndIsr::NO_LEADER, ..self.told.clone() });
    }

    /// How high the high watermark may be: the lowest end among the in-sync replicas and those about to be
    /// (`maybeIncrementLeaderHW`). None where this broker does not lead, or somebody in sync has not fetched yet.
    pub fn high_watermark(&self, log_end: LogPosition, now: Millis, lag_max: Millis) -> Option<LogPosition> {
        let Role::Leader { followers, .. } = &self.role else { return None };
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

    /// Takes in a follower's fetch; `log_end` and `high_watermark` are the leader's now.
    pub fn on_follower_fetch(
        &mut self,
        fetch: FollowerFetch,
        log_end: LogPosition,
        high_watermark: Offset,
        now: Millis,
        lag_max: Millis,
    ) -> Step {
        let Role::Leader { followers, epoch_start } = &mut self.role else { return Step::default() };
        let FollowerFetch { from, at, log_start, leader_end } = fetch;
        let start = *epoch_start;
        let Some(follower) = followers.get_mut(&from) else { return Step::default() };
        // Caught up now, or with what there was at its last fetch. What was appended after the read does not count: a
        // follower could never keep up with it.
        if at.offset >= leader_end {
            follower.caught_up = follower.caught_up.max(now);
        } else if at.offset >= follower.last_fetch.0 {
            follower.caught_up = follower.caught_up.max(follower.last_fetch.1);
        }
        follower.log_start = log_start;
        follower.log_end = Some(at);
        follower.last_fetch = (leader_end, now);
        let caught_up = at.offset >= high_watermark && at.offset >= start;
        let joins = caught_up && self.proposed.is_none() && !self.told.isr.contains(&from);
        let proposal = joins.then(|| {
            let isr = self.told.isr.iter().copied().chain([from]).collect();
            self.propose(isr, true)
        });
        Step { high_watermark: self.high_watermark(log_end, now, lag_max), proposal }
    }

    /// Counts the fetches of a follower up to this time that did not read this partition, because in this leader epoch the
    /// follower had everything: an incremental fetch is one of all partitions of its session.
    pub fn on_idle_fetch(&mut self, from: BrokerId, leader_epoch: LeaderEpoch, at: Millis) {
        let Role::Leader { followers, .. } = &mut self.role else { return };
        let Some(follower) = followers.get_mut(&from).filter(|_| leader_epoch == self.told.leader_epoch)
        else {
            return;
        };
        follower.caught_up = follower.caught_up.max(at);
        if let Some(end) = follower.log_end.filter(|_| at > follower.last_fetch.1) {
            follower.last_fetch = (end.offset, at);
        }
    }

    /// Whether this broker leads, and has followers that neither are in sync nor were proposed to be.
    pub fn has_followers_out_of_sync(&self) -> bool {
        let Role::Leader { followers, .. } = &self.role else { return false };
        followers.keys().any(|id| !self.maximal_isr().contains(id))
    }

    /// Looks for followers that have not caught up for longer than `lag_max`: the ISR without them (`maybeShrinkIsr`).
    pub fn on_tick(&mut self, log_end: Offset, now: Millis, lag_max: Millis) -> Option<IsrProposal> {
        if self.proposed.is_some() {
            return None;
        }
        let lagging = self.out_of_sync(log_end, now, lag_max);
        if lagging.is_empty() {
            return None;
        }
        let isr = self.told.isr.iter().copied().filter(|id| !lagging.contains(id)).collect();
        Some(self.propose(isr, false))
    }

    fn propose(&mut self, isr: Vec<BrokerId>, expands: bool) -> IsrProposal {
        let Told { leader_epoch, zk_version, controller_epoch, .. } = self.told;
        let proposal = IsrProposal { isr, expands, leader_epoch, zk_version, controller_epoch };
        self.proposed = Some(proposal.clone());
        proposal
    }

    /// Takes in the answer to a proposal.
    pub fn on_isr_answer(&mut self, to: &IsrProposal, answer: IsrAnswer) -> IsrOutcome {
        if self.proposed.as_ref() != Some(to) {
            return IsrOutcome::Stale;
        }
        match answer {
            IsrAnswer::Holds { leader_epoch, isr, zk_version }
                if leader_epoch == self.told.leader_epoch && zk_version >= self.told.zk_version =>
            {
                self.proposed = None;
                (self.told.isr, self.told.zk_version) = (isr, zk_version);
                IsrOutcome::Changed
            }
            IsrAnswer::NotWritten => {
                self.proposed = None;
                IsrOutcome::Unchanged
            }
            // Not knowing what holds, it stays with the stricter of both until it is told.
            IsrAnswer::Holds { .. } | IsrAnswer::Refused => IsrOutcome::Unchanged,
        }
    }

    /// Where the log starts in all replicas that live, `log_start` being this broker's (`lowWatermarkIfLeader`); None
    /// where it does not lead.
    pub fn low_watermark(&self, log_start: Offset, is_live: impl Fn(BrokerId) -> bool) -> Option<Offset> {
        let Role::Leader { followers, .. } = &self.role else { return None };
        let live = followers.iter().filter(|(id, _)| is_live(**id));
        Some(
            live.map(|(_, follower)| follower.log_start)
                .min()
                .map_or(log_start, |start| start.min(log_start)),
        )
    }

    /// The in-sync followers that have not caught up for longer than `lag_max` (`getOutOfSyncReplicas`).
    pub fn out_of_sync(&self, log_end: Offset, now: Millis, lag_max: Millis) -> Vec<BrokerId> {
        let Role::Leader { followers, .. } = &self.role else { return Vec::new() };
        let lags = |follower: &Follower| {
            follower.log_end.is_none_or(|end| end.offset != log_end) && now - follower.caught_up > lag_max
        };
        followers
            .iter()
            .filter(|(id, it)| self.told.isr.contains(id) && lags(it))
            .map(|(id, _)| *id)
            .collect()
    }
}

#[cfg(test)]
mod tests;
