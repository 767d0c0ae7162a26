//! A cluster as a client sees it: a request is sent to a target, and its answer comes back.
//!
//! A handle to the background task ([`super::supervisor`]) that owns connections and metadata. Every call may
//! be dropped at any time. Never looks into an answer beyond metadata, never logs. Kafka: `NetworkClient`,
//! `Metadata`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::address::{ServerAddress, resolvable};
use super::connection::BrokerConnection;
use super::error::ClientError;
use super::events::EventSink;
use super::metadata::{ClientMetadata, CoordinatorKind, Missing, PartitionLeader, Target};
use super::supervisor::{ClientCommand, Supervisor, TargetRoute};
use crate::base::{Backoff, BrokerId, Clock, TopicPartition};
use crate::wire::api_key::ApiKey;
use crate::wire::message::Request;
use crate::wire::message::find_coordinator::FindCoordinatorRequest;
use crate::wire::message::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};

/// How many lookups a target may need before it counts as unknown: after a coordinator, its broker's address
/// may be missing, too.
const ROUTE_TRIES: usize = 3;

/// How a client reaches a cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Where to begin: `host:port`, separated by commas (`bootstrap.servers`).
    pub bootstrap: String,
    /// How the client names itself (`client.id`).
    pub client_id: String,
    /// The most one exchange may take (`request.timeout.ms`); after it the connection is closed.
    pub request_timeout: Duration,
    /// The most a call may take, retries included (`default.api.timeout.ms`).
    pub api_timeout: Duration,
    /// The first wait before a call is tried again (`retry.backoff.ms`).
    pub retry_backoff: Duration,
    /// The first wait before a server that could not be reached is connected to again (`reconnect.backoff.ms`).
    pub reconnect_backoff: Duration,
    /// The longest such wait (`reconnect.backoff.max.ms`).
    pub reconnect_backoff_max: Duration,
    /// The most that making a connection may take (`socket.connection.setup.timeout.ms`).
    pub connection_setup_timeout: Duration,
    /// How many requests may be in flight to one broker (`max.in.flight.requests.per.connection`); at least 1.
    pub max_in_flight: usize,
    /// Receives the client's events.
    pub events: EventSink,
}

impl ClusterOptions {
    /// Kafka's defaults for a client at these bootstrap servers.
    pub fn new(bootstrap: &str, client_id: &str) -> Self {
        Self {
            bootstrap: bootstrap.to_owned(),
            client_id: client_id.to_owned(),
            request_timeout: Duration::from_secs(30),
            api_timeout: Duration::from_secs(60),
            retry_backoff: Duration::from_millis(100),
            reconnect_backoff: Duration::from_millis(50),
            reconnect_backoff_max: Duration::from_secs(1),
            connection_setup_timeout: Duration::from_secs(10),
            max_in_flight: 5,
            events: EventSink::default(),
        }
    }
}

/// A handle to a cluster; cheap to clone.
#[doc(alias = "NetworkClient")]
#[doc(alias = "Metadata")]
#[derive(Clone, Debug)]
pub struct Cluster {
    options: Arc<ClusterOptions>,
    /// Unbounded. A call waits for the reply to each command but `Forget`, so there are about as many
    /// commands as calls.
    commands: mpsc::UnboundedSender<ClientCommand>,
    metadata: watch::Receiver<ClientMetadata>,
}

impl Cluster {
    /// A client that connects when it is first used. Looks up the names of the bootstrap servers.
    ///
    /// # Errors
    /// [`ClientError::BadAddress`], [`ClientError::NoneResolvable`].
    pub async fn new(options: ClusterOptions) -> Result<Self, ClientError> {
        let bootstrap = resolvable(ServerAddress::parse_list(&options.bootstrap)?, &options.events).await?;
        let options = Arc::new(options);
        let (commands, received) = mpsc::unbounded_channel();
        let (sender, metadata) = watch::channel(ClientMetadata::default());
        tokio::spawn(Supervisor::new(options.clone(), bootstrap, sender).run(received));
        Ok(Self { options, commands, metadata })
    }

    /// Its settings.
    pub fn options(&self) -> &ClusterOptions {
        &self.options
    }

    /// Sends a request to its target, once, in the newest version that both sides know.
    ///
    /// # Errors The target is not known, or the exchange failed. The target is then forgotten, so that it is
    /// looked up again.
    pub async fn call<R: Request>(&self, target: &Target, request: &R) -> Result<R::Response, ClientError> {
        self.call_within(target, request, self.options.request_timeout).await
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
        let connection = self.connection(target).await?;
        let answer = connection.call(request, limit).await;
        if matches!(answer, Err(ClientError::Connection(_))) {
            self.forget(target);
        }
        answer
    }

    /// Sends a request that is not answered.
    ///
    /// # Errors
    /// As [`Cluster::call`].
    pub async fn send<R: Request>(&self, target: &Target, request: &R) -> Result<(), ClientError> {
        self.connection(target).await?.send(request, self.options.request_timeout).await
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
        let end = Instant::now() + self.options.api_timeout;
        let mut backoff = Backoff::new(self.options.retry_backoff, Duration::from_secs(1));
        loop {
            let answer = self.call(target, request).await;
            let error = match answer.and_then(|answer| check(&answer).map(|()| answer)) {
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

    /// Requests the metadata of topics, all of them for None, and keeps it.
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
        self.ask(|applied| ClientCommand::Apply(answer, applied)).await
    }

    /// The leader of a partition and its epoch; requests metadata if it is not known.
    ///
    /// # Errors
    /// The topic's error, [`ClientError::NoLeader`], or that of asking.
    pub async fn leader(&self, partition: &TopicPartition) -> Result<PartitionLeader, ClientError> {
        if let Some(leader) = self.known_leader(partition).await? {
            return Ok(leader);
        }
        self.learn(Missing::Topic(partition.topic.clone())).await?;
        self.known_leader(partition).await?.ok_or(ClientError::NoLeader)
    }

    async fn known_leader(&self, partition: &TopicPartition) -> Result<Option<PartitionLeader>, ClientError> {
        self.ask(|reply| ClientCommand::Leader(partition.clone(), reply)).await
    }

    /// The leader of each partition of a topic by the last metadata, None for a partition without one; None
    /// if the topic is not known. Sends no request.
    pub fn leaders_of(&self, topic: &str) -> Option<Vec<Option<PartitionLeader>>> {
        self.metadata.borrow().leaders_of(topic)
    }

    /// Forgets the broker behind a target, so that it is looked up again.
    pub fn forget(&self, target: &Target) {
        // Without the task there is nothing to forget.
        let _ = self.commands.send(ClientCommand::Forget(target.clone()));
    }

    async fn connection(&self, target: &Target) -> Result<BrokerConnection, ClientError> {
        for _ in 0..ROUTE_TRIES {
            match self.ask(|reply| ClientCommand::Route(target.clone(), reply)).await?? {
                TargetRoute::Open(connection) => return Ok(connection),
                TargetRoute::Unknown(missing) => Box::pin(self.learn(missing)).await?,
            }
        }
        Err(ClientError::NoLeader)
    }

    /// Requests what is missing from the cluster.
    async fn learn(&self, missing: Missing) -> Result<(), ClientError> {
        match missing {
            Missing::Brokers => self.metadata(Some(&[]), false).await.map(drop),
            Missing::Topic(name) => {
                let answer = self.metadata(Some(&[name.to_string()]), true).await?;
                answer.topics.iter().try_for_each(|it| ClientError::check_topic(it.error_code, &it.name))
            }
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
        let (broker, address): (BrokerId, _) = (answer.node_id, ServerAddress { host: answer.host, port });
        self.ask(|applied| ClientCommand::ApplyCoordinator { kind, key, broker, address, applied }).await
    }

    /// Sends the task a command and waits for its reply.
    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> ClientCommand,
    ) -> Result<T, ClientError> {
        let (sender, reply) = oneshot::channel();
        self.commands.send(command(sender)).map_err(|_| ClientError::Closed)?;
        reply.await.map_err(|_| ClientError::Closed)
    }
}

/// The error of a call whose time is over: a broker's last error, or that no answer came.
fn timed_out(api: ApiKey, last: ClientError) -> ClientError {
    if matches!(last, ClientError::Refused { .. } | ClientError::CallTimedOut { .. }) {
        return last;
    }
    ClientError::CallTimedOut { api, at: Clock::System.now(), last: Box::new(last) }
}

#[cfg(test)]
mod tests;
