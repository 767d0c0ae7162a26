//! What a part of the broker is that takes new settings while it runs.
//!
//! A request that changes configs and a notice that they have changed ask the same parts: first whether they can take
//! the new settings, then, once these are in force, to apply them. Kafka: `BrokerReconfigurable`.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::layers::LayeredSettings;
use super::rows::ConfigError;

/// A part of the broker that takes new settings while it runs.
pub trait BrokerReconfigurable: Debug + Send + Sync {
    /// Whether the part takes this key. That of a single listener is `listener.name.NAME.KEY`.
    fn takes(&self, key: &str) -> bool;

    /// Refuses settings that the part could not apply.
    ///
    /// # Errors
    /// [`ConfigError`] of what it cannot take.
    fn validate(&self, _change: &SettingsChange) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Applies the settings that are in force now.
    fn apply<'a>(&'a self, change: &'a SettingsChange) -> BoxFuture<'a, ()>;
}

/// Settings that take the place of others.
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

    /// Whether this part has to take it.
    pub fn concerns(&self, part: &dyn BrokerReconfigurable) -> bool {
        self.keys().into_iter().any(|key| part.takes(key))
    }
}
