//! Reassignments of partitions: requested by AlterPartitionReassignments (`request`) or
//! `/admin/reassign_partitions` (`listed`), resumed by a new controller or when a broker comes, and completed
//! once all target replicas are in sync (`progress`, KIP-455).
//!
//! Pure. Kafka: `onPartitionReassignment` and its neighbours in `KafkaController`.

mod listed;
mod progress;
mod request;

use std::collections::BTreeSet;

use crate::base::{Assignment, BrokerId, TopicPartition};
use crate::controller::facts::{Facts, Question};
use crate::controller::step::{Step, StepContext};
use crate::controller::writes::Write;

pub(super) use listed::FromZnode;
use progress::BeginReassignment;
pub use request::{AlterReassignments, ListReassignments};

/// Continues reassignments from their present state.
fn resume(context: &mut StepContext, partitions: BTreeSet<TopicPartition>) {
    for partition in partitions {
        let assignment = context.state.assignment(&partition);
        context.enqueue(BeginReassignment { partition, assignment });
    }
}

/// Continues the reassignments to brokers that have come.
pub(super) fn resume_on(context: &mut StepContext, joined: &[BrokerId]) {
    let mut waiting = context.state.reassigning.clone();
    waiting.retain(|partition| {
        context.state.assignment(partition).target().iter().any(|id| joined.contains(id))
    });
    resume(context, waiting);
}

/// An ISR has changed: a reassignment that waited for it continues.
#[derive(Debug)]
pub(super) struct MaybeComplete(pub TopicPartition);

impl Step for MaybeComplete {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::States(vec![self.0.clone()])]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let assignment = context.state.assignment(&self.0);
        if context.state.reassigning.contains(&self.0) && is_complete(&assignment, &self.0, &facts) {
            context.enqueue(BeginReassignment { partition: self.0.clone(), assignment });
        }
        Vec::new()
    }
}

/// Whether all target replicas are in sync by the state znode.
fn is_complete(assignment: &Assignment, partition: &TopicPartition, facts: &Facts) -> bool {
    let in_sync = |isr: &[BrokerId]| assignment.target().iter().all(|id| isr.contains(id));
    !assignment.is_being_reassigned()
        || facts.states.get(partition).is_some_and(|known| in_sync(&known.leader_and_isr.isr))
}
