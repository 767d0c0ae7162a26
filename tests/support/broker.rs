//! A Barnabas broker in a process of its own, on loopback, with directories of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use super::{Process, free_port, root};

/// A broker: its settings, its data, and its process while it runs.
pub struct Broker {
    /// Its `broker.id`.
    pub id: i32,
    /// The port of its PLAINTEXT listener.
    pub port: u16,
    directory: tempfile::TempDir,
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    largest_file: Option<u32>,
    open_files: Option<&'static str>,
    process: Option<Process>,
}

impl Broker {
    /// Starts broker `id` in the cluster at `zookeeper_connect` and waits until it is ready.
    pub fn start(id: i32, zookeeper_connect: &str) -> Self {
        Self::start_with(id, zookeeper_connect, &[])
    }

    /// As [`Broker::start`], with further settings, which win over the harness's own; `{port}` and
    /// `{directory}` in them stand for its port and its own directory.
    pub fn start_with(id: i32, zookeeper_connect: &str, settings: &[(&str, &str)]) -> Self {
        let mut broker = Self::prepare(id, zookeeper_connect, settings);
        broker.restart();
        broker
    }

    /// A broker with its settings and directories, not started.
    pub fn prepare(id: i32, zookeeper_connect: &str, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let directory = tempfile::tempdir().unwrap();
        let mut all: Vec<(String, String)> = [
            ("broker.id", id.to_string()),
            ("listeners", format!("PLAINTEXT://127.0.0.1:{port}")),
            ("log.dirs", directory.path().join("data").display().to_string()),
            ("zookeeper.connect", zookeeper_connect.to_owned()),
            ("zookeeper.session.timeout.ms", "6000".to_owned()),
            ("offsets.topic.replication.factor", "1".to_owned()),
            ("transaction.state.log.replication.factor", "1".to_owned()),
            ("transaction.state.log.min.isr", "1".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec();
        for (key, value) in settings {
            all.retain(|(other, _)| other != key);
            let value = value.replace("{port}", &port.to_string());
            let value = value.replace("{directory}", &directory.path().display().to_string());
            all.push(((*key).to_owned(), value));
        }
        Self {
            id,
            port,
            directory,
            settings: all,
            environment: Vec::new(),
            largest_file: None,
            open_files: None,
            process: None,
        }
    }

    /// Starts it (again, on the same data) and waits until it is ready; after a crash it waits itself until
    /// ZooKeeper has ended its last session.
    pub fn restart(&mut self) {
        self.launch();
        self.process().wait_for_line("started (kafka.server.KafkaServer)", Duration::from_secs(60));
    }

    /// Writes its properties file; where that is.
    pub fn write_settings(&self) -> PathBuf {
        let file = self.directory.path().join("server.properties");
        let text: String = self.settings.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
        std::fs::write(&file, text).unwrap();
        file
    }

    /// Starts it without waiting, for starts that are to fail.
    pub fn launch(&mut self) {
        self.kill();
        let file = self.write_settings();
        let mut limits = Vec::new();
        if let Some(kibibytes) = self.largest_file {
            // A process that writes beyond the limit gets an error, as on a full disk, and no signal.
            limits.push(format!("trap '' XFSZ; ulimit -f {kibibytes}"));
        }
        if let Some(limit) = self.open_files {
            limits.push(format!("ulimit {limit}"));
        }
        // What the tests were started to ignore, as in the background of a script, the broker would ignore, too.
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP,INT,TERM,QUIT");
        if !limits.is_empty() {
            command.args(["bash", "-c", &format!("{}; exec \"$0\" \"$@\"", limits.join("; "))]);
        }
        command.arg(env!("CARGO_BIN_EXE_barnabas"));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let process = Process::start(&format!("broker {}", self.id), command.arg("server-start").arg(&file));
        self.process = Some(process);
    }

    /// From the next start on no file of its may grow beyond so many KiB; None for no limit.
    pub fn limit_files(&mut self, kibibytes: Option<u32>) {
        self.largest_file = kibibytes;
    }

    /// From the next start on it may hold no more file descriptors than these options of `ulimit` allow.
    pub fn limit_open_files(&mut self, limit: &'static str) {
        self.open_files = Some(limit);
    }

    /// Sets a variable of its environment for the next start.
    pub fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.retain(|(other, _)| other != key);
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// Its `host:port` for clients.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its data directory, where no other `log.dirs` was set.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A directory of its own beside its data.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The running process.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the broker was started")
    }

    /// The running process, to be waited for or signalled.
    pub fn process_mut(&mut self) -> &mut Process {
        self.process.as_mut().expect("the broker was started")
    }

    /// Ends it at once, as `kill -9`.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it with SIGTERM and waits for its end.
    pub fn stop(&mut self) {
        if let Some(process) = &mut self.process {
            process.signal("TERM");
            process.wait(Duration::from_secs(60));
        }
        self.process = None;
    }
}

/// Runs a tool of the binary under test to its end: `tool("topics", &["--list", …])`.
pub fn tool(name: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_barnabas")).arg(name).args(arguments).output().unwrap()
}

/// Runs a script of `scripts/` to its end, with the binary under test behind it.
pub fn script(name: &str, arguments: &[&str]) -> Output {
    Command::new(root().join("scripts").join(name))
        .args(arguments)
        .env("BARNABAS_BIN", env!("CARGO_BIN_EXE_barnabas"))
        .output()
        .unwrap()
}
