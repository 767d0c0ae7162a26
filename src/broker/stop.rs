//! The stop: leaderships handed over, doors closed, logs closed cleanly, and last of all the session ended.

use std::time::Duration;

use super::hand_over::{HandOver, Next};
use super::{Broker, TARGET};
use crate::base::Endpoint;
use crate::config::RequestVersions;
use crate::net::peer::Peer;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::controlled_shutdown::ControlledShutdownRequest;
use crate::zk::{claim, znode};

impl Broker {
    /// Stops it in order; returns once nothing of it runs any more.
    pub async fn stop(self) {
        let id = self.services.broker_id;
        log::info!(target: TARGET, "[KafkaServer id={id}] shutting down");
        self.services.replicas.begin_stop();
        if self.services.config.controlled_shutdown_enable && !self.shutdown.is_cancelled() {
            self.hand_over().await;
        }
        self.doors.cancel();
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
        self.services.zk.close().await;
        log::info!(target: TARGET, "[KafkaServer id={id}] shut down completed");
    }

    /// Asks the controller to move this broker's leaderships away, a few times where it cannot at once.
    async fn hand_over(&self) {
        let config = &self.services.config;
        let pause =
            Duration::from_millis(u64::try_from(config.controlled_shutdown_retry_backoff_ms).unwrap_or(0));
        let session = Duration::from_millis(u64::try_from(config.zookeeper_session_timeout_ms).unwrap_or(0));
        let (mut tries, mut next) = HandOver::begin(config.controlled_shutdown_max_retries);
        loop {
            next = match next {
                Next::Ask => {
                    let Ok(controller) = tokio::time::timeout(session, self.controller()).await else {
                        // Without a session the others have taken over what this broker led, or wait for ZooKeeper
                        // themselves. Kafka's broker would wait here until it is back.
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

    /// Asks the controller once: how many partitions this broker still leads; None where it did not say.
    async fn partitions_left(&self, controller: Result<Endpoint, String>) -> Option<usize> {
        let asked = match controller {
            Ok(endpoint) => self.ask(&endpoint).await,
            Err(reason) => Err(reason),
        };
        match asked {
            Ok(left) => {
                if left > 0 {
                    log::info!(target: TARGET, "{left} remaining partitions are still led by this broker");
                }
                Some(left)
            }
            Err(reason) => {
                log::warn!(target: TARGET, "Error during controlled shutdown: {reason}");
                None
            }
        }
    }

    /// How many partitions this broker still leads after the controller, which listens there, has moved what it could.
    async fn ask(&self, endpoint: &Endpoint) -> Result<usize, String> {
        let services = &self.services;
        let port = u16::try_from(endpoint.port).unwrap_or(0);
        let client_id = services.broker_id.to_string();
        let limit = services.config.controller_socket_timeout_ms;
        let limit = Duration::from_millis(u64::try_from(limit).unwrap_or(0));
        let peer = Peer::connect(&endpoint.host, port, &client_id, limit)
            .await
            .map_err(|error| error.to_string())?;
        let request = ControlledShutdownRequest {
            broker_id: services.broker_id,
            broker_epoch: services.broker_epoch.load(std::sync::atomic::Ordering::SeqCst),
        };
        let versions = RequestVersions::of(&services.config.inter_broker_protocol_version);
        let answer = peer
            .call(&request, versions.controlled_shutdown, limit)
            .await
            .map_err(|error| error.to_string())?;
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => Ok(answer.remaining_partitions.len()),
            error => Err(error.name().to_owned()),
        }
    }

    /// Where the controller listens for brokers.
    async fn controller(&self) -> Result<Endpoint, String> {
        let id = claim::controller(&self.services.zk)
            .await
            .map_err(|error| error.to_string())?
            .ok_or("there is no controller")?;
        let path = znode::broker::path(id);
        let found = self.services.zk.get(&path).await.map_err(|error| error.to_string())?;
        let (data, stat) = found.ok_or_else(|| format!("the controller {id} is not registered"))?;
        let broker = znode::broker::decode(id, &data, stat.czxid).map_err(|error| error.to_string())?;
        let listener = self.services.config.inter_broker_listener().map_err(|error| error.to_string())?;
        broker
            .endpoint(&listener)
            .cloned()
            .ok_or_else(|| format!("the controller {id} has no listener {listener}"))
    }
}
