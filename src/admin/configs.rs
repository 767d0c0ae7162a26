//! Configs of topics, brokers, clients and users below `/config`, and the notices that tell brokers of a change.

use std::collections::BTreeMap;

use super::AdminError;
use crate::zk::znode::config_change;
use crate::zk::znode::config_entity::{self, ConfigEntity, Kind};
use crate::zk::{CreateMode, ZkError, ZooKeeper};

/// An entity's own configs; none where it has none.
///
/// # Errors
/// Failures of ZooKeeper, and `AdminOperationException` where its znode cannot be read.
pub async fn fetch(zk: &ZooKeeper, kind: Kind, name: &str) -> Result<BTreeMap<String, String>, AdminError> {
    Ok(read(zk, kind, name).await?.0.to_map())
}

/// The configs of every entity of a kind that has any.
///
/// # Errors
/// As [`fetch`].
pub async fn fetch_all(
    zk: &ZooKeeper,
    kind: Kind,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, AdminError> {
    let names = zk.children(&kind.parent()).await?.unwrap_or_default();
    let paths: Vec<_> = names.iter().map(|name| config_entity::path(kind, name)).collect();
    let found = zk.get_many(&paths).await?.into_iter();
    let entities = names.into_iter().zip(found).filter_map(|(name, found)| Some((name, found?.0)));
    entities.map(|(name, data)| Ok((name, decode(&data)?.to_map()))).collect()
}

/// Replaces an entity's own configs, keeping what a newer version wrote beside them, and tells every broker.
///
/// # Errors
/// As [`fetch`].
pub async fn change(
    zk: &ZooKeeper,
    kind: Kind,
    name: &str,
    config: &BTreeMap<String, String>,
) -> Result<(), AdminError> {
    write(zk, kind, name, config).await?;
    notify(zk, &format!("{}/{name}", kind.name())).await
}

/// Replaces an entity's own configs without telling anybody, as the creation of a topic does.
///
/// # Errors
/// As [`fetch`].
pub async fn write(
    zk: &ZooKeeper,
    kind: Kind,
    name: &str,
    config: &BTreeMap<String, String>,
) -> Result<(), AdminError> {
    let (mut entity, _) = read(zk, kind, name).await?;
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

async fn read(zk: &ZooKeeper, kind: Kind, name: &str) -> Result<(ConfigEntity, Option<i32>), AdminError> {
    match zk.get(&config_entity::path(kind, name)).await? {
        Some((data, stat)) => Ok((decode(&data)?, Some(stat.version))),
        None => Ok((ConfigEntity::default(), None)),
    }
}

fn decode(data: &[u8]) -> Result<ConfigEntity, AdminError> {
    ConfigEntity::decode(data).map_err(|error| AdminError::operation(error.to_string()))
}
