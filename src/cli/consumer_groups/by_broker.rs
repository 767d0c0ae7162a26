//! Groups listed and described through brokers (Kafka's `ConsumerGroupCommand.ConsumerGroupService`).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::GroupFailure;
use super::described::{
    CoordinatorNode, DescribedOffsets, FoundGroups, GroupMembers, GroupStateRow, ListedGroupRow,
    MemberAssignmentState, PartitionAssignmentState, list_text, print_remark,
};
use super::options::{ConsumerGroupsOptions, DescribedPart};
use crate::base::{Offset, TopicPartition, jvm_order};
use crate::cli::throwable::JavaThrowable;
use crate::client::ClientError;
use crate::client::admin::{
    Admin, ConsumerGroupDescription, ConsumerGroupListing, DescribeConsumerGroupsOptions,
    ListConsumerGroupsOptions, ListOffsetsOptions, MemberDescription, OffsetSpec,
};

/// How many groups are worked on at once.
pub(super) const GROUPS_AT_ONCE: usize = 32;

/// The groups of the cluster that a broker belongs to.
#[doc(alias = "ConsumerGroupCommand")]
pub(super) struct ConsumerGroupService<'a> {
    pub(super) admin: Admin,
    pub(super) options: &'a ConsumerGroupsOptions,
}

impl<'a> ConsumerGroupService<'a> {
    /// The service whose calls take as long as `--timeout` allows.
    ///
    /// # Errors
    /// It is no number.
    pub(super) fn new(admin: Admin, options: &'a ConsumerGroupsOptions) -> Result<Self, GroupFailure> {
        Ok(Self { admin: admin.within(options.timeout()?), options })
    }

    /// `--list`.
    pub(super) async fn list(&self) -> Result<(), GroupFailure> {
        let states = self.options.states()?;
        let wanted = ListConsumerGroupsOptions::in_states(states.iter().flatten().copied());
        let row = |listing: ConsumerGroupListing| ListedGroupRow {
            state: listing.state.map(|state| state.to_string()),
            group: listing.group_id,
        };
        let groups: Vec<_> = self.listings(wanted).await?.into_iter().map(row).collect();
        let found = FoundGroups { groups };
        self.options
            .output
            .print(&found, |found| print!("{}", list_text(&found.groups, states.is_some())))?;
        Ok(())
    }

    /// Groups in the order of Java's client.
    async fn listings(
        &self,
        wanted: ListConsumerGroupsOptions,
    ) -> Result<Vec<ConsumerGroupListing>, GroupFailure> {
        let listings = self.admin.list_consumer_groups(wanted).await.map_err(no_brokers)?;
        if let Some(error) = listings.errors.into_values().next() {
            return Err(error.into());
        }
        let hashed = listings.valid.into_values().map(|it| (jvm_order::hash_code(&it.group_id), it));
        Ok(jvm_order::java_map_by_hash(hashed.collect()))
    }

    /// The groups that the options name, or all of them.
    pub(super) async fn groups(&self) -> Result<Vec<String>, GroupFailure> {
        if !self.options.all_groups {
            return Ok(self.options.group.clone());
        }
        let listings = self.listings(ListConsumerGroupsOptions::default()).await?;
        Ok(listings.into_iter().map(|listing| listing.group_id).collect())
    }

    /// Descriptions of groups, by their names.
    pub(super) async fn descriptions(
        &self,
        groups: Vec<String>,
    ) -> Result<BTreeMap<String, ConsumerGroupDescription>, GroupFailure> {
        let options = DescribeConsumerGroupsOptions::default();
        Ok(self.admin.describe_consumer_groups(groups, options).await.all()?)
    }

    /// `--describe`.
    pub(super) async fn describe(&self, part: DescribedPart) -> Result<(), GroupFailure> {
        let described = self.descriptions(self.groups().await?).await?;
        let output = self.options.output;
        match part {
            DescribedPart::Offsets => {
                let found = FoundGroups { groups: self.offsets(described).await? };
                output.print(&found, |found| {
                    for it in &found.groups {
                        if print_remark(&it.group, &it.state, it.partitions.len(), output) {
                            println!("{}", it.text());
                        }
                    }
                })?;
            }
            DescribedPart::Members => {
                let found = FoundGroups { groups: described.into_values().map(members).collect() };
                output.print(&found, |found| {
                    for it in &found.groups {
                        if print_remark(&it.group, &it.state, it.members.len(), output) {
                            println!("{}", it.text(self.options.verbose));
                        }
                    }
                })?;
            }
            DescribedPart::State => {
                let found = FoundGroups { groups: described.into_values().map(state).collect() };
                output.print(&found, |found| {
                    for it in &found.groups {
                        if print_remark(&it.group, &it.state, 1, output) {
                            println!("{}", it.text());
                        }
                    }
                })?;
            }
        }
        Ok(())
    }

    /// What a group has committed.
    pub(super) async fn committed(
        &self,
        group: &str,
    ) -> Result<BTreeMap<TopicPartition, Offset>, ClientError> {
        let offsets = self.admin.list_consumer_group_offsets(group, None).await?.all()?;
        Ok(offsets.into_iter().filter_map(|(id, offset)| Some((id, offset?.offset))).collect())
    }

    /// Offsets of partitions by the same rule; a partition is missing where no record is that young.
    pub(super) async fn log_offsets(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
        spec: OffsetSpec,
    ) -> Result<BTreeMap<TopicPartition, Offset>, ClientError> {
        let specs = partitions.into_iter().map(|id| (id, spec));
        let found = self.admin.list_offsets(specs, ListOffsetsOptions::default()).await.all()?;
        Ok(found.into_iter().filter_map(|(id, found)| Some((id, found.offset?))).collect())
    }

    /// The offsets of groups: what each has committed, and the ends of all partitions in one call.
    async fn offsets(
        &self,
        groups: BTreeMap<String, ConsumerGroupDescription>,
    ) -> Result<Vec<DescribedOffsets>, GroupFailure> {
        let with_committed = stream::iter(groups.into_values()).map(async |group| {
            let committed = self.committed(&group.group_id).await?;
            Ok::<_, ClientError>((group, committed))
        });
        let groups: Vec<_> = with_committed.buffered(GROUPS_AT_ONCE).try_collect().await?;
        let partitions: BTreeSet<_> = groups
            .iter()
            .flat_map(|(group, committed)| {
                let assigned = group.members.iter().flat_map(|member| &member.assignment);
                assigned.chain(committed.keys()).cloned()
            })
            .collect();
        let ends = match partitions.is_empty() {
            true => BTreeMap::new(),
            false => self.log_offsets(partitions, OffsetSpec::Latest).await?,
        };
        let of_group = |(group, committed): (ConsumerGroupDescription, BTreeMap<TopicPartition, Offset>)| {
            DescribedOffsets {
                state: group.state.to_string(),
                partitions: partition_rows(&group.members, &committed, &ends),
                group: group.group_id,
            }
        };
        Ok(groups.into_iter().map(of_group).collect())
    }
}

/// The exception where no broker answers which brokers there are.
fn no_brokers(error: ClientError) -> JavaThrowable {
    let failed = "Failed to find brokers to send ListGroups";
    let failed = JavaThrowable::new("org.apache.kafka.common.KafkaException", failed);
    JavaThrowable::of_failed_future(failed.caused_by(JavaThrowable::of_client(&error, "findAllBrokers")))
}

/// The partitions of a group's members, then those of which it has committed an offset and that no member has, in the
/// order of Kafka's collections.
fn partition_rows(
    members: &[MemberDescription],
    committed: &BTreeMap<TopicPartition, Offset>,
    ends: &BTreeMap<TopicPartition, Offset>,
) -> Vec<PartitionAssignmentState> {
    let row = |id: &TopicPartition| {
        let (current, end) = (committed.get(id).copied(), ends.get(id).copied());
        PartitionAssignmentState {
            topic: id.topic.to_string(),
            partition: id.partition,
            current_offset: current,
            log_end_offset: end,
            lag: current.zip(end).map(|(current, end)| end - current),
            ..Default::default()
        }
    };
    let hashed = |id| (jvm_order::partition_hash(id), id);
    let mut by_size: Vec<_> = members.iter().filter(|member| !member.assignment.is_empty()).collect();
    by_size.sort_by_key(|member| std::cmp::Reverse(member.assignment.len()));
    let mut rows = Vec::new();
    for member in &by_size {
        let mut partitions: Vec<_> = member.assignment.iter().collect();
        partitions.sort_by_key(|id| id.partition);
        let partitions = jvm_order::scala_immutable(partitions.into_iter().map(hashed).collect());
        rows.extend(partitions.into_iter().map(|id| PartitionAssignmentState {
            consumer_id: Some(member.member_id.clone()),
            host: Some(member.host.clone()),
            client_id: Some(member.client_id.clone()),
            ..row(id)
        }));
    }
    let assigned: BTreeSet<_> = by_size.iter().flat_map(|member| &member.assignment).collect();
    let unassigned = committed.keys().filter(|id| !assigned.contains(id));
    rows.extend(jvm_order::scala_mutable_set(unassigned.map(hashed).collect()).into_iter().map(row));
    rows
}

fn members(group: ConsumerGroupDescription) -> GroupMembers {
    let member = |member: MemberDescription| {
        let mut assignment = BTreeMap::<String, Vec<i32>>::new();
        for id in &member.assignment {
            assignment.entry(id.topic.to_string()).or_default().push(id.partition);
        }
        MemberAssignmentState {
            consumer_id: member.member_id,
            group_instance_id: member.group_instance_id,
            host: member.host,
            client_id: member.client_id,
            assignment,
        }
    };
    GroupMembers {
        group: group.group_id,
        state: group.state.to_string(),
        members: group.members.into_iter().map(member).collect(),
    }
}

fn state(group: ConsumerGroupDescription) -> GroupStateRow {
    let coordinator = group.coordinator.map(|node| CoordinatorNode {
        id: node.id,
        host: node.address.host,
        port: node.address.port,
    });
    GroupStateRow {
        group: group.group_id,
        coordinator: coordinator.unwrap_or_default(),
        assignment_strategy: group.partition_assignor,
        state: group.state.to_string(),
        member_count: group.members.len(),
    }
}

#[cfg(test)]
mod tests;
