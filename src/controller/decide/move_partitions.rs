//! Moves partitions from state to state, and elects the first leader of new ones (Kafka's
//! `ZkPartitionStateMachine`).
//!
//! Pure. Elections among existing replicas are in `elect`.

use std::collections::BTreeSet;

use crate::base::{LeaderAndIsr, TopicPartition};
use crate::controller::election::Election;
use crate::controller::facts::{Facts, Question};
use crate::controller::reply::ApiError;
use crate::controller::state::Leadership;
use crate::controller::step::{Severity, Step, StepContext};
use crate::controller::transitions::PartitionState;
use crate::controller::writes::{Outcome, Write};
use crate::wire::error_code::ErrorCode;

use super::elect::Elect;
use super::send;

/// Moves partitions to a state; an invalid move is logged and left out.
#[derive(Debug)]
#[doc(alias = "ZkPartitionStateMachine")]
pub(super) struct MovePartitions {
    /// The partitions.
    pub partitions: Vec<TopicPartition>,
    /// The new state.
    pub to: PartitionState,
    /// How a leader is elected; used on the way to [`PartitionState::Online`] only.
    pub election: Election,
}

impl MovePartitions {
    /// A move that needs no election.
    pub fn to(to: PartitionState, partitions: Vec<TopicPartition>) -> Self {
        Self { partitions, to, election: Election::Offline { unclean: false } }
    }

    /// A move to [`PartitionState::Online`].
    pub fn online(partitions: Vec<TopicPartition>, election: Election) -> Self {
        Self { partitions, to: PartitionState::Online, election }
    }
}

impl Step for MovePartitions {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let (legal, illegal) = std::mem::take(&mut self.partitions)
            .into_iter()
            .partition::<Vec<_>, _>(|partition| self.to.may_follow(context.state.partition_state(partition)));
        for partition in illegal {
            let reason = format!("Instead it is in {} state", context.state.partition_state(&partition));
            failed(context, &partition, self.to, &reason);
        }
        if self.to != PartitionState::Online {
            for partition in legal {
                context.state.set_partition_state(&partition, self.to);
            }
            return Vec::new();
        }
        let (new, led) = legal.into_iter().partition::<Vec<_>, _>(|partition| {
            context.state.partition_state(partition) == PartitionState::New
        });
        let any = !new.is_empty() || !led.is_empty();
        if !new.is_empty() {
            context.enqueue(Initialize { partitions: new, created: Vec::new() });
        }
        if !led.is_empty() {
            context.enqueue(Elect::new(led, self.election));
        }
        if any {
            context.enqueue(send::SendRequests);
        }
        Vec::new()
    }
}

/// Logs that a partition stays as it is, and keeps the reason for the reply to a request for elections.
pub(super) fn failed(
    context: &mut StepContext,
    partition: &TopicPartition,
    to: PartitionState,
    reason: &str,
) {
    let from = context.state.partition_state(partition);
    let (id, epoch) = (context.settings.broker, context.state.controller_epoch);
    let text = format!(
        "Controller {id} epoch {epoch} failed to change state for partition {partition} from {from} to {to}: {reason}"
    );
    context.log(Severity::Error, text);
    context
        .elections
        .insert(partition.clone(), Err(ApiError::because(ErrorCode::UnknownServerError, reason)));
}

/// Creates the state znodes of new partitions: the first live replica leads, all live ones are in sync.
#[derive(Debug)]
struct Initialize {
    partitions: Vec<TopicPartition>,
    created: Vec<(TopicPartition, Leadership)>,
}

impl Step for Initialize {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        for partition in std::mem::take(&mut self.partitions) {
            let replicas = context.state.replicas(&partition);
            let live: Vec<_> =
                replicas.iter().copied().filter(|&id| context.state.is_online(id, &partition)).collect();
            let Some(&leader) = live.first() else {
                let reason = format!("assigned replicas are {replicas:?}, none of them is alive");
                failed(context, &partition, PartitionState::Online, &reason);
                continue;
            };
            let leader_and_isr = LeaderAndIsr::initial(leader, live);
            self.created.push((
                partition,
                Leadership { leader_and_isr, controller_epoch: context.state.controller_epoch },
            ));
        }
        let topics: BTreeSet<_> = self.created.iter().map(|(partition, _)| partition.topic.clone()).collect();
        let topics = topics.into_iter().map(Write::CreatePartitionsDir);
        let dirs = self.created.iter().map(|(partition, _)| Write::CreatePartitionDir(partition.clone()));
        let states =
            self.created.iter().map(|(partition, made)| Write::CreateState(partition.clone(), made.clone()));
        topics.chain(dirs).chain(states).collect()
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        // The state znodes are the last writes. An existing directory is no failure: partitions are added to
        // topics.
        let states = &outcomes[outcomes.len().saturating_sub(self.created.len())..];
        let mut found = Vec::new();
        for ((partition, leadership), outcome) in std::mem::take(&mut self.created).into_iter().zip(states) {
            match outcome {
                Outcome::Ok(_) => {
                    let isr = leadership.leader_and_isr.isr.clone();
                    context.state.set_leadership(&partition, leadership);
                    context.state.set_partition_state(&partition, PartitionState::Online);
                    context.outbox.leader_and_isr(&context.state, &isr, &partition, true);
                }
                Outcome::NodeExists => found.push(partition),
                other => failed(context, &partition, PartitionState::Online, &format!("{other:?}")),
            }
        }
        if !found.is_empty() {
            context.enqueue(Adopt(found));
        }
    }
}

/// Takes over state znodes that an earlier controller created and for which it sent no LeaderAndIsr.
#[derive(Debug)]
struct Adopt(Vec<TopicPartition>);

impl Step for Adopt {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::States(self.0.clone())]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        for (partition, leadership) in facts.states {
            context.state.set_leadership(&partition, leadership);
            context.state.set_partition_state(&partition, PartitionState::Offline);
        }
        context.enqueue(Elect::new(std::mem::take(&mut self.0), Election::Offline { unclean: false }));
        Vec::new()
    }
}
