//! The brokers that are measured, and what they cost.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::java;
use crate::support::{self, Chroot, Connection, Process, free_port};
use crate::table::Kind;

/// A broker that runs alone in its own chroot, with Kafka's defaults; ends when dropped.
pub struct RunningBroker {
    /// Where it listens on loopback.
    pub port: u16,
    /// How long it took from its start to the first record that it accepted.
    pub started_in: Duration,
    process: Process,
    directory: TempDir,
    chroot: Chroot,
}

impl RunningBroker {
    /// Starts it and waits until it has accepted a record.
    pub fn start(kafka: &java::Kafka, kind: Kind) -> Self {
        Self::start_with(kafka, kind, &[])
    }

    /// As [`RunningBroker::start`], with these environment variables.
    pub fn start_with(kafka: &java::Kafka, kind: Kind, environment: &[(&str, &str)]) -> Self {
        let (chroot, port, directory) = (Chroot::new(), free_port(), tempfile::tempdir().unwrap());
        let properties = directory.path().join("server.properties");
        let text = format!(
            "broker.id=1\nlisteners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={}\nzookeeper.connect={}\n\
             offsets.topic.replication.factor=1\nnum.partitions=1\nmessage.max.bytes=2000000\n",
            directory.path().join("data").display(),
            chroot.connect()
        );
        std::fs::write(&properties, text).unwrap();
        let path = properties.display().to_string();
        let start = Instant::now();
        let mut command = match kind {
            Kind::Kafka => kafka.broker_command(&path),
            Kind::Barnabas => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
                command.args(["server-start", &path]);
                command
            }
        };
        let process = Process::start(kind.name(), command.envs(environment.iter().copied()));
        produce_first(port);
        Self { port, started_in: start.elapsed(), process, directory, chroot }
    }

    /// Where the broker's znodes are.
    pub fn zookeeper_connect(&self) -> String {
        self.chroot.connect()
    }

    /// User and system time that it has taken so far, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.process.id())
    }

    /// The memory that it holds now.
    pub fn resident_mebibytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Where its logs lie, in a directory of their own.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The segments of a topic's first partition, in order.
    pub fn segments(&self, topic: &str) -> Vec<PathBuf> {
        let directory = self.directory.path().join("data").join(format!("{topic}-0"));
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|it| it == "log")).collect();
        segments.sort();
        segments
    }
}

/// User and system time of a process so far, in seconds.
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / rustix::param::clock_ticks_per_second() as f64
}

/// Produces one record to a topic that its first mention creates, trying until the broker accepts it.
fn produce_first(port: u16) {
    support::eventually("the first produce is accepted", Duration::from_secs(60), || {
        let mut connection = Connection::to(port)?;
        if !connection.has_leader("first")? {
            return None;
        }
        connection.produce("first", "value", 1)?.ok()
    });
}
