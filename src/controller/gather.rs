//! Reads what a step needs: many znodes at once, decoded into facts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::facts::{Facts, FeatureFacts, Question, TopicFacts};
use super::state::Leadership;
use crate::base::{BrokerId, TopicPartition};
use crate::config::TopicConfig;
use crate::zk::znode::config_entity::{self, ConfigEntity, EntityType};
use crate::zk::znode::feature::{self, FeatureZNode};
use crate::zk::znode::partition_state::{self, PartitionStateZNode};
use crate::zk::znode::topic::{self, TopicZNode};
use crate::zk::znode::{
    broker, delete_topic, isr_change, log_dir_event, preferred_election, reassign_partitions,
};
use crate::zk::{Read, ZkError, ZooKeeper};

/// Fields that newer versions wrote beside the states of partitions. They are written back with every state.
pub(super) type Others = HashMap<TopicPartition, Map<String, Value>>;

/// Answers every question; `defaults` are the topic configs of this broker.
///
/// # Errors Failures of ZooKeeper. A znode that cannot be decoded counts as absent, and is logged.
pub(super) async fn gather(
    zk: &ZooKeeper,
    defaults: &TopicConfig,
    others: &mut Others,
    questions: Vec<Question>,
) -> Result<Facts, ZkError> {
    let mut facts = Facts::default();
    for question in questions {
        answer(zk, defaults, others, question, &mut facts).await?;
    }
    Ok(facts)
}

async fn answer(
    zk: &ZooKeeper,
    defaults: &TopicConfig,
    others: &mut Others,
    question: Question,
    facts: &mut Facts,
) -> Result<(), ZkError> {
    match question {
        Question::Brokers => {
            let ids = names(zk, broker::PARENT).await?.iter().filter_map(|id| id.parse().ok()).collect();
            facts.brokers = brokers(zk, ids).await?;
        }
        Question::Broker(id) => facts.brokers = brokers(zk, vec![id]).await?,
        Question::Topics => {
            facts.topics = names(zk, topic::PARENT).await?.into_iter().map(Arc::from).collect()
        }
        Question::Assignments(topics) => facts.assignments = assignments(zk, topics).await?,
        Question::States(partitions) => facts.states = states(zk, others, partitions).await?,
        Question::PartitionDirs(topic) => {
            let dirs = names(zk, &partition_state::parent(&topic)).await?;
            facts.partition_dirs = dirs.iter().filter_map(|number| number.parse().ok()).collect();
        }
        Question::TopicTree(topic) => facts.topic_tree = tree(zk, &topic::path(&topic)).await?,
        Question::UncleanElection(topics) => facts.unclean = unclean(zk, defaults, topics).await?,
        Question::TopicDeletions => {
            facts.topic_deletions =
                names(zk, delete_topic::PARENT).await?.into_iter().map(Arc::from).collect();
        }
        Question::IsrNotifications => {
            let found = notices(zk, isr_change::PARENT).await?;
            let decoded =
                found.into_iter().map(|(name, data)| (name, isr_change::decode(&data).unwrap_or_default()));
            facts.isr_notifications = decoded.collect();
        }
        Question::LogDirEvents => {
            let found = notices(zk, log_dir_event::PARENT).await?;
            facts.log_dir_events =
                found.into_iter().map(|(name, data)| (name, log_dir_event::decode(&data).ok())).collect();
        }
        Question::Reassignment => {
            let found = zk.get(reassign_partitions::PATH).await?;
            facts.reassignment = found
                .and_then(|(data, _)| readable(reassign_partitions::PATH, reassign_partitions::decode(&data)))
                .map(|wanted| wanted.into_iter().collect());
        }
        Question::PreferredElection => {
            let found = zk.get(preferred_election::PATH).await?;
            // A request that cannot be read is answered by its deletion.
            facts.preferred_election = found.map(|(data, _)| {
                readable(preferred_election::PATH, preferred_election::decode(&data))
                    .unwrap_or_default()
                    .into_iter()
                    .collect()
            });
        }
        Question::Feature => {
            let found = zk.get(feature::PATH).await?;
            facts.feature = found.and_then(|(data, stat)| {
                let FeatureZNode { enabled, features } =
                    readable(feature::PATH, FeatureZNode::decode(&data))?;
                Some(FeatureFacts { enabled, features, version: stat.version })
            });
        }
    }
    Ok(())
}

/// What was decoded; if it could not be decoded, None and a line in the log.
fn readable<T>(path: &str, decoded: Result<T, crate::zk::znode::ZnodeError>) -> Option<T> {
    decoded.map_err(|error| log::error!(target: "kafka.controller.KafkaController", "{path}: {error}")).ok()
}

/// Reads many znodes at once. A znode whose access list forbids the read counts as absent.
async fn read_many(zk: &ZooKeeper, paths: &[String]) -> Result<Vec<Read>, ZkError> {
    match zk.get_many(paths).await {
        Err(ZkError::NoAuth | ZkError::Other(_)) => {}
        outcome => return outcome,
    }
    let mut found = Vec::with_capacity(paths.len());
    for path in paths {
        match zk.get(path).await {
            Err(error @ (ZkError::NoAuth | ZkError::Other(_))) => {
                log::error!(target: "kafka.controller.KafkaController", "{path}: {error}");
                found.push(None);
            }
            outcome => found.push(outcome?),
        }
    }
    Ok(found)
}

async fn names(zk: &ZooKeeper, parent: &str) -> Result<Vec<String>, ZkError> {
    Ok(zk.children(parent).await?.unwrap_or_default())
}

async fn brokers(zk: &ZooKeeper, ids: Vec<BrokerId>) -> Result<Vec<crate::base::Broker>, ZkError> {
    let paths: Vec<_> = ids.iter().map(|id| broker::path(*id)).collect();
    let found = read_many(zk, &paths).await?;
    let decoded = ids.into_iter().zip(found).filter_map(|(id, found)| {
        let (data, stat) = found?;
        readable(&broker::path(id), broker::decode(id, &data, stat.czxid))
    });
    Ok(decoded.collect())
}

async fn assignments(
    zk: &ZooKeeper,
    topics: Vec<Arc<str>>,
) -> Result<BTreeMap<Arc<str>, TopicFacts>, ZkError> {
    let paths: Vec<_> = topics.iter().map(|name| topic::path(name)).collect();
    let found = read_many(zk, &paths).await?;
    let decoded = topics.into_iter().zip(found).filter_map(|(name, found)| {
        let (data, stat) = found?;
        let topic = readable(&topic::path(&name), TopicZNode::decode(&data))?;
        Some((name, TopicFacts { version: stat.version, partitions: topic.partitions }))
    });
    Ok(decoded.collect())
}

async fn states(
    zk: &ZooKeeper,
    others: &mut Others,
    partitions: Vec<TopicPartition>,
) -> Result<BTreeMap<TopicPartition, Leadership>, ZkError> {
    let paths: Vec<_> = partitions.iter().map(partition_state::path).collect();
    let found = read_many(zk, &paths).await?;
    let decoded = partitions.into_iter().zip(found).filter_map(|(partition, found)| {
        let (data, stat) = found?;
        let state =
            readable(&partition_state::path(&partition), PartitionStateZNode::decode(&data, stat.version))?;
        if state.others.is_empty() {
            others.remove(&partition);
        } else {
            others.insert(partition.clone(), state.others);
        }
        let mut leader_and_isr = state.leader_and_isr;
        leader_and_isr.isr = distinct(leader_and_isr.isr);
        Some((partition, Leadership { leader_and_isr, controller_epoch: state.controller_epoch }))
    });
    Ok(decoded.collect())
}

/// The brokers of an ISR, each once: a broker that was named twice by hand would count twice for
/// `min.insync.replicas`.
fn distinct(isr: Vec<BrokerId>) -> Vec<BrokerId> {
    let mut seen = BTreeSet::new();
    isr.into_iter().filter(|id| seen.insert(*id)).collect()
}

/// Every path below and including `path`, children before their parents; none where it does not exist.
async fn tree(zk: &ZooKeeper, path: &str) -> Result<Vec<String>, ZkError> {
    let Some(children) = zk.children(path).await? else { return Ok(Vec::new()) };
    let mut paths = Vec::new();
    for child in children {
        paths.extend(Box::pin(tree(zk, &format!("{path}/{child}"))).await?);
    }
    paths.push(path.to_owned());
    Ok(paths)
}

async fn unclean(
    zk: &ZooKeeper,
    defaults: &TopicConfig,
    topics: Vec<Arc<str>>,
) -> Result<BTreeMap<Arc<str>, bool>, ZkError> {
    let paths: Vec<_> = topics.iter().map(|name| config_entity::path(EntityType::Topics, name)).collect();
    let found = read_many(zk, &paths).await?;
    let allowed = |path: &String, found: Option<(bytes::Bytes, _)>| {
        // A config that cannot be read has no values.
        let entity = found.and_then(|(data, _)| readable(path, ConfigEntity::decode(&data)));
        let own = entity.unwrap_or_default().to_map();
        defaults.with_valid_overrides(&own).0.unclean_leader_election_enable
    };
    let found = topics.into_iter().zip(paths.iter().zip(found));
    Ok(found.map(|(name, (path, found))| (name, allowed(path, found))).collect())
}

/// The children of a parent of notifications with their data, in the order of their numbers.
async fn notices(zk: &ZooKeeper, parent: &str) -> Result<Vec<(String, bytes::Bytes)>, ZkError> {
    let names: BTreeSet<_> = names(zk, parent).await?.into_iter().collect();
    let paths: Vec<_> = names.iter().map(|name| format!("{parent}/{name}")).collect();
    let found = read_many(zk, &paths).await?;
    Ok(names.into_iter().zip(found).filter_map(|(name, found)| Some((name, found?.0))).collect())
}
