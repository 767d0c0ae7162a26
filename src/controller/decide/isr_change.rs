//! In-sync replicas changed: by AlterIsr through this controller, or by a leader that wrote the state itself
//! and then a notification.
//!
//! Pure. Kafka: `processAlterIsr` (inter-broker protocol 2.7-IV2 on), `processIsrChangeNotification` (before).

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{BrokerId, LeaderAndIsr, TopicPartition};
use crate::controller::controller_state::ControllerState;
use crate::controller::facts::{Facts, Question};
use crate::controller::reply::ControllerReply;
use crate::controller::state::Leadership;
use crate::controller::step::{Severity, Step, StepContext};
use crate::controller::writes::{Outcome, Write};
use crate::wire::error_code::ErrorCode;

use super::reassignment::MaybeComplete;
use super::send::{Recipients, SendUpdateMetadata};

/// Leaders changed partition states by themselves: the states are read, the brokers get them, the
/// notifications are deleted.
#[derive(Debug)]
pub(super) struct IsrNotified;

impl Step for IsrNotified {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::IsrNotifications]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        if facts.isr_notifications.is_empty() {
            return Vec::new();
        }
        let (names, partitions): (Vec<_>, Vec<_>) = facts.isr_notifications.into_iter().unzip();
        let mut partitions: BTreeSet<_> = partitions.into_iter().flatten().collect();
        partitions.retain(|partition| context.state.partition(partition).is_some());
        if !partitions.is_empty() {
            context.enqueue(Refresh(partitions.into_iter().collect()));
        }
        context.enqueue(DeleteIsrNotifications(names));
        Vec::new()
    }
}

/// Applies the state znodes, and sends them to every broker.
#[derive(Debug)]
struct Refresh(Vec<TopicPartition>);

impl Step for Refresh {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::States(self.0.clone())]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        for (partition, leadership) in facts.states {
            context.state.set_leadership(&partition, leadership);
        }
        let partitions = std::mem::take(&mut self.0);
        context.enqueue(SendUpdateMetadata { to: Recipients::All, partitions: partitions.clone() });
        // A leader of an older inter-broker protocol writes the ISR itself and leaves a notification.
        for partition in partitions {
            if context.state.reassigning.contains(&partition) {
                context.enqueue(MaybeComplete(partition));
            }
        }
        Vec::new()
    }
}

/// Deletes notifications that were handled.
#[derive(Debug)]
struct DeleteIsrNotifications(Vec<String>);

impl Step for DeleteIsrNotifications {
    fn decide(&mut self, _: &mut StepContext, _: Facts) -> Vec<Write> {
        self.0.drain(..).map(Write::DeleteIsrNotification).collect()
    }
}

/// The leadership of each partition, or why it is not known.
pub type Leaderships = BTreeMap<TopicPartition, Result<LeaderAndIsr, ErrorCode>>;

/// A leader asks for other in-sync replicas (AlterIsr, KIP-497).
#[derive(Debug)]
pub struct AlterIsr {
    broker: BrokerId,
    broker_epoch: i64,
    wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
    reply: ControllerReply<Result<Leaderships, ErrorCode>>,
    answers: Leaderships,
    written: Vec<(TopicPartition, LeaderAndIsr)>,
}

impl AlterIsr {
    /// The request of `broker`; `reply` receives the leadership of each partition as it is afterwards.
    pub fn new(
        broker: BrokerId,
        broker_epoch: i64,
        wanted: BTreeMap<TopicPartition, LeaderAndIsr>,
        reply: ControllerReply<Result<Leaderships, ErrorCode>>,
    ) -> Self {
        Self { broker, broker_epoch, wanted, reply, answers: BTreeMap::new(), written: Vec::new() }
    }
}

fn same_but_version(a: &LeaderAndIsr, b: &LeaderAndIsr) -> bool {
    a.leader == b.leader && a.leader_epoch == b.leader_epoch && a.isr == b.isr
}

impl Step for AlterIsr {
    fn controller_state(&self) -> ControllerState {
        ControllerState::IsrChange
    }

    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        if context.state.broker(self.broker).is_none_or(|known| known.epoch != self.broker_epoch) {
            let (broker, epoch) = (self.broker, self.broker_epoch);
            context.log(
                Severity::Info,
                format!("Ignoring AlterIsr due to stale broker epoch {epoch} for broker {broker}"),
            );
            context.reply(&self.reply, Err(ErrorCode::StaleBrokerEpoch));
            return Vec::new();
        }
        for (partition, wanted) in &self.wanted {
            let Some(Leadership { leader_and_isr: current, .. }) = context.state.leadership(partition) else {
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
        let controller_epoch = context.state.controller_epoch;
        let leadership = |next: &LeaderAndIsr| Leadership { leader_and_isr: next.clone(), controller_epoch };
        self.written
            .iter()
            .map(|(partition, next)| Write::SetState(partition.clone(), leadership(next)))
            .collect()
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        if context.state.broker(self.broker).is_none_or(|known| known.epoch != self.broker_epoch) {
            return;
        }
        let controller_epoch = context.state.controller_epoch;
        for ((partition, next), outcome) in self.written.drain(..).zip(outcomes) {
            let answer = match outcome {
                Outcome::Ok(version) => {
                    let leader_and_isr = next.at_version(*version);
                    let leadership = Leadership { leader_and_isr: leader_and_isr.clone(), controller_epoch };
                    context.state.set_leadership(&partition, leadership);
                    Ok(leader_and_isr)
                }
                Outcome::BadVersion => Err(ErrorCode::InvalidUpdateVersion),
                _ => Err(ErrorCode::UnknownServerError),
            };
            self.answers.insert(partition, answer);
        }
        let partitions = std::mem::take(&mut self.wanted).into_keys().collect();
        context.enqueue(SendUpdateMetadata { to: Recipients::All, partitions });
        for (partition, answer) in &self.answers {
            if answer.is_ok() && context.state.reassigning.contains(partition) {
                context.enqueue(MaybeComplete(partition.clone()));
            }
        }
        context.reply(&self.reply, Ok(std::mem::take(&mut self.answers)));
    }
}
