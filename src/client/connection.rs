//! An open connection to a broker: which versions the broker understands, and how many requests may be in flight.
//!
//! A call that is dropped leaves the connection in order: the exchange goes on without its caller, and counts
//! as in flight, until it is answered or its time is over. Kafka: `NetworkClient`, `ApiVersions`.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::address::ServerAddress;
use super::cluster::ClusterOptions;
use super::error::ClientError;
use crate::net::peer::{Peer, PeerError};
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::Request;
use crate::wire::message::api_versions::ApiVersionsRequest;

/// The versions of one API that a broker understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct VersionRange {
    lowest: i16,
    highest: i16,
}

/// A connection, shared by its clones; closed when the last one is dropped and nothing is in flight.
#[derive(Clone, Debug)]
pub(super) struct BrokerConnection {
    peer: Peer,
    versions: Arc<BTreeMap<i16, VersionRange>>,
    in_flight: Arc<Semaphore>,
}

impl BrokerConnection {
    /// Connects, and asks the broker for its versions.
    ///
    /// # Errors
    /// [`ClientError::Connection`] where the broker does not take the connection or does not answer in time.
    pub(super) async fn open(address: &ServerAddress, options: &ClusterOptions) -> Result<Self, ClientError> {
        let ServerAddress { host, port } = address;
        let limit = options.connection_setup_timeout.min(options.request_timeout);
        let peer = Peer::connect(host, *port, &options.client_id, limit).await?;
        let versions = Arc::new(negotiate(&peer, options.request_timeout).await?);
        Ok(Self { peer, versions, in_flight: Arc::new(Semaphore::new(options.max_in_flight)) })
    }

    /// Whether the connection is still open, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.peer.is_open()
    }

    /// The newest version of an API that both sides know.
    fn version(&self, api: ApiKey) -> Result<i16, ClientError> {
        let known = api.versions();
        let broker = self.versions.get(&api.code()).ok_or(ClientError::Unsupported(api))?;
        let version = broker.highest.min(*known.end());
        let lowest = broker.lowest.max(*known.start());
        if version < lowest { Err(ClientError::Unsupported(api)) } else { Ok(version) }
    }

    /// Sends a request and waits for its answer. If `limit` is over first, the connection is closed: a late
    /// answer would delay all answers behind it.
    ///
    /// # Errors [`ClientError::Unsupported`], [`ClientError::Connection`]; after the latter it is not known
    /// whether the broker has acted on the request.
    pub(super) async fn call<R: Request>(
        &self,
        request: &R,
        limit: Duration,
    ) -> Result<R::Response, ClientError> {
        let version = self.version(R::KEY)?;
        let permit = self.permit(limit).await?;
        let (peer, request) = (self.peer.clone(), request.clone());
        in_background(permit, async move { peer.call(&request, version, limit).await }).await
    }

    /// As [`BrokerConnection::call`], for a request that is not answered.
    ///
    /// # Errors
    /// As [`BrokerConnection::call`].
    pub(super) async fn send<R: Request>(&self, request: &R, limit: Duration) -> Result<(), ClientError> {
        let version = self.version(R::KEY)?;
        let permit = self.permit(limit).await?;
        let (peer, request) = (self.peer.clone(), request.clone());
        in_background(permit, async move { peer.send_unanswered(&request, version, limit).await }).await
    }

    /// Waits until fewer requests are in flight than the limit.
    async fn permit(&self, limit: Duration) -> Result<OwnedSemaphorePermit, ClientError> {
        let permit = timeout_at(Instant::now() + limit, self.in_flight.clone().acquire_owned()).await;
        permit.map_err(|_| PeerError::Timeout(limit))?.map_err(|_| ClientError::Closed)
    }
}

/// Runs an exchange to its end, even if the caller is dropped.
async fn in_background<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    exchange: impl Future<Output = Result<T, PeerError>> + Send + 'static,
) -> Result<T, ClientError> {
    let running = tokio::spawn(async move {
        let outcome = exchange.await;
        drop(permit);
        outcome
    });
    let ended = |_| PeerError::Io(io::Error::new(io::ErrorKind::ConnectionAborted, "the exchange has ended"));
    Ok(running.await.map_err(ended)??)
}

/// The versions that a broker understands. A broker too old for version 3 of ApiVersions answers in the
/// layout of version 0, and is asked again.
async fn negotiate(peer: &Peer, limit: Duration) -> Result<BTreeMap<i16, VersionRange>, ClientError> {
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
    let ranges = answer
        .api_keys
        .iter()
        .map(|it| (it.api_key, VersionRange { lowest: it.min_version, highest: it.max_version }));
    Ok(ranges.collect())
}
