//! `/admin/reassign_partitions`, the way to request reassignments before KIP-455: it lists target replicas,
//! and the controller removes each entry once it is completed or refused.
//!
//! Pure. A target that AlterPartitionReassignments would refuse is refused here, too. Kafka:
//! `processZkPartitionReassignment`, which checks nothing and deletes all records of a partition whose list
//! of replicas is empty; `maybeRemoveFromZkReassignment`.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{BrokerId, TopicPartition};
use crate::controller::facts::{Facts, Question};
use crate::controller::reply::ApiError;
use crate::controller::step::{Effect, Severity, Step, StepContext};
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::request::{invalid_list, not_alive, trigger};
use super::resume;

/// `/admin/reassign_partitions` appeared, or a new controller reads it and resumes the reassignments in
/// progress.
#[derive(Debug)]
pub(in crate::controller::decide) struct FromZnode {
    /// Whether this controller has just been elected.
    pub elected: bool,
}

impl Step for FromZnode {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Reassignment]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let (mut wanted, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for (partition, target) in facts.reassignment.unwrap_or_default() {
            let current = context.state.assignment(&partition);
            let assignment = current.reassign_to(&target);
            // A reassignment in progress goes on, though a broker has died since.
            let dead = || (assignment != current).then(|| not_alive(context, &assignment)).flatten();
            match invalid_list(&target).or_else(dead) {
                Some(refusal) => drop(refused.insert(partition, refusal)),
                None => drop(wanted.insert(partition, assignment)),
            }
        }
        let mut begun = BTreeSet::new();
        for (partition, outcome) in trigger(context, wanted) {
            match outcome {
                Ok(()) => drop(begun.insert(partition)),
                Err(refusal) => drop(refused.insert(partition, refusal)),
            }
        }
        let others = context.state.reassigning.difference(&begun).cloned().collect();
        context.enqueue(Strike { refused, begun });
        if self.elected {
            resume(context, others);
        }
        Vec::new()
    }
}

/// Removes the entries that were refused or have failed.
#[derive(Debug)]
struct Strike {
    refused: BTreeMap<TopicPartition, ApiError>,
    begun: BTreeSet<TopicPartition>,
}

impl Step for Strike {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let mut failed = std::mem::take(&mut self.refused);
        for partition in self.begun.intersection(&context.failed_reassignments) {
            failed.insert(partition.clone(), ApiError::of(ErrorCode::UnknownServerError));
        }
        if failed.is_empty() {
            return Vec::new();
        }
        let reasons = failed.iter().map(|(partition, refusal)| {
            format!("{partition} -> {}", refusal.clone().text().unwrap_or_default())
        });
        let reasons = reasons.collect::<Vec<_>>().join(", ");
        context.log(
            Severity::Warn,
            format!("Failed reassignment through zk with the following errors: {reasons}"),
        );
        context.enqueue(TakeOffList(Done::Named(failed.into_keys().collect())));
        Vec::new()
    }
}

/// What is to be removed from `/admin/reassign_partitions`.
#[derive(Debug)]
pub(super) enum Done {
    /// These partitions.
    Named(BTreeSet<TopicPartition>),
    /// This partition, if its target is these replicas.
    Reached(TopicPartition, Vec<BrokerId>),
}

/// Removes partitions from `/admin/reassign_partitions`, and deletes it with the last of them.
#[derive(Debug)]
pub(super) struct TakeOffList(pub Done);

impl Step for TakeOffList {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Reassignment]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let Some(mut listed) = facts.reassignment else { return Vec::new() };
        listed.retain(|partition, replicas| match &self.0 {
            Done::Named(named) => !named.contains(partition),
            Done::Reached(reached, target) => reached != partition || replicas != target,
        });
        if listed.is_empty() {
            // Entries that were written meanwhile are read once more.
            context.effect(Effect::Later(Box::new(FromZnode { elected: false })));
            return vec![Write::DeleteReassignment];
        }
        vec![Write::SetReassignment(listed)]
    }
}
