//! Reassignments through ZooKeeper, the way before KIP-455: one at a time, and replicas cannot be moved between
//! directories.
//!
//! Kafka: the halves of `ReassignPartitionsCommand` with a `KafkaZkClient`.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{ReassignmentPlan, joined, parse_brokers, parse_topics};
use super::proposal::PartitionAssignment;
use super::report::{ClearedThrottles, Execution, Proposal, Verification, current_text, started_text};
use super::throttles::{BROKER_THROTTLES, INTER_BROKER_RATES, MoveMap, TOPIC_THROTTLES};
use super::verification::{PartitionReassignmentState, partitions_text};
use super::{EXISTING, ReassignFailure, VERIFY_PERIODICALLY, propose_on};
use crate::admin::topics::{self, RackAware};
use crate::admin::{AdminError, configs, reassignment};
use crate::base::{BrokerId, TopicPartition};
use crate::cli::output_format::OutputOption;
use crate::cli::throwable::JavaThrowable;
use crate::cli::zookeeper_session;
use crate::config::TopicConfig;
use crate::zk::ZooKeeper;
use crate::zk::znode::config_entity::EntityType;

/// The reassignments in ZooKeeper.
pub(super) struct ZnodeReassignments {
    zk: ZooKeeper,
    output: OutputOption,
}

impl ZnodeReassignments {
    pub async fn connect(connect: &str, output: OutputOption) -> Result<Self, JavaThrowable> {
        Ok(Self { zk: zookeeper_session::connect(connect).await?, output })
    }

    pub async fn close(&self) {
        self.zk.close().await;
    }

    /// The replicas of the topics' partitions; a topic that does not exist has none.
    async fn assignment(&self, topics: &[String]) -> Result<PartitionAssignment, JavaThrowable> {
        let mut found = PartitionAssignment::new();
        for name in topics {
            let partitions = topics::fetch(&self.zk, name).await?.map(|topic| topic.partitions);
            let of_topic = partitions.into_iter().flatten();
            found.extend(of_topic.map(|(at, it)| (TopicPartition::new(name.as_str(), at), it.replicas)));
        }
        Ok(found)
    }

    async fn live_brokers(&self) -> Result<Vec<BrokerId>, JavaThrowable> {
        let brokers = topics::candidates(&self.zk, RackAware::Disabled).await?;
        Ok(brokers.into_iter().map(|(id, _)| id).collect())
    }

    /// Shows how far the reassignments of a file are; removes the throttles once none by znode is in progress.
    pub async fn verify(&self, file: &str, preserve_throttles: bool) -> Result<Verification, JavaThrowable> {
        let plan = ReassignmentPlan::parse(file)?;
        refuse_log_dirs(&plan)?;
        self.output.note(format_args!(
            "Warning: because you are using the deprecated --zookeeper option, the results may be incomplete.  Use \
             --bootstrap-server instead for more accurate results."
        ));
        let in_progress: BTreeSet<_> =
            reassignment::in_progress(&self.zk).await?.into_iter().map(|(id, _)| id).collect();
        let mut replicas = self.assignment(&plan.topics()).await?;
        let states = plan.partitions.iter().map(|it| {
            let (id, now) = (&it.partition, replicas.remove(&it.partition).unwrap_or_default());
            let is_in_progress = in_progress.contains(id);
            (id.clone(), PartitionReassignmentState::new(id, now, it.replicas.clone(), is_in_progress))
        });
        let states: BTreeMap<_, _> = states.collect();
        self.output.note(format_args!("{}", partitions_text(&states)));
        let cleared = match in_progress.is_empty() && !preserve_throttles {
            true => Some(self.clear_throttles(&plan).await?),
            false => None,
        };
        Ok(Verification::new(states.into_values(), [], cleared))
    }

    async fn clear_throttles(&self, plan: &ReassignmentPlan) -> Result<ClearedThrottles, JavaThrowable> {
        let brokers = plan.brokers_and(&self.live_brokers().await?);
        let cleared = ClearedThrottles { brokers, topics: plan.topics() };
        self.output.note(format_args!("{}", cleared.brokers_text()));
        for id in &cleared.brokers {
            self.remove(EntityType::Brokers, &id.to_string(), &BROKER_THROTTLES).await?;
        }
        self.output.note(format_args!("{}", cleared.topics_text()));
        for topic in &cleared.topics {
            self.remove(EntityType::Topics, topic, &TOPIC_THROTTLES).await?;
        }
        Ok(cleared)
    }

    /// Removes configs of an entity; one that has none of them is left alone.
    async fn remove(&self, kind: EntityType, name: &str, keys: &[&str]) -> Result<(), AdminError> {
        let mut config = configs::fetch(&self.zk, kind, name).await?;
        let before = config.len();
        config.retain(|key, _| !keys.contains(&key.as_str()));
        if config.len() < before {
            configs::change(&self.zk, kind, name, &config).await?;
        }
        Ok(())
    }

    /// Adds configs to an entity.
    async fn add(
        &self,
        kind: EntityType,
        name: &str,
        added: impl IntoIterator<Item = (&str, String)>,
    ) -> Result<(), AdminError> {
        let mut config = configs::fetch(&self.zk, kind, name).await?;
        config.extend(added.into_iter().map(|(key, value)| (key.to_owned(), value)));
        if kind == EntityType::Topics {
            TopicConfig::default().with_overrides(&config)?;
        }
        configs::change(&self.zk, kind, name, &config).await
    }

    /// Proposes an assignment of the file's topics to these brokers.
    pub async fn generate(
        &self,
        file: &str,
        brokers: &str,
        rack_aware: bool,
    ) -> Result<Proposal, JavaThrowable> {
        let brokers = parse_brokers(brokers)?;
        let current = self.assignment(&parse_topics(file)?).await?;
        let racks = if rack_aware { RackAware::Enforced } else { RackAware::Disabled };
        let candidates = topics::candidates_among(&self.zk, racks, &brokers).await?;
        propose_on(&candidates, &current, self.output)
    }

    /// Begins the reassignment of a file.
    pub async fn execute(
        &self,
        file: &str,
        throttle: Option<u64>,
        dry_run: bool,
    ) -> Result<Execution, ReassignFailure> {
        let plan = ReassignmentPlan::parse_for_execution(file)?;
        refuse_log_dirs(&plan)?;
        let mut current = self.assignment(&plan.topics()).await?;
        self.check(&plan, &current).await?;
        if reassignment::is_in_progress(&self.zk).await.map_err(JavaThrowable::from)? {
            return Err(ReassignFailure::Terse(EXISTING.to_owned()));
        }
        current.retain(|id, _| plan.partitions.iter().any(|it| it.partition == *id));
        let moves = MoveMap::proposed(&BTreeMap::new(), &plan.partitions, &current);
        let execution =
            Execution::new(&plan, &current, dry_run).throttled(throttle.map(|rate| (rate, &moves)), None);
        self.output.note(format_args!("{}", current_text(&current)));
        if dry_run {
            self.output.note(format_args!("{}", execution.dry_run_text()));
            return Ok(execution);
        }
        if let Some(rate) = throttle {
            self.output.note(format_args!("{VERIFY_PERIODICALLY}"));
            self.throttle(&moves, rate).await.map_err(JavaThrowable::from)?;
            self.output.note(format_args!("The inter-broker throttle limit was set to {rate} B/s"));
        }
        let targets = plan.partitions.iter().map(|it| (it.partition.clone(), it.replicas.clone()));
        let targets: Vec<_> = targets.collect();
        reassignment::request(&self.zk, &targets).await.map_err(JavaThrowable::from)?;
        self.output.note(format_args!("{}", started_text(&plan)));
        Ok(execution)
    }

    /// Refuses partitions and brokers that do not exist: the controller would only log them.
    async fn check(
        &self,
        plan: &ReassignmentPlan,
        current: &PartitionAssignment,
    ) -> Result<(), JavaThrowable> {
        let partitions = plan.partitions.iter().map(|it| &it.partition);
        let unknown: Vec<_> =
            partitions.filter(|id| !current.contains_key(id)).map(ToString::to_string).collect();
        if !unknown.is_empty() {
            return Err(JavaThrowable::command_failed(format!(
                "The proposed assignment contains non-existent partitions: List({})",
                unknown.join(", ")
            )));
        }
        let live = self.live_brokers().await?;
        let mut unknown = plan.brokers_and(&[]);
        unknown.retain(|id| !live.contains(id));
        if !unknown.is_empty() {
            return Err(JavaThrowable::command_failed(format!(
                "The proposed assignment contains non-existent brokerIDs: {}",
                joined(&unknown)
            )));
        }
        Ok(())
    }

    async fn throttle(&self, moves: &MoveMap, rate: u64) -> Result<(), AdminError> {
        for (topic, throttles) in moves.topic_throttles() {
            self.add(EntityType::Topics, &topic, throttles).await?;
        }
        for id in moves.brokers() {
            let rates = INTER_BROKER_RATES.map(|key| (key, rate.to_string()));
            self.add(EntityType::Brokers, &id.to_string(), rates).await?;
        }
        Ok(())
    }
}

fn refuse_log_dirs(plan: &ReassignmentPlan) -> Result<(), JavaThrowable> {
    if plan.log_dirs.is_empty() {
        return Ok(());
    }
    let message = "bootstrap-server needs to be provided when replica reassignments are present.";
    Err(JavaThrowable::command_failed(message))
}
