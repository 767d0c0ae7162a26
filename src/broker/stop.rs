//! The stop: leaderships moved, listeners closed, logs closed cleanly, and last of all the session closed.

use super::hand_over::{HandOver, Next};
use super::{BrokerServer, TARGET, authorizer};
use crate::base::time::millis;
use crate::base::{BrokerId, Endpoint};
use crate::config::{ConfigError, RequestVersions};
use crate::net::link::{BrokerLink, LinkOptions};
use crate::net::peer::PeerError;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::controlled_shutdown::ControlledShutdownRequest;
use crate::zk::{ZkError, claim, znode};

impl BrokerServer {
    /// Stops it in order; returns once nothing of it runs any more.
    pub async fn stop(self) {
        let id = self.services.broker_id;
        log::info!(target: TARGET, "[KafkaServer id={id}] shutting down");
        self.services.replicas.begin_stop();
        if self.services.config.controlled_shutdown_enable && !self.shutdown.is_cancelled() {
            self.hand_over().await;
        }
        self.sockets.close();
        self.shutdown.cancel();
        self.services.controller.shutdown().await;
        self.tasks.close();
        self.tasks.wait().await;
        let (replicas, logs) = (self.services.replicas.clone(), self.logs.clone());
        let closing = tokio::task::spawn_blocking(move || {
            replicas.close();
            logs.close();
        });
        if let Err(error) = closing.await {
            log::error!(target: TARGET, "Closing the logs: {error}");
        }
        authorizer::close(&self.services.authorization).await;
        self.services.zk.close().await;
        log::info!(target: TARGET, "[KafkaServer id={id}] shut down completed");
    }

    /// Asks the controller to move this broker's leaderships away, a few times if it cannot at once.
    async fn hand_over(&self) {
        let config = &self.services.config;
        let pause = millis(config.controlled_shutdown_retry_backoff_ms);
        let session = millis(config.zookeeper_session_timeout_ms);
        let (mut tries, mut next) = HandOver::begin(config.controlled_shutdown_max_retries);
        loop {
            next = match next {
                Next::Ask => {
                    let Ok(controller) = tokio::time::timeout(session, self.controller()).await else {
                        // Without a session other brokers lead already what this broker led, or wait for
                        // ZooKeeper themselves. Kafka's broker would wait here until the session is back.
                        log::warn!(target: TARGET, "ZooKeeper has not answered for as long as the session lasts: proceeding to do an unclean shutdown");
                        // Whatever of this broker waits for ZooKeeper waits no longer.
                        self.services.zk.close().await;
                        return;
                    };
                    tries.answered(self.partitions_left(controller).await)
                }
                Next::Wait => {
                    tokio::time::sleep(pause).await;
                    log::warn!(target: TARGET, "Retrying controlled shutdown after the previous attempt failed...");
                    Next::Ask
                }
                Next::Close { controlled: true } => {
                    log::info!(target: TARGET, "[KafkaServer id={}] Controlled shutdown succeeded", self.services.broker_id);
                    return;
                }
                Next::Close { controlled: false } => {
                    log::warn!(target: TARGET, "Proceeding to do an unclean shutdown as all the controlled shutdown attempts failed");
                    return;
                }
            };
        }
    }

    /// Asks the controller once; returns how many partitions this broker still leads, None without an answer.
    async fn partitions_left(&self, controller: Result<Endpoint, HandOverError>) -> Option<usize> {
        let asked = match controller {
            Ok(endpoint) => self.ask(endpoint).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(left) => {
                if left > 0 {
                    log::info!(target: TARGET, "{left} remaining partitions are still led by this broker");
                }
                Some(left)
            }
            Err(error) => {
                log::warn!(target: TARGET, "Error during controlled shutdown: {error}");
                None
            }
        }
    }

    /// How many partitions this broker still leads after the controller, which listens there, has moved what
    /// it could.
    async fn ask(&self, endpoint: Endpoint) -> Result<usize, HandOverError> {
        let services = &self.services;
        let limit = millis(services.config.controller_socket_timeout_ms);
        let client_id = services.broker_id.to_string();
        let login = self.logins.at(&endpoint.listener);
        let options = LinkOptions { client_id, login, connect_limit: limit, answer_limit: limit };
        let request = ControlledShutdownRequest {
            broker_id: services.broker_id,
            broker_epoch: services.broker_epoch.load(std::sync::atomic::Ordering::SeqCst),
        };
        let versions = RequestVersions::of(&services.config.inter_broker_protocol_version);
        let mut link = BrokerLink::new(endpoint, options);
        let answer = link.call(&request, versions.controlled_shutdown).await?;
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => Ok(answer.remaining_partitions.len()),
            error => Err(HandOverError::Refused(error)),
        }
    }

    /// The address at which the controller listens for brokers.
    async fn controller(&self) -> Result<Endpoint, HandOverError> {
        let zk = &self.services.zk;
        let id = claim::controller(zk).await?.ok_or(HandOverError::NoController)?;
        let found = zk.get(&znode::broker::path(id)).await?;
        let (data, stat) = found.ok_or(HandOverError::NotRegistered(id))?;
        let broker = znode::broker::decode(id, &data, stat.czxid)?;
        let listener = self.services.config.inter_broker_listener()?;
        let endpoint = broker.endpoint(&listener).cloned();
        endpoint.ok_or(HandOverError::NoListener { controller: id, listener })
    }
}

/// Why the controller did not take this broker's leaderships away.
#[derive(Debug, thiserror::Error)]
enum HandOverError {
    /// ZooKeeper failed.
    #[error("{0}")]
    ZooKeeper(#[from] ZkError),
    /// There is no controller.
    #[error("there is no controller")]
    NoController,
    /// The controller has no registration.
    #[error("the controller {0} is not registered")]
    NotRegistered(BrokerId),
    /// The controller's registration cannot be read.
    #[error("{0}")]
    Registration(#[from] znode::ZnodeError),
    /// This broker's config names no listener between brokers.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The controller does not listen there.
    #[error("the controller {controller} has no listener {listener}")]
    NoListener {
        /// The controller's id.
        controller: BrokerId,
        /// The listener.
        listener: String,
    },
    /// The controller did not answer.
    #[error("{0}")]
    Peer(#[from] PeerError),
    /// The controller answered with an error.
    #[error("{}", .0.name())]
    Refused(ErrorCode),
}
