//! Configs of topics, brokers, clients and users below `/config`, and the notices by which brokers learn of a change.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use super::AdminError;
use crate::config::layers::OwnConfigs;
use crate::zk::znode::config_change;
use crate::zk::znode::config_entity::{self, ConfigEntity, EntityType};
use crate::zk::{CreateMode, Read, ZkError, ZooKeeper};

/// An entity's own configs; empty if it has none, or if its znode cannot be read.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn fetch(zk: &ZooKeeper, kind: EntityType, name: &str) -> Result<OwnConfigs, AdminError> {
    Ok(read(zk, kind, name).await?.to_map())
}

/// Reads entities' configs for a running broker. A znode that cannot be read is logged once, not each time.
#[derive(Debug)]
pub struct ConfigReader {
    zk: ZooKeeper,
    /// The znodes that could not be read, with the zxid of the change that made them so.
    unreadable: Mutex<HashMap<String, i64>>,
}

impl ConfigReader {
    /// A reader of this ensemble.
    pub fn new(zk: ZooKeeper) -> Self {
        Self { zk, unreadable: Mutex::default() }
    }

    /// As [`fetch`].
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    pub async fn fetch(&self, kind: EntityType, name: &str) -> Result<OwnConfigs, ZkError> {
        let path = config_entity::path(kind, name);
        let found = self.zk.get(&path).await?;
        Ok(self.own(&path, found))
    }

    /// As [`fetch`] for many entities, pipelined; the outcomes are in the order of the entities.
    pub async fn fetch_each<N: AsRef<str>>(
        &self,
        kind: EntityType,
        names: &[N],
    ) -> Vec<Result<OwnConfigs, ZkError>> {
        let paths: Vec<_> = names.iter().map(|name| config_entity::path(kind, name.as_ref())).collect();
        let found = self.zk.get_each(&paths).await.into_iter();
        paths.iter().zip(found).map(|(path, found)| Ok(self.own(path, found?))).collect()
    }

    /// The names of the entities of a kind that have a znode, in ZooKeeper's order.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    #[doc(alias = "getAllEntitiesWithConfig")]
    pub async fn names(&self, kind: EntityType) -> Result<Vec<String>, ZkError> {
        Ok(self.zk.children(&kind.parent()).await?.unwrap_or_default())
    }

    /// The client ids of these users that have a znode, each as `USER/clients/CLIENT_ID`.
    ///
    /// # Errors
    /// Failures of ZooKeeper.
    #[doc(alias = "fetchAllChildEntityConfigs")]
    pub async fn client_names_of_users(&self, users: &[String]) -> Result<Vec<String>, ZkError> {
        let clients = users.iter().map(|user| async move {
            let parent = format!("{user}/{}", EntityType::Clients.name());
            let found = self.zk.children(&config_entity::path(EntityType::Users, &parent)).await?;
            let names = found.unwrap_or_default().into_iter().map(move |client| format!("{parent}/{client}"));
            Ok(names.collect::<Vec<_>>())
        });
        let found = futures_util::future::join_all(clients).await.into_iter();
        Ok(found.collect::<Result<Vec<_>, ZkError>>()?.into_iter().flatten().collect())
    }

    fn own(&self, path: &str, found: Read) -> OwnConfigs {
        let Some((data, stat)) = found else { return OwnConfigs::new() };
        match ConfigEntity::decode(&data) {
            Ok(entity) => entity.to_map(),
            Err(error) => {
                let logged = self.unreadable.lock().insert(path.to_owned(), stat.mzxid);
                if logged != Some(stat.mzxid) {
                    log::error!(target: "kafka.server.DynamicConfigManager", "{path} is taken to hold no configs: {error}");
                }
                OwnConfigs::new()
            }
        }
    }
}

/// Replaces an entity's own configs, keeping fields that a newer version wrote beside them, and notifies
/// every broker.
///
/// # Errors
/// As [`fetch`].
pub async fn change(
    zk: &ZooKeeper,
    kind: EntityType,
    name: &str,
    config: &BTreeMap<String, String>,
) -> Result<(), AdminError> {
    write(zk, kind, name, config).await?;
    notify(zk, &format!("{}/{name}", kind.name())).await
}

/// Replaces an entity's own configs without a notice, as the creation of a topic does.
///
/// # Errors
/// As [`fetch`].
pub async fn write(
    zk: &ZooKeeper,
    kind: EntityType,
    name: &str,
    config: &BTreeMap<String, String>,
) -> Result<(), AdminError> {
    let mut entity = read(zk, kind, name).await?;
    entity.replace(config);
    let (path, data) = (config_entity::path(kind, name), entity.encode());
    match zk.set(&path, &data, None).await {
        Ok(_) => Ok(()),
        Err(ZkError::NoNode) => match zk.create_recursive(&path, &data, CreateMode::Persistent).await {
            Ok(_) => Ok(()),
            Err(ZkError::NodeExists) => Ok(zk.set(&path, &data, None).await.map(drop)?),
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

async fn notify(zk: &ZooKeeper, entity_path: &str) -> Result<(), AdminError> {
    let data = config_change::encode(entity_path);
    zk.create_recursive(&config_change::sequential_path(), &data, CreateMode::PersistentSequential).await?;
    Ok(())
}

async fn read(zk: &ZooKeeper, kind: EntityType, name: &str) -> Result<ConfigEntity, ZkError> {
    let path = config_entity::path(kind, name);
    Ok(decode(&path, zk.get(&path).await?))
}

/// The configs of entities of a kind as their znodes have them, pipelined and in the order of the names; none for a
/// znode that does not exist or cannot be read.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn fetch_many(
    zk: &ZooKeeper,
    kind: EntityType,
    names: &[String],
) -> Result<Vec<ConfigEntity>, ZkError> {
    let paths: Vec<_> = names.iter().map(|name| config_entity::path(kind, name)).collect();
    let found = zk.get_many(&paths).await?;
    Ok(paths.iter().zip(found).map(|(path, found)| decode(path, found)).collect())
}

fn decode(path: &str, found: Read) -> ConfigEntity {
    let Some((data, _)) = found else { return ConfigEntity::default() };
    ConfigEntity::decode(&data).unwrap_or_else(|error| {
        log::warn!(target: "kafka.zk.AdminZkClient", "{path} is taken to hold no configs: {error}");
        ConfigEntity::default()
    })
}
