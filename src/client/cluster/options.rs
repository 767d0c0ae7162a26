//! How a client reaches a cluster. Pure. Kafka: `CommonClientConfigs`.

use std::time::Duration;

use crate::client::by_znode::ZooKeeperOptions;
use crate::client::events::EventSink;
use crate::client::security::ClientSecurity;

/// How the name of a server becomes addresses (`client.dns.lookup`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientDnsLookup {
    /// Only the first address is connected to.
    Default,
    /// All addresses are connected to, one after the other, until one takes the connection.
    #[default]
    UseAllDnsIps,
    /// As [`ClientDnsLookup::UseAllDnsIps`], and each address of a bootstrap server counts as a server of its own, by
    /// its canonical name.
    ResolveCanonicalBootstrapServersOnly,
}

impl ClientDnsLookup {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::Default, Self::UseAllDnsIps, Self::ResolveCanonicalBootstrapServersOnly];

    /// The value of `client.dns.lookup` that stands for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::UseAllDnsIps => "use_all_dns_ips",
            Self::ResolveCanonicalBootstrapServersOnly => "resolve_canonical_bootstrap_servers_only",
        }
    }
}

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
    /// The first wait before a call is tried again, and the shortest time between two refreshes of metadata
    /// (`retry.backoff.ms`).
    pub retry_backoff: Duration,
    /// The first wait before a server that could not be reached is connected to again (`reconnect.backoff.ms`).
    pub reconnect_backoff: Duration,
    /// The longest such wait (`reconnect.backoff.max.ms`).
    pub reconnect_backoff_max: Duration,
    /// The most that making a connection may take at first (`socket.connection.setup.timeout.ms`).
    pub connection_setup_timeout: Duration,
    /// The most that it may take after several failures, each of which doubles the time
    /// (`socket.connection.setup.timeout.max.ms`).
    pub connection_setup_timeout_max: Duration,
    /// How long a connection may be unused before it is closed (`connections.max.idle.ms`).
    pub connections_max_idle: Duration,
    /// How many requests may be in flight to one broker (`max.in.flight.requests.per.connection`); at least 1.
    pub max_in_flight: usize,
    /// The age at which metadata is asked for again (`metadata.max.age.ms`).
    pub metadata_max_age: Duration,
    /// How long the metadata of a topic is kept up to date after its last use (`metadata.max.idle.ms`).
    pub metadata_max_idle: Duration,
    /// Whether a topic that is looked up may be created by the brokers (`allow.auto.create.topics`).
    pub allow_auto_create_topics: bool,
    /// How names of servers become addresses (`client.dns.lookup`).
    pub dns_lookup: ClientDnsLookup,
    /// The size of a socket's send buffer in bytes (`send.buffer.bytes`); None for the system's own.
    pub send_buffer: Option<u32>,
    /// The size of a socket's receive buffer in bytes (`receive.buffer.bytes`); None for the system's own, which grows
    /// with what comes.
    pub receive_buffer: Option<u32>,
    /// The ensemble to take metadata from, in place of the brokers' answers (`zookeeper.connect`). The bootstrap
    /// servers may then be left empty.
    pub zookeeper: Option<ZooKeeperOptions>,
    /// How connections are secured (`security.protocol`, `sasl.mechanism`, `sasl.jaas.config`).
    pub security: ClientSecurity,
    /// Receives the client's events.
    pub events: EventSink,
}

impl ClusterOptions {
    /// Kafka's defaults for a client at these bootstrap servers. Other than in Kafka, the sizes of socket buffers are
    /// the system's.
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
            connection_setup_timeout_max: Duration::from_secs(127),
            connections_max_idle: Duration::from_secs(540),
            max_in_flight: 5,
            metadata_max_age: Duration::from_secs(300),
            metadata_max_idle: Duration::from_secs(300),
            allow_auto_create_topics: true,
            dns_lookup: ClientDnsLookup::default(),
            send_buffer: None,
            receive_buffer: None,
            zookeeper: None,
            security: ClientSecurity::Plaintext,
            events: EventSink::default(),
        }
    }
}
