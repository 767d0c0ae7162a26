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
use crate::controller::machine::{Desk, Step};
use crate::controller::writes::Write;

pub(super) use listed::FromZnode;
use progress::Begin;
pub(super) use request::{List, Requested};

/// Goes on with reassignments as they stand.
fn resume(desk: &mut Desk, partitions: BTreeSet<TopicPartition>) {
    for partition in partitions {
        let assignment = desk.state.assignment(&partition);
        desk.then(Begin { partition, assignment });
    }
}

/// Goes on with the reassignments to brokers that have come.
pub(super) fn resume_on(desk: &mut Desk, joined: &[BrokerId]) {
    let mut waiting = desk.state.reassigning.clone();
    waiting
        .retain(|partition| desk.state.assignment(partition).target().iter().any(|id| joined.contains(id)));
    resume(desk, waiting);
}

/// An ISR has changed: where that was awaited, the reassignment goes on.
#[derive(Debug)]
pub(super) struct MaybeComplete(pub TopicPartition);

impl Step for MaybeComplete {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::States(vec![self.0.clone()])]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        let assignment = desk.state.assignment(&self.0);
        if desk.state.reassigning.contains(&self.0) && is_complete(&assignment, &self.0, &facts) {
            desk.then(Begin { partition: self.0.clone(), assignment });
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
