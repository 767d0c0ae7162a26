//! What a client knows of a real cluster: from its brokers, and from its znodes.

use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::metadata::{CoordinatorKind, FollowedTopics, Target};
use barnabas::client::settings::ConsumerSettings;
use barnabas::client::{Cluster, ClusterOptions, ClusterSnapshot};
use barnabas::config::Properties;
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::list_offsets::*;

use crate::support::cluster::Brokers;
use crate::support::tool;

const SOON: Duration = Duration::from_secs(30);

/// A client with these settings, which are read as a program's are.
async fn client(settings: &[(&str, &str)]) -> Cluster {
    let mut properties = Properties::default();
    for (key, value) in [("metadata.max.age.ms", "500"), ("retry.backoff.ms", "20")].iter().chain(settings) {
        properties.set(*key, *value);
    }
    let options: ClusterOptions = ConsumerSettings::read(&properties).unwrap().cluster;
    let cluster = Cluster::new(options).await.unwrap();
    cluster.follow(FollowedTopics::Only(["t".into()].into()));
    cluster
}

/// Waits until the client knows what is asked for.
async fn wait_for(cluster: &Cluster, what: &str, known: impl Fn(&ClusterSnapshot) -> bool) {
    let mut snapshots = cluster.snapshots();
    snapshots.mark_changed();
    let waited = tokio::time::timeout(SOON, snapshots.wait_for(|snapshot| known(snapshot))).await;
    assert!(waited.is_ok(), "not soon: {what}: {:?}", cluster.snapshot());
}

/// The end of `t-0`, as its leader has it.
async fn end_offset(cluster: &Cluster) -> i64 {
    let partition = ListOffsetPartition { timestamp: -1, ..Default::default() };
    let topic = ListOffsetTopic { name: "t".to_owned(), partitions: vec![partition] };
    let request = ListOffsetRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
    let target = Target::Leader(TopicPartition::new("t", 0));
    let check = |answer: &ListOffsetResponse| {
        barnabas::client::ClientError::check(answer.topics[0].partitions[0].error_code, None)
    };
    cluster.call_until(&target, &request, check).await.unwrap().topics[0].partitions[0].offset
}

#[test]
fn clients_of_brokers_and_of_znodes_follow_partitions_leaders_and_deletions() {
    let mut brokers = Brokers::start(3, &[("offsets.topic.replication.factor", "1")]);
    let connect = brokers.chroot.connect();
    brokers.create("1:2", &[]);
    brokers.produce(1, 0..3);
    let bootstrap = brokers.all.values().map(|broker| broker.bootstrap()).collect::<Vec<_>>().join(",");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clients = runtime.block_on(async {
        let no_creation = ("allow.auto.create.topics", "false");
        [
            client(&[("bootstrap.servers", &bootstrap), no_creation]).await,
            client(&[("zookeeper.connect", &connect), no_creation]).await,
        ]
    });
    runtime.block_on(async {
        for cluster in &clients {
            wait_for(cluster, "the topic", |known| known.partition("t", 0).is_some()).await;
            assert_eq!(end_offset(cluster).await, 3);
            let group = Target::Coordinator(CoordinatorKind::Group, "g".into());
            cluster.call(&group, &HeartbeatRequest::default()).await.unwrap();
        }
        let [asked, watched] = clients.each_ref().map(Cluster::snapshot);
        assert!(asked.cluster_id.is_some() && asked.controller.is_some());
        assert_eq!((&asked.cluster_id, asked.controller), (&watched.cluster_id, watched.controller));
        assert_eq!((&asked.brokers, &asked.topics["t"]), (&watched.brokers, &watched.topics["t"]));
    });

    let more = ["--zookeeper", &connect, "--alter", "--topic", "t", "--partitions", "3"];
    assert!(tool("topics", &more).status.success());
    runtime.block_on(async {
        for cluster in &clients {
            let complete = |known: &ClusterSnapshot| {
                let partitions = known.partitions_of("t").unwrap_or_default();
                partitions.len() == 3 && partitions.iter().all(|it| it.leader.is_some())
            };
            wait_for(cluster, "three partitions with leaders", complete).await;
        }
    });

    brokers.broker(1).kill();
    runtime.block_on(async {
        for cluster in &clients {
            wait_for(cluster, "broker 2 leads", |known| {
                let partition = known.partition("t", 0);
                partition.is_some_and(|it| it.leader == Some(2) && *it.offline_replicas == [1])
            })
            .await;
            assert_eq!(end_offset(cluster).await, 3);
            wait_for(cluster, "two brokers", |known| known.brokers.keys().eq(&[2, 3])).await;
        }
    });

    brokers.broker(1).restart();
    let delete = ["--zookeeper", &connect, "--delete", "--topic", "t"];
    assert!(tool("topics", &delete).status.success());
    runtime.block_on(async {
        for cluster in &clients {
            wait_for(cluster, "the topic is gone", |known| !known.topics.contains_key("t")).await;
            assert!(cluster.known_leader(&TopicPartition::new("t", 0)).is_none());
        }
    });
}
