//! A group of ZooKeeper consumers as its znodes describe it: what to watch, and what is known.
//!
//! Pure. A registration that cannot be read is that of a consumer without topics. Kafka: `ZKRebalancerListener`,
//! `ZKTopicPartitionChangeListener`, `ZookeeperTopicEventWatcher`, which find out when to read the znodes anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::znode_cluster::{WatchStep, ZnodeReport, child_of};
use super::assignment::{ConsumerThreadId, GroupView};
use super::topic_count::TopicCount;
use crate::zk::znode::{broker, consumer_registration, topic};

/// The most threads of one consumer that are counted for a topic.
const MOST_THREADS: i32 = 10_000;

/// The znodes of a group, as far as they are followed.
#[derive(Debug)]
pub(super) struct GroupZnodes {
    /// The parent of the registrations.
    ids: String,
    exclude_internal: bool,
    /// None before they were listed; a consumer is None before its registration was read.
    consumers: Option<BTreeMap<Arc<str>, Option<TopicCount>>>,
    /// All topics; None before they were listed, or while no consumer has a filter.
    topics: Option<BTreeSet<Arc<str>>>,
    watches_topics: bool,
    /// Of each topic that a consumer wants: None before it was read.
    partitions: BTreeMap<Arc<str>, Option<BTreeSet<i32>>>,
    /// Whether there is a broker; None before they were listed.
    has_brokers: Option<bool>,
}

impl GroupZnodes {
    pub(super) fn new(group: &str, exclude_internal: bool) -> Self {
        Self {
            ids: consumer_registration::parent(group),
            exclude_internal,
            consumers: None,
            topics: None,
            watches_topics: false,
            partitions: BTreeMap::new(),
            has_brokers: None,
        }
    }

    /// What is watched from the beginning.
    pub(super) fn first_watches(&self) -> Vec<WatchStep> {
        vec![WatchStep::Children(self.ids.clone()), WatchStep::Children(broker::PARENT.to_owned())]
    }

    /// Applies what a watch has reported.
    pub(super) fn apply(&mut self, report: ZnodeReport) -> Vec<WatchStep> {
        let mut steps = Vec::new();
        match report {
            ZnodeReport::Children { path, children } => {
                let children = children.unwrap_or_default();
                if path == self.ids {
                    self.apply_consumers(children, &mut steps);
                } else if path == broker::PARENT {
                    self.has_brokers = Some(!children.is_empty());
                } else if path == topic::PARENT && self.watches_topics {
                    self.topics = Some(children.into_iter().map(Into::into).collect());
                }
            }
            ZnodeReport::Data { path, data } => {
                let data = data.map(|(data, _)| data);
                if let Some(id) = child_of(&path, &self.ids) {
                    if let Some(consumer) = self.consumers.as_mut().and_then(|all| all.get_mut(id)) {
                        let read = data
                            .and_then(|data| consumer_registration::ConsumerRegistration::decode(&data).ok());
                        *consumer = Some(read.map_or_else(
                            || TopicCount::Static(Vec::new()),
                            |it| TopicCount::of_registration(&it),
                        ));
                    }
                } else if let Some(known) =
                    child_of(&path, topic::PARENT).and_then(|name| self.partitions.get_mut(name))
                {
                    let read = data.and_then(|data| topic::TopicZNode::decode(&data).ok());
                    *known = Some(read.into_iter().flat_map(|it| it.partitions.into_keys()).collect());
                }
            }
        }
        self.follow_topics(&mut steps);
        steps
    }

    fn apply_consumers(&mut self, ids: Vec<String>, steps: &mut Vec<WatchStep>) {
        let mut before = self.consumers.take().unwrap_or_default();
        let mut consumers = BTreeMap::new();
        for id in ids {
            let known = before.remove_entry(id.as_str()).unwrap_or_else(|| {
                steps.push(WatchStep::Data(format!("{}/{id}", self.ids)));
                (id.into(), None)
            });
            consumers.insert(known.0, known.1);
        }
        steps.extend(before.keys().map(|id| WatchStep::Unwatch(format!("{}/{id}", self.ids))));
        self.consumers = Some(consumers);
    }

    /// Watches the topics that consumers want, and no others.
    fn follow_topics(&mut self, steps: &mut Vec<WatchStep>) {
        let by_filter = self.subscriptions().any(|(_, it)| it.is_wildcard());
        if by_filter != self.watches_topics {
            self.watches_topics = by_filter;
            self.topics = None;
            let path = topic::PARENT.to_owned();
            steps.push(if by_filter { WatchStep::Children(path) } else { WatchStep::Unwatch(path) });
        }
        let mut wanted: BTreeSet<Arc<str>> = BTreeSet::new();
        for (_, subscription) in self.subscriptions() {
            wanted.extend(self.topics_of(subscription).into_iter().map(|(topic, _)| topic));
        }
        // A name with a slash would lead to another znode.
        wanted.retain(|topic| !topic.is_empty() && !topic.contains('/'));
        self.partitions.retain(|topic, _| {
            let stays = wanted.contains(topic);
            if !stays {
                steps.push(WatchStep::Unwatch(topic::path(topic)));
            }
            stays
        });
        for topic in wanted {
            self.partitions.entry(topic).or_insert_with_key(|topic| {
                steps.push(WatchStep::Data(topic::path(topic)));
                None
            });
        }
    }

    fn subscriptions(&self) -> impl Iterator<Item = (&Arc<str>, &TopicCount)> {
        self.consumers.iter().flatten().filter_map(|(id, it)| Some((id, it.as_ref()?)))
    }

    fn topics_of(&self, subscription: &TopicCount) -> Vec<(Arc<str>, i32)> {
        subscription.topics(self.topics.iter().flatten(), self.exclude_internal)
    }

    /// Whether a consumer is registered, as far as is known.
    pub(super) fn has_consumer(&self, id: &str) -> bool {
        self.consumers.as_ref().is_some_and(|all| all.contains_key(id))
    }

    /// Whether there is no broker to read from.
    pub(super) fn lacks_brokers(&self) -> bool {
        self.has_brokers == Some(false)
    }

    /// The group; None where not all of it is known, or there is no broker to read from.
    pub(super) fn view(&self) -> Option<GroupView> {
        let consumers = self.consumers.as_ref()?;
        let is_known = consumers.values().all(Option::is_some)
            && (!self.watches_topics || self.topics.is_some())
            && self.partitions.values().all(Option::is_some)
            && self.has_brokers == Some(true);
        if !is_known {
            return None;
        }
        let mut view = GroupView::default();
        for (id, subscription) in self.subscriptions() {
            for (topic, threads) in self.topics_of(subscription) {
                let threads = (0..threads.min(MOST_THREADS)).map(|at| ConsumerThreadId::new(id, at));
                view.threads.entry(topic).or_default().extend(threads);
            }
        }
        let partitions = self.partitions.iter();
        view.partitions =
            partitions.map(|(topic, known)| (topic.clone(), known.clone().unwrap_or_default())).collect();
        Some(view)
    }
}

#[cfg(test)]
mod tests;
