//! The session: connected, reconnected for as long as the server may keep it, begun anew once a server has
//! ended it.
//!
//! A connection counts as lost when nothing is received for three fifths of the session's timeout. The client
//! crate comes no nearer to the two thirds of Java's client. Answers that arrive slowly are no silence.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zookeeper_client::{Acls, Client, CreateMode, Error, SessionInfo};

use super::connect_string::{ConnectString, ZkServer};
use super::metrics::ZooKeeperMetrics;
use super::op::ZkError;
use super::relay::Relay;
use super::window::{self, InFlightWindow};
use crate::base::Backoff;
use crate::metrics::Metric;

/// Kafka's logger of sessions.
const TARGET: &str = "kafka.zookeeper.ZooKeeperClient";

/// How long to wait after a lost connection before the next one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// How to connect.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// `zookeeper.session.timeout.ms`: how long the server keeps a session from which it receives nothing.
    pub session_timeout: Duration,
    /// `zookeeper.connection.timeout.ms`: how long the first connection may take.
    pub connection_timeout: Duration,
    /// Whether a missing chroot is created; brokers do that, tools do not.
    pub make_chroot: bool,
    /// `zookeeper.max.in.flight.requests`: how many requests may be sent and not yet answered, at least 1.
    pub max_in_flight: usize,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        let timeout = Duration::from_secs(18);
        Self { session_timeout: timeout, connection_timeout: timeout, make_chroot: true, max_in_flight: 10 }
    }
}

/// The state of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// How many sessions there have been, from 1. The ephemeral znodes and watches of an earlier session are
    /// gone.
    pub generation: u64,
    /// Whether a server is connected now.
    pub connected: bool,
}

/// A connection to one server: over for good once `lost`.
#[derive(Clone)]
pub(super) struct Connection {
    pub client: Client,
    pub generation: u64,
    pub window: InFlightWindow,
    pub lost: CancellationToken,
}

/// A session with the ensemble, shared by all its clones.
#[derive(Clone)]
pub struct ZooKeeper {
    pub(super) shared: Arc<SharedZooKeeper>,
}

pub(super) struct SharedZooKeeper {
    servers: Vec<ZkServer>,
    /// The index of the host that the next try begins with.
    next_server: AtomicUsize,
    chroot: String,
    options: ConnectOptions,
    states: watch::Sender<SessionState>,
    connection: watch::Sender<Option<Connection>>,
    session: Mutex<Option<SessionInfo>>,
    closing: CancellationToken,
    closed: CancellationToken,
    pub(super) metrics: ZooKeeperMetrics,
}

impl std::fmt::Debug for ZooKeeper {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ZooKeeper")
            .field("servers", &self.shared.servers)
            .field("chroot", &self.shared.chroot)
            .finish()
    }
}

impl ZooKeeper {
    /// Opens a session with the ensemble at `connect`, which is `host:port[,host:port…][/chroot]`.
    ///
    /// # Errors
    /// [`ZkError::ConnectTimeout`] where no server answers within the connection timeout, [`ZkError::ConnectString`].
    pub async fn connect(connect: &str, options: ConnectOptions) -> Result<Self, ZkError> {
        let ConnectString { servers, chroot } = ConnectString::parse(connect)?;
        let limit = options.connection_timeout;
        let shared = Arc::new(SharedZooKeeper {
            servers,
            next_server: AtomicUsize::new(fastrand::usize(..1000)),
            chroot,
            options,
            states: watch::Sender::new(SessionState { generation: 0, connected: false }),
            connection: watch::Sender::new(None),
            session: Mutex::new(None),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
            metrics: ZooKeeperMetrics::default(),
        });
        let attached = match tokio::time::timeout(limit, shared.attach_patiently()).await {
            Ok(attached) => attached,
            Err(_) => return Err(ZkError::ConnectTimeout),
        };
        shared.prepare_chroot(&attached.client).await?;
        shared.publish(&attached, 1)?;
        tokio::spawn(keep(shared.clone(), attached));
        Ok(Self { shared })
    }

    /// The number of this session, from 1.
    pub fn generation(&self) -> u64 {
        self.shared.states.borrow().generation
    }

    /// The state of the session, now and at every change.
    pub fn session_states(&self) -> watch::Receiver<SessionState> {
        self.shared.states.subscribe()
    }

    /// The id of the present session, as the owner of ephemeral znodes has it; 0 before there is one.
    pub fn session_id(&self) -> i64 {
        self.shared.session_id()
    }

    /// The session timeout that the ensemble has granted; the one asked for while there is no connection.
    pub fn session_timeout(&self) -> Duration {
        let connection = self.shared.connection.borrow();
        connection.as_ref().map_or(self.shared.options.session_timeout, |it| it.client.session_timeout())
    }

    /// What is measured of the session and its requests.
    pub fn metrics(&self) -> Vec<Metric> {
        self.shared.metrics.metrics()
    }

    /// Closes the session at the server, so that its ephemeral znodes are gone when this returns; waits at
    /// most for the session timeout.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        let limit = self.shared.options.session_timeout;
        if tokio::time::timeout(limit, self.shared.closed.cancelled()).await.is_err() {
            log::warn!(target: TARGET, "The session could not be closed and is left to expire");
        }
    }

    /// The present connection; waits while there is none; None once the session is closed.
    pub(super) async fn connection(&self) -> Option<Connection> {
        let mut connections = self.shared.connection.subscribe();
        tokio::select! {
            found = connections.wait_for(Option::is_some) => found.ok().and_then(|connection| connection.clone()),
            () = self.shared.closed.cancelled() => None,
        }
    }
}

impl SharedZooKeeper {
    /// Cancelled once the session is closed.
    pub fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    /// One try, at every server, to attach the present session or to open the first one. A server that cannot
    /// be reached is logged, unless the same text is among the `logged`.
    async fn attach(&self, detached: bool, logged: &mut HashSet<String>) -> Result<Attached, AttachError> {
        let servers = &self.servers;
        let limit = self.options.session_timeout / u32::try_from(servers.len()).unwrap_or(u32::MAX);
        let first = self.next_server.fetch_add(1, Ordering::Relaxed);
        let mut outcome = Err(AttachError::Client(Error::NoHosts));
        for at in 0..servers.len() {
            let server = &servers[(first + at) % servers.len()];
            let attaching = self.attach_to(server, limit, detached);
            outcome = tokio::time::timeout(limit, attaching).await.unwrap_or(Err(AttachError::Silent(limit)));
            let reason = match &outcome {
                Ok(_) | Err(AttachError::Client(Error::SessionExpired | Error::AuthFailed)) => break,
                Err(reason) => reason.to_string(),
            };
            if logged.insert(format!("{server}: {reason}")) {
                log::warn!(target: TARGET, "Session 0x{:x} for server {server}, unexpected error, closing socket connection and attempting reconnect: {reason}", self.session_id());
            }
        }
        outcome
    }

    /// The id of the present session; 0 before there is one.
    fn session_id(&self) -> i64 {
        self.session.lock().as_ref().map_or(0, |session| session.id().0)
    }

    async fn attach_to(
        &self,
        server: &ZkServer,
        limit: Duration,
        detached: bool,
    ) -> Result<Attached, AttachError> {
        let relay = Relay::to(server, limit).await?;
        let mut connector = Client::connector()
            .with_session_timeout(self.options.session_timeout)
            .with_connection_timeout(self.options.session_timeout * 3 / 5)
            .with_fail_eagerly();
        if detached {
            connector = connector.with_detached();
        }
        if let Some(session) = self.session.lock().clone() {
            connector = connector.with_session(session);
        }
        let client = connector.connect(&relay.address).await?;
        // This server may be behind the one before; without this a read could return the state before this
        // session's own writes.
        client.sync("/").await?;
        Ok(Attached { client, relay })
    }

    /// Tries until a server attaches the session; if a server has ended it, until one opens a new one.
    async fn attach_patiently(&self) -> Attached {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let mut logged = HashSet::new();
        loop {
            match self.attach(true, &mut logged).await {
                Ok(attached) => return attached,
                Err(AttachError::Client(Error::SessionExpired)) => {
                    log::info!(target: TARGET, "The session has expired");
                    self.metrics.expired();
                    *self.session.lock() = None;
                    backoff.reset();
                }
                Err(_) => tokio::time::sleep(backoff.next_wait()).await,
            }
        }
    }

    /// Creates the chroot with its parents. If it is not to be created and does not exist, no operation finds
    /// a znode.
    async fn prepare_chroot(&self, root: &Client) -> Result<(), ZkError> {
        if self.chroot.is_empty() || !self.options.make_chroot {
            return Ok(());
        }
        let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
        root.mkdir(&self.chroot, &options).await.map_err(ZkError::from)
    }

    /// Notifies all waiting operations and watches of a connection.
    fn publish(&self, attached: &Attached, generation: u64) -> Result<(), ZkError> {
        let client = &attached.client;
        *self.session.lock() = Some(client.session().clone());
        let rooted = if self.chroot.is_empty() {
            client.clone()
        } else {
            client
                .clone()
                .chroot(self.chroot.clone())
                .map_err(|_| ZkError::Other(format!("{} is no chroot", self.chroot)))?
        };
        let (window, lost) = (InFlightWindow::new(self.options.max_in_flight), attached.relay.ended.clone());
        let connection = Connection { client: rooted, generation, window, lost };
        tokio::spawn(window::keep_alive(connection.clone(), self.options.session_timeout / 3));
        self.connection.send_replace(Some(connection));
        self.metrics.connected();
        self.states.send_replace(SessionState { generation, connected: true });
        Ok(())
    }

    /// Notifies all waiting operations and watches that the connection is lost, and drops it.
    fn withdraw(&self) {
        if let Some(connection) = self.connection.send_replace(None) {
            connection.lost.cancel();
            self.metrics.disconnected();
        }
        self.states.send_modify(|state| state.connected = false);
    }
}

/// Why a server did not attach the session.
#[derive(Debug, thiserror::Error)]
enum AttachError {
    /// It cannot be reached.
    #[error("{0}")]
    Unreachable(#[from] std::io::Error),
    /// It does not answer.
    #[error("no answer within {} ms", .0.as_millis())]
    Silent(Duration),
    /// It does not attach the session, or not now.
    #[error("{0}")]
    Client(#[from] Error),
}

/// A client object, and the relay by which alone it reaches a server.
struct Attached {
    client: Client,
    relay: Relay,
}

impl Attached {
    /// Waits until the client's state is anything but connected.
    async fn lost(&self) {
        let disconnected = async {
            let mut states = self.client.state_watcher();
            let mut state = states.state();
            while state == zookeeper_client::SessionState::SyncConnected {
                state = states.changed().await;
            }
        };
        tokio::select! {
            () = self.relay.ended.cancelled() => {}
            () = disconnected => {}
        }
    }
}

/// Keeps a session: replaces lost connections, begins new generations, closes the session at the end.
async fn keep(shared: Arc<SharedZooKeeper>, mut attached: Attached) {
    loop {
        let ended = tokio::select! {
            () = attached.lost() => false,
            () = shared.closing.cancelled() => true,
        };
        shared.withdraw();
        drop(attached);
        if ended {
            break;
        }
        log::info!(target: TARGET, "The connection to ZooKeeper is lost");
        let before = shared.session.lock().as_ref().map(SessionInfo::id);
        let started = Instant::now();
        // Lets the server process what it had received before, so that repeated writes come after it.
        tokio::time::sleep(FIRST_PAUSE).await;
        attached = tokio::select! {
            attached = shared.attach_patiently() => attached,
            () = shared.closing.cancelled() => break,
        };
        let same = before == Some(attached.client.session_id());
        let generation = shared.states.borrow().generation + u64::from(!same);
        let what = if same { "The session goes on" } else { "A new session has begun" };
        log::info!(target: TARGET, "{what} after {:?}", started.elapsed());
        if shared.publish(&attached, generation).is_err() {
            break; // Cannot be: the same chroot was taken before.
        }
    }
    close_at_server(&shared).await;
    shared.closed.cancel();
}

/// Closes the session. Clients attached with `detached` never close it, so one without is attached and
/// dropped.
async fn close_at_server(shared: &SharedZooKeeper) {
    if shared.session.lock().is_none() {
        return;
    }
    let Ok(Attached { client, relay }) = shared.attach(false, &mut HashSet::new()).await else { return };
    let mut states = client.state_watcher();
    drop(client);
    tokio::select! {
        () = async { while !states.changed().await.is_terminated() {} } => {}
        () = relay.ended.cancelled() => {}
    }
}
