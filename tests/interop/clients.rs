//! Producers, consumers and inspection tools of Kafka 2.7.2, kcat (librdkafka) and a Python client.

use std::process::Command;

use crate::java::{feed, has_command, kafka, skipped};
use crate::support::{Broker, Chroot};

/// A broker with a topic `t` of one partition, made by Java's `kafka-topics --zookeeper`.
fn broker_with_topic(kafka: &crate::java::Kafka) -> (Chroot, Broker) {
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let connect = chroot.connect();
    let create = [
        "--zookeeper",
        &connect,
        "--create",
        "--topic",
        "t",
        "--partitions",
        "1",
        "--replication-factor",
        "1",
    ];
    kafka.run("kafka.admin.TopicCommand", &create).ok();
    (chroot, broker)
}

#[test]
fn console_tools_carry_lines() {
    let Some(kafka) = kafka("console_tools_carry_lines") else { return };
    let (_chroot, broker) = broker_with_topic(kafka);
    let bootstrap = broker.bootstrap();
    let input = "one\ntwo\nthree\n";
    kafka
        .run_with_input(
            "kafka.tools.ConsoleProducer",
            &["--bootstrap-server", &bootstrap, "--topic", "t"],
            input,
        )
        .ok();
    let consumed = kafka
        .run(
            "kafka.tools.ConsoleConsumer",
            &[
                "--bootstrap-server",
                &bootstrap,
                "--topic",
                "t",
                "--partition",
                "0",
                "--offset",
                "earliest",
                "--max-messages",
                "3",
            ],
        )
        .ok();
    assert_eq!(consumed.out, input);
}

#[test]
fn perf_test_produces_with_every_acks_and_idempotence() {
    let Some(kafka) = kafka("perf_test_produces_with_every_acks_and_idempotence") else { return };
    let (_chroot, broker) = broker_with_topic(kafka);
    let bootstrap = format!("bootstrap.servers={}", broker.bootstrap());
    let settings: [&[&str]; 5] = [
        &["acks=0"],
        &["acks=1"],
        &["acks=all"],
        &["acks=all", "enable.idempotence=true"],
        &["acks=all", "enable.idempotence=true", "compression.type=lz4"],
    ];
    for properties in settings {
        let arguments = [
            "--topic",
            "t",
            "--num-records",
            "2000",
            "--record-size",
            "100",
            "--throughput",
            "-1",
            "--producer-props",
            &bootstrap,
        ];
        let run = kafka
            .run("org.apache.kafka.tools.ProducerPerformance", &[&arguments[..], properties].concat())
            .ok();
        assert!(run.out.contains("2000 records sent"), "{properties:?}: {}", run.out);
    }
    let offsets = kafka
        .run(
            "kafka.tools.GetOffsetShell",
            &["--broker-list", &broker.bootstrap(), "--topic", "t", "--time", "-1"],
        )
        .ok();
    assert_eq!(offsets.out.trim(), "t:0:10000");
    let earliest = kafka
        .run(
            "kafka.tools.GetOffsetShell",
            &["--broker-list", &broker.bootstrap(), "--topic", "t", "--time", "-2"],
        )
        .ok();
    assert_eq!(earliest.out.trim(), "t:0:0");
}

#[test]
fn dump_log_finds_our_segments_sound() {
    let Some(kafka) = kafka("dump_log_finds_our_segments_sound") else { return };
    let (_chroot, mut broker) = broker_with_topic(kafka);
    let bootstrap = broker.bootstrap();
    let lines: String = (0..500).map(|at| format!("line {at}\n")).collect();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let arguments = ["--bootstrap-server", &bootstrap, "--topic", "t", "--compression-codec", codec];
        kafka.run_with_input("kafka.tools.ConsoleProducer", &arguments, &lines).ok();
    }
    broker.stop();
    let directory = broker.data().join("t-0");
    let segment =
        |ending: &str| directory.join(format!("00000000000000000000.{ending}")).display().to_string();
    let log = kafka
        .run(
            "kafka.tools.DumpLogSegments",
            &["--deep-iteration", "--print-data-log", "--files", &segment("log")],
        )
        .ok();
    assert_eq!(log.out.lines().filter(|line| line.contains("payload: line ")).count(), 2500);
    assert!(
        log.out
            .lines()
            .filter(|line| line.starts_with("baseOffset"))
            .all(|line| line.ends_with("isvalid: true")),
        "{}",
        log.out
    );
    for index in ["index", "timeindex"] {
        let found = kafka
            .run("kafka.tools.DumpLogSegments", &["--index-sanity-check", "--files", &segment(index)])
            .ok();
        assert!(found.out.contains("passed sanity check."), "{index}: {}", found.out);
    }
}

#[test]
fn broker_api_versions_shows_ranges_of_kafka_2_7() {
    let Some(kafka) = kafka("broker_api_versions_shows_ranges_of_kafka_2_7") else { return };
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let shown =
        kafka.run("kafka.admin.BrokerApiVersionsCommand", &["--bootstrap-server", &broker.bootstrap()]).ok();
    for row in [
        "Produce(0): 0 to 8 [usable: 8]",
        "Fetch(1): 0 to 12 [usable: 12]",
        "Metadata(3): 0 to 9 [usable: 9]",
    ] {
        assert!(shown.out.contains(row), "{row} is missing in\n{}", shown.out);
    }
}

#[test]
fn kcat_produces_and_consumes() {
    if !has_command("kcat") {
        return skipped("kcat_produces_and_consumes", "there is no kcat here");
    }
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let bootstrap = broker.bootstrap();
    let input: String = (0..1000).map(|at| format!("{at}:a value that can be compressed, {at}\n")).collect();
    let stored = |topic: &str| {
        let segment = broker.data().join(format!("{topic}-0/00000000000000000000.log"));
        std::fs::metadata(segment).unwrap().len()
    };
    let codecs =
        [("none", "plain"), ("gzip", "gzip"), ("snappy", "snappy"), ("lz4", "lz4"), ("zstd", "zstd")];
    for (codec, topic) in codecs {
        let arguments = [
            "-P",
            "-b",
            &bootstrap,
            "-t",
            topic,
            "-p",
            "0",
            "-K",
            ":",
            "-z",
            codec,
            "-X",
            "enable.idempotence=true",
        ];
        feed(Command::new("kcat").args(arguments), &input).ok();
        let consumed = feed(
            Command::new("kcat").args([
                "-C",
                "-b",
                &bootstrap,
                "-t",
                topic,
                "-p",
                "0",
                "-o",
                "beginning",
                "-e",
                "-q",
                "-K",
                ":",
            ]),
            "",
        )
        .ok();
        assert_eq!(consumed.out, input, "{codec}");
        let (size, plain) = (stored(topic), stored("plain"));
        assert!(codec == "none" || size * 2 < plain, "{codec}: {size} of {plain} bytes");
    }
}

#[test]
fn a_python_client_produces_and_consumes() {
    let test = "a_python_client_produces_and_consumes";
    if !Command::new("python3")
        .args(["-c", "import kafka"])
        .output()
        .is_ok_and(|found| found.status.success())
    {
        return skipped(test, "there is no python3 with the package kafka-python here");
    }
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let program = crate::support::root().join("tests/interop/client.py");
    let run = feed(Command::new("python3").arg(program).arg(broker.bootstrap()), "").ok();
    assert_eq!(run.out.trim(), "100 records came back");
}
