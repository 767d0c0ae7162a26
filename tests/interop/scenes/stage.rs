//! Where a scene is played: three brokers, either kind, and what can be done to them.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use barnabas::wire::Writer;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::Request;
use regex::Regex;
use serde_json::Value;

use crate::java::{Ended, Kafka};
use crate::mixed::cluster::{Dead, Mixed, SOON};
use crate::support::recorded_commands::words;
use crate::support::znodes::{describe, read_tree};
use crate::support::{Connection, Process, eventually};

/// Kafka's tools, as its scripts name them without `kafka-` and `.sh`.
const TOOLS: [(&str, &str); 12] = [
    ("topics", "kafka.admin.TopicCommand"),
    ("configs", "kafka.admin.ConfigCommand"),
    ("reassign-partitions", "kafka.admin.ReassignPartitionsCommand"),
    ("preferred-replica-election", "kafka.admin.PreferredReplicaLeaderElectionCommand"),
    ("leader-election", "kafka.admin.LeaderElectionCommand"),
    ("log-dirs", "kafka.admin.LogDirsCommand"),
    ("delete-records", "kafka.admin.DeleteRecordsCommand"),
    ("get-offsets", "kafka.tools.GetOffsetShell"),
    ("consumer-groups", "kafka.admin.ConsumerGroupCommand"),
    ("console-consumer", "kafka.tools.ConsoleConsumer"),
    ("verifiable-consumer", "org.apache.kafka.tools.VerifiableConsumer"),
    ("streams-application-reset", "kafka.tools.StreamsResetter"),
];

/// Which tools and brokers play a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// Kafka's tools and brokers: the scene is recorded.
    Kafka,
    /// Kafka's tools, on this project's brokers.
    KafkasTools,
    /// This project's tools, on Kafka's brokers. A tool that this project does not have is Kafka's.
    KafkasBrokers,
    /// This project's tools and brokers.
    Own,
}

/// The cluster of a scene, and its files.
pub struct Stage {
    kafka: &'static Kafka,
    cast: Cast,
    /// Its brokers.
    pub mixed: Mixed,
    dead: BTreeMap<i32, Dead>,
    /// Tools that run beside the scene, by the names that it gave them.
    background: BTreeMap<String, Process>,
    files: tempfile::TempDir,
    names: Vec<(String, String)>,
    varying: Vec<(Regex, &'static str)>,
}

impl Stage {
    /// Three brokers with two data directories each; broker 1 is the controller.
    pub fn open(kafka: &'static Kafka, cast: Cast, settings: &[(&str, &str)]) -> Self {
        let barnabas = [
            ("log.dirs", "{directory}/one,{directory}/two"),
            ("auto.leader.rebalance.enable", "false"),
            ("auto.create.topics.enable", "false"),
        ];
        let java: &[i32] = if matches!(cast, Cast::Kafka | Cast::KafkasBrokers) { &[1, 2, 3] } else { &[] };
        let mixed = Mixed::start_with(kafka, java, &[&barnabas[..], settings].concat());
        mixed.elect_controller(|id| id == 1);
        let files = tempfile::tempdir().unwrap();
        let mut names = vec![
            ("BROKERS".to_owned(), mixed.bootstrap()),
            ("ZOOKEEPER".to_owned(), mixed.chroot().connect()),
            ("FILES".to_owned(), files.path().display().to_string()),
        ];
        for id in mixed.ids() {
            names.push((format!("BROKER{id}"), mixed.files(id).bootstrap()));
            names.push((format!("DIR{id}"), mixed.files(id).directory().display().to_string()));
        }
        let varying = [
            (r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?", "TIME"),
            (r"\b1[0-9]{12}\b", "TIME"),
            (r"\[I@[0-9a-f]+", "[I@HASH"),
            (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
            // Which broker coordinates a group is chance.
            (r"\bBROKER\d\s+\(\d\)", "BROKER (ID)"),
            (r"replica \d's checksum \d+", "replica ID's checksum NUMBER"),
            // What is set where is asked for elsewhere.
            (r"configs: Some\(\[CreatableTopicConfigs.*?\]\)", "configs: Some([ALL])"),
        ];
        let varying = varying.map(|(pattern, fixed)| (Regex::new(pattern).unwrap(), fixed)).to_vec();
        Self { kafka, cast, mixed, dead: BTreeMap::new(), background: BTreeMap::new(), files, names, varying }
    }

    /// A line of a scene with what its names stand for.
    fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// A line of output without what differs from run to run.
    fn normalized(&self, line: &str) -> String {
        let named = self.names.iter().fold(line.to_owned(), |line, (name, value)| line.replace(value, name));
        let mut line = named;
        for (pattern, fixed) in &self.varying {
            line = pattern.replace_all(&line, *fixed).into_owned();
        }
        match serde_json::from_str::<Value>(&line) {
            Ok(value) if line.starts_with('{') => in_order(value).to_string(),
            _ => line.trim_end().to_owned(),
        }
    }

    /// Writes a file: its name, and what it is to hold.
    pub fn write(&self, line: &str) {
        let (name, text) = line.split_once(' ').unwrap_or((line, ""));
        std::fs::write(self.files.path().join(name), self.named(text)).unwrap();
    }

    /// Runs a tool; returns its output.
    pub fn run(&self, line: &str, in_order: bool) -> Vec<String> {
        let words = words(line);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let (class, arguments) = self.tool(&words);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let ended = match self.is_own(class) {
            true => self.command(class, &arguments).stdin(Stdio::null()).output().unwrap().into(),
            false => self.kafka.run(class, &arguments),
        };
        self.printed(ended, in_order)
    }

    /// The class of a tool, and its arguments.
    fn tool(&self, words: &[&str]) -> (&'static str, Vec<String>) {
        let class = TOOLS.iter().find(|(name, _)| *name == words[0]).expect("a tool").1;
        (class, words[1..].iter().map(|word| self.named(word)).collect())
    }

    /// Whether a tool of this class is played by this project's.
    fn is_own(&self, class: &str) -> bool {
        let is_built = barnabas::cli::TOOLS.iter().any(|tool| tool.classes.contains(&class));
        is_built && matches!(self.cast, Cast::KafkasBrokers | Cast::Own)
    }

    /// A process of a tool.
    fn command(&self, class: &str, arguments: &[&str]) -> Command {
        if !self.is_own(class) {
            return self.kafka.command(class, arguments);
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_barnabas"));
        command.arg(class).args(arguments);
        command
    }

    fn printed(&self, ended: Ended, in_order: bool) -> Vec<String> {
        let mut printed = Vec::new();
        for (mark, text) in [('>', &ended.out), ('!', &ended.err)] {
            let lines = text.lines().filter(|line| is_of_the_tool(line)).map(|line| self.normalized(line));
            printed.extend(lines.map(|line| format!("{mark} {line}").trim_end().to_owned()));
        }
        join_log_directory_moves(&mut printed);
        if !in_order {
            printed.sort();
        }
        if ended.code != 0 {
            printed.push(format!("= {}", ended.code));
        }
        printed
    }

    /// Runs the tool that verifies replicas until it has reported a few times; returns its output from the
    /// first report on.
    pub fn verify_replicas(&self, line: &str) -> Vec<String> {
        let arguments: Vec<_> = words(line).iter().map(|word| self.named(word)).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut command = self.command("kafka.tools.ReplicaVerificationTool", &arguments);
        let process = Process::start("kafka-replica-verification", command.stdin(Stdio::null()));
        let reports = |lines: &[String]| lines.iter().filter(|line| line.contains("max lag is")).count();
        eventually("the tool reports", SOON, || (reports(&process.lines()) >= 3).then_some(()));
        let printed = process.lines().into_iter().filter(|line| is_of_the_tool(line));
        let (found, reports): (Vec<_>, Vec<_>) = printed.partition(|line| !line.contains("max lag is"));
        // The first report may be of nothing yet.
        let printed = found.into_iter().chain(reports.into_iter().skip(1));
        let mut printed: Vec<_> = printed.map(|line| format!("> {}", self.normalized(&line))).collect();
        printed.sort();
        printed.dedup();
        printed
    }

    /// Asks a broker; returns its answer, or None if it ends the connection.
    pub fn ask<R: Request>(&self, broker: i32, version: i16, request: &R) -> Option<String> {
        let answer = self.connection(broker).call(request, version)?;
        Some(self.normalized(&format!("{answer:?}")))
    }

    /// Sends a broker bytes; returns the bytes of its answer, or None if it ends the connection.
    pub fn ask_raw(&self, broker: i32, header: &RequestHeader, body: &[u8]) -> Option<String> {
        let mut frame = Writer::new();
        header.encode(&mut frame).unwrap();
        let frame = [&frame.into_bytes().unwrap()[..], body].concat();
        Some(format!("{:02x?}", self.connection(broker).call_raw(&frame)?))
    }

    fn connection(&self, broker: i32) -> Connection {
        Connection::to(self.mixed.files(broker).port).unwrap().with_patience(SOON)
    }

    /// Does something to the cluster.
    pub fn act(&mut self, line: &str) -> Vec<String> {
        let line = words(line);
        let line: Vec<_> = line.iter().map(String::as_str).collect();
        match line[..] {
            ["stop", id] => {
                let dead = self.mixed.stop(id.parse().unwrap());
                self.dead.insert(id.parse().unwrap(), dead);
            }
            ["start", id] => {
                let dead = self.dead.remove(&id.parse().unwrap()).expect("it was stopped");
                self.mixed.revive(dead);
            }
            ["controller", id] => self.mixed.elect_controller(|elected| elected.to_string() == id),
            ["isr", topic, isr] => eventually(&format!("the ISR of {topic} is {isr}"), SOON, || {
                let mut found = self.mixed.state(topic)?.isr;
                found.sort_unstable();
                let found: Vec<_> = found.iter().map(i32::to_string).collect();
                (found.join(",") == isr).then_some(())
            }),
            ["gone", topic] => eventually(&format!("{topic} is gone"), SOON, || {
                self.mixed.state(topic).is_none().then_some(())
            }),
            ["leader", topic, id] => eventually(&format!("{id} leads {topic}"), SOON, || {
                (self.mixed.state(topic)?.leader.to_string() == id).then_some(())
            }),
            ["begin", name, ref tool @ ..] => {
                let (class, arguments) = self.tool(tool);
                let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
                let process = Process::start(name, &mut self.command(class, &arguments));
                self.background.insert(name.to_owned(), process);
            }
            ["await", name, text] => drop(self.background[name].wait_for_line(text, SOON)),
            ["end", name] => {
                let mut process = self.background.remove(name).expect("it was begun");
                process.signal("TERM");
                process.wait(SOON);
            }
            ["spoil", topic, id] => self.spoil(topic, id.parse().unwrap()),
            ["produce", topic, count, size] => self.produce(topic, count.parse().unwrap(), size),
            ["znodes", ref paths @ ..] => return self.znodes(paths),
            _ => panic!("nothing is called {line:?}"),
        }
        Vec::new()
    }

    /// Has a stopped broker's first batch of a topic have another checksum.
    fn spoil(&self, topic: &str, id: i32) {
        const CHECKSUM: usize = 17;
        let at = |dir| format!("{dir}/{topic}-0/00000000000000000000.log");
        let paths = ["one", "two"].map(|dir| self.mixed.files(id).directory().join(at(dir)));
        let path = paths.iter().find(|path| path.exists()).expect("the topic lies there");
        let mut bytes = std::fs::read(path).unwrap();
        bytes[CHECKSUM] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    fn produce(&self, topic: &str, count: u32, size: &str) {
        let value = "x".repeat(size.parse().unwrap());
        let until = Instant::now() + SOON;
        let mut left = count;
        while left > 0 {
            assert!(Instant::now() < until, "{topic} takes no records");
            let leader = self.mixed.state(topic).expect("the topic is there").leader;
            let Some(mut connection) = Connection::to(self.mixed.files(leader).port) else { continue };
            while left > 0 && connection.produce(topic, &value, -1).is_some_and(|done| done.is_ok()) {
                left -= 1;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What lies at and below these paths.
    fn znodes(&self, paths: &[&str]) -> Vec<String> {
        let chroot = self.mixed.chroot();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut tree = runtime.block_on(read_tree(chroot.server(), chroot.path()));
        tree.retain(|path, _| paths.iter().any(|wanted| path.starts_with(wanted)));
        describe(&tree).lines().map(|line| format!("> {}", self.normalized(line))).collect()
    }
}

/// Whether a line is the tool's, and not a place in its code or what its client logs of connections.
fn is_of_the_tool(line: &str) -> bool {
    let stack = line.starts_with("\tat ") || line.starts_with("\t... ");
    !stack && !line.contains("(org.apache.kafka.clients.")
}

/// A value whose lists stand in an order of their own.
fn in_order(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(in_order).collect();
            if items.iter().all(Value::is_object) {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, in_order(value))).collect(),
        other => other,
    }
}

/// What the tool prints of the log directory moves that it started.
const MOVES: [&str; 2] =
    ["> Successfully started log directory moves for: ", "> Successfully started log directory move for: "];

/// Joins lines on moves that the tool started one after the other: a broker that does not know yet that the
/// partition is moved to it is asked again, by Kafka's tool and by this project's, and then has a line of its own.
fn join_log_directory_moves(printed: &mut Vec<String>) {
    let replicas = |line: &String| MOVES.iter().find_map(|text| line.strip_prefix(text)).map(str::to_owned);
    for at in (1..printed.len()).rev() {
        if let (Some(first), Some(second)) = (replicas(&printed[at - 1]), replicas(&printed[at])) {
            printed[at - 1] = format!("{}{first},{second}", MOVES[0]);
            printed.remove(at);
        }
    }
}
