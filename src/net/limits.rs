//! How much may come in at once: connections, requests, and the memory of requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::connection_quotas::{ConnectionQuotas, ListenerLimits};
use super::metrics::SocketMetrics;
use crate::config::layers::LayeredSettings;
use crate::config::{BrokerConfig, ConfigError, Properties, SettingsChange};

/// The limits of a broker's sockets, shared by all its listeners.
#[derive(Debug)]
pub struct SocketLimits {
    /// `socket.request.max.bytes`.
    pub largest_request: i32,
    /// `connections.max.idle.ms`; a hundred years where it is off.
    pub idle: Duration,
    /// `socket.receive.buffer.bytes` and `socket.send.buffer.bytes`; -1 for the system's.
    pub buffers: (i32, i32),
    /// Which connections may be open.
    pub connections: Arc<ConnectionQuotas>,
    /// Counts the connections.
    pub metrics: SocketMetrics,
    /// `queued.max.requests`.
    most_requests: usize,
    /// `queued.max.requests`: the requests that were read and whose handlers have not begun yet.
    requests: Semaphore,
    /// `queued.max.request.bytes`; None where it is off.
    memory: Option<Arc<MemoryPool>>,
    /// `queued.max.request.bytes`; [`i64::MAX`] where it is off.
    most_memory: i64,
}

impl SocketLimits {
    /// The limits of a broker's config; `given` are its properties, for `listener.name.…`.
    ///
    /// # Errors
    /// [`ConfigError`] where listeners or `max.connections.per.ip.overrides` cannot be read, or a listener's own
    /// limit is no number.
    pub fn new(config: &BrokerConfig, given: &Properties) -> Result<Arc<Self>, ConfigError> {
        let requests = usize::try_from(config.queued_max_requests).unwrap_or(1);
        let bytes = config.queued_max_request_bytes;
        let memory = |free| Arc::new(MemoryPool { free: AtomicI64::new(free), freed: Notify::new() });
        let idle = u64::try_from(config.connections_max_idle_ms).ok();
        Ok(Arc::new(Self {
            largest_request: config.socket_request_max_bytes,
            idle: idle.map_or(Duration::from_secs(100 * 365 * 24 * 3600), Duration::from_millis),
            buffers: (config.socket_receive_buffer_bytes, config.socket_send_buffer_bytes),
            connections: ConnectionQuotas::new(config, &own_limits(config, given)?)?,
            metrics: SocketMetrics::default(),
            most_requests: requests.min(Semaphore::MAX_PERMITS),
            requests: Semaphore::new(requests.min(Semaphore::MAX_PERMITS)),
            memory: (bytes > 0).then(|| memory(bytes)),
            most_memory: if bytes > 0 { bytes } else { i64::MAX },
        }))
    }

    /// How many requests were read and have no handler yet.
    pub(super) fn queued_requests(&self) -> usize {
        self.most_requests.saturating_sub(self.requests.available_permits())
    }

    /// How many bytes of `queued.max.request.bytes` are used and free; all are free where it is off.
    pub(super) fn memory_pool(&self) -> (i64, i64) {
        let free = self.memory.as_ref().map_or(i64::MAX, |memory| memory.free.load(Ordering::Acquire));
        (self.most_memory - free, free)
    }

    /// Refuses new limits by which a listener would accept no connection any more, not even one that could undo the
    /// change.
    ///
    /// # Errors
    /// [`ConfigError`] in Kafka's words, and where a listener's limits cannot be read.
    #[doc(alias = "ListenerConnectionQuota")]
    pub fn validate_reconfiguration(change: &SettingsChange) -> Result<(), ConfigError> {
        let (before, now) = (limits_in_force(&change.before)?, limits_in_force(&change.now)?);
        let changed = now.iter().filter(|(name, limits)| before.get(*name).is_some_and(|old| old != *limits));
        for (_, ListenerLimits { connections, creation_rate }) in changed {
            let limits = [("max.connections", connections), ("max.connection.creation.rate", creation_rate)];
            for (key, limit) in limits {
                if let Some(limit @ ..=0) = limit {
                    return Err(ConfigError::Combination(format!("Invalid {key} {limit}")));
                }
            }
        }
        Ok(())
    }

    /// Applies the settings that may change while the broker runs (KIP-226, KIP-402, KIP-612): see
    /// [`ConnectionQuotas::reconfigure`].
    ///
    /// # Errors
    /// As [`SocketLimits::new`]; nothing has changed then.
    pub fn reconfigure(&self, config: &BrokerConfig, given: &Properties) -> Result<(), ConfigError> {
        self.connections.reconfigure(config, &own_limits(config, given)?)
    }

    /// Waits until one more request may be read; the permit lasts until the request's handler has begun.
    pub async fn request(&self) -> Option<SemaphorePermit<'_>> {
        self.requests.acquire().await.ok()
    }

    /// Waits until there is memory for a request of so many bytes.
    pub async fn memory(&self, bytes: usize) -> RequestMemory {
        let memory = match &self.memory {
            Some(memory) => Some(memory.clone().take(bytes).await),
            None => None,
        };
        RequestMemory { memory }
    }
}

/// The limits that apply to each listener, by its name: its own, or else the broker's.
fn limits_in_force(settings: &LayeredSettings) -> Result<BTreeMap<String, ListenerLimits>, ConfigError> {
    let broker = &settings.broker;
    let with_brokers = |own: ListenerLimits| ListenerLimits {
        connections: own.connections.or(Some(broker.max_connections)),
        creation_rate: own.creation_rate.or(Some(broker.max_connection_creation_rate)),
    };
    let own = own_limits(broker, &settings.pairs)?;
    Ok(own.into_iter().map(|(name, own)| (name, with_brokers(own))).collect())
}

/// The limits of single listeners, by their names.
fn own_limits(
    config: &BrokerConfig,
    given: &Properties,
) -> Result<BTreeMap<String, ListenerLimits>, ConfigError> {
    let number = |listener: &str, key: &str| {
        let key = format!("listener.name.{}.{key}", listener.to_lowercase());
        let Some(value) = given.get(&key) else { return Ok(None) };
        let invalid = |_| ConfigError::Invalid {
            key: key.clone(),
            value: value.to_owned(),
            reason: "Not a number of type INT".to_owned(),
        };
        value.trim().parse::<i32>().map(Some).map_err(invalid)
    };
    let limits = |listener: String| {
        let connections = number(&listener, "max.connections")?;
        let creation_rate = number(&listener, "max.connection.creation.rate")?;
        Ok((listener, ListenerLimits { connections, creation_rate }))
    };
    config.listeners()?.into_iter().map(|endpoint| limits(endpoint.listener)).collect()
}

/// Memory for requests. As in Kafka's `SimpleMemoryPool`, a request gets its memory as long as any is left,
/// so that the largest one always passes; the pool may be overdrawn by one request.
#[derive(Debug)]
struct MemoryPool {
    free: AtomicI64,
    freed: Notify,
}

impl MemoryPool {
    async fn take(self: Arc<Self>, bytes: usize) -> (Arc<Self>, i64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| {
                (free > 0).then(|| free.saturating_sub(bytes))
            });
            if taken.is_ok() {
                break;
            }
            freed.await;
        }
        (self, bytes)
    }
}

/// The memory of one request; given back when dropped.
#[derive(Debug)]
pub struct RequestMemory {
    memory: Option<(Arc<MemoryPool>, i64)>,
}

impl RequestMemory {
    /// The frame that the memory was taken for, which holds it until the last slice of the frame is gone.
    pub fn by(self, frame: Bytes) -> Bytes {
        match self.memory {
            None => frame,
            Some(_) => Bytes::from_owner(Owner { frame, _memory: self }),
        }
    }
}

impl Drop for RequestMemory {
    fn drop(&mut self) {
        if let Some((memory, bytes)) = &self.memory {
            memory.free.fetch_add(*bytes, Ordering::AcqRel);
            memory.freed.notify_waiters();
        }
    }
}

struct Owner {
    frame: Bytes,
    _memory: RequestMemory,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

#[cfg(test)]
mod tests;
