//! Which offsets a reset sets.
//!
//! Pure. Kafka: `ConsumerGroupCommand.prepareOffsetsToReset`, `checkOffsetsRange`.

use std::collections::BTreeMap;

use super::plan_file::ResetPlan;
use crate::base::{Millis, Offset, TopicPartition, jvm_order};

/// An offset of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartitionOffset {
    pub partition: TopicPartition,
    pub offset: Offset,
}

/// How offsets are reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResetScenario {
    /// To an offset, as far as the partition has it.
    ToOffset(Offset),
    /// To the first records.
    ToEarliest,
    /// Behind the last records.
    ToLatest,
    /// By so many offsets.
    ShiftBy(Offset),
    /// To the first records of this time or later; behind the last record where there is none.
    Since(Millis),
    /// To the offsets of a file.
    FromFile(ResetPlan),
    /// To where the group is; behind the last record where it has committed nothing.
    ToCurrent,
}

impl ResetScenario {
    /// Whether it needs the first offsets of partitions.
    pub(super) fn needs_starts(&self) -> bool {
        matches!(self, Self::ToOffset(_) | Self::ToEarliest | Self::ShiftBy(_) | Self::FromFile(_))
    }

    /// Whether it needs the last offsets of partitions.
    pub(super) fn needs_ends(&self) -> bool {
        !matches!(self, Self::ToEarliest)
    }

    /// Whether it needs what the group has committed.
    pub(super) fn needs_committed(&self) -> bool {
        matches!(self, Self::ShiftBy(_) | Self::ToCurrent)
    }
}

/// What is known of the partitions that are reset, as far as the scenario needs it.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownOffsets {
    /// What the group has committed.
    pub committed: BTreeMap<TopicPartition, Offset>,
    /// The first offset of each partition.
    pub starts: BTreeMap<TopicPartition, Offset>,
    /// The offset behind the last record of each partition.
    pub ends: BTreeMap<TopicPartition, Offset>,
    /// The first record since the time of [`ResetScenario::Since`], of partitions that have one.
    pub since: BTreeMap<TopicPartition, Offset>,
}

/// The offsets to be set, and the warnings about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlannedReset {
    /// In the order of Kafka's map of them.
    pub offsets: Vec<PartitionOffset>,
    /// Offsets that are out of range, in Kafka's words.
    pub warnings: Vec<String>,
}

/// A partition is to be shifted of which the group has committed no offset. Kafka's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Cannot shift offset for partition {0} since there is no current committed offset")]
pub(super) struct NothingToShift(pub TopicPartition);

/// The partitions whose offsets a group's reset is about: those of the file, or else those that were named.
pub(super) fn partitions_of(
    scenario: &ResetScenario,
    group: &str,
    named: Vec<TopicPartition>,
) -> Vec<TopicPartition> {
    match scenario {
        ResetScenario::FromFile(plan) => {
            plan.get(group).into_iter().flatten().map(|it| it.partition.clone()).collect()
        }
        _ => named,
    }
}

/// The offsets that a reset sets.
///
/// # Errors
/// [`NothingToShift`].
pub(super) fn plan(
    scenario: &ResetScenario,
    group: &str,
    partitions: &[TopicPartition],
    known: &KnownOffsets,
) -> Result<PlannedReset, NothingToShift> {
    let end = |id: &TopicPartition| known.ends.get(id).copied().unwrap_or_default();
    let wanted = |id: &TopicPartition| {
        Ok(match scenario {
            ResetScenario::ToOffset(offset) => *offset,
            ResetScenario::ToEarliest => known.starts.get(id).copied().unwrap_or_default(),
            ResetScenario::ToLatest => end(id),
            ResetScenario::ShiftBy(by) => {
                let current = known.committed.get(id).ok_or_else(|| NothingToShift(id.clone()))?;
                current.saturating_add(*by)
            }
            ResetScenario::Since(_) => known.since.get(id).copied().unwrap_or_else(|| end(id)),
            ResetScenario::FromFile(plan) => {
                let offsets = plan.get(group).into_iter().flatten();
                offsets.filter(|it| it.partition == *id).map(|it| it.offset).next().unwrap_or_default()
            }
            ResetScenario::ToCurrent => known.committed.get(id).copied().unwrap_or_else(|| end(id)),
        })
    };
    let mut planned = PlannedReset::default();
    for id in in_order(scenario, partitions, known) {
        let mut offset = wanted(&id)?;
        if scenario.needs_starts() && scenario.needs_ends() {
            offset = within_range(&id, offset, known, &mut planned.warnings);
        }
        planned.offsets.push(PartitionOffset { partition: id, offset });
    }
    Ok(planned)
}

/// The partitions, each once, in the order of Kafka's map of them.
fn in_order(
    scenario: &ResetScenario,
    partitions: &[TopicPartition],
    known: &KnownOffsets,
) -> Vec<TopicPartition> {
    let mut each: Vec<TopicPartition> = Vec::new();
    for id in partitions {
        if !each.contains(id) {
            each.push(id.clone());
        }
    }
    if *scenario == ResetScenario::ToCurrent {
        // The partitions with a committed offset come first.
        each.sort_by_key(|id| !known.committed.contains_key(id));
    }
    jvm_order::scala_immutable(each.into_iter().map(|id| (jvm_order::partition_hash(&id), id)).collect())
}

/// An offset that the partition has: the nearest one to that which is wanted.
fn within_range(
    id: &TopicPartition,
    wanted: Offset,
    known: &KnownOffsets,
    warnings: &mut Vec<String>,
) -> Offset {
    let mut warn = |is: &str, set: Offset| {
        warnings.push(format!(
            "New offset ({wanted}) is {is} offset for topic partition {id}. Value will be set to {set}"
        ));
        set
    };
    match (known.starts.get(id), known.ends.get(id)) {
        (_, Some(end)) if wanted > *end => warn("higher than latest", *end),
        (Some(start), _) if wanted < *start => warn("lower than earliest", *start),
        _ => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: i32) -> TopicPartition {
        TopicPartition::new("p3", number)
    }

    fn offsets(all: &[(i32, Offset)]) -> BTreeMap<TopicPartition, Offset> {
        all.iter().map(|(number, offset)| (id(*number), *offset)).collect()
    }

    fn known() -> KnownOffsets {
        KnownOffsets {
            committed: offsets(&[(0, 4), (2, 9)]),
            starts: offsets(&[(0, 2), (1, 2), (2, 2)]),
            ends: offsets(&[(0, 10), (1, 10), (2, 10)]),
            since: offsets(&[(1, 7)]),
        }
    }

    fn planned(scenario: &ResetScenario, partitions: &[i32]) -> Vec<(i32, Offset)> {
        let partitions: Vec<_> = partitions.iter().map(|number| id(*number)).collect();
        let planned = plan(scenario, "g", &partitions, &known()).unwrap();
        planned.offsets.into_iter().map(|it| (it.partition.partition, it.offset)).collect()
    }

    #[test]
    fn every_scenario_has_its_offsets() {
        let all = [0, 1, 2];
        assert_eq!(planned(&ResetScenario::ToEarliest, &all), [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(planned(&ResetScenario::ToLatest, &all), [(0, 10), (1, 10), (2, 10)]);
        assert_eq!(planned(&ResetScenario::ToOffset(5), &[1, 0]), [(1, 5), (0, 5)]);
        assert_eq!(planned(&ResetScenario::Since(99), &[0, 1]), [(0, 10), (1, 7)]);
        assert_eq!(planned(&ResetScenario::ToCurrent, &all), [(0, 4), (2, 9), (1, 10)]);
        assert_eq!(planned(&ResetScenario::ShiftBy(-1), &[2, 0, 2]), [(2, 8), (0, 3)]);
        let file = super::super::plan_file::parse("p3,1,3", Some("g")).unwrap();
        let from_file = ResetScenario::FromFile(file);
        assert_eq!(partitions_of(&from_file, "g", vec![id(0)]), [id(1)]);
        assert_eq!(partitions_of(&from_file, "other", vec![id(0)]), []);
        assert_eq!(planned(&from_file, &[1]), [(1, 3)]);
    }

    #[test]
    fn an_offset_out_of_range_is_the_nearest_that_there_is() {
        let at = |offset| {
            let planned = plan(&ResetScenario::ToOffset(offset), "g", &[id(0)], &known()).unwrap();
            (planned.offsets[0].offset, planned.warnings.join(" "))
        };
        assert_eq!(at(2), (2, String::new()));
        assert_eq!(at(10), (10, String::new()));
        let high =
            "New offset (11) is higher than latest offset for topic partition p3-0. Value will be set to 10";
        assert_eq!(at(11), (10, high.to_owned()));
        let low =
            "New offset (1) is lower than earliest offset for topic partition p3-0. Value will be set to 2";
        assert_eq!(at(1), (2, low.to_owned()));
        assert_eq!(planned(&ResetScenario::ShiftBy(i64::MAX), &[0]), [(0, 10)]);
    }

    #[test]
    fn what_was_never_committed_cannot_be_shifted() {
        let error = plan(&ResetScenario::ShiftBy(1), "g", &[id(0), id(1)], &known()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Cannot shift offset for partition p3-1 since there is no current committed offset"
        );
    }
}
