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

/// A ZooKeeper server of a test's own, for tests that stop it.
pub struct ZooKeeperServer {
    directory: tempfile::TempDir,
    port: u16,
    process: Option<Process>,
}

impl ZooKeeperServer {
    /// Starts a standalone server on a free port, with a tick of half a second.
    pub fn start() -> Self {
        let mut server = Self { directory: tempfile::tempdir().unwrap(), port: free_port(), process: None };
        server.restart();
        server
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
        self.kill();
        let file = self.directory.path().join("zookeeper.properties");
        let properties = format!(
            "dataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\ntickTime=500\nmaxClientCnxns=0\n\
             admin.enableServer=false\n4lw.commands.whitelist=*\n",
            self.directory.path().join("data").display(),
            self.port
        );
        std::fs::write(&file, properties).unwrap();
        let process = Process::start(
            "ZooKeeper",
            Command::new(root().join("scripts/zookeeper-server-start.sh"))
                .arg(&file)
                .env("KAFKA_HEAP_OPTS", "-Xmx256M"),
        );
        super::eventually("ZooKeeper answers", Duration::from_secs(60), || {
            is_serving(self.port).then_some(())
        });
        self.process = Some(process);
    }
}

/// Whether a ZooKeeper on this port says that it serves.
fn is_serving(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = String::new();
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    stream.write_all(b"srvr").is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.contains("Mode:")
}
