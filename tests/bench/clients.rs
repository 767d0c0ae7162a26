//! The clients that load a broker: the same for every broker.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::java;
use crate::payloads::{events, letters};
use crate::workloads::{Client, Workload};

/// Produces a workload's records to a topic with acks=1, and waits for the last acknowledgement.
pub fn produce(kafka: &java::Kafka, port: u16, topic: &str, workload: &Workload, megabytes: u64) {
    match workload.client {
        Client::PerfTest => perf_test(kafka, port, topic, workload, megabytes),
        Client::Kcat => kcat(port, topic, workload, megabytes),
    }
}

fn perf_test(kafka: &java::Kafka, port: u16, topic: &str, workload: &Workload, megabytes: u64) {
    let (count, size) = (workload.count(megabytes).to_string(), workload.record_size.to_string());
    let properties = [
        format!("bootstrap.servers=127.0.0.1:{port}"),
        format!("batch.size={}", workload.batch_size),
        format!("compression.type={}", workload.compression),
        "linger.ms=5".to_owned(),
        "acks=1".to_owned(),
        "max.request.size=2000000".to_owned(),
    ];
    let payloads = tempfile::NamedTempFile::new().unwrap();
    let path = payloads.path().to_str().unwrap();
    let mut arguments = vec!["--topic", topic, "--num-records", &count];
    if workload.compression == "none" {
        arguments.extend(["--record-size", &size]);
    } else {
        std::fs::write(path, events(workload.record_size as usize).join("\n")).unwrap();
        arguments.extend(["--payload-file", path]);
    }
    arguments.extend(["--throughput", "-1", "--producer-props"]);
    arguments.extend(properties.iter().map(String::as_str));
    kafka.run("org.apache.kafka.tools.ProducerPerformance", &arguments).ok();
}

fn kcat(port: u16, topic: &str, workload: &Workload, megabytes: u64) {
    let bootstrap = format!("127.0.0.1:{port}");
    let batch = format!("batch.size={}", workload.batch_size);
    let settings =
        ["acks=1", "linger.ms=5", "batch.num.messages=1000000", "message.max.bytes=2000000", &batch];
    let mut command = Command::new("kcat");
    command.args(["-P", "-b", &bootstrap, "-t", topic, "-p", "0", "-z", workload.compression]);
    command.args(settings.iter().flat_map(|setting| ["-X", setting]));
    let mut process = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = std::io::BufWriter::with_capacity(1 << 20, process.stdin.take().unwrap());
    let lines = if workload.compression == "none" {
        letters(workload.record_size as usize)
    } else {
        events(workload.record_size as usize)
    };
    for line in lines.iter().cycle().take(workload.count(megabytes) as usize) {
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
    }
    drop(input.into_inner().unwrap());
    let status = process.wait().unwrap();
    assert!(status.success(), "kcat ended with {status}");
}

/// Reads a topic from its beginning to its end with kcat, from the page cache.
pub fn consume(port: u16, topic: &str) {
    let bootstrap = format!("127.0.0.1:{port}");
    let status = Command::new("kcat")
        .args(["-C", "-b", &bootstrap, "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "kcat ended with {status}");
}
