//! Which znodes the controller watches, and which event a change of one of them is. Pure.
//!
//! Kafka: the handlers of `KafkaController` (`BrokerChangeHandler`, `TopicChangeHandler`, …).

use std::sync::Arc;

use bytes::Bytes;

use super::event::Event;
use super::state::ClusterState;
use super::step::Watched;
use super::term_over::TermOver;
use crate::base::{BrokerId, TopicPartition};
use crate::zk::znode::{
    broker, controller, delete_topic, isr_change, log_dir_event, partition_state, preferred_election,
    reassign_partitions, topic,
};
use crate::zk::{Stat, ZnodeChange};

/// The znodes whose children a controller watches during its whole term.
pub(super) const PARENTS: [&str; 5] =
    [broker::PARENT, topic::PARENT, delete_topic::PARENT, isr_change::PARENT, log_dir_event::PARENT];
/// The znodes whose data it watches during its whole term, `/controller` aside.
pub(super) const REQUESTS: [&str; 2] = [preferred_election::PATH, reassign_partitions::PATH];

/// The path of a znode that is watched for a while.
pub(super) fn path(watched: &Watched) -> String {
    match watched {
        Watched::Broker(id) => broker::path(*id),
        Watched::Topic(name) => topic::path(name),
        Watched::State(partition) => partition_state::path(partition),
    }
}

/// Turns changes of znodes into events, for one term.
#[derive(Debug)]
pub(super) struct Watching {
    /// This broker's id.
    broker: BrokerId,
    /// The generation of the session in which it was elected.
    generation: u64,
    /// The `/admin/reassign_partitions` seen last, by its czxid; -1 where there was none.
    request: Option<i64>,
}

impl Watching {
    /// For the term of `broker`, elected in the session of this generation.
    pub fn new(broker: BrokerId, generation: u64) -> Self {
        Self { broker, generation, request: None }
    }

    /// The event of a change; None if the change concerns no decision. `session` is the id of the present
    /// session.
    ///
    /// # Errors
    /// [`TermOver`] where the change ends the term.
    pub fn event(
        &mut self,
        change: ZnodeChange,
        session: i64,
        state: &ClusterState,
    ) -> Result<Option<Event>, TermOver> {
        match change {
            ZnodeChange::Session(changed) if changed.generation != self.generation => {
                Err(TermOver::SessionExpired)
            }
            ZnodeChange::Session(_) => Ok(None),
            ZnodeChange::Children { path, .. } => Ok(children_changed(&path)),
            ZnodeChange::Data { path, data, .. } if path == controller::PATH => {
                if self.is_own(data, session) { Ok(None) } else { Err(TermOver::Replaced) }
            }
            ZnodeChange::Data { path, data, .. } => Ok(self.data_changed(&path, data, state)),
        }
    }

    /// Whether `/controller` is still what this broker wrote at its election.
    fn is_own(&self, data: Option<(Bytes, Stat)>, session: i64) -> bool {
        data.is_some_and(|(data, stat)| {
            controller::decode(&data) == Ok(self.broker) && stat.ephemeral_owner == session
        })
    }

    fn data_changed(
        &mut self,
        path: &str,
        data: Option<(Bytes, Stat)>,
        state: &ClusterState,
    ) -> Option<Event> {
        if path == preferred_election::PATH {
            return data.map(|_| Event::PreferredElectionRequested);
        }
        if path == reassign_partitions::PATH {
            return self.is_new_request(data, state).then_some(Event::ReassignmentRequested);
        }
        if let Some(partition) = state_at(path) {
            return data.map(|_| Event::IsrChanged(partition));
        }
        if let Some(id) = child(path, broker::PARENT).and_then(|id| id.parse().ok()) {
            return data.map(|_| Event::BrokerChanged(id));
        }
        let name = child(path, topic::PARENT)?;
        // The first read of a topic that has just been read shows nothing new.
        let known = state.topic(name).map(|topic| topic.znode_version);
        let is_new = data.is_some_and(|(_, stat)| known != Some(stat.version));
        is_new.then(|| Event::TopicChanged(Arc::from(name)))
    }

    /// Whether `/admin/reassign_partitions` was created anew. A removal by the controller itself is no
    /// request, and the znode's content at the election was handled with the election.
    fn is_new_request(&mut self, data: Option<(Bytes, Stat)>, state: &ClusterState) -> bool {
        let Some((data, stat)) = data else {
            self.request = Some(-1);
            return false;
        };
        let seen = self.request.replace(stat.czxid);
        if seen.is_some() {
            return seen != Some(stat.czxid);
        }
        let wanted = reassign_partitions::decode(&data).unwrap_or_default();
        let is_in_progress = |(partition, target): &(TopicPartition, Vec<BrokerId>)| {
            state.reassigning.contains(partition) && state.assignment(partition).target() == *target
        };
        !wanted.iter().all(is_in_progress)
    }
}

fn children_changed(parent: &str) -> Option<Event> {
    match parent {
        broker::PARENT => Some(Event::BrokersChanged),
        topic::PARENT => Some(Event::TopicsChanged),
        delete_topic::PARENT => Some(Event::TopicDeletionsChanged),
        isr_change::PARENT => Some(Event::IsrNotified),
        log_dir_event::PARENT => Some(Event::LogDirNotified),
        _ => None,
    }
}

/// The rest of a path below a parent.
fn child<'a>(path: &'a str, parent: &str) -> Option<&'a str> {
    path.strip_prefix(parent)?.strip_prefix('/')
}

/// The partition whose state znode has this path.
fn state_at(path: &str) -> Option<TopicPartition> {
    let rest = child(path, topic::PARENT)?;
    let (topic, number) = rest.strip_suffix("/state")?.split_once("/partitions/")?;
    Some(TopicPartition::new(topic, number.parse().ok()?))
}

#[cfg(test)]
mod tests;
