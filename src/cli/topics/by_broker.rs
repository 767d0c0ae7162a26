//! Topic commands through a broker (Kafka's `AdminClientTopicService`).

use super::describe::{PartitionDescription, TopicDescription};
use super::options::TopicsCommand;
use super::{Failure, chosen, configs_to_add, ensure_found, warn_of_collisions};
use crate::base::BrokerId;
use crate::cli::java::{self, JavaClient};
use crate::client::admin::{Admin, ResourceType};
use crate::client::cluster::ClusterOptions;
use crate::client::error::ClientError;
use crate::client::settings::read_admin;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::create_partitions::{CreatePartitionsAssignment, CreatePartitionsTopic};
use crate::wire::message::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateableTopicConfig,
};
use crate::wire::message::metadata::MetadataResponseTopic;

/// The source of a value that is nothing but the default (`DescribeConfigsResponse.ConfigSource`).
const DEFAULT_SOURCE: i8 = 5;

/// The topics of the cluster that a broker belongs to.
pub(crate) struct AdminClientTopicService {
    admin: Admin,
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::BadAddress(_) | ClientError::BadSetting { .. } | ClientError::NoneResolvable => {
                Self::NoClient(error.to_string())
            }
            error => Self::exception(java::admin_class(&error), java::admin_message(&error)),
        }
    }
}

fn check(code: i16, message: Option<&str>) -> Result<(), Failure> {
    ClientError::check(code, message).map_err(Failure::from)
}

impl AdminClientTopicService {
    pub async fn connect(command: &TopicsCommand) -> Result<Self, Failure> {
        let servers = command.options.bootstrap_server.as_deref().unwrap_or_default();
        let settings = read_admin(&command.settings, servers, "adminclient-1")?;
        JavaClient::Admin.log_ignored(&settings.ignored);
        let events = JavaClient::Admin.log_events(&settings.cluster.client_id);
        Ok(Self { admin: Admin::new(ClusterOptions { events, ..settings.cluster }).await? })
    }

    async fn found(&self, command: &TopicsCommand) -> anyhow::Result<Vec<String>> {
        let all = self.admin.topics().await.map_err(Failure::from)?;
        chosen(all.into_iter().map(|topic| topic.name).collect(), &command.options)
    }

    pub async fn create(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        let options = &command.options;
        let name = options.topic.clone().unwrap_or_default();
        let (assignment, config) = (options.assignment()?, configs_to_add(options)?);
        warn_of_collisions(&name);
        if options.replication_factor.is_some_and(|factor| !(1..=i32::from(i16::MAX)).contains(&factor)) {
            let message = format!("The replication factor must be between 1 and {} inclusive", i16::MAX);
            return Err(Failure::illegal_argument(message).into());
        }
        if options.partitions.is_some_and(|count| count < 1) {
            return Err(Failure::illegal_argument("The partitions must be greater than 0").into());
        }
        let assignments = assignment.unwrap_or_default().into_iter();
        let topic = CreatableTopic {
            name: name.clone(),
            num_partitions: options.partitions.unwrap_or(-1),
            replication_factor: options
                .replication_factor
                .and_then(|factor| i16::try_from(factor).ok())
                .unwrap_or(-1),
            assignments: assignments
                .map(|(partition_index, broker_ids)| CreatableReplicaAssignment {
                    partition_index,
                    broker_ids,
                })
                .collect(),
            configs: config
                .into_iter()
                .map(|(name, value)| CreateableTopicConfig { name, value: Some(value) })
                .collect(),
        };
        let results = self.admin.create_topics(vec![topic], false).await.map_err(Failure::from)?;
        for result in results {
            let exists = ErrorCode::from_code(result.error_code) == ErrorCode::TopicAlreadyExists;
            if !(exists && options.if_not_exists) {
                check(result.error_code, result.error_message.as_deref())?;
                println!("Created topic {name}.");
            }
        }
        Ok(())
    }

    pub async fn list(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        println!("{}", self.found(command).await?.join("\n"));
        Ok(())
    }

    pub async fn describe(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        ensure_found(&found, &command.options)?;
        if found.is_empty() {
            return Ok(());
        }
        let brokers = self.admin.brokers().await.map_err(Failure::from)?;
        let live: Vec<BrokerId> = brokers.iter().map(|broker| broker.node_id).collect();
        for topic in self.admin.describe_topics(&found).await.map_err(Failure::from)? {
            check(topic.error_code, None)?;
            self.description(topic).await?.print(&command.options, &live);
        }
        Ok(())
    }

    async fn description(&self, topic: MetadataResponseTopic) -> Result<TopicDescription, Failure> {
        let configs = self.admin.describe_configs(ResourceType::Topic, &topic.name).await?;
        let least = configs.iter().find(|config| config.name == "min.insync.replicas");
        let min_insync_replicas = least.and_then(|config| config.value.as_deref()?.parse().ok());
        let own = configs.iter().filter(|config| config.config_source != DEFAULT_SOURCE);
        let mut partitions: Vec<_> = topic
            .partitions
            .into_iter()
            .map(|it| PartitionDescription {
                partition: it.partition_index,
                leader: Some(it.leader_id).filter(|leader| *leader >= 0),
                replicas: it.replica_nodes,
                isr: it.isr_nodes,
                reassignment: None,
            })
            .collect();
        partitions.sort_by_key(|it| it.partition);
        Ok(TopicDescription {
            name: topic.name,
            configs: own
                .map(|config| (config.name.clone(), config.value.clone().unwrap_or_default()))
                .collect(),
            marked_for_deletion: false,
            partitions,
            min_insync_replicas,
        })
    }

    pub async fn alter(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        let assignment = command.options.assignment()?;
        ensure_found(&found, &command.options)?;
        if found.is_empty() {
            return Ok(());
        }
        let mut grown = Vec::new();
        for topic in self.admin.describe_topics(&found).await.map_err(Failure::from)? {
            // The list names all partitions; the existing ones keep their replicas.
            let lists = assignment.as_ref().map(|assignment| {
                let new = assignment.values().skip(topic.partitions.len());
                new.map(|ids| CreatePartitionsAssignment { broker_ids: ids.clone() }).collect()
            });
            let count = command.options.partitions.unwrap_or(0);
            grown.push(CreatePartitionsTopic { name: topic.name, count, assignments: lists });
        }
        for result in self.admin.create_partitions(grown).await.map_err(Failure::from)? {
            check(result.error_code, result.error_message.as_deref())?;
        }
        Ok(())
    }

    pub async fn delete(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        ensure_found(&found, &command.options)?;
        for result in self.admin.delete_topics(found).await.map_err(Failure::from)? {
            check(result.error_code, result.error_message.as_deref())?;
        }
        Ok(())
    }
}
