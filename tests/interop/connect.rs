//! Kafka 2.7.2's Connect: two workers that carry the lines of a file to another one, one of which is killed.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::groups::cluster;
use crate::java::{Kafka, has_command, kafka, skipped, streams_and_connect};
use crate::support::{Process, eventually, free_port};

const LIMIT: Duration = Duration::from_secs(90);
const SETTINGS: [(&str, &str); 3] = [
    ("offsets.topic.num.partitions", "3"),
    ("offsets.topic.replication.factor", "3"),
    ("group.initial.rebalance.delay.ms", "500"),
];

/// A worker of Connect, and the port of its REST interface.
struct Worker {
    process: Process,
    port: u16,
}

impl Worker {
    fn start(connect: &Kafka, bootstrap: &str, directory: &Path) -> Self {
        let port = free_port();
        let settings = format!(
            "bootstrap.servers={bootstrap}\ngroup.id=workers\nlisteners=http://127.0.0.1:{port}\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.storage.StringConverter\n\
             offset.storage.topic=connect-offsets\noffset.storage.partitions=3\nconfig.storage.topic=connect-configs\n\
             status.storage.topic=connect-status\nstatus.storage.partitions=3\noffset.flush.interval.ms=500\n\
             offset.storage.replication.factor=3\nconfig.storage.replication.factor=3\n\
             status.storage.replication.factor=3\nscheduled.rebalance.max.delay.ms=1000\n\
             session.timeout.ms=6000\nheartbeat.interval.ms=500\n"
        );
        let file = directory.join(format!("worker-{port}.properties"));
        std::fs::write(&file, settings).unwrap();
        let arguments = [file.to_str().unwrap()];
        let mut command = connect.command("org.apache.kafka.connect.cli.ConnectDistributed", &arguments);
        Self { process: Process::start("a worker", &mut command), port }
    }

    /// Asks its REST interface with curl; None where it has no good answer.
    fn ask(&self, path: &str, posted: Option<&str>) -> Option<String> {
        let mut curl = Command::new("curl");
        curl.args(["-sf", "-m", "10", "-H", "Content-Type: application/json"]);
        curl.args(posted.iter().flat_map(|json| ["-d", json]));
        let answer = curl.arg(format!("http://127.0.0.1:{}{path}", self.port)).output().unwrap();
        answer.status.success().then(|| String::from_utf8_lossy(&answer.stdout).into_owned())
    }

    fn create(&self, name: &str, class: &str, settings: &str) {
        let class = format!("org.apache.kafka.connect.file.{class}");
        let json = format!(
            r#"{{"name":"{name}","config":{{"connector.class":"{class}","tasks.max":"1","topic":"carried","topics":"carried",{settings}}}}}"#
        );
        eventually(&format!("{name} is created"), LIMIT, || self.ask("/connectors", Some(&json)));
    }
}

fn lines(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("line {number}\n")).collect()
}

/// Adds lines to the file of the source.
fn append(file: &Path, range: std::ops::Range<u32>) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(lines(range).as_bytes()).unwrap();
}

#[test]
fn workers_of_connect_carry_lines_and_one_is_killed() {
    let test = "workers_of_connect_carry_lines_and_one_is_killed";
    let (Some(kafka), Some(connect)) = (kafka(test), streams_and_connect(test)) else { return };
    if !has_command("curl") {
        return skipped(test, "there is no curl here to ask the workers with");
    }
    let mixed = cluster(kafka, &SETTINGS);
    let (bootstrap, files) = (mixed.bootstrap(), tempfile::tempdir().unwrap());
    let (source, sink) = (files.path().join("source.txt"), files.path().join("sink.txt"));
    append(&source, 0..100);
    let mut workers: Vec<_> = (0..2).map(|_| Worker::start(&connect, &bootstrap, files.path())).collect();
    let file = |path: &Path| format!(r#""file":"{}""#, path.display());
    workers[0].create("source", "FileStreamSourceConnector", &file(&source));
    workers[0].create("sink", "FileStreamSinkConnector", &file(&sink));
    // What a killed worker had not committed is carried again.
    let await_carried = |count: u32| {
        eventually(&format!("{count} lines are carried"), LIMIT, || {
            let carried = std::fs::read_to_string(&sink).unwrap_or_default();
            let mut carried: Vec<_> = carried.lines().map(str::to_owned).collect();
            carried.sort();
            carried.dedup();
            (carried.len() == count as usize).then_some(carried)
        })
    };
    await_carried(100);
    let tasks = |worker: &Worker| {
        let status = ["source", "sink"].map(|name| worker.ask(&format!("/connectors/{name}/status"), None));
        status.into_iter().collect::<Option<String>>()
    };
    let both_run = |worker: &Worker, port: u16| {
        eventually("both tasks run elsewhere", LIMIT, || {
            let status = tasks(worker)?;
            let running = status.matches(r#""state":"RUNNING""#).count();
            (running == 4 && !status.contains(&format!(":{port}"))).then_some(())
        });
    };
    let killed = workers.remove(0);
    let port = killed.port;
    drop(killed);
    append(&source, 100..200);
    both_run(&workers[0], port);
    let carried = await_carried(200);
    let mut wanted: Vec<_> = lines(0..200).lines().map(str::to_owned).collect();
    wanted.sort();
    assert_eq!(carried, wanted);
    workers[0].process.signal("TERM");
    workers[0].process.wait(LIMIT);
}
