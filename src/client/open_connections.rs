//! The open connections of a client, one a server, as its calls find them.
//!
//! Never makes a connection: that is [`super::supervisor`]. Kafka: `Selector`, `IdleExpiryManager`.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::RwLock;

use super::address::ServerAddress;
use super::connection::BrokerConnection;

/// The shortest time between two checks for unused connections.
const SHORTEST_CHECK: Duration = Duration::from_millis(10);

/// What a connection is for. A broker answers the requests of a connection in their order, and a request to join a
/// group waits for the other members: nothing else may wait behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ConnectionPurpose {
    /// Everything but the coordination of groups.
    Data,
    /// Requests to a group's coordinator.
    Coordination,
}

/// A connection's other end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConnectionKey {
    /// The server.
    pub server: ServerAddress,
    /// What the connection is for.
    pub purpose: ConnectionPurpose,
}

type ByServer = RwLock<HashMap<ServerAddress, BrokerConnection>>;

/// The connections by their purposes and servers; some may have ended since.
#[derive(Debug, Default)]
#[doc(alias = "IdleExpiryManager")]
pub(super) struct BrokerConnections {
    data: ByServer,
    coordination: ByServer,
}

/// The outcome of a check for unused connections.
pub(super) struct UnusedClosed {
    /// How many were closed.
    pub expired: usize,
    /// The time after which the next one may be unused for too long.
    pub next_check: Duration,
}

impl BrokerConnections {
    fn of(&self, purpose: ConnectionPurpose) -> &ByServer {
        match purpose {
            ConnectionPurpose::Data => &self.data,
            ConnectionPurpose::Coordination => &self.coordination,
        }
    }

    /// The connection to a server.
    pub(super) fn to(&self, server: &ServerAddress, purpose: ConnectionPurpose) -> Option<BrokerConnection> {
        self.of(purpose).read().get(server).filter(|connection| connection.is_open()).cloned()
    }

    /// The connection for data with the fewest requests in flight.
    pub(super) fn least_loaded(&self) -> Option<BrokerConnection> {
        let connections = self.data.read();
        let open = connections.values().filter(|connection| connection.is_open());
        open.min_by_key(|connection| connection.in_flight()).cloned()
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        let open = |of: &ByServer| of.read().values().filter(|connection| connection.is_open()).count();
        open(&self.data) + open(&self.coordination)
    }

    /// Adds a connection; one that took its place before is closed.
    pub(super) fn add(&self, ConnectionKey { server, purpose }: ConnectionKey, connection: BrokerConnection) {
        self.of(purpose).write().insert(server, connection);
    }

    /// Closes the connections that have been unused for `limit`.
    pub(super) fn close_unused(&self, limit: Duration) -> UnusedClosed {
        let mut closed = UnusedClosed { expired: 0, next_check: limit.max(SHORTEST_CHECK) };
        for connections in [&self.data, &self.coordination] {
            connections.write().retain(|_, connection| {
                let left = limit.saturating_sub(connection.unused_for());
                let open = connection.is_open();
                if left.is_zero() && open {
                    closed.expired += 1;
                } else {
                    closed.next_check = closed.next_check.min(left.max(SHORTEST_CHECK));
                }
                open && !left.is_zero()
            });
        }
        closed
    }

    /// Closes all.
    pub(super) fn close_all(&self) {
        self.data.write().clear();
        self.coordination.write().clear();
    }
}
