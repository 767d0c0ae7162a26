//! A cluster as a client sees it: which brokers there are, who leads what, which versions each understands.
//!
//! Finds the way for a request and carries it there; never looks into an answer beyond metadata. Kafka:
//! NetworkClient, Metadata.

use std::collections::{BTreeMap, HashMap};
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::error::ClientError;
use crate::base::{Backoff, BrokerId, Clock, LeaderEpoch, TopicPartition};
use crate::net::peer::{Peer, PeerError};
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::Request;
use crate::wire::message::api_versions::ApiVersionsRequest;
use crate::wire::message::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};

/// Which of Java's clients this one stands for; its log lines and some of its errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `KafkaAdminClient`.
    Admin,
    /// The admin client of `kafka-broker-api-versions.sh`.
    LegacyAdmin,
    /// `KafkaProducer`.
    Producer,
    /// `KafkaConsumer`.
    Consumer,
}

/// How a client reaches a cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// What it stands for.
    pub role: Role,
    /// Where to begin: `host:port`, separated by commas (`bootstrap.servers`).
    pub bootstrap: String,
    /// How the client names itself (`client.id`).
    pub client_id: String,
    /// The most one exchange may take (`request.timeout.ms`).
    pub request_timeout: Duration,
    /// The most a call may take, retries included (`default.api.timeout.ms`).
    pub api_timeout: Duration,
    /// The first wait before a call is tried again (`retry.backoff.ms`).
    pub retry_backoff: Duration,
}

impl ClusterOptions {
    /// Kafka's defaults for a client at these bootstrap servers.
    pub fn new(role: Role, bootstrap: &str, client_id: &str) -> Self {
        Self {
            role,
            bootstrap: bootstrap.to_owned(),
            client_id: client_id.to_owned(),
            request_timeout: Duration::from_secs(30),
            api_timeout: Duration::from_secs(60),
            retry_backoff: Duration::from_millis(100),
        }
    }

    /// What its log lines begin with.
    fn log_prefix(&self) -> String {
        let client_id = &self.client_id;
        match self.role {
            Role::Admin => format!("[AdminClient clientId={client_id}]"),
            Role::LegacyAdmin => format!("[LegacyAdminClient clientId={client_id}]"),
            Role::Producer => format!("[Producer clientId={client_id}]"),
            Role::Consumer => {
                match client_id.strip_prefix("consumer-").and_then(|it| it.strip_suffix("-1")) {
                    Some(group) => format!("[Consumer clientId={client_id}, groupId={group}]"),
                    None => format!("[Consumer clientId={client_id}]"),
                }
            }
        }
    }
}

/// Where a request has to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any broker.
    Any,
    /// The broker of this id.
    Broker(BrokerId),
    /// The controller.
    Controller,
    /// The leader of a partition.
    Leader(TopicPartition),
}

/// A connection and what the broker behind it understands.
#[derive(Clone, Debug)]
struct Link {
    peer: Peer,
    versions: Arc<BTreeMap<i16, (i16, i16)>>,
}

impl Link {
    /// The newest version that both sides know.
    fn version(&self, key: ApiKey) -> Result<i16, ClientError> {
        let ours = key.versions();
        let (low, high) = self.versions.get(&key.code()).ok_or(ClientError::Unsupported(key))?;
        let version = *high.min(ours.end());
        if version < *low.max(ours.start()) { Err(ClientError::Unsupported(key)) } else { Ok(version) }
    }
}

/// What the last metadata told.
#[derive(Debug, Default)]
struct Known {
    brokers: BTreeMap<BrokerId, (String, u16)>,
    controller: BrokerId,
    leaders: HashMap<TopicPartition, (BrokerId, LeaderEpoch)>,
    partition_counts: HashMap<Arc<str>, i32>,
}

/// A client's view of a cluster and its connections; cheap to clone.
#[derive(Clone, Debug)]
#[doc(alias = "NetworkClient")]
#[doc(alias = "Metadata")]
pub struct Cluster {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: ClusterOptions,
    bootstrap: Vec<(String, u16)>,
    links: Mutex<HashMap<(String, u16), Link>>,
    known: Mutex<Known>,
}

impl Cluster {
    /// A view that knows no more than where to begin; connects when it is first used. Looks up the names of the
    /// bootstrap servers, which may take a while.
    ///
    /// # Errors
    /// [`ClientError::BadAddress`], [`ClientError::NoneResolvable`].
    pub fn new(options: ClusterOptions) -> Result<Self, ClientError> {
        let bootstrap = resolvable(addresses(&options.bootstrap)?)?;
        let (links, known) = (Mutex::default(), Mutex::new(Known { controller: -1, ..Known::default() }));
        Ok(Self { shared: Arc::new(Shared { options, bootstrap, links, known }) })
    }

    /// How it was told to reach the cluster.
    pub fn options(&self) -> &ClusterOptions {
        &self.shared.options
    }

    /// Sends a request where it belongs, once, with the newest version both sides know.
    ///
    /// # Errors
    /// The way there is not known, or the exchange failed. What is known of the way is then forgotten.
    pub async fn call<R: Request>(&self, target: &Target, request: &R) -> Result<R::Response, ClientError> {
        self.call_within(target, request, self.shared.options.request_timeout).await
    }

    /// As [`Cluster::call`], with a limit of its own for the exchange.
    ///
    /// # Errors
    /// As [`Cluster::call`].
    pub async fn call_within<R: Request>(
        &self,
        target: &Target,
        request: &R,
        limit: Duration,
    ) -> Result<R::Response, ClientError> {
        let link = self.link(target).await?;
        let version = link.version(R::KEY)?;
        let answer = link.peer.call(request, version, limit).await;
        if answer.is_err() {
            self.forget(target);
        }
        Ok(answer?)
    }

    /// Sends a request that is not answered.
    ///
    /// # Errors
    /// As [`Cluster::call`].
    pub async fn tell<R: Request>(&self, target: &Target, request: &R) -> Result<(), ClientError> {
        let link = self.link(target).await?;
        let limit = self.shared.options.request_timeout;
        Ok(link.peer.send_unanswered(request, link.version(R::KEY)?, limit).await?)
    }

    /// As [`Cluster::call`], again and again while the connection fails or `check` finds an error that may pass.
    ///
    /// # Errors
    /// The last error: one that will not pass, or any once the time for calls is over.
    pub async fn call_until<R: Request>(
        &self,
        target: &Target,
        request: &R,
        check: impl Fn(&R::Response) -> Result<(), ClientError>,
    ) -> Result<R::Response, ClientError> {
        let options = &self.shared.options;
        let end = Instant::now() + options.api_timeout;
        let mut backoff = Backoff::new(options.retry_backoff, Duration::from_secs(1));
        loop {
            let outcome = match self.call(target, request).await {
                Ok(answer) => check(&answer).map(|()| answer),
                Err(error) => Err(error),
            };
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = backoff.next_wait();
            if !error.is_retriable() {
                return Err(error);
            }
            if Instant::now() + wait > end {
                return Err(self.timed_out(R::KEY, error));
            }
            self.forget(target);
            tokio::time::sleep(wait).await;
        }
    }

    /// Asks for the metadata of topics, all of them for None, and remembers it.
    ///
    /// # Errors
    /// No broker answered within the time for calls.
    pub async fn metadata(
        &self,
        topics: Option<&[String]>,
        allow_auto_topic_creation: bool,
    ) -> Result<MetadataResponse, ClientError> {
        let topics = topics
            .map(|names| names.iter().map(|name| MetadataRequestTopic { name: name.clone() }).collect());
        let request = MetadataRequest { topics, allow_auto_topic_creation, ..Default::default() };
        let answer = self.call_until(&Target::Any, &request, |_| Ok(())).await?;
        self.remember(&answer);
        Ok(answer)
    }

    /// The versions a broker says it understands, by API key: lowest and highest.
    ///
    /// # Errors
    /// The broker is not known or not reached.
    pub async fn versions(&self, broker: BrokerId) -> Result<Arc<BTreeMap<i16, (i16, i16)>>, ClientError> {
        Ok(self.link(&Target::Broker(broker)).await?.versions)
    }

    /// The leader of a partition and its epoch, asked for where it is not known.
    ///
    /// # Errors
    /// The topic's error, [`ClientError::NoLeader`], or that of asking.
    pub async fn leader(&self, partition: &TopicPartition) -> Result<(BrokerId, LeaderEpoch), ClientError> {
        if let Some(leader) = self.shared.known.lock().leaders.get(partition) {
            return Ok(*leader);
        }
        let answer = self.metadata(Some(&[partition.topic.to_string()]), true).await?;
        for topic in &answer.topics {
            ClientError::check_topic(topic.error_code, &topic.name)?;
        }
        self.shared.known.lock().leaders.get(partition).copied().ok_or(ClientError::NoLeader)
    }

    /// The partitions of a topic as last told: its number each, or -1 where it has no leader; None where the topic
    /// is not known.
    pub fn partitions(&self, topic: &str) -> Option<Vec<i32>> {
        let known = self.shared.known.lock();
        let count = *known.partition_counts.get(topic)?;
        let topic: Arc<str> = topic.into();
        let leads =
            |partition| known.leaders.contains_key(&TopicPartition { topic: topic.clone(), partition });
        Some((0..count).map(|partition| if leads(partition) { partition } else { -1 }).collect())
    }

    /// Forgets the way to a target, so that it is asked for again.
    pub fn forget(&self, target: &Target) {
        let mut known = self.shared.known.lock();
        match target {
            Target::Any => {}
            Target::Controller => known.controller = -1,
            Target::Leader(partition) => {
                known.leaders.remove(partition);
            }
            Target::Broker(id) => known.leaders.retain(|_, (leader, _)| leader != id),
        }
    }

    fn remember(&self, answer: &MetadataResponse) {
        let mut known = self.shared.known.lock();
        known.controller = answer.controller_id;
        known.brokers = answer
            .brokers
            .iter()
            .filter_map(|it| Some((it.node_id, (it.host.clone(), u16::try_from(it.port).ok()?))))
            .collect();
        for topic in &answer.topics {
            let name: Arc<str> = topic.name.as_str().into();
            if topic.error_code == ErrorCode::None.code() && !topic.partitions.is_empty() {
                known.partition_counts.insert(name.clone(), topic.partitions.len() as i32);
            }
            for partition in &topic.partitions {
                let id = TopicPartition { topic: name.clone(), partition: partition.partition_index };
                if partition.leader_id < 0 {
                    known.leaders.remove(&id);
                } else {
                    known.leaders.insert(id, (partition.leader_id, partition.leader_epoch));
                }
            }
        }
    }

    /// What is told where the time for a call is over: the last error, but by Java's admin client that of the call.
    fn timed_out(&self, key: ApiKey, last: ClientError) -> ClientError {
        if self.shared.options.role != Role::Admin || matches!(last, ClientError::Refused { .. }) {
            return last;
        }
        let call = match key {
            ApiKey::Metadata => "listTopics".to_owned(),
            other => {
                let name = other.name();
                name[..1].to_ascii_lowercase() + &name[1..]
            }
        };
        let now = Clock::System.now();
        ClientError::Timeout(format!(
            "Call(callName={call}, deadlineMs={}, tries=1, nextAllowedTryMs={}) timed out at {now} after 1 attempt(s)",
            now - 1,
            now + 100
        ))
    }

    async fn link(&self, target: &Target) -> Result<Link, ClientError> {
        let broker = match target {
            Target::Any => return self.any_link().await,
            Target::Broker(id) => *id,
            Target::Leader(partition) => Box::pin(self.leader(partition)).await?.0,
            Target::Controller => {
                if self.shared.known.lock().controller < 0 {
                    Box::pin(self.metadata(Some(&[]), false)).await?;
                }
                self.shared.known.lock().controller
            }
        };
        let known = self.shared.known.lock().brokers.get(&broker).cloned();
        let address = match known {
            Some(address) => address,
            None => {
                Box::pin(self.metadata(Some(&[]), false)).await?;
                self.shared.known.lock().brokers.get(&broker).cloned().ok_or(ClientError::NoLeader)?
            }
        };
        self.link_to(&address).await
    }

    /// A link to whatever broker can be reached: an open one first, then the known ones, then the bootstrap servers.
    async fn any_link(&self) -> Result<Link, ClientError> {
        if let Some(link) = self.shared.links.lock().values().find(|link| link.peer.is_open()) {
            return Ok(link.clone());
        }
        let mut candidates: Vec<_> = self.shared.known.lock().brokers.values().cloned().collect();
        let others: Vec<_> =
            self.shared.bootstrap.iter().filter(|it| !candidates.contains(it)).cloned().collect();
        candidates.extend(others);
        let mut last = ClientError::NoLeader;
        for (host, port) in candidates {
            match self.link_to(&(host.clone(), port)).await {
                Ok(link) => return Ok(link),
                Err(error) => {
                    self.warn_unreachable(&host, port);
                    last = error;
                }
            }
        }
        Err(last)
    }

    fn warn_unreachable(&self, host: &str, port: u16) {
        const TARGET: &str = "org.apache.kafka.clients.NetworkClient";
        let (prefix, bootstrap) = (self.shared.options.log_prefix(), &self.shared.bootstrap);
        let address = (host.to_owned(), port);
        let known = self.shared.known.lock().brokers.iter().find(|it| *it.1 == address).map(|it| *it.0);
        let place = bootstrap.iter().position(|it| *it == address).unwrap_or_default();
        let node = known.unwrap_or(-1 - BrokerId::try_from(place).unwrap_or_default());
        let ip = (host, port).to_socket_addrs().ok().and_then(|mut all| all.next()).map(|it| it.ip());
        let named = if host.parse::<std::net::IpAddr>().is_ok() { "" } else { host };
        let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
        log::warn!(
            target: TARGET,
            "{prefix} Connection to node {node} ({named}/{ip}:{port}) could not be established. Broker may not be available."
        );
        if known.is_none() && self.shared.options.role != Role::Admin {
            log::warn!(target: TARGET, "{prefix} Bootstrap broker {host}:{port} (id: {node} rack: null) disconnected");
        }
    }

    async fn link_to(&self, address: &(String, u16)) -> Result<Link, ClientError> {
        if let Some(link) = self.shared.links.lock().get(address).filter(|link| link.peer.is_open()) {
            return Ok(link.clone());
        }
        let options = &self.shared.options;
        let limit = options.request_timeout;
        let peer = Peer::connect(&address.0, address.1, &options.client_id, limit).await?;
        let versions = Arc::new(negotiate(&peer, limit).await?);
        let link = Link { peer, versions };
        self.shared.links.lock().insert(address.clone(), link.clone());
        Ok(link)
    }
}

/// What a broker understands. One too old for our version says so in the layout of version 0, and is asked again.
async fn negotiate(peer: &Peer, limit: Duration) -> Result<BTreeMap<i16, (i16, i16)>, ClientError> {
    let request = ApiVersionsRequest {
        client_software_name: "barnabas".to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let answer = match peer.call(&request, 3, limit).await {
        Ok(answer) if answer.error_code == ErrorCode::None.code() => answer,
        Ok(_) | Err(PeerError::Wire(_)) => peer.call(&ApiVersionsRequest::default(), 0, limit).await?,
        Err(error) => return Err(error.into()),
    };
    ClientError::check(answer.error_code, None)?;
    Ok(answer.api_keys.iter().map(|it| (it.api_key, (it.min_version, it.max_version))).collect())
}

/// The addresses of a `bootstrap.servers`: `host:port` or `[v6]:port`, a scheme before them allowed.
fn addresses(list: &str) -> Result<Vec<(String, u16)>, ClientError> {
    let each = list.split(',').map(str::trim).filter(|it| !it.is_empty()).map(|entry| {
        let bare = entry.rsplit_once("://").map_or(entry, |(_, rest)| rest);
        let (host, port) = bare.rsplit_once(':').ok_or_else(|| ClientError::BadAddress(entry.to_owned()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match port.parse() {
            Ok(port) if !host.is_empty() => Ok((host.to_owned(), port)),
            _ => Err(ClientError::BadAddress(entry.to_owned())),
        }
    });
    let found = each.collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() { Err(ClientError::BadAddress(list.to_owned())) } else { Ok(found) }
}

/// The servers whose names can be looked up; the others are warned of.
fn resolvable(mut servers: Vec<(String, u16)>) -> Result<Vec<(String, u16)>, ClientError> {
    servers.retain(|(host, port)| {
        let found = (host.as_str(), *port).to_socket_addrs().is_ok_and(|mut all| all.next().is_some());
        if !found {
            log::warn!(
                target: "org.apache.kafka.clients.ClientUtils",
                "Couldn't resolve server {host}:{port} from bootstrap.servers as DNS resolution failed for {host}"
            );
        }
        found
    });
    if servers.is_empty() { Err(ClientError::NoneResolvable) } else { Ok(servers) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_servers_are_hosts_and_ports() {
        let found = addresses("a:1, PLAINTEXT://b:2,[::1]:3").unwrap();
        assert_eq!(found, [("a".to_owned(), 1), ("b".to_owned(), 2), ("::1".to_owned(), 3)]);
        for bad in ["", "a", "a:", ":1", "a:99999"] {
            assert!(matches!(addresses(bad), Err(ClientError::BadAddress(_))), "{bad}");
        }
    }
}
