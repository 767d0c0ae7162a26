//! The APIs of consumer groups and their offsets.
//!
//! A handler checks what depends on the version of its request, and asks [`crate::coordinator::groups::Groups`].

pub mod delete_groups;
pub mod describe_groups;
pub mod find_coordinator;
pub mod heartbeat;
pub mod join_group;
pub mod leave_group;
pub mod list_groups;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod sync_group;
pub mod txn_offset_commit;

use std::collections::HashMap;
use std::sync::Arc;

use crate::api::Exchange;
use crate::base::TopicPartition;
use crate::config::KafkaVersion;
use crate::coordinator::group::request::MemberClaim;
use crate::coordinator::runtime::Unavailable;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;

/// An error for each partition.
type ItemErrors = Vec<(TopicPartition, ErrorCode)>;

/// What becomes of the partitions of a request.
struct Committable<T> {
    /// Whose offsets may be kept.
    kept: Vec<(TopicPartition, T)>,
    /// Whose offsets may not.
    refused: ItemErrors,
}

impl Exchange {
    /// Whether a request of a static member is refused: brokers of before 2.3 would make it a dynamic one.
    fn refuses_static_members(&self, instance: Option<&str>) -> bool {
        let protocol = &self.services.config.inter_broker_protocol_version;
        instance.is_some() && !protocol.at_least(KafkaVersion::V2_3_IV0)
    }

    /// The partitions whose offsets may be kept: the caller may read their topics, and they exist. The others with
    /// TOPIC_AUTHORIZATION_FAILED or UNKNOWN_TOPIC_OR_PARTITION. `topics` are the names of all topics of the request.
    fn committable<T>(&self, topics: &[String], asked: Vec<(TopicPartition, T)>) -> Committable<T> {
        let authorized = self.authorized_topics(AclOperation::Read, topics.iter().map(String::as_str));
        let metadata = self.services.metadata.snapshot();
        let (mut kept, mut refused) = (Vec::with_capacity(asked.len()), Vec::new());
        for (id, asked) in asked {
            if !authorized.contains(&id.topic) {
                refused.push((id, ErrorCode::TopicAuthorizationFailed));
            } else if metadata.partition(&id).is_none() {
                refused.push((id, ErrorCode::UnknownTopicOrPartition));
            } else {
                kept.push((id, asked));
            }
        }
        Committable { kept, refused }
    }

    /// Whether the caller may be a member of the group.
    fn may_read_group(&self, group: &str) -> bool {
        self.is_authorized(AclOperation::Read, AclResource::group(group))
    }
}

/// # Errors
/// INVALID_GROUP_ID: the group has no id. Offsets may be kept under the empty id, but no member joins it.
fn check_group_id(group: &str) -> Result<(), ErrorCode> {
    if group.is_empty() { Err(ErrorCode::InvalidGroupId) } else { Ok(()) }
}

/// What is answered where the group is not coordinated here.
fn unavailable(why: Unavailable) -> ErrorCode {
    match why {
        Unavailable::Stopped => ErrorCode::CoordinatorNotAvailable,
        Unavailable::Loading => ErrorCode::CoordinatorLoadInProgress,
        Unavailable::NotCoordinator => ErrorCode::NotCoordinator,
    }
}

/// The partitions of a request's topics, each with what is asked for it.
fn partitions_of<P>(
    topics: impl IntoIterator<Item = (String, Vec<P>)>,
    number: impl Fn(&P) -> i32,
) -> Vec<(TopicPartition, P)> {
    let mut partitions = Vec::new();
    for (name, asked) in topics {
        let name: Arc<str> = name.into();
        partitions.extend(asked.into_iter().map(|it| (TopicPartition::new(name.clone(), number(&it)), it)));
    }
    partitions
}

/// One error for all partitions.
fn all_refused<T>(asked: Vec<(TopicPartition, T)>, error: ErrorCode) -> ItemErrors {
    asked.into_iter().map(|(id, _)| (id, error)).collect()
}

fn claim(member: &str, instance: Option<&str>, generation: i32) -> MemberClaim {
    MemberClaim { member: member.into(), instance: instance.map(Into::into), generation }
}

/// The partitions of a response by topic: each topic once, in the order in which it is first named.
fn grouped<T, R>(
    results: impl IntoIterator<Item = (TopicPartition, T)>,
    result: impl Fn(i32, T) -> R,
) -> Vec<(String, Vec<R>)> {
    let mut topics: Vec<(String, Vec<R>)> = Vec::new();
    let mut slots: HashMap<Arc<str>, usize> = HashMap::new();
    for (id, item) in results {
        let slot = *slots.entry(id.topic).or_insert_with_key(|topic| {
            topics.push((topic.to_string(), Vec::new()));
            topics.len() - 1
        });
        topics[slot].1.push(result(id.partition, item));
    }
    topics
}
