//! The scripts that start brokers for others: `cluster.sh`, and the entrypoint of the Docker image.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{free_port, root, script};

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A cluster of `cluster.sh`; ended when dropped.
struct Scripted(tempfile::TempDir);

impl Scripted {
    /// Runs a command of `cluster.sh` on it, which has to succeed; what it says.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        said(&output)
    }

    /// Runs a command of `cluster.sh` on it, which has to fail; what it says.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
        said(&output)
    }

    fn output(&self, arguments: &[&str]) -> Output {
        script("cluster.sh", &[arguments, &["--data", self.0.path().to_str().unwrap()]].concat())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.output(&["down"]);
    }
}

/// The first of two ports in a row that nobody listens on.
fn two_free_ports() -> u16 {
    let mut last = free_port();
    loop {
        let next = free_port();
        if next == last + 1 {
            return last;
        }
        last = next;
    }
}

#[test]
fn a_cluster_is_started_broken_mended_and_ended_by_its_script() {
    let cluster = Scripted(tempfile::tempdir().unwrap());
    assert!(cluster.refused(&["status"]).starts_with("There is no cluster in "));
    let (port, zookeeper) = (two_free_ports().to_string(), free_port().to_string());
    let up = ["up", "2", "--port", &port, "--zookeeper-port", &zookeeper];
    assert!(cluster.run(&up).contains(&format!("The cluster is at localhost:{port},localhost:")));
    assert!(cluster.refused(&up).contains("is up already"));
    assert!(cluster.run(&["status"]).ends_with("\nUnder-replicated partitions: none\n"));

    assert!(cluster.run(&["kill", "1"]).starts_with("Killed broker-1 (process "));
    assert_eq!(cluster.refused(&["stop", "1"]), "broker-1 does not run.\n");
    assert!(cluster.refused(&["start", "3"]).starts_with("There is no 3 in this cluster"));
    // As long as ZooKeeper holds the last session, it is tried again.
    assert!(cluster.run(&["start", "1"]).contains("Broker 1 listens on port "));

    cluster.run(&["kill", "zookeeper-1"]);
    let status = cluster.refused(&["status"]);
    assert!(status.contains("zookeeper-1: does not run\nbroker-1: runs on port "), "{status}");
    assert!(status.contains("ZooKeeper does not serve"), "{status}");
    let down = cluster.run(&["down"]);
    assert!(down.contains("Stopped broker-1 ") && down.contains("Stopped broker-2 "), "{down}");
    assert!(cluster.run(&["down"]).starts_with("Nothing of the cluster in "));
}

/// A folder with a `barnabas` in it that prints its arguments, each in a line.
fn printing_barnabas() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("barnabas");
    std::fs::write(&binary, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
    std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// What the image's entrypoint prints where these folders lead the PATH and this is its environment.
fn enter(folders: &[&Path], environment: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut path: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    path.extend(["/usr/bin".to_owned(), "/bin".to_owned()]);
    let output = Command::new(root().join("docker/entrypoint.sh"))
        .args(arguments)
        .env_clear()
        .env("PATH", path.join(":"))
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

#[test]
fn the_image_starts_a_broker_with_the_settings_of_its_environment() {
    let folder = printing_barnabas();
    let environment = [
        ("KAFKA_ZOOKEEPER_CONNECT", "a:2181,b:2181/chroot"),
        ("KAFKA_LISTENERS", "INTERNAL://:9092,EXTERNAL://:9094"),
        ("KAFKA_X__Y___Z", "$HOME 'and' \"such\"; *"),
        ("KAFKA_HEAP_OPTS", "-Xmx1G"),
        ("KAFKA_VERSION", "2.7.2"),
    ];
    let printed = enter(&[folder.path()], &environment, &["--override", "num.partitions=3"]);
    let lines: Vec<_> = printed.lines().collect();
    let (start, rest) = lines.split_at(4);
    let server = "/opt/barnabas/config/server.properties";
    assert_eq!(start, ["server-start", server, "--override", "log.dirs=/var/lib/barnabas/data"]);
    let (settings, last) = rest.split_at(rest.len() - 2);
    assert_eq!(last, ["--override", "num.partitions=3"], "what the command line says wins");
    let settings: BTreeSet<_> = settings.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let wanted = [
        "listeners=INTERNAL://:9092,EXTERNAL://:9094",
        "x_y-z=$HOME 'and' \"such\"; *",
        "zookeeper.connect=a:2181,b:2181/chroot",
    ];
    assert_eq!(settings, wanted.map(|setting| ("--override", setting)).into());
}

#[test]
fn the_image_runs_another_command_and_finds_the_binary_behind_its_script() {
    let folder = printing_barnabas();
    // A copy: this checkout's script takes this checkout's binary.
    let scripts = tempfile::tempdir().unwrap();
    for name in ["barnabas", "kafka-topics.sh"] {
        std::fs::copy(root().join("scripts").join(name), scripts.path().join(name)).unwrap();
    }
    let printed = enter(&[scripts.path(), folder.path()], &[], &["kafka-topics.sh", "--list"]);
    assert_eq!(printed, "topics\n--list\n");
}
