//! A compacted topic on a running broker, which is killed in between.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas::base::{Clock, Records};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use crate::metrics::figures;
use crate::support::{Broker, Chroot, Connection, eventually, free_port, tool};

const LIMIT: Duration = Duration::from_secs(60);
const KEYS: usize = 10;

/// Produces a batch; the error of the partition.
fn produce(connection: &mut Connection, records: &[(Option<String>, String)]) -> i16 {
    let mut builder = BatchBuilder::new();
    for (key, value) in records {
        let key = key.as_ref().map(String::as_bytes);
        builder.push(Clock::System.now(), key, Some(value.as_bytes()), &[]);
    }
    let records = Some(Records::Memory(builder.build().unwrap()));
    let partitions = vec![PartitionProduceData { partition_index: 0, records }];
    let topics = vec![TopicProduceData { name: "compacted".to_owned(), partitions }];
    let request = ProduceRequest { acks: -1, timeout_ms: 5000, topics, transactional_id: None };
    connection.call(&request, 7).unwrap().responses[0].partitions[0].error_code
}

/// A value contains its key: what is read is the latest of each.
fn latest(records: &[(i64, String)]) -> BTreeMap<String, String> {
    let pairs = records.iter().map(|(_, value)| value.split_once('=').unwrap());
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_compacted_topic_keeps_the_latest_value_of_each_key_whatever_becomes_of_its_broker() {
    let (chroot, port) = (Chroot::new(), free_port());
    let settings = [("log.cleaner.backoff.ms", "50"), ("log.segment.delete.delay.ms", "1000")];
    let mut broker = Broker::prepare(1, &chroot.connect(), &settings);
    broker.set_environment("METRICS_LISTENER", &format!("127.0.0.1:{port}"));
    broker.restart();
    let bootstrap = broker.bootstrap();
    let mut create: Vec<&str> = ["--bootstrap-server", &bootstrap, "--create", "--topic", "compacted"].into();
    for config in ["cleanup.policy=compact", "segment.bytes=2000", "min.cleanable.dirty.ratio=0.1"] {
        create.extend(["--config", config]);
    }
    assert!(tool("topics", &create).status.success());
    let connect = |broker: &Broker| {
        eventually("the topic has a leader", LIMIT, || {
            let mut connection = Connection::to(broker.port)?;
            connection.has_leader("compacted")?.then_some(connection)
        })
    };
    let mut connection = connect(&broker);
    assert_eq!(produce(&mut connection, &[(None, "no key".to_owned())]), ErrorCode::InvalidRecord.code());

    let (mut expected, mut written) = (BTreeMap::new(), 0);
    for round in 0..3 {
        for at in 0..300 {
            let (key, value) = (format!("key {}", (at * 7 + round) % KEYS), format!("{round}/{at}"));
            let error = produce(&mut connection, &[(Some(key.clone()), format!("{key}={value}"))]);
            assert_eq!(error, 0);
            expected.insert(key, value);
            written += 1;
        }
        let left = eventually("the topic is compacted", LIMIT, || {
            let records = connection.read_all("compacted");
            assert_eq!(latest(&records), expected);
            (records.len() < 100).then_some(records.len())
        });
        assert!(left < written);
        // A cleaning may be under way.
        broker.kill();
        broker.restart();
        connection = connect(&broker);
        assert_eq!(latest(&connection.read_all("compacted")), expected, "after kill -9");
    }
    let gauge = |name: &str| format!("kafka_log_LogCleanerManager_Value{{name=\"{name}\"}}");
    eventually("the cleaner is measured", LIMIT, || {
        let figures = figures(port);
        let is_there = |name: &str| figures.contains_key(&gauge(name));
        let dead = figures.get("kafka_log_LogCleaner_Value{name=\"DeadThreadCount\"}");
        (is_there("max-dirty-percent") && is_there("time-since-last-run-ms") && dead == Some(&0.0))
            .then_some(())
    });
}
