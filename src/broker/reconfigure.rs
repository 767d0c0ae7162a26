//! What changes while the broker runs: topics' configs, by the notices under `/config/changes` (`DynamicConfigManager`).

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use crate::admin::configs;
use crate::base::Clock;
use crate::config::TopicConfig;
use crate::replica::Replicas;
use crate::zk::notices::Notices;
use crate::zk::znode::config_change;
use crate::zk::znode::config_entity::Kind;
use crate::zk::{ZnodeChange, ZooKeeper};

const TARGET: &str = "kafka.server.TopicConfigHandler";

/// The configs of all topics that have any, and the defaults of the others.
#[derive(Clone, Debug)]
pub(super) struct TopicConfigs {
    defaults: Arc<TopicConfig>,
    own: Arc<RwLock<BTreeMap<String, TopicConfig>>>,
}

impl TopicConfigs {
    pub fn new(defaults: TopicConfig, own: BTreeMap<String, TopicConfig>) -> Self {
        Self { defaults: Arc::new(defaults), own: Arc::new(RwLock::new(own)) }
    }

    /// A topic's config.
    pub fn of(&self, topic: &str) -> TopicConfig {
        self.own.read().get(topic).cloned().unwrap_or_else(|| (*self.defaults).clone())
    }
}

/// A topic's config with those of its own values that are valid; the others are said in the log.
pub(super) fn valid(defaults: &TopicConfig, own: &BTreeMap<String, String>) -> TopicConfig {
    let (config, refused) = defaults.with_valid_overrides(own);
    for error in refused {
        log::warn!(target: TARGET, "A topic's config is ignored: {error}");
    }
    config
}

/// Follows the notices until `stop`.
pub(super) async fn follow(
    zk: ZooKeeper,
    topics: TopicConfigs,
    replicas: Arc<Replicas>,
    stop: CancellationToken,
) {
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
                heed(&zk, &mut notices, &children, &topics, &replicas).await
            }
            Some(ZnodeChange::Children { children: Some(children), .. }) => {
                read_new(&zk, &children, &topics, &replicas).await
            }
            Some(_) => Ok(()),
        };
        if let Err(error) = outcome {
            log::error!(target: TARGET, "Reading changed configs: {error}");
        }
    }
}

async fn heed(
    zk: &ZooKeeper,
    notices: &mut Notices,
    children: &[String],
    topics: &TopicConfigs,
    replicas: &Replicas,
) -> Result<(), crate::admin::AdminError> {
    for data in notices.unread(zk, children, Clock::System.now()).await? {
        match config_change::decode(&data) {
            Ok(entity) => match entity.split_once('/') {
                Some(("topics", topic)) => read(zk, topic, topics, replicas).await?,
                _ => {
                    log::info!(target: TARGET, "A changed config of {entity} is heeded at the next start only")
                }
            },
            Err(error) => log::error!(target: TARGET, "A notice of a changed config cannot be read: {error}"),
        }
    }
    Ok(())
}

async fn read_new(
    zk: &ZooKeeper,
    children: &[String],
    topics: &TopicConfigs,
    replicas: &Replicas,
) -> Result<(), crate::admin::AdminError> {
    topics.own.write().retain(|topic, _| children.contains(topic));
    let unknown: Vec<_> =
        children.iter().filter(|topic| !topics.own.read().contains_key(*topic)).cloned().collect();
    for topic in unknown {
        read(zk, &topic, topics, replicas).await?;
    }
    Ok(())
}

async fn read(
    zk: &ZooKeeper,
    topic: &str,
    topics: &TopicConfigs,
    replicas: &Replicas,
) -> Result<(), crate::admin::AdminError> {
    let own = configs::fetch(zk, Kind::Topics, topic).await?;
    let config = valid(&topics.defaults, &own);
    let before = topics.own.write().insert(topic.to_owned(), config.clone());
    if before.as_ref() != Some(&config) {
        replicas.log_config_changed(topic, &config);
    }
    Ok(())
}
