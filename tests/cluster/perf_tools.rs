//! The tools that measure and verify: how they end, and what they have counted.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Broker, Chroot, Process, script, tool};

const SOON: Duration = Duration::from_secs(30);

fn create(broker: &Broker, topic: &str, partitions: &str) {
    let bootstrap = broker.bootstrap();
    let words = ["--bootstrap-server", &bootstrap, "--create", "--topic", topic, "--partitions", partitions];
    let made = script("kafka-topics.sh", &[&words[..], &["--replication-factor", "1"]].concat());
    assert!(made.status.success(), "{made:?}");
}

fn started(tool: &str, arguments: &[&str]) -> Process {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_barnabas"));
    Process::start(tool, command.arg(tool).args(arguments))
}

fn events(process: &Process) -> Vec<Value> {
    process.lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["name"] == name).collect()
}

#[test]
fn the_verifiable_tools_end_in_order_and_counts_are_shown() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    a_verifiable_producer_and_its_consumer_end_in_order(&broker);
    what_the_clients_have_counted_is_shown(&broker);
}

/// Both are ended by SIGTERM: what was sent is acknowledged, and what was read is committed, once.
fn a_verifiable_producer_and_its_consumer_end_in_order(broker: &Broker) {
    let bootstrap = broker.bootstrap();
    let to = ["--bootstrap-server", &bootstrap, "--topic", "verified"];
    create(broker, "verified", "3");
    let mut consumer = started("verifiable-consumer", &[&to[..], &["--group-id", "verifiers"]].concat());
    consumer.wait_for_line("partitions_assigned", SOON);
    let mut producer = started("verifiable-producer", &[&to[..], &["--throughput", "500"]].concat());
    producer.wait_for_line("\"value\":\"300\"", SOON);
    producer.signal("TERM");
    assert_eq!(producer.wait(SOON).code(), Some(143));
    let sent = events(&producer);
    let totals = named(&sent, "tool_data")[0];
    let acked = named(&sent, "producer_send_success");
    assert_eq!((&totals["sent"], &totals["acked"]), (&acked.len().into(), &acked.len().into()));
    let last = |partition: i64| {
        let offsets =
            acked.iter().filter(|it| it["partition"] == partition).map(|it| it["offset"].as_i64().unwrap());
        offsets.max()
    };
    let (partition, offset) = (0..3).find_map(|at| last(at).map(|offset| (at, offset))).unwrap();
    let committed = format!("{{\"topic\":\"verified\",\"partition\":{partition},\"offset\":{}}}", offset + 1);
    consumer.wait_for_line(&committed, SOON);
    crate::support::eventually("all records are read", SOON, || {
        let read = events(&consumer);
        let counts =
            named(&read, "records_consumed").iter().map(|it| it["count"].as_u64().unwrap()).sum::<u64>();
        (counts == acked.len() as u64).then_some(())
    });
    consumer.signal("INT");
    assert_eq!(consumer.wait(SOON).code(), Some(130));
    let ended: Vec<_> = events(&consumer).iter().map(|event| event["name"].clone()).collect();
    assert!(ended.ends_with(&["partitions_revoked".into(), "shutdown_complete".into()]), "{ended:?}");
}

fn what_the_clients_have_counted_is_shown(broker: &Broker) {
    let bootstrap = format!("bootstrap.servers={}", broker.bootstrap());
    let words = ["--topic", "counted", "--num-records", "220", "--record-size", "10", "--throughput", "2000"];
    let sent = tool(
        "producer-perf-test",
        &[&words[..], &["--producer-props", &bootstrap, "--print-metrics"]].concat(),
    );
    let words = ["--bootstrap-server", &broker.bootstrap(), "--topic", "counted", "--messages", "220"];
    let read = tool("consumer-perf-test", &[&words[..], &["--print-metrics"]].concat());
    for (ended, name) in [
        (sent, "producer-metrics:record-send-total:{client-id=producer-1}"),
        (read, "consumer-fetch-manager-metrics:records-consumed-total:{client-id=consumer-perf-consumer-"),
    ] {
        let text = String::from_utf8(ended.stdout).unwrap();
        let is_there = |line: &str| line.starts_with(name) && line.ends_with(" : 220.000");
        assert!(text.lines().any(is_there), "{text}");
    }
}
