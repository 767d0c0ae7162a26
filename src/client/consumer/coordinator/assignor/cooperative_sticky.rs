//! Partitions stay with their members as far as the balance allows, and are moved in two rebalances.
//!
//! Pure. A partition that is to change its owner is left out of the assignment, so that its owner gives it up and joins
//! again; the next assignment gives it to its new owner (KIP-429). Kafka: `CooperativeStickyAssignor`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::sticky::{self, OwnedPartitions, TransferredPartition};
use super::{
    AssignedPartitions, ConsumerAssignment, ConsumerPartitionAssignor, RebalanceProtocol, SubscribedMember,
    without_user_data,
};
use crate::base::TopicPartition;

/// The assignor `cooperative-sticky`, for both protocols.
#[derive(Clone, Copy, Debug, Default)]
pub struct CooperativeStickyAssignor;

impl ConsumerPartitionAssignor for CooperativeStickyAssignor {
    fn name(&self) -> &str {
        "cooperative-sticky"
    }

    fn supported_protocols(&self) -> &[RebalanceProtocol] {
        &[RebalanceProtocol::Cooperative, RebalanceProtocol::Eager]
    }

    fn assign(
        &self,
        partition_counts: &BTreeMap<Arc<str>, i32>,
        members: &[SubscribedMember],
    ) -> BTreeMap<String, ConsumerAssignment> {
        let owned = members.iter().map(|member| OwnedPartitions {
            partitions: member.subscription.owned_partitions.clone(),
            generation: None,
        });
        let made = sticky::assign(partition_counts, members, &owned.collect::<Vec<_>>());
        let mut assigned = made.assigned;
        let transferred = made.transferred.unwrap_or_else(|| transferred(members, &assigned));
        leave_out(transferred, &mut assigned);
        without_user_data(members, assigned)
    }
}

/// The partitions that a member gets and another one has.
fn transferred(members: &[SubscribedMember], assigned: &AssignedPartitions) -> Vec<TransferredPartition> {
    let mut added: Vec<TransferredPartition> = Vec::new();
    let mut revoked: HashSet<&TopicPartition> = HashSet::new();
    for (to, (member, partitions)) in members.iter().zip(assigned).enumerate() {
        let owned: HashSet<_> = member.subscription.owned_partitions.iter().collect();
        let kept: HashSet<_> = partitions.iter().collect();
        let new = partitions.iter().filter(|partition| !owned.contains(*partition));
        added.extend(new.map(|partition| TransferredPartition { partition: partition.clone(), to }));
        revoked.extend(owned.difference(&kept));
    }
    added.retain(|it| revoked.contains(&it.partition));
    added
}

fn leave_out(transferred: Vec<TransferredPartition>, assigned: &mut AssignedPartitions) {
    let mut by_member: HashMap<usize, HashSet<TopicPartition>> = HashMap::new();
    for TransferredPartition { partition, to } in transferred {
        by_member.entry(to).or_default().insert(partition);
    }
    for (member, transferred) in by_member {
        assigned[member].retain(|partition| !transferred.contains(partition));
    }
}
