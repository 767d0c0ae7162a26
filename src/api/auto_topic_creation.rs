//! Topics that are created because a request named them: any topic by Metadata, Kafka's own also by
//! FindCoordinator.
//!
//! Never decides whether the caller may create them; the handler has. Kafka: `KafkaApis.createTopic`,
//! `createInternalTopic`, `GroupCoordinator.offsetsTopicConfigs`, `TransactionStateManager.transactionTopicConfigs`.

use std::collections::BTreeMap;

use super::Services;
use crate::admin::names::{OFFSETS_TOPIC, TRANSACTIONS_TOPIC};
use crate::admin::{AdminError, names, topics};
use crate::config::BrokerConfig;
use crate::wire::error_code::ErrorCode;

const TARGET: &str = "kafka.server.KafkaApis";

/// A topic that Kafka keeps for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InternalTopic {
    /// `__consumer_offsets`.
    Offsets,
    /// `__transaction_state`.
    Transactions,
}

/// The settings of a new topic.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NewTopicSettings {
    partitions: i32,
    replication_factor: i32,
    configs: BTreeMap<String, String>,
}

impl InternalTopic {
    /// The internal topic of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Offsets, Self::Transactions].into_iter().find(|topic| topic.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offsets => OFFSETS_TOPIC,
            Self::Transactions => TRANSACTIONS_TOPIC,
        }
    }

    fn settings(self, config: &BrokerConfig) -> NewTopicSettings {
        let configs = |pairs: &[(&str, String)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
        };
        match self {
            Self::Offsets => NewTopicSettings {
                partitions: config.offsets_topic_num_partitions,
                replication_factor: config.offsets_topic_replication_factor.into(),
                configs: configs(&[
                    ("cleanup.policy", "compact".to_owned()),
                    ("segment.bytes", config.offsets_topic_segment_bytes.to_string()),
                    ("compression.type", "producer".to_owned()),
                ]),
            },
            Self::Transactions => NewTopicSettings {
                partitions: config.transaction_state_log_num_partitions,
                replication_factor: config.transaction_state_log_replication_factor.into(),
                configs: configs(&[
                    ("unclean.leader.election.enable", "false".to_owned()),
                    ("compression.type", "uncompressed".to_owned()),
                    ("cleanup.policy", "compact".to_owned()),
                    ("min.insync.replicas", config.transaction_state_log_min_isr.to_string()),
                    ("segment.bytes", config.transaction_state_log_segment_bytes.to_string()),
                ]),
            },
        }
    }

    /// Logs that fewer brokers are alive than the topic is to have replicas.
    fn log_too_few_brokers(self, alive: usize, needed: i32) {
        let (what, key) = match self {
            Self::Offsets => ("offsets", "offsets.topic.replication.factor"),
            Self::Transactions => ("transactions state", "transaction.state.log.replication.factor"),
        };
        log::error!(
            target: TARGET,
            "Number of alive brokers '{alive}' does not meet the required replication factor '{needed}' for the {what} topic (configured via '{key}'). This error can be ignored if the cluster is starting up and not all brokers are up yet."
        );
    }
}

/// Creates a topic with the broker's defaults. Returns the caller's answer until the topic has leaders:
/// LEADER_NOT_AVAILABLE, or why it cannot be created.
pub(super) async fn create_topic(services: &Services, name: &str) -> ErrorCode {
    let config = &services.config;
    let (partitions, replication_factor) = (config.num_partitions, config.default_replication_factor);
    create(services, name, NewTopicSettings { partitions, replication_factor, configs: BTreeMap::new() })
        .await
}

/// Creates one of Kafka's own topics. Returns the caller's answer until the topic has leaders:
/// LEADER_NOT_AVAILABLE, COORDINATOR_NOT_AVAILABLE if fewer brokers are alive than the topic is to have
/// replicas, or why it cannot be created.
pub(super) async fn create_internal_topic(services: &Services, topic: InternalTopic) -> ErrorCode {
    let settings = topic.settings(&services.config);
    let alive = services.metadata.snapshot().live_brokers().count();
    if usize::try_from(settings.replication_factor).is_ok_and(|needed| alive < needed) {
        topic.log_too_few_brokers(alive, settings.replication_factor);
        return ErrorCode::CoordinatorNotAvailable;
    }
    create(services, topic.name(), settings).await
}

async fn create(services: &Services, name: &str, settings: NewTopicSettings) -> ErrorCode {
    let NewTopicSettings { partitions, replication_factor, configs } = settings;
    let creating = async {
        names::validate_topic(name)?;
        let brokers = topics::candidates(&services.zk, topics::RackAware::Safe).await?;
        let replicas = topics::assign(&brokers, partitions, replication_factor)?;
        topics::create(&services.zk, name, &replicas, &configs).await
    };
    match creating.await {
        Ok(()) => {
            log::info!(target: TARGET, "Auto creation of topic {name} with {partitions} partitions and replication factor {replication_factor} is successful");
            ErrorCode::LeaderNotAvailable
        }
        // Another broker may have created it.
        Err(AdminError::TopicExists(_)) => ErrorCode::LeaderNotAvailable,
        Err(error) => error.code(),
    }
}

#[cfg(test)]
mod tests;
