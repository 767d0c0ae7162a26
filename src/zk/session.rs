//! The session: connected, reconnected for as long as the server may hold it, born again once the server says it is gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acls, Client, CreateMode, Error, SessionInfo};

use super::store::ZkError;
use crate::base::Backoff;

/// How to connect.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// `zookeeper.session.timeout.ms`: how long the server keeps a session that gives no sign of life.
    pub session_timeout: Duration,
    /// `zookeeper.connection.timeout.ms`: how long the first connection may take.
    pub connection_timeout: Duration,
    /// Whether a chroot that does not exist is made; tools leave it to brokers.
    pub make_chroot: bool,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        let timeout = Duration::from_secs(18);
        Self { session_timeout: timeout, connection_timeout: timeout, make_chroot: true }
    }
}

/// Where the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// How many sessions there have been, from 1. What an earlier one made or watched is gone with it.
    pub generation: u64,
    /// Whether a server answers now.
    pub connected: bool,
}

/// A connection to one server: gone for good once `lost`.
#[derive(Clone)]
pub(super) struct Connection {
    pub client: Client,
    pub generation: u64,
    pub lost: CancellationToken,
}

impl Connection {
    /// The answer to an operation on this connection; connection loss as soon as the connection is known to be lost.
    pub async fn answer<T>(
        &self,
        operation: impl Future<Output = Result<T, Error>>,
        limit: Duration,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            answer = tokio::time::timeout(limit, operation) => answer.unwrap_or(Err(Error::ConnectionLoss)),
            () = self.lost.cancelled() => Err(Error::ConnectionLoss),
        }
    }
}

/// A session with the ensemble, shared by all its clones.
#[derive(Clone)]
pub struct ZooKeeper {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    hosts: String,
    chroot: String,
    options: ConnectOptions,
    states: watch::Sender<SessionState>,
    connection: watch::Sender<Option<Connection>>,
    session: Mutex<Option<SessionInfo>>,
    closing: CancellationToken,
    closed: CancellationToken,
}

impl std::fmt::Debug for ZooKeeper {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ZooKeeper")
            .field("hosts", &self.shared.hosts)
            .field("chroot", &self.shared.chroot)
            .finish()
    }
}

impl ZooKeeper {
    /// Opens a session with the ensemble at `connect`, which is `host:port[,host:port…][/chroot]`.
    ///
    /// # Errors
    /// [`ZkError::ConnectTimeout`] where no server answers within the connection timeout, [`ZkError::NoNode`] where the
    /// chroot does not exist and is not to be made.
    pub async fn connect(connect: &str, options: ConnectOptions) -> Result<Self, ZkError> {
        let (hosts, chroot) = match connect.find('/') {
            Some(at) => (&connect[..at], connect[at..].trim_end_matches('/')),
            None => (connect, ""),
        };
        let limit = options.connection_timeout;
        let shared = Arc::new(Shared {
            hosts: hosts.to_owned(),
            chroot: chroot.to_owned(),
            options,
            states: watch::Sender::new(SessionState { generation: 0, connected: false }),
            connection: watch::Sender::new(None),
            session: Mutex::new(None),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
        });
        let client = match tokio::time::timeout(limit, shared.attach_patiently()).await {
            Ok(client) => client,
            Err(_) => return Err(ZkError::ConnectTimeout),
        };
        shared.prepare_chroot(&client).await?;
        shared.publish(&client, 1)?;
        tokio::spawn(keep(shared.clone(), client));
        Ok(Self { shared })
    }

    /// Which session this is, from 1.
    pub fn generation(&self) -> u64 {
        self.shared.states.borrow().generation
    }

    /// Where the session stands, now and at every change.
    pub fn session_states(&self) -> watch::Receiver<SessionState> {
        self.shared.states.subscribe()
    }

    /// The id of the present session, as a znode's ephemeral owner shows it; 0 before there is one.
    pub fn session_id(&self) -> i64 {
        self.shared.session.lock().as_ref().map_or(0, |session| session.id().0)
    }

    /// Ends the session at the server, so that its ephemeral znodes are gone when this returns; waits at most as long as
    /// a session lasts by itself.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        let limit = self.shared.options.session_timeout;
        if tokio::time::timeout(limit, self.shared.closed.cancelled()).await.is_err() {
            log::warn!(target: "kafka.zookeeper.ZooKeeperClient", "The session could not be closed and is left to expire");
        }
    }

    /// The present connection, waited for where there is none; None once the session is closed.
    pub(super) async fn connection(&self) -> Option<Connection> {
        let mut connections = self.shared.connection.subscribe();
        tokio::select! {
            found = connections.wait_for(Option::is_some) => found.ok().and_then(|connection| connection.clone()),
            () = self.shared.closed.cancelled() => None,
        }
    }

    /// How long one operation may go without an answer before its connection is taken for lost.
    pub(super) fn operation_limit(&self) -> Duration {
        self.shared.options.session_timeout
    }
}

impl Shared {
    /// Cancelled once the session is closed.
    pub fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    /// One try to attach the present session, or to open the first one.
    async fn attach(&self) -> Result<Client, Error> {
        let mut connector = Client::connector()
            .with_session_timeout(self.options.session_timeout)
            .with_connection_timeout(self.options.session_timeout / 3)
            .with_fail_eagerly()
            .with_detached();
        if let Some(session) = self.session.lock().clone() {
            connector = connector.with_session(session);
        }
        let attached = async {
            let client = connector.connect(&self.hosts).await?;
            // This server may be behind the one before; without this we could read what was true before our own writes.
            client.sync("/").await?;
            Ok(client)
        };
        tokio::time::timeout(self.options.session_timeout, attached).await.unwrap_or(Err(Error::Timeout))
    }

    /// Tries until a server takes the session; where the server says that it has expired, until it opens a new one.
    async fn attach_patiently(&self) -> Client {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            match self.attach().await {
                Ok(client) => return client,
                Err(Error::SessionExpired) => {
                    log::info!(target: "kafka.zookeeper.ZooKeeperClient", "The session has expired");
                    *self.session.lock() = None;
                    backoff.reset();
                }
                Err(error) => {
                    log::debug!(target: "kafka.zookeeper.ZooKeeperClient", "No connection to {}: {error}", self.hosts);
                    tokio::time::sleep(backoff.next_wait()).await;
                }
            }
        }
    }

    /// Makes the chroot with its parents, or checks that it is there.
    async fn prepare_chroot(&self, root: &Client) -> Result<(), ZkError> {
        if self.chroot.is_empty() {
            return Ok(());
        }
        if self.options.make_chroot {
            let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
            return root.mkdir(&self.chroot, &options).await.map_err(ZkError::from);
        }
        match root.check_stat(&self.chroot).await? {
            Some(_) => Ok(()),
            None => Err(ZkError::NoNode),
        }
    }

    /// Tells everybody of a connection.
    fn publish(&self, client: &Client, generation: u64) -> Result<(), ZkError> {
        *self.session.lock() = Some(client.session().clone());
        let rooted = if self.chroot.is_empty() {
            client.clone()
        } else {
            client.clone().chroot(self.chroot.clone()).map_err(|_| ZkError::BadChroot(self.chroot.clone()))?
        };
        let connection = Connection { client: rooted, generation, lost: CancellationToken::new() };
        self.connection.send_replace(Some(connection));
        self.states.send_replace(SessionState { generation, connected: true });
        Ok(())
    }

    /// Tells everybody that the connection is lost, and lets go of it.
    fn withdraw(&self) {
        if let Some(connection) = self.connection.send_replace(None) {
            connection.lost.cancel();
        }
        self.states.send_modify(|state| state.connected = false);
    }
}

/// Keeps a session: replaces lost connections, begins new generations, closes it in the end.
async fn keep(shared: Arc<Shared>, mut client: Client) {
    loop {
        let ended = tokio::select! {
            () = until_disconnected(&client) => false,
            () = shared.closing.cancelled() => true,
        };
        shared.withdraw();
        let mut old = client.state_watcher();
        drop(client);
        if ended {
            // It must be gone before another attaches the session to close it, or it would attach it once more.
            let gone = async { while !old.changed().await.is_terminated() {} };
            let _ = tokio::time::timeout(Duration::from_millis(500), gone).await;
            break;
        }
        log::info!(target: "kafka.zookeeper.ZooKeeperClient", "The connection to ZooKeeper is lost");
        let before = shared.session.lock().as_ref().map(SessionInfo::id);
        let started = Instant::now();
        client = tokio::select! {
            client = shared.attach_patiently() => client,
            () = shared.closing.cancelled() => break,
        };
        let same = before == Some(client.session_id());
        let generation = shared.states.borrow().generation + u64::from(!same);
        let what = if same { "The session goes on" } else { "A new session has begun" };
        log::info!(target: "kafka.zookeeper.ZooKeeperClient", "{what} after {:?}", started.elapsed());
        if shared.publish(&client, generation).is_err() {
            break; // Cannot be: the same chroot was taken before.
        }
    }
    close_at_server(&shared).await;
    shared.closed.cancel();
}

/// Waits until the client is anything but connected.
async fn until_disconnected(client: &Client) {
    let mut states = client.state_watcher();
    let mut state = states.state();
    while state == zookeeper_client::SessionState::SyncConnected {
        state = states.changed().await;
    }
}

/// Ends the session: clients that were attached with `detached` never do, so one is attached that does, and dropped.
async fn close_at_server(shared: &Shared) {
    let Some(session) = shared.session.lock().clone() else { return };
    let connector = Client::connector()
        .with_session_timeout(shared.options.session_timeout)
        .with_fail_eagerly()
        .with_session(session);
    if let Ok(client) = connector.connect(&shared.hosts).await {
        let mut states = client.state_watcher();
        drop(client);
        while !states.state().is_terminated() {
            states.changed().await;
        }
    }
}
