//! A member of a group.
//!
//! Pure. Kafka: `MemberMetadata`.

use std::sync::Arc;

use bytes::Bytes;

use crate::base::Millis;
use crate::coordinator::machine::RequestId;

/// A protocol that a member can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportedProtocol {
    /// Its name.
    pub name: Arc<str>,
    /// What the member sends with it, in the client's own layout.
    pub metadata: Bytes,
}

/// What a member is from its join on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberProfile {
    /// Its `group.instance.id`, where it is a static member.
    pub instance: Option<Arc<str>>,
    /// How its client names itself.
    pub client_id: Arc<str>,
    /// Where it connects from, as Java prints an address.
    pub client_host: Arc<str>,
    /// How long a rebalance waits for it.
    pub rebalance_timeout: Millis,
    /// How long it may be silent.
    pub session_timeout: Millis,
}

/// When a member is given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MemberSession {
    /// When, unless it shows that it lives; None while nothing is expected of it.
    pub deadline: Option<Millis>,
    /// When the timer of the session fires; None where it is not set. It may fire earlier than the deadline, never
    /// later.
    pub fires: Option<Millis>,
}

/// A member.
#[derive(Clone, Debug)]
pub(super) struct MemberMetadata {
    /// Its id.
    pub id: Arc<str>,
    /// What it is.
    pub profile: MemberProfile,
    /// The protocols that it can use, the best first.
    pub protocols: Vec<SupportedProtocol>,
    /// What it is to consume, in the protocol's own layout.
    pub assignment: Bytes,
    /// The JoinGroup request that waits.
    pub joining: Option<RequestId>,
    /// The SyncGroup request that waits.
    pub syncing: Option<RequestId>,
    /// Whether it has joined since the last generation began: only its own heartbeats keep it alive then.
    pub is_new: bool,
    /// When it is given up.
    pub session: MemberSession,
}

impl MemberMetadata {
    /// A member that waits for nothing and has no assignment.
    pub fn new(id: Arc<str>, profile: MemberProfile, protocols: Vec<SupportedProtocol>) -> Self {
        Self {
            id,
            profile,
            protocols,
            assignment: Bytes::new(),
            joining: None,
            syncing: None,
            is_new: false,
            session: MemberSession::default(),
        }
    }

    /// Whether it has a `group.instance.id`.
    pub fn is_static(&self) -> bool {
        self.profile.instance.is_some()
    }

    /// What it sends with a protocol; None where it cannot use that.
    pub fn metadata(&self, protocol: &str) -> Option<&Bytes> {
        self.protocols.iter().find(|it| *it.name == *protocol).map(|it| &it.metadata)
    }

    /// The protocol of its choice that all members can use, by `is_candidate`.
    pub fn vote(&self, is_candidate: impl Fn(&str) -> bool) -> Option<&Arc<str>> {
        self.protocols.iter().map(|it| &it.name).find(|name| is_candidate(name))
    }

    /// Whether it is kept alive without a heartbeat, as it waits for others.
    pub fn waits_for_others(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }

    /// Its `group.instance.id` as Scala prints an option.
    pub fn printed_instance(&self) -> String {
        printed_option(self.profile.instance.as_deref())
    }
}

/// An option as Scala prints it.
pub(super) fn printed_option(text: Option<&str>) -> String {
    text.map_or_else(|| "None".to_owned(), |text| format!("Some({text})"))
}
