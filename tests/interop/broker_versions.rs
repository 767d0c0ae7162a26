//! The library's clients on brokers of other times: 0.10.0, the first that can be asked for its versions, and 4.1,
//! which needs no ZooKeeper.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use barnabas::base::TopicPartition;
use barnabas::client::admin::{
    AlterConfigOp, ConfigResource, ConsumerGroupState, DescribeTopicsOptions, NewTopic, OffsetSpec,
};
use barnabas::client::settings::{AdminSettings, ConsumerSettings, OffsetReset, ProducerSettings};
use barnabas::client::{Admin, ClientError, Consumer, OffsetAndMetadata, Producer, ProducerRecord, Recovery};
use barnabas::wire::compression::Compression;
use barnabas::wire::error_code::ErrorCode;
use tokio::runtime::{Builder, Runtime};

use crate::java::{Kafka, older};
use crate::support::{Broker, Chroot, Connection, Process, eventually, free_port, tool};

const SOON: Duration = Duration::from_secs(60);
const TOPIC: &str = "t";
const PARTITIONS: i32 = 2;
/// Records of a codec in a partition.
const RECORDS: usize = 100;
const SETTINGS: [(&str, &str); 3] = [
    ("offsets.topic.num.partitions", "1"),
    ("transaction.state.log.num.partitions", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
];

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new(TOPIC, number)
}

/// Records in each of these codecs in every partition; their values.
async fn produce(bootstrap: &str, codecs: &[Compression]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for codec in codecs {
        let settings = ProducerSettings::new(bootstrap).compression(*codec).acks_all();
        let producer = Producer::new(settings.linger(Duration::from_millis(20))).await.unwrap();
        let mut deliveries = Vec::new();
        for (number, to) in (0..RECORDS * PARTITIONS as usize).zip((0..PARTITIONS).cycle()) {
            let value = format!("{} {number}", codec.name());
            let record = ProducerRecord::new(TOPIC, value.clone()).key("k").partition(to);
            deliveries.push(producer.send(record).await.unwrap());
            all.insert(value);
        }
        for delivery in deliveries {
            assert!(delivery.await.unwrap().offset.is_some());
        }
        producer.close(SOON).await;
    }
    all
}

/// A member of the group.
async fn member(bootstrap: &str) -> Consumer {
    let settings = ConsumerSettings {
        offset_reset: OffsetReset::Earliest,
        enable_auto_commit: false,
        heartbeat_interval: Duration::from_millis(200),
        session_timeout: Duration::from_secs(10),
        ..ConsumerSettings::in_group(bootstrap, "g")
    };
    let mut consumer = Consumer::new(settings).await.unwrap();
    consumer.subscribe([TOPIC]).unwrap();
    consumer
}

/// Polls these members until they share the partitions evenly; what they have read.
async fn await_shared(members: &mut [Consumer]) -> BTreeSet<String> {
    let (mut read, end) = (BTreeSet::new(), Instant::now() + SOON);
    let each = PARTITIONS as usize / members.len();
    loop {
        for member in members.iter_mut() {
            read.extend(poll(member).await);
        }
        if members.iter().all(|member| member.assignment().len() == each) {
            return read;
        }
        assert!(Instant::now() < end, "the partitions are not shared");
    }
}

async fn poll(member: &mut Consumer) -> Vec<String> {
    let records = member.poll(Duration::from_millis(100)).await.unwrap();
    let values = records.iter().map(|record| String::from_utf8(record.value.unwrap().to_vec()).unwrap());
    values.collect()
}

/// Reads on until nothing is left: a member that has left may have read what it has not committed.
async fn read_to_the_end(member: &mut Consumer) -> BTreeSet<String> {
    let (mut read, limit) = (BTreeSet::new(), Instant::now() + SOON);
    let ids: Vec<_> = (0..PARTITIONS).map(partition).collect();
    let ends = member.end_offsets(&ids).await.unwrap();
    for id in &ids {
        while member.position(id).await.unwrap() < ends[id] {
            assert!(Instant::now() < limit, "{} records were read", read.len());
            read.extend(poll(member).await);
        }
    }
    read
}

/// A group of one member, of two, and of one again reads everything and commits it.
async fn read_in_a_group(bootstrap: &str, wanted: &BTreeSet<String>) {
    let mut members = vec![member(bootstrap).await];
    let mut read = await_shared(&mut members).await;
    members.push(member(bootstrap).await);
    read.extend(await_shared(&mut members).await);
    members.remove(0).close(SOON).await.unwrap();
    read.extend(await_shared(&mut members).await);
    read.extend(read_to_the_end(&mut members[0]).await);
    assert_eq!(read, *wanted);
    members[0].commit_sync().await.unwrap();
    check_group(bootstrap, &mut members[0]).await;
    members.remove(0).close(SOON).await.unwrap();
}

/// What the group's coordinator and the leaders have of it, as its member and as an admin see it.
async fn check_group(bootstrap: &str, member: &mut Consumer) {
    let admin = Admin::new(AdminSettings::new(bootstrap)).await.unwrap();
    let ids: Vec<_> = (0..PARTITIONS).map(partition).collect();
    let committed = member.committed(&ids).await.unwrap();
    let ends = member.end_offsets(&ids).await.unwrap();
    let starts = member.beginning_offsets(&ids).await.unwrap();
    assert!(starts.values().all(|start| *start == 0), "{starts:?}");
    let specs = ids.iter().map(|id| (id.clone(), OffsetSpec::Latest));
    let listed = admin.list_offsets(specs, Default::default()).await.all().unwrap();
    let kept = admin.list_consumer_group_offsets("g", Some(ids.iter().cloned().collect())).await.unwrap();
    let kept = kept.all().unwrap();
    for id in &ids {
        let end = Some(ends[id]);
        assert_eq!(committed[id].as_ref().map(|it| it.offset), end, "{id}");
        assert_eq!(kept[id].as_ref().map(|it| it.offset), end, "{id}");
        assert_eq!(listed[id].offset, end, "{id}");
    }
    let groups = admin.list_consumer_groups(Default::default()).await.unwrap();
    assert!(groups.valid.contains_key("g"), "{groups:?}");
    let described = admin.describe_consumer_groups(["g"], Default::default()).await.all().unwrap();
    let described = &described["g"];
    assert_eq!((described.state, described.members.len()), (ConsumerGroupState::Stable, 1));
    assert_eq!(described.partition_assignor, "range");
}

/// What an admin sees of the topic and its cluster.
async fn check_topics(admin: &Admin) {
    let listed = admin.list_topics(Default::default()).await.unwrap();
    assert!(listed.contains_key(TOPIC), "{listed:?}");
    let described = admin.describe_topics([TOPIC, "missing"], DescribeTopicsOptions::default()).await;
    assert_eq!(described[TOPIC].as_ref().unwrap().partitions.len(), PARTITIONS as usize);
    let missing = described["missing"].as_ref().unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::UnknownTopicOrPartition), "{missing}");
    let listed = admin.list_topics(Default::default()).await.unwrap();
    assert!(!listed.contains_key("missing"), "describing a topic does not create it");
    let cluster = admin.describe_cluster(Default::default()).await.unwrap();
    assert_eq!(cluster.nodes.iter().map(|node| node.id).collect::<Vec<_>>(), [1]);
}

#[test]
fn clients_work_with_a_broker_of_0_10() {
    let Some(kafka) = older("clients_work_with_a_broker_of_0_10", "kafka_2.11", "0.10.0.1") else { return };
    let chroot = Chroot::new();
    let broker = Broker::prepare(1, &chroot.connect(), &SETTINGS);
    let properties = broker.write_settings().display().to_string();
    let _process = Process::start("Kafka 0.10.0.1", &mut kafka.silent_broker("256m", &properties));
    let zookeeper = chroot.connect();
    eventually("the broker answers", SOON, || Connection::to(broker.port));
    // This broker has no request to create a topic.
    let create = ["--zookeeper", &zookeeper, "--create", "--topic", TOPIC, "--replica-assignment", "1,1"];
    assert!(tool("topics", &create).status.success());
    let bootstrap = broker.bootstrap();
    runtime().block_on(async {
        let codecs = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4];
        let wanted = produce(&bootstrap, &codecs).await;
        read_in_a_group(&bootstrap, &wanted).await;
        check_topics(&Admin::new(AdminSettings::new(&bootstrap)).await.unwrap()).await;
        lacks_what_came_later(&bootstrap).await;
    });
}

fn is_unsupported<T>(outcome: Result<T, ClientError>) -> bool {
    matches!(outcome, Err(ClientError::Unsupported(_) | ClientError::UnsupportedField { .. }))
}

/// What the protocol of 0.10.0 does not have is an error at once.
async fn lacks_what_came_later(bootstrap: &str) {
    let admin = Admin::new(AdminSettings::new(bootstrap)).await.unwrap();
    let created = admin.create_topics([NewTopic::new("other", 1, 1)], Default::default()).await;
    assert!(is_unsupported(created.only()));
    let consumer = Consumer::new(ConsumerSettings::new(bootstrap)).await.unwrap();
    assert!(is_unsupported(consumer.offsets_for_times(&[(partition(0), 0)].into()).await));
    let producer = Producer::new(ProducerSettings::new(bootstrap).transactional("x")).await.unwrap();
    assert!(is_unsupported(producer.init_transactions().await));
    let producer = Producer::new(ProducerSettings::new(bootstrap)).await.unwrap();
    let record = ProducerRecord::new(TOPIC, "value").partition(0).header("name", "value");
    let delivered = producer.send(record).await.unwrap().await;
    assert!(delivered.is_err(), "messages of that time have no headers: {delivered:?}");
}

/// A broker that is its own controller, and the ports of both.
fn broker_without_zookeeper(kafka: &Kafka) -> (Broker, Process) {
    let controller = free_port();
    let listeners = format!("PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{controller}");
    let voters = format!("1@127.0.0.1:{controller}");
    let settings = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.quorum.voters", voters.as_str()),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
        ("listeners", listeners.as_str()),
        ("advertised.listeners", "PLAINTEXT://127.0.0.1:{port}"),
    ];
    let broker = Broker::prepare(1, "none", &[&settings[..], &SETTINGS].concat());
    let properties = broker.write_settings().display().to_string();
    let format = ["format", "--cluster-id", "barnabasbarnabasbarnaQ", "--config", &properties];
    kafka.run_alone("kafka.tools.StorageTool", &format).ok();
    let process = Process::start("Kafka 4.1", &mut kafka.silent_broker("384m", &properties));
    (broker, process)
}

#[test]
fn clients_work_with_a_broker_of_4_1() {
    let Some(kafka) = older("clients_work_with_a_broker_of_4_1", "kafka_2.13", "4.1.0") else { return };
    let (broker, _process) = broker_without_zookeeper(&kafka);
    let bootstrap = broker.bootstrap();
    runtime().block_on(async {
        let admin = Admin::new(AdminSettings::new(&bootstrap)).await.unwrap();
        let topic = || [NewTopic::new(TOPIC, PARTITIONS, 1).config("retention.ms", "3600000")];
        admin.create_topics(topic(), Default::default()).await.all().unwrap();
        let wanted = produce(&bootstrap, &Compression::ALL).await;
        read_in_a_group(&bootstrap, &wanted).await;
        check_topics(&admin).await;
        change_configs(&admin).await;
        transactions(&bootstrap).await;
        admin.delete_topics([TOPIC], Default::default()).await.all().unwrap();
    });
}

async fn change_configs(admin: &Admin) {
    let resource = ConfigResource::topic(TOPIC);
    let change = [(resource.clone(), vec![AlterConfigOp::set("retention.ms", "7200000")])];
    admin.incremental_alter_configs(change, Default::default()).await.all().unwrap();
    let config = admin.describe_configs([resource], Default::default()).await.only().unwrap();
    assert_eq!(config.value("retention.ms"), Some("7200000"));
    let before = admin.delete_records([(partition(0), Some(3))]).await.all().unwrap();
    assert_eq!(before[&partition(0)], 3);
}

/// Transactions with offsets: one that is committed, one that is aborted, and one whose producer is fenced.
async fn transactions(bootstrap: &str) {
    let id = partition(1);
    let mut settings =
        ConsumerSettings { read_committed: true, ..ConsumerSettings::in_group(bootstrap, "txn") };
    settings.enable_auto_commit = false;
    let mut reader = Consumer::new(settings).await.unwrap();
    reader.assign([id.clone()]).unwrap();
    reader.seek_to_end(&[]).unwrap();
    let start = reader.position(&id).await.unwrap();
    let made = || Producer::new(ProducerSettings::new(bootstrap).transactional("x"));
    let producer = made().await.unwrap();
    producer.init_transactions().await.unwrap();
    for (name, commits) in [("committed", true), ("aborted", false), ("last", true)] {
        producer.begin_transaction().unwrap();
        let record = ProducerRecord::new(TOPIC, name).partition(id.partition);
        producer.send(record).await.unwrap().await.unwrap();
        let offset = if commits { 7 } else { 70 };
        let offsets: BTreeMap<_, _> = [(id.clone(), OffsetAndMetadata::new(offset))].into();
        producer.send_offsets_to_transaction(offsets, reader.group_metadata().unwrap()).await.unwrap();
        match commits {
            true => producer.commit_transaction().await.unwrap(),
            false => producer.abort_transaction().await.unwrap(),
        }
    }
    let (mut read, end) = (Vec::new(), Instant::now() + SOON);
    while read.len() < 2 {
        assert!(Instant::now() < end, "{read:?}");
        read.extend(poll(&mut reader).await);
    }
    assert_eq!(read, ["committed", "last"]);
    let committed = reader.committed(std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(committed[&id].as_ref().map(|it| it.offset), Some(7));
    assert!(reader.position(&id).await.unwrap() > start + 2, "markers and what was aborted are passed over");
    producer.begin_transaction().unwrap();
    let open = ProducerRecord::new(TOPIC, "open").partition(id.partition);
    producer.send(open).await.unwrap().await.unwrap();
    made().await.unwrap().init_transactions().await.unwrap();
    let fenced = producer.commit_transaction().await.unwrap_err();
    assert_eq!(fenced.recovery(), Recovery::Fatal, "{fenced}");
}
