//! The leader of a partition: four elections.
//!
//! Pure. An election reads the cluster's state and the partition's last written leadership, and proposes the
//! next one. It never writes. Kafka's `Election` and `PartitionLeaderElectionAlgorithms`.

use std::fmt;

use crate::base::{BrokerId, LeaderAndIsr, TopicPartition};

use super::state::ClusterState;

/// The reason for an election, which decides how the leader is chosen (Kafka's
/// `PartitionLeaderElectionStrategy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "PartitionLeaderElectionStrategy")]
pub enum Election {
    /// The partition is new or its leader is gone. `unclean`: a replica that is out of sync may lead,
    /// whatever the topic's config.
    Offline {
        /// Whether data may be lost to have a leader again.
        unclean: bool,
    },
    /// A reassignment moves the leader to one of its target replicas.
    Reassignment,
    /// The first assigned replica is to lead.
    Preferred,
    /// The leader is about to stop.
    ControlledShutdown,
}

impl fmt::Display for Election {
    /// The strategy's name in Kafka's error texts.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline { unclean } => write!(out, "OfflinePartitionLeaderElectionStrategy({unclean})"),
            Self::Reassignment => out.write_str("ReassignPartitionLeaderElectionStrategy"),
            Self::Preferred => out.write_str("PreferredReplicaPartitionLeaderElectionStrategy"),
            Self::ControlledShutdown => out.write_str("ControlledShutdownPartitionLeaderElectionStrategy"),
        }
    }
}

/// Which leader a request for elections wants (Kafka's `ElectionType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "ElectionType")]
pub enum ElectionKind {
    /// The first assigned replica.
    Preferred,
    /// Any replica that lives, in sync or not.
    Unclean,
}

impl fmt::Display for ElectionKind {
    /// Kafka's name of the kind.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Preferred => "PREFERRED",
            Self::Unclean => "UNCLEAN",
        })
    }
}

/// The outcome of an election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elected {
    /// The next leadership, in an epoch one higher; None if no replica may lead.
    pub leader_and_isr: Option<LeaderAndIsr>,
    /// The brokers that are to get LeaderAndIsr.
    pub recipients: Vec<BrokerId>,
}

/// Whether any in-sync replica of this leadership is online.
pub fn has_live_isr(state: &ClusterState, partition: &TopicPartition, current: &LeaderAndIsr) -> bool {
    current.isr.iter().any(|&id| state.is_online(id, partition))
}

/// Elects a leader of `partition`, whose leadership is now `current`. `unclean`: whether a replica out of
/// sync may lead; only [`Election::Offline`] uses it.
pub fn elect(
    state: &ClusterState,
    partition: &TopicPartition,
    current: &LeaderAndIsr,
    election: Election,
    unclean: bool,
) -> Elected {
    let replicas = state.replicas(partition);
    let in_sync_and_online = |id: &BrokerId| current.isr.contains(id) && state.is_online(*id, partition);
    let lead_with_same_isr = |leader: BrokerId| current.followed_by(leader, current.isr.clone());
    match election {
        Election::Offline { .. } => offline(state, partition, current, unclean),
        Election::Reassignment => {
            let target = state.assignment(partition).target();
            let leader = target.iter().copied().find(in_sync_and_online);
            Elected { leader_and_isr: leader.map(lead_with_same_isr), recipients: target }
        }
        Election::Preferred => {
            let leader = replicas.first().copied().filter(in_sync_and_online);
            Elected { leader_and_isr: leader.map(lead_with_same_isr), recipients: replicas.to_vec() }
        }
        Election::ControlledShutdown => controlled_shutdown(state, partition, current),
    }
}

fn offline(
    state: &ClusterState,
    partition: &TopicPartition,
    current: &LeaderAndIsr,
    unclean: bool,
) -> Elected {
    let online = |id: &BrokerId| state.is_online(*id, partition);
    let live: Vec<_> = state.replicas(partition).iter().copied().filter(online).collect();
    let clean = live.iter().copied().find(|id| current.isr.contains(id));
    let leader = clean.or(if unclean { live.first().copied() } else { None });
    let leader_and_isr = leader.map(|leader| {
        let isr = if current.isr.contains(&leader) {
            current.isr.iter().copied().filter(online).collect()
        } else {
            vec![leader]
        };
        current.followed_by(leader, isr)
    });
    Elected { leader_and_isr, recipients: live }
}

fn controlled_shutdown(state: &ClusterState, partition: &TopicPartition, current: &LeaderAndIsr) -> Elected {
    let stays = |id: &BrokerId| !state.shutting_down.contains(id);
    // Brokers that are shutting down are notified of the change too: they still serve until they are gone.
    let recipients: Vec<_> =
        state.replicas(partition).iter().copied().filter(|&id| state.is_reachable(id, partition)).collect();
    let leader = recipients.iter().copied().find(|id| current.isr.contains(id) && stays(id));
    let isr = current.isr.iter().copied().filter(stays).collect();
    Elected { leader_and_isr: leader.map(|leader| current.followed_by(leader, isr)), recipients }
}
