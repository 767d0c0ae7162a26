//! A Barnabas broker inside of the test's own process, for tests that hand it plugins.

use barnabas::broker::{BrokerServer, Plugins};
use barnabas::config::Properties;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{Chroot, free_port};

/// A broker with a runtime and directories of its own; stops when dropped.
pub struct EmbeddedBroker {
    /// The port of its PLAINTEXT listener.
    pub port: u16,
    broker: Option<BrokerServer>,
    runtime: Runtime,
    _directory: tempfile::TempDir,
}

impl EmbeddedBroker {
    /// Starts broker 1 below the chroot, with these plugins.
    pub fn start(chroot: &Chroot, plugins: Plugins) -> Self {
        let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
        let properties = Properties::from_iter([
            ("broker.id", "1".to_owned()),
            ("listeners", format!("PLAINTEXT://127.0.0.1:{port}")),
            ("log.dirs", directory.path().join("data").display().to_string()),
            ("zookeeper.connect", chroot.connect()),
            ("zookeeper.session.timeout.ms", "6000".to_owned()),
            ("controlled.shutdown.enable", "false".to_owned()),
            ("offsets.topic.replication.factor", "1".to_owned()),
            ("offsets.topic.num.partitions", "4".to_owned()),
        ]);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let starting =
            BrokerServer::start_with(properties, runtime.handle().clone(), plugins, CancellationToken::new());
        let broker = Some(runtime.block_on(starting).unwrap());
        Self { port, broker, runtime, _directory: directory }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        if let Some(broker) = self.broker.take() {
            self.runtime.block_on(broker.stop());
        }
    }
}
