//! What changes while the broker runs: configs of topics and brokers, quotas of clients and users, by the notices under
//! `/config/changes`.
//!
//! A notice names an entity; the handler of its kind reads the entity's configs and applies them. Watches
//! nothing but the notices. Kafka: `DynamicConfigManager`.

mod handlers;
pub(super) mod listeners;
pub(super) mod parts;
mod quotas;

use tokio_util::sync::CancellationToken;

use crate::base::Clock;
use crate::zk::notices::Notices;
use crate::zk::znode::config_change;
use crate::zk::znode::config_entity::EntityType;
use crate::zk::{ZkError, ZnodeChange, ZooKeeper};

pub(super) use handlers::{BrokerConfigHandler, TopicConfigHandler};
pub(super) use quotas::ClientQuotaConfigHandler;

const TARGET: &str = "kafka.server.DynamicConfigManager";
const BROKERS: &str = "kafka.server.DynamicBrokerConfig";

/// Applies configs that have changed, by the kind of entity they belong to.
pub(super) struct DynamicConfigManager {
    pub topics: TopicConfigHandler,
    pub brokers: BrokerConfigHandler,
    pub quotas: ClientQuotaConfigHandler,
    pub clock: Clock,
}

impl DynamicConfigManager {
    /// Follows the notices until `stop`.
    pub async fn follow(self, zk: ZooKeeper, stop: CancellationToken) {
        let mut notices = Notices::new(config_change::PARENT, config_change::PREFIX);
        let mut watches = zk.watches();
        watches.watch_children(config_change::PARENT);
        let following = async {
            let mut is_begun = false;
            while let Some(change) = watches.next().await {
                let ZnodeChange::Children { children: Some(children), .. } = change else { continue };
                for (path, data) in notices.unread(&zk, &children).await {
                    self.process(&path, &data).await;
                }
                if !is_begun {
                    // Opening the logs may have taken longer than notices last.
                    self.topics.process_all().await;
                    self.brokers.process_all().await;
                    is_begun = true;
                }
                notices.sweep(&zk, &children, self.clock.now()).await;
            }
        };
        stop.run_until_cancelled(following).await;
    }

    /// Applies the change of a notice. A notice that cannot be read is logged, and the next one is handled.
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
        let named = entity.split_once('/');
        let kind = named
            .and_then(|(kind, name)| Some((EntityType::ALL.into_iter().find(|it| it.name() == kind)?, name)));
        match kind {
            Some((EntityType::Topics, topic)) => self.topics.process(topic).await,
            Some((EntityType::Brokers, broker)) => self.brokers.process(broker).await,
            Some((kind @ (EntityType::Clients | EntityType::Users), name)) => {
                self.quotas.process(kind, name).await
            }
            None => {
                log::error!(target: TARGET, "A config change notification must name one of 'clients'/, 'users'/, 'topics'/, 'brokers'/: {entity}");
                Ok(())
            }
        }
    }
}
