//! Topics appeared under `/brokers/topics`, or were removed from it by hand.
//!
//! Pure. Kafka: `processTopicChange`, `onNewPartitionCreation`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::TopicPartition;
use crate::controller::election::Election;
use crate::controller::facts::{Facts, Question};
use crate::controller::step::{Effect, Severity, Step, StepContext, Watched};
use crate::controller::transitions::{PartitionState, ReplicaState};
use crate::controller::writes::Write;

use super::assignments;
use super::move_partitions::MovePartitions;
use super::move_replicas::MoveReplicas;

/// Compares the topics in ZooKeeper with those known.
#[derive(Debug)]
pub(super) struct TopicsChanged;

impl Step for TopicsChanged {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Topics]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let known = context.state.topic_names();
        for topic in known.difference(&facts.topics) {
            context.effect(Effect::Unwatch(Watched::Topic(topic.clone())));
            context.state.remove_topic(topic);
        }
        let new: Vec<Arc<str>> = facts.topics.difference(&known).cloned().collect();
        if new.is_empty() {
            return Vec::new();
        }
        for topic in &new {
            context.state.topic_mut(topic);
            context.effect(Effect::Watch(Watched::Topic(topic.clone())));
        }
        context.log(Severity::Info, format!("New topics: [{}]", new.join(", ")));
        context.enqueue(ReadNew(new));
        Vec::new()
    }
}

/// Reads the assignments of new topics, and creates their partitions.
#[derive(Debug)]
struct ReadNew(Vec<Arc<str>>);

impl Step for ReadNew {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Assignments(self.0.clone())]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let mut partitions = Vec::new();
        for (topic, read) in facts.assignments {
            context.state.topic_mut(&topic).znode_version = read.version;
            for (number, assignment) in assignments::accepted(context, &topic, read.partitions) {
                let partition = TopicPartition::new(topic.clone(), number);
                context.state.set_assignment(&partition, assignment);
                partitions.push(partition);
            }
        }
        make(context, partitions);
        Vec::new()
    }
}

/// Creates partitions whose assignment is known: the states are created with their first leaders, then the
/// brokers get LeaderAndIsr.
pub(super) fn make(context: &mut StepContext, partitions: Vec<TopicPartition>) {
    if partitions.is_empty() {
        return;
    }
    let topics: BTreeSet<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
    context.log(
        Severity::Info,
        format!("New partition creation callback for {} partitions of {topics:?}", partitions.len()),
    );
    let replicas = context.state.replicas_of(&partitions);
    context.enqueue(MovePartitions::to(PartitionState::New, partitions.clone()));
    context.enqueue(MoveReplicas::to(ReplicaState::New, replicas.clone()));
    context.enqueue(MovePartitions::online(partitions, Election::Offline { unclean: false }));
    context.enqueue(MoveReplicas::to(ReplicaState::Online, replicas));
}
