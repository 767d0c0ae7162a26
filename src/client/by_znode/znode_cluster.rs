//! A cluster as its znodes describe it: what to watch, what is known, and its description in the form of an answer to
//! Metadata.
//!
//! Pure. Znodes that cannot be read count as missing. Kafka: `ZkData`, `ZkUtils`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use crate::base::{Assignment, Broker, BrokerId, Endpoint, LeaderAndIsr, SecurityProtocol, TopicPartition};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::metadata::*;
use crate::zk::znode::{broker, cluster_id, controller, partition_state, topic};

/// The content of a znode, as a watch reports it.
#[derive(Clone, Debug)]
pub(super) enum ZnodeReport {
    /// Its children; None where it does not exist.
    Children { path: String, children: Option<Vec<String>> },
    /// Its data and their version; None where it does not exist.
    Data { path: String, data: Option<(Bytes, i32)> },
}

/// A watch to be set or to be given up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WatchStep {
    /// Watch its children.
    Children(String),
    /// Watch its data.
    Data(String),
    /// Stop watching.
    Unwatch(String),
}

/// A topic that is followed.
#[derive(Debug, Default)]
struct FollowedTopic {
    /// None before it was read; then None where the topic does not exist.
    assignments: Option<Option<BTreeMap<i32, Assignment>>>,
    /// Of each partition that is assigned: as `assignments`.
    states: BTreeMap<i32, Option<Option<LeaderAndIsr>>>,
}

impl FollowedTopic {
    fn is_known(&self) -> bool {
        self.assignments.is_some() && self.states.values().all(Option::is_some)
    }
}

/// The listener of each broker that a client connects to.
#[derive(Clone, Debug)]
pub(super) enum ListenerChoice {
    /// The one of this name.
    Named(String),
    /// The first one that is secured so.
    First(SecurityProtocol),
}

/// The znodes of a cluster, as far as they are followed.
#[derive(Debug)]
pub(super) struct ZnodeCluster {
    listener: ListenerChoice,
    cluster_id: Option<String>,
    controller: Option<BrokerId>,
    /// None before a broker's registration was read; then None where there is none.
    brokers: BTreeMap<BrokerId, Option<Option<Broker>>>,
    /// Of the fixed znodes, those that were read.
    read: BTreeSet<&'static str>,
    topics: BTreeMap<Arc<str>, FollowedTopic>,
    /// All topics are followed.
    follows_all: bool,
    /// Topics that have changed since the last description.
    changed: BTreeSet<Arc<str>>,
    /// Brokers or controller have changed since then.
    brokers_changed: bool,
}

impl ZnodeCluster {
    pub(super) fn new(listener: ListenerChoice) -> Self {
        Self {
            listener,
            cluster_id: None,
            controller: None,
            brokers: BTreeMap::new(),
            read: BTreeSet::new(),
            topics: BTreeMap::new(),
            follows_all: false,
            changed: BTreeSet::new(),
            brokers_changed: false,
        }
    }

    /// What is watched from the beginning.
    pub(super) fn first_watches() -> Vec<WatchStep> {
        vec![
            WatchStep::Children(broker::PARENT.to_owned()),
            WatchStep::Data(controller::PATH.to_owned()),
            WatchStep::Data(cluster_id::PATH.to_owned()),
        ]
    }

    /// Follows these topics, too; all for None.
    pub(super) fn follow(&mut self, topics: Option<&BTreeSet<Arc<str>>>) -> Vec<WatchStep> {
        match topics {
            None if self.follows_all => Vec::new(),
            None => {
                self.follows_all = true;
                vec![WatchStep::Children(topic::PARENT.to_owned())]
            }
            Some(topics) => topics.iter().flat_map(|name| self.follow_topic(name)).collect(),
        }
    }

    fn follow_topic(&mut self, name: &Arc<str>) -> Option<WatchStep> {
        // A name with a slash would lead to another znode.
        if self.topics.contains_key(name) || name.contains('/') || name.is_empty() {
            return None;
        }
        self.topics.insert(name.clone(), FollowedTopic::default());
        Some(WatchStep::Data(topic::path(name)))
    }

    /// Follows only these topics.
    pub(super) fn retain(&mut self, topics: Option<&BTreeSet<Arc<str>>>) -> Vec<WatchStep> {
        let Some(topics) = topics else { return self.follow(None) };
        let mut steps = Vec::new();
        if std::mem::take(&mut self.follows_all) {
            self.read.remove(topic::PARENT);
            steps.push(WatchStep::Unwatch(topic::PARENT.to_owned()));
        }
        let gone: Vec<_> = self.topics.keys().filter(|name| !topics.contains(*name)).cloned().collect();
        steps.extend(gone.iter().flat_map(|name| self.unfollow(name)));
        steps.extend(self.follow(Some(topics)));
        steps
    }

    fn unfollow(&mut self, name: &Arc<str>) -> Vec<WatchStep> {
        let Some(followed) = self.topics.remove(name) else { return Vec::new() };
        self.changed.remove(name);
        let states = followed.states.into_keys().map(|at| WatchStep::Unwatch(state_path(name, at)));
        states.chain([WatchStep::Unwatch(topic::path(name))]).collect()
    }

    /// Applies what a watch has reported.
    pub(super) fn apply(&mut self, report: ZnodeReport) -> Vec<WatchStep> {
        match report {
            ZnodeReport::Children { path, children } if path == broker::PARENT => {
                self.read.insert(broker::PARENT);
                self.apply_broker_ids(&children.unwrap_or_default())
            }
            ZnodeReport::Children { path, children } if path == topic::PARENT && self.follows_all => {
                self.read.insert(topic::PARENT);
                let names = children.unwrap_or_default();
                names.iter().flat_map(|name| self.follow_topic(&name.as_str().into())).collect()
            }
            ZnodeReport::Children { .. } => Vec::new(),
            ZnodeReport::Data { path, data } => self.apply_data(&path, data),
        }
    }

    fn apply_broker_ids(&mut self, children: &[String]) -> Vec<WatchStep> {
        let ids: BTreeSet<BrokerId> = children.iter().filter_map(|name| name.parse().ok()).collect();
        let gone: Vec<_> = self.brokers.keys().filter(|id| !ids.contains(id)).copied().collect();
        self.brokers.retain(|id, _| ids.contains(id));
        self.note_brokers();
        let mut steps: Vec<_> = gone.into_iter().map(|id| WatchStep::Unwatch(broker::path(id))).collect();
        for id in ids {
            self.brokers.entry(id).or_insert_with(|| {
                steps.push(WatchStep::Data(broker::path(id)));
                None
            });
        }
        steps
    }

    /// Which replicas are alive follows from the brokers, for every topic.
    fn note_brokers(&mut self) {
        self.brokers_changed = true;
        self.changed.extend(self.topics.keys().cloned());
    }

    fn apply_data(&mut self, path: &str, data: Option<(Bytes, i32)>) -> Vec<WatchStep> {
        if path == controller::PATH {
            self.read.insert(controller::PATH);
            self.controller = data.and_then(|(data, _)| controller::decode(&data).ok());
            self.brokers_changed = true;
        } else if path == cluster_id::PATH {
            self.read.insert(cluster_id::PATH);
            self.cluster_id = data.and_then(|(data, _)| cluster_id::decode(&data).ok());
        } else if let Some(id) = child_of(path, broker::PARENT).and_then(|id| id.parse().ok()) {
            if let Some(known) = self.brokers.get_mut(&id) {
                *known = Some(data.and_then(|(data, _)| broker::decode(id, &data, 0).ok()));
                self.note_brokers();
            }
        } else if let Some(rest) = child_of(path, topic::PARENT) {
            return match rest.split_once('/') {
                None => self.apply_topic(&rest.into(), data),
                Some((name, rest)) => {
                    let number = rest.strip_prefix("partitions/").and_then(|it| it.strip_suffix("/state"));
                    if let Some(number) = number.and_then(|number| number.parse().ok()) {
                        self.apply_state(name, number, data);
                    }
                    Vec::new()
                }
            };
        }
        Vec::new()
    }

    fn apply_topic(&mut self, name: &Arc<str>, data: Option<(Bytes, i32)>) -> Vec<WatchStep> {
        let Some(followed) = self.topics.get_mut(name) else { return Vec::new() };
        self.changed.insert(name.clone());
        let topic = data.and_then(|(data, _)| topic::TopicZNode::decode(&data).ok());
        let assignments = topic.map(|topic| topic.partitions);
        let mut steps = Vec::new();
        let numbers: BTreeSet<i32> = assignments.iter().flatten().map(|(at, _)| *at).collect();
        followed.states.retain(|at, _| {
            let stays = numbers.contains(at);
            if !stays {
                steps.push(WatchStep::Unwatch(state_path(name, *at)));
            }
            stays
        });
        for at in numbers {
            followed.states.entry(at).or_insert_with(|| {
                steps.push(WatchStep::Data(state_path(name, at)));
                None
            });
        }
        followed.assignments = Some(assignments);
        steps
    }

    fn apply_state(&mut self, name: &str, partition: i32, data: Option<(Bytes, i32)>) {
        let Some((name, _)) = self.topics.get_key_value(name) else { return };
        let name = name.clone();
        let Some(state) = self.topics.get_mut(&name).and_then(|topic| topic.states.get_mut(&partition))
        else {
            return;
        };
        let decode =
            |(data, version): (Bytes, i32)| partition_state::PartitionStateZNode::decode(&data, version).ok();
        *state = Some(data.and_then(decode).map(|state| state.leader_and_isr));
        self.changed.insert(name);
    }

    /// Whether all is known that a description of these topics needs.
    pub(super) fn is_known(&self, topics: Option<&BTreeSet<Arc<str>>>) -> bool {
        let fixed = [broker::PARENT, controller::PATH, cluster_id::PATH];
        let brokers =
            fixed.iter().all(|path| self.read.contains(path)) && self.brokers.values().all(Option::is_some);
        brokers
            && match topics {
                None => {
                    self.read.contains(topic::PARENT) && self.topics.values().all(FollowedTopic::is_known)
                }
                // A name that is not followed is that of no topic.
                Some(names) => {
                    names.iter().all(|name| self.topics.get(name).is_none_or(FollowedTopic::is_known))
                }
            }
    }

    /// Brokers, controller and these topics, as an answer to Metadata.
    pub(super) fn describe(&self, topics: Option<&BTreeSet<Arc<str>>>) -> MetadataResponse {
        let topics = match topics {
            None => {
                let existing =
                    self.topics.iter().filter(|(_, it)| it.assignments.as_ref().is_some_and(Option::is_some));
                existing.map(|(name, _)| self.describe_topic(name)).collect()
            }
            Some(names) => names.iter().map(|name| self.describe_topic(name)).collect(),
        };
        MetadataResponse {
            brokers: self.live_brokers().filter_map(|broker| self.describe_broker(broker)).collect(),
            cluster_id: self.cluster_id.clone(),
            controller_id: self.controller.unwrap_or(-1),
            topics,
            ..Default::default()
        }
    }

    /// What has changed since the last call; None where nothing has, or not all of it is known yet.
    pub(super) fn take_changed(&mut self) -> Option<MetadataResponse> {
        let known = |name: &Arc<str>| self.topics.get(name).is_some_and(FollowedTopic::is_known);
        let ready: BTreeSet<_> = self.changed.iter().filter(|name| known(name)).cloned().collect();
        if !self.is_known(Some(&BTreeSet::new())) || (ready.is_empty() && !self.brokers_changed) {
            return None;
        }
        self.brokers_changed = false;
        self.changed.retain(|name| !ready.contains(name));
        Some(self.describe(Some(&ready)))
    }

    fn live_brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values().filter_map(|known| known.as_ref()?.as_ref())
    }

    fn endpoint<'a>(&self, broker: &'a Broker) -> Option<&'a Endpoint> {
        match &self.listener {
            ListenerChoice::Named(name) => broker.endpoint(name),
            ListenerChoice::First(protocol) => broker.endpoints.iter().find(|it| it.protocol == *protocol),
        }
    }

    fn describe_broker(&self, broker: &Broker) -> Option<MetadataResponseBroker> {
        let Endpoint { host, port, .. } = self.endpoint(broker)?;
        Some(MetadataResponseBroker {
            node_id: broker.id,
            host: host.clone(),
            port: *port,
            rack: broker.rack.clone(),
        })
    }

    fn describe_topic(&self, name: &Arc<str>) -> MetadataResponseTopic {
        let described = MetadataResponseTopic { name: name.to_string(), ..Default::default() };
        let followed = self.topics.get(name);
        let Some(assignments) = followed.and_then(|it| it.assignments.as_ref()?.as_ref()) else {
            let error_code = ErrorCode::UnknownTopicOrPartition.code();
            return MetadataResponseTopic { error_code, ..described };
        };
        let live: BTreeSet<BrokerId> = self.live_brokers().map(|broker| broker.id).collect();
        let partition = |(at, assignment): (&i32, &Assignment)| {
            let state = followed.and_then(|it| it.states.get(at)?.as_ref()?.as_ref());
            let leader = state.map(|state| state.leader).filter(|id| live.contains(id));
            let no_leader = ErrorCode::LeaderNotAvailable.code();
            MetadataResponsePartition {
                error_code: if leader.is_some() { 0 } else { no_leader },
                partition_index: *at,
                leader_id: leader.unwrap_or(LeaderAndIsr::NO_LEADER),
                leader_epoch: state.map_or(LeaderAndIsr::NO_EPOCH, |state| state.leader_epoch),
                replica_nodes: assignment.replicas.clone(),
                isr_nodes: state.map(|state| state.isr.clone()).unwrap_or_default(),
                offline_replicas: assignment
                    .replicas
                    .iter()
                    .copied()
                    .filter(|id| !live.contains(id))
                    .collect(),
            }
        };
        let is_internal = matches!(&**name, "__consumer_offsets" | "__transaction_state");
        let partitions = assignments.iter().map(partition).collect();
        MetadataResponseTopic { is_internal, partitions, ..described }
    }
}

fn state_path(topic: &Arc<str>, partition: i32) -> String {
    partition_state::path(&TopicPartition { topic: topic.clone(), partition })
}

/// What follows a parent's path and a slash.
pub(super) fn child_of<'a>(path: &'a str, parent: &str) -> Option<&'a str> {
    path.strip_prefix(parent)?.strip_prefix('/')
}

#[cfg(test)]
mod tests;
