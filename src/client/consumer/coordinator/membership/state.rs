//! Where a member stands: its state, its generation, and what its consumer is to carry out.
//!
//! Pure. Kafka: `AbstractCoordinator.MemberState`, `AbstractCoordinator.Generation`.

use std::collections::BTreeSet;

use crate::base::TopicPartition;

/// How far a member is on its way into its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "AbstractCoordinator.MemberState")]
pub enum MemberState {
    /// It is in no group.
    Unjoined,
    /// It has sent JoinGroup, or is about to send it again.
    PreparingRebalance,
    /// It has joined a generation and waits for its assignment.
    CompletingRebalance,
    /// It has its assignment.
    Stable,
}

impl MemberState {
    /// Whether it belongs to a generation, so that it sends heartbeats.
    pub fn has_joined(self) -> bool {
        matches!(self, Self::CompletingRebalance | Self::Stable)
    }

    /// Whether it is between two assignments.
    pub fn is_rebalancing(self) -> bool {
        matches!(self, Self::PreparingRebalance | Self::CompletingRebalance)
    }
}

/// The generation that a member belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "AbstractCoordinator.Generation")]
pub struct MemberGeneration {
    /// The generation's number; -1 for none.
    pub id: i32,
    /// The member's id; empty for none.
    pub member_id: String,
    /// The name of the assignor that the group uses.
    pub protocol: Option<String>,
}

impl MemberGeneration {
    /// That of a consumer outside of a group.
    pub const NONE: Self = Self { id: -1, member_id: String::new(), protocol: None };

    /// Whether it is that of a consumer outside of a group.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

/// What a consumer is to carry out, so that the rebalance goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RebalanceEvent {
    /// These partitions are no longer the member's once the event is done; their offsets can still be committed.
    Revoke(BTreeSet<TopicPartition>),
    /// The member has a new assignment.
    Assign {
        /// The partitions that it did not have before.
        added: BTreeSet<TopicPartition>,
        /// All its partitions.
        all: BTreeSet<TopicPartition>,
    },
    /// These partitions are no longer the member's, and may have other owners already: nothing of them can be
    /// committed.
    Lost(BTreeSet<TopicPartition>),
}

/// An event that the consumer is to carry out.
#[derive(Clone, Debug)]
pub(super) struct PendingEvent {
    pub(super) event: RebalanceEvent,
    /// Whether the consumer has begun to carry it out, so that it must be waited for.
    pub(super) is_taken: bool,
}

impl PendingEvent {
    pub(super) fn new(event: RebalanceEvent) -> Self {
        Self { event, is_taken: false }
    }
}
