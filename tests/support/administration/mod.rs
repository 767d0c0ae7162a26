//! Every call of the admin client against a cluster that is new: what it answers, and what another call or a znode then
//! shows. The same acts are played on brokers of this project and on Kafka's own.

mod access;
mod configs;
mod groups;
mod offsets;
mod partitions;
mod topics;

use std::time::{Duration, Instant};

use barnabas::base::TopicPartition;
use barnabas::client::admin::{
    DescribeClusterOptions, DescribeTopicsOptions, ItemResults, NewTopic, TopicDescription,
};
use barnabas::client::cluster::ClusterOptions;
use barnabas::client::{Admin, ClientError, ClusterNode};
use barnabas::wire::error_code::ErrorCode;
use zookeeper_client::Client;

use super::{Chroot, Connection};

/// How long anything is waited for.
const SOON: Duration = Duration::from_secs(30);
/// A time that is over before an error that passes would have passed.
const BRIEF: Duration = Duration::from_millis(600);
/// How the admin client names itself.
const CLIENT_ID: &str = "administration";
/// A broker that does not exist.
const NO_BROKER: i32 = 99;

/// What these brokers know of ACLs, SCRAM credentials and delegation tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityApis {
    /// They have them: an authorizer that lets everything pass, and no connection that is authenticated.
    Present,
    /// They have no authorizer, and do not have the APIs of credentials and tokens.
    Absent,
}

/// A cluster under an admin client.
struct Stage {
    admin: Admin,
    brokers: Vec<i32>,
    zk: Client,
}

/// Plays all acts on the brokers of these ids. Each has two data directories.
pub fn play(bootstrap: &str, brokers: &[i32], chroot: &Chroot, security: SecurityApis) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let admin = Admin::new(ClusterOptions::new(bootstrap, CLIENT_ID)).await.unwrap();
        let zk = Client::connector().connect(&chroot.connect()).await.unwrap();
        let stage = Stage { admin, brokers: brokers.to_vec(), zk };
        stage.the_cluster_is_described().await;
        stage.topics().await;
        stage.partitions().await;
        stage.configs().await;
        stage.offsets().await;
        stage.groups().await;
        stage.access(security).await;
        let metrics = stage.admin.metrics();
        assert!(
            metrics.open_connections >= stage.brokers.len() as u64 && metrics.responses > 100,
            "{metrics:?}"
        );
    });
}

/// The code of a result; `None` for success.
fn code<V>(result: &Result<V, ClientError>) -> ErrorCode {
    match result {
        Ok(_) => ErrorCode::None,
        Err(ClientError::Refused { error, .. }) => *error,
        Err(other) => panic!("no answer's error: {other:?}"),
    }
}

/// The codes of several results, in the order of their items.
fn codes<K, V>(results: &ItemResults<K, V>) -> Vec<ErrorCode> {
    results.values().map(code).collect()
}

impl Stage {
    async fn the_cluster_is_described(&self) {
        let plain = self
            .eventually("all brokers are known", async || {
                let found = self.admin.describe_cluster(DescribeClusterOptions::default()).await.unwrap();
                let all = found.nodes.iter().map(|node| node.id).eq(self.brokers.iter().copied());
                (all && found.controller.is_some()).then_some(found)
            })
            .await;
        let here = |node: &ClusterNode| node.address.host == "127.0.0.1" && node.rack.is_none();
        assert!(plain.nodes.iter().all(here) && self.brokers.contains(&plain.controller.unwrap()));
        assert_eq!(plain.authorized_operations, None);
        let id = self.znode("/cluster/id").await.unwrap();
        assert!(id.contains(&plain.cluster_id.unwrap()), "{id}");
        let asked = DescribeClusterOptions::default().include_authorized_operations();
        let operations = self.admin.describe_cluster(asked).await.unwrap().authorized_operations.unwrap();
        assert_eq!(operations.len(), 7, "{operations:?}");
    }

    /// The text of a znode, if it exists.
    async fn znode(&self, path: &str) -> Option<String> {
        let (data, _) = self.zk.get_data(path).await.ok()?;
        Some(String::from_utf8(data).unwrap())
    }

    /// Creates a topic and waits until every partition has its leader.
    async fn create(&self, topic: NewTopic, name: &str) -> TopicDescription {
        self.admin.create_topics([topic], Default::default()).await.all().unwrap();
        self.described(name, |topic| topic.partitions.iter().all(|it| it.leader.is_some())).await
    }

    /// A topic's description, once it is as it is wanted.
    async fn described(&self, name: &str, wanted: impl Fn(&TopicDescription) -> bool) -> TopicDescription {
        self.eventually(name, async || {
            let topic =
                self.admin.describe_topics([name], DescribeTopicsOptions::default()).await.all().ok()?;
            topic.into_values().next().filter(|topic| wanted(topic))
        })
        .await
    }

    /// Asks until the answer is there.
    async fn eventually<T>(&self, what: &str, probe: impl AsyncFn() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            assert!(start.elapsed() < SOON, "not within {SOON:?}: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes a record into the first partition of a topic, through its leader.
    async fn produce(&self, topic: &str, value: &str) {
        let described = self.described(topic, |topic| topic.partitions[0].leader.is_some()).await;
        let cluster = self.admin.describe_cluster(DescribeClusterOptions::default()).await.unwrap();
        let leader = cluster.nodes.iter().find(|node| Some(node.id) == described.partitions[0].leader);
        let port = leader.unwrap().address.port;
        Connection::to(port).unwrap().produce(topic, value, -1).unwrap().unwrap();
    }
}

fn partition(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}
