//! DescribeGroups, ListGroups: what groups there are, and their members.
//!
//! Pure. Kafka: `GroupCoordinator.handleDescribeGroup`, `GroupMetadata.summary`, `overview`.

use std::sync::Arc;

use bytes::Bytes;

use super::metadata::{GroupMetadata, GroupState};

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOverview {
    /// Its id.
    pub group: Arc<str>,
    /// The kind of group; empty before its first member.
    pub protocol_type: Arc<str>,
    /// Its state.
    pub state: GroupState,
}

/// A group and its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSummary {
    /// Its state.
    pub state: GroupState,
    /// The kind of group; empty before its first member.
    pub protocol_type: Arc<str>,
    /// The protocol that it uses; empty unless it is stable.
    pub protocol: Arc<str>,
    /// Its members.
    pub members: Vec<MemberSummary>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSummary {
    /// Its id.
    pub id: Arc<str>,
    /// Its `group.instance.id`, where it is a static member.
    pub instance: Option<Arc<str>>,
    /// How its client names itself.
    pub client_id: Arc<str>,
    /// Where it connects from.
    pub client_host: Arc<str>,
    /// What it sent with the group's protocol; empty unless the group is stable.
    pub metadata: Bytes,
    /// What it is to consume; empty unless the group is stable.
    pub assignment: Bytes,
}

impl GroupSummary {
    /// What is answered of a group that is not there.
    pub(super) fn dead() -> Self {
        Self { state: GroupState::Dead, protocol_type: "".into(), protocol: "".into(), members: Vec::new() }
    }
}

impl GroupMetadata {
    /// The group in a list.
    pub(super) fn overview(&self) -> GroupOverview {
        GroupOverview {
            group: self.id().clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            state: self.state(),
        }
    }

    /// The group and its members. What they sent and consume is only known while it is stable.
    pub(super) fn summary(&self) -> GroupSummary {
        let protocol = self.protocol_name.as_ref().filter(|_| self.is(GroupState::Stable));
        let members = self.members.iter().map(|member| MemberSummary {
            id: member.id.clone(),
            instance: member.profile.instance.clone(),
            client_id: member.profile.client_id.clone(),
            client_host: member.profile.client_host.clone(),
            metadata: protocol.and_then(|it| member.metadata(it)).cloned().unwrap_or_default(),
            assignment: protocol.map(|_| member.assignment.clone()).unwrap_or_default(),
        });
        GroupSummary {
            state: self.state(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol: protocol.cloned().unwrap_or_default(),
            members: members.collect(),
        }
    }
}
