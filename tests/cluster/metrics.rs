//! The metrics that a broker serves over HTTP.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};

use crate::dashboards::{ABSENT, DASHBOARDS};
use crate::support::{Broker, Chroot, Connection, eventually, free_port, tool};

const LIMIT: Duration = Duration::from_secs(60);

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The lines of a scrape with these parameters.
fn scrape(port: u16, query: &str) -> String {
    let answer = get(port, &format!("/metrics?{query}"));
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    body.to_owned()
}

/// Every figure by its name with its labels, under the names of the MBeans.
pub fn figures(port: u16) -> BTreeMap<String, f64> {
    figures_by(port, "rules=none")
}

fn figures_by(port: u16, query: &str) -> BTreeMap<String, f64> {
    let body = scrape(port, query);
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
        .filter(|(name, _)| name.contains("_Count{name=\"RequestsPerSec\",request=\"Produce\""))
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

/// The bytes of a batch of one record with a value of this length.
fn batch_of(value: &str) -> usize {
    let mut builder = BatchBuilder::new();
    builder.push(1_700_000_000_000, None, Some(value.as_bytes()), &[]);
    builder.build().unwrap().len()
}

/// The one answer to a fetch of a topic's first partition from its start.
fn fetch_all(client: &mut Connection, topic: &str) -> usize {
    let partition = FetchPartition { partition: 0, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = FetchTopic { topic: topic.to_owned(), partitions: vec![partition] };
    let request =
        FetchRequest { replica_id: -1, max_bytes: 1 << 20, topics: vec![topic], ..Default::default() };
    let request = FetchRequest { session_epoch: -1, ..request };
    let answer = client.call(&request, 11).unwrap();
    answer.responses[0].partition_responses[0].record_set.as_ref().map_or(0, |records| records.len())
}

#[test]
fn what_happens_is_counted_exactly_and_shown_on_dashboards() {
    let chroot = Chroot::new();
    let port = free_port();
    // A follower that is dead leaves the ISR by its leader, before ZooKeeper ends its session.
    let settings = [("zookeeper.session.timeout.ms", "12000"), ("replica.lag.time.max.ms", "1000")];
    let mut broker = Broker::prepare(1, &chroot.connect(), &settings);
    broker.set_environment("METRICS_LISTENER", &format!("127.0.0.1:{port}"));
    broker.restart();
    let mut other = Broker::start_with(2, &chroot.connect(), &settings);
    let create = |topic: &str, more: &[&str]| {
        let connect = chroot.connect();
        let first = ["--zookeeper", &connect, "--create", "--topic", topic, "--replica-assignment", "1:2"];
        let created = tool("topics", &[&first, more].concat());
        assert!(created.status.success(), "{created:?}");
    };
    create("counted", &[]);
    create("small", &["--config", "max.message.bytes=100"]);
    let value = |name: &str| figures_by(port, "").get(name).copied();
    let assert_metric = |name: &str, expected: f64| {
        eventually(&format!("{name} is {expected}, not {:?}", value(name)), LIMIT, || {
            (value(name) == Some(expected)).then_some(())
        });
    };
    assert_metric("kafka_server_replicamanager_leadercount", 2.0);
    assert_metric("kafka_controller_kafkacontroller_globalpartitioncount", 2.0);

    let mut client = Connection::to(broker.port).unwrap();
    for at in 0..5 {
        assert_eq!(client.produce("counted", "five times", -1), Some(Ok(at)));
    }
    let too_large = "x".repeat(200);
    assert_eq!(client.produce("small", &too_large, 1), Some(Err(10)));
    assert_eq!(client.produce("nowhere", "lost", 1), Some(Err(3)));
    let bytes = 5 * batch_of("five times");
    assert_eq!(fetch_all(&mut client, "counted"), bytes);

    let of_topics = |name: &str| format!("kafka_server_brokertopicmetrics_{name}_total");
    let of_topic = |name: &str, topic: &str| format!("{}{{topic=\"{topic}\"}}", of_topics(name));
    let (bytes, rejected) = (bytes as f64, batch_of(&too_large) as f64);
    let request = |name: &str, labels: &str| format!("kafka_network_requestmetrics_{name}{{{labels}}}");
    let error = |error: &str| request("errors_total", &format!("request=\"Produce\",error=\"{error}\""));
    let of_sockets = |name: &str| {
        format!("kafka_server_socket_server_metrics_{name}{{listener=\"PLAINTEXT\",networkProcessor=\"0\"}}")
    };
    for (name, at_least) in
        [("incoming_byte_total", bytes), ("outgoing_byte_total", bytes), ("request_total", 8.0)]
    {
        let name = of_sockets(name);
        assert!(value(&name).is_some_and(|value| value >= at_least), "{name}: {:?}", value(&name));
    }
    let named = ApiVersionsRequest {
        client_software_name: "counting-client".to_owned(),
        client_software_version: "1.0".to_owned(),
    };
    client.call(&named, 3).expect("an answer to ApiVersions");
    let of_software = figures_by(port, "").into_iter().find(|(name, _)| name.contains("\"counting-client\""));
    let (name, connections) = of_software.expect("the software of a client");
    assert!(name.starts_with("kafka_server_socket_server_metrics_connections_software{"), "{name}");
    assert_eq!(connections, 1.0);
    let counted = [
        (of_topic("messagesin", "counted"), 5.0),
        (of_topics("messagesin"), 5.0),
        (of_topic("bytesin", "counted"), bytes),
        (of_topic("bytesout", "counted"), bytes),
        (of_topics("bytesout"), bytes),
        (of_topics("replicationbytesout"), bytes),
        (of_topic("bytesrejected", "small"), rejected),
        (of_topics("bytesrejected"), rejected),
        (of_topic("totalproducerequests", "counted"), 5.0),
        (of_topic("totalproducerequests", "small"), 1.0),
        (of_topics("totalproducerequests"), 6.0),
        (of_topics("failedproducerequests"), 0.0),
        (request("requests_total", "request=\"Produce\",version=\"7\""), 7.0),
        (request("totaltimems_count", "request=\"Produce\""), 7.0),
        (request("requests_total", "request=\"FetchConsumer\",version=\"11\""), 1.0),
        (error("NONE"), 5.0),
        (error("MESSAGE_TOO_LARGE"), 1.0),
        (error("UNKNOWN_TOPIC_OR_PARTITION"), 1.0),
        ("kafka_server_replicamanager_isrshrinks_total".to_owned(), 0.0),
    ];
    for (name, expected) in counted {
        assert_metric(&name, expected);
    }

    other.kill();
    // A follower that has everything stays in the ISR.
    assert_eq!(client.produce("counted", "late", 1), Some(Ok(5)));
    assert_eq!(client.produce("small", "late", 1), Some(Ok(0)));
    assert_metric("kafka_server_replicamanager_isrshrinks_total", 2.0);
    other.restart();
    assert_metric("kafka_server_replicamanager_isrexpands_total", 2.0);
    assert_metric("kafka_server_replicamanager_underreplicatedpartitions", 0.0);

    let refused = get(port, "/metrics?rules=mine");
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("known are"), "{refused}");
    assert!(!scrape(port, "").contains("kafka_log_log_size"), "single partitions only when asked for");
    for dashboard in DASHBOARDS {
        let served = scrape(port, &format!("rules={}&partitions=true", dashboard.rules));
        let serves = |name: &str| served.lines().any(|line| line.split(['{', ' ']).next() == Some(name));
        for name in dashboard.names {
            let is_absent = ABSENT.iter().any(|(absent, _)| absent == name);
            assert_ne!(serves(name), is_absent, "{name} of {}", dashboard.title);
        }
    }

    let deleted = tool("topics", &["--zookeeper", &chroot.connect(), "--delete", "--topic", "counted"]);
    assert!(deleted.status.success(), "{deleted:?}");
    eventually("the series of a deleted topic are gone", LIMIT, || {
        (!scrape(port, "partitions=true").contains("topic=\"counted\"")).then_some(())
    });
    assert_metric(&of_topics("messagesin"), 7.0);
}
