//! What a partition's replica decides: its role, how far its followers are, how high the high watermark may rise ★.
//!
//! Events in, decisions out; the log's offsets and the time are told to it. Kafka: `Partition`, `Replica`.

use std::collections::BTreeMap;

use crate::base::{BrokerId, LeaderEpoch, Millis, Offset};
use crate::log::LogPosition;

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

/// A partition's replica on this broker.
#[derive(Clone, Debug)]
pub struct Machine {
    me: BrokerId,
    told: Told,
    role: Role,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How high the high watermark may rise now; the log keeps it from falling.
    pub high_watermark: Option<LogPosition>,
    /// A follower that has caught up and is to be taken into the ISR.
    pub expand: Option<BrokerId>,
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
        Self { me, told, role: Role::Follower }
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

    /// Takes the leadership, or a new version of it; true where this broker did not lead at this epoch before.
    ///
    /// # Panics
    /// Where the ISR is no part of the replicas: the controller never says so.
    pub fn become_leader(&mut self, told: Told, log_end: Offset, now: Millis) -> bool {
        assert!(
            told.isr.iter().all(|id| told.replicas.contains(id)),
            "an ISR outside its replicas: {told:?}"
        );
        let again = self.is_leader() && self.told.leader_epoch == told.leader_epoch;
        let (mut known, epoch_start) = match std::mem::replace(&mut self.role, Role::Follower) {
            Role::Leader { followers, epoch_start } if again => (followers, epoch_start),
            _ => (BTreeMap::new(), log_end),
        };
        let fresh = |in_sync: bool| Follower {
            log_end: None,
            log_start: -1,
            // Those in sync are given the time to show that they still are.
            caught_up: if in_sync { now } else { 0 },
            last_fetch: (0, 0),
        };
        let others = told.replicas.iter().filter(|id| **id != self.me);
        let followers = others
            .map(|id| (*id, known.remove(id).unwrap_or_else(|| fresh(told.isr.contains(id)))))
            .collect();
        self.role = Role::Leader { followers, epoch_start };
        self.told = told;
        !again
    }

    /// Follows another broker, or nobody; true where the leader or the epoch is another than before.
    pub fn become_follower(&mut self, told: Told) -> bool {
        let changed = self.is_leader()
            || self.told.leader != told.leader
            || self.told.leader_epoch != told.leader_epoch;
        self.role = Role::Follower;
        self.told = told;
        changed
    }

    /// How high the high watermark may be: the lowest end among the in-sync replicas and those about to be
    /// (`maybeIncrementLeaderHW`). None where this broker does not lead, or somebody in sync has not fetched yet.
    pub fn high_watermark(&self, log_end: LogPosition, now: Millis, lag_max: Millis) -> Option<LogPosition> {
        let Role::Leader { followers, .. } = &self.role else { return None };
        let mut lowest = log_end;
        for (id, follower) in followers {
            let counts = self.told.isr.contains(id)
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
        let expand = (caught_up && !self.told.isr.contains(&from)).then_some(from);
        Step { high_watermark: self.high_watermark(log_end, now, lag_max), expand }
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
