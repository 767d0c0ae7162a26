//! What changes while the broker runs: configs of topics and brokers, by the notices under `/config/changes`.
//!
//! Reads what a notice names and hands it to whom it concerns; watches nothing but the notices. Kafka:
//! `DynamicConfigManager`, `TopicConfigHandler`, `BrokerConfigHandler`.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::admin::configs::ConfigReader;
use crate::base::{BrokerId, Clock};
use crate::config::layers::{self, Layer};
use crate::config::unbuilt::without_effect;
use crate::config::{LiveConfig, TopicConfig};
use crate::controller::Controller;
use crate::net::limits::Limits;
use crate::replica::ReplicaManager;
use crate::zk::notices::Notices;
use crate::zk::znode::config_change;
use crate::zk::znode::config_entity::{DEFAULT_NAME, Kind};
use crate::zk::{ZkError, ZnodeChange, ZooKeeper};

const TARGET: &str = "kafka.server.DynamicConfigManager";
const TOPICS: &str = "kafka.server.TopicConfigHandler";
const BROKERS: &str = "kafka.server.DynamicBrokerConfig";

/// Reads what ZooKeeper holds for this broker and for all of them.
///
/// # Errors
/// Failures of ZooKeeper.
pub(super) async fn read_brokers(
    configs: &ConfigReader,
    id: BrokerId,
    live: &LiveConfig,
) -> Result<(), ZkError> {
    for layer in [Layer::AllBrokers, Layer::Broker] {
        read_layer(configs, id, live, layer).await?;
    }
    Ok(())
}

async fn read_layer(
    configs: &ConfigReader,
    id: BrokerId,
    live: &LiveConfig,
    layer: Layer,
) -> Result<(), ZkError> {
    let name = match layer {
        Layer::AllBrokers => DEFAULT_NAME.to_owned(),
        Layer::Broker => id.to_string(),
    };
    let own = configs.fetch(Kind::Brokers, &name).await?;
    if *live.layers().own(layer) == own {
        return Ok(()); // What was said of it need not be said again.
    }
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
    pub configs: Arc<ConfigReader>,
    pub live: LiveConfig,
    pub replicas: Arc<ReplicaManager>,
    pub controller: Controller,
    pub limits: Arc<Limits>,
}

/// Follows the notices until `stop`.
pub(super) async fn follow(zk: ZooKeeper, told: Reconfigured, stop: CancellationToken) {
    let mut notices = Notices::new(config_change::PARENT, config_change::PREFIX);
    let mut watches = zk.watches();
    watches.watch_children(config_change::PARENT);
    let following = async {
        let mut is_begun = false;
        while let Some(change) = watches.next().await {
            let ZnodeChange::Children { children: Some(children), .. } = change else { continue };
            for (path, data) in notices.unread(&zk, &children).await {
                told.process(&path, &data).await;
            }
            if !is_begun {
                // Opening the logs may have taken longer than notices last.
                told.read_all_again().await;
                is_begun = true;
            }
            notices.sweep(&zk, &children, Clock::System.now()).await;
        }
    };
    stop.run_until_cancelled(following).await;
}

impl Reconfigured {
    /// Acts on a notice. Whatever is wrong with it is said, and the next one is gone on with.
    async fn process(&self, path: &str, data: &[u8]) {
        let processed = match config_change::decode(data) {
            Ok(entity) => self.process_entity(&entity).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = processed {
            let notice = String::from_utf8_lossy(data);
            log::error!(target: TARGET, "error processing change notification {notice} from {path}: {error}");
        }
    }

    async fn process_entity(&self, entity: &str) -> Result<(), ZkError> {
        match entity.split_once('/') {
            Some(("topics", topic)) => self.read_topic(topic).await,
            Some(("brokers", DEFAULT_NAME)) => self.read_broker(Layer::AllBrokers).await,
            Some(("brokers", id)) if id.parse() == Ok(self.broker_id) => {
                self.read_broker(Layer::Broker).await
            }
            Some(("brokers", _)) => Ok(()),
            _ => {
                log::warn!(target: BROKERS, "The changed config of {entity} has no effect: quotas and SCRAM credentials are not built yet");
                Ok(())
            }
        }
    }

    async fn read_all_again(&self) {
        let topics: Vec<_> = self.replicas.topics_with_logs().into_iter().collect();
        let found = self.configs.fetch_each(Kind::Topics, &topics).await;
        for (topic, own) in topics.into_iter().zip(found) {
            match own {
                Ok(own) => self.replicas.topic_config_changed(&topic, &own),
                Err(error) => log::error!(target: TARGET, "The configs of topic {topic}: {error}"),
            }
        }
        for layer in [Layer::AllBrokers, Layer::Broker] {
            if let Err(error) = self.read_broker(layer).await {
                log::error!(target: BROKERS, "The broker's configs: {error}");
            }
        }
    }

    async fn read_broker(&self, layer: Layer) -> Result<(), ZkError> {
        let before = self.live.current();
        read_layer(&self.configs, self.broker_id, &self.live, layer).await?;
        let now = self.live.current();
        if now.broker.topic_defaults() != before.broker.topic_defaults() {
            self.replicas.log_defaults_changed();
        }
        if now.broker.unclean_leader_election_enable && !before.broker.unclean_leader_election_enable {
            self.controller.unclean_enabled(None).await;
        }
        let limits = self.limits.reconfigure(&now.broker, &self.live.layers().in_force());
        if let Err(error) = limits {
            log::error!(target: BROKERS, "The limits of connections stay as they are: {error}");
        }
        Ok(())
    }

    async fn read_topic(&self, topic: &str) -> Result<(), ZkError> {
        let own = self.configs.fetch(Kind::Topics, topic).await?;
        log::info!(target: TARGET, "Processing override for entityPath: topics/{topic} with config: {own:?}");
        if own.get("unclean.leader.election.enable").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            self.controller.unclean_enabled(Some(topic)).await;
        }
        let of_topic = |key: &str| TopicConfig::row(key);
        warn_without_effect(TOPICS, &format!("the topic {topic}"), &without_effect(&own, of_topic));
        self.replicas.topic_config_changed(topic, &own);
        Ok(())
    }
}
