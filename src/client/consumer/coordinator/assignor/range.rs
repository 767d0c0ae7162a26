//! Neighbouring partitions of each topic go to one member.
//!
//! Pure. The partitions of a topic are divided among the members that are subscribed to it; the first ones get one more
//! where they cannot be divided evenly. Kafka: `RangeAssignor`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{
    ConsumerAssignment, ConsumerPartitionAssignor, SubscribedMember, compare_members, in_map_order,
    without_user_data,
};
use crate::base::{TopicPartition, jvm_order};

/// The default assignor, `range`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RangeAssignor;

impl ConsumerPartitionAssignor for RangeAssignor {
    fn name(&self) -> &str {
        "range"
    }

    fn assign(
        &self,
        partition_counts: &BTreeMap<Arc<str>, i32>,
        members: &[SubscribedMember],
    ) -> BTreeMap<String, ConsumerAssignment> {
        let mut assigned = vec![Vec::new(); members.len()];
        for SubscribedTopic { name, mut subscribed } in members_by_topic(members) {
            let Some(count) = partition_counts.get(&name) else { continue };
            subscribed.sort_by(|one, other| compare_members(&members[*one], &members[*other]));
            share(&name, *count, &subscribed, &mut assigned);
        }
        without_user_data(members, assigned)
    }
}

/// A topic, and the slots of the members that are subscribed to it.
struct SubscribedTopic {
    name: Arc<str>,
    subscribed: Vec<usize>,
}

/// The members that are subscribed to each topic, the topics in the order of Java's map.
fn members_by_topic(members: &[SubscribedMember]) -> Vec<SubscribedTopic> {
    let mut slots: HashMap<&str, usize> = HashMap::new();
    let mut topics = Vec::new();
    let mut last_is_new = false;
    for member in in_map_order(members) {
        for topic in &members[member].subscription.topics {
            let known = topics.len();
            let slot = *slots.entry(topic).or_insert_with(|| {
                topics.push(SubscribedTopic { name: topic.clone(), subscribed: Vec::new() });
                known
            });
            last_is_new = topics.len() > known;
            topics[slot].subscribed.push(member);
        }
    }
    let hashed = topics.into_iter().map(|topic| (jvm_order::hash_code(&topic.name), topic));
    jvm_order::java_map_of_computed(hashed.collect(), last_is_new)
}

fn share(topic: &Arc<str>, count: i32, subscribed: &[usize], assigned: &mut [Vec<TopicPartition>]) {
    let members = i32::try_from(subscribed.len()).unwrap_or(i32::MAX);
    let (each, with_one_more) = (count / members, count % members);
    let mut next = 0;
    for (at, member) in (0..).zip(subscribed) {
        let end = next + each + i32::from(at < with_one_more);
        let partitions = (next..end).map(|partition| TopicPartition { topic: topic.clone(), partition });
        assigned[*member].extend(partitions);
        next = end;
    }
}
