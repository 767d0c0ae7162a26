//! A corner of ZooKeeper for one test, removed at its end.

use std::sync::atomic::{AtomicU32, Ordering};

use super::zookeeper;

/// A chroot that no other test uses; the broker under test makes it.
pub struct Chroot {
    server: String,
    path: String,
}

impl Chroot {
    /// A new chroot in the run's ZooKeeper.
    pub fn new() -> Self {
        Self::on(&zookeeper())
    }

    /// A new chroot on the server at `host:port`, or the servers of an ensemble with commas between them.
    pub fn on(server: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = format!("/test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        Self { server: server.to_owned(), path }
    }

    /// What `zookeeper.connect` is set to: `host:port/chroot`.
    pub fn connect(&self) -> String {
        format!("{}{}", self.server, self.path)
    }

    /// The chroot alone, with its leading slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The server's `host:port`.
    pub fn server(&self) -> &str {
        &self.server
    }
}

impl Drop for Chroot {
    fn drop(&mut self) {
        let (server, path) = (self.server.clone(), self.path.clone());
        // On a thread of its own: a test may drop its chroot inside a runtime.
        let removal = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let Ok(client) =
                    zookeeper_client::Client::connector().with_fail_eagerly().connect(&server).await
                else {
                    return; // A server that is gone has taken the chroot along.
                };
                remove(&client, &path).await;
            });
        });
        let _ = removal.join();
    }
}

/// Removes a znode and all below it; what vanishes by itself meanwhile (ephemerals) is no matter.
async fn remove(client: &zookeeper_client::Client, path: &str) {
    if let Ok(children) = client.list_children(path).await {
        for child in children {
            Box::pin(remove(client, &format!("{path}/{child}"))).await;
        }
    }
    let _ = client.delete(path, None).await;
}
