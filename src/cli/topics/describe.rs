//! What `--describe` prints of a topic and its partitions, and which of them it leaves out.

use crate::base::BrokerId;
use crate::cli::topics::options::TopicsOptions;

/// A topic as it is described.
#[derive(Debug)]
pub(crate) struct TopicDescription {
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
#[derive(Debug)]
pub(crate) struct PartitionDescription {
    pub partition: i32,
    pub leader: Option<BrokerId>,
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    /// Replicas being added and removed, while a reassignment is in progress (KIP-455).
    pub reassignment: Option<(Vec<BrokerId>, Vec<BrokerId>)>,
}

impl PartitionDescription {
    /// How many replicas it has when no reassignment is counted.
    fn replication_factor(&self) -> usize {
        match &self.reassignment {
            Some((adding, removing))
                if self.replicas.iter().any(|id| adding.contains(id) || removing.contains(id)) =>
            {
                self.replicas.iter().filter(|id| !adding.contains(id)).count()
            }
            _ => self.replicas.len(),
        }
    }

    fn print(&self, topic: &TopicDescription) {
        let leader = self.leader.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let mut line = format!(
            "\tTopic: {}\tPartition: {}\tLeader: {leader}\tReplicas: {}\tIsr: {}",
            topic.name,
            self.partition,
            joined(&self.replicas),
            joined(&self.isr)
        );
        if let Some((adding, removing)) = &self.reassignment {
            line +=
                &format!("\tAdding Replicas: {}\tRemoving Replicas: {}", joined(adding), joined(removing));
        }
        println!("{line}{}", mark(topic.marked_for_deletion));
    }
}

impl TopicDescription {
    /// Prints the topics and partitions that the options select; `live` are the live brokers.
    pub fn print(&self, options: &TopicsOptions, live: &[BrokerId]) {
        let filtered = options.under_replicated_partitions
            || options.unavailable_partitions
            || options.under_min_isr_partitions
            || options.at_min_isr_partitions;
        if !filtered && (!options.topics_with_overrides || !self.configs.is_empty()) {
            self.print_heading();
        }
        if !options.topics_with_overrides {
            for partition in
                self.partitions.iter().filter(|it| !filtered || self.is_wanted(it, options, live))
            {
                partition.print(self);
            }
        }
    }

    fn print_heading(&self) {
        let configs: Vec<_> = self.configs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        println!(
            "Topic: {}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}{}",
            self.name,
            self.partitions.len(),
            self.partitions.first().map_or(0, PartitionDescription::replication_factor),
            configs.join(","),
            mark(self.marked_for_deletion)
        );
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

fn mark(for_deletion: bool) -> &'static str {
    if for_deletion { "\tMarkedForDeletion: true" } else { "" }
}

fn joined(ids: &[BrokerId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
