use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::config::TopicConfig;
use crate::replica::machine::IsrOutcome;
use crate::replica::tests::{Room, batch, of_client, partition};

fn measured(room: &Room) -> BTreeMap<String, f64> {
    let name = |metric: &Metric| {
        let tags: String = metric.name.tags.iter().map(|(tag, value)| format!(",{tag}={value}")).collect();
        format!("{} {}{tags}", metric.name.kind, metric.name.name.unwrap_or_default())
    };
    let metrics = room.replicas.metrics().into_iter().chain(room.replicas.metrics_by_partition());
    metrics.map(|metric| (name(&metric), metric.number())).collect()
}

#[tokio::test]
async fn partitions_are_counted_by_their_outcome() {
    let topics = TopicConfig { min_insync_replicas: 2, ..TopicConfig::default() };
    let room = Room::with(&[], topics);
    room.become_replica(0, 1, 0, &[1, 2, 3]);
    room.become_replica(1, 1, 0, &[1, 2]);
    room.become_replica(2, 1, 0, &[1]);
    room.become_replica(3, 2, 0, &[1, 2, 3]);
    let measured = measured(&room);
    let counts = [
        ("PartitionCount", 4.0),
        ("LeaderCount", 3.0),
        ("UnderReplicatedPartitions", 1.0),
        ("UnderMinIsrPartitionCount", 1.0),
        ("AtMinIsrPartitionCount", 1.0),
        ("OfflineReplicaCount", 0.0),
        ("ReassigningPartitions", 0.0),
    ];
    for (name, count) in counts {
        assert_eq!(measured[&format!("ReplicaManager {name}")], count, "{name}");
    }
}

#[tokio::test]
async fn a_produce_waits_in_its_purgatory_and_expires() {
    let room = Room::new();
    room.become_replica(0, 1, 0, &[1, 2, 3]);
    let entries = vec![(partition(0), batch(&["a"]).into())];
    let pending = room.replicas.append_records(of_client(-1, Duration::from_millis(50)), entries).await;
    let waiting = tokio::spawn(pending.outcomes());
    tokio::task::yield_now().await;
    assert_eq!(
        measured(&room)["DelayedOperationPurgatory NumDelayedOperations,delayedOperation=Produce"],
        1.0
    );
    assert_eq!(measured(&room)["DelayedOperationPurgatory PurgatorySize,delayedOperation=Produce"], 1.0);
    waiting.await.unwrap();
    let measured = measured(&room);
    assert_eq!(measured["DelayedOperationPurgatory NumDelayedOperations,delayedOperation=Produce"], 0.0);
    assert_eq!(measured["DelayedProduceMetrics ExpiresPerSec"], 1.0);
    assert_eq!(measured["DelayedProduceMetrics ExpiresPerSec,topic=t,partition=0"], 1.0);
}

#[test]
fn isr_changes_are_counted_by_how_they_end() {
    let changes = IsrChanges::default();
    let [expand, shrink] = [true, false].map(|expands| IsrProposal {
        isr: vec![1, 2],
        expands,
        leader_epoch: 5,
        zk_version: 3,
        controller_epoch: 1,
    });
    changes.count(&expand, &IsrOutcome::Changed);
    changes.count(&expand, &IsrOutcome::Changed);
    changes.count(&shrink, &IsrOutcome::Changed);
    changes.count(&shrink, &IsrOutcome::Unchanged);
    changes.count(&shrink, &IsrOutcome::Stale);
    assert_eq!(changes.metrics().map(|metric| metric.number()), [2.0, 1.0, 1.0]);
}
