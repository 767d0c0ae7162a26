//! The session of a tool that is given `--zookeeper`.
//!
//! Kafka: `KafkaZkClient.apply`, as the tools call it.

use std::time::Duration;

use super::java::FileException;
use super::throwable::JavaThrowable;
use crate::config::{Properties, unbuilt};
use crate::zk::{ConnectOptions, ZkError, ZooKeeper};

/// How long the session and its first connection may take, as in Kafka's tools.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Opens a session of the ensemble that a connect string names.
///
/// # Errors
/// The connect string is none; no server has answered in time, which is logged with the servers' addresses.
pub(super) async fn connect(connect: &str) -> Result<ZooKeeper, JavaThrowable> {
    connect_within(connect, TIMEOUT).await
}

/// As [`connect`], with another limit of the first connection.
///
/// # Errors
/// As [`connect`].
pub(super) async fn connect_within(connect: &str, limit: Duration) -> Result<ZooKeeper, JavaThrowable> {
    let options = ConnectOptions {
        session_timeout: TIMEOUT,
        connection_timeout: limit,
        make_chroot: false,
        max_in_flight: usize::MAX,
    };
    ZooKeeper::connect(connect, options).await.map_err(|error| unreachable(connect, limit, error))
}

/// Refuses a file of `--zk-tls-config-file` that asks for TLS to ZooKeeper.
///
/// # Errors
/// Such a file; one that cannot be read.
pub(super) fn check_tls_file(file: &str) -> Result<(), JavaThrowable> {
    let settings = Properties::read(file).map_err(|error| FileException::of(file, &error))?;
    unbuilt::check_broker(&settings).map_err(Into::into)
}

/// The exception for an ensemble that cannot be reached; that no server has answered is logged.
pub(super) fn unreachable(connect: &str, limit: Duration, error: ZkError) -> JavaThrowable {
    if error == ZkError::ConnectTimeout {
        log::warn!(
            target: "kafka.zookeeper.ZooKeeperClient",
            "No server of {connect} has answered within {} ms.",
            limit.as_millis()
        );
    }
    error.into()
}
