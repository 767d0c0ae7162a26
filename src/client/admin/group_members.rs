//! Members removed from a group.
//!
//! Kafka: `MemberToRemove`, `RemoveMembersFromConsumerGroupOptions`, `RemoveMembersFromConsumerGroupResult` (KIP-345,
//! KIP-571).

use std::fmt;

use super::Admin;
use super::groups::{DescribeConsumerGroupsOptions, coordinator};
use super::item_api::{ItemApi, OF_COORDINATOR};
use super::item_results::{AnsweredItems, ItemResults, refused};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity};

/// A member of a group, as it is removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberToRemove {
    /// The static member of this `group.instance.id`.
    Static(String),
    /// The member of this id, which the coordinator has given it.
    Dynamic(String),
}

impl fmt::Display for MemberToRemove {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(instance_id) => write!(out, "the static member {instance_id}"),
            Self::Dynamic(member_id) => write!(out, "the member {member_id}"),
        }
    }
}

impl Admin {
    /// Removes members from a group, which rebalances. A consumer that still runs joins again.
    ///
    /// Errors of a member: the group does not have it, the caller may not read the group.
    pub async fn remove_members_from_consumer_group(
        &self,
        group_id: &str,
        members: impl IntoIterator<Item = MemberToRemove>,
    ) -> ItemResults<MemberToRemove, ()> {
        self.call_each(&LeaveGroupApi(group_id.to_owned()), members).await
    }

    /// Removes all members that the group has now.
    ///
    /// # Errors
    /// Its members cannot be found out.
    pub async fn remove_all_members_from_consumer_group(
        &self,
        group_id: &str,
    ) -> Result<ItemResults<MemberToRemove, ()>, ClientError> {
        let described =
            self.describe_consumer_groups([group_id], DescribeConsumerGroupsOptions::default()).await;
        let groups = described.all()?;
        let members = groups.into_values().flat_map(|group| group.members).map(|member| {
            member.group_instance_id.map_or(MemberToRemove::Dynamic(member.member_id), MemberToRemove::Static)
        });
        Ok(self.remove_members_from_consumer_group(group_id, members).await)
    }
}

/// Of the group of this id.
struct LeaveGroupApi(String);

impl ItemApi for LeaveGroupApi {
    type Item = MemberToRemove;
    type Outcome = ();
    type Request = LeaveGroupRequest;

    const PASSING: &'static [ErrorCode] = OF_COORDINATOR;

    fn admit(&self, member: &MemberToRemove) -> Result<(), ClientError> {
        match member {
            MemberToRemove::Static(id) | MemberToRemove::Dynamic(id) if id.is_empty() => {
                Err(refused(ErrorCode::InvalidRequest, "A member to remove has an id."))
            }
            _ => Ok(()),
        }
    }

    fn target(&self, _: &MemberToRemove) -> Target {
        coordinator(&self.0)
    }

    fn request(&self, members: &[MemberToRemove], _: i32) -> LeaveGroupRequest {
        let identity = |member: &MemberToRemove| match member {
            MemberToRemove::Static(id) => {
                MemberIdentity { member_id: String::new(), group_instance_id: Some(id.clone()) }
            }
            MemberToRemove::Dynamic(id) => MemberIdentity { member_id: id.clone(), group_instance_id: None },
        };
        LeaveGroupRequest {
            group_id: self.0.clone(),
            members: members.iter().map(identity).collect(),
            ..Default::default()
        }
    }

    fn read(
        &self,
        _: &[MemberToRemove],
        answer: LeaveGroupResponse,
        found: &mut AnsweredItems<MemberToRemove, ()>,
    ) -> Result<(), ClientError> {
        ClientError::check(answer.error_code, None)?;
        for it in answer.members {
            let member = match it.group_instance_id {
                Some(instance_id) => MemberToRemove::Static(instance_id),
                None => MemberToRemove::Dynamic(it.member_id),
            };
            found.insert_checked(&member, it.error_code, None, ());
        }
        Ok(())
    }
}
