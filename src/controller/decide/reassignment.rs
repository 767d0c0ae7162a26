//! Partitions get other replicas: asked for by AlterPartitionReassignments (`request`) or `/admin/reassign_partitions`
//! (`listed`), taken up again by a new controller or when a broker comes, and finished once all of the target are in sync
//! (`progress`, KIP-455).
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

/// Goes on with reassignments as they stand.
fn resume(context: &mut StepContext, partitions: BTreeSet<TopicPartition>) {
    for partition in partitions {
        let assignment = context.state.assignment(&partition);
        context.enqueue(BeginReassignment { partition, assignment });
    }
}

/// Goes on with the reassignments to brokers that have come.
pub(super) fn resume_on(context: &mut StepContext, joined: &[BrokerId]) {
    let mut waiting = context.state.reassigning.clone();
    waiting.retain(|partition| {
        context.state.assignment(partition).target().iter().any(|id| joined.contains(id))
    });
    resume(context, waiting);
}

/// An ISR has changed: where that was awaited, the reassignment goes on.
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

/// Whether all of the target are in sync, as the state znode has it.
fn is_complete(assignment: &Assignment, partition: &TopicPartition, facts: &Facts) -> bool {
    let in_sync = |isr: &[BrokerId]| assignment.target().iter().all(|id| isr.contains(id));
    !assignment.is_being_reassigned()
        || facts.states.get(partition).is_some_and(|known| in_sync(&known.leader_and_isr.isr))
}
