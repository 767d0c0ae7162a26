//! Brokers came, went, came back between two reads, or registered anew with other endpoints.
//!
//! Pure. A broker that came back between two reads has a new epoch: it is treated as gone, then as new.
//! Kafka: `processBrokerChange`, `onBrokerStartup`, `onBrokerFailure`, `processBrokerModification`.

use std::collections::BTreeSet;

use crate::base::{Broker, BrokerId};
use crate::controller::facts::{Facts, Question};
use crate::controller::state::Replica;
use crate::controller::step::{Effect, Severity, Step, StepContext, Watched};
use crate::controller::transitions::{PartitionState, ReplicaState};
use crate::controller::writes::Write;

use super::move_partitions::MovePartitions;
use super::move_replicas::MoveReplicas;
use super::reassignment;
use super::send::{Recipients, SendUpdateMetadata};
use super::topic_deletion;
use super::unclean_leader::TriggerOnline;

/// Compares the registrations with the brokers known.
#[derive(Debug)]
pub(super) struct BrokersChanged;

impl Step for BrokersChanged {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Brokers]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let (mut new, mut bounced) = (Vec::new(), Vec::new());
        let registered: BTreeSet<_> = facts.brokers.iter().map(|broker| broker.id).collect();
        for broker in facts.brokers {
            match context.state.broker(broker.id) {
                None => new.push(broker),
                Some(known) if broker.epoch > known.epoch => bounced.push(broker),
                Some(_) => {}
            }
        }
        let mut dead = context.state.broker_ids();
        dead.retain(|id| !registered.contains(id));
        if new.is_empty() && bounced.is_empty() && dead.is_empty() {
            return Vec::new();
        }
        context.log(
            Severity::Info,
            format!(
                "Newly added brokers: {}, deleted brokers: {}, bounced brokers: {}, all live brokers: {}",
                listed(&ids(&new)),
                listed(&dead),
                listed(&ids(&bounced)),
                listed(&registered.iter().copied().collect::<Vec<_>>())
            ),
        );
        for &id in ids(&bounced).iter().chain(&dead) {
            context.effect(Effect::Disconnect(id));
        }
        for broker in new.iter().chain(&bounced) {
            context.effect(Effect::Connect(broker.clone()));
        }
        if !new.is_empty() {
            context.enqueue(BrokersJoined(new));
        }
        if !bounced.is_empty() {
            context.enqueue(BrokersLeft(ids(&bounced)));
            context.enqueue(BrokersJoined(bounced));
        }
        if !dead.is_empty() {
            context.enqueue(BrokersLeft(dead));
        }
        Vec::new()
    }
}

fn ids(brokers: &[Broker]) -> Vec<BrokerId> {
    brokers.iter().map(|broker| broker.id).collect()
}

fn listed(ids: &[BrokerId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Adds brokers: they get the whole metadata, partitions without a leader are elected one, and what waited
/// for these brokers goes on.
#[derive(Debug)]
struct BrokersJoined(Vec<Broker>);

impl Step for BrokersJoined {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let existing = context.state.broker_ids();
        let joined = ids(&self.0);
        for broker in self.0.drain(..) {
            context.state.offline_dirs.remove(&broker.id);
            context.effect(Effect::Watch(Watched::Broker(broker.id)));
            context.state.put_broker(broker);
        }
        let replicas = context.state.replicas_on(&joined);
        let partitions = context.state.partitions_with_leaders();
        context.enqueue(SendUpdateMetadata { to: Recipients::Brokers(existing), partitions: Vec::new() });
        context.enqueue(SendUpdateMetadata { to: Recipients::Brokers(joined.clone()), partitions });
        context.enqueue(MoveReplicas::to(ReplicaState::Online, replicas.clone()));
        context.enqueue(TriggerOnline { topic: None });
        reassignment::resume_on(context, &joined);
        let topics = topic_deletion::queued_among(context, &replicas);
        if !topics.is_empty() {
            context.enqueue(topic_deletion::ResumeFor(topics));
        }
        Vec::new()
    }
}

/// Removes brokers.
#[derive(Debug)]
struct BrokersLeft(Vec<BrokerId>);

impl Step for BrokersLeft {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        for &id in &self.0 {
            context.state.remove_broker(id);
            context.state.offline_dirs.remove(&id);
            context.state.shutting_down.remove(&id);
            context.effect(Effect::Unwatch(Watched::Broker(id)));
        }
        context.enqueue(BecameOffline(context.state.replicas_on(&self.0)));
        Vec::new()
    }
}

/// Replicas are offline, because their broker or their log directory is gone (Kafka's
/// `onReplicasBecomeOffline`).
#[derive(Debug)]
pub(super) struct BecameOffline(pub Vec<Replica>);

impl Step for BecameOffline {
    fn decide(&mut self, context: &mut StepContext, _: Facts) -> Vec<Write> {
        let (leaving, staying) = std::mem::take(&mut self.0)
            .into_iter()
            .partition::<Vec<_>, _>(|replica| context.state.is_queued_for_deletion(&replica.partition.topic));
        let leaderless = context.state.partitions_with_offline_leader();
        let nobody_led = leaderless.is_empty();
        context.enqueue(MovePartitions::to(PartitionState::Offline, leaderless));
        context.enqueue(TriggerOnline { topic: None });
        context.enqueue(MoveReplicas::to(ReplicaState::Offline, staying));
        if !leaving.is_empty() {
            // The brokers of these replicas cannot confirm their deletion any more: it is postponed until
            // they are back.
            context.enqueue(topic_deletion::Fail(leaving));
        }
        if nobody_led {
            // With elections, the brokers get this from the metadata of the partitions.
            context.enqueue(SendUpdateMetadata { to: Recipients::All, partitions: Vec::new() });
        }
        Vec::new()
    }
}

/// A registration was rewritten in place: new endpoints or features.
#[derive(Debug)]
pub(super) struct BrokerChanged(pub BrokerId);

impl Step for BrokerChanged {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Broker(self.0)]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let Some(new) = facts.brokers.into_iter().next() else { return Vec::new() };
        let Some(known) = context.state.broker(self.0) else { return Vec::new() };
        if new.endpoints == known.endpoints && new.features == known.features {
            return Vec::new();
        }
        let text = format!("Updated broker metadata: {known:?} -> {new:?}");
        // The known epoch stays: a broker that registered anew is handled by BrokersChanged.
        let new = Broker { epoch: known.epoch, ..new };
        context.log(Severity::Info, text);
        context.effect(Effect::Moved(new.clone()));
        context.state.put_broker(new);
        context.enqueue(SendUpdateMetadata { to: Recipients::All, partitions: Vec::new() });
        Vec::new()
    }
}
