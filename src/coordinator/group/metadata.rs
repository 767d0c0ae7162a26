//! A group: its state, generation and protocol.
//!
//! Pure. What it does with its members stands in the files beside this one, each with an `impl` of its own. Kafka:
//! `GroupMetadata`, `GroupState`.
//!
//! ```text
//! Empty ─► PreparingRebalance ─► CompletingRebalance ─► Stable
//!   ▲               │  ▲   ▲              │               │
//!   └───────────────┘  │   └──────────────┴───────────────┘      all ─► Dead
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::members::Members;
use super::offsets::GroupOffsets;
use super::rebalance::DelayedRebalance;
use super::subscription::{self, CONSUMER_PROTOCOL_TYPE};
use crate::base::Millis;

/// The state of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GroupState {
    /// It waits for its members to join. Commits go on; heartbeats are answered REBALANCE_IN_PROGRESS.
    PreparingRebalance,
    /// All have joined, and wait for the leader's assignment.
    CompletingRebalance,
    /// Each member has its assignment.
    Stable,
    /// It is deleted, or this broker coordinates it no more.
    Dead,
    /// It has no members, and is kept for its offsets.
    Empty,
}

impl GroupState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::PreparingRebalance, Self::CompletingRebalance, Self::Stable, Self::Dead, Self::Empty];

    /// Its name, as clients see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
            Self::Empty => "Empty",
        }
    }

    fn may_follow(self, before: Self) -> bool {
        match self {
            Self::PreparingRebalance => {
                matches!(before, Self::Stable | Self::CompletingRebalance | Self::Empty)
            }
            Self::CompletingRebalance | Self::Empty => before == Self::PreparingRebalance,
            Self::Stable => before == Self::CompletingRebalance,
            Self::Dead => true,
        }
    }
}

/// A group, and which one of this id: a group that was deleted may have a successor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupRef {
    /// The id.
    pub id: Arc<str>,
    /// The number of the group in its partition since the load.
    pub incarnation: u64,
}

/// A group.
#[derive(Debug)]
pub struct GroupMetadata {
    this: GroupRef,
    /// Changed by [`GroupMetadata::transition_to`] alone.
    state: GroupState,
    /// Since when; None where an old record lacks it.
    state_since: Option<Millis>,
    /// How often it has rebalanced; 0 for a group that has only kept offsets.
    pub(super) generation: i32,
    /// The kind of group (`consumer`, `connect`); None before its first member.
    pub(super) protocol_type: Option<Arc<str>>,
    /// The protocol that this generation uses; None without members.
    pub(super) protocol_name: Option<Arc<str>>,
    /// Its members.
    pub(super) members: Members,
    /// The members' ids by `group.instance.id`.
    pub(super) static_members: BTreeMap<Arc<str>, Arc<str>>,
    /// Member ids that were given out and have not joined yet (KIP-394).
    pub(super) pending: BTreeSet<Arc<str>>,
    /// What its members subscribe to; None where that is not known.
    pub(super) subscribed_topics: Option<BTreeSet<Box<str>>>,
    /// The rebalance that waits. Invariant: there is one while the state is PreparingRebalance, and only then.
    pub(super) rebalance: Option<DelayedRebalance>,
    /// Whether a member has joined since the first rebalance began to wait.
    pub(super) new_member_added: bool,
    /// How far it has come.
    pub(super) offsets: GroupOffsets,
}

impl GroupMetadata {
    /// An empty group.
    pub fn new(id: Arc<str>, incarnation: u64, now: Millis) -> Self {
        Self {
            this: GroupRef { id, incarnation },
            state: GroupState::Empty,
            state_since: Some(now),
            generation: 0,
            protocol_type: None,
            protocol_name: None,
            members: Members::default(),
            static_members: BTreeMap::new(),
            pending: BTreeSet::new(),
            subscribed_topics: None,
            rebalance: None,
            new_member_added: false,
            offsets: GroupOffsets::default(),
        }
    }

    /// The same in the state that a record describes: Stable with members, Empty without.
    pub(super) fn restored(mut self, state_since: Option<Millis>) -> Self {
        self.state = if self.members.is_empty() { GroupState::Empty } else { GroupState::Stable };
        self.state_since = state_since;
        self
    }

    /// Its id.
    pub fn id(&self) -> &Arc<str> {
        &self.this.id
    }

    /// Which group it is.
    pub fn this(&self) -> GroupRef {
        self.this.clone()
    }

    /// Its state.
    pub fn state(&self) -> GroupState {
        self.state
    }

    /// Since when it is in that state; None where an old record lacks it.
    pub fn state_since(&self) -> Option<Millis> {
        self.state_since
    }

    /// Its offsets.
    pub(super) fn offsets(&self) -> &GroupOffsets {
        &self.offsets
    }

    /// Whether it is in this state.
    pub(super) fn is(&self, state: GroupState) -> bool {
        self.state == state
    }

    /// Changes the state.
    pub(super) fn transition_to(&mut self, state: GroupState, now: Millis) {
        assert!(state.may_follow(self.state), "group {}: {:?} to {state:?}", self.this.id, self.state);
        self.state = state;
        self.state_since = Some(now);
    }

    /// Whether its members consume topics.
    pub(super) fn is_consumer_group(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE)
    }

    /// Whether its members may consume the topic: where their subscriptions are not known, any.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.subscribed_topics.as_ref().is_none_or(|topics| topics.contains(topic))
    }

    /// What the members of this generation subscribe to; None where that is not known.
    ///
    /// # Errors
    /// A member's subscription cannot be read.
    pub(super) fn compute_subscribed_topics(&self) -> Result<Option<BTreeSet<Box<str>>>, ()> {
        if !self.is_consumer_group() {
            return Ok(None);
        }
        let Some(protocol) = &self.protocol_name else {
            return Ok(self.members.is_empty().then(BTreeSet::new));
        };
        let mut topics = BTreeSet::new();
        for member in self.members.iter() {
            subscription::add_topics(member.metadata(protocol), &mut topics)?;
        }
        Ok(Some(topics))
    }
}
