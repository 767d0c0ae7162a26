//! Elects leaders for partitions that had one before (Kafka's `doElectLeaderForPartitions`).
//!
//! Pure. It only writes over the version it knows: a leader that changed its in-sync replicas meanwhile makes
//! the write fail, and the election is held again on what is read then. Kafka reads every state first, and so
//! is it done here where leaders write states themselves, and before a partition is left without a leader.

use std::collections::BTreeSet;

use crate::base::{BrokerId, LeaderAndIsr, TopicPartition};
use crate::controller::election::{self, Election};
use crate::controller::facts::{Facts, Question};
use crate::controller::reply::ApiError;
use crate::controller::state::Leadership;
use crate::controller::step::{Step, StepContext};
use crate::controller::transitions::PartitionState;
use crate::controller::writes::{Outcome, Write};
use crate::wire::error_code::ErrorCode;

use super::move_partitions::failed;

/// Why a partition gets no leader.
#[derive(Debug)]
enum NotElected {
    /// It has no state, and is in this one for the controller.
    NoState(PartitionState),
    /// A controller of a later epoch has written its state.
    AnotherController {
        /// This controller.
        broker: BrokerId,
        /// The other one's epoch.
        epoch: i32,
    },
    /// No replica can lead under this strategy.
    NoEligibleLeader(Election),
}

impl NotElected {
    /// The reason in Kafka's words.
    fn text(&self, partition: &TopicPartition) -> String {
        match self {
            Self::NoState(state) => {
                format!("LeaderAndIsr information doesn't exist for partition {partition} in {state} state")
            }
            Self::AnotherController { broker, epoch } => format!(
                "Aborted leader election for partition {partition} since the LeaderAndIsr path was already written by \
                 another controller. This probably means that the current controller {broker} went through a soft \
                 failure and another controller was elected with epoch {epoch}."
            ),
            Self::NoEligibleLeader(strategy) => {
                format!("Failed to elect leader for partition {partition} under strategy {strategy}")
            }
        }
    }
}

/// Elects a leader for each partition. The rows for brokers stay in the outbox.
#[derive(Debug)]
pub(super) struct Elect {
    partitions: Vec<TopicPartition>,
    election: Election,
    /// Whether the topics' configs are asked for: only where no replica in sync lives.
    ask_configs: bool,
    /// Whether the states are read, or what is known of them is enough to begin with.
    reread: bool,
    written: Vec<(TopicPartition, LeaderAndIsr, Vec<BrokerId>)>,
    /// Those of `written` whose new leader was out of sync.
    unclean: BTreeSet<TopicPartition>,
}

impl Elect {
    /// An election among the replicas of each of `partitions`.
    pub fn new(partitions: Vec<TopicPartition>, election: Election) -> Self {
        let (written, unclean) = (Vec::new(), BTreeSet::new());
        Self { partitions, election, ask_configs: false, reread: false, written, unclean }
    }

    /// Without AlterIsr the known state may be old: leaders write states, and leave a notification later.
    fn reads(&self, context: &StepContext) -> bool {
        self.reread || !context.settings.alter_isr
    }

    /// The leadership known or just read, where this controller may go on from it.
    fn current(
        &self,
        context: &StepContext,
        facts: &Facts,
        partition: &TopicPartition,
    ) -> Result<LeaderAndIsr, NotElected> {
        let found = if self.reads(context) {
            facts.states.get(partition)
        } else {
            context.state.leadership(partition)
        };
        match found {
            None => Err(NotElected::NoState(context.state.partition_state(partition))),
            Some(read) if read.controller_epoch > context.state.controller_epoch => {
                Err(NotElected::AnotherController {
                    broker: context.settings.broker,
                    epoch: read.controller_epoch,
                })
            }
            Some(read) => Ok(read.leader_and_isr.clone()),
        }
    }

    /// Holds the election again on what is read then.
    fn again(&self, context: &mut StepContext, partitions: Vec<TopicPartition>) {
        if !partitions.is_empty() {
            let ask_configs = self.ask_configs;
            context.enqueue(Self { ask_configs, reread: true, ..Self::new(partitions, self.election) });
        }
    }

    /// Whether a replica out of sync may lead; None where the topic's config must be asked for first.
    fn unclean(
        &self,
        context: &StepContext,
        facts: &Facts,
        partition: &TopicPartition,
        current: &LeaderAndIsr,
    ) -> Option<bool> {
        match self.election {
            Election::Offline { .. } if election::has_live_isr(&context.state, partition, current) => {
                Some(false)
            }
            Election::Offline { unclean: true } => Some(true),
            Election::Offline { unclean: false } => facts.unclean.get(&partition.topic).copied(),
            _ => Some(false),
        }
    }
}

impl Step for Elect {
    fn ask(&self, context: &StepContext) -> Vec<Question> {
        let mut questions = Vec::new();
        if self.reads(context) {
            questions.push(Question::States(self.partitions.clone()));
        }
        if self.ask_configs {
            let topics: BTreeSet<_> =
                self.partitions.iter().map(|partition| partition.topic.clone()).collect();
            questions.push(Question::UncleanElection(topics.into_iter().collect()));
        }
        questions
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let (mut without_live_isr, mut again) = (Vec::new(), Vec::new());
        for partition in std::mem::take(&mut self.partitions) {
            let current = match self.current(context, &facts, &partition) {
                Ok(current) => current,
                Err(reason) => {
                    refused(context, &partition, &reason);
                    continue;
                }
            };
            let Some(unclean) = self.unclean(context, &facts, &partition, &current) else {
                without_live_isr.push(partition);
                continue;
            };
            let elected = election::elect(&context.state, &partition, &current, self.election, unclean);
            match elected.leader_and_isr {
                Some(next) => {
                    if !current.isr.contains(&next.leader) {
                        self.unclean.insert(partition.clone());
                    }
                    self.written.push((partition, next, elected.recipients));
                }
                None if !self.reads(context) => again.push(partition),
                None => refused(context, &partition, &NotElected::NoEligibleLeader(self.election)),
            }
        }
        if !without_live_isr.is_empty() {
            let (ask_configs, reread) = (true, true);
            context.enqueue(Self { ask_configs, reread, ..Self::new(without_live_isr, self.election) });
        }
        self.again(context, again);
        let controller_epoch = context.state.controller_epoch;
        let leadership = |next: &LeaderAndIsr| Leadership { leader_and_isr: next.clone(), controller_epoch };
        self.written
            .iter()
            .map(|(partition, next, _)| Write::SetState(partition.clone(), leadership(next)))
            .collect()
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        let mut again = Vec::new();
        for ((partition, next, recipients), outcome) in
            std::mem::take(&mut self.written).into_iter().zip(outcomes)
        {
            match outcome {
                Outcome::Ok(version) => {
                    let leader = next.leader;
                    let leader_and_isr = next.at_version(*version);
                    let controller_epoch = context.state.controller_epoch;
                    context.state.set_leadership(&partition, Leadership { leader_and_isr, controller_epoch });
                    context.state.set_partition_state(&partition, PartitionState::Online);
                    context.unclean_elections += usize::from(self.unclean.contains(&partition));
                    context.outbox.leader_and_isr(&context.state, &recipients, &partition, false);
                    context.elections.insert(partition, Ok(leader));
                }
                Outcome::BadVersion => again.push(partition),
                Outcome::NoNode if !self.reread => again.push(partition),
                other => failed(context, &partition, PartitionState::Online, &format!("{other:?}")),
            }
        }
        self.again(context, again);
    }
}

/// Logs that no replica can lead. A request for elections is answered that no eligible leader is available.
fn refused(context: &mut StepContext, partition: &TopicPartition, reason: &NotElected) {
    let reason = reason.text(partition);
    failed(context, partition, PartitionState::Online, &reason);
    // `preferred_leader` turns this code into the one of its kind of election.
    let refusal = ApiError::because(ErrorCode::EligibleLeadersNotAvailable, reason);
    context.elections.insert(partition.clone(), Err(refusal));
}
