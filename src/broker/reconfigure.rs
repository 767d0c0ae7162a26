//! What changes while the broker runs: configs of topics and brokers, by the notices under `/config/changes`.
//!
//! Reads what a notice names and hands it to whom it concerns. Kafka: `DynamicConfigManager`, `TopicConfigHandler`,
//! `BrokerConfigHandler`.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use crate::admin::{AdminError, configs};
use crate::base::{BrokerId, Clock};
use crate::config::layers::{self, Layer, Own};
use crate::config::unbuilt::without_effect;
use crate::config::{LiveConfig, TopicConfig};
use crate::controller::Controller;
use crate::net::limits::Limits;
use crate::replica::Replicas;
use crate::zk::notices::Notices;
use crate::zk::znode::config_change;
use crate::zk::znode::config_entity::{DEFAULT_NAME, Kind};
use crate::zk::{ZnodeChange, ZooKeeper};

const TOPICS: &str = "kafka.server.TopicConfigHandler";
const BROKERS: &str = "kafka.server.DynamicBrokerConfig";

/// The configs of all topics: the defaults, and what some have of their own.
#[derive(Clone, Debug)]
pub(super) struct TopicConfigs {
    held: Arc<RwLock<Held>>,
}

#[derive(Debug)]
struct Held {
    defaults: TopicConfig,
    own: BTreeMap<String, Own>,
}

impl TopicConfigs {
    /// The configs of topics that have these of their own.
    pub fn new(defaults: TopicConfig, own: BTreeMap<String, Own>) -> Self {
        Self { held: Arc::new(RwLock::new(Held { defaults, own })) }
    }

    /// A topic's config.
    pub fn of(&self, topic: &str) -> TopicConfig {
        let held = self.held.read();
        held.own.get(topic).map_or_else(|| held.defaults.clone(), |own| valid(&held.defaults, own))
    }

    /// The configs of all topics that have any of their own.
    pub fn all(&self) -> BTreeMap<String, TopicConfig> {
        let held = self.held.read();
        held.own.iter().map(|(topic, own)| (topic.clone(), valid(&held.defaults, own))).collect()
    }

    /// Replaces a topic's own configs; whether that changes any.
    fn replace(&self, topic: &str, own: Own) -> bool {
        self.held.write().own.insert(topic.to_owned(), own.clone()).as_ref() != Some(&own)
    }

    /// Replaces what holds for all topics; whether that changes anything.
    fn replace_defaults(&self, defaults: TopicConfig) -> bool {
        let mut held = self.held.write();
        let differs = held.defaults != defaults;
        held.defaults = defaults;
        differs
    }

    /// Forgets the topics that are not among these; those of these that are not known.
    fn keep_only(&self, topics: &[String]) -> Vec<String> {
        let mut held = self.held.write();
        held.own.retain(|topic, _| topics.contains(topic));
        topics.iter().filter(|topic| !held.own.contains_key(*topic)).cloned().collect()
    }
}

/// A topic's config with those of its own values that are valid; the others are said in the log.
fn valid(defaults: &TopicConfig, own: &Own) -> TopicConfig {
    let (config, refused) = defaults.with_valid_overrides(own);
    for error in refused {
        log::warn!(target: TOPICS, "A topic's config is ignored: {error}");
    }
    config
}

/// Reads what ZooKeeper holds for this broker and for all of them.
///
/// # Errors
/// Failures of ZooKeeper.
pub(super) async fn read_brokers(zk: &ZooKeeper, id: BrokerId, live: &LiveConfig) -> Result<(), AdminError> {
    for layer in [Layer::AllBrokers, Layer::Broker] {
        read_layer(zk, id, live, layer).await?;
    }
    Ok(())
}

async fn read_layer(zk: &ZooKeeper, id: BrokerId, live: &LiveConfig, layer: Layer) -> Result<(), AdminError> {
    let name = match layer {
        Layer::AllBrokers => DEFAULT_NAME.to_owned(),
        Layer::Broker => id.to_string(),
    };
    let own = configs::fetch(zk, Kind::Brokers, &name).await?;
    warn_without_effect(BROKERS, &format!("the broker {name}"), &without_effect(&own, layers::row));
    for sentence in live.take(layer, own) {
        log::error!(target: BROKERS, "{sentence}");
    }
    Ok(())
}

/// Warns of configs that were changed without effect.
fn warn_without_effect(target: &str, whose: &str, keys: &[&str]) {
    if !keys.is_empty() {
        log::warn!(target: target, "These configurations of {whose} have no effect yet: {}", keys.join(", "));
    }
}

/// Who is told of changed configs.
pub(super) struct Reconfigured {
    pub broker_id: BrokerId,
    pub topics: TopicConfigs,
    pub live: LiveConfig,
    pub replicas: Arc<Replicas>,
    pub controller: Controller,
    pub limits: Arc<Limits>,
}

/// Follows the notices until `stop`.
pub(super) async fn follow(zk: ZooKeeper, told: Reconfigured, stop: CancellationToken) {
    let mut notices = Notices::new(config_change::PARENT, config_change::PREFIX);
    let mut watches = zk.watches();
    watches.watch_children(config_change::PARENT);
    // A topic's config is also read when the topic appears: creating one writes no notice.
    watches.watch_children(&Kind::Topics.parent());
    loop {
        let change = tokio::select! {
            change = watches.next() => change,
            () = stop.cancelled() => return,
        };
        let outcome = match change {
            None => return,
            Some(ZnodeChange::Children { path, children: Some(children), .. })
                if path == config_change::PARENT =>
            {
                told.heed(&zk, &mut notices, &children).await
            }
            Some(ZnodeChange::Children { children: Some(children), .. }) => {
                told.read_new_topics(&zk, &children).await
            }
            Some(_) => Ok(()),
        };
        if let Err(error) = outcome {
            log::error!(target: TOPICS, "Reading changed configs: {error}");
        }
    }
}

impl Reconfigured {
    async fn heed(
        &self,
        zk: &ZooKeeper,
        notices: &mut Notices,
        children: &[String],
    ) -> Result<(), AdminError> {
        for data in notices.unread(zk, children, Clock::System.now()).await? {
            match config_change::decode(&data) {
                Ok(entity) => self.heed_entity(zk, &entity).await?,
                Err(error) => {
                    log::error!(target: TOPICS, "A notice of a changed config cannot be read: {error}");
                }
            }
        }
        Ok(())
    }

    async fn heed_entity(&self, zk: &ZooKeeper, entity: &str) -> Result<(), AdminError> {
        match entity.split_once('/') {
            Some(("topics", topic)) => self.read_topic(zk, topic).await,
            Some(("brokers", DEFAULT_NAME)) => self.read_broker(zk, Layer::AllBrokers).await,
            Some(("brokers", id)) if id.parse() == Ok(self.broker_id) => {
                self.read_broker(zk, Layer::Broker).await
            }
            Some(("brokers", _)) => Ok(()),
            _ => {
                log::warn!(target: BROKERS, "The changed config of {entity} has no effect: quotas and SCRAM credentials are not built yet");
                Ok(())
            }
        }
    }

    async fn read_broker(&self, zk: &ZooKeeper, layer: Layer) -> Result<(), AdminError> {
        let unclean = || self.live.current().broker.unclean_leader_election_enable;
        let before = unclean();
        read_layer(zk, self.broker_id, &self.live, layer).await?;
        if self.topics.replace_defaults(self.live.current().broker.topic_defaults()) {
            self.replicas.log_defaults_changed();
        }
        if unclean() && !before {
            self.controller.unclean_enabled(None).await;
        }
        let limits = self.limits.reconfigure(&self.live.current().broker, &self.live.layers().in_force());
        if let Err(error) = limits {
            log::error!(target: BROKERS, "The limits of connections stay as they are: {error}");
        }
        Ok(())
    }

    async fn read_new_topics(&self, zk: &ZooKeeper, children: &[String]) -> Result<(), AdminError> {
        for topic in self.topics.keep_only(children) {
            self.read_topic(zk, &topic).await?;
        }
        Ok(())
    }

    async fn read_topic(&self, zk: &ZooKeeper, topic: &str) -> Result<(), AdminError> {
        let own = configs::fetch(zk, Kind::Topics, topic).await?;
        if own.get("unclean.leader.election.enable").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            self.controller.unclean_enabled(Some(topic)).await;
        }
        let of_topic = |key: &str| TopicConfig::row(key);
        warn_without_effect(TOPICS, &format!("the topic {topic}"), &without_effect(&own, of_topic));
        if self.topics.replace(topic, own) {
            self.replicas.log_config_changed(topic);
        }
        Ok(())
    }
}
