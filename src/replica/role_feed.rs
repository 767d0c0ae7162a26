//! The stream of role changes: which partition this broker leads, follows or no longer hosts.
//!
//! Coordinators learn from it which partitions of their topics they serve; the ISR expiration watches the
//! partitions that are led. A change is sent under its partition's lock, so that the changes of a partition
//! arrive in their order. Kafka: `onLeadershipChange` and the callbacks of `becomeLeaderOrFollower` and
//! `stopReplicas`.

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::base::{BrokerId, LeaderEpoch, TopicPartition};

/// A partition has another role on this broker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "onLeadershipChange")]
pub struct RoleChanged {
    /// The partition.
    pub partition: TopicPartition,
    /// Its role from now on.
    pub role: NewRole,
}

/// The role of a partition on this broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewRole {
    /// This broker leads it in this leader epoch.
    Leader(LeaderEpoch),
    /// This broker follows another.
    Follower {
        /// The leader.
        leader: BrokerId,
        /// The leader epoch.
        leader_epoch: LeaderEpoch,
    },
    /// This broker neither leads nor follows it, and keeps its log.
    Stopped,
    /// This broker has deleted its log.
    Deleted,
    /// Its log directory has failed.
    Offline,
}

/// Where role changes are sent, one a broker. Its lock is a leaf: nothing is locked while it is held.
#[derive(Debug, Default)]
pub struct RoleFeed {
    subscribers: Mutex<Vec<mpsc::UnboundedSender<RoleChanged>>>,
}

impl RoleFeed {
    /// All changes from now on. The stream is unbounded, so a subscriber must read it continuously. A
    /// subscriber that also needs the earlier roles subscribes first and reads the partitions after that.
    pub fn subscribe(&self) -> mpsc::UnboundedReceiver<RoleChanged> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.subscribers.lock().push(sender);
        receiver
    }

    /// Sends a change to all subscribers, and removes those that are gone.
    pub(super) fn send(&self, partition: &TopicPartition, role: NewRole) {
        let mut subscribers = self.subscribers.lock();
        subscribers.retain(|to| to.send(RoleChanged { partition: partition.clone(), role }).is_ok());
    }
}
