//! Java's Kafka 2.7.2, brought by Maven once into the target folder, and its tools run to their end.
#![allow(dead_code)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};

use crate::support::root;
use crate::tool_runner;

/// Where Kafka's jars lie.
#[derive(Clone)]
pub struct Kafka {
    libraries: PathBuf,
}

/// What a tool printed and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Ended {
    /// Itself, where the tool succeeded; else the test fails and shows all it printed.
    pub fn ok(self) -> Self {
        assert!(
            self.code == 0,
            "exit code {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.out,
            self.err
        );
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Java's Kafka, or None after a line on standard error that names the skipped test and the reason.
pub fn kafka(test: &str) -> Option<&'static Kafka> {
    static KAFKA: OnceLock<Result<Kafka, String>> = OnceLock::new();
    match KAFKA.get_or_init(find) {
        Ok(kafka) => Some(kafka),
        Err(reason) => {
            skipped(test, reason);
            None
        }
    }
}

/// What spares a JVM that runs for seconds the work that pays in hours.
const QUICK_START: [&str; 2] = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// Prints, past the capture of the test's output, that a test was skipped and why.
pub fn skipped(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
}

/// Whether this command is there to be run.
pub fn has_command(command: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {command}")])
        .output()
        .is_ok_and(|found| found.status.success())
}

fn find() -> Result<Kafka, String> {
    let kafka = bring("kafka-2.7.2", "pom.xml", &[])?;
    let archive = kafka.class_archive();
    if !archive.exists() {
        // What a tool loads is archived when it ends, so that each tool starts in about half the CPU time. A JVM that
        // cannot do this goes on without.
        let made = root().join("target").join(format!("classes-{}.jsa", std::process::id()));
        let archiving = format!("-XX:ArchiveClassesAtExit={}", made.display());
        let mut tool = kafka.java(&[&archiving]);
        tool.args(["kafka.tools.ConsoleProducer", "--broker-list", "127.0.0.1:1", "--topic", "none"]);
        tool.stdin(Stdio::null()).output().map_err(|error| format!("java does not run: {error}"))?;
        let _ = std::fs::rename(made, archive);
    }
    Ok(kafka)
}

/// An older artifact of Kafka's with its dependencies, or None after a line that names the skipped test and
/// the reason.
pub fn older(test: &str, artifact: &str, version: &str) -> Option<Kafka> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let what = [format!("-Dkafka.artifact={artifact}"), format!("-Dkafka.version={version}")];
    let found = bring(&format!("{artifact}-{version}"), "old-clients.xml", &what);
    found.map_err(|reason| skipped(test, &reason)).ok()
}

/// Kafka's Streams and Connect of 2.7.2, or None after a line that names the skipped test and the reason.
pub fn streams_and_connect(test: &str) -> Option<Kafka> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let found = bring("streams-and-connect-2.7.2", "streams-and-connect.xml", &[]);
    found.map_err(|reason| skipped(test, &reason)).ok()
}

/// What a Maven file of this folder names, brought into this folder of `target` where it is not there yet.
fn bring(folder: &str, pom: &str, properties: &[String]) -> Result<Kafka, String> {
    for command in ["java", "mvn"] {
        if !has_command(command) {
            return Err(format!("there is no {command} here to run Java's Kafka with"));
        }
    }
    let libraries = root().join("target").join(folder);
    let complete = libraries.join("complete");
    if !complete.exists() {
        let brought = Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(root().join("tests/interop").join(pom))
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", libraries.display()))
            .args(properties)
            .output()
            .map_err(|error| format!("mvn does not run: {error}"))?;
        if !brought.status.success() {
            let words = String::from_utf8_lossy(&brought.stdout).into_owned();
            return Err(format!(
                "Maven could not bring {folder}: {}",
                words.lines().next().unwrap_or_default()
            ));
        }
        std::fs::write(&complete, "").map_err(|error| error.to_string())?;
    }
    Ok(Kafka { libraries })
}

impl Kafka {
    /// A Java command that runs this class of Kafka's with these arguments.
    pub fn command(&self, class: &str, arguments: &[&str]) -> Command {
        self.command_beside(None, class, arguments)
    }

    /// Compiles a program against these jars into a folder of `target`, once for each change of it; the folder.
    pub fn compile(&self, source: &Path, folder: &str) -> PathBuf {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock();
        let folder = root().join("target").join(folder);
        let (text, compiled) = (std::fs::read(source).unwrap(), folder.join("compiled"));
        if std::fs::read(&compiled).ok().as_ref() != Some(&text) {
            let mut javac = Command::new("javac");
            javac.arg("-cp").arg(format!("{}/*", self.libraries.display()));
            Ended::from(javac.arg("-d").arg(&folder).arg(source).output().unwrap()).ok();
            std::fs::write(&compiled, text).unwrap();
        }
        folder
    }

    /// As [`Kafka::command`], of a class that may lie in a folder that [`Kafka::compile`] gave.
    pub fn command_beside(&self, classes: Option<&Path>, class: &str, arguments: &[&str]) -> Command {
        let classes = classes.map_or(String::new(), |folder| format!(":{}", folder.display()));
        let archive = format!("-XX:SharedArchiveFile={}", self.class_archive().display());
        // A JVM goes on without an archive of other classes, and would print a warning.
        let mut command = self.java_beside(&classes, &[&archive, "-Xlog:disable"]);
        command.arg(class).args(arguments);
        command
    }

    /// The classes that tools load, in the form in which a JVM shares them.
    fn class_archive(&self) -> PathBuf {
        self.libraries.join("tools.jsa")
    }

    /// A JVM that starts fast, with Kafka's jars.
    fn java(&self, options: &[&str]) -> Command {
        self.java_beside("", options)
    }

    fn java_beside(&self, classes: &str, options: &[&str]) -> Command {
        let mut command = Command::new("java");
        command
            .args(QUICK_START)
            .args(["-Xmx256m", "-Djava.awt.headless=true"])
            .args(options)
            .arg(format!(
                "-Dlog4j.configuration=file:{}",
                root().join("tests/interop/log4j.properties").display()
            ))
            .arg("-cp")
            .arg(format!("{}/*{classes}", self.libraries.display()));
        command
    }

    /// A JVM with Java's own defaults, as a service has it, that runs a class of a folder that [`Kafka::compile`] gave.
    pub fn long_running(&self, classes: &Path, class: &str) -> Command {
        let mut command = Command::new("java");
        command.arg("-cp").arg(format!("{}/*:{}", self.libraries.display(), classes.display()));
        let log4j = root().join("tests/interop/silent-log4j.properties");
        command.arg(format!("-Dlog4j.configuration=file:{}", log4j.display())).arg(class);
        command
    }

    /// A Java command that runs a broker with these settings, with the heap that `kafka-server-start.sh` gives it.
    pub fn broker_command(&self, properties: &str) -> Command {
        self.broker("1g", &["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"], "broker-log4j.properties", properties)
    }

    /// A broker with a heap of this size that runs for the time of a test.
    pub fn broker_of_heap(&self, heap: &str, properties: &str) -> Command {
        self.broker(heap, &QUICK_START, "broker-log4j.properties", properties)
    }

    /// The same, of which only what ends it is logged.
    pub fn silent_broker(&self, heap: &str, properties: &str) -> Command {
        self.broker(heap, &QUICK_START, "silent-log4j.properties", properties)
    }

    fn broker(&self, heap: &str, options: &[&str], logging: &str, properties: &str) -> Command {
        let mut command = Command::new("java");
        command
            .args([format!("-Xms{heap}"), format!("-Xmx{heap}")])
            .args(options)
            .arg("-Djava.awt.headless=true")
            .arg(format!(
                "-Dlog4j.configuration=file:{}",
                root().join("tests/interop").join(logging).display()
            ))
            .arg("-cp")
            .arg(format!("{}/*", self.libraries.display()))
            .args(["kafka.Kafka", properties]);
        command
    }

    /// Runs a class to its end in a JVM of its own.
    pub fn run_alone(&self, class: &str, arguments: &[&str]) -> Ended {
        self.command(class, arguments).stdin(Stdio::null()).output().unwrap().into()
    }

    /// Runs a tool of 2.7.2 that reads nothing from its standard input to its end.
    pub fn run(&self, class: &str, arguments: &[&str]) -> Ended {
        // ConsoleConsumer counts records in a static field, and ends by that count.
        if class == "kafka.tools.ConsoleConsumer" {
            return self.run_alone(class, arguments);
        }
        tool_runner::run(self, class, arguments)
    }

    /// Runs a tool to its end with this on its standard input.
    pub fn run_with_input(&self, class: &str, arguments: &[&str], input: &str) -> Ended {
        feed(&mut self.command(class, arguments), input)
    }
}

/// Runs a command to its end with this on its standard input.
pub fn feed(command: &mut Command, input: &str) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let ended = child.wait_with_output().unwrap().into();
    writer.join().unwrap().unwrap();
    ended
}
