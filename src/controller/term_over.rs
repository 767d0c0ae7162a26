//! Why a controller's term of office is over.

use super::multi::Stopped;
use crate::config::ConfigError;
use crate::zk::ZkError;

/// Why a controller resigns.
#[derive(Debug, thiserror::Error)]
pub(super) enum TermOver {
    /// Another controller was elected: its epoch is in `/controller_epoch`.
    #[error("Controller moved to another broker")]
    Moved,
    /// `/controller` was deleted or rewritten.
    #[error("/controller no longer names this broker")]
    Replaced,
    /// The session in which this controller was elected is over.
    #[error("the ZooKeeper session has expired")]
    SessionExpired,
    /// The session was closed.
    #[error("the session is closed")]
    SessionClosed,
    /// ZooKeeper failed.
    #[error("{0}")]
    ZooKeeper(#[from] ZkError),
    /// The broker's config does not allow it to act.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The broker stops.
    #[error("the broker stops")]
    Stopping,
}

impl From<Stopped> for TermOver {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Moved => Self::Moved,
            Stopped::Failed(error) => Self::ZooKeeper(error),
        }
    }
}
