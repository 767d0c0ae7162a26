//! The real ZooKeeper of a test run, and ones that a test may stop and start itself.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::{Process, free_port, root};

/// The `host:port` of the run's ZooKeeper, which `scripts/test.sh` starts.
pub fn zookeeper() -> String {
    std::env::var("BARNABAS_TEST_ZOOKEEPER").expect(
        "BARNABAS_TEST_ZOOKEEPER names no ZooKeeper (host:port): run the tests through scripts/test.sh",
    )
}

/// How long a server's tick lasts, in milliseconds: a session ends up to a tick late, so that it is short
/// against the tests' sessions of two seconds, as ZooKeeper's own two seconds are against Kafka's sessions of
/// eighteen.
const TICK: u32 = 200;

/// A ZooKeeper server of a test's own, for tests that stop it.
pub struct ZooKeeperServer {
    directory: tempfile::TempDir,
    port: u16,
    /// Its number in an ensemble, and the properties that name all of its members.
    member: Option<(usize, String)>,
    process: Option<Process>,
}

impl ZooKeeperServer {
    /// Starts a standalone server on a free port.
    pub fn start() -> Self {
        let mut server = Self::prepare(None);
        server.restart();
        server
    }

    fn prepare(member: Option<(usize, String)>) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), port: free_port(), member, process: None }
    }

    /// Its `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What was written below a chroot, in order.
    pub fn journal(&self, chroot: &str) -> Vec<String> {
        super::journal::changes(&self.directory.path().join("data"), chroot)
    }

    /// Ends it at once; its data stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// The running process.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the server runs")
    }

    /// Starts it again on the same port and data, and waits until it answers.
    pub fn restart(&mut self) {
        self.launch();
        self.await_serving();
    }

    fn launch(&mut self) {
        self.kill();
        let file = self.directory.path().join("zookeeper.properties");
        let data = self.directory.path().join("data");
        let mut properties = format!(
            "dataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\ntickTime={TICK}\nmaxSessionTimeout=10000\n\
             maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\n",
            data.display(),
            self.port
        );
        if let Some((number, members)) = &self.member {
            properties += members;
            std::fs::create_dir_all(&data).unwrap();
            std::fs::write(data.join("myid"), number.to_string()).unwrap();
        }
        std::fs::write(&file, properties).unwrap();
        let process = Process::start(
            "ZooKeeper",
            Command::new(root().join("scripts/zookeeper-server-start.sh"))
                .arg(&file)
                .env("KAFKA_HEAP_OPTS", "-Xmx256M"),
        );
        self.process = Some(process);
    }

    fn await_serving(&self) {
        super::eventually("ZooKeeper answers", Duration::from_secs(60), || {
            is_serving(self.port).then_some(())
        });
    }
}

/// ZooKeeper servers that elect one of them, for tests that stop some.
pub struct Ensemble {
    /// Its members.
    pub servers: Vec<ZooKeeperServer>,
}

impl Ensemble {
    /// Starts an ensemble of so many servers, and waits until all of them serve.
    pub fn start(count: usize) -> Self {
        let member = |number| format!("server.{number}=127.0.0.1:{}:{}\n", free_port(), free_port());
        let members: String = (1..=count).map(member).collect();
        let members = format!("initLimit=50\nsyncLimit=25\n{members}");
        let servers = (1..=count).map(|number| ZooKeeperServer::prepare(Some((number, members.clone()))));
        let mut ensemble = Self { servers: servers.collect() };
        ensemble.servers.iter_mut().for_each(ZooKeeperServer::launch);
        ensemble.servers.iter().for_each(ZooKeeperServer::await_serving);
        ensemble
    }

    /// What clients connect to.
    pub fn connect(&self) -> String {
        self.servers.iter().map(ZooKeeperServer::address).collect::<Vec<_>>().join(",")
    }
}

/// Whether a ZooKeeper on this port reports that it serves.
fn is_serving(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = String::new();
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    stream.write_all(b"srvr").is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.contains("Mode:")
}
