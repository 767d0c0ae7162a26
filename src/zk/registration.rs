//! A broker's registration under `/brokers/ids` (`KafkaZkClient.registerBroker`, `CheckedEphemeral`), and its id.

use parking_lot::Mutex;
use tokio::sync::watch;

use super::op::{CreateMode, Op, ZkError};
use super::znode::broker::{self, Registration};
use super::znode::broker_sequence;
use super::{ZnodeChange, ZooKeeper};
use crate::base::{BrokerId, Endpoint};

/// Registers a broker in every session, and remembers the last session, so that a znode which outlived its
/// session (ZOOKEEPER-2985) is recognised as this broker's own.
#[derive(Debug, Default)]
pub struct Registrar {
    last_session: Mutex<Option<i64>>,
    registered: watch::Sender<u64>,
}

/// The session that keeps a broker from registering.
struct Holder {
    session: i64,
}

impl Registrar {
    /// Registers in the present session and returns the broker epoch, which is the znode's czxid.
    ///
    /// # Errors
    /// [`ZkError::NodeExists`] where another live session holds the id, and other failures of ZooKeeper.
    pub async fn register(&self, zk: &ZooKeeper, registration: &Registration) -> Result<i64, ZkError> {
        self.attempt(zk, registration).await?.map_err(|holder| refuse(zk, registration, &holder))
    }

    /// As [`Registrar::register`], for a broker that has just been started. A registration with no other
    /// endpoints than its own, which it has just bound, is left from its killed predecessor: this waits until
    /// it is gone, at most for twice the session timeout. (ZooKeeper ends a session at the tick after its
    /// timeout, and a tick is at most half of the least timeout that it grants.)
    ///
    /// # Errors
    /// As there.
    pub async fn register_first(&self, zk: &ZooKeeper, registration: &Registration) -> Result<i64, ZkError> {
        let Err(holder) = self.attempt(zk, registration).await? else {
            return self.register(zk, registration).await;
        };
        let path = broker::path(registration.id);
        if !zk.get(&path).await?.is_none_or(|(data, _)| is_own(registration, &data)) {
            return Err(refuse(zk, registration, &holder));
        }
        let limit = zk.session_timeout() * 2;
        log::warn!(
            target: "kafka.server.KafkaServer",
            "{path} holds this broker's own endpoints and belongs to its last session, '{}': waiting for at most {} ms until \
             ZooKeeper has ended that",
            holder.session,
            limit.as_millis()
        );
        let gone = async {
            let mut watches = zk.watches();
            watches.watch_data(&path);
            loop {
                match watches.next().await {
                    Some(ZnodeChange::Data { data: Some(_), .. } | ZnodeChange::Session(_)) => {}
                    _ => return,
                }
            }
        };
        // The next attempt shows whether it is gone.
        let _ = tokio::time::timeout(limit, gone).await;
        self.register(zk, registration).await
    }

    /// Rewrites the registration in place (`KafkaZkClient.updateBrokerInfo`); nothing where the broker is not
    /// registered.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn update(&self, zk: &ZooKeeper, registration: &Registration) -> Result<(), ZkError> {
        match zk.set(&broker::path(registration.id), &registration.encode(), None).await {
            Ok(_) | Err(ZkError::NoNode) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The generation of the session in which the broker registered last; 0 before it has.
    pub fn registered(&self) -> watch::Receiver<u64> {
        self.registered.subscribe()
    }

    async fn attempt(
        &self,
        zk: &ZooKeeper,
        registration: &Registration,
    ) -> Result<Result<i64, Holder>, ZkError> {
        let path = broker::path(registration.id);
        let data = registration.encode();
        loop {
            let generation = zk.generation();
            // Created empty and then written, as Kafka does it: the registration's version is 1.
            let ops = [
                Op::Create { path: path.clone(), data: Vec::new(), mode: CreateMode::Ephemeral },
                Op::Set { path: path.clone(), data: data.clone(), version: Some(0) },
            ];
            match zk.multi(&ops).await {
                Ok(_) => {}
                Err(error) if error.source == ZkError::NodeExists => {}
                Err(error) => return Err(error.source),
            }
            let Some(stat) = zk.exists(&path).await? else { continue };
            if stat.ephemeral_owner == zk.session_id() {
                *self.last_session.lock() = Some(stat.ephemeral_owner);
                self.registered.send_replace(generation);
                return Ok(Ok(stat.czxid));
            }
            if *self.last_session.lock() != Some(stat.ephemeral_owner) {
                return Ok(Err(Holder { session: stat.ephemeral_owner }));
            }
            match zk.delete(&path, None).await {
                Ok(()) | Err(ZkError::NoNode) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether a registration names endpoints, and only endpoints of this broker.
fn is_own(mine: &Registration, data: &[u8]) -> bool {
    let is_mine =
        |other: &Endpoint| mine.endpoints.iter().any(|it| (&it.host, it.port) == (&other.host, other.port));
    broker::decode(mine.id, data, 0)
        .is_ok_and(|other| !other.endpoints.is_empty() && other.endpoints.iter().all(is_mine))
}

fn refuse(zk: &ZooKeeper, registration: &Registration, holder: &Holder) -> ZkError {
    log::error!(
        target: "kafka.zk.KafkaZkClient",
        "Error while creating ephemeral at {}, node already exists and owner '{}' does not match current session '{}'",
        broker::path(registration.id),
        holder.session,
        zk.session_id()
    );
    ZkError::NodeExists
}

/// A generated broker id: above the reserved ones, never assigned twice.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn generate_id(zk: &ZooKeeper, reserved_max: i32) -> Result<BrokerId, ZkError> {
    loop {
        match zk.set(broker_sequence::PATH, broker_sequence::DATA, None).await {
            Ok(stat) => return Ok(stat.version + reserved_max),
            Err(ZkError::NoNode) => {
                match zk
                    .create_recursive(broker_sequence::PATH, broker_sequence::DATA, CreateMode::Persistent)
                    .await
                {
                    Ok(_) | Err(ZkError::NodeExists) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}
