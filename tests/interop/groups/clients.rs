//! The client libraries whose members join groups: how each is brought here once, and how its program is run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::java::{Kafka, has_command, kafka, older, skipped};
use crate::support::root;

/// A client library and the program that is a member with it.
pub struct Client {
    /// What its groups are called, with what the program is given for each.
    groups: Vec<(String, Option<&'static str>)>,
    program: Program,
}

enum Program {
    /// GroupMember with these jars.
    Java { kafka: Kafka, classes: PathBuf },
    /// A command before its arguments, with what its environment has.
    Other { command: Vec<PathBuf>, environment: Option<(&'static str, PathBuf)> },
}

/// The assignors of 2.7.2, each of which has a group of its own; in the last one members are static.
const ASSIGNORS: [&str; 5] = ["range", "roundrobin", "sticky", "cooperative-sticky", "static"];

impl Client {
    /// Java's client of 2.7.2, a member in a group for each assignor.
    pub fn java_2_7(test: &str) -> Option<Self> {
        let groups = ASSIGNORS.iter().map(|name| ((*name).to_owned(), Some(*name))).collect();
        let program = Program::java(kafka(test)?.clone(), "2.7.2");
        Some(Self { groups, program })
    }

    /// librdkafka's client as a member of the group that has this assignor, which also names the group.
    pub fn librdkafka_with(test: &str, assignor: &'static str) -> Option<Self> {
        let client = librdkafka(test)?;
        Some(Self { groups: vec![(assignor.to_owned(), Some(assignor))], ..client })
    }

    /// Every other client that can be had, with a group of its own; the absent ones are named on standard error.
    pub fn others(test: &str) -> Vec<Self> {
        let others = [
            java_4_1(test),
            librdkafka(test),
            kafka_python(test),
            go(test, "sarama"),
            go(test, "franz_go"),
            kafkajs(test),
        ];
        others.into_iter().flatten().collect()
    }

    /// The names of its groups.
    pub fn groups(&self) -> impl Iterator<Item = &String> {
        self.groups.iter().map(|(name, _)| name)
    }

    /// The command that is a member of all its groups.
    pub fn member(&self, bootstrap: &str, topic: &str, name: &str) -> Command {
        let mut command = match &self.program {
            Program::Java { kafka, classes } => kafka.command_beside(Some(classes), "GroupMember", &[]),
            Program::Other { command: words, environment } => {
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]).envs(environment.clone());
                command
            }
        };
        command.args([bootstrap, topic, name]);
        for (group, assignor) in &self.groups {
            command.arg(assignor.map_or(group.clone(), |assignor| format!("{group}={assignor}")));
        }
        command
    }

    fn other(group: &str, command: Vec<PathBuf>, environment: Option<(&'static str, PathBuf)>) -> Self {
        let program = Program::Other { command, environment };
        Self { groups: vec![(group.to_owned(), None)], program }
    }
}

impl Program {
    fn java(kafka: Kafka, version: &str) -> Self {
        let classes = kafka.compile(&source("GroupMember.java"), &format!("group-member-{version}"));
        Self::Java { kafka, classes }
    }
}

fn source(name: &str) -> PathBuf {
    root().join("tests/interop/groups").join(name)
}

/// Runs what brings a client into a folder of `target`, once; None after a line that names the test that is
/// skipped and why.
fn bring(test: &str, folder: &str, command: &mut Command) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let folder = root().join("target").join(folder);
    let complete = folder.join("complete");
    if !complete.exists() {
        let brought = command.stdin(Stdio::null()).output();
        if !brought.as_ref().is_ok_and(|brought| brought.status.success()) {
            skipped(test, &format!("{} could not be brought: {brought:?}", folder.display()));
            return None;
        }
        std::fs::write(&complete, "").unwrap();
    }
    Some(folder)
}

fn java_4_1(test: &str) -> Option<Client> {
    let program = Program::java(older(test, "kafka-clients", "4.1.0")?, "4.1.0");
    Some(Client { groups: vec![("java-4.1".to_owned(), Some("cooperative-sticky"))], program })
}

/// A Python package of this version, alone in a folder of its own.
pub fn python_package(test: &str, package: &str, version: &str) -> Option<PathBuf> {
    let folder = format!("{package}-{version}");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "-q", "--target"]).arg(root().join("target").join(&folder));
    bring(test, &folder, pip.arg(format!("{package}=={version}")))
}

fn python(test: &str, group: &str, package: &str, version: &str, program: &str) -> Option<Client> {
    let packages = python_package(test, package, version)?;
    let command = vec!["python3".into(), source(program)];
    Some(Client::other(group, command, Some(("PYTHONPATH", packages))))
}

fn librdkafka(test: &str) -> Option<Client> {
    python(test, "librdkafka", "confluent-kafka", "2.16.1", "librdkafka.py")
}

fn kafka_python(test: &str) -> Option<Client> {
    python(test, "kafka-python", "kafka-python", "3.0.12", "kafka_python.py")
}

/// A member in Go, of the module in the folder of this name.
fn go(test: &str, module: &str) -> Option<Client> {
    if !has_command("go") {
        skipped(test, &format!("there is no go here to build a member with {module}"));
        return None;
    }
    let program = root().join("target").join(format!("{module}-member"));
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&program).arg(".").current_dir(source(module));
    let built = go.stdin(Stdio::null()).output();
    if !built.as_ref().is_ok_and(|built| built.status.success()) {
        skipped(test, &format!("a member with {module} could not be built: {built:?}"));
        return None;
    }
    Some(Client::other(module, vec![program], None))
}

fn kafkajs(test: &str) -> Option<Client> {
    if !has_command("node") || !has_command("npm") {
        skipped(test, "there is no node with npm here to run a member with KafkaJS");
        return None;
    }
    let folder = root().join("target/kafkajs-2.2.4");
    std::fs::create_dir_all(&folder).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-save", "--prefix"]).arg(&folder).arg("kafkajs@2.2.4");
    let folder = bring(test, "kafkajs-2.2.4", &mut npm)?;
    let modules = Path::new(&folder).join("node_modules");
    Some(Client::other("kafkajs", vec!["node".into(), source("kafkajs.js")], Some(("NODE_PATH", modules))))
}
