//! Watches that miss no change. A znode is read and its watch set in one call. It is read again after every
//! event, every reconnection and every new session, and reported if it differs from the last report.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use zookeeper_client::{Error, OneshotWatcher};

use super::op::Stat;
use super::session::{Connection, SessionState, ZooKeeper};
use super::unseen::Unseen;

/// A change that was seen.
#[derive(Clone, Debug)]
pub enum ZnodeChange {
    /// The children of a znode, as they are now.
    Children {
        /// The znode.
        path: String,
        /// Its children's names, in no order; None where the znode does not exist.
        children: Option<Vec<String>>,
        /// The session that read it.
        generation: u64,
    },
    /// The data of a znode, as they are now.
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

/// A set of watched znodes, and their changes. Dropping it ends all its watches.
#[derive(Debug)]
pub struct Watches {
    zk: ZooKeeper,
    followed: HashMap<WatchKey, AbortHandle>,
    changes: Arc<UnseenChanges>,
    states: watch::Receiver<SessionState>,
}

type WatchKey = (WatchKind, String);

/// The changes that the watches of a set have found and its reader has not read.
#[derive(Debug, Default)]
struct UnseenChanges {
    unseen: Mutex<Unseen<WatchKey, ZnodeChange>>,
    added: Notify,
}

impl UnseenChanges {
    fn add(&self, key: WatchKey, change: ZnodeChange) {
        self.unseen.lock().add(key, change);
        self.added.notify_one();
    }

    async fn next(&self) -> ZnodeChange {
        loop {
            let next = self.unseen.lock().take();
            match next {
                Some(change) => return change,
                None => self.added.notified().await,
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum WatchKind {
    Children,
    Data,
}

impl ZooKeeper {
    /// A set of watches, empty at first.
    pub fn watches(&self) -> Watches {
        let mut states = self.session_states();
        states.mark_unchanged();
        Watches { zk: self.clone(), followed: HashMap::new(), changes: Arc::default(), states }
    }
}

impl Watches {
    /// Watches the children of a znode, which need not exist; the first change has the present ones.
    pub fn watch_children(&mut self, path: &str) {
        self.follow(WatchKind::Children, path);
    }

    /// Watches the data of a znode, which need not exist; the first change has the present data.
    pub fn watch_data(&mut self, path: &str) {
        self.follow(WatchKind::Data, path);
    }

    /// Stops watching the children and the data of this znode.
    pub fn unwatch(&mut self, path: &str) {
        for what in [WatchKind::Children, WatchKind::Data] {
            let key = (what, path.to_owned());
            if let Some(task) = self.followed.remove(&key) {
                task.abort();
                self.changes.unseen.lock().forget(&key);
            }
        }
    }

    /// The next change; waits for it; None once the session is closed. A znode that has changed again
    /// meanwhile is reported once, with its last content.
    pub async fn next(&mut self) -> Option<ZnodeChange> {
        let closed = self.zk.shared.closed();
        tokio::select! {
            biased;
            changed = self.states.changed() => {
                changed.ok()?;
                Some(ZnodeChange::Session(*self.states.borrow_and_update()))
            }
            change = self.changes.next() => Some(change),
            () = closed.cancelled() => None,
        }
    }

    fn follow(&mut self, what: WatchKind, path: &str) {
        let (zk, changes, key) = (self.zk.clone(), self.changes.clone(), (what, path.to_owned()));
        self.followed
            .entry(key.clone())
            .or_insert_with(|| tokio::spawn(follow(zk, key, changes)).abort_handle());
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        for task in self.followed.values() {
            task.abort();
        }
    }
}

/// What distinguishes one reading from another: when the znode was created and how often it has changed
/// since.
type Mark = Option<(i64, i64)>;

/// Reads a znode and sets its watch again and again, as long as the session lasts.
async fn follow(zk: ZooKeeper, key: WatchKey, changes: Arc<UnseenChanges>) {
    let (what, path) = &key;
    let mut known: Option<Mark> = None;
    while let Some(turn) = zk.turn().await {
        let armed = match what {
            WatchKind::Children => turn.answer(read_children(&turn.connection, path)).await,
            WatchKind::Data => turn.answer(read_data(&turn.connection, path)).await,
        };
        let (change, mark, watcher) = match armed {
            Ok(armed) => armed,
            Err(Error::NoNode) => continue, // It came or went between two reads; read again.
            Err(error) => {
                log::debug!(target: "kafka.zookeeper.ZooKeeperClient", "Reading {path} to watch it: {error}");
                turn.forget().await;
                continue;
            }
        };
        let lost = turn.connection.lost.clone();
        drop(turn);
        if known != Some(mark) {
            known = Some(mark);
            changes.add(key.clone(), change);
        }
        tokio::select! {
            _ = watcher.changed() => {}
            () = lost.cancelled() => {}
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

/// A watch on a znode that does not exist; NoNode if it exists by now.
async fn await_creation(connection: &Connection, path: &str) -> Result<OneshotWatcher, Error> {
    match connection.client.check_and_watch_stat(path).await? {
        (None, watcher) => Ok(watcher),
        (Some(_), _) => Err(Error::NoNode),
    }
}
