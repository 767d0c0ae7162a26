//! The steps of a reset: no members, offsets of input and intermediate topics, topics of the application's own.
//!
//! Kafka: `StreamsResetter.run` and what it calls.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::ResetFailure;
use super::options::StreamsResetOptions;
use super::plan::{self, OffsetRange, StreamsScenario, is_internal, java_list};
use crate::base::time::Clock;
use crate::base::{Offset, TopicPartition, jvm_order};
use crate::cli::java_time::{parse_datetime, parse_duration};
use crate::cli::json_file;
use crate::cli::throwable::JavaThrowable;
use crate::client::OffsetAndMetadata;
use crate::client::admin::{
    Admin, DeleteTopicsOptions, DescribeConsumerGroupsOptions, DescribeTopicsOptions, ListOffsetsOptions,
    ListTopicsOptions, MemberDescription, OffsetSpec,
};

/// How long the description of the group may take.
const DESCRIBE_LIMIT: Duration = Duration::from_secs(10);

/// What was done, for `--output json`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct StreamsResetReport {
    application_id: String,
    dry_run: bool,
    topics_not_found: Vec<String>,
    offsets: Vec<StreamsOffsetRow>,
    deleted_topics: Vec<String>,
}

/// The offset at which the application goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct StreamsOffsetRow {
    topic: String,
    partition: i32,
    offset: Offset,
}

/// A reset under way.
pub(super) struct StreamsResetter<'a> {
    admin: Admin,
    options: &'a StreamsResetOptions,
    /// Where the application begins a partition of which it has committed nothing: at the start, or else at the end.
    begins_at_start: bool,
}

type OffsetsByPartition = BTreeMap<TopicPartition, Offset>;

impl<'a> StreamsResetter<'a> {
    pub(super) fn new(admin: Admin, options: &'a StreamsResetOptions, begins_at_start: bool) -> Self {
        Self { admin, options, begins_at_start }
    }

    fn note(&self, line: impl std::fmt::Display) {
        self.options.output.note(format_args!("{line}"));
    }

    /// Resets the application; the exit code is 1 where a topic was not found.
    ///
    /// # Errors
    /// What has failed; what was done before stays done.
    pub(super) async fn run(&self) -> Result<ExitCode, ResetFailure> {
        self.remove_members().await?;
        let listed = self.admin.list_topics(ListTopicsOptions::default()).await?;
        let hashed = listed.into_keys().map(|topic| (jvm_order::hash_code(&topic), topic));
        let all: Vec<String> = jvm_order::java_map_by_hash(hashed.collect());
        if self.options.dry_run {
            self.note(
                "----Dry run displays the actions which will be performed when running Streams Reset Tool----",
            );
        }
        let mut report = StreamsResetReport {
            application_id: self.options.group().to_owned(),
            dry_run: self.options.dry_run,
            ..Default::default()
        };
        self.reset_offsets(&all, &mut report).await?;
        self.delete_internal_topics(&all, &mut report).await?;
        // The lines were printed while the work was done.
        let json = self.options.output.print(&report, |_| {});
        json.map_err(|error| ResetFailure::new("java.io.IOException", error.to_string()))?;
        Ok(if report.topics_not_found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn remove_members(&self) -> Result<(), ResetFailure> {
        let group = self.options.group();
        let admin = self.admin.within(DESCRIBE_LIMIT);
        let described =
            admin.describe_consumer_groups([group], DescribeConsumerGroupsOptions::default()).await;
        let members: Vec<_> = described.all()?.into_values().flat_map(|it| it.members).collect();
        if members.is_empty() {
            return Ok(());
        }
        if !self.options.force {
            let members: Vec<_> = members.iter().map(described_member).collect();
            let message = format!(
                "Consumer group '{group}' is still active and has following members: {}. Make sure to stop all running \
                 application instances before running the reset tool. You can use option '--force' to remove active \
                 members from the group.",
                java_list(&members)
            );
            return Err(ResetFailure::new("java.lang.IllegalStateException", message));
        }
        self.note(format_args!("Force deleting all active members in the group: {group}"));
        self.admin.remove_all_members_from_consumer_group(group).await?.all()?;
        Ok(())
    }

    async fn reset_offsets(
        &self,
        all: &[String],
        report: &mut StreamsResetReport,
    ) -> Result<(), ResetFailure> {
        let StreamsResetOptions { input_topics, intermediate_topics, .. } = self.options;
        if input_topics.is_empty() && intermediate_topics.is_empty() {
            self.note("No input or intermediate topics specified. Skipping seek.");
            return Ok(());
        }
        if !input_topics.is_empty() {
            self.note(format_args!("Reset-offsets for input topics {}", java_list(input_topics)));
        }
        if !intermediate_topics.is_empty() {
            self.note(format_args!("Seek-to-end for intermediate topics {}", java_list(intermediate_topics)));
        }
        let both = [(input_topics, "input", "Topic: "), (intermediate_topics, "intermediate", "Topic:")];
        for (topics, kind, mark) in both {
            let missing: Vec<_> = topics.iter().filter(|topic| !all.contains(topic)).cloned().collect();
            if !missing.is_empty() {
                self.note(format_args!("Following {kind} topics are not found, skipping them"));
                missing.iter().for_each(|topic| self.note(format_args!("{mark}{topic}")));
                report.topics_not_found.extend(missing);
            }
        }
        let found =
            |topics: &Vec<String>| topics.iter().filter(|topic| all.contains(topic)).cloned().collect();
        let (inputs, intermediates): (BTreeSet<_>, BTreeSet<_>) =
            (found(input_topics), found(intermediate_topics));
        if inputs.is_empty() && intermediates.is_empty() {
            return Ok(());
        }
        let done = self.reset_found(inputs, intermediates, report).await;
        if let Err(ResetFailure(thrown)) = &done
            && ["java.text.ParseException", "java.io.IOException"].contains(&thrown.class())
        {
            eprintln!("ERROR: Resetting offsets failed.");
        }
        done?;
        self.note("Done.");
        Ok(())
    }

    /// Sets the offsets of topics that exist. A topic that is both counts as an input topic.
    async fn reset_found(
        &self,
        inputs: BTreeSet<String>,
        intermediates: BTreeSet<String>,
        report: &mut StreamsResetReport,
    ) -> Result<(), ResetFailure> {
        let topics = inputs.union(&intermediates).cloned();
        let described = self.admin.describe_topics(topics, DescribeTopicsOptions::default()).await.all()?;
        let partitions = described.iter().flat_map(|(topic, it)| {
            it.partitions.iter().map(|partition| TopicPartition::new(topic.as_str(), partition.partition))
        });
        let (of_inputs, of_intermediates): (Vec<_>, Vec<_>) =
            partitions.partition(|id| inputs.contains(&*id.topic));
        let mut offsets = OffsetsByPartition::new();
        if !of_inputs.is_empty() {
            let group = self.options.group();
            self.note(format_args!(
                "Following input topics offsets will be reset to (for consumer group {group})"
            ));
            offsets.extend(self.input_offsets(&of_inputs).await?);
            for id in in_set(&of_inputs) {
                let offset = offsets.get(id).copied().unwrap_or_default();
                self.note(format_args!("Topic: {} Partition: {} Offset: {offset}", id.topic, id.partition));
            }
        }
        if !of_intermediates.is_empty() {
            let group = self.options.group();
            self.note(format_args!(
                "Following intermediate topics offsets will be reset to end (for consumer group {group})"
            ));
            in_set(&of_intermediates).iter().for_each(|id| self.note(format_args!("Topic: {}", id.topic)));
            offsets.extend(self.log_offsets(&of_intermediates, OffsetSpec::Latest).await?);
        }
        report.offsets.extend(offsets.iter().map(|(id, offset)| StreamsOffsetRow {
            topic: id.topic.to_string(),
            partition: id.partition,
            offset: *offset,
        }));
        if !self.options.dry_run {
            let offsets = offsets.into_iter().map(|(id, offset)| (id, OffsetAndMetadata::new(offset)));
            self.admin.alter_consumer_group_offsets(self.options.group(), offsets).await.all()?;
        }
        Ok(())
    }

    /// Where each partition of the input topics begins.
    async fn input_offsets(&self, partitions: &[TopicPartition]) -> Result<OffsetsByPartition, ResetFailure> {
        match self.options.scenario()? {
            StreamsScenario::ToEarliest => self.log_offsets(partitions, OffsetSpec::Earliest).await,
            StreamsScenario::ToLatest => self.log_offsets(partitions, OffsetSpec::Latest).await,
            StreamsScenario::ToDatetime(time) => {
                self.since(partitions, OffsetSpec::Timestamp(parse_datetime(time)?)).await
            }
            StreamsScenario::ByDuration(duration) => {
                let time = Clock::System.now().saturating_sub(parse_duration(duration)?);
                self.since(partitions, OffsetSpec::Timestamp(time)).await
            }
            StreamsScenario::ToOffset(offset) => {
                let wanted = partitions.iter().map(|id| (id.clone(), offset)).collect();
                self.within_range(partitions, wanted).await
            }
            StreamsScenario::ShiftBy(by) => {
                let committed = self.positions(partitions).await?;
                let wanted = committed.into_iter().map(|(id, at)| (id, at.saturating_add(by))).collect();
                self.within_range(partitions, wanted).await
            }
            StreamsScenario::FromFile(file) => {
                let wanted = plan::parse(&json_file::read(file)?)
                    .map_err(|error| ResetFailure::new(error.class(), error.to_string()))?;
                self.within_range(partitions, wanted).await
            }
        }
    }

    /// The first records since a time; behind the last one where there is none that young.
    async fn since(
        &self,
        partitions: &[TopicPartition],
        time: OffsetSpec,
    ) -> Result<OffsetsByPartition, ResetFailure> {
        let mut offsets = self.log_offsets(partitions, OffsetSpec::Latest).await?;
        offsets.extend(self.log_offsets(partitions, time).await?);
        Ok(offsets)
    }

    /// Where the application is in each partition.
    async fn positions(&self, partitions: &[TopicPartition]) -> Result<OffsetsByPartition, ResetFailure> {
        let first = if self.begins_at_start { OffsetSpec::Earliest } else { OffsetSpec::Latest };
        let mut positions = self.log_offsets(partitions, first).await?;
        let asked = Some(partitions.iter().cloned().collect());
        let committed = self.admin.list_consumer_group_offsets(self.options.group(), asked).await?.all()?;
        positions.extend(committed.into_iter().filter_map(|(id, at)| Some((id, at?.offset))));
        Ok(positions)
    }

    /// The offsets that are wanted, as far as the partitions have them.
    async fn within_range(
        &self,
        partitions: &[TopicPartition],
        wanted: OffsetsByPartition,
    ) -> Result<OffsetsByPartition, ResetFailure> {
        let starts = self.log_offsets(partitions, OffsetSpec::Earliest).await?;
        let ends = self.log_offsets(partitions, OffsetSpec::Latest).await?;
        let mut offsets = OffsetsByPartition::new();
        for id in in_set(partitions) {
            let range = OffsetRange {
                start: starts.get(id).copied().unwrap_or_default(),
                end: ends.get(id).copied().unwrap_or_default(),
            };
            let Some(wanted) = wanted.get(id) else {
                let message = format!("The reset plan has no offset of the partition {id}");
                return Err(ResetFailure::new("java.lang.IllegalArgumentException", message));
            };
            let (offset, remark) = range.nearest(*wanted);
            remark.iter().for_each(|sentence| self.note(sentence));
            offsets.insert(id.clone(), offset);
        }
        Ok(offsets)
    }

    async fn log_offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<OffsetsByPartition, ResetFailure> {
        let specs = partitions.iter().map(|id| (id.clone(), spec));
        let found = self.admin.list_offsets(specs, ListOffsetsOptions::default()).await.all()?;
        Ok(found.into_iter().filter_map(|(id, found)| Some((id, found.offset?))).collect())
    }

    async fn delete_internal_topics(
        &self,
        all: &[String],
        report: &mut StreamsResetReport,
    ) -> Result<(), ResetFailure> {
        let group = self.options.group();
        self.note(format_args!("Deleting all internal/auto-created topics for application {group}"));
        let named = self.options.input_topics.iter().chain(&self.options.intermediate_topics);
        let named: Vec<_> = named.map(String::as_str).collect();
        let internal: Vec<_> =
            all.iter().filter(|topic| is_internal(topic, group, &named)).cloned().collect();
        if self.options.dry_run {
            internal.iter().for_each(|topic| self.note(format_args!("Topic: {topic}")));
        } else if !internal.is_empty() {
            let deleted = self.admin.delete_topics(internal.clone(), DeleteTopicsOptions::default()).await;
            let mut has_errors = false;
            for (topic, outcome) in deleted {
                if let Err(error) = outcome {
                    eprintln!("ERROR: deleting topic {topic}\n{}", JavaThrowable::of_future(&error));
                    has_errors = true;
                }
            }
            if has_errors {
                let message = "Encountered an error deleting one or more topics";
                return Err(ResetFailure::new("java.lang.RuntimeException", message));
            }
        }
        report.deleted_topics = internal;
        self.note("Done.");
        Ok(())
    }
}

/// Partitions in the order of Java's set of them.
fn in_set(partitions: &[TopicPartition]) -> Vec<&TopicPartition> {
    jvm_order::java_map_by_hash(partitions.iter().map(|id| (jvm_order::partition_hash(id), id)).collect())
}

/// A member as Java prints it.
fn described_member(member: &MemberDescription) -> String {
    let assigned: Vec<_> = member.assignment.iter().collect();
    let hashed = assigned.into_iter().map(|id| (jvm_order::partition_hash(id), id.to_string()));
    format!(
        "(memberId={}, groupInstanceId={}, clientId={}, host={}, assignment=(topicPartitions={}))",
        member.member_id,
        member.group_instance_id.as_deref().unwrap_or("null"),
        member.client_id,
        member.host,
        jvm_order::java_map_by_hash(hashed.collect()).join(","),
    )
}
