//! What `--describe` prints of topics and their partitions, and which of them it leaves out.

use serde::Serialize;

use crate::base::BrokerId;
use crate::cli::output_format::as_object;
use crate::cli::topics::options::TopicsOptions;

/// The topics that are described.
#[derive(Debug, Serialize)]
pub(crate) struct DescribedTopics {
    topics: Vec<DescribedTopic>,
    /// Which lines are printed of them as text.
    #[serde(skip)]
    parts: DescribedParts,
}

/// What is printed of a topic that is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DescribedParts {
    All,
    /// Without the partitions, as with `--topics-with-overrides`.
    Heading,
    /// Only some partitions, as with `--under-replicated-partitions` and its like.
    Partitions,
}

/// A topic as it is described.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DescribedTopic {
    name: String,
    partition_count: usize,
    /// That of its first partition, when no reassignment is counted.
    replication_factor: usize,
    /// Its own configs, in the order they are printed.
    #[serde(serialize_with = "as_object")]
    configs: Vec<(String, String)>,
    marked_for_deletion: bool,
    /// In order of their numbers; None where only the topics are wanted.
    partitions: Option<Vec<PartitionDescription>>,
}

/// All that is known of a topic.
#[derive(Debug)]
pub(crate) struct GatheredTopic {
    pub name: String,
    /// Its own configs, in the order they are printed.
    pub configs: Vec<(String, String)>,
    pub marked_for_deletion: bool,
    /// In order of their numbers.
    pub partitions: Vec<PartitionDescription>,
    /// Its min.insync.replicas, where it is known.
    pub min_insync_replicas: Option<usize>,
}

/// A partition as it is described.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartitionDescription {
    pub partition: i32,
    pub leader: Option<BrokerId>,
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    #[serde(flatten)]
    pub reassignment: Option<ReassignedReplicas>,
}

/// The replicas that a reassignment in progress adds and removes (KIP-455).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReassignedReplicas {
    pub adding_replicas: Vec<BrokerId>,
    pub removing_replicas: Vec<BrokerId>,
}

impl PartitionDescription {
    /// How many replicas it has when no reassignment is counted.
    fn replication_factor(&self) -> usize {
        match &self.reassignment {
            Some(ReassignedReplicas { adding_replicas: adding, removing_replicas: removing })
                if self.replicas.iter().any(|id| adding.contains(id) || removing.contains(id)) =>
            {
                self.replicas.iter().filter(|id| !adding.contains(id)).count()
            }
            _ => self.replicas.len(),
        }
    }

    fn print(&self, topic: &DescribedTopic) {
        let leader = self.leader.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let mut line = format!(
            "\tTopic: {}\tPartition: {}\tLeader: {leader}\tReplicas: {}\tIsr: {}",
            topic.name,
            self.partition,
            joined(&self.replicas),
            joined(&self.isr)
        );
        if let Some(ReassignedReplicas { adding_replicas, removing_replicas }) = &self.reassignment {
            let (adding, removing) = (joined(adding_replicas), joined(removing_replicas));
            line += &format!("\tAdding Replicas: {adding}\tRemoving Replicas: {removing}");
        }
        println!("{line}{}", mark(topic.marked_for_deletion));
    }
}

impl DescribedTopics {
    /// What the options select of the topics; `live` are the live brokers.
    pub fn select(
        topics: impl IntoIterator<Item = GatheredTopic>,
        options: &TopicsOptions,
        live: &[BrokerId],
    ) -> Self {
        let filtered = options.under_replicated_partitions
            || options.unavailable_partitions
            || options.under_min_isr_partitions
            || options.at_min_isr_partitions;
        let parts = if filtered {
            DescribedParts::Partitions
        } else if options.topics_with_overrides {
            DescribedParts::Heading
        } else {
            DescribedParts::All
        };
        let topics = topics.into_iter().filter_map(|topic| topic.selected(parts, options, live));
        Self { topics: topics.collect(), parts }
    }

    /// Prints their lines.
    pub fn print_text(&self) {
        for topic in &self.topics {
            if self.parts != DescribedParts::Partitions {
                topic.print_heading();
            }
            for partition in topic.partitions.iter().flatten() {
                partition.print(topic);
            }
        }
    }
}

impl GatheredTopic {
    /// What is described of it; None where that is nothing.
    fn selected(
        mut self,
        parts: DescribedParts,
        options: &TopicsOptions,
        live: &[BrokerId],
    ) -> Option<DescribedTopic> {
        let partition_count = self.partitions.len();
        let replication_factor = self.partitions.first().map_or(0, PartitionDescription::replication_factor);
        let partitions = match parts {
            DescribedParts::All => Some(self.partitions),
            DescribedParts::Heading if self.configs.is_empty() => return None,
            DescribedParts::Heading => None,
            DescribedParts::Partitions => {
                let mut partitions = std::mem::take(&mut self.partitions);
                partitions.retain(|it| self.is_wanted(it, options, live));
                if partitions.is_empty() {
                    return None;
                }
                Some(partitions)
            }
        };
        Some(DescribedTopic {
            name: self.name,
            partition_count,
            replication_factor,
            configs: self.configs,
            marked_for_deletion: self.marked_for_deletion,
            partitions,
        })
    }

    fn is_wanted(
        &self,
        partition: &PartitionDescription,
        options: &TopicsOptions,
        live: &[BrokerId],
    ) -> bool {
        let in_sync = partition.isr.len();
        let unavailable = partition.leader.is_none_or(|leader| !live.contains(&leader));
        (options.under_replicated_partitions && partition.replication_factor() > in_sync)
            || (options.unavailable_partitions && unavailable)
            || (options.under_min_isr_partitions
                && (partition.leader.is_none()
                    || self.min_insync_replicas.is_some_and(|least| in_sync < least)))
            || (options.at_min_isr_partitions && self.min_insync_replicas == Some(in_sync))
    }
}

impl DescribedTopic {
    fn print_heading(&self) {
        let configs: Vec<_> = self.configs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        println!(
            "Topic: {}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}{}",
            self.name,
            self.partition_count,
            self.replication_factor,
            configs.join(","),
            mark(self.marked_for_deletion)
        );
    }
}

fn mark(for_deletion: bool) -> &'static str {
    if for_deletion { "\tMarkedForDeletion: true" } else { "" }
}

fn joined(ids: &[BrokerId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
