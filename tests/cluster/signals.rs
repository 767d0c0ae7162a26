//! What signals do to a broker, and to a tool whose reader has gone.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Broker, Chroot, Connection, Process, tool};

const LIMIT: Duration = Duration::from_secs(60);
const STARTED: &str = "started (kafka.server.KafkaServer)";

#[test]
fn each_signal_stops_a_broker_in_order() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[]);
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        broker.restart();
        broker.process().signal(signal);
        assert_eq!(broker.process_mut().wait(LIMIT).code(), Some(code), "SIG{signal}");
        let line = format!("Terminating process due to signal SIG{signal} (org.apache.kafka.common.utils");
        broker.process().wait_for_line(&line, LIMIT);
        broker.process().wait_for_line("shut down completed (kafka.server.KafkaServer)", LIMIT);
    }
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let chroot = Chroot::new();
    let broker = Broker::prepare(1, &chroot.connect(), &[]);
    let mut command = Command::new("bash");
    // As nohup and a script's background do it.
    command.args([
        "-c",
        "trap '' HUP INT; exec \"$@\"",
        "bash",
        env!("CARGO_BIN_EXE_barnabas"),
        "server-start",
    ]);
    let mut process = Process::start("the broker", command.arg(broker.write_settings()));
    process.wait_for_line(STARTED, LIMIT);
    process.signal("HUP");
    process.signal("INT");
    process.signal("QUIT");
    process.wait_for_line("Threads:", LIMIT);
    assert!(Connection::to(broker.port).unwrap().has_leader("t").is_some(), "the broker still serves");
    process.signal("TERM");
    assert_eq!(process.wait(LIMIT).code(), Some(143));
    assert!(process.lines().iter().all(|line| !line.contains("SIGHUP") && !line.contains("SIGINT")));
}

#[test]
fn a_broker_prints_its_state_on_sigquit_and_goes_on() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    crate::support::eventually("the topic has a leader", LIMIT, || connection.has_leader("t")?.then_some(()));
    for round in 1..=2 {
        let before = broker.process().lines().len();
        broker.process().signal("QUIT");
        let wait = |text: &str| broker.process().wait_for_line_after(before, text, LIMIT);
        wait("Broker 1 of cluster ");
        assert_eq!(wait("  Controller: "), "  Controller: this broker, in epoch 1", "round {round}");
        assert!(wait("  ZooKeeper: ").starts_with("  ZooKeeper: connected, session 0x"));
        assert_eq!(wait("  Partitions: "), "  Partitions: 1, 1 led, 0 followed, 0 offline");
        assert!(wait("  Waiting requests: ").contains("0 Produce, 0 Fetch"));
        // The test's connection, and the controller's to its own broker.
        assert_eq!(wait("  Connections: "), "  Connections: 2");
        wait("  \"data\" ");
    }
    assert!(connection.has_leader("t").is_some());
}

#[test]
fn a_signal_ends_a_broker_that_waits_for_zookeeper() {
    let broker = Broker::prepare(1, &format!("127.0.0.1:{}", crate::support::free_port()), &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    let mut process = Process::start("the broker", command.arg("server-start").arg(broker.write_settings()));
    process.wait_for_line("Connecting to zookeeper on", LIMIT);
    process.signal("QUIT");
    process.wait_for_line("The broker is starting.", LIMIT);
    process.signal("TERM");
    assert_eq!(process.wait(LIMIT).code(), Some(143));
}

/// Runs a tool whose standard output, or both of its streams, have no reader.
fn unread(arguments: &[&str], both: bool) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    command.args(arguments).stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).process_group(0);
    command.stderr(if both { Stdio::from(writer) } else { Stdio::piped() });
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Writes a record to the topic t by a producer whose prompts have no reader.
fn write_a_record(servers: &str) {
    let (reader, prompts) = std::io::pipe().unwrap();
    drop(reader);
    let mut producer = Command::new(env!("CARGO_BIN_EXE_barnabas"));
    producer.args(["console-producer", "--bootstrap-server", servers, "--topic", "t"]).stdout(prompts);
    let mut producer = producer.stdin(Stdio::piped()).spawn().unwrap();
    producer.stdin.take().unwrap().write_all(b"a record\n").unwrap();
    assert_eq!(producer.wait().unwrap().code(), Some(0));
}

#[test]
fn a_tool_whose_output_has_no_reader_ends_quietly() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let (servers, connect) = (broker.bootstrap(), chroot.connect());
    let create = ["--zookeeper", &connect, "--create", "--topic", "t", "--partitions", "1"];
    assert!(tool("topics", &[&create[..], &["--replication-factor", "1"]].concat()).status.success());
    let quiet = (Some(0), String::new());
    assert_eq!(unread(&["broker-api-versions", "--bootstrap-server", &servers], false), quiet);
    assert_eq!(unread(&["topics", "--zookeeper", &connect, "--list"], false), quiet);
    assert_eq!(unread(&["topics", "--bootstrap-server", &servers, "--describe"], false), quiet);
    assert_eq!(unread(&["--version"], false), quiet);
    let log = broker.data().join("t-0/00000000000000000000.log").display().to_string();
    assert_eq!(unread(&["dump-log", "--files", &log], false), quiet);
    write_a_record(&servers);
    let consume = ["console-consumer", "--bootstrap-server", &servers, "--topic", "t", "--from-beginning"];
    let line = "Unable to write to standard out, closing consumer.\nProcessed a total of 1 messages\n";
    assert_eq!(unread(&consume, false), (Some(0), line.to_owned()), "as Kafka's consumer prints");
    // The usage goes to standard error, and its exit code stays.
    assert_eq!(unread(&["topics", "--help"], true), (Some(1), String::new()));
}
