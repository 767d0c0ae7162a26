//! `--reset-offsets`: what the options ask for, what the brokers know, and the offsets set (Kafka's
//! `ConsumerGroupService.resetOffsets`, `getPartitionsToReset`).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::GroupFailure;
use super::by_broker::{ConsumerGroupService, GROUPS_AT_ONCE};
use super::options::{ConsumerGroupsOptions, number};
use super::plan_file;
use super::reset::{KnownOffsets, PartitionOffset, PlannedReset, ResetScenario, partitions_of, plan};
use crate::base::time::Clock;
use crate::base::{Millis, Offset, TopicPartition, jvm_order};
use crate::cli::java_time::{parse_datetime, parse_duration};
use crate::cli::json_file;
use crate::client::admin::{ConsumerGroupState, DescribeTopicsOptions, OffsetSpec};
use crate::client::{ClientError, OffsetAndMetadata};
use crate::wire::error_code::ErrorCode;

/// The offset that a group gets, as it is printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewOffsetRow {
    group: String,
    topic: String,
    partition: i32,
    new_offset: Offset,
}

/// The offsets of a reset, as JSON has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ResetOffsets {
    offsets: Vec<NewOffsetRow>,
}

/// A topic, or some of its partitions, as `--topic` names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NamedTopic {
    /// All partitions of the topic.
    Whole(String),
    /// Some of its partitions.
    Partitions {
        /// The topic.
        topic: String,
        /// Their numbers.
        numbers: Vec<i32>,
    },
}

impl NamedTopic {
    /// Reads `topic` or `topic:0,1`.
    ///
    /// # Errors
    /// What Java throws: a partition is no number, or there is none.
    pub(super) fn parse(text: &str) -> Result<Self, GroupFailure> {
        let Some((topic, rest)) = text.split_once(':') else { return Ok(Self::Whole(text.to_owned())) };
        let numbers = rest.split(':').next().unwrap_or_default().trim_end_matches(',');
        if rest.trim_end_matches(':').is_empty() {
            let class = "java.lang.ArrayIndexOutOfBoundsException";
            return Err(GroupFailure::thrown(class, "Index 1 out of bounds for length 1"));
        }
        let partition = |number: &str| {
            number.parse().map_err(|_| GroupFailure::Usage(format!("For input string: \"{number}\"")))
        };
        let numbers = numbers.split(',').map(partition).collect::<Result<Vec<i32>, _>>()?;
        Ok(Self::Partitions { topic: topic.to_owned(), numbers })
    }

    /// Its topic.
    fn topic(&self) -> &str {
        match self {
            Self::Whole(topic) | Self::Partitions { topic, .. } => topic,
        }
    }
}

impl ConsumerGroupsOptions {
    /// How offsets are reset; `now` is the time that a duration counts back from.
    ///
    /// # Errors
    /// There is no scenario, or its argument cannot be read.
    fn scenario(&self, now: Millis) -> Result<ResetScenario, GroupFailure> {
        if let Some(offset) = &self.to_offset {
            Ok(ResetScenario::ToOffset(number("to-offset", offset)?))
        } else if self.to_earliest {
            Ok(ResetScenario::ToEarliest)
        } else if self.to_latest {
            Ok(ResetScenario::ToLatest)
        } else if let Some(by) = &self.shift_by {
            Ok(ResetScenario::ShiftBy(number("shift-by", by)?))
        } else if let Some(time) = &self.to_datetime {
            Ok(ResetScenario::Since(parse_datetime(time)?))
        } else if let Some(duration) = &self.by_duration {
            Ok(ResetScenario::Since(now.saturating_sub(parse_duration(duration)?)))
        } else if let Some(file) = &self.from_file {
            self.plan_file(file)
        } else if self.to_current {
            Ok(ResetScenario::ToCurrent)
        } else {
            Err(GroupFailure::Usage(Self::no_scenario()))
        }
    }

    fn plan_file(&self, file: &str) -> Result<ResetScenario, GroupFailure> {
        let text = json_file::read(file)?;
        let only_group = Some(self.group.as_slice()).and_then(|groups| match groups {
            [group] => Some(group.as_str()),
            _ => None,
        });
        let plan = plan_file::parse(&text, only_group).map_err(|error| {
            let class = "com.fasterxml.jackson.databind.RuntimeJsonMappingException";
            GroupFailure::thrown(class, error.to_string())
        })?;
        Ok(ResetScenario::FromFile(plan))
    }
}

impl ConsumerGroupService<'_> {
    /// `--reset-offsets`.
    pub(super) async fn reset_offsets(&self) -> Result<(), GroupFailure> {
        let groups = self.inactive_groups().await?;
        let mut rows = Vec::new();
        if !groups.inactive.is_empty() {
            for (group, planned) in self.planned(&groups.inactive).await? {
                planned
                    .warnings
                    .iter()
                    .for_each(|warning| log::warn!(target: "kafka.admin.ConsumerGroupCommand$", "{warning}"));
                if self.options.execute && !self.options.dry_run {
                    self.set(&group, &planned.offsets).await?;
                }
                rows.extend(planned.offsets.into_iter().map(|it| (group.clone(), it)));
            }
        }
        self.print_reset(rows, groups.count > 0)
    }

    /// The groups without members, in the order of Java's client. Of the others it is printed that they are not reset.
    async fn inactive_groups(&self) -> Result<InactiveGroups, GroupFailure> {
        let described = self.descriptions(self.groups().await?).await?;
        let count = described.len();
        let hashed = described.into_values().map(|it| (jvm_order::hash_code(&it.group_id), it));
        let mut inactive = Vec::new();
        for group in jvm_order::java_map_by_hash(hashed.collect()) {
            if matches!(group.state, ConsumerGroupState::Empty | ConsumerGroupState::Dead) {
                inactive.push(group.group_id);
                continue;
            }
            self.options.output.note(format_args!(
                "\nError: Assignments can only be reset if the group '{}' is inactive, but the current state is {}.",
                group.group_id, group.state
            ));
        }
        Ok(InactiveGroups { inactive, count })
    }

    /// What each group's reset sets.
    async fn planned(&self, groups: &[String]) -> Result<Vec<(String, PlannedReset)>, GroupFailure> {
        let named = self.named_partitions().await?;
        let scenario = self.options.scenario(Clock::System.now())?;
        let planned = stream::iter(groups).map(async |group| {
            let partitions = match &named {
                Some(named) => named.clone(),
                None => self.committed_partitions(group).await?,
            };
            let partitions = partitions_of(&scenario, group, partitions);
            self.report_missing_plan(&scenario, group);
            let known = self.known(&scenario, group, &partitions).await?;
            let planned = plan(&scenario, group, &partitions, &known);
            Ok((group.clone(), planned.map_err(|error| GroupFailure::Usage(error.to_string()))?))
        });
        let planned: Result<Vec<_>, GroupFailure> = planned.buffered(GROUPS_AT_ONCE).try_collect().await;
        let mut planned = planned?;
        // Kafka keeps the groups in a map of Scala's.
        planned = jvm_order::scala_immutable(
            planned.into_iter().map(|it| (jvm_order::hash_code(&it.0), it)).collect(),
        );
        Ok(planned)
    }

    /// The partitions that `--topic` names; None where those with a committed offset are meant.
    async fn named_partitions(&self) -> Result<Option<Vec<TopicPartition>>, GroupFailure> {
        if self.options.all_topics {
            return Ok(None);
        }
        if self.options.topic.is_empty() {
            return match self.options.from_file {
                Some(_) => Ok(Some(Vec::new())),
                None => Err(GroupFailure::Usage(
                    "One of the reset scopes should be defined: --all-topics, --topic.".to_owned(),
                )),
            };
        }
        let named: Vec<_> =
            self.options.topic.iter().map(|it| NamedTopic::parse(it)).collect::<Result<_, _>>()?;
        let topics: BTreeSet<_> = named.iter().map(|it| it.topic().to_owned()).collect();
        let described = self.admin.describe_topics(topics, DescribeTopicsOptions::default()).await.all()?;
        let mut partitions = Vec::new();
        for it in named {
            let topic = it.topic().to_owned();
            let of_topic = described.get(&topic).into_iter().flat_map(|it| &it.partitions);
            let all: Vec<_> = of_topic.map(|it| it.partition).collect();
            match it {
                NamedTopic::Whole(_) => {
                    partitions.extend(all.into_iter().map(|it| TopicPartition::new(topic.as_str(), it)));
                }
                NamedTopic::Partitions { numbers, .. } if numbers.iter().all(|it| all.contains(it)) => {
                    partitions.extend(numbers.into_iter().map(|it| TopicPartition::new(topic.as_str(), it)));
                }
                // What Java's client makes of a partition that does not exist.
                NamedTopic::Partitions { .. } => {
                    return Err(ClientError::refused(ErrorCode::LeaderNotAvailable).into());
                }
            }
        }
        Ok(Some(partitions))
    }

    async fn committed_partitions(&self, group: &str) -> Result<Vec<TopicPartition>, GroupFailure> {
        let committed = self.committed(group).await?;
        let hashed = committed.into_keys().map(|id| (jvm_order::partition_hash(&id), id));
        Ok(jvm_order::java_map_by_hash(hashed.collect()))
    }

    fn report_missing_plan(&self, scenario: &ResetScenario, group: &str) {
        if let ResetScenario::FromFile(plan) = scenario
            && !plan.contains_key(group)
        {
            self.options.output.note(format_args!("\nError: No reset plan for group {group} found"));
        }
    }

    /// What the brokers know of partitions, as far as the scenario needs it.
    async fn known(
        &self,
        scenario: &ResetScenario,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<KnownOffsets, ClientError> {
        let offsets = async |is_needed: bool, spec: OffsetSpec| match is_needed && !partitions.is_empty() {
            true => self.log_offsets(partitions.iter().cloned(), spec).await,
            false => Ok(BTreeMap::new()),
        };
        let committed = async {
            if scenario.needs_committed() { self.committed(group).await } else { Ok(BTreeMap::new()) }
        };
        let (is_since, time) = match scenario {
            ResetScenario::Since(time) => (true, *time),
            _ => (false, 0),
        };
        let (starts, ends, since, committed) = tokio::try_join!(
            offsets(scenario.needs_starts(), OffsetSpec::Earliest),
            offsets(scenario.needs_ends(), OffsetSpec::Latest),
            offsets(is_since, OffsetSpec::Timestamp(time)),
            committed,
        )?;
        Ok(KnownOffsets { committed, starts, ends, since })
    }

    async fn set(&self, group: &str, offsets: &[PartitionOffset]) -> Result<(), GroupFailure> {
        let offsets = offsets.iter().map(|it| (it.partition.clone(), OffsetAndMetadata::new(it.offset)));
        self.admin.alter_consumer_group_offsets(group, offsets).await.all()?;
        Ok(())
    }

    fn print_reset(
        &self,
        offsets: Vec<(String, PartitionOffset)>,
        has_groups: bool,
    ) -> Result<(), GroupFailure> {
        if self.options.export {
            let is_single = self.options.group.len() == 1;
            let line = |(group, offset): &(String, PartitionOffset)| {
                plan_file::line((!is_single).then_some(group), offset)
            };
            println!("{}", offsets.iter().map(line).collect::<String>());
            return Ok(());
        }
        let row = |(group, PartitionOffset { partition, offset }): (String, PartitionOffset)| NewOffsetRow {
            group,
            topic: partition.topic.to_string(),
            partition: partition.partition,
            new_offset: offset,
        };
        let reset = ResetOffsets { offsets: offsets.into_iter().map(row).collect() };
        self.options.output.print(&reset, |reset| {
            if has_groups {
                println!("\n{:30} {:30} {:10} {:15}", "GROUP", "TOPIC", "PARTITION", "NEW-OFFSET");
            }
            for NewOffsetRow { group, topic, partition, new_offset } in &reset.offsets {
                println!("{group:30} {topic:30} {partition:<10} {new_offset:<15}");
            }
        })?;
        Ok(())
    }
}

/// The groups whose offsets can be set, and how many were named.
struct InactiveGroups {
    inactive: Vec<String>,
    count: usize,
}
