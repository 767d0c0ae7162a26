//! A data directory has failed: its replicas go offline, the controller is notified, and a broker without any other
//! directory ends.
//!
//! Kafka: `ReplicaManager.LogDirFailureHandler`, `LogManager.handleLogDirFailure`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{BrokerServer, TARGET};
use crate::base::{Backoff, BrokerId};
use crate::config::KafkaVersion;
use crate::zk::znode::log_dir_event;
use crate::zk::{CreateMode, ZkError, ZooKeeper};

impl BrokerServer {
    /// Handles failed directories until the broker stops.
    pub(super) fn handle_failed_dirs(&self) {
        let Some(mut failures) = self.logs.shared().failures.listen() else { return };
        let failed = Arc::new(Notify::new());
        let (zk, id) = (self.services.zk.clone(), self.services.broker_id);
        self.tasks.spawn(notify_controller(zk, id, failed.clone(), self.shutdown.clone()));
        let (services, logs, shutdown) = (self.services.clone(), self.logs.clone(), self.shutdown.clone());
        // Before 1.0 the controller knows no failed directories (KIP-112).
        let all_or_nothing = !services.config.inter_broker_protocol_version.at_least(KafkaVersion::V1_0_IV0);
        self.tasks.spawn(async move {
            while let Some(dir) =
                tokio::select! { dir = failures.recv() => dir, () = shutdown.cancelled() => None }
            {
                if all_or_nothing {
                    log::error!(target: "kafka.server.ReplicaManager", "Halting broker because dir {} is offline", dir.display());
                    return shutdown.cancel();
                }
                services.replicas.role_changes().directory_failed(&dir);
                if logs.live_dirs().is_empty() {
                    return shutdown.cancel();
                }
                failed.notify_one();
            }
        });
    }
}

/// Writes a notification whenever a directory has failed, and tries until it is written.
async fn notify_controller(zk: ZooKeeper, id: BrokerId, failed: Arc<Notify>, stop: CancellationToken) {
    stop.run_until_cancelled(async {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        loop {
            // A directory that fails while one is being written causes another.
            failed.notified().await;
            let (path, data) = (log_dir_event::sequential_path(), log_dir_event::encode(id));
            loop {
                match zk.create_recursive(&path, &data, CreateMode::PersistentSequential).await {
                    Ok(_) => break backoff.reset(),
                    Err(ZkError::Closed) => return,
                    Err(error) => {
                        log::warn!(target: TARGET, "The controller could not be told of a failed log directory yet: {error}");
                        tokio::time::sleep(backoff.next_wait()).await;
                    }
                }
            }
        }
    })
    .await;
}
