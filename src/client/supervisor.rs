//! The background task of a client. It is the only owner of the connections and the metadata.
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

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::address::ServerAddress;
use super::cluster::ClusterOptions;
use super::connection::BrokerConnection;
use super::error::ClientError;
use super::events::{ClientEvent, ServerName};
use super::metadata::{ClientMetadata, CoordinatorKind, Missing, PartitionLeader, Target};
use crate::base::{Backoff, BrokerId, TopicPartition};
use crate::wire::message::metadata::MetadataResponse;

/// The result of looking up a target.
pub(super) enum TargetRoute {
    /// The connection to it.
    Open(BrokerConnection),
    /// Not known before this has been looked up.
    Unknown(Missing),
}

type RouteReply = oneshot::Sender<Result<TargetRoute, ClientError>>;

/// A command of a handle to the task.
pub(super) enum ClientCommand {
    /// Looks up a target and opens a connection if there is none.
    Route(Target, RouteReply),
    /// The leader of a partition, as far as it is known.
    Leader(TopicPartition, oneshot::Sender<Option<PartitionLeader>>),
    /// Applies an answer to Metadata, and returns it.
    Apply(MetadataResponse, oneshot::Sender<MetadataResponse>),
    /// Sets a coordinator.
    ApplyCoordinator {
        kind: CoordinatorKind,
        key: Arc<str>,
        broker: BrokerId,
        address: ServerAddress,
        applied: oneshot::Sender<()>,
    },
    /// Forgets the broker behind a target.
    Forget(Target),
}

/// A server with or without a connection.
struct Server {
    state: ServerState,
    backoff: Backoff,
    /// No connection is tried before this time; None after a success.
    retry_at: Option<Instant>,
}

enum ServerState {
    Closed,
    /// A connection is being made; the replies wait for it.
    Opening(Vec<RouteReply>),
    Open(BrokerConnection),
}

/// A search for any server that takes a connection.
struct Search {
    trying: ServerAddress,
    next: VecDeque<ServerAddress>,
    waiting: Vec<RouteReply>,
}

/// The outcome of a connection attempt.
struct ConnectionAttempt {
    address: ServerAddress,
    outcome: Result<BrokerConnection, ClientError>,
    /// The IP address of a server that cannot be reached, if its name was resolved.
    ip: Option<IpAddr>,
}

/// The state of the task.
pub(super) struct Supervisor {
    options: Arc<ClusterOptions>,
    bootstrap: Vec<ServerAddress>,
    metadata: watch::Sender<ClientMetadata>,
    servers: HashMap<ServerAddress, Server>,
    search: Option<Search>,
    opening: FuturesUnordered<BoxFuture<'static, ConnectionAttempt>>,
}

impl Supervisor {
    /// A task that knows only its bootstrap servers; it updates `metadata`.
    pub(super) fn new(
        options: Arc<ClusterOptions>,
        bootstrap: Vec<ServerAddress>,
        metadata: watch::Sender<ClientMetadata>,
    ) -> Self {
        Self {
            options,
            bootstrap,
            metadata,
            servers: HashMap::new(),
            search: None,
            opening: FuturesUnordered::new(),
        }
    }

    /// Answers commands until no handle is left.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<ClientCommand>) {
        loop {
            tokio::select! {
                Some(opened) = self.opening.next() => self.opened(opened),
                command = commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => return,
                },
            }
        }
    }

    fn obey(&mut self, command: ClientCommand) {
        // A caller that is gone needs no reply.
        match command {
            ClientCommand::Route(target, reply) => self.route(&target, reply),
            ClientCommand::Leader(partition, reply) => {
                let _ = reply.send(self.metadata.borrow().leader(&partition));
            }
            ClientCommand::Apply(answer, applied) => {
                self.metadata.send_modify(|metadata| metadata.apply(&answer));
                let _ = applied.send(answer);
            }
            ClientCommand::ApplyCoordinator { kind, key, broker, address, applied } => {
                self.metadata.send_modify(|known| known.apply_coordinator(kind, key, broker, address));
                let _ = applied.send(());
            }
            ClientCommand::Forget(target) => self.metadata.send_modify(|metadata| metadata.forget(&target)),
        }
    }

    fn route(&mut self, target: &Target, reply: RouteReply) {
        let address = self.metadata.borrow().address(target).map(Option::<&ServerAddress>::cloned);
        match address {
            Ok(Some(address)) => self.connect(&address, Some(reply)),
            Ok(None) => self.connect_to_any(reply),
            Err(missing) => {
                let _ = reply.send(Ok(TargetRoute::Unknown(missing)));
            }
        }
    }

    /// Replies with the connection to a server, once it is open or has failed.
    fn connect(&mut self, address: &ServerAddress, reply: Option<RouteReply>) {
        let options = self.options.clone();
        let server = self.servers.entry(address.clone()).or_insert_with(|| Server {
            state: ServerState::Closed,
            backoff: Backoff::new(options.reconnect_backoff, options.reconnect_backoff_max),
            retry_at: None,
        });
        match &mut server.state {
            ServerState::Open(connection) if connection.is_open() => {
                if let Some(reply) = reply {
                    let _ = reply.send(Ok(TargetRoute::Open(connection.clone())));
                }
                return;
            }
            ServerState::Opening(waiting) => return waiting.extend(reply),
            ServerState::Open(_) | ServerState::Closed => {}
        }
        server.state = ServerState::Opening(reply.into_iter().collect());
        let (address, retry_at) = (address.clone(), server.retry_at);
        self.opening.push(Box::pin(async move {
            if let Some(retry_at) = retry_at {
                sleep_until(retry_at).await;
            }
            let outcome = BrokerConnection::open(&address, &options).await;
            let ip = if outcome.is_ok() { None } else { address.look_up().await };
            ConnectionAttempt { address, outcome, ip }
        }));
    }

    fn connect_to_any(&mut self, reply: RouteReply) {
        let open = self.servers.values().find_map(|server| match &server.state {
            ServerState::Open(connection) if connection.is_open() => Some(connection.clone()),
            _ => None,
        });
        if let Some(connection) = open {
            let _ = reply.send(Ok(TargetRoute::Open(connection)));
            return;
        }
        if let Some(search) = &mut self.search {
            return search.waiting.push(reply);
        }
        let mut next: VecDeque<_> = self.metadata.borrow().addresses().cloned().collect();
        for address in &self.bootstrap {
            if !next.contains(address) {
                next.push_back(address.clone());
            }
        }
        let Some(trying) = next.pop_front() else {
            let _ = reply.send(Err(ClientError::NoLeader));
            return;
        };
        self.connect(&trying, None);
        self.search = Some(Search { trying, next, waiting: vec![reply] });
    }

    fn opened(&mut self, ConnectionAttempt { address, outcome, ip }: ConnectionAttempt) {
        let Some(server) = self.servers.get_mut(&address) else { return };
        let state = match &outcome {
            Ok(connection) => {
                server.backoff.reset();
                server.retry_at = None;
                ServerState::Open(connection.clone())
            }
            Err(_) => {
                server.retry_at = Some(Instant::now() + server.backoff.next_wait());
                ServerState::Closed
            }
        };
        if let ServerState::Opening(waiting) = std::mem::replace(&mut server.state, state) {
            reply_to_all(waiting, &outcome);
        }
        let Some(search) = &mut self.search else { return };
        match &outcome {
            Ok(_) => {
                let waiting = std::mem::take(&mut search.waiting);
                self.search = None;
                reply_to_all(waiting, &outcome);
            }
            Err(_) if search.trying == address => {
                self.report_unreachable(&address, ip);
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
                self.connect(&address, None);
            }
            None => {
                let waiting = std::mem::take(&mut search.waiting);
                self.search = None;
                reply_to_all(waiting, last);
            }
        }
    }

    fn report_unreachable(&self, address: &ServerAddress, ip: Option<IpAddr>) {
        let position = || self.bootstrap.iter().position(|server| server == address).unwrap_or_default();
        let broker = self.metadata.borrow().broker_at(address);
        let server = broker.map_or_else(|| ServerName::Bootstrap(position()), ServerName::Broker);
        self.options.events.report(&ClientEvent::Unreachable { server, address: address.clone(), ip });
    }
}

fn reply_to_all(waiting: Vec<RouteReply>, outcome: &Result<BrokerConnection, ClientError>) {
    for reply in waiting {
        // A caller that is gone needs no reply.
        let _ = reply.send(outcome.clone().map(TargetRoute::Open));
    }
}
