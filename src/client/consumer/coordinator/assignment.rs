//! What the leader of a group does: it reads the subscriptions of all members, and assigns partitions to them.
//!
//! Pure. Kafka: `ConsumerCoordinator.performAssignment`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::assignor::{ConsumerAssignment, ConsumerPartitionAssignor, RebalanceProtocol, SubscribedMember};
use super::error::GroupError;
use super::protocol::{TopicNames, read_subscription, write_assignment};
use crate::base::TopicPartition;
use crate::wire::message::join_group::JoinGroupResponseMember;
use crate::wire::message::sync_group::SyncGroupRequestAssignment;

/// What a leader is to assign.
#[derive(Clone, Debug)]
pub struct LeaderAssignment {
    assignor: Arc<dyn ConsumerPartitionAssignor>,
    protocol: RebalanceProtocol,
    members: Vec<SubscribedMember>,
}

/// What a leader has assigned.
#[derive(Debug)]
pub struct MadeAssignment {
    /// For SyncGroup.
    pub(super) assignments: Vec<SyncGroupRequestAssignment>,
    /// The numbers of partitions that it was made of; 0 for a topic that does not exist.
    pub(super) partition_counts: BTreeMap<Arc<str>, i32>,
}

impl LeaderAssignment {
    /// Reads the members' subscriptions.
    ///
    /// # Errors
    /// [`GroupError::BadSubscription`].
    pub(super) fn new(
        assignor: Arc<dyn ConsumerPartitionAssignor>,
        protocol: RebalanceProtocol,
        members: Vec<JoinGroupResponseMember>,
    ) -> Result<Self, GroupError> {
        let mut names = TopicNames::default();
        let mut seen = HashSet::new();
        let mut subscribed = Vec::with_capacity(members.len());
        for member in members {
            let mut subscription = read_subscription(&member.metadata, &mut names).map_err(|error| {
                GroupError::BadSubscription { member: member.member_id.clone(), problem: error.to_string() }
            })?;
            subscription.group_instance_id = member.group_instance_id;
            // A coordinator names no member twice.
            if seen.insert(member.member_id.clone()) {
                subscribed.push(SubscribedMember { id: member.member_id, subscription });
            }
        }
        Ok(Self { assignor, protocol, members: subscribed })
    }

    /// The topics that members are subscribed to.
    pub fn topics(&self) -> BTreeSet<Arc<str>> {
        self.members.iter().flat_map(|member| &member.subscription.topics).cloned().collect()
    }

    /// Assigns the partitions of these topics. May take long where the group is large.
    ///
    /// # Errors
    /// [`GroupError::NotCooperative`].
    pub fn perform(
        self,
        mut partition_counts: BTreeMap<Arc<str>, i32>,
    ) -> Result<MadeAssignment, GroupError> {
        let topics = self.topics();
        partition_counts.retain(|topic, count| topics.contains(topic) && *count > 0);
        let assigned = self.assignor.assign(&partition_counts, &self.members);
        if self.protocol == RebalanceProtocol::Cooperative {
            check_cooperative(&self.members, &assigned)?;
        }
        for topic in topics {
            partition_counts.entry(topic).or_insert(0);
        }
        let assignments = assigned.iter().map(|(member, assignment)| SyncGroupRequestAssignment {
            member_id: member.clone(),
            assignment: write_assignment(assignment),
        });
        Ok(MadeAssignment { assignments: assignments.collect(), partition_counts })
    }
}

/// Checks that no partition goes to a member while another one has it and is to give it up.
fn check_cooperative(
    members: &[SubscribedMember],
    assigned: &BTreeMap<String, ConsumerAssignment>,
) -> Result<(), GroupError> {
    let (mut added, mut revoked) = (HashSet::new(), HashSet::new());
    let owned: HashMap<&str, &Vec<TopicPartition>> =
        members.iter().map(|member| (member.id.as_str(), &member.subscription.owned_partitions)).collect();
    for (member, assignment) in assigned {
        let owned: HashSet<_> = owned.get(member.as_str()).into_iter().copied().flatten().collect();
        let partitions: HashSet<_> = assignment.partitions.iter().collect();
        added.extend(partitions.difference(&owned).copied());
        revoked.extend(owned.difference(&partitions).copied());
    }
    let mut violated: Vec<_> = added.intersection(&revoked).map(|it| (*it).clone()).collect();
    violated.sort();
    if violated.is_empty() { Ok(()) } else { Err(GroupError::NotCooperative(violated)) }
}
