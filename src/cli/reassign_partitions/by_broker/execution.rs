//! Reassignments begun and cancelled through a broker.
//!
//! Kafka: `ReassignPartitionsCommand.executeAssignment`, `cancelAssignment`, `executeMoves`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::super::plan::{ReassignmentPlan, joined};
use super::super::report::{Cancellation, Execution, current_text, started_text};
use super::super::throttles::{INTER_BROKER_RATES, LOG_DIR_RATE, MoveMap};
use super::super::{EXISTING, ReassignFailure, VERIFY_PERIODICALLY};
use super::BrokerReassignments;
use crate::base::TopicPartition;
use crate::cli::throwable::JavaThrowable;
use crate::client::ClientError;
use crate::client::admin::{AlterConfigOp, ConfigResource, PartitionReassignment, TopicPartitionReplica};
use crate::wire::error_code::ErrorCode;

/// How long the tool waits before it asks again for a move of a replica that its broker does not have yet.
const MOVE_RETRY: Duration = Duration::from_millis(100);

/// What limits an execution.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::reassign_partitions) struct ExecutionOptions {
    /// Whether other reassignments may be in progress.
    pub additional: bool,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    /// Bytes a second between brokers; None leaves the throttles as they are.
    pub inter_broker_throttle: Option<u64>,
    /// Bytes a second between directories; None leaves the throttles as they are.
    pub log_dir_throttle: Option<u64>,
    /// How long moves between directories may take to begin.
    pub timeout: Duration,
}

impl BrokerReassignments {
    /// Begins the reassignment of a file.
    pub async fn execute(&self, file: &str, how: ExecutionOptions) -> Result<Execution, ReassignFailure> {
        let plan = ReassignmentPlan::parse_for_execution(file)?;
        let in_progress = self.in_progress(None).await?;
        if !how.additional && !in_progress.is_empty() {
            return Err(ReassignFailure::Terse(EXISTING.to_owned()));
        }
        let live = self.live_brokers().await?;
        if let Some(id) = plan.brokers_and(&[]).into_iter().find(|id| !live.contains(id)) {
            return Err(JavaThrowable::command_failed(format!("Unknown broker id {id}")).into());
        }
        let mut current = self.assignment(plan.topics()).await?;
        current.retain(|id, _| plan.partitions.iter().any(|it| it.partition == *id));
        let moves = MoveMap::proposed(&in_progress, &plan.partitions, &current);
        let execution = Execution::new(&plan, &current, how.dry_run)
            .throttled(how.inter_broker_throttle.map(|rate| (rate, &moves)), how.log_dir_throttle);
        self.output.note(format_args!("{}", current_text(&current)));
        if how.dry_run {
            self.output.note(format_args!("{}", execution.dry_run_text()));
            return Ok(execution);
        }
        self.throttle(&plan, &moves, how).await?;
        self.begin(&plan).await?;
        self.output.note(format_args!("{}", started_text(&plan)));
        if !plan.log_dirs.is_empty() {
            self.move_log_dirs(&plan.log_dirs, how.timeout).await?;
        }
        Ok(execution)
    }

    async fn throttle(
        &self,
        plan: &ReassignmentPlan,
        moves: &MoveMap,
        how: ExecutionOptions,
    ) -> Result<(), JavaThrowable> {
        if how.inter_broker_throttle.is_some() || how.log_dir_throttle.is_some() {
            self.output.note(format_args!("{VERIFY_PERIODICALLY}"));
        }
        if let Some(rate) = how.inter_broker_throttle {
            let of_topics = moves.topic_throttles().into_iter().map(|(topic, throttles)| {
                let set = throttles.map(|(key, value)| AlterConfigOp::set(key, value));
                (ConfigResource::topic(topic), set.to_vec())
            });
            self.alter_configs(of_topics).await?;
            let set = INTER_BROKER_RATES.map(|key| AlterConfigOp::set(key, rate.to_string()));
            let of_brokers = moves.brokers().into_iter().map(|id| (ConfigResource::broker(id), set.to_vec()));
            self.alter_configs(of_brokers).await?;
            self.output.note(format_args!("The inter-broker throttle limit was set to {rate} B/s"));
        }
        if let Some(rate) = how.log_dir_throttle {
            let brokers: BTreeSet<_> = plan.log_dirs.keys().map(|replica| replica.broker).collect();
            let set = AlterConfigOp::set(LOG_DIR_RATE, rate.to_string());
            let of_brokers = brokers.into_iter().map(|id| (ConfigResource::broker(id), vec![set.clone()]));
            self.alter_configs(of_brokers).await?;
            self.output.note(format_args!("The replica-alter-dir throttle limit was set to {rate} B/s"));
        }
        Ok(())
    }

    async fn begin(&self, plan: &ReassignmentPlan) -> Result<(), ReassignFailure> {
        let targets = plan.partitions.iter().map(|it| (it.partition.clone(), Some(it.replicas.clone())));
        let errors = failed_lines(self.admin.alter_partition_reassignments(targets).await);
        if errors.is_empty() {
            return Ok(());
        }
        let list = errors.join("\n");
        Err(ReassignFailure::Terse(format!("Error reassigning partition(s):\n{list}")))
    }

    /// Moves replicas to directories. A broker that does not have the replica yet is asked again until it has.
    async fn move_log_dirs(
        &self,
        moves: &BTreeMap<TopicPartitionReplica, String>,
        timeout: Duration,
    ) -> Result<(), ReassignFailure> {
        let until = Instant::now().checked_add(timeout);
        let mut pending = moves.clone();
        loop {
            let begun = self.alter_log_dirs(&pending).await?;
            let plural = |count: usize| if count == 1 { "" } else { "s" };
            if !begun.is_empty() {
                let (s, list) = (plural(begun.len()), joined(&begun));
                self.output.note(format_args!("Successfully started log directory move{s} for: {list}"));
            }
            pending.retain(|replica, _| !begun.contains(replica));
            if pending.is_empty() {
                return Ok(());
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                let (s, list) = (plural(pending.len()), joined(&pending.into_keys().collect::<Vec<_>>()));
                return Err(ReassignFailure::Terse(format!(
                    "Timed out before log directory move{s} could be started for: {list}"
                )));
            }
            tokio::time::sleep(MOVE_RETRY).await;
        }
    }

    /// The moves that have begun.
    async fn alter_log_dirs(
        &self,
        moves: &BTreeMap<TopicPartitionReplica, String>,
    ) -> Result<Vec<TopicPartitionReplica>, JavaThrowable> {
        let mut begun = Vec::new();
        let moves = moves.iter().map(|(replica, dir)| (replica.clone(), dir.clone()));
        for (replica, moved) in self.admin.alter_replica_log_dirs(moves).await {
            match moved {
                Ok(()) => begun.push(replica),
                Err(ClientError::Refused { error: ErrorCode::ReplicaNotAvailable, .. }) => {}
                Err(error) => {
                    let message = format!("Failed to alter dir for {replica}");
                    return Err(JavaThrowable::command_failed(message).caused_by(error));
                }
            }
        }
        Ok(begun)
    }

    /// Cancels the reassignments of a file, and its moves between directories.
    pub async fn cancel(
        &self,
        file: &str,
        preserve_throttles: bool,
        timeout: Duration,
    ) -> Result<Cancellation, ReassignFailure> {
        let plan = ReassignmentPlan::parse(file)?;
        let wanted = plan.partitions.iter().map(|it| it.partition.clone()).collect();
        let active = self.in_progress(Some(wanted)).await?.into_iter();
        let moving =
            |it: &PartitionReassignment| !it.adding_replicas.is_empty() || !it.removing_replicas.is_empty();
        let active: Vec<_> = active.filter(|(_, it)| moving(it)).map(|(id, _)| id).collect();
        self.cancel_reassignments(&active).await?;
        let states = self.log_dir_states(&plan).await?;
        let moves: BTreeMap<_, _> = states
            .into_iter()
            .filter_map(|(replica, state)| Some((replica, state.moving_from()?.to_owned())))
            .collect();
        if moves.is_empty() {
            self.output.note(format_args!("None of the specified partition moves are active."));
        } else {
            self.move_log_dirs(&moves, timeout).await?;
        }
        let cleared = if preserve_throttles { None } else { Some(self.clear_throttles(&plan).await?) };
        Ok(Cancellation::new(&active, &moves, cleared))
    }

    async fn cancel_reassignments(&self, active: &[TopicPartition]) -> Result<(), ReassignFailure> {
        if active.is_empty() {
            self.output.note(format_args!("None of the specified partition reassignments are active."));
            return Ok(());
        }
        let cancelled = active.iter().map(|id| (id.clone(), None));
        let errors = failed_lines(self.admin.alter_partition_reassignments(cancelled).await);
        if !errors.is_empty() {
            let (s, list) = (if errors.len() == 1 { "" } else { "s" }, errors.join("\n"));
            let text = format!("Error cancelling partition reassignment{s} for:\n{list}");
            return Err(ReassignFailure::Terse(text));
        }
        let (s, list) = (if active.len() == 1 { "" } else { "s" }, joined(active));
        self.output.note(format_args!("Successfully cancelled partition reassignment{s} for: {list}"));
        Ok(())
    }
}

/// A line for each partition that failed.
fn failed_lines(results: impl IntoIterator<Item = (TopicPartition, Result<(), ClientError>)>) -> Vec<String> {
    let failed = results.into_iter().filter_map(|(id, result)| Some((id, result.err()?)));
    failed.map(|(id, error)| format!("{id}: {}", JavaThrowable::from(&error).message())).collect()
}
