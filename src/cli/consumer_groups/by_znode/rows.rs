//! What is known of groups of ZooKeeper consumers, and how Kafka 1.1 prints it.
//!
//! Pure. Kafka: `ConsumerGroupCommand.PartitionAssignmentState`, `printOffsets`, of 1.1 with `--zookeeper`.

use serde::Serialize;

use crate::admin::consumer_groups::GroupDeletion;
use crate::base::Offset;
use crate::cli::consumer_groups::described::{LEAST, or_missing};
use crate::cli::zookeeper_groups::LogEnd;
use crate::wire::error_code::ErrorCode;

/// A group and its partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ZnodeGroup {
    pub group: String,
    /// All partitions of the topics of which its consumers own or have owned some.
    pub partitions: Vec<ZnodePartition>,
    /// Its consumers without partitions.
    pub idle_consumers: Vec<IdleConsumer>,
}

/// A partition as a group reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ZnodePartition {
    pub topic: String,
    pub partition: i32,
    pub current_offset: Option<Offset>,
    pub log_end_offset: Option<Offset>,
    pub lag: Option<Offset>,
    /// None where no consumer owns it.
    pub consumer_id: Option<String>,
}

impl ZnodePartition {
    /// `owner` is the thread that owns it: a consumer's id, a dash, the thread's number.
    pub(super) fn new(
        topic: String,
        partition: i32,
        current_offset: Option<Offset>,
        log_end: LogEnd,
        owner: Option<&str>,
    ) -> Self {
        let log_end_offset = match log_end {
            LogEnd::At(end) => Some(end),
            LogEnd::Unknown | LogEnd::NoLeader | LogEnd::NoBroker(_) => None,
        };
        let committed = current_offset.filter(|offset| *offset != -1);
        let consumer = |owner: &str| owner.rsplit_once('-').map_or(owner, |(id, _)| id).to_owned();
        Self {
            topic,
            partition,
            current_offset,
            log_end_offset,
            lag: committed.zip(log_end_offset).map(|(current, end)| end - current),
            consumer_id: owner.map(consumer),
        }
    }
}

/// A consumer without partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IdleConsumer {
    pub consumer_id: String,
    /// The topics, or the one regular expression, that it subscribes to.
    pub subscription: Vec<String>,
}

impl ZnodeGroup {
    /// A line a partition, and one for each topic that a consumer without partitions subscribes to.
    pub(super) fn text(&self) -> String {
        let topics = self.partitions.iter().map(|row| row.topic.chars().count());
        let topic_width = topics.fold(LEAST, usize::max);
        let owners = self.partitions.iter().filter_map(|row| row.consumer_id.as_deref());
        let consumers = owners.chain(self.idle_consumers.iter().map(|it| it.consumer_id.as_str()));
        let consumer_width = consumers.map(|id| id.chars().count()).fold(LEAST, usize::max);
        let line = |[topic, partition, current, end, lag, consumer]: [&str; 6]| {
            format!(
                "{topic:topic_width$} {partition:10} {current:15} {end:15} {lag:15} {consumer:consumer_width$} \n"
            )
        };
        let heading = ["TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID"];
        let mut text = format!("\n{}", line(heading));
        for row in &self.partitions {
            let (partition, current) = (row.partition.to_string(), or_missing(row.current_offset));
            let (end, lag) = (or_missing(row.log_end_offset), or_missing(row.lag));
            let consumer = or_missing(row.consumer_id.as_deref());
            text += &line([&row.topic, &partition, &current, &end, &lag, &consumer]);
        }
        for consumer in &self.idle_consumers {
            let lines = consumer.subscription.iter();
            text.extend(lines.map(|_| line(["-", "-", "-", "-", "-", &consumer.consumer_id])));
        }
        text
    }
}

/// What became of a group that was to be deleted, or of its part of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct DeletedZnodeGroup {
    group: String,
    /// The topic; None for all that there is of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// Java's exception; None where it was deleted.
    error: Option<String>,
    #[serde(skip)]
    deletion: GroupDeletion,
}

impl DeletedZnodeGroup {
    /// The outcome of a deletion.
    pub(super) fn new(group: &str, topic: Option<&str>, deletion: GroupDeletion) -> Self {
        let code = match deletion {
            GroupDeletion::Deleted => None,
            GroupDeletion::Active => Some(ErrorCode::NonEmptyGroup),
            GroupDeletion::Missing => Some(ErrorCode::GroupIdNotFound),
        };
        Self {
            group: group.to_owned(),
            topic: topic.map(str::to_owned),
            error: code.map(|code| format!("{}: {code}", code.exception())),
            deletion,
        }
    }

    /// The outcome in the words of Kafka 1.1.
    pub(super) fn sentence(&self) -> String {
        let group = &self.group;
        let (what, of_topic) = match &self.topic {
            None => ("all consumer group information", String::new()),
            Some(topic) => ("consumer group information", format!(" topic '{topic}'")),
        };
        let failed = format!("Error: Delete for group '{group}'{of_topic} failed because");
        match self.deletion {
            GroupDeletion::Deleted => format!("Deleted {what} for group '{group}'{of_topic} in zookeeper."),
            GroupDeletion::Active => format!("{failed} its consumers are still active."),
            GroupDeletion::Missing => format!("{failed} group does not exist."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32, offset: Option<Offset>, end: LogEnd, owner: Option<&str>) -> ZnodePartition {
        ZnodePartition::new("old".to_owned(), number, offset, end, owner)
    }

    #[test]
    fn partitions_and_idle_consumers_stand_in_the_columns_of_1_1() {
        let idle = |id: &str, topics: &[&str]| IdleConsumer {
            consumer_id: id.to_owned(),
            subscription: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        };
        let group = ZnodeGroup {
            group: "g".to_owned(),
            partitions: vec![
                partition(0, Some(1), LogEnd::At(4), Some("g_vm-1795210880630-d20a979d-0")),
                partition(1, None, LogEnd::Unknown, None),
                partition(2, Some(-1), LogEnd::At(7), None),
                partition(3, Some(2), LogEnd::NoBroker(9), Some("nodash")),
            ],
            idle_consumers: vec![idle("g_idle", &["old", "other"]), idle("g_all", &[])],
        };
        let lines = [
            "",
            "TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID                 ",
            "old             0          1               4               3               g_vm-1795210880630-d20a979d ",
            "old             1          -               -               -               -                           ",
            "old             2          -1              7               -               -                           ",
            "old             3          2               -               -               nodash                      ",
            "-               -          -               -               -               g_idle                      ",
            "-               -          -               -               -               g_idle                      ",
            "",
        ];
        assert_eq!(group.text(), lines.join("\n"));
    }

    #[test]
    fn deletions_are_told_in_the_words_of_1_1() {
        let printed = |topic, deletion| DeletedZnodeGroup::new("g", topic, deletion).sentence();
        assert_eq!(
            printed(None, GroupDeletion::Deleted),
            "Deleted all consumer group information for group 'g' in zookeeper."
        );
        assert_eq!(
            printed(Some("t"), GroupDeletion::Deleted),
            "Deleted consumer group information for group 'g' topic 't' in zookeeper."
        );
        assert_eq!(
            printed(None, GroupDeletion::Active),
            "Error: Delete for group 'g' failed because its consumers are still active."
        );
        assert_eq!(
            printed(Some("t"), GroupDeletion::Missing),
            "Error: Delete for group 'g' topic 't' failed because group does not exist."
        );
    }
}
