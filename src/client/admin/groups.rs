//! Consumer groups listed, described and deleted.
//!
//! Kafka: `ConsumerGroupListing`, `ListConsumerGroupsResult`, `ConsumerGroupDescription`, `MemberDescription`,
//! `DeleteConsumerGroupsResult`.

use std::collections::{BTreeMap, BTreeSet};

use super::Admin;
use super::group_state::ConsumerGroupState;
use super::item_api::{ItemApi, OF_COORDINATOR};
use super::item_results::{AnsweredItems, ItemResults, refused};
use super::operations::authorized_operations;
use crate::base::{BrokerId, TopicPartition};
use crate::client::consumer::read_assignment;
use crate::client::error::ClientError;
use crate::client::metadata::{ClusterNode, CoordinatorKind, Target};
use crate::security::AclOperation;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use crate::wire::message::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use crate::wire::message::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};
use crate::wire::message::metadata::MetadataRequest;

/// The protocol type of consumers (`ConsumerProtocol.PROTOCOL_TYPE`).
const CONSUMER: &str = "consumer";

/// Which groups are listed.
#[derive(Clone, Debug, Default)]
pub struct ListConsumerGroupsOptions {
    states: BTreeSet<ConsumerGroupState>,
}

impl ListConsumerGroupsOptions {
    /// Lists the groups in these states only (KIP-518); brokers before 2.6 do not know how.
    pub fn in_states(states: impl IntoIterator<Item = ConsumerGroupState>) -> Self {
        Self { states: states.into_iter().collect() }
    }
}

/// What is described of groups.
#[derive(Clone, Copy, Debug, Default)]
pub struct DescribeConsumerGroupsOptions {
    include_authorized_operations: bool,
}

impl DescribeConsumerGroupsOptions {
    /// Asks what the caller may do to each group (KIP-430).
    pub fn include_authorized_operations(self) -> Self {
        Self { include_authorized_operations: true }
    }
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupListing {
    /// Its id.
    pub group_id: String,
    /// Whether it only keeps offsets that consumers without subscription have committed.
    pub is_simple_consumer_group: bool,
    /// Its state; None from a broker before 2.6.
    pub state: Option<ConsumerGroupState>,
}

/// The groups that were found, and the brokers that did not answer.
#[derive(Clone, Debug, Default)]
#[doc(alias = "ListConsumerGroupsResult")]
pub struct GroupListings {
    /// The groups, by id.
    pub valid: BTreeMap<String, ConsumerGroupListing>,
    /// Why the groups of a broker are missing.
    pub errors: BTreeMap<BrokerId, ClientError>,
}

/// A group and its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupDescription {
    /// Its id.
    pub group_id: String,
    /// Whether it only keeps offsets that consumers without subscription have committed.
    pub is_simple_consumer_group: bool,
    /// Its members.
    pub members: Vec<MemberDescription>,
    /// The assignor that its members have agreed on; empty outside of [`ConsumerGroupState::Stable`].
    pub partition_assignor: String,
    /// Its state.
    pub state: ConsumerGroupState,
    /// The broker that coordinates it; None where that has just changed.
    pub coordinator: Option<ClusterNode>,
    /// What the caller may do to it; None where that was not asked for.
    pub authorized_operations: Option<BTreeSet<AclOperation>>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDescription {
    /// Its id, which the coordinator has given it (`consumerId`).
    pub member_id: String,
    /// The id of a static member (`group.instance.id`, KIP-345).
    pub group_instance_id: Option<String>,
    /// How it names itself (`client.id`).
    pub client_id: String,
    /// The address that it connects from.
    pub host: String,
    /// The partitions that it has.
    pub assignment: BTreeSet<TopicPartition>,
}

impl Admin {
    /// The groups of all brokers. A broker that cannot be reached or refuses leaves the groups that it coordinates
    /// out, and is among the errors.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn list_consumer_groups(
        &self,
        options: ListConsumerGroupsOptions,
    ) -> Result<GroupListings, ClientError> {
        let request = |_| MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
        let brokers = self.call(&Target::Any, request, |_| Ok(())).await?.brokers;
        let lists = self.call_each(&ListGroupsApi(options), brokers.iter().map(|it| it.node_id)).await;
        let mut listings = GroupListings::default();
        for (broker, list) in lists {
            match list {
                Ok(groups) => listings.valid.extend(groups.into_iter().map(|it| (it.group_id.clone(), it))),
                Err(error) => _ = listings.errors.insert(broker, error),
            }
        }
        Ok(listings)
    }

    /// Groups with their members, each asked of its coordinator. A group that does not exist is described as
    /// [`ConsumerGroupState::Dead`].
    ///
    /// Errors of a group: it is none of consumers, its coordinator cannot be found within the call's time, the caller
    /// may not describe it.
    pub async fn describe_consumer_groups(
        &self,
        group_ids: impl IntoIterator<Item = impl Into<String>>,
        options: DescribeConsumerGroupsOptions,
    ) -> ItemResults<String, ConsumerGroupDescription> {
        let described =
            self.call_each(&DescribeGroupsApi(options), group_ids.into_iter().map(Into::into)).await;
        let metadata = self.cluster.shared().metadata.read();
        let with_coordinator = |group: ConsumerGroupDescription| ConsumerGroupDescription {
            coordinator: metadata.coordinator(CoordinatorKind::Group, &group.group_id),
            ..group
        };
        described.into_iter().map(|(id, group)| (id, group.map(with_coordinator))).collect()
    }

    /// Deletes groups with their offsets (KIP-229).
    ///
    /// Errors of a group: it does not exist, it has members, the caller may not delete it.
    pub async fn delete_consumer_groups(
        &self,
        group_ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> ItemResults<String, ()> {
        self.call_each(&DeleteGroupsApi, group_ids.into_iter().map(Into::into)).await
    }
}

/// The broker that coordinates a group.
pub(super) fn coordinator(group_id: &str) -> Target {
    Target::Coordinator(CoordinatorKind::Group, group_id.into())
}

struct ListGroupsApi(ListConsumerGroupsOptions);

impl ItemApi for ListGroupsApi {
    type Item = BrokerId;
    type Outcome = Vec<ConsumerGroupListing>;
    type Request = ListGroupsRequest;

    const PASSING: &'static [ErrorCode] = OF_COORDINATOR;

    fn target(&self, broker: &BrokerId) -> Target {
        Target::Broker(*broker)
    }

    fn request(&self, _: &[BrokerId], _: i32) -> ListGroupsRequest {
        ListGroupsRequest { states_filter: self.0.states.iter().map(ToString::to_string).collect() }
    }

    fn read(
        &self,
        brokers: &[BrokerId],
        answer: ListGroupsResponse,
        found: &mut AnsweredItems<BrokerId, Vec<ConsumerGroupListing>>,
    ) -> Result<(), ClientError> {
        ClientError::check(answer.error_code, None)?;
        let groups: Vec<_> = answer.groups.into_iter().filter_map(listing).collect();
        for broker in brokers {
            found.insert(broker, Ok(groups.clone()));
        }
        Ok(())
    }
}

/// Whether a group of this protocol type is one of consumers; one without members and type holds offsets only.
fn is_of_consumers(protocol_type: &str) -> bool {
    protocol_type.is_empty() || protocol_type == CONSUMER
}

/// A group of consumers in a list; None for one of another kind, such as Connect's.
fn listing(group: ListedGroup) -> Option<ConsumerGroupListing> {
    is_of_consumers(&group.protocol_type).then(|| ConsumerGroupListing {
        group_id: group.group_id,
        is_simple_consumer_group: group.protocol_type.is_empty(),
        state: Some(group.group_state)
            .filter(|state| !state.is_empty())
            .map(|state| ConsumerGroupState::of_answer(&state)),
    })
}

struct DescribeGroupsApi(DescribeConsumerGroupsOptions);

impl ItemApi for DescribeGroupsApi {
    type Item = String;
    type Outcome = ConsumerGroupDescription;
    type Request = DescribeGroupsRequest;

    const PASSING: &'static [ErrorCode] = OF_COORDINATOR;

    fn target(&self, group_id: &String) -> Target {
        coordinator(group_id)
    }

    fn request(&self, group_ids: &[String], _: i32) -> DescribeGroupsRequest {
        DescribeGroupsRequest {
            groups: group_ids.to_vec(),
            include_authorized_operations: self.0.include_authorized_operations,
        }
    }

    fn read(
        &self,
        _: &[String],
        answer: DescribeGroupsResponse,
        found: &mut AnsweredItems<String, ConsumerGroupDescription>,
    ) -> Result<(), ClientError> {
        for group in answer.groups {
            let id = group.group_id.clone();
            let description = ClientError::check(group.error_code, None).and_then(|()| description(group));
            found.insert(&id, description);
        }
        Ok(())
    }
}

fn description(group: DescribedGroup) -> Result<ConsumerGroupDescription, ClientError> {
    let DescribedGroup { group_id, protocol_type, .. } = group;
    if !is_of_consumers(&protocol_type) {
        let message = format!("GroupId {group_id} is not a consumer group ({protocol_type}).");
        return Err(refused(ErrorCode::InvalidGroupId, message));
    }
    Ok(ConsumerGroupDescription {
        members: group.members.into_iter().map(member).collect::<Result<_, _>>()?,
        is_simple_consumer_group: protocol_type.is_empty(),
        partition_assignor: group.protocol_data,
        state: ConsumerGroupState::of_answer(&group.group_state),
        coordinator: None,
        authorized_operations: authorized_operations(group.authorized_operations),
        group_id,
    })
}

fn member(member: DescribedGroupMember) -> Result<MemberDescription, ClientError> {
    // A member that has no assignment yet has no bytes of it.
    let assignment = match member.member_assignment.is_empty() {
        true => Vec::new(),
        false => {
            read_assignment(&member.member_assignment)
                .map_err(|error| {
                    let message =
                        format!("The assignment of member {} cannot be read: {error}", member.member_id);
                    refused(ErrorCode::UnknownServerError, message)
                })?
                .partitions
        }
    };
    Ok(MemberDescription {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        client_id: member.client_id,
        host: member.client_host,
        assignment: assignment.into_iter().collect(),
    })
}

struct DeleteGroupsApi;

impl ItemApi for DeleteGroupsApi {
    type Item = String;
    type Outcome = ();
    type Request = DeleteGroupsRequest;

    const PASSING: &'static [ErrorCode] = OF_COORDINATOR;

    fn target(&self, group_id: &String) -> Target {
        coordinator(group_id)
    }

    fn request(&self, group_ids: &[String], _: i32) -> DeleteGroupsRequest {
        DeleteGroupsRequest { groups_names: group_ids.to_vec() }
    }

    fn read(
        &self,
        _: &[String],
        answer: DeleteGroupsResponse,
        found: &mut AnsweredItems<String, ()>,
    ) -> Result<(), ClientError> {
        for it in &answer.results {
            found.insert_checked(&it.group_id, it.error_code, None, ());
        }
        Ok(())
    }
}
