//! What a broker does about its disks: damaged files, a full one, a directory that cannot be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::zk::znode::log_dir_event;

use crate::support::cluster::Brokers;
use crate::support::{Broker, Chroot, Connection, Proxy, eventually};

const SOON: Duration = Duration::from_secs(30);

fn await_leader(port: u16, topic: &str) {
    eventually("the topic has a leader", SOON, || Connection::to(port)?.has_leader(topic)?.then_some(()));
}

/// Produces so many records; what they are.
fn fill(broker: &Broker, topic: &str, count: usize) -> Vec<String> {
    await_leader(broker.port, topic);
    let mut connection = Connection::to(broker.port).unwrap();
    let values: Vec<_> = (0..count).map(|at| format!("record {at}")).collect();
    for value in &values {
        connection.produce(topic, value, 1).unwrap().unwrap();
    }
    values
}

fn values(broker: &Broker, topic: &str) -> Vec<String> {
    await_leader(broker.port, topic);
    Connection::to(broker.port).unwrap().read_all(topic).into_iter().map(|(_, value)| value).collect()
}

/// The first file of a directory whose name ends so.
fn file(dir: &Path, end: &str) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().find(|path| path.to_string_lossy().ends_with(end)).unwrap_or_else(|| panic!("no {end}"))
}

/// Leaves the first half of a file.
fn truncate(path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length / 2).unwrap();
}

fn garble(path: &Path) {
    fs::write(path, b"\x7f no such thing \xff\n\n").unwrap();
}

/// Every index and checkpoint, damaged in every way, after a crash and after a clean stop: nothing is lost.
#[test]
fn a_broker_opens_its_logs_whatever_became_of_indexes_and_checkpoints() {
    type Damage = (&'static str, fn(&Path));
    const DELETED: Damage = ("deleted", |path| fs::remove_file(path).unwrap());
    const CUT: Damage = ("cut", truncate);
    const GARBLED: Damage = ("garbled", garble);
    let chroot = Chroot::new();
    let settings = [("log.index.interval.bytes", "100"), ("zookeeper.session.timeout.ms", "1000")];
    let mut broker = Broker::start_with(1, &chroot.connect(), &settings);
    let expected = fill(&broker, "t", 100);
    let (data, log) = (broker.data(), broker.data().join("t-0"));
    for end in [".index", ".timeindex", "leader-epoch-checkpoint"] {
        for (how, damage) in [DELETED, CUT, GARBLED] {
            broker.kill();
            damage(&file(&log, end));
            broker.restart();
            assert_eq!(values(&broker, "t"), expected, "{end} {how}, after a crash");
        }
    }
    let checkpoints =
        ["recovery-point-offset-checkpoint", "replication-offset-checkpoint", ".kafka_cleanshutdown"];
    for end in checkpoints {
        for (how, damage) in [DELETED, CUT, GARBLED] {
            broker.stop();
            damage(&file(&data, end));
            broker.restart();
            assert_eq!(values(&broker, "t"), expected, "{end} {how}, after a clean stop");
        }
    }
}

/// Deleted records stay deleted: the checkpoint that alone has their offset is read whole, or the broker does
/// not start, as Kafka 2.7.2's does not.
#[test]
fn deleted_records_are_not_read_again_whatever_became_of_the_checkpoints() {
    let chroot = Chroot::new();
    let mut broker = Broker::start_with(1, &chroot.connect(), &[("zookeeper.session.timeout.ms", "1000")]);
    let expected = fill(&broker, "t", 10).split_off(5);
    let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset: 5 }];
    let topics = vec![DeleteRecordsTopic { name: "t".to_owned(), partitions }];
    let request = DeleteRecordsRequest { topics, timeout_ms: 10_000 };
    let answer = Connection::to(broker.port).unwrap().call(&request, 1).unwrap();
    assert_eq!(answer.topics[0].partitions[0].low_watermark, 5);
    broker.stop();
    let kept = |broker: &Broker| {
        await_leader(broker.port, "t");
        let found = Connection::to(broker.port).unwrap().read_from("t", 5);
        found.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    for name in ["recovery-point-offset-checkpoint", "replication-offset-checkpoint"] {
        garble(&broker.data().join(name));
        broker.restart();
        assert_eq!((kept(&broker), start(&broker, "t")), (expected.clone(), 5), "{name}");
        broker.stop();
    }
    garble(&file(&broker.data().join("t-0"), "leader-epoch-checkpoint"));
    broker.restart();
    assert_eq!(start(&broker, "t"), 5, "the leader epochs, from the batches");
    broker.stop();
    let path = broker.data().join("log-start-offset-checkpoint");
    let sound = fs::read(&path).unwrap();
    garble(&path);
    broker.launch();
    broker.process().wait_for_line("Error while reading checkpoint file", SOON);
    assert_eq!(broker.process_mut().wait(SOON).code(), Some(1));
    fs::write(&path, sound).unwrap();
    broker.restart();
    assert_eq!((kept(&broker), start(&broker, "t")), (expected, 5), "once it is mended");
}

/// The first offset that may be read.
fn start(broker: &Broker, topic: &str) -> i64 {
    const EARLIEST: i64 = -2;
    let partition = ListOffsetPartition { timestamp: EARLIEST, ..Default::default() };
    let topics = vec![ListOffsetTopic { name: topic.to_owned(), partitions: vec![partition] }];
    let request = ListOffsetRequest { replica_id: -1, isolation_level: 0, topics };
    eventually("the leader answers with its log start", SOON, || {
        let answer = Connection::to(broker.port)?.call(&request, 5)?;
        let partition = &answer.topics[0].partitions[0];
        (partition.error_code == 0).then_some(partition.offset)
    })
}

/// Two directories with a topic each: a broker whose files may not grow beyond 16 MiB.
#[test]
fn a_full_disk_takes_its_own_logs_offline_and_no_others() {
    let chroot = Chroot::new();
    let directories = tempfile::tempdir().unwrap();
    let dirs = ["a", "b"].map(|name| directories.path().join(name));
    let log_dirs = dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(",");
    let settings = [("log.dirs", log_dirs.as_str()), ("zookeeper.session.timeout.ms", "1000")];
    let mut broker = Broker::prepare(1, &chroot.connect(), &settings);
    broker.limit_files(Some(16 << 10));
    broker.restart();
    let small = fill(&broker, "small", 10);
    await_leader(broker.port, "large");

    let (large, error) = fill_up(&broker, "large");
    assert_eq!(error, ErrorCode::KafkaStorageError as i16);
    let mut connection = Connection::to(broker.port).unwrap();
    eventually("the partition has no leader any more", SOON, || {
        (!connection.has_leader("large")?).then_some(())
    });
    assert_eq!(connection.produce("small", "after", 1), Some(Ok(10)), "the other directory serves on");

    broker.stop();
    broker.limit_files(None);
    broker.restart();
    let small: Vec<_> = small.into_iter().chain(["after".to_owned()]).collect();
    assert_eq!(values(&broker, "small"), small);
    assert_eq!(values(&broker, "large"), large, "what was acknowledged before the disk was full");
    let mut connection = Connection::to(broker.port).unwrap();
    assert_eq!(connection.produce("large", "again", 1), Some(Ok(large.len() as i64)));
}

/// Produces until that fails; what was acknowledged, and the error.
fn fill_up(broker: &Broker, topic: &str) -> (Vec<String>, i16) {
    let mut connection = Connection::to(broker.port).unwrap();
    let mut acknowledged = Vec::new();
    loop {
        let value = format!("{} {}", acknowledged.len(), "x".repeat(500_000));
        match connection.produce(topic, &value, 1).unwrap() {
            Ok(_) => acknowledged.push(value),
            Err(error) => return (acknowledged, error),
        }
        assert!(acknowledged.len() < 100, "there is no end to this disk");
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_left_out_until_it_can() {
    let chroot = Chroot::new();
    let directories = tempfile::tempdir().unwrap();
    let dirs = ["a", "b"].map(|name| directories.path().join(name));
    let log_dirs = dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(",");
    let mut broker = Broker::start_with(1, &chroot.connect(), &[("log.dirs", &log_dirs)]);
    let topics = ["one", "two"].map(|topic| (topic, fill(&broker, topic, 5)));
    broker.stop();
    let is_in = |dir: &Path, topic: &str| dir.join(format!("{topic}-0")).exists();
    let aside = directories.path().join("aside");
    fs::rename(&dirs[0], &aside).unwrap();
    fs::write(&dirs[0], "no directory").unwrap();

    broker.restart();
    let mut connection = Connection::to(broker.port).unwrap();
    for (topic, expected) in &topics {
        if is_in(&dirs[1], topic) {
            assert_eq!(&values(&broker, topic), expected);
        } else {
            eventually("the other has no leader", SOON, || (!connection.has_leader(topic)?).then_some(()));
        }
    }
    broker.stop();
    fs::remove_file(&dirs[0]).unwrap();
    fs::rename(&aside, &dirs[0]).unwrap();
    broker.restart();
    for (topic, expected) in &topics {
        assert_eq!(&values(&broker, topic), expected, "{topic} after the repair");
    }
}

/// Broker 1 with two directories, and files that may not grow beyond 16 MiB; it reaches ZooKeeper through the proxy.
/// Broker 2 is the controller.
fn one_of_two_with_a_small_disk(directories: &Path, session_timeout: &str) -> (Brokers, Proxy) {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let log_dirs = ["a", "b"].map(|name| directories.join(name).display().to_string()).join(",");
    let connect = format!("{}{}", proxy.address(), chroot.path());
    let mut brokers = Brokers::start_in(chroot, 2, &[], |id, _| match id {
        1 => vec![
            ("log.dirs", log_dirs.clone()),
            ("zookeeper.connect", connect.clone()),
            ("zookeeper.session.timeout.ms", session_timeout.to_owned()),
        ],
        _ => Vec::new(),
    });
    brokers.broker(1).stop();
    brokers.broker(1).limit_files(Some(16 << 10));
    brokers.broker(1).restart();
    eventually("broker 2 is the controller", SOON, || (brokers.controller() == Some(2)).then_some(()));
    brokers.create_topic("u", "1:2", &[]);
    brokers.create("1:2", &[]);
    (brokers, proxy)
}

fn offline_replicas(brokers: &Brokers, topic: &str) -> Vec<i32> {
    let topics = Some(vec![MetadataRequestTopic { name: topic.to_owned() }]);
    let request = MetadataRequest { topics, ..Default::default() };
    let mut answer = brokers.connection(2).call(&request, 5).unwrap();
    answer.topics.remove(0).partitions.remove(0).offline_replicas
}

#[test]
fn a_failed_directorys_leaders_move_to_other_brokers_until_it_is_repaired() {
    let directories = tempfile::tempdir().unwrap();
    let (mut brokers, _proxy) = one_of_two_with_a_small_disk(directories.path(), "2000");
    let (_, error) = fill_up(&brokers.all[&1], "t");
    assert_eq!(error, ErrorCode::KafkaStorageError as i16);
    brokers.await_leader(2);
    brokers.await_isr(&[2]);
    eventually("the replica counts as offline", SOON, || {
        (offline_replicas(&brokers, "t") == [1]).then_some(())
    });
    assert_eq!((brokers.state_of("u").leader, offline_replicas(&brokers, "u")), (1, vec![]));
    let first = format!("{}0000000000", log_dir_event::sequential_path());
    eventually("the notification is gone", SOON, || brokers.look(&first).is_none().then_some(()));

    brokers.broker(1).stop();
    brokers.broker(1).limit_files(None);
    brokers.broker(1).restart();
    brokers.await_isr(&[1, 2]);
    eventually("no replica is offline", SOON, || offline_replicas(&brokers, "t").is_empty().then_some(()));
}

#[test]
fn the_controller_is_notified_of_a_failed_directory_once_zookeeper_is_back() {
    let directories = tempfile::tempdir().unwrap();
    let (brokers, proxy) = one_of_two_with_a_small_disk(directories.path(), "30000");
    proxy.cut();
    let (_, error) = fill_up(&brokers.all[&1], "t");
    assert_eq!(error, ErrorCode::KafkaStorageError as i16);
    assert_eq!(brokers.state().leader, 1, "the controller cannot know");
    proxy.mend();
    brokers.await_leader(2);
    assert_eq!(brokers.state_of("u").leader, 1);
}

#[test]
fn a_broker_whose_last_directory_fails_halts() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[("zookeeper.session.timeout.ms", "1000")]);
    broker.limit_files(Some(16 << 10));
    broker.restart();
    await_leader(broker.port, "t");
    let mut connection = Connection::to(broker.port).unwrap();
    let value = "x".repeat(500_000);
    let ended = (0..100).any(|_| !matches!(connection.produce("t", &value, 1), Some(Ok(_))));
    assert!(ended, "there is no end to this disk");
    let text = format!("Shutdown broker because all log dirs in {} have failed", broker.data().display());
    broker.process().wait_for_line(&text, SOON);
    assert_eq!(broker.process_mut().wait(SOON).code(), Some(1));
}
