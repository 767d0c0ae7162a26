//! The file of a reassignment: which replicas each partition is to have, and in which directories.
//!
//! Pure. Kafka: `ReassignPartitionsCommand.parsePartitionReassignmentData`, `parseExecuteAssignmentArgs`,
//! `formatAsReassignmentJson`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::jvm_order::{self, partition_hash};
use crate::base::{BrokerId, TopicPartition};
use crate::cli::json_file::{self, JsonFault};
use crate::cli::throwable::JavaThrowable;
use crate::client::admin::TopicPartitionReplica;

/// A directory that the broker may choose.
const ANY_LOG_DIR: &str = "any";
/// The complaint about a file that is no JSON.
const NOT_JSON: &str = "The input string is not a valid JSON";

/// A partition, and the replicas it is to have, the preferred leader first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetReplicas {
    /// The partition.
    pub partition: TopicPartition,
    /// Its replicas.
    pub replicas: Vec<BrokerId>,
}

/// What a file asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReassignmentPlan {
    /// The partitions in the order of the file. For --execute each stands once, in the order of Kafka's map.
    pub partitions: Vec<TargetReplicas>,
    /// The directories of replicas that are to be in a certain one.
    pub log_dirs: BTreeMap<TopicPartitionReplica, String>,
}

impl ReassignmentPlan {
    /// What a file's text asks for; partitions may stand in it twice.
    ///
    /// # Errors
    /// The text is no JSON of a reassignment.
    pub fn parse(text: &str) -> Result<Self, JavaThrowable> {
        let file = json_file::object_of(text).map_err(|fault| fault.thrown(NOT_JSON))?;
        check_version(&file)?;
        let mut plan = Self::default();
        for entry in entries(&file, "partitions").map_err(|fault| fault.thrown(NOT_JSON))? {
            let (target, dirs) = read_target(entry).map_err(|fault| fault.thrown(NOT_JSON))?;
            plan.add(target, dirs)?;
        }
        Ok(plan)
    }

    /// As [`ReassignmentPlan::parse`], for a plan that is to be executed.
    ///
    /// # Errors
    /// As there; the plan is empty, or names a partition or a replica twice.
    pub fn parse_for_execution(text: &str) -> Result<Self, JavaThrowable> {
        let plan = Self::parse(text)?;
        if plan.partitions.is_empty() {
            return Err(JavaThrowable::command_failed("Partition reassignment list cannot be empty"));
        }
        if plan.partitions.iter().any(|it| it.replicas.is_empty()) {
            return Err(JavaThrowable::command_failed("Partition replica list cannot be empty"));
        }
        let twice =
            duplicates(plan.partitions.iter().map(|it| (partition_hash(&it.partition), &it.partition)));
        if !twice.is_empty() {
            let message =
                format!("Partition reassignment contains duplicate topic partitions: {}", joined(&twice));
            return Err(JavaThrowable::command_failed(message));
        }
        let twice = plan.partitions.iter().filter_map(|TargetReplicas { partition, replicas }| {
            let twice = duplicates(replicas.iter().map(|id| (*id, *id)));
            let contains = || format!("{partition} contains multiple entries for {}", joined(&twice));
            (!twice.is_empty()).then(contains)
        });
        let twice: Vec<_> = twice.collect();
        if !twice.is_empty() {
            let list = twice.join(". ");
            let message = format!("Partition replica lists may not contain duplicate entries: {list}");
            return Err(JavaThrowable::command_failed(message));
        }
        let hashed = plan.partitions.into_iter().map(|it| (partition_hash(&it.partition), it)).collect();
        Ok(Self { partitions: jvm_order::scala_immutable(hashed), log_dirs: plan.log_dirs })
    }

    fn add(&mut self, target: TargetReplicas, dirs: Option<Vec<String>>) -> Result<(), JavaThrowable> {
        let dirs = dirs.unwrap_or_else(|| vec![ANY_LOG_DIR.to_owned(); target.replicas.len()]);
        if dirs.len() != target.replicas.len() {
            let message = format!(
                "Size of replicas list {} is different from size of log dirs list {} for partition {}",
                as_scala(&target.replicas),
                as_scala(&dirs),
                target.partition
            );
            return Err(JavaThrowable::command_failed(message));
        }
        for (broker, dir) in target.replicas.iter().zip(dirs) {
            if dir != ANY_LOG_DIR {
                let partition = target.partition.clone();
                self.log_dirs.insert(TopicPartitionReplica { broker: *broker, partition }, dir);
            }
        }
        self.partitions.push(target);
        Ok(())
    }

    /// Its topics, in the order of Kafka's set of them.
    pub fn topics(&self) -> Vec<String> {
        let mut topics: Vec<&str> = Vec::new();
        for target in &self.partitions {
            if !topics.contains(&&*target.partition.topic) {
                topics.push(&target.partition.topic);
            }
        }
        let hashed =
            topics.into_iter().map(|topic| (jvm_order::hash_code(topic), topic.to_owned())).collect();
        jvm_order::scala_immutable(hashed)
    }

    /// The brokers that are to have replicas, each once, in the order of Kafka's set of them and `others`.
    pub fn brokers_and(&self, others: &[BrokerId]) -> Vec<BrokerId> {
        let mut brokers: Vec<BrokerId> = Vec::new();
        for id in others.iter().chain(self.partitions.iter().flat_map(|it| &it.replicas)) {
            if !brokers.contains(id) {
                brokers.push(*id);
            }
        }
        jvm_order::scala_immutable(brokers.into_iter().map(|id| (id, id)).collect())
    }
}

/// The topics of the file for --generate (`parseTopicsData`, `parseGenerateAssignmentArgs`).
///
/// # Errors
/// The text is no JSON of topics, or names one twice.
pub(super) fn parse_topics(text: &str) -> Result<Vec<String>, JavaThrowable> {
    let file = json_file::object_of(text).map_err(|fault| fault.thrown(NOT_JSON))?;
    check_version(&file)?;
    let name = |entry| {
        let fields = json_file::object(entry)?;
        json_file::text(json_file::field(fields, "topic")?).map(str::to_owned)
    };
    let topics = entries(&file, "topics").and_then(|entries| entries.iter().map(name).collect());
    let topics: Vec<String> = topics.map_err(|fault: JsonFault| fault.thrown(NOT_JSON))?;
    let twice = duplicates(topics.iter().map(|topic| (jvm_order::hash_code(topic), topic)));
    if twice.is_empty() {
        return Ok(topics);
    }
    let list = joined(&twice);
    let message = format!("List of topics to reassign contains duplicate entries: {list}");
    Err(JavaThrowable::command_failed(message))
}

/// The brokers of `--broker-list`.
///
/// # Errors
/// One is no number, or stands in it twice.
pub(super) fn parse_brokers(list: &str) -> Result<Vec<BrokerId>, JavaThrowable> {
    let number = |text: &str| {
        text.parse().map_err(|_| {
            let message = format!("For input string: \"{text}\"");
            JavaThrowable::new("java.lang.NumberFormatException", message)
        })
    };
    // As Java's `split`, which leaves out what is empty at the end.
    let brokers: Vec<BrokerId> =
        list.trim_end_matches(',').split(',').map(number).collect::<Result<_, _>>()?;
    let twice = duplicates(brokers.iter().map(|id| (*id, *id)));
    if twice.is_empty() {
        return Ok(brokers);
    }
    let message = format!("Broker list contains duplicate entries: {}", joined(&twice));
    Err(JavaThrowable::command_failed(message))
}

type Fields = serde_json::Map<String, serde_json::Value>;

fn check_version(file: &Fields) -> Result<(), JavaThrowable> {
    let version = file.get("version").map_or(Ok(1), json_file::int);
    match version.map_err(|fault| fault.thrown(NOT_JSON))? {
        1 => Ok(()),
        other => Err(JavaThrowable::operation(format!("Not supported version field value {other}"))),
    }
}

/// The list of this name; empty where there is none.
fn entries<'a>(file: &'a Fields, name: &str) -> Result<&'a [serde_json::Value], JsonFault> {
    file.get(name).map_or(Ok(&[]), json_file::list)
}

/// A partition of a file, with its directories if it names any.
fn read_target(entry: &serde_json::Value) -> Result<(TargetReplicas, Option<Vec<String>>), JsonFault> {
    let fields = json_file::object(entry)?;
    let topic = json_file::text(json_file::field(fields, "topic")?)?;
    let partition = json_file::int(json_file::field(fields, "partition")?)?;
    let replicas = json_file::list(json_file::field(fields, "replicas")?)?;
    let replicas = replicas.iter().map(json_file::int).collect::<Result<_, _>>()?;
    let dirs = match fields.get("log_dirs") {
        Some(dirs) => {
            let dirs = json_file::list(dirs)?.iter();
            Some(dirs.map(|dir| json_file::text(dir).map(str::to_owned)).collect::<Result<_, _>>()?)
        }
        None => None,
    };
    Ok((TargetReplicas { partition: TopicPartition::new(topic, partition), replicas }, dirs))
}

/// The items that come more than once, in the order of `CoreUtils.duplicates`.
fn duplicates<T: Ord>(items: impl Iterator<Item = (i32, T)>) -> Vec<T> {
    let mut counts = BTreeMap::<T, (i32, usize)>::new();
    for (hash, item) in items {
        counts.entry(item).or_insert((hash, 0)).1 += 1;
    }
    let twice = counts.into_iter().filter(|(_, (_, count))| *count > 1);
    jvm_order::scala_hash_trie(twice.map(|(item, (hash, _))| (hash, item)).collect())
}

/// Items with commas between them.
pub(super) fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn as_scala<T: ToString>(items: &[T]) -> String {
    format!("List({})", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// An assignment in the shape of the file (`formatAsReassignmentJson`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ReassignmentJson {
    version: u8,
    partitions: Vec<AssignedPartition>,
}

/// A partition of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct AssignedPartition {
    topic: String,
    partition: i32,
    replicas: Vec<BrokerId>,
    log_dirs: Vec<&'static str>,
}

impl ReassignmentJson {
    /// The assignment of these partitions.
    pub fn of<'a>(assignment: impl IntoIterator<Item = (&'a TopicPartition, &'a Vec<BrokerId>)>) -> Self {
        let partition = |(id, replicas): (&TopicPartition, &Vec<BrokerId>)| AssignedPartition {
            topic: id.topic.to_string(),
            partition: id.partition,
            replicas: replicas.clone(),
            log_dirs: vec![ANY_LOG_DIR; replicas.len()],
        };
        Self { version: 1, partitions: assignment.into_iter().map(partition).collect() }
    }

    /// Its JSON.
    pub fn text(&self) -> String {
        // Its keys are texts, so that it can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
