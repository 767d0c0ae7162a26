//! The task that follows a cluster's znodes: it sets watches, gives what they bring to the machine, and publishes what
//! has changed.
//!
//! Kafka: `ZkUtils`, `ZKRebalancerListener`.

use std::sync::Arc;

use futures_util::FutureExt;
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::znode_cluster::{ListenerChoice, WatchStep, ZnodeCluster, ZnodeReport};
use super::{FollowCommand, WantedTopics};
use crate::client::metadata::{AnswerScope, ClientMetadata, ClusterSnapshot, RELIABLE_EPOCHS_FROM};
use crate::wire::message::metadata::MetadataResponse;
use crate::zk::{Watches, ZnodeChange, ZooKeeper};

/// The state of the task.
pub(super) struct ZnodeFollower {
    zk: ZooKeeper,
    watches: Watches,
    cluster: ZnodeCluster,
    metadata: Arc<RwLock<ClientMetadata>>,
    published: watch::Sender<Arc<ClusterSnapshot>>,
    /// Descriptions that wait until all about their topics is known.
    waiting: Vec<(WantedTopics, oneshot::Sender<MetadataResponse>)>,
}

impl ZnodeFollower {
    pub(super) fn new(
        zk: ZooKeeper,
        listener: ListenerChoice,
        metadata: Arc<RwLock<ClientMetadata>>,
        published: watch::Sender<Arc<ClusterSnapshot>>,
    ) -> Self {
        let (watches, cluster) = (zk.watches(), ZnodeCluster::new(listener));
        Self { zk, watches, cluster, metadata, published, waiting: Vec::new() }
    }

    /// Follows until the client is `over`, then closes the session.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<FollowCommand>,
        over: CancellationToken,
    ) {
        self.set(ZnodeCluster::first_watches());
        loop {
            tokio::select! {
                () = over.cancelled() => break,
                Some(command) = commands.recv() => self.obey(command),
                change = self.watches.next() => {
                    let Some(change) = change else { return };
                    self.take(change);
                    // What has come with it is applied with it.
                    while let Some(Some(change)) = self.watches.next().now_or_never() {
                        self.take(change);
                    }
                }
            }
            self.publish();
            self.reply();
        }
        self.zk.close().await;
    }

    fn obey(&mut self, command: FollowCommand) {
        let steps = match command {
            FollowCommand::Describe(topics, reply) => {
                let steps = self.cluster.follow(topics.as_ref());
                self.waiting.push((topics, reply));
                steps
            }
            FollowCommand::Retain(topics) => {
                let waiting = self.waiting.iter().map(|(topics, _)| topics);
                let all =
                    waiting.fold(topics, |all, more| Some(all?.into_iter().chain(more.clone()?).collect()));
                self.cluster.retain(all.as_ref())
            }
        };
        self.set(steps);
    }

    fn take(&mut self, change: ZnodeChange) {
        let report = match change {
            ZnodeChange::Children { path, children, .. } => ZnodeReport::Children { path, children },
            ZnodeChange::Data { path, data, .. } => {
                ZnodeReport::Data { path, data: data.map(|(data, stat)| (data, stat.version)) }
            }
            ZnodeChange::Session(_) => return,
        };
        let steps = self.cluster.apply(report);
        self.set(steps);
    }

    fn set(&mut self, steps: Vec<WatchStep>) {
        for step in steps {
            match step {
                WatchStep::Children(path) => self.watches.watch_children(&path),
                WatchStep::Data(path) => self.watches.watch_data(&path),
                WatchStep::Unwatch(path) => self.watches.unwatch(&path),
            }
        }
    }

    /// Publishes what has changed since the last time.
    fn publish(&mut self) {
        let Some(changed) = self.cluster.take_changed() else { return };
        self.apply(&changed, AnswerScope::NamedTopics);
    }

    fn apply(&self, described: &MetadataResponse, scope: AnswerScope) {
        let mut metadata = self.metadata.write();
        metadata.apply(described, RELIABLE_EPOCHS_FROM, scope);
        self.published.send_replace(metadata.snapshot().clone());
    }

    fn reply(&mut self) {
        let (ready, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(topics, _)| self.cluster.is_known(topics.as_ref()));
        self.waiting = waiting;
        for (topics, reply) in ready {
            let described = self.cluster.describe(topics.as_ref());
            let scope = if topics.is_none() { AnswerScope::AllTopics } else { AnswerScope::NamedTopics };
            self.apply(&described, scope);
            let _ = reply.send(described); // A caller that is gone needs no reply.
        }
        self.waiting.retain(|(_, reply)| !reply.is_closed());
    }
}
