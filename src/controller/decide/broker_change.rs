//! Brokers came, went, came back between two looks, or registered anew with other endpoints.
//!
//! Pure. A broker that came back so fast that it was never missed is known by its new epoch: it is treated as gone,
//! then as new. Kafka: `processBrokerChange`, `onBrokerStartup`, `onBrokerFailure`, `processBrokerModification`.

use std::collections::BTreeSet;

use crate::base::{Broker, BrokerId};
use crate::controller::facts::{Facts, Question};
use crate::controller::machine::{Desk, Effect, Severity, Step, Watched};
use crate::controller::state::Replica;
use crate::controller::transitions::{PartitionState, ReplicaState};
use crate::controller::writes::Write;

use super::move_partitions::MovePartitions;
use super::move_replicas::MoveReplicas;
use super::reassignment;
use super::tell::{Audience, UpdateMetadata};
use super::topic_deletion;
use super::unclean_leader::TriggerOnline;

/// Compares the registrations with the brokers known.
#[derive(Debug)]
pub(super) struct BrokersChanged;

impl Step for BrokersChanged {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::Brokers]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        let (mut new, mut bounced) = (Vec::new(), Vec::new());
        let registered: BTreeSet<_> = facts.brokers.iter().map(|broker| broker.id).collect();
        for broker in facts.brokers {
            match desk.state.broker(broker.id) {
                None => new.push(broker),
                Some(known) if broker.epoch > known.epoch => bounced.push(broker),
                Some(_) => {}
            }
        }
        let mut dead = desk.state.broker_ids();
        dead.retain(|id| !registered.contains(id));
        if new.is_empty() && bounced.is_empty() && dead.is_empty() {
            return Vec::new();
        }
        desk.note(
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
            desk.effect(Effect::Disconnect(id));
        }
        for broker in new.iter().chain(&bounced) {
            desk.effect(Effect::Connect(broker.clone()));
        }
        if !new.is_empty() {
            desk.then(Joined(new));
        }
        if !bounced.is_empty() {
            desk.then(Left(ids(&bounced)));
            desk.then(Joined(bounced));
        }
        if !dead.is_empty() {
            desk.then(Left(dead));
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

/// Takes brokers in: they learn everything, leaders are sought for what has none, and what waited for them goes on.
#[derive(Debug)]
struct Joined(Vec<Broker>);

impl Step for Joined {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let existing = desk.state.broker_ids();
        let joined = ids(&self.0);
        for broker in self.0.drain(..) {
            desk.state.offline_dirs.remove(&broker.id);
            desk.effect(Effect::Watch(Watched::Broker(broker.id)));
            desk.state.put_broker(broker);
        }
        let replicas = desk.state.replicas_on(&joined);
        let partitions = desk.state.partitions_with_leaders();
        desk.then(UpdateMetadata { to: Audience::Brokers(existing), partitions: Vec::new() });
        desk.then(UpdateMetadata { to: Audience::Brokers(joined.clone()), partitions });
        desk.then(MoveReplicas::to(ReplicaState::Online, replicas.clone()));
        desk.then(TriggerOnline { topic: None });
        reassignment::resume_on(desk, &joined);
        let topics = topic_deletion::queued_among(desk, &replicas);
        if !topics.is_empty() {
            desk.then(topic_deletion::ResumeFor(topics));
        }
        Vec::new()
    }
}

/// Takes leave of brokers.
#[derive(Debug)]
struct Left(Vec<BrokerId>);

impl Step for Left {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        for &id in &self.0 {
            desk.state.remove_broker(id);
            desk.state.offline_dirs.remove(&id);
            desk.state.shutting_down.remove(&id);
            desk.effect(Effect::Unwatch(Watched::Broker(id)));
        }
        desk.then(BecameOffline(desk.state.replicas_on(&self.0)));
        Vec::new()
    }
}

/// Replicas cannot work any more, because their broker or their log directory is gone
/// (Kafka's `onReplicasBecomeOffline`).
#[derive(Debug)]
pub(super) struct BecameOffline(pub Vec<Replica>);

impl Step for BecameOffline {
    fn decide(&mut self, desk: &mut Desk, _: Facts) -> Vec<Write> {
        let (leaving, staying) = std::mem::take(&mut self.0)
            .into_iter()
            .partition::<Vec<_>, _>(|replica| desk.state.is_queued_for_deletion(&replica.partition.topic));
        let leaderless = desk.state.partitions_with_offline_leader();
        let nobody_led = leaderless.is_empty();
        desk.then(MovePartitions::to(PartitionState::Offline, leaderless));
        desk.then(TriggerOnline { topic: None });
        desk.then(MoveReplicas::to(ReplicaState::Offline, staying));
        if !leaving.is_empty() {
            // Their deletion cannot be answered any more: it is put off until they are back.
            desk.then(topic_deletion::Fail(leaving));
        }
        if nobody_led {
            // With elections, the brokers learn of it by the metadata of the partitions.
            desk.then(UpdateMetadata { to: Audience::All, partitions: Vec::new() });
        }
        Vec::new()
    }
}

/// A registration was rewritten in place: new endpoints or features.
#[derive(Debug)]
pub(super) struct BrokerChanged(pub BrokerId);

impl Step for BrokerChanged {
    fn ask(&self, _: &Desk) -> Vec<Question> {
        vec![Question::Broker(self.0)]
    }

    fn decide(&mut self, desk: &mut Desk, facts: Facts) -> Vec<Write> {
        let Some(new) = facts.brokers.into_iter().next() else { return Vec::new() };
        let Some(known) = desk.state.broker(self.0) else { return Vec::new() };
        if new.endpoints == known.endpoints && new.features == known.features {
            return Vec::new();
        }
        let text = format!("Updated broker metadata: {known:?} -> {new:?}");
        // The epoch stays the one known: a broker that registered anew is for BrokersChanged to find.
        let new = Broker { epoch: known.epoch, ..new };
        desk.note(Severity::Info, text);
        desk.state.put_broker(new);
        desk.then(UpdateMetadata { to: Audience::All, partitions: Vec::new() });
        Vec::new()
    }
}
