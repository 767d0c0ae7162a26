//! The configs of topics' logs: in force from the first record, whatever happens to ZooKeeper's connection,
//! and not read by brokers without any log of the topic.

use std::time::Duration;

use barnabas::zk::znode::config_change;
use barnabas::zk::{ConnectOptions, CreateMode, ZooKeeper};

use crate::support::cluster::Brokers;
use crate::support::{Broker, Chroot, Connection, Proxy, eventually, tool};

const SOON: Duration = Duration::from_secs(30);
const MESSAGE_TOO_LARGE: i16 = 10;

fn connection(broker: &Broker) -> Connection {
    Connection::to(broker.port).unwrap()
}

fn large() -> String {
    "x".repeat(2000)
}

fn create(chroot: &Chroot, topic: &str, replicas: &str, configs: &[&str]) {
    let connect = chroot.connect();
    let mut arguments =
        vec!["--zookeeper", &connect, "--create", "--topic", topic, "--replica-assignment", replicas];
    configs.iter().for_each(|config| arguments.extend(["--config", config]));
    let created = tool("topics", &arguments);
    assert!(created.status.success(), "{created:?}");
}

#[test]
fn a_new_topics_configs_are_in_force_from_the_first_record_however_far_zookeeper_is() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let broker = Broker::start(1, &format!("{}{}", proxy.address(), chroot.path()));
    proxy.put_away(Duration::from_millis(400));
    create(&chroot, "t", "1", &["max.message.bytes=500"]);
    let mut connection = connection(&broker);
    eventually("the topic has a leader", SOON, || connection.has_leader("t")?.then_some(()));
    assert_eq!(connection.produce("t", &large(), 1), Some(Err(MESSAGE_TOO_LARGE)));
    connection.produce("t", "small", 1).unwrap().unwrap();
}

#[test]
fn a_topic_recreated_while_a_broker_was_cut_off_has_its_new_configs() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let far = format!("{}{}", proxy.address(), chroot.path());
    let brokers = Brokers::start_in(chroot, 2, &[("zookeeper.session.timeout.ms", "10000")], |id, _| {
        if id == 2 { vec![("zookeeper.connect", far.clone())] } else { Vec::new() }
    });
    brokers.create_topic("t", "2", &["max.message.bytes=500"]);
    let mut connection = brokers.connection(2);
    assert_eq!(connection.produce("t", &large(), 1), Some(Err(MESSAGE_TOO_LARGE)));
    // From here on broker 2 does not see what others write.
    proxy.silence();
    let connect = brokers.chroot.connect();
    let deleted = tool("topics", &["--zookeeper", &connect, "--delete", "--topic", "t"]);
    assert!(deleted.status.success(), "{deleted:?}");
    eventually("the topic is gone", SOON, || brokers.look("/brokers/topics/t").is_none().then_some(()));
    create(&brokers.chroot, "t", "2", &[]);
    eventually("the topic has a leader", SOON, || brokers.look("/brokers/topics/t/partitions/0/state"));
    proxy.mend();
    eventually("broker 2 leads", SOON, || connection.has_leader("t")?.then_some(()));
    eventually("broker 2 serves", SOON, || match connection.produce("t", &large(), 1)? {
        Ok(_) => Some(()),
        Err(error) => {
            assert_ne!(error, MESSAGE_TOO_LARGE, "the old topic's config is in force");
            None
        }
    });
}

#[test]
fn a_broker_without_a_log_of_a_topic_does_not_read_its_configs() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let through = format!("{}{}", proxy.address(), chroot.path());
    let brokers = Brokers::start_in(chroot, 2, &[], |id, _| {
        if id == 2 { vec![("zookeeper.connect", through.clone())] } else { Vec::new() }
    });
    // Whatever it asks at its start, it asks before this.
    brokers.create_topic("first", "2", &[]);
    let (topics, before) = (20, proxy.asked());
    for at in 0..topics {
        brokers.create_topic(&format!("t{at}"), "1", &["retention.ms=5000"]);
    }
    // Signs of life are all that it sends.
    let asked = proxy.asked() - before;
    assert!(asked < topics * 20, "{asked} bytes for {topics} topics of another broker");
}

async fn write(zk: &ZooKeeper, path: &str, data: &[u8], mode: CreateMode) {
    zk.create_recursive(path, data, mode).await.unwrap();
}

/// What an entity's znode holds that holds no configs.
const UNREADABLE: [&str; 5] =
    ["", "no JSON", "[1]", r#"{"version":1,"config":5}"#, r#"{"version":1,"config":{"retention.ms":5}}"#];

#[test]
fn configs_that_cannot_be_read_are_none_and_notices_behind_them_are_heeded() {
    let chroot = Chroot::new();
    let mut broker = Broker::start(1, &chroot.connect());
    let topics: Vec<_> = (0..UNREADABLE.len()).map(|at| format!("bad-{at}")).collect();
    for topic in topics.iter().map(String::as_str).chain(["good"]) {
        create(&chroot, topic, "1", &[]);
        eventually("it has a leader", SOON, || connection(&broker).has_leader(topic)?.then_some(()));
    }
    broker.stop();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), ConnectOptions::default())).unwrap();
    let notice = |entity: &str| String::from_utf8(config_change::encode(entity)).unwrap();
    runtime.block_on(async {
        for (topic, data) in topics.iter().zip(UNREADABLE) {
            zk.set(&format!("/config/topics/{topic}"), data.as_bytes(), None).await.unwrap();
        }
        for name in ["brokers/<default>", "brokers/1", "clients/c", "users/u"] {
            write(&zk, &format!("/config/{name}"), b"{", CreateMode::Persistent).await;
        }
        let odd = [
            "",
            "no JSON",
            "[]",
            "{}",
            r#"{"version":7}"#,
            r#"{"version":2}"#,
            r#"{"version":2,"entity_path":7}"#,
            r#"{"version":1,"entity_type":"brokers","entity_name":"1"}"#,
            r#"{"version":2,"entity_path":"none"}"#,
        ];
        let named = ["topics/bad-1", "topics/bad-1", "brokers/1", "clients/c", "users/u", "topics/gone"];
        let notices = odd.map(str::to_owned).into_iter().chain(named.map(notice));
        for data in notices {
            write(&zk, &config_change::sequential_path(), data.as_bytes(), CreateMode::PersistentSequential)
                .await;
        }
    });
    broker.restart();
    let logged = |text: &str| broker.process().lines().iter().filter(|line| line.contains(text)).count();
    for topic in &topics[1..] {
        assert_eq!(logged(&format!("/config/topics/{topic} is taken to hold no configs")), 1, "{topic}");
    }
    // A change written behind all of them, while the broker runs.
    let config = r#"{"version":7,"config":{"max.message.bytes":"500"}}"#;
    runtime.block_on(async {
        zk.set("/config/topics/good", config.as_bytes(), None).await.unwrap();
        let data = notice("topics/good");
        write(&zk, &config_change::sequential_path(), data.as_bytes(), CreateMode::PersistentSequential)
            .await;
    });
    let mut connection = connection(&broker);
    eventually("the change is in force", SOON, || {
        (connection.produce("good", &large(), 1)? == Err(MESSAGE_TOO_LARGE)).then_some(())
    });
    connection.produce("bad-1", &large(), 1).unwrap().unwrap();
    assert_eq!(logged("/config/brokers/1 is taken to hold no configs"), 1);
    runtime.block_on(zk.close());
}
