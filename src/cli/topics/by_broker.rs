//! Topic commands through a broker (Kafka's `AdminClientTopicService`).

use std::collections::BTreeMap;

use super::describe::{DescribedTopics, GatheredTopic, PartitionDescription, ReassignedReplicas};
use super::list::{ListedTopic, ListedTopics};
use super::options::TopicsCommand;
use super::{Failure, chosen, configs_to_add, ensure_found, print_deletable, warn_of_collisions};
use crate::base::{TopicPartition, jvm_order};
use crate::cli::java::{self, JavaClient};
use crate::client::PartitionInfo;
use crate::client::admin::{
    Admin, ConfigResource, CreatePartitionsOptions, CreateTopicsOptions, DeleteTopicsOptions,
    DescribeClusterOptions, DescribeConfigsOptions, DescribeTopicsOptions, ListTopicsOptions, NewPartitions,
    NewTopic, PartitionReassignment, TopicDescription,
};
use crate::client::cluster::ClusterOptions;
use crate::client::error::ClientError;
use crate::client::settings::read_admin;
use crate::wire::error_code::ErrorCode;

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
            error => {
                Self::exception(java::admin_class(&error), java::admin_message(&error, java::METADATA_CALL))
            }
        }
    }
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
        let all = self.admin.list_topics(ListTopicsOptions::default().list_internal()).await;
        chosen(all.map_err(Failure::from)?.into_keys().collect(), &command.options)
    }

    /// The topics in the order of Java's client.
    async fn described(
        &self,
        names: Vec<String>,
    ) -> impl Iterator<Item = Result<TopicDescription, ClientError>> + use<> {
        let found = self.admin.describe_topics(names, DescribeTopicsOptions::default()).await;
        jvm_order::java_map_of_size(found.into_iter().collect()).into_iter().map(|(_, topic)| topic)
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
        let mut topic = NewTopic::with_assignments(name.clone(), assignment.unwrap_or_default());
        if let Some(count) = options.partitions {
            topic = topic.num_partitions(count);
        }
        if let Some(factor) = options.replication_factor.and_then(|factor| i16::try_from(factor).ok()) {
            topic = topic.replication_factor(factor);
        }
        topic = config.into_iter().fold(topic, |topic, (key, value)| topic.config(key, value));
        let how = CreateTopicsOptions::default().fail_on_quota_violation();
        match self.admin.create_topics([topic], how).await.only() {
            Ok(_) => println!("Created topic {name}."),
            Err(ClientError::Refused { error: ErrorCode::TopicAlreadyExists, .. })
                if options.if_not_exists => {}
            Err(error) => return Err(Failure::from(error).into()),
        }
        Ok(())
    }

    pub async fn list(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        let topics = self.found(command).await?.into_iter().map(|topic| ListedTopic::new(topic, false));
        command.options.output.print(&ListedTopics { topics: topics.collect() }, |listed| {
            let lines: Vec<_> = listed.topics.iter().map(ListedTopic::line).collect();
            println!("{}", lines.join("\n"));
        })?;
        Ok(())
    }

    pub async fn describe(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        ensure_found(&found, &command.options)?;
        let output = command.options.output;
        let described = if found.is_empty() {
            DescribedTopics::select([], &command.options, &[])
        } else {
            let cluster = self.admin.describe_cluster(DescribeClusterOptions::default()).await;
            let live: Vec<_> = cluster.map_err(Failure::from)?.nodes.iter().map(|node| node.id).collect();
            DescribedTopics::select(self.facts(found).await?, &command.options, &live)
        };
        output.print(&described, DescribedTopics::print_text)?;
        Ok(())
    }

    /// All that is known of the topics, in the order of Java's client.
    async fn facts(&self, names: Vec<String>) -> Result<Vec<GatheredTopic>, Failure> {
        let resources: Vec<_> = names.iter().map(|name| ConfigResource::topic(name.as_str())).collect();
        let configs = self.admin.describe_configs(resources, DescribeConfigsOptions::default());
        let (topics, configs) = futures_util::join!(self.described(names), configs);
        let topics = topics.collect::<Result<Vec<_>, _>>()?;
        let reassigned = self.reassignments(&topics).await?;
        let mut configs = configs.all()?;
        let facts = topics.into_iter().map(|topic| {
            let configs = configs.remove(&ConfigResource::topic(topic.name.as_str())).unwrap_or_default();
            let all = configs.entries().iter().map(|config| (jvm_order::hash_code(&config.name), config));
            let all = jvm_order::java_map_by_hash(all.collect()).into_iter();
            let own = all
                .filter(|config| !config.is_default())
                .map(|config| (config.name.clone(), config.value.clone().unwrap_or_default()));
            let partitions = topic.partitions.iter().map(|it| {
                let id = TopicPartition::new(topic.name.as_str(), it.partition);
                partition(it, reassigned.get(&id))
            });
            GatheredTopic {
                configs: own.collect(),
                marked_for_deletion: false,
                partitions: partitions.collect(),
                min_insync_replicas: configs
                    .value("min.insync.replicas")
                    .and_then(|value| value.parse().ok()),
                name: topic.name.clone(),
            }
        });
        Ok(facts.collect())
    }

    /// The reassignments in progress of the topics' partitions; none where the brokers do not list them.
    async fn reassignments(
        &self,
        topics: &[TopicDescription],
    ) -> Result<BTreeMap<TopicPartition, PartitionReassignment>, ClientError> {
        let partitions = topics.iter().flat_map(|topic| {
            let ids = topic.partitions.iter().map(|it| it.partition);
            ids.map(|partition| TopicPartition::new(topic.name.as_str(), partition))
        });
        match self.admin.list_partition_reassignments(Some(partitions.collect())).await {
            Err(
                ClientError::Unsupported(_)
                | ClientError::UnsupportedField { .. }
                | ClientError::Refused { error: ErrorCode::ClusterAuthorizationFailed, .. },
            ) => Ok(BTreeMap::new()),
            listed => listed,
        }
    }

    pub async fn alter(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        let assignment = command.options.assignment()?;
        ensure_found(&found, &command.options)?;
        if found.is_empty() {
            return Ok(());
        }
        let mut grown = Vec::new();
        for topic in self.described(found).await {
            let topic = topic.map_err(Failure::from)?;
            let mut new = NewPartitions::increase_to(command.options.partitions.unwrap_or(0));
            if let Some(assignment) = &assignment {
                // The list names all partitions; the existing ones keep their replicas.
                new = new.assigned_to(assignment.values().skip(topic.partitions.len()).cloned().collect());
            }
            grown.push((topic.name, new));
        }
        let how = CreatePartitionsOptions::default().fail_on_quota_violation();
        self.admin.create_partitions(grown, how).await.all().map_err(Failure::from)?;
        Ok(())
    }

    pub async fn delete(&mut self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        ensure_found(&found, &command.options)?;
        if command.options.dry_run {
            print_deletable(&found);
            return Ok(());
        }
        let how = DeleteTopicsOptions::default().fail_on_quota_violation();
        self.admin.delete_topics(found, how).await.all().map_err(Failure::from)?;
        Ok(())
    }
}

fn partition(it: &PartitionInfo, reassignment: Option<&PartitionReassignment>) -> PartitionDescription {
    PartitionDescription {
        partition: it.partition,
        leader: it.leader,
        replicas: it.replicas.to_vec(),
        isr: it.in_sync_replicas.to_vec(),
        reassignment: reassignment.map(|it| ReassignedReplicas {
            adding_replicas: it.adding_replicas.clone(),
            removing_replicas: it.removing_replicas.clone(),
        }),
    }
}
