//! Starts that fail: what they leave is what they found, and what they wait for they name.

use std::path::Path;
use std::time::Duration;

use barnabas::zk::{ConnectOptions, CreateMode, ZooKeeper};

use crate::support::{Broker, Chroot, free_port};

const SOON: Duration = Duration::from_secs(60);
const CLEAN: &str = ".kafka_cleanshutdown";

/// Starts a broker that is to fail; what it printed.
fn fail(broker: &mut Broker) -> Vec<String> {
    broker.launch();
    assert_eq!(broker.process_mut().wait(SOON).code(), Some(1));
    broker.process().lines()
}

fn identity(data: &Path) -> Vec<u8> {
    std::fs::read(data.join("meta.properties")).unwrap()
}

#[test]
fn a_start_that_fails_leaves_the_directories_as_they_were() {
    let chroot = Chroot::new();
    let mut stopped = Broker::start(1, &chroot.connect());
    stopped.stop();
    let (data, before) = (stopped.data(), identity(&stopped.data()));
    assert!(data.join(CLEAN).exists());

    // Its id is another's by now.
    let mut other = Broker::start(1, &chroot.connect());
    fail(&mut stopped);
    assert!(data.join(CLEAN).exists(), "the next start would recover every log");
    assert_eq!(identity(&data), before);
    other.stop();

    // Its port is taken.
    let taken = std::net::TcpListener::bind(("127.0.0.1", stopped.port)).unwrap();
    fail(&mut stopped);
    assert!(data.join(CLEAN).exists());
    drop(taken);

    // Something in its directory is none of its.
    std::fs::create_dir(data.join("stray")).unwrap();
    let lines = fail(&mut stopped);
    assert!(lines.iter().any(|line| line.contains("Found directory")), "{lines:?}");
    assert!(data.join(CLEAN).exists());
    std::fs::remove_dir(data.join("stray")).unwrap();

    stopped.restart();
    assert!(stopped.process().lines().iter().any(|line| line.contains("clean shutdown file was found")));
    assert!(!data.join(CLEAN).exists());
}

/// Starts a broker that is to refuse this connect string.
fn refuse(connect: &str, class: &str, reason: &str) {
    let lines = fail(&mut Broker::prepare(1, connect, &[]));
    assert!(lines.contains(&format!("{class}: {reason}")), "{connect}: {lines:?}");
}

#[test]
fn a_connect_string_that_cannot_be_read_ends_the_start_in_javas_words() {
    let chroot = Chroot::new();
    let illegal_argument = "java.lang.IllegalArgumentException";
    for (path, reason) in [
        ("/bad/", "Path must not end with / character"),
        ("//", "Path must not end with / character"),
        ("/a//b", "Invalid path string \"/a//b\" caused by empty node name specified @3"),
        ("/a/../b", "Invalid path string \"/a/../b\" caused by relative paths not allowed @4"),
    ] {
        refuse(&format!("{}{path}", chroot.server()), illegal_argument, reason);
    }
    refuse("localhost:port", "java.lang.NumberFormatException", "For input string: \"port\"");
    refuse("localhost:70000", illegal_argument, "port out of range:70000");
    refuse(",", illegal_argument, "A HostProvider may not be empty!");
}

#[test]
fn a_start_that_a_signal_interrupts_leaves_the_logs_as_cleanly_stopped_as_they_were() {
    let chroot = Chroot::new();
    let mut broker = Broker::start(1, &chroot.connect());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), ConnectOptions::default())).unwrap();
    let (registration, _) = runtime.block_on(zk.get("/brokers/ids/1")).unwrap().unwrap();
    broker.stop();
    assert!(broker.data().join(CLEAN).exists());

    // While its own registration is still there, a broker with its logs open waits.
    runtime.block_on(zk.create("/brokers/ids/1", &registration, CreateMode::Ephemeral)).unwrap();
    broker.launch();
    broker.process().wait_for_line("holds this broker's own endpoints", SOON);
    assert!(!broker.data().join(CLEAN).exists(), "it has no logs open yet");
    broker.process().signal("TERM");
    assert_eq!(broker.process_mut().wait(SOON).code(), Some(143));
    assert!(broker.data().join(CLEAN).exists(), "the next start would recover every log");

    runtime.block_on(zk.close());
    broker.restart();
    broker.process().wait_for_line("clean shutdown file was found", SOON);
}

#[test]
fn a_directory_without_an_identity_gets_none_from_a_start_that_fails() {
    let chroot = Chroot::new();
    let _one = Broker::start(1, &chroot.connect());
    let mut other = Broker::prepare(1, &chroot.connect(), &[]);
    fail(&mut other);
    assert!(!other.data().join("meta.properties").exists());
}

#[test]
fn a_zookeeper_that_cannot_be_reached_or_is_unknown_is_named_while_it_is_waited_for() {
    let (nobody, silent) = (format!("127.0.0.1:{}", free_port()), "no-such-host.invalid:2181");
    let settings = [("zookeeper.connection.timeout.ms", "3000")];
    let mut broker = Broker::prepare(1, &format!("{nobody},{silent}/kafka"), &settings);
    let lines = fail(&mut broker);
    for server in [nobody.as_str(), silent] {
        let named =
            lines.iter().filter(|line| line.contains(&format!("for server {server}, unexpected error")));
        assert_eq!(named.count(), 1, "{server}: {lines:?}");
    }
}
