//! Topics as znodes: creating them, giving them partitions, marking them for deletion.

use std::collections::{BTreeMap, BTreeSet};

use super::placement::{BrokerAndRack, PlacementStart};
use super::{AdminError, configs, names, placement};
use crate::base::BrokerId;
use crate::config::TopicConfig;
use crate::zk::znode::config_entity::EntityType;
use crate::zk::znode::topic::{self, TopicZNode};
use crate::zk::znode::{broker, delete_topic};
use crate::zk::{CreateMode, ZkError, ZooKeeper};

/// The replicas of every partition.
pub type PartitionReplicas = BTreeMap<i32, Vec<BrokerId>>;

/// Whether racks are taken into account when replicas are assigned (`RackAwareMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RackAware {
    /// Racks are ignored.
    Disabled,
    /// All brokers have a rack or none has one; anything else is refused.
    Enforced,
    /// Racks are taken into account only if all brokers have one.
    Safe,
    /// Racks are taken into account; the assignment is refused if only some brokers have one.
    AsNamed,
}

/// The names of all topics, in no order.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn list(zk: &ZooKeeper) -> Result<Vec<String>, AdminError> {
    Ok(zk.children(topic::PARENT).await?.unwrap_or_default())
}

/// A topic's assignment; None where there is no such topic.
///
/// # Errors
/// Failures of ZooKeeper, and `AdminOperationException` where its znode cannot be read.
pub async fn fetch(zk: &ZooKeeper, name: &str) -> Result<Option<TopicZNode>, AdminError> {
    match zk.get(&topic::path(name)).await? {
        Some((data, _)) => {
            TopicZNode::decode(&data).map(Some).map_err(|error| AdminError::operation(error.to_string()))
        }
        None => Ok(None),
    }
}

/// The live brokers by id, as candidates for replicas.
///
/// # Errors
/// Failures of ZooKeeper, and `AdminOperationException` where racks are enforced and only some brokers name one.
pub async fn candidates(zk: &ZooKeeper, racks: RackAware) -> Result<Vec<BrokerAndRack>, AdminError> {
    with_racks(registered(zk).await?, racks)
}

/// As [`candidates`], of these brokers only.
///
/// # Errors
/// As there.
pub async fn candidates_among(
    zk: &ZooKeeper,
    racks: RackAware,
    among: &[BrokerId],
) -> Result<Vec<BrokerAndRack>, AdminError> {
    let mut brokers = registered(zk).await?;
    brokers.retain(|(id, _)| among.contains(id));
    with_racks(brokers, racks)
}

/// The live brokers by id, with their racks.
async fn registered(zk: &ZooKeeper) -> Result<Vec<BrokerAndRack>, AdminError> {
    let ids = zk.children(broker::PARENT).await?.unwrap_or_default();
    let mut ids: Vec<BrokerId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    let paths: Vec<_> = ids.iter().map(|id| broker::path(*id)).collect();
    let found = zk.get_many(&paths).await?;
    let registered = ids.iter().zip(found).filter_map(|(id, found)| {
        let (data, stat) = found?;
        Some((*id, broker::decode(*id, &data, stat.czxid).ok()?.rack))
    });
    Ok(registered.collect())
}

/// The brokers with the racks that count.
fn with_racks(mut brokers: Vec<BrokerAndRack>, racks: RackAware) -> Result<Vec<BrokerAndRack>, AdminError> {
    let named = brokers.iter().filter(|(_, rack)| rack.is_some()).count();
    if racks == RackAware::Enforced && named > 0 && named < brokers.len() {
        return Err(AdminError::operation(
            "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment \
             without rack information.",
        ));
    }
    if racks == RackAware::Disabled || (racks == RackAware::Safe && named < brokers.len()) {
        brokers.iter_mut().for_each(|(_, rack)| *rack = None);
    }
    Ok(brokers)
}

/// Replicas for a new topic's partitions, assigned from a random start.
///
/// # Errors
/// As [`placement::assign_replicas`].
pub fn assign(
    brokers: &[BrokerAndRack],
    partitions: i32,
    replication_factor: i32,
) -> Result<PartitionReplicas, AdminError> {
    let size = brokers.len().max(1);
    let start = PlacementStart { broker: fastrand::usize(..size), shift: fastrand::usize(..size) };
    placement::assign_replicas(brokers, partitions, replication_factor, 0, start)
}

/// Checks that a topic could be created with these partitions and configs.
///
/// # Errors
/// TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, failures of ZooKeeper.
pub async fn validate(
    zk: &ZooKeeper,
    name: &str,
    assignment: &PartitionReplicas,
    config: &BTreeMap<String, String>,
) -> Result<(), AdminError> {
    names::validate_topic(name)?;
    if zk.exists(&topic::path(name)).await?.is_some() {
        return Err(AdminError::TopicExists(name.to_owned()));
    }
    if names::may_collide(name) {
        let others = list(zk).await?;
        let colliding: Vec<_> = others.into_iter().filter(|other| names::collide(name, other)).collect();
        if !colliding.is_empty() {
            let list = colliding.join(", ");
            return Err(AdminError::InvalidTopic(format!(
                "Topic '{name}' collides with existing topics: {list}"
            )));
        }
    }
    validate_assignment(assignment)?;
    TopicConfig::default().with_overrides(config)?;
    Ok(())
}

/// An assignment as a `scala.collection.mutable.HashMap` prints it.
fn as_scala(assignment: &PartitionReplicas) -> String {
    let list =
        |replicas: &[BrokerId]| replicas.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let entry = |(partition, replicas): (&i32, &Vec<BrokerId>)| {
        format!("{partition} -> ArrayBuffer({})", list(replicas))
    };
    format!("HashMap({})", assignment.iter().map(entry).collect::<Vec<_>>().join(", "))
}

fn validate_assignment(assignment: &PartitionReplicas) -> Result<(), AdminError> {
    let sizes: BTreeSet<_> = assignment.values().map(Vec::len).collect();
    if sizes.len() != 1 {
        return Err(AdminError::InvalidAssignment(
            "All partitions should have the same number of replicas".to_owned(),
        ));
    }
    if assignment.values().any(|replicas| has_twins(replicas)) {
        let found = as_scala(assignment);
        return Err(AdminError::InvalidAssignment(format!("Duplicate replica assignment found: {found}")));
    }
    if !assignment.keys().copied().eq(0..i32::try_from(assignment.len()).unwrap_or(0)) {
        return Err(AdminError::InvalidAssignment(
            "partitions should be a consecutive 0-based integer sequence".to_owned(),
        ));
    }
    Ok(())
}

fn has_twins(replicas: &[BrokerId]) -> bool {
    replicas.iter().collect::<BTreeSet<_>>().len() != replicas.len()
}

/// Creates a topic: its configs first, then its assignment, which the controller acts on.
///
/// # Errors
/// As [`validate`].
pub async fn create(
    zk: &ZooKeeper,
    name: &str,
    assignment: &PartitionReplicas,
    config: &BTreeMap<String, String>,
) -> Result<(), AdminError> {
    validate(zk, name, assignment, config).await?;
    create_with_assignment(zk, name, assignment, config).await
}

/// As [`create`], for what [`validate`] has checked.
///
/// # Errors
/// TOPIC_ALREADY_EXISTS, failures of ZooKeeper.
#[doc(alias = "createTopicWithAssignment")]
pub async fn create_with_assignment(
    zk: &ZooKeeper,
    name: &str,
    assignment: &PartitionReplicas,
    config: &BTreeMap<String, String>,
) -> Result<(), AdminError> {
    configs::write(zk, EntityType::Topics, name, config).await?;
    let data = TopicZNode::new(assignment.clone()).encode();
    match zk.create_recursive(&topic::path(name), &data, CreateMode::Persistent).await {
        Ok(_) => Ok(()),
        Err(ZkError::NodeExists) => Err(AdminError::TopicExists(name.to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// The replicas of the partitions that bring a topic to `count`: as the caller asks, or assigned in
/// continuation of the existing ones.
///
/// # Errors
/// INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, BROKER_NOT_AVAILABLE, and `AdminOperationException`.
pub fn assign_more(
    name: &str,
    existing: &TopicZNode,
    brokers: &[BrokerAndRack],
    count: i32,
    wished: Option<&PartitionReplicas>,
) -> Result<PartitionReplicas, AdminError> {
    let existing_partitions = i32::try_from(existing.partitions.len()).unwrap_or(i32::MAX);
    let Some(first) = existing.partitions.get(&0).map(|assignment| &assignment.replicas) else {
        return Err(AdminError::operation(format!(
            "Unexpected existing replica assignment for topic '{name}', partition id 0 is missing."
        )));
    };
    if count <= existing_partitions {
        return Err(AdminError::InvalidPartitions(format!(
            "The number of partitions for a topic can only be increased. Topic {name} currently has {existing_partitions} partitions, \
             {count} would not be an increase."
        )));
    }
    if let Some(wished) = wished {
        validate_wishes(wished, first.len(), brokers)?;
        return Ok(wished.clone());
    }
    let preferred = first.first().copied().unwrap_or(0);
    let start = brokers.iter().position(|(id, _)| *id >= preferred).unwrap_or(0);
    let factor = i32::try_from(first.len()).unwrap_or(i32::MAX);
    placement::assign_replicas(
        brokers,
        count - existing_partitions,
        factor,
        existing_partitions,
        PlacementStart { broker: start, shift: start },
    )
}

fn validate_wishes(
    wished: &PartitionReplicas,
    factor: usize,
    brokers: &[BrokerAndRack],
) -> Result<(), AdminError> {
    let joined = |ids: &[BrokerId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    for (partition, replicas) in wished {
        if replicas.is_empty() {
            return Err(AdminError::InvalidAssignment(format!(
                "Cannot have replication factor of 0 for partition id {partition}."
            )));
        }
        if has_twins(replicas) {
            return Err(AdminError::InvalidAssignment(format!(
                "Duplicate brokers not allowed in replica assignment: {} for partition id {partition}.",
                joined(replicas)
            )));
        }
        let available: Vec<_> = brokers.iter().map(|(id, _)| *id).collect();
        if replicas.iter().any(|id| !available.contains(id)) {
            return Err(AdminError::BrokerNotAvailable(format!(
                "Some brokers specified for partition id {partition} are not available. Specified brokers: {}, available \
                 brokers: {}.",
                joined(replicas),
                joined(&available)
            )));
        }
    }
    let bad: Vec<_> = wished.iter().filter(|(_, replicas)| replicas.len() != factor).collect();
    if bad.is_empty() {
        return Ok(());
    }
    let list = |items: Vec<String>| items.join(", ");
    Err(AdminError::InvalidAssignment(format!(
        "Inconsistent replication factor between partitions, partition 0 has {factor} while partitions [{}] have replication \
         factors [{}], respectively.",
        list(bad.iter().map(|(partition, _)| partition.to_string()).collect()),
        list(bad.iter().map(|(_, replicas)| replicas.len().to_string()).collect())
    )))
}

/// Writes new partitions to a topic, beside those it has.
///
/// # Errors
/// `AdminOperationException` where the topic has changed meanwhile, failures of ZooKeeper.
pub async fn add_partitions(zk: &ZooKeeper, name: &str, more: &PartitionReplicas) -> Result<(), AdminError> {
    let Some((data, stat)) = zk.get(&topic::path(name)).await? else {
        return Err(AdminError::UnknownTopic(name.to_owned()));
    };
    let mut existing_partitions =
        TopicZNode::decode(&data).map_err(|error| AdminError::operation(error.to_string()))?;
    existing_partitions.partitions.extend(TopicZNode::new(more.clone()).partitions);
    zk.set(&topic::path(name), &existing_partitions.encode(), Some(stat.version)).await?;
    Ok(())
}

/// Marks a topic for deletion, which the controller carries out.
///
/// # Errors
/// [`AdminError::NoTopicToDelete`], [`AdminError::AlreadyMarkedForDeletion`], failures of ZooKeeper.
pub async fn delete(zk: &ZooKeeper, name: &str) -> Result<(), AdminError> {
    if zk.exists(&topic::path(name)).await?.is_none() {
        return Err(AdminError::NoTopicToDelete(name.to_owned()));
    }
    match zk.create_recursive(&delete_topic::path(name), b"", CreateMode::Persistent).await {
        Ok(_) => Ok(()),
        Err(ZkError::NodeExists) => Err(AdminError::AlreadyMarkedForDeletion(name.to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// Whether a topic is marked for deletion.
///
/// # Errors
/// Failures of ZooKeeper.
pub async fn is_marked_for_deletion(zk: &ZooKeeper, name: &str) -> Result<bool, AdminError> {
    Ok(zk.exists(&delete_topic::path(name)).await?.is_some())
}
