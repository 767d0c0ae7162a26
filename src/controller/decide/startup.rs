//! This broker was just elected: it reads the whole cluster, initializes every state, and continues what
//! earlier controllers left.
//!
//! Pure. Kafka: `onControllerFailover`, `initializeControllerContext`, and the `startup` of the two state machines.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::TopicPartition;
use crate::controller::election::ElectionKind;
use crate::controller::facts::{Facts, Question};
use crate::controller::step::{Effect, Severity, Step, StepContext, Watched};
use crate::controller::transitions::{PartitionState, ReplicaState};
use crate::controller::writes::Write;

use super::assignments;
use super::move_replicas::MoveReplicas;
use super::preferred_leader::{ElectLeaders, ElectionTrigger};
use super::reassignment::FromZnode;
use super::send::{Recipients, SendUpdateMetadata};
use super::topic_deletion::Carry;
use super::unclean_leader::TriggerOnline;

/// Corrects `/feature` and deletes notifications, which the read that follows makes unnecessary.
#[derive(Debug)]
pub(super) struct Failover;

impl Step for Failover {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Feature, Question::LogDirEvents, Question::IsrNotifications]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        context.enqueue(ReadCluster);
        let enabled = context.settings.features;
        let feature = match facts.feature {
            None => Some(Write::CreateFeature { enabled }),
            Some(found) if found.enabled && enabled => None,
            Some(found) => {
                if !found.enabled && !found.features.is_empty() {
                    let text = format!(
                        "FeatureZNode at path: /feature with disabled status contains non-empty features: {:?}",
                        found.features
                    );
                    context.log(Severity::Warn, text);
                }
                // Finalized features are cleared when features go out of force, and were empty before they
                // came into force.
                let differs = found.enabled != enabled || !found.features.is_empty();
                differs.then(|| Write::SetFeature { enabled, features: Default::default() })
            }
        };
        let log_dirs = facts.log_dir_events.into_iter().map(|(name, _)| Write::DeleteLogDirEvent(name));
        let isrs = facts.isr_notifications.into_iter().map(|(name, _)| Write::DeleteIsrNotification(name));
        feature.into_iter().chain(log_dirs).chain(isrs).collect()
    }
}

/// Reads the registered brokers and the topics.
#[derive(Debug)]
struct ReadCluster;

impl Step for ReadCluster {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Brokers, Question::Topics, Question::TopicDeletions]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        for broker in facts.brokers {
            context.effect(Effect::Connect(broker.clone()));
            context.effect(Effect::Watch(Watched::Broker(broker.id)));
            context.state.put_broker(broker);
        }
        for topic in &facts.topics {
            context.state.topic_mut(topic);
            context.effect(Effect::Watch(Watched::Topic(topic.clone())));
        }
        context.enqueue(ReadAssignments {
            topics: facts.topics.into_iter().collect(),
            deletions: facts.topic_deletions,
        });
        Vec::new()
    }
}

/// Reads the assignments of all partitions.
#[derive(Debug)]
struct ReadAssignments {
    topics: Vec<Arc<str>>,
    deletions: BTreeSet<Arc<str>>,
}

impl Step for ReadAssignments {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Assignments(self.topics.clone())]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let mut partitions = Vec::new();
        for (topic, read) in facts.assignments {
            context.state.topic_mut(&topic).znode_version = read.version;
            for (number, assignment) in assignments::accepted(context, &topic, read.partitions) {
                let partition = TopicPartition::new(topic.clone(), number);
                if assignment.is_being_reassigned() {
                    context.state.reassigning.insert(partition.clone());
                }
                context.state.set_assignment(&partition, assignment);
                partitions.push(partition);
            }
        }
        context.enqueue(ReadStates { partitions, deletions: std::mem::take(&mut self.deletions) });
        Vec::new()
    }
}

/// Reads the leadership of all partitions, then initializes every state.
#[derive(Debug)]
struct ReadStates {
    partitions: Vec<TopicPartition>,
    deletions: BTreeSet<Arc<str>>,
}

impl Step for ReadStates {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::States(self.partitions.clone())]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        for (partition, leadership) in facts.states {
            context.state.set_leadership(&partition, leadership);
        }
        let refused = self.queue_deletions(context);
        // Brokers must know the live brokers before they can act on LeaderAndIsr.
        context.enqueue(SendUpdateMetadata { to: Recipients::All, partitions: Vec::new() });
        let (online, offline) = first_states(context);
        context.enqueue(MoveReplicas::to(ReplicaState::Online, online));
        context.enqueue(MoveReplicas::to(ReplicaState::Offline, offline));
        context.enqueue(TriggerOnline { topic: None });
        context.enqueue(FromZnode { elected: true });
        context.enqueue(Carry);
        context.enqueue(ElectLeaders {
            partitions: None,
            kind: ElectionKind::Preferred,
            trigger: ElectionTrigger::Znode,
        });
        let (id, epoch) = (context.settings.broker, context.state.controller_epoch);
        context.log(
            Severity::Info,
            format!("[Controller id={id}] Ready to serve as the new controller with epoch {epoch}"),
        );
        refused
    }
}

impl ReadStates {
    /// Resumes the deletions that earlier controllers left, or drops them if topics may not be deleted.
    fn queue_deletions(&mut self, context: &mut StepContext) -> Vec<Write> {
        let (known, unknown) = std::mem::take(&mut self.deletions)
            .into_iter()
            .partition::<BTreeSet<_>, _>(|topic| context.state.topic(topic).is_some());
        if !context.settings.delete_topics {
            return known.into_iter().chain(unknown).map(Write::DeleteTopicDeletion).collect();
        }
        let waits = |topic: &Arc<str>| {
            let replicas = context.state.replicas_of_topic(topic);
            let moving = context.state.reassigning.iter().any(|partition| partition.topic == *topic);
            moving
                || replicas.iter().any(|replica| !context.state.is_online(replica.broker, &replica.partition))
        };
        let ineligible: Vec<_> = known.iter().filter(|topic| waits(topic)).cloned().collect();
        context.state.deletions.ineligible.extend(ineligible);
        context.state.deletions.queued.extend(known);
        unknown.into_iter().map(Write::DeleteTopicDeletion).collect()
    }
}

/// Initializes the state of every partition and replica; returns the replicas that are online, and those that
/// are not.
fn first_states(
    context: &mut StepContext,
) -> (Vec<crate::controller::state::Replica>, Vec<crate::controller::state::Replica>) {
    let partitions: Vec<_> = context.state.partitions().map(|(partition, _)| partition).collect();
    for partition in &partitions {
        let state = match context.state.leadership(partition) {
            None => PartitionState::New,
            Some(known) if context.state.is_online(known.leader_and_isr.leader, partition) => {
                PartitionState::Online
            }
            Some(_) => PartitionState::Offline,
        };
        context.state.set_partition_state(partition, state);
    }
    let replicas = context.state.replicas_of(&partitions);
    let (online, offline) = replicas
        .into_iter()
        .partition::<Vec<_>, _>(|replica| context.state.is_online(replica.broker, &replica.partition));
    for replica in &online {
        context.state.set_replica_state(replica, ReplicaState::Online);
    }
    for replica in &offline {
        // So a deletion that waits for this replica can be resumed when its broker is back.
        context.state.set_replica_state(replica, ReplicaState::DeletionIneligible);
    }
    (online, offline)
}
