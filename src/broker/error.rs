//! Why a broker does not start.

use crate::config::ConfigError;
use crate::log::OpenError;
use crate::log::meta_properties::MetadataError;
use crate::net::host::UnknownHost;
use crate::net::listener::BindError;
use crate::zk::ZkError;

/// Why a broker did not start. Each prints Kafka's message.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The data directories belong to somebody else.
    #[error("{0}")]
    Metadata(#[from] MetadataError),
    /// The logs cannot be opened.
    #[error("{0}")]
    LogManager(#[from] OpenError),
    /// ZooKeeper cannot be reached, or refuses.
    #[error("{0}")]
    ZooKeeper(#[from] ZkError),
    /// A listener cannot be bound.
    #[error("{0}")]
    Bind(#[from] BindError),
    /// The metrics cannot be served at the address that is named.
    #[error("METRICS_LISTENER={address}: {error}")]
    Metrics {
        /// Where.
        address: String,
        /// Why not.
        error: std::io::Error,
    },
    /// This machine has no name by which it could be found.
    #[error("{0}")]
    Host(#[from] UnknownHost),
    /// The start was given up because the process is to end.
    #[error("The start was interrupted")]
    Interrupted,
    /// Anything else, in Kafka's words.
    #[error("{0}")]
    Other(String),
}
