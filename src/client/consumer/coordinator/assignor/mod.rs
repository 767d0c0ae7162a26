//! How the leader of a group shares the partitions among the members.
//!
//! Pure. Every assignor makes exactly the assignment that Kafka 2.7.2's class of its name makes of the same
//! subscriptions, as members of both kinds may share a group and any of them may lead it. Kafka:
//! `ConsumerPartitionAssignor`, `AbstractPartitionAssignor`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::base::{TopicPartition, jvm_order};
use crate::client::offsets::ConsumerGroupMetadata;

mod cooperative_sticky;
mod range;
mod round_robin;
mod sticky;

pub use cooperative_sticky::CooperativeStickyAssignor;
pub use range::RangeAssignor;
pub use round_robin::RoundRobinAssignor;
pub use sticky::StickyAssignor;

/// How the members of a group go from one assignment to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[doc(alias = "ConsumerPartitionAssignor.RebalanceProtocol")]
pub enum RebalanceProtocol {
    /// Every member gives up all its partitions before it joins.
    Eager,
    /// A member keeps its partitions while it joins, and gives up those that the new assignment lacks; a second
    /// rebalance then assigns these to other members (KIP-429).
    Cooperative,
}

/// What a member sends when it joins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "ConsumerPartitionAssignor.Subscription")]
pub struct ConsumerSubscription {
    /// The topics that it is subscribed to.
    pub topics: Vec<Arc<str>>,
    /// What its assignor adds for the assignor of the leader.
    pub user_data: Option<Bytes>,
    /// The partitions that it had when it joined; none with the eager protocol.
    pub owned_partitions: Vec<TopicPartition>,
    /// The id of a static member (`group.instance.id`, KIP-345).
    pub group_instance_id: Option<String>,
}

/// What the leader assigns to a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "ConsumerPartitionAssignor.Assignment")]
pub struct ConsumerAssignment {
    /// The partitions.
    pub partitions: Vec<TopicPartition>,
    /// What the leader's assignor adds for that of the member.
    pub user_data: Option<Bytes>,
}

/// A member and what it is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribedMember {
    /// The member's id, which no other member of the group has.
    pub id: String,
    /// Its subscription.
    pub subscription: ConsumerSubscription,
}

/// The assignment of the last generation that this member was part of, which its assignor may remember for the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedAssignment {
    /// What was assigned.
    pub assignment: ConsumerAssignment,
    /// The generation.
    pub generation_id: i32,
}

/// Shares partitions among the members of a group.
///
/// All members of a group must have an assignor of the same name (`partition.assignment.strategy`). The one that the
/// coordinator makes the leader assigns for all of them.
#[doc(alias = "AbstractPartitionAssignor")]
pub trait ConsumerPartitionAssignor: fmt::Debug + Send + Sync {
    /// The name by which the members agree on an assignor.
    fn name(&self) -> &str;

    /// The protocols that it can be used with; a consumer uses the most advanced one that all its assignors have.
    fn supported_protocols(&self) -> &[RebalanceProtocol] {
        &[RebalanceProtocol::Eager]
    }

    /// What is added to this member's subscription; `last` is what the member was last assigned by this assignor.
    fn subscription_user_data(
        &self,
        _topics: &BTreeSet<Arc<str>>,
        _last: Option<&ReceivedAssignment>,
    ) -> Option<Bytes> {
        None
    }

    /// Assigns partitions to members; called in the leader. Runs on a thread that may block.
    ///
    /// `partition_counts` has the topics that exist and their numbers of partitions. `members` are in the order in
    /// which the coordinator named them. A member that the answer lacks is assigned nothing.
    fn assign(
        &self,
        partition_counts: &BTreeMap<Arc<str>, i32>,
        members: &[SubscribedMember],
    ) -> BTreeMap<String, ConsumerAssignment>;

    /// Receives the assignment of this member; called in every member, in each generation.
    fn on_assignment(&self, _assignment: &ConsumerAssignment, _metadata: &ConsumerGroupMetadata) {}
}

/// The partitions of each member, by the member's place among the members.
type AssignedPartitions = Vec<Vec<TopicPartition>>;

/// The answer of an assignor that adds no data of its own.
fn without_user_data(
    members: &[SubscribedMember],
    assigned: AssignedPartitions,
) -> BTreeMap<String, ConsumerAssignment> {
    let assignments =
        assigned.into_iter().map(|partitions| ConsumerAssignment { partitions, user_data: None });
    members.iter().map(|member| member.id.clone()).zip(assignments).collect()
}

/// The order of Java's strings, that of their UTF-16 units.
fn java_compare(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() {
        return one.cmp(other);
    }
    one.encode_utf16().cmp(other.encode_utf16())
}

/// The order of members: static ones first by their instance ids, then the others by their member ids. Kafka:
/// `AbstractPartitionAssignor.MemberInfo`.
fn compare_members(one: &SubscribedMember, other: &SubscribedMember) -> Ordering {
    match (&one.subscription.group_instance_id, &other.subscription.group_instance_id) {
        (Some(one), Some(other)) => java_compare(one, other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => java_compare(&one.id, &other.id),
    }
}

/// The places of the members in the order of Java's map of their ids.
fn in_map_order(members: &[SubscribedMember]) -> Vec<usize> {
    let hashes = members.iter().enumerate().map(|(at, member)| (jvm_order::hash_code(&member.id), at));
    jvm_order::java_map_by_hash(hashes.collect())
}

#[cfg(test)]
mod tests;
