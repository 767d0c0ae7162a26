//! The metrics that a broker serves over HTTP.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};

use crate::support::{Broker, Chroot, Connection, eventually, free_port, tool};

const LIMIT: Duration = Duration::from_secs(20);

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Every figure by its name with its labels.
pub fn figures(port: u16) -> BTreeMap<String, f64> {
    let answer = get(port, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.rsplit_once(' '));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

fn replica_manager(name: &str) -> String {
    format!("kafka_server_ReplicaManager_Value{{name=\"{name}\"}}")
}

/// The name of a purgatory's figure.
pub fn waiting(name: &str, operation: &str) -> String {
    format!(
        "kafka_server_DelayedOperationPurgatory_Value{{name=\"{name}\",delayedOperation=\"{operation}\"}}"
    )
}

/// A fetch of the partition's end that waits for a record.
fn long_poll(max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition { partition: 0, partition_max_bytes: 1000, ..Default::default() };
    let topic = FetchTopic { topic: "watched".to_owned(), partitions: vec![partition] };
    FetchRequest {
        replica_id: -1,
        max_wait_ms,
        min_bytes: 1,
        max_bytes: 1000,
        topics: vec![topic],
        ..Default::default()
    }
}

#[test]
fn purgatories_and_replicas_have_jmx_exporters_names() {
    let chroot = Chroot::new();
    let port = free_port();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[]);
    broker.set_environment("METRICS_LISTENER", &format!("127.0.0.1:{port}"));
    broker.restart();
    let other = Broker::start(2, &chroot.connect());
    let created = tool(
        "topics",
        &["--zookeeper", &chroot.connect(), "--create", "--topic", "watched", "--replica-assignment", "1:2"],
    );
    assert!(created.status.success(), "{created:?}");
    let assert_metric = |name: &str, value: f64| {
        eventually(&format!("{name} is {value}"), LIMIT, || {
            (figures(port).get(name) == Some(&value)).then_some(())
        });
    };
    assert_metric(&replica_manager("LeaderCount"), 1.0);
    assert_metric(&replica_manager("UnderReplicatedPartitions"), 0.0);
    assert_metric("kafka_controller_KafkaController_Value{name=\"ActiveControllerCount\"}", 1.0);

    let mut client = Connection::to(broker.port).unwrap();
    assert_eq!(client.call(&long_poll(1), 11).unwrap().responses[0].partition_responses[0].error_code, 0);
    assert_metric(
        "kafka_server_DelayedFetchMetrics_Count{name=\"ExpiresPerSec\",fetcherType=\"consumer\"}",
        1.0,
    );

    // The follower's fetch waits already: this is the second.
    let poll = std::thread::spawn(move || client.call(&long_poll(60_000), 11).unwrap());
    assert_metric(&waiting("NumDelayedOperations", "Fetch"), 2.0);
    let mut producer = Connection::to(broker.port).unwrap();
    assert_eq!(producer.produce("watched", "at last", 1), Some(Ok(0)));
    assert_eq!(poll.join().unwrap().responses[0].partition_responses[0].error_code, 0);
    assert_metric(&waiting("NumDelayedOperations", "Fetch"), 1.0);

    // The producer's one request, and the fetches of the consumer and of the follower.
    let requests = |request: &str, version: &str| {
        format!(
            "kafka_network_RequestMetrics_Count{{name=\"RequestsPerSec\",request=\"{request}\",version=\"{version}\"}}"
        )
    };
    assert_metric(&requests("FetchConsumer", "11"), 2.0);
    let read = figures(port);
    let produced: Vec<_> = read
        .iter()
        .filter(|(name, _)| name.contains("name=\"RequestsPerSec\",request=\"Produce\""))
        .collect();
    assert!(matches!(produced[..], [(_, value)] if *value == 1.0), "{produced:?}");
    let time = |name: &str, request: &str| {
        read[&format!("kafka_network_RequestMetrics_Mean{{name=\"{name}\",request=\"{request}\"}}")]
    };
    for request in ["Produce", "FetchConsumer", "FetchFollower", "Fetch"] {
        let local = time("LocalTimeMs", request);
        assert!(0.0 < local && local <= time("TotalTimeMs", request), "{request}");
    }

    drop(other);
    assert_metric(&replica_manager("UnderReplicatedPartitions"), 1.0);
    assert!(get(port, "/").starts_with("HTTP/1.1 404"));
}
