//! The scripts that start brokers for others: `cluster.sh`, `quickstart.sh`, `kafka-server-start.sh -daemon`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::{Broker, Chroot, Process, eventually, free_port, root, script, tool};

pub fn output_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A cluster of `cluster.sh`; ended when dropped.
struct Scripted(tempfile::TempDir);

impl Scripted {
    /// Runs a command of `cluster.sh`, which has to succeed; returns its output.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", output_of(&output));
        output_of(&output)
    }

    /// Runs a command of `cluster.sh`, which has to fail; returns its output.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", output_of(&output));
        output_of(&output)
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

/// The first of two consecutive ports on which nothing listens.
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

#[test]
fn every_script_prints_its_usage_and_does_nothing_else() {
    let mut scripts: Vec<_> =
        std::fs::read_dir(root().join("scripts")).unwrap().map(|it| it.unwrap()).collect();
    scripts.retain(|script| !script.file_name().to_string_lossy().ends_with(".bash"));
    assert!(scripts.len() > 15, "{scripts:?}");
    for script in scripts {
        let name = script.file_name().into_string().unwrap();
        let text = std::fs::read_to_string(script.path()).unwrap();
        // What has no word for it would do what it is for.
        assert!(text.contains("--help") || text.contains("/barnabas\" ") || name == "barnabas", "{name}");
        let output = crate::support::script(&name, &["--help"]);
        let help = output_of(&output);
        assert!(help.lines().count() > 1 && matches!(output.status.code(), Some(0 | 1)), "{name}: {help}");
        if name.ends_with("-stop.sh") {
            assert!(help.contains("Stops ALL") && help.contains("of this user"), "{name}: {help}");
        }
    }
}

#[test]
fn a_broker_in_the_background_adds_to_its_files() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[]);
    let properties = broker.write_settings();
    let logs = broker.directory().join("my logs");
    std::fs::create_dir(&logs).unwrap();
    std::fs::write(logs.join("kafkaServer.out"), "of before\n").unwrap();
    let started = Command::new(root().join("scripts/kafka-server-start.sh"))
        .arg("-daemon")
        .arg(&properties)
        .args(["--override", "num.partitions=7"])
        .env("BARNABAS_BIN", env!("CARGO_BIN_EXE_barnabas"))
        .env("LOG_DIR", &logs)
        .status();
    assert!(started.unwrap().success());
    let text = |name: &str| std::fs::read_to_string(logs.join(name)).unwrap_or_default();
    eventually("the broker answers", Duration::from_secs(60), || {
        tool("ready", &[&broker.bootstrap()]).status.success().then_some(())
    });
    // Of its group only this process has the folder in its environment.
    let pid = process_of(&properties);
    assert!(text("kafkaServer.out").starts_with("of before\n"));
    for file in ["kafkaServer.out", "server.log"] {
        eventually("the start is logged", Duration::from_secs(10), || {
            text(file).contains("started (kafka.server.KafkaServer)").then_some(())
        });
        assert!(text(file).contains("\tnum.partitions = 7\n"), "{file}");
    }
    signal(pid, "HUP");
    signal(pid, "INT");
    signal(pid, "QUIT");
    eventually("the report is printed", Duration::from_secs(10), || {
        text("kafkaServer.out").contains("Threads:").then_some(())
    });
    assert!(tool("ready", &[&broker.bootstrap()]).status.success(), "neither signal ended it");
    signal(pid, "TERM");
    eventually("the broker ends", Duration::from_secs(60), || {
        (!Path::new(&format!("/proc/{pid}/cmdline")).exists() || running(pid).is_empty()).then_some(())
    });
    broker.kill();
}

/// The arguments of a process; none where it has ended.
fn running(pid: u32) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

/// The broker with this properties file.
fn process_of(properties: &Path) -> u32 {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let wanted = properties.to_str().unwrap();
    let mut found =
        pids.filter(|pid| String::from_utf8_lossy(&running(*pid)).split('\0').any(|word| word == wanted));
    found.next().expect("the broker runs")
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

/// A checkout's scripts, settings and README, with the binary under test as its release build; whatever runs
/// in it is ended when it is dropped.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["scripts", "config"] {
            std::fs::create_dir(folder.path().join(part)).unwrap();
            for file in std::fs::read_dir(root().join(part)).unwrap().map(|file| file.unwrap()) {
                std::fs::copy(file.path(), folder.path().join(part).join(file.file_name())).unwrap();
            }
        }
        std::fs::copy(root().join("README.md"), folder.path().join("README.md")).unwrap();
        std::fs::create_dir_all(folder.path().join("target/release")).unwrap();
        let binary = folder.path().join("target/release/barnabas");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_barnabas"), binary).unwrap();
        Self(folder)
    }

    /// The quickstart, where there is no Rust.
    fn quickstart(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.0.path().join("scripts/quickstart.sh"));
        command.args(arguments).env("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin").process_group(0);
        command
    }

    /// The processes that work in it or were started from it.
    fn processes(&self) -> Vec<u32> {
        let folder = self.0.path().canonicalize().unwrap();
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            let works_here =
                std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&folder));
            works_here && !running(*pid).is_empty()
        })
        .collect()
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = self.quickstart(&["stop"]).output();
        for pid in self.processes() {
            let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status();
        }
    }
}

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn a_quickstart_that_is_interrupted_leaves_nothing_behind() {
    if Path::new("/usr/bin/cargo").exists() {
        println!("SKIPPED: the quickstart would build here");
        return;
    }
    let checkout = Checkout::new();
    let data = checkout.0.path().join("data").display().to_string();
    let ports = [free_port().to_string(), free_port().to_string()];
    let options = ["--zookeeper-port", &ports[0], "--port", &ports[1], "--data", &data];
    for step in ["== Start ZooKeeper", "== Start a broker", "== Create the topic"] {
        let mut quickstart = Process::start("the quickstart", &mut checkout.quickstart(&options));
        quickstart.wait_for_line(step, LIMIT);
        let another = checkout.quickstart(&options).output().unwrap();
        assert!(
            output_of(&another).starts_with("Another quickstart.sh is at work in logs/quickstart"),
            "{}",
            output_of(&another)
        );
        // As Ctrl-C does: to all of the terminal's processes.
        let group = format!("-{}", quickstart.id());
        assert!(Command::new("kill").args(["-s", "INT", "--", &group]).status().unwrap().success());
        assert_eq!(quickstart.wait(LIMIT).code(), Some(130), "{:?}", quickstart.lines());
        quickstart.wait_for_line("Interrupted: ending what this quickstart has started.", LIMIT);
        assert_eq!(checkout.processes(), Vec::<u32>::new(), "after {step}: {:?}", quickstart.lines());
    }
}

#[test]
fn a_quickstart_runs_without_rust_where_there_is_a_binary_and_knows_its_data() {
    if Path::new("/usr/bin/cargo").exists() {
        println!("SKIPPED: the quickstart would build here");
        return;
    }
    let checkout = Checkout::new();
    let data = checkout.0.path().join("data").display().to_string();
    let ports = [free_port().to_string(), free_port().to_string()];
    let ports = ["--zookeeper-port", &ports[0], "--port", &ports[1]];
    let here = [&ports[..], &["--data", &data]].concat();
    let run = |options: &[&str]| checkout.quickstart(options).output().unwrap();
    let first = run(&here);
    assert!(first.status.success(), "{}", output_of(&first));
    assert!(
        output_of(&first)
            .contains("Rust is missing, so that nothing is built: using target/release/barnabas as it is.")
    );
    let again = run(&here);
    assert!(
        again.status.success() && output_of(&again).contains("It runs already (process "),
        "{}",
        output_of(&again)
    );
    let elsewhere = run(&[&ports[..], &["--data", &format!("{data}2")]].concat());
    assert!(!elsewhere.status.success(), "{}", output_of(&elsewhere));
    assert!(
        output_of(&elsewhere).contains("It runs already, elsewhere: on port "),
        "{}",
        output_of(&elsewhere)
    );
    assert!(output_of(&run(&["stop"])).starts_with("Stopped broker (process "));
    assert_eq!(checkout.processes(), Vec::<u32>::new());
    let logs = checkout.0.path().join("logs/quickstart");
    let log = std::fs::read_to_string(logs.join("server.log")).unwrap();
    assert!(log.contains("started (kafka.server.KafkaServer)"));
}
