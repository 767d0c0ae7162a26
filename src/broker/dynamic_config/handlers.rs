//! The handlers of changed configs, one for each kind of entity.
//!
//! Kafka: `TopicConfigHandler`, `BrokerConfigHandler`.

use std::sync::Arc;

use super::{BROKERS, TARGET};
use crate::admin::configs::{self, ConfigReader};
use crate::base::BrokerId;
use crate::broker::StartError;
use crate::config::layers::{self, Layer};
use crate::config::password_encoder::{self, PasswordEncoder};
use crate::config::unbuilt::without_effect;
use crate::config::{LiveConfig, TopicConfig};
use crate::controller::Controller;
use crate::log::disk::blocking;
use crate::replica::ReplicaManager;
use crate::zk::znode::config_entity::{DEFAULT_NAME, EntityType};
use crate::zk::{ZkError, ZooKeeper};

const TOPICS: &str = "kafka.server.TopicConfigHandler";

/// Warns of configs that were changed without effect.
fn warn_without_effect(target: &str, whose: &str, keys: &[&str]) {
    if !keys.is_empty() {
        log::warn!(target: target, "These configurations of {whose} have no effect yet: {}", keys.join(", "));
    }
}

/// Configures the logs of topics.
pub struct TopicConfigHandler {
    pub configs: Arc<ConfigReader>,
    pub replicas: Arc<ReplicaManager>,
    pub controller: Controller,
}

impl TopicConfigHandler {
    /// Reads and applies a topic's configs.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn process(&self, topic: &str) -> Result<(), ZkError> {
        let own = self.configs.fetch(EntityType::Topics, topic).await?;
        log::info!(target: TARGET, "Processing override for entityPath: topics/{topic} with config: {own:?}");
        if own.get("unclean.leader.election.enable").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            self.controller.unclean_enabled(Some(topic)).await;
        }
        let of_topic = |key: &str| TopicConfig::row(key);
        warn_without_effect(TOPICS, &format!("the topic {topic}"), &without_effect(&own, of_topic));
        self.replicas.log_configs().topic_config_changed(topic, &own);
        Ok(())
    }

    /// Reads and applies the configs of all topics that have logs here; a failed read is logged.
    pub async fn process_all(&self) {
        let topics: Vec<_> = self.replicas.log_configs().topics_with_logs().into_iter().collect();
        let found = self.configs.fetch_each(EntityType::Topics, &topics).await;
        for (topic, own) in topics.into_iter().zip(found) {
            match own {
                Ok(own) => self.replicas.log_configs().topic_config_changed(&topic, &own),
                Err(error) => log::error!(target: TARGET, "The configs of topic {topic}: {error}"),
            }
        }
    }
}

/// Applies the settings of this broker, and of all brokers, through the broker's parts.
pub struct BrokerConfigHandler {
    pub broker_id: BrokerId,
    pub configs: Arc<ConfigReader>,
    pub live: LiveConfig,
}

impl BrokerConfigHandler {
    /// Reads and applies the settings of this broker, or of all brokers; those of another broker are ignored.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn process(&self, name: &str) -> Result<(), ZkError> {
        match name {
            DEFAULT_NAME => self.take(Layer::AllBrokers).await,
            id if id.parse() == Ok(self.broker_id) => self.take(Layer::Broker).await,
            _ => Ok(()),
        }
    }

    /// Writes this broker's passwords anew that were encrypted with `password.encoder.old.secret`.
    ///
    /// # Errors
    /// Settings that cannot encrypt; failures of ZooKeeper.
    pub async fn re_encode_passwords(&self, zk: &ZooKeeper) -> Result<(), StartError> {
        let name = self.broker_id.to_string();
        let stored = self.configs.fetch(EntityType::Brokers, &name).await?;
        let settings = self.live.current();
        match blocking(move || password_encoder::re_encoded(&stored, &settings.broker)).await? {
            Some(stored) => {
                let changed = configs::change(zk, EntityType::Brokers, &name, &stored).await;
                changed.map_err(|error| StartError::Other(error.to_string()))
            }
            None => Ok(()),
        }
    }

    /// Reads and applies both; a failed read is logged.
    pub async fn process_all(&self) {
        for layer in [Layer::AllBrokers, Layer::Broker] {
            if let Err(error) = self.take(layer).await {
                log::error!(target: BROKERS, "The broker's configs: {error}");
            }
        }
    }

    /// Reads and applies the settings of a layer.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn take(&self, layer: Layer) -> Result<(), ZkError> {
        let name = match layer {
            Layer::AllBrokers => DEFAULT_NAME.to_owned(),
            Layer::Broker => self.broker_id.to_string(),
        };
        let stored = self.configs.fetch(EntityType::Brokers, &name).await?;
        let encoder = PasswordEncoder::of(&self.live.current().broker);
        // A password can have so many iterations that it takes a minute. This runtime keeps the session meanwhile.
        let decoding = move || password_encoder::from_persistent(stored, encoder.as_ref());
        let (own, undecodable) = blocking(decoding).await;
        if *self.live.layers().own(layer) == own {
            return Ok(()); // Its warnings are logged already.
        }
        undecodable.iter().for_each(|sentence| log::error!(target: BROKERS, "{sentence}"));
        warn_without_effect(BROKERS, &format!("the broker {name}"), &without_effect(&own, layers::row));
        for sentence in self.live.take(layer, own).await {
            log::error!(target: BROKERS, "{sentence}");
        }
        Ok(())
    }
}
