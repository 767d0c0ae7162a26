//! Where recorded commands are given: brokers, topics, records, groups with members, files.
//!
//! The lines that set something up:
//!
//! ```text
//! % broker ID [KEY=VALUE ...]             starts a broker; broker 1 needs no line where it needs no settings
//! % stop ID                               stops a broker; `% broker ID` starts it again
//! % topic NAME PARTITIONS [REPLICAS]      makes a topic
//! % produce TOPIC [OPTION ...]            writes the lines below it by the console producer, with these options
//! % records TOPIC COUNT                   writes so many records, `1`, `2`, …
//! % member GROUP TOPIC [OPTION ...]       adds a console consumer to a group; waits until it has joined
//! % leave GROUP                           ends the members of a group; waits until the group is empty
//! % zookeeper-member GROUP TOPIC [OPTION ...]  adds a console consumer to a group in znodes
//! % zookeeper-leave GROUP                 ends the members of a group in znodes
//! % file NAME                             writes the lines below it into a file of FILES
//! % run SCRIPT [ARGUMENT ...]             gives a command that has to succeed
//! % varying PATTERN => REPLACEMENT        replaces more that differs from run to run, in the output from here on
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use barnabas::client::Admin;
use barnabas::client::admin::{ConsumerGroupState, DescribeConsumerGroupsOptions};
use barnabas::client::cluster::ClusterOptions;

use super::script::{Came, Recorded, words};
use super::varying::Varying;
use crate::support::{Broker, Chroot, Process, root};

/// How long a group may take to be as it is wanted.
const SOON: Duration = Duration::from_secs(60);

/// Brokers that a stage starts and stops.
pub trait Brokers {
    /// Starts a broker (again) and waits until it is ready.
    fn start(&mut self, id: i32, settings: &[(&str, &str)]);
    /// Stops it.
    fn stop(&mut self, id: i32);
    /// The addresses of all that were started, and their data directories, by their ids.
    fn places(&self) -> BTreeMap<i32, (String, PathBuf)>;
}

/// This project's brokers.
pub struct OwnBrokers {
    zookeeper: String,
    brokers: BTreeMap<i32, Broker>,
}

impl OwnBrokers {
    /// None yet.
    pub fn new(zookeeper: &str) -> Self {
        Self { zookeeper: zookeeper.to_owned(), brokers: BTreeMap::new() }
    }
}

impl Brokers for OwnBrokers {
    fn start(&mut self, id: i32, settings: &[(&str, &str)]) {
        match self.brokers.get_mut(&id) {
            Some(broker) => broker.restart(),
            None => drop(self.brokers.insert(id, Broker::start_with(id, &self.zookeeper, settings))),
        }
    }

    fn stop(&mut self, id: i32) {
        self.brokers.get_mut(&id).expect("it was started").stop();
    }

    fn places(&self) -> BTreeMap<i32, (String, PathBuf)> {
        self.brokers.iter().map(|(id, broker)| (*id, (broker.bootstrap(), broker.data()))).collect()
    }
}

/// Brokers, and what was set up on them.
pub struct Stage<B> {
    // Before the brokers, so that they end first.
    members: Vec<(String, Process)>,
    brokers: B,
    zookeeper: String,
    files: tempfile::TempDir,
    varying: Varying,
}

impl<B: Brokers> Stage<B> {
    /// Without brokers yet.
    pub fn open(brokers: B, chroot: &Chroot) -> Self {
        Self {
            members: Vec::new(),
            brokers,
            zookeeper: chroot.connect(),
            files: tempfile::tempdir().unwrap(),
            varying: Varying::new(),
        }
    }

    /// What the names in a recording stand for, the longer ones first.
    fn names(&self) -> Vec<(String, String)> {
        let places = self.brokers.places().into_iter().flat_map(|(id, (address, data))| {
            let number = if id == 1 { String::new() } else { id.to_string() };
            [(format!("BROKER{number}"), address), (format!("DATA{number}"), data.display().to_string())]
        });
        let mut names: Vec<_> = places.collect();
        names.push(("ZOOKEEPER".to_owned(), self.zookeeper.clone()));
        names.push(("FILES".to_owned(), self.files.path().display().to_string()));
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names
    }

    fn named(&self, text: &str) -> String {
        self.names().iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Sets up what a line asks for.
    pub fn set_up(&mut self, line: &str, input: &str) {
        let given = words(line);
        let given: Vec<_> = given.iter().map(String::as_str).collect();
        match given[..] {
            ["broker", id, ref settings @ ..] => {
                let settings = settings.iter().map(|it| it.split_once('=').expect("KEY=VALUE"));
                self.brokers.start(id.parse().unwrap(), &settings.collect::<Vec<_>>());
            }
            ["varying", ..] => self.varying.add(line.trim_start_matches("varying ")),
            ["file", name] => std::fs::write(self.files.path().join(name), self.named(input)).unwrap(),
            _ => {
                self.start_first();
                self.act(&given, input);
            }
        }
    }

    /// Sets up what needs a broker.
    fn act(&mut self, given: &[&str], input: &str) {
        match *given {
            ["stop", id] => self.brokers.stop(id.parse().unwrap()),
            ["topic", name, partitions] => self.create(name, partitions, "1"),
            ["topic", name, partitions, replicas] => self.create(name, partitions, replicas),
            ["produce", topic, ref options @ ..] => self.produce(topic, options, input),
            ["records", topic, count] => {
                let lines: String = (1..=count.parse().unwrap()).map(|it: u64| format!("{it}\n")).collect();
                self.produce(topic, &[], &lines);
            }
            ["member", group, topic, ref options @ ..] => self.join(group, topic, options),
            ["leave", group] => {
                self.members.retain(|(other, _)| other != group);
                self.await_members(group, 0);
            }
            ["zookeeper-member", group, topic, ref options @ ..] => {
                self.join_by_znode(group, topic, options);
            }
            ["zookeeper-leave", group] => self.leave_by_znode(group),
            ["run", script, ref arguments @ ..] => self.succeed(script, arguments, input),
            _ => panic!("what is {given:?}?"),
        }
    }

    fn start_first(&mut self) {
        if self.brokers.places().is_empty() {
            self.brokers.start(1, &[("log.retention.ms", "-1")]);
        }
    }

    fn create(&self, topic: &str, partitions: &str, replicas: &str) {
        let size = ["--partitions", partitions, "--replication-factor", replicas];
        let create = ["--bootstrap-server", "BROKER", "--create", "--topic", topic];
        self.succeed("kafka-topics.sh", &[&create[..], &size].concat(), "");
    }

    fn produce(&self, topic: &str, options: &[&str], lines: &str) {
        let produce = ["--bootstrap-server", "BROKER", "--topic", topic];
        self.succeed("kafka-console-producer.sh", &[&produce[..], options].concat(), lines);
    }

    fn succeed(&self, script: &str, arguments: &[&str], input: &str) {
        let ended = self.give(script, arguments, input);
        assert!(ended.status.success(), "{script} {arguments:?}: {ended:?}");
    }

    fn join(&mut self, group: &str, topic: &str, options: &[&str]) {
        let consume =
            ["--bootstrap-server", "BROKER", "--group", group, "--topic", topic, "--from-beginning"];
        let mut command = self.command("kafka-console-consumer.sh", &[&consume[..], options].concat());
        self.members.push((group.to_owned(), Process::start(&format!("a member of {group}"), &mut command)));
        self.await_members(group, self.members.iter().filter(|(other, _)| other == group).count());
    }

    fn join_by_znode(&mut self, group: &str, topic: &str, options: &[&str]) {
        let consume = ["--zookeeper", "ZOOKEEPER", "--group", group, "--topic", topic];
        // One that would begin there joins no group that has offsets.
        let is_first = self.members.iter().all(|(other, _)| other != group);
        let start: &[&str] = if is_first { &["--from-beginning"] } else { &[] };
        let mut command = self.command("kafka-console-consumer.sh", &[&consume[..], start, options].concat());
        self.members.push((group.to_owned(), Process::start(&format!("a member of {group}"), &mut command)));
    }

    fn leave_by_znode(&mut self, group: &str) {
        for (_, member) in self.members.iter_mut().filter(|(other, _)| other == group) {
            member.signal("TERM");
            assert_eq!(member.wait(SOON).code(), Some(143));
        }
        self.members.retain(|(other, _)| other != group);
    }

    /// Waits until the group has so many members, and each its partitions.
    fn await_members(&self, group: &str, count: usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let started = Instant::now();
        let servers: Vec<_> = self.brokers.places().into_values().map(|(address, _)| address).collect();
        runtime.block_on(async {
            let admin = Admin::new(ClusterOptions::new(&servers.join(","), "stage")).await.unwrap();
            let wanted = if count == 0 { ConsumerGroupState::Empty } else { ConsumerGroupState::Stable };
            loop {
                let options = DescribeConsumerGroupsOptions::default();
                let described = admin.describe_consumer_groups([group], options).await.all();
                let found = described.ok().and_then(|mut groups| groups.remove(group));
                if found.is_some_and(|found| found.state == wanted && found.members.len() == count) {
                    return;
                }
                assert!(started.elapsed() < SOON, "{count} members are not in {wanted:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }

    fn command(&self, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(root().join("scripts").join(script));
        command.args(arguments.iter().map(|argument| self.named(argument)));
        command.env("BARNABAS_BIN", env!("CARGO_BIN_EXE_barnabas"));
        command
    }

    fn give(&self, script: &str, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(script, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{script}: {error}"));
        // A tool that refuses its options does not read what it is given.
        let _ = process.stdin.take().unwrap().write_all(self.named(input).as_bytes());
        process.wait_with_output().unwrap()
    }

    /// Gives a recorded command.
    pub fn run(&mut self, recorded: &Recorded) -> Came {
        let of_cluster = ["BROKER", "ZOOKEEPER", "DATA"];
        if recorded.command.iter().any(|word| of_cluster.iter().any(|name| word.contains(name))) {
            self.start_first();
        }
        let words: Vec<_> = recorded.command.iter().map(String::as_str).collect();
        let ended = self.give(words[0], &words[1..], &recorded.input);
        if words.windows(2).any(|pair| pair == ["--output", "json"]) && ended.status.success() {
            assert_follows_schema(&words, &ended.stdout);
        }
        let came = Came {
            code: ended.status.code().unwrap_or(-1),
            out: self.fixed_lines(&ended.stdout),
            err: self.fixed_lines(&ended.stderr),
            unordered: recorded.output.unordered,
        };
        came.in_order()
    }

    fn fixed_lines(&self, printed: &[u8]) -> Vec<String> {
        let printed = String::from_utf8_lossy(printed).into_owned();
        let named = self.names().iter().fold(printed, |text, (name, value)| text.replace(value, name));
        self.varying.fixed_lines(&named)
    }
}

/// A document that a tool printed follows the schema that documents it.
fn assert_follows_schema(command: &[&str], printed: &[u8]) {
    let is_named = |tool: &&barnabas::cli::Tool| {
        tool.script == Some(command[0]) || command.get(1).is_some_and(|class| tool.classes.contains(class))
    };
    let tool = barnabas::cli::TOOLS.iter().find(is_named).unwrap_or_else(|| panic!("{command:?}"));
    let schema = tool.output_schema.unwrap_or_else(|| panic!("{} has no schema of its output", tool.name));
    let document = serde_json::from_slice(printed).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let problems: Vec<_> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{command:?}: {problems:?}\n{document}");
}
