//! A running broker's settings: what is in force now, and word of every change.
//!
//! Holds what [`layers`](super::layers) decides; who is told acts on it. Kafka: `DynamicBrokerConfig`.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::layers::{Layer, Layers, Own, Settings};
use super::properties::Properties;
use super::rows::ConfigError;

/// A broker's settings while it runs; clones show the same ones.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    layers: Arc<Mutex<Layers>>,
    settings: watch::Sender<Arc<Settings>>,
}

impl LiveConfig {
    /// The settings of a broker with this properties file, until ZooKeeper has been read.
    ///
    /// # Errors
    /// [`ConfigError`] with Kafka's message, of the first thing that is wrong.
    pub fn new(file: Properties) -> Result<Self, ConfigError> {
        let layers = Layers::new(file);
        let settings = layers.settings()?;
        Ok(Self { layers: Arc::new(Mutex::new(layers)), settings: watch::Sender::new(Arc::new(settings)) })
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<Settings> {
        self.settings.borrow().clone()
    }

    /// Wakes whenever what is in force has changed.
    pub fn changes(&self) -> watch::Receiver<Arc<Settings>> {
        self.settings.subscribe()
    }

    /// The layers behind it.
    pub fn layers(&self) -> Layers {
        self.layers.lock().clone()
    }

    /// Takes what ZooKeeper holds for a layer; the sentences say what of it cannot be in force.
    pub fn take(&self, layer: Layer, own: Own) -> Vec<String> {
        let mut layers = self.layers.lock();
        let mut said = layers.take(layer, own);
        match layers.settings() {
            Ok(next) => {
                self.settings.send_if_modified(|settings| {
                    let differs = **settings != next;
                    *settings = Arc::new(next);
                    differs
                });
            }
            Err(error) => said.push(error.to_string()),
        }
        said
    }
}
