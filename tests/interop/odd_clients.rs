//! Java's clients of 2.7.2 in odd cases: they do and see what was recorded of them.
//!
//! `BARNABAS_RECORD=1 scripts/test.sh --test interop odd_clients` records them anew.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::java::{Kafka, kafka};
use crate::support::odd_clients::{Cast, ScriptedClients, brokers, play_all};
use crate::support::root;

/// A JVM that runs `odd_clients/OddClients.java`.
struct JavaClients {
    process: Child,
    commands: Option<ChildStdin>,
    outcomes: BufReader<ChildStdout>,
}

impl JavaClients {
    fn start(kafka: &Kafka) -> Self {
        let classes = kafka.compile(&root().join("tests/interop/odd_clients/OddClients.java"), "odd-clients");
        let mut command = kafka.command_beside(Some(&classes), "OddClients", &[]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, outcomes) = (process.stdin.take(), process.stdout.take().unwrap());
        Self { process, commands, outcomes: BufReader::new(outcomes) }
    }
}

impl Drop for JavaClients {
    fn drop(&mut self) {
        // The JVM ends with its standard input.
        drop(self.commands.take());
        let _ = self.process.wait();
    }
}

impl ScriptedClients for JavaClients {
    fn obey_command(&mut self, command: &str) -> Vec<String> {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        let lines = self.outcomes.by_ref().lines().map(Result::unwrap);
        lines.take_while(|line| line != ".").collect()
    }
}

#[test]
fn odd_clients_of_java_are_as_recorded() {
    let Some(kafka) = kafka("odd_clients_of_java_are_as_recorded") else { return };
    let player = || Box::new(JavaClients::start(kafka)) as Box<dyn ScriptedClients>;
    let differences = play_all(&brokers(), Cast::Java, vec![player(), player()]);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
