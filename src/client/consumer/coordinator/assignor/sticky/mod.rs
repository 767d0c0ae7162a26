//! Partitions stay with their members as far as the balance allows.
//!
//! Pure. Where all members are subscribed to the same topics, [`constrained`] assigns; else [`general`] does. What a
//! member had before comes from its subscription: from user data here, from the owned partitions in
//! [`super::cooperative_sticky`]. Kafka: `StickyAssignor`, `AbstractStickyAssignor`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use bytes::Bytes;

use super::{
    AssignedPartitions, ConsumerAssignment, ConsumerPartitionAssignor, ReceivedAssignment, SubscribedMember,
    in_map_order, without_user_data,
};
use crate::base::TopicPartition;
use crate::client::consumer::coordinator::protocol::{TopicNames, read_partitions, whole, write_partitions};
use crate::wire::codec::{Reader, WireError, Writer};

mod balance;
mod constrained;
mod general;
mod layout;
mod movements;

/// The generation of a member whose data does not name one.
const DEFAULT_GENERATION: i32 = -1;

/// The assignor `sticky`, for the eager protocol.
#[doc(alias = "AbstractStickyAssignor")]
#[derive(Clone, Copy, Debug, Default)]
pub struct StickyAssignor;

impl ConsumerPartitionAssignor for StickyAssignor {
    fn name(&self) -> &str {
        "sticky"
    }

    fn subscription_user_data(
        &self,
        _topics: &BTreeSet<Arc<str>>,
        last: Option<&ReceivedAssignment>,
    ) -> Option<Bytes> {
        let last = last?;
        let mut out = Writer::new();
        write_partitions(&mut out, &last.assignment.partitions);
        out.i32(last.generation_id);
        Some(whole(out))
    }

    fn assign(
        &self,
        partition_counts: &BTreeMap<Arc<str>, i32>,
        members: &[SubscribedMember],
    ) -> BTreeMap<String, ConsumerAssignment> {
        let mut names = TopicNames::default();
        let read = |member: &SubscribedMember| of_user_data(&member.subscription.user_data, &mut names);
        let mut owned: Vec<_> = members.iter().map(read).collect();
        let order = in_map_order(members);
        if let Some(before) = before_the_first_different(members, &order) {
            // Kafka 2.7.2 has read the user data of these members when it finds the difference, and finds nothing when
            // it reads them once more.
            order[..before].iter().for_each(|member| owned[*member] = OwnedPartitions::default());
        }
        let assigned = assign(partition_counts, members, &owned).assigned;
        without_user_data(members, assigned)
    }
}

/// What a member had before. Kafka: `AbstractStickyAssignor.MemberData`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnedPartitions {
    /// The partitions, in the order in which the member names them.
    pub(super) partitions: Vec<TopicPartition>,
    /// The generation in which they were assigned, where the member names it.
    pub(super) generation: Option<i32>,
}

/// A partition that one member had and another is to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TransferredPartition {
    /// The partition.
    pub(super) partition: TopicPartition,
    /// The place of the member that is to get it.
    pub(super) to: usize,
}

/// What was assigned, and what changes its owner.
pub(super) struct StickyAssignment {
    pub(super) assigned: AssignedPartitions,
    /// None where the algorithm does not know them.
    pub(super) transferred: Option<Vec<TransferredPartition>>,
}

/// Assigns the partitions to members that had these partitions before, in the order of the members.
pub(super) fn assign(
    partition_counts: &BTreeMap<Arc<str>, i32>,
    members: &[SubscribedMember],
    owned: &[OwnedPartitions],
) -> StickyAssignment {
    let order = in_map_order(members);
    if before_the_first_different(members, &order).is_none() {
        return constrained::assign(partition_counts, members, &order, owned);
    }
    let assigned = general::assign(partition_counts, members, &order, owned);
    StickyAssignment { assigned, transferred: None }
}

/// How many members, in this order, stand before the first one whose topics are not those of the others; None where all
/// are subscribed to the same topics. Members without topics in front do not count, as in Kafka.
fn before_the_first_different(members: &[SubscribedMember], order: &[usize]) -> Option<usize> {
    let mut subscribed: HashSet<&Arc<str>> = HashSet::new();
    order.iter().position(|member| {
        let topics = &members[*member].subscription.topics;
        if subscribed.is_empty() {
            subscribed.extend(topics);
            return false;
        }
        topics.len() != subscribed.len() || !topics.iter().all(|topic| subscribed.contains(topic))
    })
}

/// What a member's user data name: version 1, or version 0 without the generation. Data that cannot be read count as
/// no partitions.
fn of_user_data(data: &Option<Bytes>, names: &mut TopicNames) -> OwnedPartitions {
    let Some(data) = data.as_ref().filter(|data| !data.is_empty()) else {
        return OwnedPartitions::default();
    };
    let read = |names: &mut TopicNames| -> Result<OwnedPartitions, WireError> {
        let mut input = Reader::new(data.clone());
        let partitions = read_partitions(&mut input, names)?;
        Ok(OwnedPartitions { partitions, generation: input.i32().ok() })
    };
    read(names).unwrap_or(OwnedPartitions { partitions: Vec::new(), generation: Some(DEFAULT_GENERATION) })
}
