//! Why a broker does not start.

use crate::config::ConfigError;
use crate::log::OpenError;
use crate::log::meta_properties::MetadataError;
use crate::net::host::UnknownHost;
use crate::net::listener::BindError;
use crate::security::acl_authorizer::AclStoreError;
use crate::zk::ZkError;

/// Why a broker did not start. Prints Kafka's message.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The data directories belong to another broker or cluster.
    #[error("{0}")]
    Metadata(#[from] MetadataError),
    /// The logs cannot be opened.
    #[error("{0}")]
    LogManager(#[from] OpenError),
    /// ZooKeeper cannot be reached, or refuses.
    #[error("{0}")]
    ZooKeeper(#[from] ZkError),
    /// The ACLs cannot be read.
    #[error("{0}")]
    Acls(#[from] AclStoreError),
    /// A listener cannot be bound.
    #[error("{0}")]
    Bind(#[from] BindError),
    /// The metrics cannot be served at the given address.
    #[error("METRICS_LISTENER={address}: {error}")]
    Metrics {
        /// The address.
        address: String,
        /// The reason.
        error: std::io::Error,
    },
    /// This machine has no name that could be advertised.
    #[error("{0}")]
    Host(#[from] UnknownHost),
    /// The start was given up because the process is to end.
    #[error("The start was interrupted")]
    Interrupted,
    /// Anything else, in Kafka's words.
    #[error("{0}")]
    Other(String),
}
