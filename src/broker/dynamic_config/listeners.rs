//! The listeners of a running broker: added, removed and moved by a change of its settings, all or none of it.
//!
//! Kafka: `DynamicListenerConfig`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::BROKERS;
use crate::broker::registration::BrokerRegistration;
use crate::config::layers::LayeredSettings;
use crate::config::reconfigurable::PreparedChange;
use crate::config::{BrokerReconfigurable, ConfigError, SettingsChange, listener};
use crate::net::socket_server::SocketServer;
use crate::security::listeners::ListenerSecurity;

/// The keys that describe listeners.
pub const LISTENERS: [&str; 5] = [
    "advertised.listeners",
    "listener.security.protocol.map",
    "listeners",
    "sasl.enabled.mechanisms",
    "sasl.mechanism.inter.broker.protocol",
];

/// Binds, closes and registers listeners.
pub struct DynamicListenerConfig {
    /// The listeners.
    pub sockets: Arc<SocketServer>,
    /// What clients and other brokers learn of them.
    pub registration: Arc<BrokerRegistration>,
    /// How they authenticate callers.
    pub security: Arc<ListenerSecurity>,
}

impl fmt::Debug for DynamicListenerConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("DynamicListenerConfig").field(&self.sockets).finish()
    }
}

impl BrokerReconfigurable for DynamicListenerConfig {
    fn takes(&self, key: &str) -> bool {
        LISTENERS.contains(&key)
    }

    fn validate(&self, change: &SettingsChange) -> Result<(), ConfigError> {
        let (before, now) = (&change.before, &change.now);
        let new = now.broker.listeners()?;
        for old in before.broker.listeners()? {
            let Some(new) = new.iter().find(|it| it.listener == old.listener) else { continue };
            let name = format!("ListenerName({})", old.listener);
            if fixed(before, &old.listener) != fixed(now, &old.listener) {
                let sentence = format!(
                    "Configs cannot be updated dynamically for existing listener {name}, restart broker or create a new \
                     listener for update"
                );
                return Err(ConfigError::Combination(sentence));
            }
            if old.protocol != new.protocol {
                let sentence = format!("Security protocol cannot be updated for existing listener {name}");
                return Err(ConfigError::Combination(sentence));
            }
        }
        self.security.logins(now)?;
        self.security.secured(now).map(drop)
    }

    fn prepare<'a>(
        &'a self,
        change: &'a SettingsChange,
    ) -> BoxFuture<'a, Result<PreparedChange<'a>, ConfigError>> {
        async move {
            let now = &change.now.broker;
            let unavailable = |error: &dyn fmt::Display| ConfigError::Unavailable(error.to_string());
            self.registration.check(now).await.map_err(|error| unavailable(&error))?;
            let listeners = self
                .sockets
                .bind(self.security.secured(&change.now)?)
                .await
                .map_err(|error| unavailable(&error))?;
            let apply = async move {
                self.sockets.replace(listeners).await;
                if let Err(error) = self.registration.update().await {
                    log::error!(target: BROKERS, "The registration has the endpoints of before: {error}");
                }
            };
            Ok(apply.boxed())
        }
        .boxed()
    }

    /// The listeners of the start were bound from the settings in force.
    fn apply<'a>(&'a self, _: &'a SettingsChange) -> BoxFuture<'a, ()> {
        std::future::ready(()).boxed()
    }
}

/// The settings of a single listener that cannot change while it is open: all but its stores and its limits.
fn fixed<'a>(settings: &'a LayeredSettings, name: &str) -> BTreeMap<&'a str, &'a str> {
    let prefix = format!("listener.name.{}.", name.to_lowercase());
    let own = settings.pairs.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?, value)));
    own.filter(|(key, _)| !listener::is_live(key)).collect()
}
