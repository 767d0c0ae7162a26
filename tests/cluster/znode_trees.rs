//! The life of one broker as ZooKeeper sees it: after every step the znodes are those that Kafka 2.7.2 left after it.

use std::time::Duration;

use crate::support::script;
use crate::support::znodes::{assert_tree_is_valid, describe, read_tree};
use crate::support::{Broker, Chroot, eventually, root};

/// Waits until the znodes are those recorded for this step.
fn assert_becomes(step: &str, chroot: &Chroot) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let file = root().join(format!("tests/formats/data/znodes/life/{step}.txt"));
    let expected = std::fs::read_to_string(file).unwrap();
    let mut last = String::new();
    let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually(step, Duration::from_secs(20), || {
            last = describe(&runtime.block_on(read_tree(chroot.server(), chroot.path())));
            (last == expected).then_some(())
        });
    }));
    if seen.is_err() {
        assert_eq!(last, expected, "{step}");
    }
    runtime.block_on(assert_tree_is_valid(chroot.server(), chroot.path()));
}

fn run(tool: &str, arguments: &[&str]) {
    let output = script(tool, arguments);
    assert!(output.status.success(), "{tool} {arguments:?}: {output:?}");
}

/// Takes one config of a topic back and sets another, as `kafka-configs` does through ZooKeeper.
fn change_config(zookeeper: &str, topic: &str, gone: &str, (key, value): (&str, &str)) {
    use barnabas::admin::configs;
    use barnabas::zk::znode::config_entity::EntityType;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let zk = barnabas::zk::ZooKeeper::connect(zookeeper, Default::default()).await.unwrap();
        let mut config = configs::fetch(&zk, EntityType::Topics, topic).await.unwrap();
        config.remove(gone);
        config.insert(key.to_owned(), value.to_owned());
        configs::change(&zk, EntityType::Topics, topic, &config).await.unwrap();
        zk.close().await;
    });
}

#[test]
fn a_broker_leaves_what_kafka_leaves_from_start_to_stop() {
    let chroot = Chroot::new();
    let zookeeper = chroot.connect();
    let mut broker = Broker::start(1, &zookeeper);
    let bootstrap = broker.bootstrap();
    assert_becomes("1-started", &chroot);
    let topics =
        |arguments: &[&str]| run("kafka-topics.sh", &[&["--zookeeper", &zookeeper], arguments].concat());
    let through_broker = |arguments: &[&str]| {
        run("kafka-topics.sh", &[&["--bootstrap-server", &bootstrap], arguments].concat())
    };

    let assignment = ["--partitions", "3", "--replication-factor", "1"];
    let configs = ["--config", "retention.ms=3600000", "--config", "cleanup.policy=compact"];
    topics(&[&["--create", "--topic", "t"], &assignment[..], &configs[..]].concat());
    assert_becomes("2-created", &chroot);
    topics(&["--alter", "--topic", "t", "--partitions", "12"]);
    assert_becomes("3-more-partitions", &chroot);
    through_broker(&["--create", "--topic", "plain"]);
    assert_becomes("4-created-by-broker", &chroot);
    change_config(&zookeeper, "t", "cleanup.policy", ("max.message.bytes", "70000"));
    assert_becomes("5-configs-changed", &chroot);
    topics(&["--delete", "--topic", "t"]);
    assert_becomes("6-deleted", &chroot);
    through_broker(&["--delete", "--topic", "plain"]);
    assert_becomes("7-deleted-by-broker", &chroot);
    broker.stop();
    assert_becomes("8-stopped", &chroot);
}
