//! A member with Barnabas' own consumer. It lives in this process, on a runtime of its own, whose end is its death.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::consumer::{
    Consumer, ConsumerPartitionAssignor, ConsumerRebalanceListener, CooperativeStickyAssignor,
    ListenerFuture, RangeAssignor, RebalancingConsumer, RoundRobinAssignor, StickyAssignor,
};
use barnabas::client::settings::{ConsumerSettings, OffsetReset};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ledger::Ledger;

/// How long a member may take to leave.
const LEAVING: Duration = Duration::from_secs(30);

/// A member of several groups.
pub struct LocalMember {
    name: String,
    /// None once it has ended.
    runtime: Option<Runtime>,
    consumers: JoinSet<()>,
    leave: watch::Sender<bool>,
    ledger: Arc<Ledger>,
}

impl LocalMember {
    /// Joins these groups, each with the assignor of its name; static in the group `static`, whose assignor is range.
    pub fn start(name: &str, bootstrap: &str, topic: &str, groups: &[String], ledger: &Arc<Ledger>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (leave, leaving) = watch::channel(false);
        let mut consumers = JoinSet::new();
        for group in groups {
            let consuming = GroupConsumer {
                settings: settings(name, bootstrap, group),
                topic: topic.to_owned(),
                printer: Printer { name: name.to_owned(), group: group.clone(), ledger: ledger.clone() },
                leaving: leaving.clone(),
            };
            consumers.spawn_on(consuming.run(), runtime.handle());
        }
        Self { name: name.to_owned(), runtime: Some(runtime), consumers, leave, ledger: ledger.clone() }
    }

    /// Closes its consumers, and waits until they have left.
    pub fn leave(mut self) {
        self.leave.send(true).unwrap();
        let Some(runtime) = self.runtime.take() else { return };
        let all = async { while self.consumers.join_next().await.is_some() {} };
        runtime.block_on(async { tokio::time::timeout(LEAVING, all).await }).expect("it has left");
        runtime.shutdown_background();
    }

    /// Ends it as a crash would.
    pub fn kill(self) {}
}

impl Drop for LocalMember {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(LEAVING);
        }
        self.ledger.remove(&self.name);
    }
}

fn settings(name: &str, bootstrap: &str, group: &str) -> ConsumerSettings {
    let assignor: Arc<dyn ConsumerPartitionAssignor> = match group {
        "roundrobin" => Arc::new(RoundRobinAssignor),
        "sticky" => Arc::new(StickyAssignor),
        "cooperative-sticky" => Arc::new(CooperativeStickyAssignor),
        _ => Arc::new(RangeAssignor),
    };
    let mut settings = ConsumerSettings {
        assignors: vec![assignor],
        group_instance_id: (group == "static").then(|| name.to_owned()),
        session_timeout: Duration::from_secs(6),
        heartbeat_interval: Duration::from_millis(500),
        max_poll_interval: Duration::from_secs(8),
        enable_auto_commit: false,
        offset_reset: OffsetReset::Earliest,
        ..ConsumerSettings::in_group(bootstrap, group)
    };
    settings.cluster.client_id = name.to_owned();
    settings
}

/// A consumer in one group.
struct GroupConsumer {
    settings: ConsumerSettings,
    topic: String,
    printer: Printer,
    leaving: watch::Receiver<bool>,
}

impl GroupConsumer {
    async fn run(mut self) {
        let mut consumer = Consumer::new(self.settings).await.unwrap();
        consumer.subscribe_with([self.topic.as_str()], Arc::new(self.printer.clone())).unwrap();
        while !*self.leaving.borrow_and_update() {
            let records = match consumer.poll(Duration::from_millis(100)).await {
                Ok(records) => records,
                Err(error) => return self.printer.print(&format!("failed {error}")),
            };
            if records.is_empty() {
                continue;
            }
            for record in &records {
                self.printer.print(&format!("record {} {}", record.partition.partition, record.offset));
            }
            // What could not be committed is processed again by the next owner.
            let _ = consumer.commit_sync().await;
        }
        consumer.close(LEAVING).await.unwrap();
    }
}

/// Enters in the ledger what the consumers of other clients print.
#[derive(Clone)]
struct Printer {
    name: String,
    group: String,
    ledger: Arc<Ledger>,
}

impl Printer {
    fn print(&self, what: &str) {
        self.ledger.enter(&self.name, &format!("{} {what}", self.group));
    }
}

fn numbers(partitions: &BTreeSet<TopicPartition>) -> String {
    partitions.iter().map(|id| format!(" {}", id.partition)).collect()
}

impl ConsumerRebalanceListener for Printer {
    fn on_partitions_revoked(
        &self,
        _consumer: RebalancingConsumer,
        partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.print(&format!("revoked{}", numbers(&partitions)));
        Box::pin(std::future::ready(()))
    }

    fn on_partitions_assigned(
        &self,
        consumer: RebalancingConsumer,
        _partitions: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        let generation = consumer.group_metadata().map_or(-1, |group| group.generation_id);
        self.print(&format!("assigned {generation}{}", numbers(&consumer.assignment())));
        Box::pin(std::future::ready(()))
    }
}
