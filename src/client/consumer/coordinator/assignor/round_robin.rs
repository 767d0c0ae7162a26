//! The partitions of all topics go to the members in turn.
//!
//! Pure. A member is passed over where it is not subscribed to the partition's topic. Kafka: `RoundRobinAssignor`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::{
    ConsumerAssignment, ConsumerPartitionAssignor, SubscribedMember, compare_members, java_compare,
    without_user_data,
};
use crate::base::TopicPartition;

/// The assignor `roundrobin`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobinAssignor;

impl ConsumerPartitionAssignor for RoundRobinAssignor {
    fn name(&self) -> &str {
        "roundrobin"
    }

    fn assign(
        &self,
        partition_counts: &BTreeMap<Arc<str>, i32>,
        members: &[SubscribedMember],
    ) -> BTreeMap<String, ConsumerAssignment> {
        let mut assigned = vec![Vec::new(); members.len()];
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|one, other| compare_members(&members[*one], &members[*other]));
        let subscriptions: Vec<HashSet<&str>> = members
            .iter()
            .map(|member| member.subscription.topics.iter().map(|topic| &**topic).collect())
            .collect();
        let mut turns = order.iter().copied().cycle();
        for topic in topics_of_all(members) {
            let count = partition_counts.get(&topic).copied().unwrap_or_default();
            for partition in 0..count {
                // The topic is that of a subscription, so one round finds a member.
                let round = turns.by_ref().take(order.len());
                if let Some(member) = round.into_iter().find(|at| subscriptions[*at].contains(&*topic)) {
                    assigned[member].push(TopicPartition { topic: topic.clone(), partition });
                }
            }
        }
        without_user_data(members, assigned)
    }
}

/// All topics that a member is subscribed to, in the order of Java's strings.
fn topics_of_all(members: &[SubscribedMember]) -> Vec<Arc<str>> {
    let topics: BTreeSet<&Arc<str>> = members.iter().flat_map(|member| &member.subscription.topics).collect();
    let mut topics: Vec<_> = topics.into_iter().cloned().collect();
    topics.sort_by(|one, other| java_compare(one, other));
    topics
}
