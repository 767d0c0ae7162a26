//! In-sync replicas changed: by AlterIsr through this controller, or by a leader itself that then left a notification.
//!
//! Pure. Kafka: `processAlterIsr` (inter-broker protocol 2.7-IV2 on), `processIsrChangeNotification` (before).

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{BrokerId, LeaderAndIsr, TopicPartition};
use crate::controller::event::{Answer, Ticket};
use crate::controller::facts::{Facts, Question};
use crate::controller::machine::{Desk, Effect, Severity, Step};
use crate::controller::state::Leadership;
use crate::controller::writes::{Outcome, Write};
use crate::wire::error_code::ErrorCode;

use super::reassignment::MaybeComplete;
use super::tell::{Audience, UpdateMetadata};

/// Leaders changed partition states by themselves: read them, spread the word, remove the notifications.
#[derive(Debug)]
pub(super) struct Notified;

impl Step for Notified {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::IsrNotifications]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        if facts.isr_notifications.is_empty() {
            return Vec::new();
        }
        let (names, partitions): (Vec<_>, Vec<_>) = facts.isr_notifications.into_iter().unzip();
        let mut partitions: BTreeSet<_> = partitions.into_iter().flatten().collect();
        partitions.retain(|partition| desk.state.partition(partition).is_some());
        if !partitions.is_empty() {
            desk.then(Refresh(partitions.into_iter().collect()));
        }
        desk.then(Forget(names));
        Vec::new()
    }
}

/// Takes in what the state znodes say, and tells every broker.
#[derive(Debug)]
struct Refresh(Vec<TopicPartition>);

impl Step for Refresh {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::States(self.0.clone())]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        for (partition, leadership) in facts.states {
            desk.state.set_leadership(&partition, leadership);
        }
        let partitions = std::mem::take(&mut self.0);
        desk.then(UpdateMetadata { to: Audience::All, partitions: partitions.clone() });
        // A leader of an older inter-broker protocol says by a notification what others ask for by AlterIsr.
        for partition in partitions {
            if desk.state.reassigning.contains(&partition) {
                desk.then(MaybeComplete(partition));
            }
        }
        Vec::new()
    }
}

/// Removes notifications that were handled.
#[derive(Debug)]
struct Forget(Vec<String>);

impl Step for Forget {
    fn decide(&mut self, _: &mut Desk, _: Facts) -> Vec<Write> {
        self.0.drain(..).map(Write::DeleteIsrNotification).collect()
    }
}

/// A leader asks for other in-sync replicas.
#[derive(Debug)]
pub(super) struct AlterIsr {
    broker: BrokerId,
    broker_epoch: i64,
    wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
    ticket: Ticket,
    answers: BTreeMap<TopicPartition, Result<LeaderAndIsr, ErrorCode>>,
    written: Vec<(TopicPartition, LeaderAndIsr)>,
}

impl AlterIsr {
    /// The request of `broker`, who waits with `ticket`.
    pub fn new(
        broker: BrokerId,
        broker_epoch: i64,
        wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
        ticket: Ticket,
    ) -> Self {
        Self { broker, broker_epoch, wanted, ticket, answers: BTreeMap::new(), written: Vec::new() }
    }
}

fn same_but_version(a: &LeaderAndIsr, b: &LeaderAndIsr) -> bool {
    a.leader == b.leader && a.leader_epoch == b.leader_epoch && a.isr == b.isr
}

impl Step for AlterIsr {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        if desk.state.broker(self.broker).is_none_or(|known| known.epoch != self.broker_epoch) {
            let (broker, epoch) = (self.broker, self.broker_epoch);
            desk.note(
                Severity::Info,
                format!("Ignoring AlterIsr due to stale broker epoch {epoch} for broker {broker}"),
            );
            desk.effect(Effect::Answer(self.ticket, Answer::AlterIsr(Err(ErrorCode::StaleBrokerEpoch))));
            return Vec::new();
        }
        for (partition, wanted) in &self.wanted {
            let Some(Leadership { leader_and_isr: current, .. }) = desk.state.leadership(partition) else {
                self.answers.insert(partition.clone(), Err(ErrorCode::UnknownTopicOrPartition));
                continue;
            };
            if wanted.leader_epoch < current.leader_epoch {
                self.answers.insert(partition.clone(), Err(ErrorCode::FencedLeaderEpoch));
            } else if same_but_version(wanted, current) {
                self.answers.insert(partition.clone(), Ok(current.clone()));
            } else {
                self.written.push((partition.clone(), wanted.clone()));
            }
        }
        let controller_epoch = desk.state.controller_epoch;
        let leadership = |next: &LeaderAndIsr| Leadership { leader_and_isr: next.clone(), controller_epoch };
        self.written
            .iter()
            .map(|(partition, next)| Write::SetState(partition.clone(), leadership(next)))
            .collect()
    }

    fn apply(&mut self, desk: &mut Desk, outcomes: &[Outcome]) {
        if desk.state.broker(self.broker).is_none_or(|known| known.epoch != self.broker_epoch) {
            return;
        }
        let controller_epoch = desk.state.controller_epoch;
        for ((partition, next), outcome) in self.written.drain(..).zip(outcomes) {
            let answer = match outcome {
                Outcome::Ok(version) => {
                    let leader_and_isr = next.at_version(*version);
                    let leadership = Leadership { leader_and_isr: leader_and_isr.clone(), controller_epoch };
                    desk.state.set_leadership(&partition, leadership);
                    Ok(leader_and_isr)
                }
                Outcome::BadVersion => Err(ErrorCode::InvalidUpdateVersion),
                _ => Err(ErrorCode::UnknownServerError),
            };
            self.answers.insert(partition, answer);
        }
        let partitions = std::mem::take(&mut self.wanted).into_keys().collect();
        desk.then(UpdateMetadata { to: Audience::All, partitions });
        for (partition, answer) in &self.answers {
            if answer.is_ok() && desk.state.reassigning.contains(partition) {
                desk.then(MaybeComplete(partition.clone()));
            }
        }
        desk.effect(Effect::Answer(self.ticket, Answer::AlterIsr(Ok(std::mem::take(&mut self.answers)))));
    }
}
