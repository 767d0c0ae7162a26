//! Which connections may be open: how many in all, by listener and by address, and how fast new ones may come.
//!
//! A connection from an address that has its share is rejected. A connection beyond one of the other limits
//! waits to be accepted. With several listeners, the one between brokers stays open when the others use up
//! `max.connections`: the connection longest unused on one of those is closed instead. *Never:* touches a
//! socket. *In Kafka:* `ConnectionQuotas`.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use crate::base::{DescriptorBudget, Millis, Rate};
use crate::config::{BrokerConfig, ConfigError};

/// How long a connection must have been unused to be closed for a new one when file descriptors are scarce.
const SPARE_AFTER: Duration = Duration::from_secs(10);

/// Why a connection is closed as soon as it was accepted. The texts are those of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Its address has as many connections as it may (`max.connections.per.ip` or its override).
    #[error("address already has the configured maximum of {0} connections.")]
    Address(i32),
    /// The open file limit has room for so many connections, and all of them are in use.
    #[error("the open file limit has room for {0} connections, and all are in use.")]
    Descriptors(usize),
}

/// The connections that are open, and how many may be; shared by all listeners of a broker.
#[derive(Debug)]
pub struct ConnectionQuotas {
    state: Mutex<OpenConnections>,
    /// Wakes the connections that wait when a slot has become free or a limit has changed.
    changed: Notify,
    begun: Instant,
    /// How many connections may be open so that the process keeps file descriptors for its other parts.
    descriptors: usize,
    /// How long a connection must have been unused to be closed for another one when descriptors run out.
    spare_after: Duration,
    /// `quota.window.size.seconds`: the longest that a new connection waits for the rate.
    longest_throttle: Millis,
}

#[derive(Debug)]
struct OpenConnections {
    maximum: i32,
    rate_limit: i32,
    rate: Rate,
    /// The rate of a listener that has had no connection yet.
    idle_rate: Rate,
    per_address: i32,
    overrides: HashMap<IpAddr, i32>,
    addresses: HashMap<IpAddr, i32>,
    listeners: HashMap<String, ListenerQuota>,
    /// The listener between brokers, where there are others beside it.
    protected: Option<String>,
    open: BTreeMap<u64, Arc<OpenConnection>>,
    next: u64,
}

#[derive(Debug)]
struct ListenerQuota {
    own: ListenerLimits,
    rate: Rate,
    open: i32,
}

/// The limits of a single listener, set by `listener.name.NAME.…`; None where the broker's limit applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenerLimits {
    /// `max.connections`.
    pub connections: Option<i32>,
    /// `max.connection.creation.rate`, per second.
    pub creation_rate: Option<i32>,
}

#[derive(Debug)]
struct OpenConnection {
    listener: String,
    address: IpAddr,
    activity: Activity,
    over: CancellationToken,
}

/// A connection's slot among those allowed; given back when dropped.
#[derive(Debug)]
pub struct ConnectionSlot {
    connections: Arc<ConnectionQuotas>,
    number: u64,
    open: Arc<OpenConnection>,
}

impl ConnectionQuotas {
    /// No connections, under these limits; `own` are the limits of single listeners, by their names.
    ///
    /// # Errors
    /// [`ConfigError`] where the config's listeners or overrides cannot be read.
    pub fn new(
        config: &BrokerConfig,
        own: &BTreeMap<String, ListenerLimits>,
    ) -> Result<Arc<Self>, ConfigError> {
        let window = Millis::from(config.quota_window_size_seconds) * 1000;
        let rate = Rate::new(usize::try_from(config.quota_window_num).unwrap_or(1), window);
        let connections = Self {
            state: Mutex::new(OpenConnections {
                maximum: i32::MAX,
                rate_limit: i32::MAX,
                rate: rate.clone(),
                idle_rate: rate,
                per_address: i32::MAX,
                overrides: HashMap::new(),
                addresses: HashMap::new(),
                listeners: HashMap::new(),
                protected: None,
                open: BTreeMap::new(),
                next: 0,
            }),
            changed: Notify::new(),
            begun: Instant::now(),
            descriptors: DescriptorBudget::current().connections(),
            spare_after: SPARE_AFTER,
            longest_throttle: window,
        };
        connections.reconfigure(config, own)?;
        Ok(Arc::new(connections))
    }

    /// Applies `max.connections`, `max.connection.creation.rate`, `max.connections.per.ip` and its overrides,
    /// and the limits of single listeners, those of `listeners`. If more connections are open than the new
    /// limits allow, those longest unused are closed.
    ///
    /// # Errors
    /// [`ConfigError`] where the overrides or the listeners cannot be read; nothing has changed then.
    pub fn reconfigure(
        &self,
        config: &BrokerConfig,
        own: &BTreeMap<String, ListenerLimits>,
    ) -> Result<(), ConfigError> {
        let overrides = addresses(config.connection_overrides()?);
        let names: Vec<String> = config.listeners()?.into_iter().map(|it| it.listener).collect();
        let protected = (names.len() > 1).then(|| config.inter_broker_listener()).transpose()?;
        let mut state = self.state.lock();
        state.maximum = config.max_connections;
        state.rate_limit = config.max_connection_creation_rate;
        state.per_address = config.max_connections_per_ip;
        state.overrides = overrides;
        state.protected = protected;
        // A listener that is gone is kept for as long as it has connections that are about to end.
        state.listeners.retain(|name, listener| names.contains(name) || listener.open > 0);
        for name in names {
            let limits = own.get(&name).copied().unwrap_or_default();
            let rate = state.idle_rate.clone();
            let new = || ListenerQuota { own: limits, rate, open: 0 };
            state.listeners.entry(name).or_insert_with(new).own = limits;
        }
        state.close_excess();
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    /// How many connections are open.
    pub fn count(&self) -> usize {
        self.state.lock().open.len()
    }

    /// Waits until a connection by this listener is allowed, and takes a slot for it.
    ///
    /// # Errors [`Rejected`] when its address has as many as it may, or the process has no descriptor left
    /// for it.
    pub async fn acquire(
        self: &Arc<Self>,
        listener: &str,
        address: IpAddr,
    ) -> Result<ConnectionSlot, Rejected> {
        let throttle = self.state.lock().throttle(listener, self.now()).min(self.longest_throttle);
        if let Ok(throttle @ 1..) = u64::try_from(throttle) {
            tokio::time::sleep(Duration::from_millis(throttle)).await;
        }
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(opened) = self.open(listener, address) {
                return opened;
            }
            changed.await;
        }
    }

    /// None where there is no room at present.
    fn open(self: &Arc<Self>, listener: &str, address: IpAddr) -> Option<Result<ConnectionSlot, Rejected>> {
        let mut state = self.state.lock();
        if !state.has_room(listener) {
            return None;
        }
        if state.open.len() >= self.descriptors
            && state.staying() >= self.descriptors
            && !state.close_spare(self.spare_after)
        {
            return Some(Err(Rejected::Descriptors(self.descriptors)));
        }
        if let Err(refused) = state.take(listener, address) {
            return Some(Err(refused));
        }
        let open = Arc::new(OpenConnection {
            listener: listener.to_owned(),
            address,
            activity: Activity::since(self.begun),
            over: CancellationToken::new(),
        });
        let number = state.next;
        state.next += 1;
        state.open.insert(number, open.clone());
        state.close_excess();
        Some(Ok(ConnectionSlot { connections: self.clone(), number, open }))
    }

    /// Closes a connection that no client has used for a while, if there is one. The listener calls this when
    /// file descriptors have run out.
    pub fn shed(&self) {
        self.state.lock().close_spare(self.spare_after);
    }

    fn now(&self) -> Millis {
        Millis::try_from(self.begun.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }
}

impl OpenConnections {
    /// How long the next connection has to wait for the rate of new ones; it counts towards that rate.
    fn throttle(&mut self, listener: &str, now: Millis) -> Millis {
        let mut throttle = 0;
        if !self.is_protected(listener) {
            self.rate.record(1.0, now);
            throttle = self.rate.throttle(f64::from(self.rate_limit), now);
        }
        let broker_limit = self.rate_limit;
        if let Some(listener_state) = self.listeners.get_mut(listener) {
            listener_state.rate.record(1.0, now);
            let limit = listener_state.own.creation_rate.unwrap_or(broker_limit);
            throttle = throttle.max(listener_state.rate.throttle(f64::from(limit), now));
        }
        throttle
    }

    fn is_protected(&self, listener: &str) -> bool {
        self.protected.as_deref() == Some(listener)
    }

    fn is_full(&self, count: usize) -> bool {
        usize::try_from(self.maximum).is_ok_and(|maximum| count >= maximum)
    }

    fn has_room(&self, listener: &str) -> bool {
        let by_listener = self.listeners.get(listener).is_none_or(|listener_state| {
            listener_state.open < listener_state.own.connections.unwrap_or(self.maximum)
        });
        by_listener && (self.is_protected(listener) || !self.is_full(self.open.len()))
    }

    fn take(&mut self, listener: &str, address: IpAddr) -> Result<(), Rejected> {
        let maximum = self.overrides.get(&address).copied().unwrap_or(self.per_address);
        let count = self.addresses.get(&address).copied().unwrap_or(0);
        if count >= maximum {
            return Err(Rejected::Address(maximum));
        }
        self.addresses.insert(address, count + 1);
        if let Some(listener_state) = self.listeners.get_mut(listener) {
            listener_state.open += 1;
        }
        Ok(())
    }

    fn give_back(&mut self, number: u64, open: &OpenConnection) {
        self.open.remove(&number);
        if let Some(listener_state) = self.listeners.get_mut(&open.listener) {
            listener_state.open -= 1;
        }
        if let Some(count) = self.addresses.get_mut(&open.address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&open.address);
            }
        }
    }

    /// How many connections are open and not about to be closed.
    fn staying(&self) -> usize {
        self.open.values().filter(|open| !open.over.is_cancelled()).count()
    }

    /// Closes the connection longest unused, except on the listener between brokers. Returns whether one was
    /// unused for long enough.
    fn close_spare(&self, spare_after: Duration) -> bool {
        let staying =
            |open: &&Arc<OpenConnection>| !open.over.is_cancelled() && !self.is_protected(&open.listener);
        let longest = self.open.values().filter(staying).min_by_key(|open| open.activity.last());
        let Some(spare) = longest.filter(|open| open.activity.unused_for() >= spare_after) else {
            return false;
        };
        spare.over.cancel();
        true
    }

    /// Closes the connections longest unused, except on the listener between brokers, until no more are open
    /// than the limit allows.
    fn close_excess(&self) {
        let excess = self.open.len().saturating_sub(usize::try_from(self.maximum).unwrap_or(0));
        if excess == 0 {
            return;
        }
        let (mut ending, mut others) = (0, Vec::new());
        for open in self.open.values() {
            if open.over.is_cancelled() {
                ending += 1;
            } else if !self.is_protected(&open.listener) {
                others.push(open);
            }
        }
        others.sort_by_key(|open| open.activity.last());
        others.iter().take(excess.saturating_sub(ending)).for_each(|open| open.over.cancel());
    }
}

impl ConnectionSlot {
    /// The mark that every use of the connection sets.
    pub(super) fn activity(&self) -> &Activity {
        &self.open.activity
    }

    /// Cancelled when the connection has to make room for another one.
    pub fn over(&self) -> CancellationToken {
        self.open.over.clone()
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connections.state.lock().give_back(self.number, &self.open);
        self.connections.changed.notify_waiters();
    }
}

/// The addresses of hosts. A host that cannot be resolved has no limit of its own, and a warning is logged.
fn addresses(hosts: BTreeMap<String, i32>) -> HashMap<IpAddr, i32> {
    let mut found = HashMap::new();
    for (host, limit) in hosts {
        match (host.as_str(), 0).to_socket_addrs() {
            Ok(addresses) => found.extend(addresses.map(|it| (it.ip().to_canonical(), limit))),
            Err(error) => {
                log::error!(target: "kafka.network.ConnectionQuotas", "max.connections.per.ip.overrides: {host}: {error}");
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
