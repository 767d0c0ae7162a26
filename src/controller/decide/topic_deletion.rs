//! Topics are deleted: requested under `/admin/delete_topics`, carried out in rounds as brokers answer.
//!
//! Pure. A topic is deleted only when every broker has answered that it deleted its replica. A replica that
//! cannot be reached, or a reassignment in progress, makes the topic wait. Kafka: `TopicDeletionManager`,
//! `processTopicDeletion`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::{BrokerId, TopicPartition};
use crate::controller::event::PartitionErrors;
use crate::controller::facts::{Facts, Question};
use crate::controller::state::Replica;
use crate::controller::step::{Effect, Severity, Step, StepContext, Watched};
use crate::controller::transitions::{PartitionState, ReplicaState};
use crate::controller::writes::{Outcome, Write};
use crate::wire::error_code::ErrorCode;

use super::move_partitions::MovePartitions;
use super::move_replicas::MoveReplicas;
use super::send::{Recipients, SendUpdateMetadata};

/// Reads the deletions that are requested.
#[derive(Debug)]
pub(super) struct DeletionsChanged;

impl Step for DeletionsChanged {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::TopicDeletions]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let (known, unknown) = facts
            .topic_deletions
            .into_iter()
            .partition::<BTreeSet<_>, _>(|topic| context.state.topic(topic).is_some());
        if !unknown.is_empty() {
            context.log(
                Severity::Warn,
                format!("Ignoring request to delete non-existing topics {}", listed(&unknown)),
            );
        }
        let mut refused = unknown;
        if !context.settings.delete_topics {
            if !known.is_empty() {
                context.log(
                    Severity::Info,
                    format!("Removing {} since delete topic is disabled", listed(&known)),
                );
            }
            refused.extend(known);
        } else if !known.is_empty() {
            context.log(Severity::Info, format!("Starting topic deletion for topics {}", listed(&known)));
            let moving: Vec<_> =
                context.state.reassigning.iter().map(|partition| partition.topic.clone()).collect();
            context.state.deletions.queued.extend(known.iter().cloned());
            context
                .state
                .deletions
                .ineligible
                .extend(moving.into_iter().filter(|topic| known.contains(topic)));
            context.enqueue(Carry);
        }
        refused.into_iter().map(Write::DeleteTopicDeletion).collect()
    }
}

fn listed(topics: &BTreeSet<Arc<str>>) -> String {
    topics.iter().map(|topic| &**topic).collect::<Vec<_>>().join(",")
}

/// The topics of `replicas` that are to be deleted.
pub(super) fn queued_among(context: &StepContext, replicas: &[Replica]) -> BTreeSet<Arc<str>> {
    let topics = replicas.iter().map(|replica| &replica.partition.topic);
    topics.filter(|topic| context.state.is_queued_for_deletion(topic)).cloned().collect()
}

/// The reason why these topics could not be deleted is over (Kafka's `resumeDeletionForTopics`).
#[derive(Debug)]
pub(super) struct ResumeFor(pub BTreeSet<Arc<str>>);

impl Step for ResumeFor {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let deletions = &mut context.state.deletions;
        self.0.retain(|topic| deletions.queued.contains(topic));
        if !self.0.is_empty() {
            deletions.ineligible.retain(|topic| !self.0.contains(topic));
            context.enqueue(Carry);
        }
        Vec::new()
    }
}

/// Those of `topics` that are to be deleted must wait.
pub(super) fn halt(context: &mut StepContext, topics: BTreeSet<Arc<str>>, reason: &str) {
    let halted: BTreeSet<_> =
        topics.into_iter().filter(|topic| context.state.is_queued_for_deletion(topic)).collect();
    if !halted.is_empty() {
        context.log(Severity::Info, format!("Halted deletion of topics {} due to {reason}", listed(&halted)));
        context.state.deletions.ineligible.extend(halted);
    }
}

/// Carries every deletion as far as it can go now (Kafka's `resumeDeletions`).
#[derive(Debug)]
pub(super) struct Carry;

impl Step for Carry {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let (mut retried, mut begun) = (Vec::new(), BTreeSet::new());
        for topic in context.state.deletions.queued.clone() {
            let replicas = context.state.replicas_of_topic(&topic);
            let all = |state| replicas.iter().all(|replica| context.state.replica_state(replica) == state);
            let any = |state| replicas.iter().any(|replica| context.state.replica_state(replica) == state);
            if all(ReplicaState::DeletionSuccessful) {
                context.enqueue(Complete(topic));
                continue;
            }
            if any(ReplicaState::DeletionStarted) {
                continue;
            }
            if any(ReplicaState::DeletionIneligible) {
                retried.extend(context.state.replicas_in(&topic, ReplicaState::DeletionIneligible));
            }
            if !context.state.deletions.ineligible.contains(&topic) {
                context.log(Severity::Info, format!("Deletion of topic {topic} (re)started"));
                begun.insert(topic);
            }
        }
        if !retried.is_empty() {
            context.enqueue(MoveReplicas::to(ReplicaState::Offline, retried));
        }
        if !begun.is_empty() {
            context.enqueue(BeginTopics(begun));
        }
        Vec::new()
    }
}

/// Takes topics out of service, and sends every online replica's broker StopReplica that deletes its log.
#[derive(Debug)]
struct BeginTopics(BTreeSet<Arc<str>>);

impl Step for BeginTopics {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let of =
            |context: &StepContext, topics: &mut dyn Iterator<Item = &Arc<str>>| -> Vec<TopicPartition> {
                topics.flat_map(|topic| context.state.partitions_of(topic)).collect()
            };
        let unseen: Vec<_> = self.0.difference(&context.state.deletions.started).cloned().collect();
        let unseen_partitions = of(context, &mut unseen.iter());
        let partitions = of(context, &mut self.0.iter());
        context.enqueue(MovePartitions::to(PartitionState::Offline, unseen_partitions.clone()));
        context.enqueue(MovePartitions::to(PartitionState::NonExistent, unseen_partitions));
        context.enqueue(MarkStarted(unseen));
        context.enqueue(SendUpdateMetadata { to: Recipients::All, partitions: partitions.clone() });
        context.enqueue(BeginReplicas(partitions));
        Vec::new()
    }
}

/// From here on the partitions of these topics count as gone, not as offline.
#[derive(Debug)]
struct MarkStarted(Vec<Arc<str>>);

impl Step for MarkStarted {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        context.state.deletions.started.extend(self.0.drain(..));
        Vec::new()
    }
}

/// Stops, then deletes, the online replicas that are not deleted yet; the others make their topic wait.
#[derive(Debug)]
struct BeginReplicas(Vec<TopicPartition>);

impl Step for BeginReplicas {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let (alive, dead) =
            context.state.replicas_of(&self.0).into_iter().partition::<Vec<_>, _>(|replica| {
                context.state.is_online(replica.broker, &replica.partition)
            });
        let deleted =
            |replica: &Replica| context.state.replica_state(replica) == ReplicaState::DeletionSuccessful;
        let left: Vec<_> = alive.into_iter().filter(|replica| !deleted(replica)).collect();
        let waiting: BTreeSet<_> = dead.iter().map(|replica| replica.partition.topic.clone()).collect();
        context.enqueue(MoveReplicas::to(ReplicaState::DeletionIneligible, dead));
        context.enqueue(MoveReplicas::to(ReplicaState::Offline, left.clone()));
        context.enqueue(MoveReplicas::to(ReplicaState::DeletionStarted, left));
        halt(context, waiting, "offline replicas");
        Vec::new()
    }
}

/// Replicas of topics being deleted cannot be deleted now.
#[derive(Debug)]
pub(super) struct Fail(pub Vec<Replica>);

impl Step for Fail {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let mut failed = std::mem::take(&mut self.0);
        failed.retain(|replica| context.state.is_queued_for_deletion(&replica.partition.topic));
        if failed.is_empty() {
            return Vec::new();
        }
        let topics = queued_among(context, &failed);
        halt(context, topics, "replica deletion failure");
        context.enqueue(MoveReplicas::to(ReplicaState::DeletionIneligible, failed));
        context.enqueue(Carry);
        Vec::new()
    }
}

/// A broker answered which of its replicas it deleted.
#[derive(Debug)]
pub(super) struct StopReplicaResponseReceived {
    /// The broker.
    pub broker: BrokerId,
    /// The error of the whole request.
    pub error: ErrorCode,
    /// The error of each partition.
    pub partitions: PartitionErrors,
}

impl Step for StopReplicaResponseReceived {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let (mut deleted, mut failed) = (Vec::new(), Vec::new());
        for (partition, error) in self.partitions.drain(..) {
            // A replica that a reassignment removed belongs to no topic that is being deleted.
            if !context.state.deletions.started.contains(&partition.topic) {
                continue;
            }
            let replica = Replica { partition, broker: self.broker };
            if self.error == ErrorCode::None && error == ErrorCode::None {
                deleted.push(replica);
            } else {
                failed.push(replica);
            }
        }
        if !failed.is_empty() {
            context.enqueue(Fail(failed));
        }
        if !deleted.is_empty() {
            context.enqueue(MoveReplicas::to(ReplicaState::DeletionSuccessful, deleted));
            context.enqueue(Carry);
        }
        Vec::new()
    }
}

/// Every replica is deleted: the topic's znodes follow.
#[derive(Debug)]
struct Complete(Arc<str>);

impl Step for Complete {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::TopicTree(self.0.clone())]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        context.effect(Effect::Unwatch(Watched::Topic(self.0.clone())));
        facts.topic_tree.into_iter().map(Write::Delete).collect()
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        if outcomes.contains(&Outcome::NotEmpty) {
            // Another client created a znode below the topic while it was being deleted.
            context.enqueue(Self(self.0.clone()));
        } else {
            context.enqueue(ForgetTopic(self.0.clone()));
        }
    }
}

/// The topic's config is deleted, and last of all the request for the deletion: until then a new controller
/// would carry on.
#[derive(Debug)]
struct ForgetTopic(Arc<str>);

impl Step for ForgetTopic {
    fn decide(&mut self, _: &mut StepContext, _: Facts) -> Vec<Write> {
        vec![Write::DeleteTopicConfig(self.0.clone()), Write::DeleteTopicDeletion(self.0.clone())]
    }

    fn apply(&mut self, context: &mut StepContext, _: &[Outcome]) {
        context.log(Severity::Info, format!("Deletion of topic {} successfully completed", self.0));
        context.state.remove_topic(&self.0);
    }
}
