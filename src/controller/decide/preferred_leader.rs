//! Leaders are to be elected on request: by znode, by ElectLeaders, or because leadership got out of balance.
//!
//! Pure. Kafka: `processReplicaLeaderElection`, `onReplicaElection`, `checkAndTriggerAutoLeaderRebalance`.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{BrokerId, TopicPartition};
use crate::controller::election::{self, Election};
use crate::controller::event::{Answer, ElectionKind, ElectionTrigger, PerPartition, Refusal, Ticket};
use crate::controller::facts::{Facts, Question};
use crate::controller::machine::{Desk, Effect, Severity, Step};
use crate::controller::writes::Write;
use crate::wire::error_code::ErrorCode;

use super::move_partitions::MovePartitions;

/// Elects leaders for the partitions asked for, those that need it.
#[derive(Debug)]
pub(super) struct ElectLeaders {
    /// The partitions; None stands for what the znode names.
    pub partitions: Option<Vec<TopicPartition>>,
    /// Which leader is wanted.
    pub kind: ElectionKind,
    /// Who asked.
    pub trigger: ElectionTrigger,
}

impl ElectLeaders {
    /// Why a partition needs or can have no election.
    fn refusal(&self, desk: &Desk, partition: &TopicPartition) -> Option<Refusal> {
        let state = &desk.state;
        if state.partition(partition).is_none() {
            return Some(Refusal::because(
                ErrorCode::UnknownTopicOrPartition,
                "The partition does not exist.",
            ));
        }
        if state.is_queued_for_deletion(&partition.topic) {
            return Some(Refusal::because(ErrorCode::InvalidTopicException, "The topic is being deleted"));
        }
        let leader = state.leader(partition);
        let led_well = match self.kind {
            ElectionKind::Preferred => state.replicas(partition).first() == Some(&leader),
            ElectionKind::Unclean => state.live_broker_ids().contains(&leader),
        };
        led_well.then(|| Refusal::of(ErrorCode::ElectionNotNeeded))
    }
}

impl Step for ElectLeaders {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        if self.partitions.is_none() { vec![Question::PreferredElection] } else { Vec::new() }
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
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
            match self.refusal(desk, &partition) {
                Some(refusal) => drop(refused.insert(partition, refusal)),
                None => electable.push(partition),
            }
        }
        if self.trigger == ElectionTrigger::Znode {
            note_refused(desk, self.kind, &refused);
        }
        start(desk, electable.clone(), self.kind, &self.trigger);
        if let ElectionTrigger::Admin(ticket) = self.trigger {
            desk.then(AnswerElections { elected: electable, refused, kind: self.kind, ticket });
        }
        Vec::new()
    }
}

/// Notes which partitions that the znode names can have no election; that one needs none is no fault.
fn note_refused(desk: &mut Desk, kind: ElectionKind, refused: &BTreeMap<TopicPartition, Refusal>) {
    for (partition, refusal) in refused.iter().filter(|(_, it)| it.code != ErrorCode::ElectionNotNeeded) {
        let reason = refusal.clone().text().unwrap_or_default();
        let text = format!(
            "Skipping replica leader election ({kind:?}) for partition {partition} by znode: {reason}"
        );
        desk.note(Severity::Warn, text);
    }
}

/// Leaves the steps of an election; one that the znode asked for ends with the znode deleted.
pub(super) fn start(
    desk: &mut Desk,
    partitions: Vec<TopicPartition>,
    kind: ElectionKind,
    trigger: &ElectionTrigger,
) {
    let names: Vec<_> = partitions.iter().map(ToString::to_string).collect();
    let names = names.join(",");
    desk.note(
        Severity::Info,
        format!(
            "Starting replica leader election ({kind:?}) for partitions {names} triggered by {trigger:?}"
        ),
    );
    let election = match kind {
        ElectionKind::Preferred => Election::Preferred,
        // To lose data is for the administrator to say.
        ElectionKind::Unclean => Election::Offline { unclean: trigger.is_admin() },
    };
    if !partitions.is_empty() {
        desk.then(MovePartitions::online(partitions, election));
    }
    if *trigger == ElectionTrigger::Znode {
        desk.then(Finished);
    }
}

/// Deletes `/admin/preferred_replica_election`, there or not, as 2.7 does.
#[derive(Debug)]
struct Finished;

impl Step for Finished {
    fn decide(&mut self, _: &mut Desk, _: Facts) -> Vec<Write> {
        vec![Write::DeletePreferredElection]
    }
}

/// Tells who asked how the elections ended.
#[derive(Debug)]
struct AnswerElections {
    elected: Vec<TopicPartition>,
    refused: BTreeMap<TopicPartition, Refusal>,
    kind: ElectionKind,
    ticket: Ticket,
}

impl Step for AnswerElections {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let mut answer: PerPartition<BrokerId> = std::mem::take(&mut self.refused)
            .into_iter()
            .map(|(partition, refusal)| (partition, Err(refusal)))
            .collect();
        for partition in self.elected.drain(..) {
            let outcome =
                desk.elections.get(&partition).cloned().unwrap_or_else(|| Ok(desk.state.leader(&partition)));
            let outcome = outcome.map_err(|refusal| match (refusal.code, self.kind) {
                (ErrorCode::EligibleLeadersNotAvailable, ElectionKind::Preferred) => {
                    Refusal { code: ErrorCode::PreferredLeaderNotAvailable, ..refusal }
                }
                _ => refusal,
            });
            answer.insert(partition, outcome);
        }
        desk.effect(Effect::Answer(self.ticket, Answer::ElectLeaders(answer)));
        Vec::new()
    }
}

/// Elects preferred leaders where too many of a broker's partitions are led by others.
#[derive(Debug)]
pub(super) struct CheckImbalance;

impl Step for CheckImbalance {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let mut by_preferred: BTreeMap<BrokerId, (usize, Vec<TopicPartition>)> = BTreeMap::new();
        for (partition, known) in desk.state.partitions() {
            let Some(&preferred) = known.assignment.replicas.first() else { continue };
            if desk.state.is_queued_for_deletion(&partition.topic) {
                continue;
            }
            let (all, elsewhere) = by_preferred.entry(preferred).or_default();
            *all += 1;
            if known.leadership.as_ref().is_some_and(|known| known.leader_and_isr.leader != preferred) {
                elsewhere.push(partition);
            }
        }
        for (all, mut elsewhere) in by_preferred.into_values() {
            if elsewhere.len() * 100 <= all * desk.settings.imbalance_percentage as usize {
                continue;
            }
            elsewhere
                .retain(|partition| desk.state.reassigning.is_empty() && preferred_can_lead(desk, partition));
            start(desk, elsewhere, ElectionKind::Preferred, &ElectionTrigger::Auto);
        }
        Vec::new()
    }
}

fn preferred_can_lead(desk: &Desk, partition: &TopicPartition) -> bool {
    desk.state.leadership(partition).is_some_and(|known| {
        election::elect(&desk.state, partition, &known.leader_and_isr, Election::Preferred, false)
            .leader_and_isr
            .is_some()
    })
}
