//! Consumers whose group lives in znodes, on real brokers: they join and leave, lose their sessions and their brokers,
//! and read every record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use barnabas::base::{Offset, TopicPartition};
use barnabas::client::by_znode::{
    FilterKind, OffsetStorage, TopicCount, TopicFilter, ZookeeperConsumer, ZookeeperConsumerSettings,
};
use barnabas::client::settings::{OffsetReset, ProducerSettings};
use barnabas::client::{ClientError, Producer, ProducerRecord};
use barnabas::zk::{ConnectOptions, CreateMode, ZooKeeper};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};

use crate::support::cluster::Brokers;
use crate::support::znodes::{assert_tree_is_valid, describe, read_tree};
use crate::support::{Chroot, Proxy, eventually, tool};

const SOON: Duration = Duration::from_secs(60);

/// The settings of a consumer that begins at the start, with a session that ends after four seconds.
fn settings(connect: &str) -> ZookeeperConsumerSettings {
    let mut settings = ZookeeperConsumerSettings::new(connect, "g");
    settings.zookeeper.session_timeout = Duration::from_secs(4);
    settings.zookeeper.connection_timeout = SOON;
    settings.fetch.cluster.zookeeper = Some(settings.zookeeper.clone());
    settings.fetch.offset_reset = OffsetReset::Earliest;
    settings.rebalance_backoff = Duration::from_millis(200);
    settings.rebalance_max_retries = 20;
    settings
}

fn topics_like(text: &str) -> TopicCount {
    TopicCount::by_filter(TopicFilter::new(FilterKind::Whitelist, text).unwrap())
}

/// What consumers have read, in its order.
type ReadRecords = Arc<Mutex<Vec<(TopicPartition, Offset, String)>>>;

/// A consumer that reads on in a task until it is closed.
struct Reader {
    id: String,
    assignment: watch::Receiver<BTreeSet<TopicPartition>>,
    stop: Arc<Notify>,
    task: tokio::task::JoinHandle<Result<(), ClientError>>,
}

impl Reader {
    fn start(runtime: &Runtime, settings: ZookeeperConsumerSettings, read: &ReadRecords) -> Self {
        let read = read.clone();
        let consumer = ZookeeperConsumer::new(settings, topics_like("t.*"));
        let mut consumer = runtime.block_on(consumer).unwrap();
        let (id, assignment) = (consumer.consumer_id().to_owned(), consumer.assignment());
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let task = runtime.spawn(async move {
            loop {
                tokio::select! {
                    record = consumer.next_record() => {
                        let record = record?;
                        let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                        read.lock().push((record.partition, record.offset, value));
                    }
                    () = stopped.notified() => return consumer.close(SOON).await,
                }
            }
        });
        Self { id, assignment, stop, task }
    }

    /// Waits until it reads so many partitions.
    fn await_partitions(&mut self, runtime: &Runtime, count: usize) {
        let waited = self.assignment.wait_for(|read| read.len() == count);
        let waited = runtime.block_on(async { tokio::time::timeout(SOON, waited).await.is_ok() });
        assert!(waited, "{} reads {:?}, not {count}", self.id, self.assignment.borrow());
    }

    fn close(self, runtime: &Runtime) {
        self.stop.notify_one();
        runtime.block_on(self.task).unwrap().unwrap();
    }
}

/// A cluster, and a producer of numbered records for the partitions of `t`.
struct Stage {
    runtime: Runtime,
    brokers: Brokers,
    producer: Producer,
    produced: i32,
    read: ReadRecords,
}

impl Stage {
    fn new(brokers: Brokers) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let producer = runtime.block_on(Producer::new(ProducerSettings::new(&brokers.bootstrap()))).unwrap();
        Self { runtime, brokers, producer, produced: 0, read: ReadRecords::default() }
    }

    /// Produces so many records to each partition.
    fn produce(&mut self, topic: &str, partitions: i32, count: i32) {
        self.runtime.block_on(async {
            let mut deliveries = Vec::new();
            for _ in 0..count {
                for partition in 0..partitions {
                    let record = ProducerRecord::new(topic, format!("record {}", self.produced));
                    deliveries.push(self.producer.send(record.partition(partition)).await.unwrap());
                    self.produced += 1;
                }
            }
            self.producer.flush().await;
            for delivery in deliveries {
                delivery.await.unwrap();
            }
        });
    }

    /// Waits until every record that was produced was read.
    fn await_all(&self) {
        eventually("all records are read", SOON, || {
            let read: BTreeSet<_> = self.read.lock().iter().map(|(.., value)| value.clone()).collect();
            (read.len() == usize::try_from(self.produced).unwrap()).then_some(())
        });
    }

    /// Fails the test if a record was read twice.
    fn assert_none_twice(&self) {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for (id, offset, value) in self.read.lock().iter() {
            *times.entry(format!("{id} {offset} {value}")).or_default() += 1;
        }
        times.retain(|_, times| *times > 1);
        assert!(times.is_empty(), "read more than once: {times:?}");
    }

    fn tree(&self) -> BTreeMap<String, crate::support::znodes::Znode> {
        let chroot = &self.brokers.chroot;
        let mut tree = self.runtime.block_on(read_tree(chroot.server(), chroot.path()));
        tree.retain(|path, _| path.starts_with("/consumers/"));
        tree
    }

    /// The znodes of the group, with short names of these consumers.
    fn znodes(&self, readers: &[&Reader]) -> String {
        let mut text = describe(&self.tree());
        for (reader, name) in readers.iter().zip(["ONE", "TWO"]) {
            text = text.replace(&reader.id, name);
        }
        text
    }

    fn session(&self) -> ZooKeeper {
        let options = ConnectOptions { make_chroot: false, ..ConnectOptions::default() };
        self.runtime.block_on(ZooKeeper::connect(&self.brokers.chroot.connect(), options)).unwrap()
    }
}

#[test]
fn a_group_in_znodes_reads_every_record_through_joins_leaves_and_failures() {
    let brokers = Brokers::start(2, &[("offsets.topic.num.partitions", "4")]);
    brokers.create("1:2,2:1,1:2", &[]);
    let connect = brokers.chroot.connect();
    let mut stage = Stage::new(brokers);
    stage.produce("t", 3, 10);

    let mut one = Reader::start(&stage.runtime, settings(&connect), &stage.read);
    one.await_partitions(&stage.runtime, 3);
    stage.await_all();
    let registration = r#"{"version":1,"subscription":{"t.*":1},"pattern":"white_list","timestamp":"TIME"}"#;
    let expected = format!(
        "/consumers/g v0\n/consumers/g/ids v0\n/consumers/g/ids/ONE v0 ephemeral {registration}\n\
         /consumers/g/owners v0\n/consumers/g/owners/t v0\n/consumers/g/owners/t/0 v0 ephemeral ONE-0\n\
         /consumers/g/owners/t/1 v0 ephemeral ONE-0\n/consumers/g/owners/t/2 v0 ephemeral ONE-0\n"
    );
    assert_eq!(stage.znodes(&[&one]), expected);

    // A second one joins: it goes on where the first one has stopped, and nothing is read twice.
    let two = Reader::start(&stage.runtime, settings(&connect), &stage.read);
    let (mut first, mut second) = if one.id < two.id { (one, two) } else { (two, one) };
    first.await_partitions(&stage.runtime, 2);
    second.await_partitions(&stage.runtime, 1);
    stage.produce("t", 3, 10);
    stage.await_all();
    stage.assert_none_twice();
    let znodes = stage.znodes(&[&first, &second]);
    let owners: Vec<_> =
        znodes.lines().filter(|line| line.contains("ephemeral") && line.contains("/t/")).collect();
    let expected = ["0 v0 ephemeral ONE-0", "1 v0 ephemeral ONE-0", "2 v0 ephemeral TWO-0"];
    assert_eq!(owners, expected.map(|it| format!("/consumers/g/owners/t/{it}")));

    // Its topic grows, and another topic comes that the filter allows.
    assert!(
        tool("topics", &["--zookeeper", &connect, "--alter", "--topic", "t", "--partitions", "4"])
            .status
            .success()
    );
    stage.brokers.create_topic("t-too", "2:1", &[]);
    first.await_partitions(&stage.runtime, 3);
    second.await_partitions(&stage.runtime, 2);
    stage.produce("t", 4, 5);
    stage.produce("t-too", 1, 5);
    stage.await_all();

    // A broker dies, and its partitions have other leaders.
    stage.brokers.broker(1).kill();
    stage.produce("t", 4, 5);
    stage.await_all();
    stage.brokers.broker(1).restart();

    // One leaves, and the other one takes over at once.
    second.close(&stage.runtime);
    first.await_partitions(&stage.runtime, 5);
    stage.produce("t", 4, 5);
    stage.await_all();
    first.close(&stage.runtime);
    stage.assert_none_twice();
    let znodes = stage.znodes(&[]);
    let ends: Vec<_> = znodes.lines().filter(|line| line.starts_with("/consumers/g/offsets/t/")).collect();
    let data: Vec<_> = ends.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(data, ["35", "35", "35", "15"], "{znodes}");
    assert!(!znodes.contains("ephemeral"), "{znodes}");
    stage.runtime.block_on(assert_tree_is_valid(stage.brokers.chroot.server(), stage.brokers.chroot.path()));
}

#[test]
fn a_consumer_whose_session_ends_reads_nothing_until_it_has_joined_again() {
    let brokers = Brokers::start_in(Chroot::new(), 1, &[], |_, _| Vec::new());
    brokers.create("1,1", &[]);
    let chroot = &brokers.chroot;
    let (connect, proxy) = (chroot.connect(), Proxy::to(chroot.server()));
    let to = format!("{}{}", proxy.address(), chroot.path());
    let mut stage = Stage::new(brokers);
    let mut cut_off = Reader::start(&stage.runtime, settings(&to), &stage.read);
    let mut other = Reader::start(&stage.runtime, settings(&connect), &stage.read);
    cut_off.await_partitions(&stage.runtime, 1);
    other.await_partitions(&stage.runtime, 1);
    stage.produce("t", 2, 5);
    stage.await_all();

    proxy.silence();
    other.await_partitions(&stage.runtime, 2);
    let before = stage.read.lock().len();
    stage.produce("t", 2, 5);
    stage.await_all();
    let read: Vec<_> = stage.read.lock()[before..].to_vec();
    // What the lost session had not committed is read again, in the order of its offsets; then each record once.
    let mut next: BTreeMap<TopicPartition, Offset> = BTreeMap::new();
    for (id, offset, _) in read {
        let expected = *next.get(&id).unwrap_or(&offset);
        assert_eq!(offset, expected, "{id} is read by one consumer at a time");
        next.insert(id, offset + 1);
    }
    proxy.mend();
    cut_off.await_partitions(&stage.runtime, 1);
    other.await_partitions(&stage.runtime, 1);
    let before = stage.read.lock().len();
    stage.produce("t", 2, 5);
    stage.await_all();
    assert_eq!(stage.read.lock().len() - before, 10, "both are back, and nothing is read twice");
    cut_off.close(&stage.runtime);
    other.close(&stage.runtime);
}

#[test]
fn owners_in_the_way_are_waited_for_and_offsets_are_kept_where_the_settings_say() {
    let brokers =
        Brokers::start_in(Chroot::new(), 1, &[("offsets.topic.num.partitions", "1")], |_, _| Vec::new());
    brokers.create("1,1", &[]);
    let connect = brokers.chroot.connect();
    let mut stage = Stage::new(brokers);
    stage.produce("t", 2, 3);

    // A partition with another owner: the first rebalance fails after its tries, and succeeds once the
    // owner is gone.
    let zk = stage.session();
    let owner = "/consumers/g/owners/t/1";
    stage.runtime.block_on(zk.create_recursive(owner, b"somebody-0", CreateMode::Persistent)).unwrap();
    let impatient = ZookeeperConsumerSettings { rebalance_max_retries: 2, ..settings(&connect) };
    let refused = stage.runtime.block_on(ZookeeperConsumer::new(impatient, topics_like("t")));
    let text = refused.err().unwrap().to_string();
    assert!(text.starts_with("g_") && text.ends_with(" can't rebalance after 2 retries"), "{text}");
    let waiting = stage.runtime.spawn(ZookeeperConsumer::new(
        ZookeeperConsumerSettings { rebalance_backoff: SOON, ..settings(&connect) },
        topics_like("t"),
    ));
    eventually("it owns the other partition", SOON, || {
        stage.runtime.block_on(zk.exists("/consumers/g/owners/t/0")).unwrap()
    });
    stage.runtime.block_on(zk.delete(owner, None)).unwrap();
    // Long before its backoff is over.
    let mut consumer = stage.runtime.block_on(waiting).unwrap().unwrap();
    assert_eq!(consumer.assignment().borrow().len(), 2);
    let committed = stage.runtime.block_on(async {
        for _ in 0..6 {
            consumer.next_record().await.unwrap();
        }
        consumer.commit().await.unwrap();
        let committed = zk.get("/consumers/g/offsets/t/0").await.unwrap().unwrap();
        consumer.close(SOON).await.unwrap();
        committed
    });
    assert_eq!(&committed.0[..], b"3");

    // In Kafka and in ZooKeeper; the higher offset counts.
    let both = ZookeeperConsumerSettings { offset_storage: OffsetStorage::Both, ..settings(&connect) };
    stage.produce("t", 2, 1);
    stage.runtime.block_on(async {
        let mut consumer = ZookeeperConsumer::new(both, topics_like("t")).await.unwrap();
        let mut offsets = Vec::new();
        for _ in 0..2 {
            offsets.push(consumer.next_record().await.unwrap().offset);
        }
        assert_eq!(offsets, [3, 3]);
        consumer.close(SOON).await.unwrap();
        zk.set("/consumers/g/offsets/t/0", b"1", None).await.unwrap();
    });
    stage.produce("t", 2, 1);
    stage.runtime.block_on(async {
        let kafka = ZookeeperConsumerSettings { offset_storage: OffsetStorage::Kafka, ..settings(&connect) };
        let mut consumer = ZookeeperConsumer::new(kafka, topics_like("t")).await.unwrap();
        for _ in 0..2 {
            assert_eq!(consumer.next_record().await.unwrap().offset, 4, "the znode has no say");
        }
        consumer.close(SOON).await.unwrap();
        assert_eq!(&zk.get("/consumers/g/offsets/t/0").await.unwrap().unwrap().0[..], b"1");
        zk.close().await;
    });
}
