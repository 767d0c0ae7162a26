//! A cluster as a client sees it: a request is sent to a target, and its answer comes back.
//!
//! A handle to what the client knows and to its open connections. A call over an open connection needs no other task;
//! connections are made by [`super::supervisor`], metadata is kept up to date by [`super::updater`]. Every call may
//! be dropped at any time. Never looks into an answer beyond metadata, never logs. Kafka: `NetworkClient`,
//! `Metadata`.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::address::{ServerAddress, resolvable};
use super::by_znode::ZnodeMetadata;
use super::connection::{BrokerConnection, VersionedAnswer};
use super::error::ClientError;
use super::events::ClientEvent;
use super::metadata::updates::{MetadataUpdates, UpdateTimes};
use super::metadata::{AnswerScope, ClientMetadata, ClusterSnapshot, CoordinatorKind, Missing, Target};
use super::metrics::{ClientCounters, ClientMetrics, count};
use super::open_connections::{BrokerConnections, ConnectionKey, ConnectionPurpose};
use super::supervisor::{ConnectionWanted, Supervisor};
use super::updater::{self, LookupReply};
use crate::base::{Backoff, Clock, Millis};
use crate::security::sasl::client::SaslLogin;
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::Request;
use crate::wire::message::find_coordinator::FindCoordinatorRequest;
use crate::wire::message::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use crate::zk::ZooKeeper;

mod follow;
mod options;

pub use options::{ClientDnsLookup, ClusterOptions};

/// How many lookups a target may need before it counts as unknown: after a coordinator, its broker's address
/// may be missing, too.
const ROUTE_TRIES: usize = 3;

/// The longest wait between two tries of a call.
pub(super) const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// A handle to a cluster; cheap to clone.
#[doc(alias = "NetworkClient")]
#[derive(Clone, Debug)]
pub struct Cluster {
    shared: Arc<ClusterShared>,
    /// Ends the tasks of the client once all handles are dropped; None in the handles of these tasks.
    _in_use: Option<Arc<DropGuard>>,
}

/// What the handles and the tasks of a client share.
#[derive(Debug)]
pub(super) struct ClusterShared {
    pub options: ClusterOptions,
    /// The user that connections authenticate as.
    pub login: Option<Arc<SaslLogin>>,
    /// Never held together with `updates` but by [`updater`], which takes `updates` first.
    pub metadata: Arc<RwLock<ClientMetadata>>,
    pub published: watch::Sender<Arc<ClusterSnapshot>>,
    pub connections: BrokerConnections,
    pub updates: Mutex<MetadataUpdates<LookupReply>>,
    /// The updater has something to do.
    pub updates_wanted: Notify,
    pub counters: ClientCounters,
    /// Where metadata comes from, in place of the brokers' answers.
    pub znodes: Option<ZnodeMetadata>,
    /// Unbounded. A call waits for the reply to each of its commands, so there are at most as many as calls.
    wanted: mpsc::UnboundedSender<ConnectionWanted>,
    begun: Instant,
}

impl ClusterShared {
    /// Milliseconds since the client began.
    pub(super) fn now(&self) -> Millis {
        Millis::try_from(self.begun.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }
}

impl Cluster {
    /// A client that connects when it is first used. Looks up the names of the bootstrap servers. A client that follows
    /// ZooKeeper opens its session now.
    ///
    /// # Errors
    /// [`ClientError::BadAddress`], [`ClientError::NoneResolvable`], [`ClientError::ZooKeeper`], [`ClientError::Jaas`].
    pub async fn new(options: ClusterOptions) -> Result<Self, ClientError> {
        let login = options.security.login()?;
        let bootstrap = bootstrap(&options).await?;
        let (metadata, published) = (Arc::default(), watch::Sender::default());
        let over = CancellationToken::new();
        // A client that is given up while it connects ends its tasks, too.
        let in_use = Arc::new(over.clone().drop_guard());
        let znodes = match &options.zookeeper {
            Some(zookeeper) => {
                let (metadata, published) = (Arc::clone(&metadata), watch::Sender::clone(&published));
                let protocol = options.security.protocol();
                Some(ZnodeMetadata::connect(zookeeper, protocol, metadata, published, over.clone()).await?)
            }
            None => None,
        };
        let (wanted, received) = mpsc::unbounded_channel();
        let times = UpdateTimes {
            max_age: millis(options.metadata_max_age),
            max_idle: millis(options.metadata_max_idle),
            backoff: millis(options.retry_backoff),
        };
        let shared = Arc::new(ClusterShared {
            options,
            login,
            metadata,
            published,
            znodes,
            connections: BrokerConnections::default(),
            updates: Mutex::new(MetadataUpdates::new(times)),
            updates_wanted: Notify::new(),
            counters: ClientCounters::default(),
            wanted,
            begun: Instant::now(),
        });
        tokio::spawn(Supervisor::new(shared.clone(), bootstrap).run(received, over.clone()));
        tokio::spawn(updater::run(Self { shared: shared.clone(), _in_use: None }, over));
        Ok(Self { shared, _in_use: Some(in_use) })
    }

    /// Its settings.
    pub fn options(&self) -> &ClusterOptions {
        &self.shared.options
    }

    /// The session with ZooKeeper of a client that follows it.
    pub fn zookeeper(&self) -> Option<&ZooKeeper> {
        self.shared.znodes.as_ref().map(ZnodeMetadata::zookeeper)
    }

    pub(super) fn shared(&self) -> &Arc<ClusterShared> {
        &self.shared
    }

    /// What its connections have done so far.
    pub fn metrics(&self) -> ClientMetrics {
        self.shared.counters.read(self.shared.connections.count())
    }

    /// Sends a request to its target, once, in the newest version that both sides know. Requests of one task over an
    /// open connection go out in the order in which their futures are first polled.
    ///
    /// # Errors The target is not known, or the exchange failed. The target is then forgotten, so that it is
    /// looked up again.
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
        Ok(self.call_once(target, request, limit).await?.answer)
    }

    async fn call_once<R: Request>(
        &self,
        target: &Target,
        request: &R,
        limit: Duration,
    ) -> Result<VersionedAnswer<R::Response>, ClientError> {
        let answer = match self.connection(target).await {
            Ok(connection) => {
                count(&self.shared.counters.requests);
                connection.call(request, limit).await
            }
            Err(error) => Err(error),
        };
        answer.inspect_err(|error| self.note_failure(target, error))
    }

    /// Sends a request that is not answered; waits until it is written.
    ///
    /// # Errors
    /// As [`Cluster::call`].
    pub async fn send<R: Request>(&self, target: &Target, request: &R) -> Result<(), ClientError> {
        let sent = match self.connection(target).await {
            Ok(connection) => {
                count(&self.shared.counters.requests);
                connection.send(request, self.shared.options.request_timeout).await
            }
            Err(error) => Err(error),
        };
        sent.inspect_err(|error| self.note_failure(target, error))
    }

    /// After a connection has failed, the target is looked up again.
    fn note_failure(&self, target: &Target, error: &ClientError) {
        if matches!(error, ClientError::Connection(_)) {
            count(&self.shared.counters.requests_failed);
            self.forget(target);
            self.request_update_of_followed();
        }
    }

    /// As [`Cluster::call`], repeated while the connection fails or `check` finds a retriable error.
    ///
    /// # Errors The first error that is not retriable, an answer's last error once the time for calls is
    /// over, [`ClientError::CallTimedOut`] if no answer came in that time.
    pub async fn call_until<R: Request>(
        &self,
        target: &Target,
        request: &R,
        check: impl Fn(&R::Response) -> Result<(), ClientError>,
    ) -> Result<R::Response, ClientError> {
        Ok(self.call_versioned(target, request, check).await?.answer)
    }

    async fn call_versioned<R: Request>(
        &self,
        target: &Target,
        request: &R,
        check: impl Fn(&R::Response) -> Result<(), ClientError>,
    ) -> Result<VersionedAnswer<R::Response>, ClientError> {
        let options = &self.shared.options;
        let end = Instant::now() + options.api_timeout;
        let mut backoff = Backoff::new(options.retry_backoff, LONGEST_BACKOFF);
        loop {
            let answer = self.call_once(target, request, options.request_timeout).await;
            let error = match answer.and_then(|it| check(&it.answer).map(|()| it)) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = backoff.next_wait();
            if !error.is_retriable() {
                return Err(error);
            }
            if Instant::now() + wait > end {
                return Err(timed_out(R::KEY, error));
            }
            self.forget(target);
            tokio::time::sleep(wait).await;
        }
    }

    /// The versions of an API that this client and the broker behind a target know. Connects to it if need be.
    ///
    /// # Errors
    /// [`ClientError::Unsupported`] where there are none; as [`Cluster::call`].
    pub async fn usable_versions(
        &self,
        target: &Target,
        api: ApiKey,
    ) -> Result<RangeInclusive<i16>, ClientError> {
        self.connection(target).await?.usable_versions(api)
    }

    /// Waits until there is an open connection to a target, so that a call goes out at once.
    ///
    /// # Errors
    /// As [`Cluster::call`].
    pub async fn ready(&self, target: &Target) -> Result<(), ClientError> {
        let connected = self.connection(target).await.map(drop);
        connected.inspect_err(|error| self.note_failure(target, error))
    }

    /// Requests the metadata of topics, all of them for None, until a broker answers, and keeps it.
    ///
    /// # Errors
    /// No broker answered within the time for calls.
    pub async fn metadata(
        &self,
        topics: Option<&[String]>,
        allow_auto_topic_creation: bool,
    ) -> Result<MetadataResponse, ClientError> {
        if let Some(znodes) = &self.shared.znodes {
            return self.read_znodes(znodes, topics, allow_auto_topic_creation).await;
        }
        let mut request = metadata_request(topics, allow_auto_topic_creation);
        let mut answered = self.call_versioned(&Target::Any, &request, |_| Ok(())).await;
        if self.may_do_without(&answered) {
            request.allow_auto_topic_creation = true;
            answered = self.call_versioned(&Target::Any, &request, |_| Ok(())).await;
        }
        Ok(self.apply(topics, answered?))
    }

    /// As [`Cluster::metadata`], of one broker.
    pub(super) async fn metadata_once(
        &self,
        topics: Option<&[String]>,
        allow_auto_topic_creation: bool,
    ) -> Result<MetadataResponse, ClientError> {
        if let Some(znodes) = &self.shared.znodes {
            return self.read_znodes(znodes, topics, allow_auto_topic_creation).await;
        }
        let request = metadata_request(topics, allow_auto_topic_creation);
        let answered = self.call_once(&Target::Any, &request, self.shared.options.request_timeout).await?;
        Ok(self.apply(topics, answered))
    }

    /// Whether a request for metadata has failed only as the broker is older than 0.11 and always creates topics that
    /// it is asked for. Only a client that is configured to create none takes that for an error.
    fn may_do_without<T>(&self, answered: &Result<T, ClientError>) -> bool {
        let lacking = matches!(answered, Err(ClientError::UnsupportedField { api: ApiKey::Metadata, .. }));
        lacking && self.shared.options.allow_auto_create_topics
    }

    fn apply(
        &self,
        topics: Option<&[String]>,
        VersionedAnswer { answer, version }: VersionedAnswer<MetadataResponse>,
    ) -> MetadataResponse {
        let shared = &self.shared;
        let scope = if topics.is_none() { AnswerScope::AllTopics } else { AnswerScope::NamedTopics };
        {
            let mut metadata = shared.metadata.write();
            metadata.apply(&answer, version, scope);
            shared.published.send_replace(metadata.snapshot().clone());
        }
        self.note_metadata();
        self.report_topic_errors(&answer);
        answer
    }

    fn report_topic_errors(&self, answer: &MetadataResponse) {
        let code = |code| Some(ErrorCode::from_code(code)).filter(|code| *code != ErrorCode::None);
        let errors: Vec<_> = answer
            .topics
            .iter()
            .filter_map(|topic| Some((topic.name.clone(), code(topic.error_code)?)))
            .collect();
        if !errors.is_empty() {
            let requests = self.shared.counters.requests.load(Ordering::Relaxed);
            self.shared.options.events.report(&ClientEvent::TopicErrors { requests, errors });
        }
    }

    /// Metadata from the znodes, which have applied it already. A topic that does not exist may be created: that a
    /// broker does when it is asked for it.
    async fn read_znodes(
        &self,
        znodes: &ZnodeMetadata,
        topics: Option<&[String]>,
        allow_auto_topic_creation: bool,
    ) -> Result<MetadataResponse, ClientError> {
        let answer = znodes.describe(topics).await?;
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        let missing = answer.topics.iter().filter(|topic| topic.error_code == unknown);
        let missing: Vec<_> = missing.map(|topic| topic.name.clone()).collect();
        if allow_auto_topic_creation && !missing.is_empty() {
            let request = metadata_request(Some(&missing), true);
            // Its outcome shows in the znodes.
            let _ = self.call_once(&Target::Any, &request, self.shared.options.request_timeout).await;
        }
        self.note_metadata();
        Ok(answer)
    }

    fn note_metadata(&self) {
        let shared = &self.shared;
        count(&shared.counters.metadata_updates);
        shared.updates.lock().heard(shared.now());
        shared.updates_wanted.notify_one();
    }

    /// Forgets the broker behind a target, so that it is looked up again.
    pub fn forget(&self, target: &Target) {
        if *target != Target::Any {
            self.shared.metadata.write().forget(target);
        }
    }

    /// The connection to a target, which is made if there is none.
    ///
    /// # Errors
    /// The target is not known, or cannot be connected to.
    pub(super) async fn connection(&self, target: &Target) -> Result<BrokerConnection, ClientError> {
        for _ in 0..ROUTE_TRIES {
            let to = match self.open_or_key(target) {
                Ok(KnownServer::Connected(connection)) => return Ok(connection),
                Ok(KnownServer::At(key)) => key,
                Err(missing) => {
                    Box::pin(self.learn(missing)).await?;
                    continue;
                }
            };
            let (reply, connected) = oneshot::channel();
            let wanted = ConnectionWanted { to, reply };
            self.shared.wanted.send(wanted).map_err(|_| ClientError::Closed)?;
            return connected.await.map_err(|_| ClientError::Closed)?;
        }
        Err(ClientError::NoLeader)
    }

    fn open_or_key(&self, target: &Target) -> Result<KnownServer, Missing> {
        let metadata = self.shared.metadata.read();
        let purpose = match target {
            Target::Coordinator(CoordinatorKind::Group, _) => ConnectionPurpose::Coordination,
            _ => ConnectionPurpose::Data,
        };
        let connections = &self.shared.connections;
        let server = metadata.address(target)?;
        let open = match server {
            None => connections.least_loaded(),
            Some(server) => connections.to(server, purpose),
        };
        let key = || server.map(|server| ConnectionKey { server: server.clone(), purpose });
        Ok(open.map_or_else(|| KnownServer::At(key()), KnownServer::Connected))
    }

    /// Requests what is missing from the cluster.
    async fn learn(&self, missing: Missing) -> Result<(), ClientError> {
        match missing {
            Missing::Brokers => self.metadata(Some(&[]), false).await.map(drop),
            Missing::Topic(name) => self.look_up([name]).await,
            Missing::Coordinator(kind, key) => self.find_coordinator(kind, key).await,
        }
    }

    async fn find_coordinator(&self, kind: CoordinatorKind, key: Arc<str>) -> Result<(), ClientError> {
        let request = FindCoordinatorRequest { key: key.to_string(), key_type: kind as i8 };
        let answer = self
            .call_until(&Target::Any, &request, |answer| {
                ClientError::check(answer.error_code, answer.error_message.as_deref())
            })
            .await?;
        let port = u16::try_from(answer.port).map_err(|_| ClientError::NoLeader)?;
        let address = ServerAddress { host: answer.host, port };
        self.shared.metadata.write().apply_coordinator(kind, key, answer.node_id, address);
        Ok(())
    }
}

/// The bootstrap servers; a client that follows ZooKeeper needs none.
async fn bootstrap(options: &ClusterOptions) -> Result<Vec<ServerAddress>, ClientError> {
    if options.bootstrap.trim().is_empty() {
        return if options.zookeeper.is_some() { Ok(Vec::new()) } else { Err(ClientError::NoneResolvable) };
    }
    resolvable(ServerAddress::parse_list(&options.bootstrap)?, options.dns_lookup, &options.events).await
}

/// The way to a target.
enum KnownServer {
    /// Its open connection.
    Connected(BrokerConnection),
    /// Where to connect to; None for any server.
    At(Option<ConnectionKey>),
}

/// A request for the metadata of topics, all of them for None. Where no topic is named, none can be created, and
/// brokers before 0.11 do not know the choice.
fn metadata_request(topics: Option<&[String]>, allow_auto_topic_creation: bool) -> MetadataRequest {
    let allow_auto_topic_creation = allow_auto_topic_creation || topics.is_none_or(<[_]>::is_empty);
    let topics =
        topics.map(|names| names.iter().map(|name| MetadataRequestTopic { name: name.clone() }).collect());
    MetadataRequest { topics, allow_auto_topic_creation, ..Default::default() }
}

/// The error of a call whose time is over: a broker's last error, or that no answer came.
pub(super) fn timed_out(api: ApiKey, last: ClientError) -> ClientError {
    if matches!(last, ClientError::Refused { .. } | ClientError::CallTimedOut { .. }) {
        return last;
    }
    ClientError::CallTimedOut { api, at: Clock::System.now(), last: Box::new(last) }
}

fn millis(duration: Duration) -> Millis {
    // Longer than any client lives, and far from overflowing when it is added to a time.
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX).min(Millis::MAX / 4)
}

#[cfg(test)]
mod tests;
