//! What a killed broker of Kafka 2.7.2 leaves is recovered by Kafka and here: the same files are left behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use barnabas::zk::{ConnectOptions, ZooKeeper};

use crate::data_dirs::java_broker;
use crate::java::kafka;
use crate::support::transactional::{Leaders, TransactionalProducer};
use crate::support::{Broker, Chroot, Connection, eventually, tool};

const SOON: Duration = Duration::from_secs(60);
const RECORDS: usize = 60;
/// Every file of a log but the leader epochs, to which each leader adds its own.
const COMPARED: [&str; 5] = [".log", ".index", ".timeindex", ".txnindex", ".snapshot"];
const LOGS: [&str; 3] = ["plain-0", "transactions-0", "torn-0"];

/// The only broker, which leads everything.
struct Only(u16);

impl Leaders for Only {
    fn leader_port(&self, _: &str) -> Option<u16> {
        Some(self.0)
    }
}

/// The content of each file that is compared, by its log and name.
fn files(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for log in LOGS {
        for entry in fs::read_dir(data.join(log)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if COMPARED.iter().any(|ending| name.ends_with(ending)) {
                found.insert(format!("{log}/{name}"), fs::read(data.join(log).join(&name)).unwrap());
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

/// Fills the logs: several segments, transactions of both ends among them, and one without an end.
fn fill(broker: &Broker) {
    for topic in LOGS.map(|log| log.trim_end_matches("-0")) {
        let (bootstrap, small) = (broker.bootstrap(), ["segment.bytes=2000", "index.interval.bytes=300"]);
        let create = ["--bootstrap-server", &bootstrap, "--create", "--topic", topic];
        let created = tool("topics", &[&create[..], &["--config", small[0], "--config", small[1]]].concat());
        assert!(created.status.success(), "{created:?}");
        eventually("the topic has a leader", SOON, || {
            Connection::to(broker.port)?.has_leader(topic)?.then_some(())
        });
    }
    let mut connection = Connection::to(broker.port).unwrap();
    for at in 0..RECORDS {
        for topic in ["plain", "torn"] {
            let value = format!("value {at} {}", "x".repeat(at % 7 * 20));
            assert!(connection.produce(topic, &value, 1).unwrap().is_ok());
        }
    }
    // Makes the coordinator's topic.
    let coordinator = FindCoordinatorRequest { key: "id-0".to_owned(), key_type: 1 };
    eventually("there is a coordinator", SOON, || {
        (Connection::to(broker.port)?.call(&coordinator, 2)?.error_code == 0).then_some(())
    });
    let only = Only(broker.port);
    let mut producers: Vec<_> =
        (0..3).map(|at| TransactionalProducer::new(&format!("id-{at}"), 600_000)).collect();
    for round in 0..RECORDS / 3 {
        for (at, producer) in producers.iter_mut().enumerate() {
            if producer.producer.0 < 0 {
                assert_eq!(producer.init(&only), ErrorCode::None);
            }
            // Those of the first producer are one after the other, those of the others overlap.
            if round % (at + 1) == 0 {
                assert_eq!(producer.add(&only, &["transactions"]), ErrorCode::None);
            }
            assert_eq!(producer.produce(&only, "transactions", &format!("{at} {round}")), ErrorCode::None);
            let is_last = round % (at + 1) == at;
            if is_last && round + 3 < RECORDS / 3 {
                assert_eq!(producer.end(&only, round % 2 == 0), ErrorCode::None);
            }
        }
    }
}

#[test]
fn after_a_kill_kafka_and_this_broker_leave_the_same_files() {
    let Some(kafka) = kafka("after_a_kill_kafka_and_this_broker_leave_the_same_files") else { return };
    let chroot = Chroot::new();
    let settings = [
        ("zookeeper.session.timeout.ms", "6000"),
        ("log.flush.offset.checkpoint.interval.ms", "300"),
        ("transaction.state.log.num.partitions", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("auto.create.topics.enable", "false"),
    ];
    let mut broker = Broker::prepare(1, &chroot.connect(), &settings);
    broker.write_settings();
    let mut java = java_broker(kafka, &broker);
    fill(&broker);
    java.kill();
    let (data, kafkas) = (broker.data(), broker.directory().join("recovered-by-kafka"));
    let last = |log: &str| {
        let names = files(&data).into_keys();
        let of_log = names.filter(|name| name.starts_with(log) && name.ends_with(".log"));
        data.join(of_log.max().unwrap())
    };
    let torn = fs::File::options().write(true).open(last("torn-0")).unwrap();
    torn.set_len(torn.metadata().unwrap().len().checked_sub(10).unwrap()).unwrap();
    let killed = broker.directory().join("killed");
    copy(&data, &killed);
    assert!(
        files(&killed).keys().filter(|name| name.ends_with(".log")).count() > 10,
        "several segments each"
    );

    // Kafka does not wait for the end of its last session.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), ConnectOptions::default())).unwrap();
    eventually("the session of the killed broker ends", SOON, || {
        runtime.block_on(zk.get("/brokers/ids/1")).unwrap().is_none().then_some(())
    });
    runtime.block_on(zk.close());
    let mut java = java_broker(kafka, &broker);
    for topic in LOGS.map(|log| log.trim_end_matches("-0")) {
        // It cannot be stopped in order before it has started.
        eventually("Kafka serves", SOON, || Connection::to(broker.port)?.has_leader(topic)?.then_some(()));
    }
    java.signal("TERM");
    java.wait(SOON);
    assert!(data.join(".kafka_cleanshutdown").exists(), "{:?}", java.lines());
    fs::rename(&data, &kafkas).unwrap();
    fs::rename(&killed, &data).unwrap();
    broker.restart();
    broker.stop();
    let (kafkas, own) = (files(&kafkas), files(&data));
    assert_eq!(own.keys().collect::<Vec<_>>(), kafkas.keys().collect::<Vec<_>>());
    for (name, bytes) in &kafkas {
        assert!(own[name] == *bytes, "{name}: {:?}, Kafka's {bytes:?}", own[name]);
    }
}
