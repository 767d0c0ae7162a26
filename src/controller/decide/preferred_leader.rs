//! Leaders are to be elected on request: by znode, by ElectLeaders, or because leadership is out of balance.
//!
//! Pure. Kafka: `processReplicaLeaderElection`, `onReplicaElection`, `checkAndTriggerAutoLeaderRebalance`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::base::{BrokerId, TopicPartition};
use crate::controller::controller_state::ControllerState;
use crate::controller::election::{self, Election, ElectionKind};
use crate::controller::facts::{Facts, Question};
use crate::controller::reply::{ApiError, ControllerReply, PerPartition};
use crate::controller::step::{Severity, Step, StepContext};
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::move_partitions::MovePartitions;

/// What asked for a leader election.
#[derive(Clone, Debug)]
pub enum ElectionTrigger {
    /// `/admin/preferred_replica_election` appeared.
    Znode,
    /// The periodic check of leader imbalance.
    Auto,
    /// An ElectLeaders request, which is answered with the leader of each partition.
    Admin(ControllerReply<PerPartition<BrokerId>>),
}

impl fmt::Display for ElectionTrigger {
    /// Kafka's name of the trigger.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Znode => "ZkTriggered",
            Self::Auto => "AutoTriggered",
            Self::Admin(_) => "AdminClientTriggered",
        })
    }
}

/// Elects leaders for those of the partitions that need an election.
#[derive(Debug)]
pub struct ElectLeaders {
    /// The partitions; None stands for those that the znode names.
    pub partitions: Option<Vec<TopicPartition>>,
    /// Which leader is asked for.
    pub kind: ElectionKind,
    /// The trigger.
    pub trigger: ElectionTrigger,
}

impl ElectLeaders {
    /// Why a partition needs or can have no election.
    fn refusal(&self, context: &StepContext, partition: &TopicPartition) -> Option<ApiError> {
        let state = &context.state;
        if state.partition(partition).is_none() {
            return Some(ApiError::because(
                ErrorCode::UnknownTopicOrPartition,
                "The partition does not exist.",
            ));
        }
        if state.is_queued_for_deletion(&partition.topic) {
            return Some(ApiError::because(ErrorCode::InvalidTopicException, "The topic is being deleted"));
        }
        let leader = state.leader(partition);
        let led_well = match self.kind {
            ElectionKind::Preferred => state.replicas(partition).first() == Some(&leader),
            ElectionKind::Unclean => state.live_broker_ids().contains(&leader),
        };
        led_well.then(|| ApiError::of(ErrorCode::ElectionNotNeeded))
    }
}

impl Step for ElectLeaders {
    fn controller_state(&self) -> ControllerState {
        ControllerState::ManualLeaderBalance
    }

    fn ask(&self, _: &StepContext) -> Vec<Question> {
        if self.partitions.is_none() { vec![Question::PreferredElection] } else { Vec::new() }
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let partitions = match self.partitions.take() {
            Some(partitions) => BTreeSet::from_iter(partitions),
            None => match facts.preferred_election {
                Some(named) => named,
                None => return Vec::new(),
            },
        };
        let mut refused = BTreeMap::new();
        let mut electable = Vec::new();
        for partition in partitions {
            match self.refusal(context, &partition) {
                Some(refusal) => drop(refused.insert(partition, refusal)),
                None => electable.push(partition),
            }
        }
        if matches!(self.trigger, ElectionTrigger::Znode) {
            note_refused(context, self.kind, &refused);
        }
        start(context, electable.clone(), self.kind, &self.trigger);
        if let ElectionTrigger::Admin(reply) = &self.trigger {
            let (kind, reply) = (self.kind, reply.clone());
            context.enqueue(ReplyElected { elected: electable, refused, kind, reply });
        }
        Vec::new()
    }
}

/// Logs which partitions of the znode can have no election. A partition that needs none is no failure.
fn note_refused(context: &mut StepContext, kind: ElectionKind, refused: &BTreeMap<TopicPartition, ApiError>) {
    for (partition, refusal) in refused.iter().filter(|(_, it)| it.code != ErrorCode::ElectionNotNeeded) {
        let reason = refusal.clone().text().unwrap_or_default();
        let text =
            format!("Skipping replica leader election ({kind}) for partition {partition} by znode: {reason}");
        context.log(Severity::Warn, text);
    }
}

/// Enqueues the steps of an election; one that the znode asked for ends with the deletion of the znode.
pub(super) fn start(
    context: &mut StepContext,
    partitions: Vec<TopicPartition>,
    kind: ElectionKind,
    trigger: &ElectionTrigger,
) {
    let names: Vec<_> = partitions.iter().map(ToString::to_string).collect();
    let names = names.join(",");
    context.log(
        Severity::Info,
        format!("Starting replica leader election ({kind}) for partitions {names} triggered by {trigger}"),
    );
    let election = match kind {
        ElectionKind::Preferred => Election::Preferred,
        // Only an administrator may accept the loss of records.
        ElectionKind::Unclean => Election::Offline { unclean: matches!(trigger, ElectionTrigger::Admin(_)) },
    };
    if !partitions.is_empty() {
        context.enqueue(MovePartitions::online(partitions, election));
    }
    if matches!(trigger, ElectionTrigger::Znode) {
        context.enqueue(Finished);
    }
}

/// Deletes `/admin/preferred_replica_election`, whether or not it exists, as 2.7 does.
#[derive(Debug)]
struct Finished;

impl Step for Finished {
    fn decide(&mut self, _: &mut StepContext, _: Facts) -> Vec<Write> {
        vec![Write::DeletePreferredElection]
    }
}

/// Replies with the outcomes of the elections.
#[derive(Debug)]
struct ReplyElected {
    elected: Vec<TopicPartition>,
    refused: BTreeMap<TopicPartition, ApiError>,
    kind: ElectionKind,
    reply: ControllerReply<PerPartition<BrokerId>>,
}

impl Step for ReplyElected {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let mut outcomes: PerPartition<BrokerId> = std::mem::take(&mut self.refused)
            .into_iter()
            .map(|(partition, refusal)| (partition, Err(refusal)))
            .collect();
        for partition in self.elected.drain(..) {
            let outcome = context
                .elections
                .get(&partition)
                .cloned()
                .unwrap_or_else(|| Ok(context.state.leader(&partition)));
            let outcome = outcome.map_err(|refusal| match (refusal.code, self.kind) {
                (ErrorCode::EligibleLeadersNotAvailable, ElectionKind::Preferred) => {
                    ApiError { code: ErrorCode::PreferredLeaderNotAvailable, ..refusal }
                }
                _ => refusal,
            });
            outcomes.insert(partition, outcome);
        }
        context.reply(&self.reply, outcomes);
        Vec::new()
    }
}

/// Elects preferred leaders where too many of a broker's partitions are led by other brokers.
#[derive(Debug)]
pub(super) struct CheckImbalance;

impl Step for CheckImbalance {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let mut by_preferred: BTreeMap<BrokerId, (usize, Vec<TopicPartition>)> = BTreeMap::new();
        for (partition, known) in context.state.partitions() {
            let Some(&preferred) = known.assignment.replicas.first() else { continue };
            if context.state.is_queued_for_deletion(&partition.topic) {
                continue;
            }
            let (all, elsewhere) = by_preferred.entry(preferred).or_default();
            *all += 1;
            if known.leadership.as_ref().is_some_and(|known| known.leader_and_isr.leader != preferred) {
                elsewhere.push(partition);
            }
        }
        for (all, mut elsewhere) in by_preferred.into_values() {
            if elsewhere.len() * 100 <= all * context.settings.imbalance_percentage as usize {
                continue;
            }
            elsewhere.retain(|partition| {
                context.state.reassigning.is_empty() && preferred_can_lead(context, partition)
            });
            start(context, elsewhere, ElectionKind::Preferred, &ElectionTrigger::Auto);
        }
        Vec::new()
    }
}

fn preferred_can_lead(context: &StepContext, partition: &TopicPartition) -> bool {
    context.state.leadership(partition).is_some_and(|known| {
        election::elect(&context.state, partition, &known.leader_and_isr, Election::Preferred, false)
            .leader_and_isr
            .is_some()
    })
}
