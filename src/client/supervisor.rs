//! The background task of a client that makes its connections and closes those that are unused.
//!
//! - One connection at a time is made to a server, however many calls need it. After a failure the next try
//!   waits for a time that doubles with every further failure (`reconnect.backoff.ms` up to
//!   `reconnect.backoff.max.ms`).
//! - When any server will do, an open connection is taken, else the known brokers are tried in the order of
//!   their ids, and after them the bootstrap servers. A client whose known brokers are all gone begins at its
//!   bootstrap servers again.
//! - The task ends, and its connections with it, when the last handle to it is dropped.
//!
//! Kafka: `NetworkClient.leastLoadedNode`, `ClusterConnectionStates`.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::address::ServerAddress;
use super::cluster::{ClusterOptions, ClusterShared};
use super::connection::BrokerConnection;
use super::error::ClientError;
use super::events::{ClientEvent, ServerName};
use super::metrics::count;
use super::open_connections::{ConnectionKey, ConnectionPurpose};
use crate::base::Backoff;

/// How many servers without a connection are remembered, beside those that the cluster has now.
const REMEMBERED_SERVERS: usize = 1000;

/// The longest time between two checks for unused connections.
const LONGEST_UNUSED: Duration = Duration::from_secs(86_400);

pub(super) type ConnectionReply = oneshot::Sender<Result<BrokerConnection, ClientError>>;

/// A call that needs a connection.
#[derive(Debug)]
pub(super) struct ConnectionWanted {
    /// Its other end; None for any server.
    pub to: Option<ConnectionKey>,
    /// Gets the connection once it is open.
    pub reply: ConnectionReply,
}

/// What is known of a server's reachability.
struct Server {
    /// A connection is being made; the replies wait for it.
    opening: Option<Vec<ConnectionReply>>,
    backoff: Backoff,
    /// The most that the next try may take.
    setup_limit: Backoff,
    /// No connection is tried before this time.
    retry_at: Option<Instant>,
}

/// A search for any server that takes a connection.
struct Search {
    trying: ServerAddress,
    next: VecDeque<ServerAddress>,
    waiting: Vec<ConnectionReply>,
}

/// The outcome of a connection attempt.
struct ConnectionAttempt {
    key: ConnectionKey,
    outcome: Result<BrokerConnection, ClientError>,
    /// The IP address of a server that cannot be reached, if its name was resolved.
    ip: Option<IpAddr>,
}

/// The state of the task.
pub(super) struct Supervisor {
    shared: Arc<ClusterShared>,
    bootstrap: Vec<ServerAddress>,
    servers: HashMap<ConnectionKey, Server>,
    search: Option<Search>,
    opening: FuturesUnordered<BoxFuture<'static, ConnectionAttempt>>,
}

impl Supervisor {
    /// A task that knows only its bootstrap servers.
    pub(super) fn new(shared: Arc<ClusterShared>, bootstrap: Vec<ServerAddress>) -> Self {
        Self { shared, bootstrap, servers: HashMap::new(), search: None, opening: FuturesUnordered::new() }
    }

    /// Makes the connections that are wanted, until the client is `over`.
    pub(super) async fn run(
        mut self,
        mut wanted: mpsc::UnboundedReceiver<ConnectionWanted>,
        over: CancellationToken,
    ) {
        let mut check_at = Instant::now() + self.options().connections_max_idle.min(LONGEST_UNUSED);
        loop {
            tokio::select! {
                () = over.cancelled() => break,
                Some(opened) = self.opening.next() => self.opened(opened),
                Some(ConnectionWanted { to, reply }) = wanted.recv() => match to {
                    Some(key) => self.connect(&key, Some(reply)),
                    None => self.connect_to_any(reply),
                },
                () = sleep_until(check_at) => check_at = Instant::now() + self.close_unused(),
            }
        }
        self.shared.connections.close_all();
    }

    fn options(&self) -> &ClusterOptions {
        &self.shared.options
    }

    /// Closes the connections that are unused, and returns the time to the next check.
    fn close_unused(&self) -> Duration {
        let limit = self.options().connections_max_idle.min(LONGEST_UNUSED);
        let closed = self.shared.connections.close_unused(limit);
        self.shared.counters.connections_expired.fetch_add(closed.expired as u64, Ordering::Relaxed);
        closed.next_check
    }

    /// Replies with the connection to a server, once it is open or has failed.
    fn connect(&mut self, key: &ConnectionKey, reply: Option<ConnectionReply>) {
        if let Some(open) = self.shared.connections.to(&key.server, key.purpose) {
            if let Some(reply) = reply {
                let _ = reply.send(Ok(open)); // A caller that is gone needs no reply.
            }
            return;
        }
        self.forget_servers();
        let shared = self.shared.clone();
        let options = &shared.options;
        let server = self.servers.entry(key.clone()).or_insert_with(|| Server {
            opening: None,
            backoff: Backoff::new(options.reconnect_backoff, options.reconnect_backoff_max),
            setup_limit: Backoff::new(
                options.connection_setup_timeout,
                options.connection_setup_timeout_max.max(options.connection_setup_timeout),
            ),
            retry_at: None,
        });
        if let Some(waiting) = &mut server.opening {
            return waiting.extend(reply);
        }
        server.opening = Some(reply.into_iter().collect());
        let (key, retry_at, limit) = (key.clone(), server.retry_at, server.setup_limit.next_wait());
        self.opening.push(Box::pin(async move {
            if let Some(retry_at) = retry_at {
                sleep_until(retry_at).await;
            }
            let outcome = BrokerConnection::open(&key.server, &shared, limit).await;
            let ip = if outcome.is_ok() { None } else { key.server.look_up().await };
            ConnectionAttempt { key, outcome, ip }
        }));
    }

    fn connect_to_any(&mut self, reply: ConnectionReply) {
        if let Some(connection) = self.shared.connections.least_loaded() {
            let _ = reply.send(Ok(connection)); // A caller that is gone needs no reply.
            return;
        }
        if let Some(search) = &mut self.search {
            return search.waiting.push(reply);
        }
        let mut next: VecDeque<_> = self.shared.metadata.read().addresses().cloned().collect();
        for address in &self.bootstrap {
            if !next.contains(address) {
                next.push_back(address.clone());
            }
        }
        let Some(trying) = next.pop_front() else {
            let _ = reply.send(Err(ClientError::NoLeader));
            return;
        };
        self.connect(&for_data(&trying), None);
        self.search = Some(Search { trying, next, waiting: vec![reply] });
    }

    fn opened(&mut self, ConnectionAttempt { key, outcome, ip }: ConnectionAttempt) {
        let Some(server) = self.servers.get_mut(&key) else { return };
        let counters = &self.shared.counters;
        match &outcome {
            Ok(connection) => {
                count(&counters.connections_created);
                server.backoff.reset();
                server.setup_limit.reset();
                // A server that ends its connections at once is not connected to in a tight loop.
                server.retry_at = Some(Instant::now() + self.shared.options.reconnect_backoff);
                self.shared.connections.add(key.clone(), connection.clone());
            }
            Err(_) => {
                count(&counters.connections_failed);
                server.retry_at = Some(Instant::now() + server.backoff.next_wait());
            }
        }
        reply_to_all(server.opening.take().unwrap_or_default(), &outcome);
        let refusal = outcome.as_ref().err().filter(|error| error.is_authentication());
        if let Some(error) = refusal {
            self.report_refused(&key.server, ip, error);
        }
        let Some(search) = self.search.as_mut().filter(|_| key.purpose == ConnectionPurpose::Data) else {
            return;
        };
        match &outcome {
            Ok(_) => {
                let waiting = std::mem::take(&mut search.waiting);
                self.search = None;
                reply_to_all(waiting, &outcome);
            }
            // What one server refuses the others refuse: the search fails, as the client cannot use the cluster.
            Err(_) if search.trying == key.server && refusal.is_some() => {
                search.next.clear();
                self.search_on(&outcome);
            }
            Err(_) if search.trying == key.server => {
                self.report_unreachable(&key.server, ip);
                self.search_on(&outcome);
            }
            Err(_) => {}
        }
    }

    /// Tries the next server of a search. If none is left, the search fails with the last one's error.
    fn search_on(&mut self, last: &Result<BrokerConnection, ClientError>) {
        let Some(search) = &mut self.search else { return };
        match search.next.pop_front() {
            Some(address) => {
                search.trying = address.clone();
                self.connect(&for_data(&address), None);
            }
            None => {
                let waiting = std::mem::take(&mut search.waiting);
                self.search = None;
                reply_to_all(waiting, last);
            }
        }
    }

    /// Forgets servers that the cluster no longer has, if there are many.
    fn forget_servers(&mut self) {
        if self.servers.len() < REMEMBERED_SERVERS {
            return;
        }
        let metadata = self.shared.metadata.read();
        let known: Vec<_> = metadata.addresses().chain(&self.bootstrap).collect();
        self.servers.retain(|key, server| server.opening.is_some() || known.contains(&&key.server));
    }

    fn report_unreachable(&self, address: &ServerAddress, ip: Option<IpAddr>) {
        let server = self.name(address);
        self.options().events.report(&ClientEvent::Unreachable { server, address: address.clone(), ip });
    }

    fn report_refused(&self, address: &ServerAddress, ip: Option<IpAddr>, error: &ClientError) {
        let (server, error) = (self.name(address), error.clone());
        let refused = ClientEvent::AuthenticationFailed { server, address: address.clone(), ip, error };
        self.options().events.report(&refused);
    }

    fn name(&self, address: &ServerAddress) -> ServerName {
        let position = || self.bootstrap.iter().position(|server| server == address).unwrap_or_default();
        let broker = self.shared.metadata.read().broker_at(address);
        broker.map_or_else(|| ServerName::Bootstrap(position()), ServerName::Broker)
    }
}

fn for_data(server: &ServerAddress) -> ConnectionKey {
    ConnectionKey { server: server.clone(), purpose: ConnectionPurpose::Data }
}

fn reply_to_all(waiting: Vec<ConnectionReply>, outcome: &Result<BrokerConnection, ClientError>) {
    for reply in waiting {
        let _ = reply.send(outcome.clone()); // A caller that is gone needs no reply.
    }
}
