//! Topic commands through ZooKeeper (Kafka's `ZookeeperTopicService`): they write znodes that the controller
//! and the brokers act on.

use std::collections::BTreeMap;

use super::describe::{DescribedTopics, GatheredTopic, PartitionDescription};
use super::list::{ListedTopic, ListedTopics};
use super::options::TopicsCommand;
use super::{
    Failure, chosen, configs_to_add, configs_to_delete, ensure_found, print_deletable, warn_of_collisions,
};
use crate::admin::topics::{self, PartitionReplicas, RackAware};
use crate::admin::{AdminError, configs, names};
use crate::base::{BrokerId, TopicPartition, jvm_order};
use crate::cli::{java, zookeeper_session};
use crate::zk::znode::config_entity::EntityType;
use crate::zk::znode::partition_state::{self, PartitionStateZNode};
use crate::zk::{ZkError, ZooKeeper};

/// Java's error text for a znode below a chroot that does not exist.
const NO_CHROOT: &str = "Path length must be > 0";

/// The topics in ZooKeeper.
pub(crate) struct ZookeeperTopicService {
    zk: ZooKeeper,
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        Self::exception(java::znode_exception(&error), error.to_string())
    }
}

impl From<ZkError> for Failure {
    fn from(error: ZkError) -> Self {
        match error {
            ZkError::ConnectString(error) => {
                Self::exception(java::connect_string_exception(&error), error.to_string())
            }
            error => AdminError::from(error).into(),
        }
    }
}

impl ZookeeperTopicService {
    pub async fn connect(connect: &str) -> Result<Self, Failure> {
        let connected = zookeeper_session::connect(connect).await;
        let zk = connected.map_err(|thrown| Failure::exception(thrown.class(), thrown.message()))?;
        Ok(Self { zk })
    }

    pub async fn close(&self) {
        self.zk.close().await;
    }

    async fn found(&self, command: &TopicsCommand) -> anyhow::Result<Vec<String>> {
        chosen(topics::list(&self.zk).await.map_err(Failure::from)?, &command.options)
    }

    pub async fn create(&self, command: &TopicsCommand) -> anyhow::Result<()> {
        let options = &command.options;
        let name = options.topic.as_deref().unwrap_or_default();
        let assignment = options.assignment()?;
        let config = configs_to_add(options)?;
        warn_of_collisions(name);
        let creating = async {
            let replicas = match assignment {
                Some(assignment) => assignment,
                None => self.assign_replicas(command).await?,
            };
            topics::create(&self.zk, name, &replicas, &config).await
        };
        let created = creating.await;
        if created.is_err() && self.zk.exists("/").await.map_err(Failure::from)?.is_none() {
            // Java's tool, too, finds no brokers below a chroot that does not exist; its other commands fail
            // there.
            let refused =
                created.err().filter(|error| matches!(error, AdminError::InvalidReplicationFactor(_)));
            return Err(refused.map_or_else(|| Failure::illegal_argument(NO_CHROOT), Failure::from).into());
        }
        match created {
            Ok(()) => println!("Created topic {name}."),
            Err(AdminError::TopicExists(_)) if options.if_not_exists => {}
            Err(error) => return Err(Failure::from(error).into()),
        }
        Ok(())
    }

    async fn assign_replicas(&self, command: &TopicsCommand) -> Result<PartitionReplicas, AdminError> {
        let options = &command.options;
        let racks = if options.disable_rack_aware { RackAware::Disabled } else { RackAware::Enforced };
        let brokers = topics::candidates(&self.zk, racks).await?;
        topics::assign(&brokers, options.partitions.unwrap_or(0), options.replication_factor.unwrap_or(0))
    }

    pub async fn list(&self, command: &TopicsCommand) -> anyhow::Result<()> {
        let mut listed = ListedTopics { topics: Vec::new() };
        for topic in self.found(command).await? {
            let marked = topics::is_marked_for_deletion(&self.zk, &topic).await.map_err(Failure::from)?;
            listed.topics.push(ListedTopic::new(topic, marked));
        }
        command.options.output.print(&listed, |listed| {
            listed.topics.iter().for_each(|topic| println!("{}", topic.line()));
        })?;
        Ok(())
    }

    pub async fn describe(&self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        ensure_found(&found, &command.options)?;
        let live = topics::candidates(&self.zk, RackAware::Disabled).await.map_err(Failure::from)?;
        let live: Vec<BrokerId> = live.into_iter().map(|(id, _)| id).collect();
        let output = command.options.output;
        let mut described = Vec::new();
        for name in found {
            match self.description(&name).await? {
                Some(topic) => described.push(topic),
                None => output.note(format_args!("Topic {name} doesn't exist!")),
            }
        }
        output.print(
            &DescribedTopics::select(described, &command.options, &live),
            DescribedTopics::print_text,
        )?;
        Ok(())
    }

    async fn description(&self, name: &str) -> Result<Option<GatheredTopic>, Failure> {
        let Some(topic) = topics::fetch(&self.zk, name).await? else { return Ok(None) };
        let ids: Vec<_> = topic.partitions.keys().map(|at| TopicPartition::new(name, *at)).collect();
        let paths: Vec<_> = ids.iter().map(partition_state::path).collect();
        let states = self.zk.get_many(&paths).await?;
        let partitions = topic.partitions.into_iter().zip(states).map(|((partition, assignment), state)| {
            let state = state.and_then(|(data, stat)| PartitionStateZNode::decode(&data, stat.version).ok());
            let (leader, isr) = state.map_or((None, Vec::new()), |state| {
                let written = state.leader_and_isr;
                (Some(written.leader).filter(|leader| *leader >= 0), written.isr)
            });
            PartitionDescription { partition, leader, replicas: assignment.replicas, isr, reassignment: None }
        });
        Ok(Some(GatheredTopic {
            name: name.to_owned(),
            configs: jvm_order::properties(
                configs::fetch(&self.zk, EntityType::Topics, name).await?.into_iter().collect(),
            ),
            marked_for_deletion: topics::is_marked_for_deletion(&self.zk, name).await?,
            partitions: partitions.collect(),
            min_insync_replicas: None,
        }))
    }

    pub async fn alter(&self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        let (add, delete) = (configs_to_add(&command.options)?, configs_to_delete(&command.options)?);
        ensure_found(&found, &command.options)?;
        for name in found {
            if !add.is_empty() || !delete.is_empty() {
                self.alter_configs(&name, &add, &delete).await?;
            }
            if let Some(count) = command.options.partitions {
                self.grow(&name, count, command.options.assignment()?).await?;
            }
        }
        Ok(())
    }

    async fn alter_configs(
        &self,
        name: &str,
        add: &BTreeMap<String, String>,
        delete: &[String],
    ) -> Result<(), Failure> {
        println!(
            "WARNING: Altering topic configuration from this script has been deprecated and may be removed in future releases."
        );
        println!("         Going forward, please use kafka-configs.sh for this functionality");
        let mut config = configs::fetch(&self.zk, EntityType::Topics, name).await?;
        config.extend(add.clone());
        config.retain(|key, _| !delete.contains(key));
        crate::config::TopicConfig::default().with_overrides(&config).map_err(AdminError::from)?;
        configs::change(&self.zk, EntityType::Topics, name, &config).await?;
        println!("Updated config for topic {name}.");
        Ok(())
    }

    async fn grow(&self, name: &str, count: i32, wished: Option<PartitionReplicas>) -> Result<(), Failure> {
        if names::is_internal(name) {
            let message =
                format!("The number of partitions for the internal topic {name} cannot be changed.");
            return Err(Failure::illegal_argument(message));
        }
        println!(
            "WARNING: If partitions are increased for a topic that has a key, the partition logic or ordering of the messages will be affected"
        );
        let Some(topic) = topics::fetch(&self.zk, name).await? else {
            return Err(AdminError::InvalidTopic(format!("The topic {name} does not exist")).into());
        };
        // The list names all partitions; the existing ones keep their replicas.
        let existing = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let wished = wished.map(|mut wished| wished.split_off(&existing)).filter(|wished| !wished.is_empty());
        let brokers = topics::candidates(&self.zk, RackAware::Enforced).await?;
        let more = topics::assign_more(name, &topic, &brokers, count, wished.as_ref())?;
        topics::add_partitions(&self.zk, name, &more).await?;
        println!("Adding partitions succeeded!");
        Ok(())
    }

    pub async fn delete(&self, command: &TopicsCommand) -> anyhow::Result<()> {
        let found = self.found(command).await?;
        ensure_found(&found, &command.options)?;
        if command.options.dry_run {
            print_deletable(&found);
            return Ok(());
        }
        for name in found {
            if names::is_internal(&name) {
                let message = format!(
                    "Topic {name} is a kafka internal topic and is not allowed to be marked for deletion."
                );
                return Err(Failure::from(AdminError::operation(message)).into());
            }
            match topics::delete(&self.zk, &name).await {
                Ok(()) => {
                    println!("Topic {name} is marked for deletion.");
                    println!("Note: This will have no impact if delete.topic.enable is not set to true.");
                }
                Err(AdminError::AlreadyMarkedForDeletion(_)) => {
                    println!("Topic {name} is already marked for deletion.");
                }
                Err(error) => return Err(Failure::from(error).into()),
            }
        }
        Ok(())
    }
}
