//! The console tools against a broker: lines in, records out.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::{Broker, Chroot, Process, tool};

/// Sends lines through the console producer.
fn produce(bootstrap: &str, topic: &str, lines: &str, more: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_barnabas"))
        .args(["console-producer", "--bootstrap-server", bootstrap, "--topic", topic])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What the console consumer prints of so many records from the beginning, sorted.
fn consume(bootstrap: &str, topic: &str, count: usize, more: &[&str]) -> Vec<String> {
    let count = count.to_string();
    let wanted = ["--bootstrap-server", bootstrap, "--topic", topic, "--from-beginning"];
    let bounds = ["--max-messages", &count, "--timeout-ms", "20000"];
    let output = tool("console-consumer", &[&wanted[..], &bounds, more].concat());
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains(&format!("Processed a total of {count} messages")), "{printed}");
    let mut lines: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn lines_come_back_as_records_in_every_codec() {
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let bootstrap = broker.bootstrap();
    let mut sent = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let lines: Vec<_> = (0..500).map(|number| format!("{codec} {number:03}")).collect();
        let output =
            produce(&bootstrap, "codecs", &(lines.join("\n") + "\n"), &["--compression-codec", codec]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, b">".repeat(501), "a prompt for each line and the end");
        sent.extend(lines);
    }
    sent.sort();
    assert_eq!(consume(&bootstrap, "codecs", 2500, &[]), sent);
}

#[test]
fn keys_decide_the_partition_and_are_printed_where_wanted() {
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let bootstrap = broker.bootstrap();
    let create = ["--create", "--topic", "keyed", "--partitions", "3", "--replication-factor", "1"];
    let made = tool("topics", &[&["--bootstrap-server", &bootstrap], &create[..]].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));

    let options = ["--property", "parse.key=true", "--property", "key.separator=:"];
    let output = produce(&bootstrap, "keyed", "foobar:1\nfoobar:2\nno key\n", &options);
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("KafkaException: No key found on line 3: no key"), "{printed}");

    let printed = ["print.key=true", "print.partition=true", "print.offset=true"];
    let options: Vec<_> = printed.iter().flat_map(|it| ["--property", *it]).collect();
    // Murmur 2 of "foobar" is -790332482, and its lower 31 bits modulo 3 are 0.
    assert_eq!(
        consume(&bootstrap, "keyed", 2, &options),
        ["Partition:0\tOffset:0\tfoobar\t1", "Partition:0\tOffset:1\tfoobar\t2"]
    );
}

#[test]
fn a_consumer_goes_on_where_it_was_when_the_broker_comes_back() {
    let chroot = Chroot::new();
    let mut broker = Broker::start(0, &chroot.connect());
    let bootstrap = broker.bootstrap();
    produce(&bootstrap, "lasting", "before\n", &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    command.args(["console-consumer", "--bootstrap-server", &bootstrap, "--topic", "lasting"]);
    command.args(["--from-beginning", "--max-messages", "2"]);
    let mut consumer = Process::start("console consumer", &mut command);
    consumer.wait_for_line("before", Duration::from_secs(30));
    broker.stop();
    broker.restart();
    let output = produce(&bootstrap, "lasting", "after\n", &["--message-send-max-retries", "100"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    consumer.wait_for_line("after", Duration::from_secs(60));
    assert_eq!(consumer.wait(Duration::from_secs(30)).code(), Some(0));
}

#[test]
fn a_producer_that_is_interrupted_sends_what_it_has_read() {
    let chroot = Chroot::new();
    let broker = Broker::start(0, &chroot.connect());
    let bootstrap = broker.bootstrap();
    produce(&bootstrap, "interrupted", "first\n", &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    command.args(["console-producer", "--bootstrap-server", &bootstrap, "--topic", "interrupted"]);
    command.args(["--timeout", "3600000"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"second\n").unwrap();
    // The second prompt shows that the line before it was read.
    let mut prompts = [0; 2];
    child.stdout.take().unwrap().read_exact(&mut prompts).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(consume(&bootstrap, "interrupted", 2, &[]), ["first", "second"]);
}
