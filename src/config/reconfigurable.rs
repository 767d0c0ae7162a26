//! A part of the broker that accepts new settings while it runs.
//!
//! A request that changes configs and a notice that they have changed use the same parts: they first validate
//! the new settings and prepare for them, then apply them once they are in force. Kafka: `BrokerReconfigurable`.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::layers::LayeredSettings;
use super::rows::ConfigError;

/// A change that every part of the broker can apply; applied once it is awaited.
pub type PreparedChange<'a> = BoxFuture<'a, ()>;

/// A part of the broker that accepts new settings while it runs.
pub trait BrokerReconfigurable: Debug + Send + Sync {
    /// Whether the part reads this key. That of a single listener is `listener.name.NAME.KEY`.
    fn takes(&self, key: &str) -> bool;

    /// Refuses settings that the part could not apply.
    ///
    /// # Errors [`ConfigError`] of a value that it cannot apply.
    fn validate(&self, _change: &SettingsChange) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Gets what applying the settings needs and may fail to get, such as a port. What is prepared is released if it
    /// is dropped instead of being awaited.
    ///
    /// # Errors [`ConfigError`] of what cannot be had; nothing has changed then.
    fn prepare<'a>(
        &'a self,
        change: &'a SettingsChange,
    ) -> BoxFuture<'a, Result<PreparedChange<'a>, ConfigError>> {
        let apply = async move { self.apply(change).await };
        std::future::ready(Ok(apply.boxed())).boxed()
    }

    /// Applies the settings that are in force now.
    fn apply<'a>(&'a self, change: &'a SettingsChange) -> BoxFuture<'a, ()>;
}

/// Settings that replace others.
#[derive(Clone, Debug)]
pub struct SettingsChange {
    /// The settings that were in force.
    pub before: Arc<LayeredSettings>,
    /// The settings that follow.
    pub now: Arc<LayeredSettings>,
}

impl SettingsChange {
    /// The keys that are set, removed or set to something else.
    pub fn keys(&self) -> BTreeSet<&str> {
        let (before, now) = (&self.before.pairs, &self.now.pairs);
        let keys = before.iter().chain(now.iter()).map(|(key, _)| key);
        keys.filter(|key| before.get(key) != now.get(key)).collect()
    }

    /// Whether this part has to apply the change.
    pub fn concerns(&self, part: &dyn BrokerReconfigurable) -> bool {
        self.keys().into_iter().any(|key| part.takes(key))
    }
}
