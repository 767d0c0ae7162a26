//! What a client reports while it works. The program that embeds the client may log, count or ignore it.
//!
//! A client logs nothing itself. The tools log these events in the words of Kafka's Java clients (`cli::java`).

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::address::ServerAddress;
use super::error::ClientError;
use crate::base::{BrokerId, TopicPartition};
use crate::wire::error_code::ErrorCode;

/// Which server of a cluster is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// The broker of this id.
    Broker(BrokerId),
    /// The bootstrap server at this position of the list, from 0.
    Bootstrap(usize),
}

/// Something that the calls of a client do not return.
#[derive(Clone, Debug)]
pub enum ClientEvent {
    /// The name of a bootstrap server cannot be looked up; the server is left out.
    Unresolvable(ServerAddress),
    /// A server did not take the connection when any server would do.
    Unreachable {
        /// The server.
        server: ServerName,
        /// Its address as it was configured or as metadata has it.
        address: ServerAddress,
        /// The IP address that the name was resolved to.
        ip: Option<IpAddr>,
    },
    /// A server did not authenticate the client, or the client did not authenticate the server.
    AuthenticationFailed {
        /// The server.
        server: ServerName,
        /// Its address as it was configured or as metadata has it.
        address: ServerAddress,
        /// The IP address that the name was resolved to.
        ip: Option<IpAddr>,
        /// Why.
        error: ClientError,
    },
    /// A broker's answer about topics has errors.
    TopicErrors {
        /// How many requests the client had sent then.
        requests: u64,
        /// The topics with an error, each with its error.
        errors: Vec<(String, ErrorCode)>,
    },
    /// A batch is sent again.
    BatchRetried {
        /// Its partition.
        partition: TopicPartition,
        /// How many tries are left.
        attempts_left: u32,
        /// Why it was not written.
        error: ClientError,
    },
    /// The records of a batch have failed, or it is not known whether they were written.
    BatchFailed {
        /// Its partition.
        partition: TopicPartition,
        /// How many records it held.
        records: usize,
        /// Why it has failed.
        error: ClientError,
    },
}

/// Receives a client's events; cheap to clone. The default drops them.
#[derive(Clone)]
pub struct EventSink(Arc<dyn Fn(&ClientEvent) + Send + Sync>);

impl EventSink {
    /// Hands every event to `sink`, which must not block.
    pub fn new(sink: impl Fn(&ClientEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    pub(super) fn report(&self, event: &ClientEvent) {
        (self.0)(event);
    }
}

impl Default for EventSink {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EventSink")
    }
}
