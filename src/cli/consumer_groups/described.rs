//! What is known of groups, and how Kafka's tool prints it.
//!
//! Kafka: `ConsumerGroupCommand.PartitionAssignmentState`, `MemberAssignmentState`, `GroupState`, `printOffsets`,
//! `printMembers`, `printStates`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::Offset;
use crate::cli::output_format::OutputOption;

/// What stands in a column without a value.
const MISSING: &str = "-";
/// The least width of most columns.
pub(super) const LEAST: usize = 15;

/// The groups that were asked for, as JSON has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FoundGroups<T> {
    pub groups: Vec<T>,
}

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ListedGroupRow {
    pub group: String,
    /// None from brokers before 2.6, and of groups of ZooKeeper consumers.
    pub state: Option<String>,
}

/// A group and its partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct DescribedOffsets {
    pub group: String,
    pub state: String,
    pub partitions: Vec<PartitionAssignmentState>,
}

/// A partition that a member reads, or of which the group has committed an offset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartitionAssignmentState {
    pub topic: String,
    pub partition: i32,
    pub current_offset: Option<Offset>,
    pub log_end_offset: Option<Offset>,
    pub lag: Option<Offset>,
    pub consumer_id: Option<String>,
    pub host: Option<String>,
    pub client_id: Option<String>,
}

/// A group and its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct GroupMembers {
    pub group: String,
    pub state: String,
    pub members: Vec<MemberAssignmentState>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberAssignmentState {
    pub consumer_id: String,
    pub group_instance_id: Option<String>,
    pub host: String,
    pub client_id: String,
    /// The numbers of its partitions, by topic.
    pub assignment: BTreeMap<String, Vec<i32>>,
}

/// A group and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupStateRow {
    pub group: String,
    pub coordinator: CoordinatorNode,
    pub assignment_strategy: String,
    pub state: String,
    pub member_count: usize,
}

/// The broker that coordinates a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct CoordinatorNode {
    pub id: i32,
    pub host: String,
    pub port: u16,
}

/// Groups as they are listed, with a heading where their states are shown.
pub(super) fn list_text(groups: &[ListedGroupRow], with_states: bool) -> String {
    let width = groups.iter().map(|row| row.group.chars().count()).fold(LEAST, usize::max);
    let heading = with_states.then(|| format!("{:width$} STATE\n", "GROUP"));
    let row = |row: &ListedGroupRow| match with_states {
        true => format!("{:width$} {}\n", row.group, row.state.as_deref().unwrap_or_default()),
        false => format!("{}\n", row.group),
    };
    heading.into_iter().chain(groups.iter().map(row)).collect()
}

/// Prints a remark about a group's state; returns whether there is more to print of the group. `rows` is how much.
pub(super) fn print_remark(group: &str, state: &str, rows: usize, output: OutputOption) -> bool {
    match state {
        "Dead" => output.note(format_args!("\nError: Consumer group '{group}' does not exist.")),
        "Empty" => eprintln!("\nConsumer group '{group}' has no active members."),
        "PreparingRebalance" | "CompletingRebalance" => {
            eprintln!("\nWarning: Consumer group '{group}' is rebalancing.");
        }
        _ => {}
    }
    state != "Dead" && rows > 0
}

/// A column's text.
pub(super) fn or_missing(value: Option<impl ToString>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| value.to_string())
}

impl DescribedOffsets {
    /// Its partitions.
    pub(super) fn text(&self) -> String {
        let column = |text: fn(&PartitionAssignmentState) -> String| {
            self.partitions.iter().map(|row| text(row).chars().count()).fold(LEAST, usize::max)
        };
        let group = self.group.chars().count().max(LEAST);
        let topic = column(|row| row.topic.clone());
        let consumer = column(|row| or_missing(row.consumer_id.as_ref()));
        let host = column(|row| or_missing(row.host.as_ref()));
        let line = |columns: [&str; 9]| {
            let [id, name, partition, current, end, lag, consumer_id, host_name, client] = columns;
            format!(
                "\n{id:group$} {name:topic$} {partition:10} {current:15} {end:15} {lag:15} {consumer_id:consumer$} \
                 {host_name:host$} {client}"
            )
        };
        let heading = "GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID";
        let mut names = heading.split(' ');
        let mut text = line([(); 9].map(|()| names.next().unwrap_or_default()));
        for row in &self.partitions {
            let columns = [
                self.group.clone(),
                row.topic.clone(),
                row.partition.to_string(),
                or_missing(row.current_offset),
                or_missing(row.log_end_offset),
                or_missing(row.lag),
                or_missing(row.consumer_id.as_ref()),
                or_missing(row.host.as_ref()),
                or_missing(row.client_id.as_ref()),
            ];
            text += &line(columns.each_ref().map(String::as_str));
        }
        text
    }
}

impl GroupMembers {
    /// Its members; their partitions, too, where `verbose`.
    pub(super) fn text(&self, verbose: bool) -> String {
        let widest = |text: fn(&MemberAssignmentState) -> &str, least: usize| {
            self.members.iter().map(|row| text(row).chars().count()).fold(least, usize::max)
        };
        let instance = |row: &'_ MemberAssignmentState| row.group_instance_id.clone().unwrap_or_default();
        let group = self.group.chars().count().max(LEAST);
        let consumer = widest(|row| &row.consumer_id, LEAST);
        let instances = widest(|row| row.group_instance_id.as_deref().unwrap_or_default(), 17);
        let host = widest(|row| &row.host, LEAST);
        let client = widest(|row| &row.client_id, LEAST);
        let with_instances = self.members.iter().any(|row| !instance(row).is_empty());
        let line = |columns: [&str; 6], assignment: &str| {
            let [id, consumer_id, instance, host_name, client_id, partitions] = columns;
            let instance = if with_instances { format!("{instance:instances$} ") } else { String::new() };
            format!(
                "\n{id:group$} {consumer_id:consumer$} {instance}{host_name:host$} {client_id:client$} {partitions:15} \
                 {}",
                if verbose { assignment } else { "" }
            )
        };
        let heading = ["GROUP", "CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS"];
        let mut text = line(heading, "ASSIGNMENT");
        for row in &self.members {
            let count = row.assignment.values().map(Vec::len).sum::<usize>().to_string();
            let columns = [&self.group, &row.consumer_id, &instance(row), &row.host, &row.client_id, &count];
            text += &line(columns.map(String::as_str), &row.assignment_text());
        }
        text
    }
}

impl MemberAssignmentState {
    /// `topic(0,1), other(2)`.
    fn assignment_text(&self) -> String {
        let topic = |(topic, partitions): (&String, &Vec<i32>)| {
            let partitions: Vec<_> = partitions.iter().map(i32::to_string).collect();
            format!("{topic}({})", partitions.join(","))
        };
        let mut topics: Vec<_> = self.assignment.iter().map(topic).collect();
        topics.sort();
        if topics.is_empty() { MISSING.to_owned() } else { topics.join(", ") }
    }
}

impl GroupStateRow {
    /// It below its heading.
    pub(super) fn text(&self) -> String {
        let CoordinatorNode { id, host, port } = &self.coordinator;
        let coordinator = format!("{host}:{port} ({id})");
        // Kafka's tool makes the first column as wide as the second one.
        let width = coordinator.chars().count().max(25);
        let line = |columns: [&str; 5]| {
            let [group, coordinator, strategy, state, members] = columns;
            format!("\n{group:width$} {coordinator:25} {strategy:20} {state:15} {members}")
        };
        let count = self.member_count.to_string();
        line(["GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"])
            + &line([&self.group, &coordinator, &self.assignment_strategy, &self.state, &count])
    }
}

#[cfg(test)]
mod tests;
