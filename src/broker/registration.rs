//! This broker's registration in ZooKeeper: in every session it lives through.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{StartError, TARGET};
use crate::base::{Backoff, BrokerId, Clock, Endpoint};
use crate::config::BrokerConfig;
use crate::net::host;
use crate::net::listener::Listener;
use crate::zk::ZooKeeper;
use crate::zk::registration::Registrar;
use crate::zk::znode::broker::{self, Registration};

/// The content of the broker's registration: its advertised listeners, with the bound ports where it asked
/// for any.
pub(super) async fn registration(
    id: BrokerId,
    config: &BrokerConfig,
    listeners: &[Listener],
    clock: &Clock,
) -> Result<Registration, StartError> {
    let bound: Vec<Endpoint> = listeners.iter().map(Listener::endpoint).collect();
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
    Ok(Registration {
        id,
        endpoints,
        rack: config.broker_rack.clone(),
        features: Default::default(),
        jmx_port: std::env::var("JMX_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(-1),
        timestamp: clock.now(),
        protocol_version: config.inter_broker_protocol_version.clone(),
    })
}

/// Refuses endpoints that another live broker has registered.
pub(super) async fn check_endpoints(zk: &ZooKeeper, registration: &Registration) -> Result<(), StartError> {
    for id in zk.children(broker::PARENT).await?.unwrap_or_default() {
        let Ok(id) = id.parse::<BrokerId>() else { continue };
        let Some((data, stat)) = zk.get(&broker::path(id)).await?.filter(|_| id != registration.id) else {
            continue;
        };
        let Ok(other) = broker::decode(id, &data, stat.czxid) else { continue };
        let of_other =
            |mine: &&Endpoint| other.endpoints.iter().any(|it| it.host == mine.host && it.port == mine.port);
        let common: Vec<_> = registration
            .endpoints
            .iter()
            .filter(of_other)
            .map(|it| format!("{}:{}", it.host, it.port))
            .collect();
        if !common.is_empty() {
            return Err(StartError::Other(format!(
                "requirement failed: Configured end points {} in advertised listeners are already registered by broker {id}",
                common.join(",")
            )));
        }
    }
    Ok(())
}

/// Registers again in every new session.
pub(super) async fn keep(
    zk: ZooKeeper,
    registrar: Arc<Registrar>,
    registration: Registration,
    epoch: Arc<AtomicI64>,
    stop: CancellationToken,
) {
    let mut states = zk.session_states();
    let mut registered = states.borrow_and_update().generation;
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
    loop {
        let state = *states.borrow_and_update();
        if state.generation != registered {
            match registrar.register(&zk, &registration).await {
                Ok(czxid) => {
                    log::info!(target: TARGET, "Registered broker {} again in a new session, czxid (broker epoch): {czxid}", registration.id);
                    epoch.store(czxid, Ordering::SeqCst);
                    registered = state.generation;
                    backoff.reset();
                }
                Err(error) => {
                    log::error!(target: TARGET, "Registering broker {} in a new session: {error}", registration.id);
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
