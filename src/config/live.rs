//! A running broker's settings: what is in force now, and the parts of the broker that apply changes.
//!
//! What is in force follows from [`layers`](super::layers). Kafka: `DynamicBrokerConfig`.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use parking_lot::Mutex;

use super::layers::{Layer, LayeredSettings, Layers, OwnConfigs};
use super::properties::Properties;
use super::reconfigurable::{BrokerReconfigurable, SettingsChange};
use super::rows::ConfigError;

/// A broker's settings while it runs; clones share them.
#[doc(alias = "DynamicBrokerConfig")]
#[derive(Clone, Debug)]
pub struct LiveConfig {
    in_force: Arc<Mutex<InForce>>,
    parts: Arc<Mutex<Vec<Arc<dyn BrokerReconfigurable>>>>,
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
        Ok(Self { in_force: Arc::new(Mutex::new(InForce { layers, settings })), parts: Arc::default() })
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
    pub fn check(&self, layer: Layer, own: &OwnConfigs) -> Result<(), ConfigError> {
        let (layers, before) = {
            let in_force = self.in_force.lock();
            (in_force.layers.clone(), in_force.settings.clone())
        };
        let now = Arc::new(layers.check(layer, own)?);
        // Kafka names the reason in its log alone.
        self.validate(&SettingsChange { before, now }).map_err(|error| {
            log::error!(target: "kafka.server.DynamicBrokerConfig", "Failed to validate broker configuration: {error}");
            ConfigError::Combination("Invalid dynamic configuration".to_owned())
        })
    }

    /// Applies what ZooKeeper has for a layer, here and in every part; the sentences name the values that
    /// cannot be in force.
    pub async fn take(&self, layer: Layer, own: OwnConfigs) -> Vec<String> {
        let (mut layers, before) = {
            let in_force = self.in_force.lock();
            (in_force.layers.clone(), in_force.settings.clone())
        };
        let mut ignored = layers.take(layer, own);
        let now = match layers.settings() {
            Ok(settings) => Arc::new(settings),
            Err(error) => {
                ignored.push(error.to_string());
                return ignored;
            }
        };
        let change = SettingsChange { before, now };
        if let Err(error) = self.validate(&change) {
            ignored.push(format!("Dynamic configs could not be applied: {error}"));
            return ignored;
        }
        *self.in_force.lock() = InForce { layers, settings: change.now.clone() };
        for part in self.concerned(&change) {
            part.apply(&change).await;
        }
        ignored
    }

    fn validate(&self, change: &SettingsChange) -> Result<(), ConfigError> {
        self.concerned(change).iter().try_for_each(|part| part.validate(change))
    }

    fn concerned(&self, change: &SettingsChange) -> Vec<Arc<dyn BrokerReconfigurable>> {
        self.parts.lock().iter().filter(|part| change.concerns(&***part)).cloned().collect()
    }
}
