//! How much may come in at once: connections in all and by address, requests and their bytes in waiting.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{BrokerConfig, ConfigError};

/// The limits of a broker's sockets, shared by all its listeners.
#[derive(Debug)]
pub struct Limits {
    /// `socket.request.max.bytes`.
    pub largest_request: i32,
    /// `connections.max.idle.ms`; a century where it is off.
    pub idle: Duration,
    /// `socket.receive.buffer.bytes` and `socket.send.buffer.bytes`; -1 for the system's.
    pub buffers: (i32, i32),
    connections: Arc<Semaphore>,
    per_address: i32,
    overrides: BTreeMap<IpAddr, i32>,
    open: Mutex<HashMap<IpAddr, i32>>,
    requests: Semaphore,
    request_bytes: Option<Semaphore>,
}

/// A connection's place among those allowed; given back when dropped.
#[derive(Debug)]
pub struct Place {
    limits: Arc<Limits>,
    address: IpAddr,
    _any: OwnedSemaphorePermit,
}

impl Limits {
    /// The limits that a broker is configured with.
    ///
    /// # Errors
    /// [`ConfigError`] where `max.connections.per.ip.overrides` cannot be read.
    pub fn new(config: &BrokerConfig) -> Result<Arc<Self>, ConfigError> {
        let overrides = config.connection_overrides()?;
        let addresses = overrides.into_iter().filter_map(|(host, limit)| Some((host.parse().ok()?, limit)));
        let size = |limit: i32| usize::try_from(limit).unwrap_or(0).min(Semaphore::MAX_PERMITS);
        let bytes = config.queued_max_request_bytes;
        let request_bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes > 0);
        let idle = u64::try_from(config.connections_max_idle_ms).ok();
        Ok(Arc::new(Self {
            largest_request: config.socket_request_max_bytes,
            idle: idle.map_or(Duration::from_secs(100 * 365 * 24 * 3600), Duration::from_millis),
            buffers: (config.socket_receive_buffer_bytes, config.socket_send_buffer_bytes),
            connections: Arc::new(Semaphore::new(size(config.max_connections))),
            per_address: config.max_connections_per_ip,
            overrides: addresses.collect(),
            open: Mutex::new(HashMap::new()),
            requests: Semaphore::new(size(config.queued_max_requests)),
            request_bytes: request_bytes.map(|bytes| Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
        }))
    }

    /// Waits until one more connection is allowed at all (`max.connections`).
    pub async fn any_connection(&self) -> Option<OwnedSemaphorePermit> {
        self.connections.clone().acquire_owned().await.ok()
    }

    /// A place for a connection from this address; None where it has as many as it may (`max.connections.per.ip`).
    pub fn connection_from(self: &Arc<Self>, address: IpAddr, any: OwnedSemaphorePermit) -> Option<Place> {
        let limit = self.overrides.get(&address).copied().unwrap_or(self.per_address);
        let mut open = self.open.lock();
        let count = open.entry(address).or_insert(0);
        if *count >= limit {
            if *count == 0 {
                open.remove(&address);
            }
            return None;
        }
        *count += 1;
        Some(Place { limits: self.clone(), address, _any: any })
    }

    /// Waits until a request of so many bytes may be taken in; held until it is handed on.
    pub async fn request(&self, bytes: usize) -> Admission<'_> {
        // A request larger than all that may wait still passes, alone.
        let wanted =
            |held: &Semaphore| u32::try_from(bytes.min(held.available_permits().max(1))).unwrap_or(u32::MAX);
        let bytes = match &self.request_bytes {
            Some(held) => held.acquire_many(wanted(held)).await.ok(),
            None => None,
        };
        Admission { _request: self.requests.acquire().await.ok(), _bytes: bytes }
    }
}

/// A request's place among those that are worked on; given back when dropped.
#[derive(Debug)]
pub struct Admission<'a> {
    _request: Option<tokio::sync::SemaphorePermit<'a>>,
    _bytes: Option<tokio::sync::SemaphorePermit<'a>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}
