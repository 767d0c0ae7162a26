//! Configs as znodes (Kafka's `ConfigCommand.alterConfigWithZk`, `describeConfigWithZk`): what is written there the
//! brokers read when they are notified, or when they start.

use super::changes::GivenChanges;
use super::description::{ConfigDescription, ConfigsDescription, ConfigsLayout, EntityDescription};
use super::entities::ZnodeEntity;
use super::options::ConfigsCommand;
use super::{refusal, secrets, warn_of_message_format};
use crate::admin::{configs, names, topics};
use crate::base::jvm_order;
use crate::cli::java::scala_set;
use crate::cli::throwable::JavaThrowable;
use crate::cli::zookeeper_session;
use crate::config::layers::{self, Layer, OwnConfigs};
use crate::config::quotas::{self, QuotaKeys};
use crate::config::{Throttles, TopicConfig};
use crate::wire::error_code::ErrorCode;
use crate::zk::znode::broker;
use crate::zk::znode::config_entity::{self, ConfigEntity, DEFAULT_NAME, EntityType};
use crate::zk::{ZkError, ZooKeeper};

/// The configs in ZooKeeper.
pub(super) struct ZnodeConfigs {
    zk: ZooKeeper,
}

impl ZnodeConfigs {
    pub async fn connect(connect: &str) -> Result<Self, JavaThrowable> {
        Ok(Self { zk: zookeeper_session::connect(connect).await? })
    }

    pub async fn close(&self) {
        self.zk.close().await;
    }

    pub async fn alter(&self, command: &ConfigsCommand) -> Result<(), JavaThrowable> {
        let mut changes = GivenChanges::read(&command.options)?;
        warn_of_message_format(command, &changes);
        let entity = ZnodeEntity::of(command)?;
        let (kind, name) = (entity.root.kind, entity.znode_name());
        match kind {
            EntityType::Users => secrets::salt_passwords(&mut changes.add)?,
            EntityType::Brokers => self.prepare_broker(&name, &mut changes.add).await?,
            EntityType::Topics | EntityType::Clients => {}
        }
        let mut own = configs::fetch(&self.zk, kind, &name).await?;
        changes.check_deleted(|key| own.contains_key(key))?;
        own.extend(changes.add);
        own.retain(|key, _| !changes.delete.contains(key));
        self.check(&entity, &own).await?;
        let written = configs::change(&self.zk, kind, &name, &own).await;
        if written.is_err() && self.zk.exists("/").await?.is_none() {
            // Java's error text for a znode below a chroot that does not exist.
            return Err(refusal("Path length must be > 0"));
        }
        written?;
        command.note(&format!("Completed updating config for entity: {entity}."));
        Ok(())
    }

    /// Refuses what a running broker has to check itself, and encrypts passwords.
    async fn prepare_broker(&self, name: &str, add: &mut Vec<(String, String)>) -> Result<(), JavaThrowable> {
        let dynamic = add.iter().map(|(key, _)| key.as_str()).filter(|key| Throttles::row(key).is_none());
        let dynamic: Vec<_> = dynamic.collect();
        if dynamic.is_empty() {
            return Ok(());
        }
        let (layer, running) = match name {
            DEFAULT_NAME => {
                let brokers = self.zk.children(broker::PARENT).await?.unwrap_or_default();
                (
                    Layer::AllBrokers,
                    (!brokers.is_empty()).then(|| "for default cluster if any broker".to_owned()),
                )
            }
            id => {
                let number = id.parse().map_err(|_| {
                    refusal(format!(
                        "Error parsing broker {id}. The broker's Entity Name must be a single integer value"
                    ))
                })?;
                let registered = self.zk.exists(&broker::path(number)).await?;
                (Layer::Broker, registered.map(|_| format!("when broker {id}")))
            }
        };
        if let Some(running) = running {
            return Err(refusal(format!(
                "requirement failed: --bootstrap-server option must be specified to update broker configs {}. {running} is \
                 running. Broker configuration updates using ZooKeeper are supported for bootstrapping before brokers are \
                 started to enable encrypted password configs to be stored in ZooKeeper.",
                scala_set(&dynamic)
            )));
        }
        secrets::prepare_broker(add, layer)
    }

    /// Checks all configs that an entity is to have (`AdminZkClient.changeConfigs`).
    async fn check(&self, entity: &ZnodeEntity, own: &OwnConfigs) -> Result<(), JavaThrowable> {
        match (entity.root.kind, entity.root.name.as_deref().unwrap_or_default()) {
            (EntityType::Topics, topic) => {
                names::validate_topic(topic)?;
                if topics::fetch(&self.zk, topic).await?.is_none() {
                    let class = ErrorCode::UnknownTopicOrPartition.exception();
                    let sentence = format!("Topic '{topic}' does not exist.");
                    return Err(JavaThrowable::new(class, sentence));
                }
                TopicConfig::default().with_overrides(own)?;
            }
            (EntityType::Brokers, _) => layers::check_values(own)?,
            (EntityType::Users, user) if user != DEFAULT_NAME && entity.child.is_none() => {
                quotas::check(QuotaKeys::User, own)?;
            }
            (EntityType::Clients | EntityType::Users, _) => quotas::check(QuotaKeys::Client, own)?,
        }
        Ok(())
    }

    pub async fn describe(&self, command: &ConfigsCommand) -> Result<(), JavaThrowable> {
        let wanted = ZnodeEntity::of(command)?;
        let entities = self.found(&wanted).await?;
        let names: Vec<_> = entities.iter().map(ZnodeEntity::znode_name).collect();
        let found = configs::fetch_many(&self.zk, wanted.root.kind, &names).await?;
        // A user that has quotas only for its client ids has a znode without configs.
        let all_users =
            wanted.root.kind == EntityType::Users && wanted.root.name.is_none() && wanted.child.is_none();
        let found =
            entities.iter().zip(found).filter(|(_, configs)| !all_users || !configs.config.is_empty());
        let entities = found.map(|(entity, configs)| described(entity, configs)).collect();
        command.print(&ConfigsDescription { entities }, Ok(()))
    }

    /// The entities that exist, of those that are wanted (`ConfigEntity.getAllEntities`).
    async fn found(&self, wanted: &ZnodeEntity) -> Result<Vec<ZnodeEntity>, ZkError> {
        let mut roots = vec![wanted.clone()];
        if wanted.root.name.is_none() {
            let names = self.zk.children(&wanted.root.kind.parent()).await?.unwrap_or_default();
            roots = names.into_iter().map(|name| wanted.rooted(name)).collect();
        }
        let Some(child) = &wanted.child else { return Ok(roots) };
        if child.name.is_some() && wanted.root.name.is_some() {
            return Ok(roots);
        }
        // As in Kafka's tool, a name of the client id does not count where the users are all.
        let children = roots.iter().map(|root| async move {
            let user = root.root.name.as_deref().unwrap_or_default();
            let parent = format!("{user}/{}", child.kind.name());
            let names = self.zk.children(&config_entity::path(root.root.kind, &parent)).await?;
            let found = names.unwrap_or_default().into_iter().map(|name| root.with_child(name));
            Ok::<_, ZkError>(found.collect::<Vec<_>>())
        });
        let found = futures_util::future::try_join_all(children).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// An entity, with its configs in the order of Java's properties.
fn described(entity: &ZnodeEntity, found: ConfigEntity) -> EntityDescription {
    let pairs = jvm_order::properties(found.config).into_iter();
    EntityDescription {
        entity: entity.parts(),
        configs: pairs.map(|(key, value)| ConfigDescription::plain(key, value)).collect(),
        error: None,
        heading: format!("Configs for {entity} are "),
        layout: ConfigsLayout::Joined(","),
    }
}
