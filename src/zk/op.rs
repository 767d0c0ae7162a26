//! Operations on znodes, their results and their errors.
//!
//! Pure. [`super::store`] sends the operations; [`super::outcome`] finds out the results of those whose
//! answers were lost.

use bytes::Bytes;
use thiserror::Error as ThisError;
use zookeeper_client::Error;

use super::connect_string::ConnectStringError;

/// The metadata that ZooKeeper keeps of a znode.
pub type Stat = zookeeper_client::Stat;

/// How long a created znode lasts, and how it is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateMode {
    /// Until it is deleted.
    Persistent,
    /// As long as the session.
    Ephemeral,
    /// Until it is deleted, with ten digits behind its name.
    PersistentSequential,
}

/// Why an operation on znodes failed.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum ZkError {
    /// The znode, or the parent of one to be created, does not exist.
    #[error("KeeperErrorCode = NoNode")]
    NoNode,
    /// The znode exists.
    #[error("KeeperErrorCode = NodeExists")]
    NodeExists,
    /// The znode has another version than the required one.
    #[error("KeeperErrorCode = BadVersion")]
    BadVersion,
    /// The znode has children.
    #[error("KeeperErrorCode = Directory not empty")]
    NotEmpty,
    /// The znode's access list does not allow it.
    #[error("KeeperErrorCode = NoAuth")]
    NoAuth,
    /// The session that a write belonged to is gone; it is not known whether the write took effect.
    #[error("KeeperErrorCode = Session expired")]
    SessionExpired,
    /// The session is closed.
    #[error("the ZooKeeper session is closed")]
    Closed,
    /// No server answered in time.
    #[error("Timed out waiting for connection while in state: CONNECTING")]
    ConnectTimeout,
    /// The request is larger than a server accepts; it was not sent.
    #[error("a request of {0} bytes is more than ZooKeeper takes")]
    TooLarge(usize),
    /// The connect string cannot be read.
    #[error(transparent)]
    ConnectString(#[from] ConnectStringError),
    /// Any other error of the client.
    #[error("{0}")]
    Other(String),
}

impl From<Error> for ZkError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoNode => Self::NoNode,
            Error::NodeExists => Self::NodeExists,
            Error::BadVersion => Self::BadVersion,
            Error::NotEmpty => Self::NotEmpty,
            Error::NoAuth => Self::NoAuth,
            Error::SessionExpired => Self::SessionExpired,
            other => Self::Other(other.to_string()),
        }
    }
}

/// One operation of a multi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The znode has this version.
    Check {
        /// Its path.
        path: String,
        /// The version.
        version: i32,
    },
    /// Creates a znode.
    Create {
        /// Its path.
        path: String,
        /// Its data.
        data: Vec<u8>,
        /// How long it lasts.
        mode: CreateMode,
    },
    /// Writes a znode's data.
    Set {
        /// Its path.
        path: String,
        /// The new data.
        data: Vec<u8>,
        /// The version it must have; None for any.
        version: Option<i32>,
    },
    /// Deletes a znode.
    Delete {
        /// Its path.
        path: String,
        /// The version it must have; None for any.
        version: Option<i32>,
    },
}

impl Op {
    /// About how many bytes it takes in a request.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Check { path, .. } | Self::Delete { path, .. } => path.len() + 24,
            Self::Create { path, data, .. } | Self::Set { path, data, .. } => path.len() + data.len() + 64,
        }
    }
}

/// The result of one operation of a multi.
#[derive(Clone, Debug, PartialEq)]
pub enum OpResult {
    /// Checked, created or deleted.
    Done,
    /// The znode's new version.
    Set {
        /// The version.
        version: i32,
    },
}

/// Why a multi had no effect.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("operation {index:?}: {source}")]
pub struct MultiError {
    /// The operation that failed; None if the multi failed as a whole.
    pub index: Option<usize>,
    /// Why it failed.
    pub source: ZkError,
}

/// A znode's data, with its stat; None if it does not exist.
pub type Read = Option<(Bytes, Stat)>;
