//! An open connection to a broker: which versions the broker understands, and how many requests may be in flight.
//!
//! A call that is dropped leaves the connection in order: the exchange goes on without its caller, and counts
//! as in flight, until it is answered or its time is over. Kafka: `NetworkClient`, `InFlightRequests`.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::address::ServerAddress;
use super::cluster::ClusterShared;
use super::error::ClientError;
use super::throttle::Throttle;
use super::versions::NodeApiVersions;
use crate::base::Millis;
use crate::net::peer::{Peer, PeerError, PeerOptions, PendingAnswer};
use crate::wire::api_key::ApiKey;
use crate::wire::codec::{Problem, WireError};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::api_versions::ApiVersionsRequest;
use crate::wire::message::{Request, ResponseMessage};

/// A connection, shared by its clones; closed when the last one is dropped.
#[derive(Clone, Debug)]
pub(super) struct BrokerConnection(Arc<ConnectedBroker>);

#[derive(Debug)]
struct ConnectedBroker {
    peer: Peer,
    versions: NodeApiVersions,
    throttle: Throttle,
    /// The zero of the throttle's clock.
    begun: Instant,
    max_in_flight: usize,
    in_flight: Arc<Semaphore>,
}

/// An answer, and the version of it.
#[derive(Debug)]
pub(super) struct VersionedAnswer<T> {
    /// The answer.
    pub answer: T,
    /// The version of the request and of the answer.
    pub version: i16,
}

impl ConnectedBroker {
    fn now(&self) -> Millis {
        Millis::try_from(self.begun.elapsed().as_millis()).unwrap_or(Millis::MAX / 2)
    }

    /// Before version 2 of ApiVersions, a throttled answer came only after its time.
    fn note_throttle<T: ResponseMessage>(&self, answer: &mut T) {
        let millis = answer.throttle_time_ms().map_or(0, |millis| *millis);
        if millis > 0 && self.versions.usable(ApiKey::ApiVersions).is_ok_and(|versions| *versions.end() >= 2)
        {
            self.throttle.note(millis, self.now());
        }
    }
}

impl BrokerConnection {
    /// Connects to one address of a server after the other, authenticates at the broker that takes the connection if
    /// the client has a user, and asks it for its versions; each address has `limit`.
    ///
    /// # Errors
    /// [`ClientError::Connection`] where the broker does not take the connection or does not answer in time,
    /// [`ClientError::Refused`] where the client is not authenticated.
    pub(super) async fn open(
        address: &ServerAddress,
        cluster: &ClusterShared,
        limit: Duration,
    ) -> Result<Self, ClientError> {
        let options = &cluster.options;
        let mut last = None;
        for ip in address.resolve(options.dns_lookup).await? {
            let made = PeerOptions {
                client_id: options.client_id.clone(),
                send_buffer: options.send_buffer,
                receive_buffer: options.receive_buffer,
                traffic: cluster.counters.traffic.clone(),
                login: cluster.login.clone(),
            };
            let limit = limit.min(options.request_timeout);
            match Peer::connect_to((ip, address.port).into(), &address.host, made, limit).await {
                Ok(peer) => {
                    let versions = negotiate(&peer, options.request_timeout).await?;
                    let in_flight = Arc::new(Semaphore::new(options.max_in_flight.max(1)));
                    let max_in_flight = options.max_in_flight.max(1);
                    let throttle = Throttle::new(options.request_timeout);
                    return Ok(Self(Arc::new(ConnectedBroker {
                        peer,
                        versions,
                        throttle,
                        begun: Instant::now(),
                        max_in_flight,
                        in_flight,
                    })));
                }
                // Another address is the same server: it would refuse the client, too.
                Err(error @ PeerError::Authentication(_)) => return Err(ClientError::of_peer(error)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or(ClientError::NoLeader, ClientError::of_peer))
    }

    /// Whether the connection is still open, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.0.peer.is_open()
    }

    /// How many requests wait for their answers.
    pub(super) fn in_flight(&self) -> usize {
        self.0.max_in_flight - self.0.in_flight.available_permits().min(self.0.max_in_flight)
    }

    /// How long the connection has not been used.
    pub(super) fn unused_for(&self) -> Duration {
        self.0.peer.unused_for()
    }

    /// The versions of an API that both sides know.
    ///
    /// # Errors
    /// [`ClientError::Unsupported`] where there are none.
    pub(super) fn usable_versions(&self, api: ApiKey) -> Result<RangeInclusive<i16>, ClientError> {
        self.0.versions.usable(api)
    }

    /// The newest version of an API that both sides know.
    ///
    /// # Errors
    /// As [`BrokerConnection::usable_versions`].
    pub(super) fn version(&self, api: ApiKey) -> Result<i16, ClientError> {
        Ok(*self.usable_versions(api)?.end())
    }

    /// Sends a request in the newest version that both sides know, and waits for its answer. If `limit` is over first,
    /// the connection is closed: a late answer would delay all answers behind it.
    ///
    /// # Errors [`ClientError::Unsupported`], [`ClientError::Connection`]; after the latter it is not known
    /// whether the broker has acted on the request.
    pub(super) async fn call<R: Request>(
        &self,
        request: &R,
        limit: Duration,
    ) -> Result<VersionedAnswer<R::Response>, ClientError> {
        let pending = self.begin(request, limit).await?;
        let version = pending.answer.version();
        Ok(VersionedAnswer { answer: pending.answer().await?, version })
    }

    /// Sends a request whose answer is awaited apart; waits only while too many are in flight. Requests begun one after
    /// the other reach the broker in that order.
    ///
    /// # Errors
    /// As [`BrokerConnection::call`].
    pub(super) async fn begin<R: Request>(
        &self,
        request: &R,
        limit: Duration,
    ) -> Result<PendingCall<R>, ClientError> {
        let version = self.version(R::KEY)?;
        let permit = self.permit(limit).await?;
        let begun = self.0.peer.begin(request, version, limit, Some(permit));
        let answer = begun.map_err(|error| failed(R::KEY, error))?;
        Ok(PendingCall { answer, connection: self.clone() })
    }

    /// As [`BrokerConnection::call`], for a request that is not answered; waits until it is written.
    ///
    /// # Errors
    /// As [`BrokerConnection::call`].
    pub(super) async fn send<R: Request>(&self, request: &R, limit: Duration) -> Result<(), ClientError> {
        let version = self.version(R::KEY)?;
        let permit = self.permit(limit).await?;
        let sent = self.0.peer.send_unanswered(request, version, limit, Some(permit)).await;
        sent.map_err(|error| failed(R::KEY, error))
    }

    /// Waits until the broker takes requests and fewer are in flight than the limit.
    async fn permit(&self, limit: Duration) -> Result<OwnedSemaphorePermit, ClientError> {
        if let Some(wait) = self.0.throttle.wait(self.0.now()) {
            if wait > limit {
                return Err(ClientError::of_peer(PeerError::Timeout(limit)));
            }
            tokio::time::sleep(wait).await;
        }
        if let Ok(permit) = self.0.in_flight.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let permit = timeout_at(Instant::now() + limit, self.0.in_flight.clone().acquire_owned()).await;
        let late = |_| ClientError::of_peer(PeerError::Timeout(limit));
        permit.map_err(late)?.map_err(|_| ClientError::Closed)
    }
}

/// A request that was sent. It counts as in flight until it is answered or its time is over, even if this is dropped.
#[derive(Debug)]
pub(super) struct PendingCall<R> {
    answer: PendingAnswer<R>,
    connection: BrokerConnection,
}

impl<R: Request> PendingCall<R> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// As [`BrokerConnection::call`].
    pub(super) async fn answer(self) -> Result<R::Response, ClientError> {
        let mut answer = self.answer.answer().await.map_err(|error| failed(R::KEY, error))?;
        self.connection.0.note_throttle(&mut answer);
        Ok(answer)
    }
}

/// The error of an exchange of this API.
fn failed(api: ApiKey, error: PeerError) -> ClientError {
    match error {
        PeerError::Wire(WireError { problem: Problem::NotInVersion(version), field }) => {
            ClientError::UnsupportedField { api, field, version }
        }
        error => ClientError::of_peer(error),
    }
}

/// The versions that a broker understands. A broker too old for version 3 of ApiVersions answers in the
/// layout of version 0, and is asked again.
async fn negotiate(peer: &Peer, limit: Duration) -> Result<NodeApiVersions, ClientError> {
    let request = ApiVersionsRequest {
        client_software_name: "barnabas".to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let answer = match peer.call(&request, 3, limit).await {
        Ok(answer) if answer.error_code == ErrorCode::None.code() => answer,
        Ok(_) | Err(PeerError::Wire(_)) => {
            let again = peer.call(&ApiVersionsRequest::default(), 0, limit).await;
            again.map_err(ClientError::of_peer)?
        }
        Err(error) => return Err(ClientError::of_peer(error)),
    };
    ClientError::check(answer.error_code, None)?;
    Ok(NodeApiVersions::of(&answer))
}
