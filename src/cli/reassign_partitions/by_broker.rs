//! Reassignments through a broker (KIP-455): its controller carries them out, and knows how far each is.
//!
//! Kafka: the halves of `ReassignPartitionsCommand` with an `Admin`.

mod execution;

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{ReassignmentPlan, parse_brokers, parse_topics};
use super::proposal::PartitionAssignment;
use super::propose_on;
use super::report::{ClearedThrottles, Proposal, ReassignmentList, Verification};
use super::throttles::{BROKER_THROTTLES, TOPIC_THROTTLES};
use super::verification::{LogDirMoveState, PartitionReassignmentState, partitions_text, replicas_text};
use crate::admin::placement::BrokerAndRack;
use crate::base::{BrokerId, TopicPartition};
use crate::cli::java::JavaClient;
use crate::cli::output_format::OutputOption;
use crate::cli::throwable::JavaThrowable;
use crate::client::ClientError;
use crate::client::admin::{
    Admin, AlterConfigOp, AlterConfigsOptions, ConfigResource, DescribeClusterOptions, DescribeTopicsOptions,
    PartitionReassignment, TopicPartitionReplica,
};
use crate::client::cluster::ClusterOptions;
use crate::client::settings::read_admin;
use crate::config::Properties;
use crate::wire::error_code::ErrorCode;
pub(super) use execution::ExecutionOptions;

/// The reassignments of the cluster that a broker belongs to.
pub(super) struct BrokerReassignments {
    admin: Admin,
    output: OutputOption,
}

/// The error of a call whose future the tool waits for.
fn of_future(error: ClientError) -> JavaThrowable {
    JavaThrowable::of_future(&error)
}

impl BrokerReassignments {
    pub async fn connect(
        servers: &str,
        settings: &Properties,
        output: OutputOption,
    ) -> Result<Self, JavaThrowable> {
        let settings = read_admin(settings, servers, "reassign-partitions-tool")?;
        JavaClient::Admin.log_ignored(&settings.ignored);
        let events = JavaClient::Admin.log_events(&settings.cluster.client_id);
        Ok(Self { admin: Admin::new(ClusterOptions { events, ..settings.cluster }).await?, output })
    }

    async fn in_progress(
        &self,
        partitions: Option<BTreeSet<TopicPartition>>,
    ) -> Result<BTreeMap<TopicPartition, PartitionReassignment>, JavaThrowable> {
        self.admin.list_partition_reassignments(partitions).await.map_err(of_future)
    }

    /// The replicas of the topics' partitions.
    async fn assignment(&self, topics: Vec<String>) -> Result<PartitionAssignment, JavaThrowable> {
        let found = self.admin.describe_topics(topics, DescribeTopicsOptions::default()).await;
        let topics = found.all().map_err(of_future)?;
        let partitions = topics.into_iter().flat_map(|(topic, described)| {
            described
                .partitions
                .into_iter()
                .map(move |it| (TopicPartition::new(topic.as_str(), it.partition), it.replicas.to_vec()))
        });
        Ok(partitions.collect())
    }

    /// Shows how far the reassignments of a file are; removes the throttles once nothing is in progress.
    pub async fn verify(&self, file: &str, preserve_throttles: bool) -> Result<Verification, JavaThrowable> {
        let plan = ReassignmentPlan::parse(file)?;
        let in_progress = self.in_progress(None).await?;
        let partitions = self.partition_states(&plan, &in_progress).await?;
        self.output.note(format_args!("{}", partitions_text(&partitions)));
        let replicas = self.log_dir_states(&plan).await?;
        self.output.note(format_args!("{}", replicas_text(&replicas)));
        let is_over = in_progress.is_empty() && replicas.values().all(LogDirMoveState::is_done);
        let cleared = match is_over && !preserve_throttles {
            true => Some(self.clear_throttles(&plan).await?),
            false => None,
        };
        Ok(Verification::new(partitions.into_values(), replicas.into_values(), cleared))
    }

    async fn partition_states(
        &self,
        plan: &ReassignmentPlan,
        in_progress: &BTreeMap<TopicPartition, PartitionReassignment>,
    ) -> Result<BTreeMap<TopicPartition, PartitionReassignmentState>, JavaThrowable> {
        let others = plan.partitions.iter().filter(|it| !in_progress.contains_key(&it.partition));
        let topics: BTreeSet<String> = others.map(|it| it.partition.topic.to_string()).collect();
        let mut replicas = PartitionAssignment::new();
        for (topic, found) in self.admin.describe_topics(topics, DescribeTopicsOptions::default()).await {
            match found {
                Ok(found) => replicas.extend(
                    found
                        .partitions
                        .into_iter()
                        .map(|it| (TopicPartition::new(topic.as_str(), it.partition), it.replicas.to_vec())),
                ),
                Err(ClientError::Refused { error: ErrorCode::UnknownTopicOrPartition, .. }) => {}
                Err(error) => return Err(of_future(error)),
            }
        }
        let states = plan.partitions.iter().map(|it| {
            let id = &it.partition;
            let moving = in_progress.get(id).map(|it| it.replicas.clone());
            let is_in_progress = moving.is_some();
            let now = moving.unwrap_or_else(|| replicas.get(id).cloned().unwrap_or_default());
            (id.clone(), PartitionReassignmentState::new(id, now, it.replicas.clone(), is_in_progress))
        });
        Ok(states.collect())
    }

    async fn log_dir_states(
        &self,
        plan: &ReassignmentPlan,
    ) -> Result<BTreeMap<TopicPartitionReplica, LogDirMoveState>, JavaThrowable> {
        let replicas = plan.log_dirs.keys().cloned();
        let found = self.admin.describe_replica_log_dirs(replicas).await.all().map_err(of_future)?;
        let states = found.into_iter().map(|(replica, info)| {
            let target = plan.log_dirs.get(&replica).cloned().unwrap_or_default();
            let state = LogDirMoveState::new(&replica, target, info);
            (replica, state)
        });
        Ok(states.collect())
    }

    /// Removes all throttles of the live brokers, of those of the plan, and of its topics: which brokers an earlier
    /// reassignment has throttled is not known.
    async fn clear_throttles(&self, plan: &ReassignmentPlan) -> Result<ClearedThrottles, JavaThrowable> {
        let brokers = plan.brokers_and(&self.live_brokers().await?);
        let cleared = ClearedThrottles { brokers, topics: plan.topics() };
        self.output.note(format_args!("{}", cleared.brokers_text()));
        let removed = |throttles: &[&str]| throttles.iter().map(|it| AlterConfigOp::delete(*it)).collect();
        let of_brokers =
            cleared.brokers.iter().map(|id| (ConfigResource::broker(*id), removed(&BROKER_THROTTLES)));
        self.alter_configs(of_brokers).await?;
        self.output.note(format_args!("{}", cleared.topics_text()));
        let of_topics = cleared
            .topics
            .iter()
            .map(|topic| (ConfigResource::topic(topic.as_str()), removed(&TOPIC_THROTTLES)));
        self.alter_configs(of_topics).await?;
        Ok(cleared)
    }

    async fn alter_configs(
        &self,
        changes: impl Iterator<Item = (ConfigResource, Vec<AlterConfigOp>)>,
    ) -> Result<(), JavaThrowable> {
        let done = self.admin.incremental_alter_configs(changes, AlterConfigsOptions::default()).await;
        done.all().map(drop).map_err(of_future)
    }

    async fn live_brokers(&self) -> Result<Vec<BrokerId>, JavaThrowable> {
        let cluster = self.admin.describe_cluster(DescribeClusterOptions::default()).await;
        Ok(cluster.map_err(of_future)?.nodes.iter().map(|node| node.id).collect())
    }

    /// Proposes an assignment of the file's topics to these brokers.
    pub async fn generate(
        &self,
        file: &str,
        brokers: &str,
        rack_aware: bool,
    ) -> Result<Proposal, JavaThrowable> {
        let brokers = parse_brokers(brokers)?;
        let current = self.assignment(parse_topics(file)?).await?;
        let candidates = self.candidates(&brokers, rack_aware).await?;
        propose_on(&candidates, &current, self.output)
    }

    async fn candidates(
        &self,
        wanted: &[BrokerId],
        rack_aware: bool,
    ) -> Result<Vec<BrokerAndRack>, JavaThrowable> {
        let cluster = self.admin.describe_cluster(DescribeClusterOptions::default()).await;
        let nodes = cluster.map_err(of_future)?.nodes.into_iter().filter(|node| wanted.contains(&node.id));
        let rack = |rack: std::sync::Arc<str>| rack.to_string();
        let brokers: Vec<BrokerAndRack> =
            nodes.map(|node| (node.id, node.rack.filter(|_| rack_aware).map(rack))).collect();
        let named = brokers.iter().filter(|(_, rack)| rack.is_some()).count();
        if named > 0 && named < brokers.len() {
            return Err(JavaThrowable::operation(
                "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica \
                 assignment without rack information.",
            ));
        }
        Ok(brokers)
    }

    /// All reassignments in progress.
    pub async fn list(&self) -> Result<ReassignmentList, JavaThrowable> {
        let list = ReassignmentList::new(self.in_progress(None).await?);
        self.output.note(format_args!("{}", list.text()));
        Ok(list)
    }
}
