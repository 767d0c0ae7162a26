//! This broker's registration in ZooKeeper, from the settings in force: in every session it lives through, and
//! rewritten in place when its endpoints change.
//!
//! Kafka: `KafkaServer.createBrokerInfo`, `BrokerInfo`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::{StartError, TARGET};
use crate::base::{Backoff, BrokerId, Clock, Endpoint};
use crate::config::{BrokerConfig, LiveConfig};
use crate::net::host;
use crate::net::socket_server::SocketServer;
use crate::zk::ZooKeeper;
use crate::zk::registration::Registrar;
use crate::zk::znode::broker::{self, Registration};

/// Writes this broker's registration.
pub(super) struct BrokerRegistration {
    id: BrokerId,
    zk: ZooKeeper,
    clock: Clock,
    live: LiveConfig,
    sockets: Arc<SocketServer>,
    registrar: Registrar,
    /// The czxid of the registration in the present session.
    epoch: Arc<AtomicI64>,
    /// What was written last. Its lock is held while the registration is written, so that a new session and a change
    /// of settings do not overtake each other.
    written: Mutex<Option<Registration>>,
}

impl BrokerRegistration {
    /// The registration of a broker with these settings and listeners, not written yet.
    pub fn new(
        id: BrokerId,
        zk: ZooKeeper,
        clock: Clock,
        live: LiveConfig,
        sockets: Arc<SocketServer>,
    ) -> Self {
        Self {
            id,
            zk,
            clock,
            live,
            sockets,
            registrar: Registrar::default(),
            epoch: Arc::default(),
            written: Mutex::default(),
        }
    }

    /// The broker's epoch: the czxid of its registration in the present session.
    pub fn epoch(&self) -> Arc<AtomicI64> {
        self.epoch.clone()
    }

    /// The generation of the session in which the broker registered last; 0 before it has.
    pub fn registered(&self) -> watch::Receiver<u64> {
        self.registrar.registered()
    }

    /// Registers a broker that has just been started.
    ///
    /// # Errors
    /// Endpoints that another live broker has registered, and failures of ZooKeeper.
    pub async fn register_first(&self) -> Result<(), StartError> {
        let mut written = self.written.lock().await;
        let registration = self.content().await?;
        self.check_endpoints(&registration.endpoints).await?;
        let czxid = self.registrar.register_first(&self.zk, &registration).await?;
        self.epoch.store(czxid, Ordering::SeqCst);
        *written = Some(registration);
        Ok(())
    }

    /// Rewrites the registration in place if the settings in force have other endpoints than it has. Without a
    /// session there is nothing to rewrite; the next session registers with the settings then in force.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    #[doc(alias = "updateBrokerInfo")]
    pub async fn update(&self) -> Result<(), StartError> {
        let mut written = self.written.lock().await;
        let registration = self.content().await?;
        if written.as_ref().is_some_and(|written| written.endpoints == registration.endpoints) {
            return Ok(());
        }
        self.registrar.update(&self.zk, &registration).await?;
        log::info!(target: TARGET, "Updated the registration of broker {}: {:?}", self.id, registration.endpoints);
        *written = Some(registration);
        Ok(())
    }

    /// Registers again in every new session.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let mut states = self.zk.session_states();
        let mut registered = states.borrow_and_update().generation;
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        loop {
            let state = *states.borrow_and_update();
            if state.generation != registered {
                match self.register().await {
                    Ok(czxid) => {
                        log::info!(target: TARGET, "Registered broker {} again in a new session, czxid (broker epoch): {czxid}", self.id);
                        registered = state.generation;
                        backoff.reset();
                    }
                    Err(error) => {
                        log::error!(target: TARGET, "Registering broker {} in a new session: {error}", self.id);
                        tokio::select! {
                            () = tokio::time::sleep(backoff.next_wait()) => {}
                            () = stop.cancelled() => return,
                        }
                    }
                }
                continue;
            }
            tokio::select! {
                changed = states.changed() => if changed.is_err() { return },
                () = stop.cancelled() => return,
            }
        }
    }

    async fn register(&self) -> Result<i64, StartError> {
        let mut written = self.written.lock().await;
        let registration = self.content().await?;
        let czxid = self.registrar.register(&self.zk, &registration).await?;
        self.epoch.store(czxid, Ordering::SeqCst);
        *written = Some(registration);
        Ok(czxid)
    }

    /// What is to be registered now.
    async fn content(&self) -> Result<Registration, StartError> {
        let settings = self.live.current();
        let config = &settings.broker;
        Ok(Registration {
            id: self.id,
            endpoints: advertised(config, &self.sockets.bound()).await?,
            rack: config.broker_rack.clone(),
            features: Default::default(),
            jmx_port: std::env::var("JMX_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(-1),
            timestamp: self.clock.now(),
            protocol_version: config.inter_broker_protocol_version.clone(),
        })
    }

    /// Refuses the endpoints of these settings if another live broker has registered one of them.
    ///
    /// # Errors
    /// The endpoints in Kafka's words; failures of ZooKeeper.
    pub async fn check(&self, config: &BrokerConfig) -> Result<(), StartError> {
        // A port that is 0 is not known before it is bound.
        self.check_endpoints(&advertised(config, &[]).await?).await
    }

    /// Refuses endpoints that another live broker has registered.
    async fn check_endpoints(&self, endpoints: &[Endpoint]) -> Result<(), StartError> {
        for id in self.zk.children(broker::PARENT).await?.unwrap_or_default() {
            let Ok(id) = id.parse::<BrokerId>() else { continue };
            let Some((data, stat)) = self.zk.get(&broker::path(id)).await?.filter(|_| id != self.id) else {
                continue;
            };
            let Ok(other) = broker::decode(id, &data, stat.czxid) else { continue };
            let of_other = |mine: &&Endpoint| {
                other.endpoints.iter().any(|it| it.host == mine.host && it.port == mine.port)
            };
            let common: Vec<_> =
                endpoints.iter().filter(of_other).map(|it| format!("{}:{}", it.host, it.port)).collect();
            if !common.is_empty() {
                return Err(StartError::Other(format!(
                    "requirement failed: Configured end points {} in advertised listeners are already registered by broker {id}",
                    common.join(",")
                )));
            }
        }
        Ok(())
    }
}

/// The endpoints that these settings advertise. A port that is 0 is the one that was bound, an empty host this
/// machine's name.
async fn advertised(config: &BrokerConfig, bound: &[Endpoint]) -> Result<Vec<Endpoint>, StartError> {
    let mut endpoints = config.advertised_listeners()?;
    for endpoint in &mut endpoints {
        let real = bound.iter().find(|it| it.listener == endpoint.listener);
        if let Some(real) = real.filter(|_| endpoint.port == 0) {
            endpoint.port = real.port;
        }
        if endpoint.host.is_empty() {
            let named = tokio::task::spawn_blocking(host::canonical_name).await;
            endpoint.host = named.map_err(|error| StartError::Other(error.to_string()))??;
        }
    }
    Ok(endpoints)
}
