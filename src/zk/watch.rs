//! Watches that lose nothing: what is watched is read and armed in one call, read again after every event, every
//! reconnection and every new session, and handed on where it differs from what was handed on before.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use zookeeper_client::{Error, OneshotWatcher};

use super::session::{Connection, SessionState, ZooKeeper};
use super::store::Stat;

/// How many changes may wait for their reader before watching pauses.
const CHANGES_WAITING: usize = 1024;

/// Something that was seen to be different.
#[derive(Clone, Debug)]
pub enum ZnodeChange {
    /// A znode's children, as freshly read.
    Children {
        /// The znode.
        path: String,
        /// Its children's names, in no order; None where the znode does not exist.
        children: Option<Vec<String>>,
        /// The session that read it.
        generation: u64,
    },
    /// A znode's data, as freshly read.
    Data {
        /// The znode.
        path: String,
        /// Its data and stat; None where it does not exist.
        data: Option<(Bytes, Stat)>,
        /// The session that read it.
        generation: u64,
    },
    /// The session: lost, found again, or begun anew.
    Session(SessionState),
}

/// A set of watched znodes, and what changes in them. Dropping it ends all its watches.
#[derive(Debug)]
pub struct Watches {
    zk: ZooKeeper,
    followed: HashMap<(What, String), AbortHandle>,
    found: mpsc::Sender<ZnodeChange>,
    changes: mpsc::Receiver<ZnodeChange>,
    states: watch::Receiver<SessionState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Children,
    Data,
}

impl ZooKeeper {
    /// A set of watches, empty at first.
    pub fn watches(&self) -> Watches {
        let (found, changes) = mpsc::channel(CHANGES_WAITING);
        let mut states = self.session_states();
        states.mark_unchanged();
        Watches { zk: self.clone(), followed: HashMap::new(), found, changes, states }
    }
}

impl Watches {
    /// Watches the children of a znode, which need not exist; the first change is what they are now.
    pub fn watch_children(&mut self, path: &str) {
        self.follow(What::Children, path);
    }

    /// Watches the data of a znode, which need not exist; the first change is what it is now.
    pub fn watch_data(&mut self, path: &str) {
        self.follow(What::Data, path);
    }

    /// Watches neither the children nor the data of this znode any more.
    pub fn unwatch(&mut self, path: &str) {
        for what in [What::Children, What::Data] {
            if let Some(task) = self.followed.remove(&(what, path.to_owned())) {
                task.abort();
            }
        }
    }

    /// The next change, waited for; None once the session is closed.
    pub async fn next(&mut self) -> Option<ZnodeChange> {
        let closed = self.zk.shared.closed();
        tokio::select! {
            biased;
            changed = self.states.changed() => {
                changed.ok()?;
                Some(ZnodeChange::Session(*self.states.borrow_and_update()))
            }
            change = self.changes.recv() => change,
            () = closed.cancelled() => None,
        }
    }

    fn follow(&mut self, what: What, path: &str) {
        let (zk, found) = (self.zk.clone(), self.found.clone());
        self.followed.entry((what, path.to_owned())).or_insert_with(|| {
            let path = path.to_owned();
            tokio::spawn(async move { follow(zk, what, path, found).await }).abort_handle()
        });
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        for task in self.followed.values() {
            task.abort();
        }
    }
}

/// What tells one reading from another: when the znode was made and how often it has changed since.
type Mark = Option<(i64, i64)>;

/// Reads and arms one watch again and again, as long as the session lasts and somebody listens.
async fn follow(zk: ZooKeeper, what: What, path: String, found: mpsc::Sender<ZnodeChange>) {
    let mut known: Option<Mark> = None;
    while let Some(connection) = zk.connection().await {
        let limit = zk.operation_limit();
        let armed = match what {
            What::Children => connection.answer(read_children(&connection, &path), limit).await,
            What::Data => connection.answer(read_data(&connection, &path), limit).await,
        };
        // Let go before waiting for a slow reader: a client that is held after its connection is lost attaches the
        // session again by itself, against the client that has replaced it.
        let lost = connection.lost.clone();
        drop(connection);
        match armed {
            Ok((change, mark, watcher)) => {
                if known != Some(mark) {
                    known = Some(mark);
                    if found.send(change).await.is_err() {
                        return;
                    }
                }
                tokio::select! {
                    _ = watcher.changed() => {}
                    () = lost.cancelled() => {}
                }
            }
            Err(Error::NoNode) => {} // It came or went between two looks; look again.
            Err(error) => {
                log::debug!(target: "kafka.zookeeper.ZooKeeperClient", "Reading {path} to watch it: {error}");
                let patience = std::time::Duration::from_millis(200);
                let _ = tokio::time::timeout(patience, lost.cancelled()).await;
            }
        }
    }
}

type Armed = (ZnodeChange, Mark, OneshotWatcher);

async fn read_children(connection: &Connection, path: &str) -> Result<Armed, Error> {
    let generation = connection.generation;
    let change = |children| ZnodeChange::Children { path: path.to_owned(), children, generation };
    match connection.client.get_and_watch_children(path).await {
        Ok((children, stat, watcher)) => {
            Ok((change(Some(children)), Some((stat.czxid, stat.pzxid)), watcher))
        }
        Err(Error::NoNode) => {
            await_creation(connection, path).await.map(|watcher| (change(None), None, watcher))
        }
        Err(error) => Err(error),
    }
}

async fn read_data(connection: &Connection, path: &str) -> Result<Armed, Error> {
    let generation = connection.generation;
    let change = |data| ZnodeChange::Data { path: path.to_owned(), data, generation };
    match connection.client.get_and_watch_data(path).await {
        Ok((data, stat, watcher)) => {
            let mark = Some((stat.czxid, stat.mzxid));
            Ok((change(Some((data.into(), stat))), mark, watcher))
        }
        Err(Error::NoNode) => {
            await_creation(connection, path).await.map(|watcher| (change(None), None, watcher))
        }
        Err(error) => Err(error),
    }
}

/// A watch on a znode that does not exist; NoNode where it has come to exist meanwhile.
async fn await_creation(connection: &Connection, path: &str) -> Result<OneshotWatcher, Error> {
    match connection.client.check_and_watch_stat(path).await? {
        (None, watcher) => Ok(watcher),
        (Some(_), _) => Err(Error::NoNode),
    }
}
