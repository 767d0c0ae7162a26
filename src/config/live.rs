//! A running broker's settings: what is in force now, and the parts of the broker that apply changes.
//!
//! What is in force follows from [`layers`](super::layers). Kafka: `DynamicBrokerConfig`.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use parking_lot::Mutex;

use super::layers::{Layer, LayeredSettings, Layers, OwnConfigs};
use super::properties::Properties;
use super::reconfigurable::{BrokerReconfigurable, PreparedChange, SettingsChange};
use super::rows::ConfigError;

/// A broker's settings while it runs; clones share them.
#[doc(alias = "DynamicBrokerConfig")]
#[derive(Clone, Debug)]
pub struct LiveConfig {
    in_force: Arc<Mutex<InForce>>,
    parts: Arc<Mutex<Vec<Arc<dyn BrokerReconfigurable>>>>,
    /// One change is checked or applied at a time, so that a check does not take from a change what it needs.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct InForce {
    layers: Layers,
    /// What follows from the layers.
    settings: Arc<LayeredSettings>,
}

impl LiveConfig {
    /// The settings of a broker with this properties file, until ZooKeeper has been read.
    ///
    /// # Errors
    /// [`ConfigError`] with Kafka's message, of the first thing that is wrong.
    pub fn new(file: Properties) -> Result<Self, ConfigError> {
        let layers = Layers::new(file);
        let settings = Arc::new(layers.settings()?);
        let in_force = Arc::new(Mutex::new(InForce { layers, settings }));
        Ok(Self { in_force, parts: Arc::default(), turn: Arc::default() })
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<LayeredSettings> {
        self.in_force.lock().settings.clone()
    }

    /// The layers from which it follows.
    pub fn layers(&self) -> Layers {
        self.in_force.lock().layers.clone()
    }

    /// Adds a part, which applies what is in force now, and every change from then on.
    pub async fn add(&self, part: Arc<dyn BrokerReconfigurable>) {
        self.parts.lock().push(part.clone());
        let now = self.current();
        part.apply(&SettingsChange { before: now.clone(), now }).await;
    }

    /// Checks that a layer may be replaced by these configs, and that every part could apply them.
    ///
    /// # Errors
    /// [`ConfigError`] with Kafka's message, as it stands behind "Invalid config value for resource …: ".
    pub async fn check(&self, layer: Layer, own: &OwnConfigs) -> Result<(), ConfigError> {
        let _turn = self.turn.lock().await;
        let (layers, before) = self.present();
        let change = SettingsChange { before, now: Arc::new(layers.check(layer, own)?) };
        match self.prepare(&self.concerned(&change), &change).await {
            Ok(_) => Ok(()),
            Err(error @ ConfigError::Unavailable(_)) => Err(error),
            // Kafka gives its exception the sentence as the name of a key, and the reason as that key's value.
            Err(error) => Err(ConfigError::Combination(format!(
                "Invalid value {}: {error} for configuration Invalid dynamic configuration",
                error.class()
            ))),
        }
    }

    /// Applies what ZooKeeper has for a layer, here and in every part; the sentences name the values that
    /// cannot be in force.
    pub async fn take(&self, layer: Layer, own: OwnConfigs) -> Vec<String> {
        let _turn = self.turn.lock().await;
        let (mut layers, before) = self.present();
        let mut ignored = layers.take(layer, own);
        let now = match layers.settings() {
            Ok(settings) => Arc::new(settings),
            Err(error) => {
                ignored.push(error.to_string());
                return ignored;
            }
        };
        let change = SettingsChange { before, now };
        let parts = self.concerned(&change);
        match self.prepare(&parts, &change).await {
            Ok(prepared) => {
                *self.in_force.lock() = InForce { layers, settings: change.now.clone() };
                for apply in prepared {
                    apply.await;
                }
            }
            Err(error) => ignored.push(format!("Dynamic configs could not be applied: {error}")),
        }
        ignored
    }

    fn present(&self) -> (Layers, Arc<LayeredSettings>) {
        let in_force = self.in_force.lock();
        (in_force.layers.clone(), in_force.settings.clone())
    }

    /// What every part has prepared. All of them validate the change before the first one prepares anything.
    async fn prepare<'a>(
        &self,
        parts: &'a [Arc<dyn BrokerReconfigurable>],
        change: &'a SettingsChange,
    ) -> Result<Vec<PreparedChange<'a>>, ConfigError> {
        parts.iter().try_for_each(|part| part.validate(change))?;
        let mut prepared = Vec::with_capacity(parts.len());
        for part in parts {
            prepared.push(part.prepare(change).await?);
        }
        Ok(prepared)
    }

    fn concerned(&self, change: &SettingsChange) -> Vec<Arc<dyn BrokerReconfigurable>> {
        self.parts.lock().iter().filter(|part| change.concerns(&***part)).cloned().collect()
    }
}
