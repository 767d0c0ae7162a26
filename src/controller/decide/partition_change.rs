//! A topic's znode was rewritten: partitions were added, or an assignment changed.
//!
//! Pure. A topic that is being deleted gets no more partitions: its znode is restored. Kafka:
//! `processPartitionModifications`.

use std::sync::Arc;

use crate::base::TopicPartition;
use crate::controller::facts::{Facts, Question};
use crate::controller::step::{Severity, Step, StepContext};
use crate::controller::writes::{Outcome, Write};

use super::{assignments, topic_change};

/// Compares a topic's znode with the partitions known.
#[derive(Debug)]
pub(super) struct TopicChanged {
    topic: Arc<str>,
}

impl TopicChanged {
    /// The topic's znode changed.
    pub fn new(topic: Arc<str>) -> Self {
        Self { topic }
    }
}

impl Step for TopicChanged {
    fn ask(&self, context: &StepContext) -> Vec<Question> {
        let mut questions = vec![Question::Assignments(vec![self.topic.clone()])];
        if context.state.is_queued_for_deletion(&self.topic) {
            questions.push(Question::PartitionDirs(self.topic.clone()));
        }
        questions
    }

    fn decide(&mut self, context: &mut StepContext, mut facts: Facts) -> Vec<Write> {
        let Some(read) = facts.assignments.remove(&self.topic) else { return Vec::new() };
        if context.state.topic(&self.topic).is_none() {
            return Vec::new();
        }
        context.state.topic_mut(&self.topic).znode_version = read.version;
        let partition = |number: &i32| TopicPartition::new(self.topic.clone(), *number);
        let unknown = read.partitions.into_iter();
        let unknown = unknown.filter(|(number, _)| context.state.replicas(&partition(number)).is_empty());
        let unknown = unknown.collect();
        let added = assignments::accepted(context, &self.topic, unknown);
        if added.is_empty() {
            return Vec::new();
        }
        if context.state.is_queued_for_deletion(&self.topic) {
            let numbers: Vec<_> = added.keys().map(ToString::to_string).collect();
            let (numbers, topic) = (numbers.join(","), &self.topic);
            let text = format!(
                "Skipping adding partitions {numbers} for topic {topic} since it is currently being deleted"
            );
            context.log(Severity::Warn, text);
            let kept = facts.partition_dirs.iter().filter_map(|number| {
                let known = context.state.partition(&partition(number))?;
                Some((*number, known.assignment.clone()))
            });
            return vec![Write::SetAssignments(self.topic.clone(), kept.collect())];
        }
        let mut made = Vec::new();
        for (number, assignment) in added {
            let partition = partition(&number);
            context.state.set_assignment(&partition, assignment);
            made.push(partition);
        }
        topic_change::make(context, made);
        Vec::new()
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        if let [Outcome::Ok(version)] = outcomes {
            context.state.topic_mut(&self.topic).znode_version = *version;
        }
    }
}
