//! The file that names the partitions whose leaders are to be elected.
//!
//! Pure. Kafka: `LeaderElectionCommand.parseReplicaElectionData`,
//! `PreferredReplicaLeaderElectionCommand.parsePreferredReplicaElectionData`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::TopicPartition;
use crate::base::jvm_order::{self, partition_hash};
use crate::cli::json_file::{self, JsonFault};
use crate::cli::throwable::JavaThrowable;

/// What a tool's complaints call the file's content.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct ElectionFileWords {
    /// The name of the data, at the start of a sentence.
    pub data: &'static str,
    /// What is wrong with data without the field `partitions`.
    pub without_partitions: &'static str,
}

/// The partitions of a file, each once, in the order of Kafka's set of them.
///
/// # Errors
/// The text is no JSON of partitions, or names one twice.
pub(in crate::cli) fn parse_partitions(
    text: &str,
    words: ElectionFileWords,
) -> Result<Vec<TopicPartition>, JavaThrowable> {
    let ElectionFileWords { data, without_partitions } = words;
    let not_json = format!("{data} is empty");
    let file = json_file::object_of(text).map_err(|fault| fault.thrown(&not_json))?;
    let Some(entries) = file.get("partitions") else {
        return Err(JavaThrowable::operation(format!("{data} is {without_partitions}")));
    };
    let partitions = json_file::list(entries).and_then(|entries| entries.iter().map(partition).collect());
    let partitions: Vec<TopicPartition> = partitions.map_err(|fault: JsonFault| fault.thrown(&not_json))?;
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<_> = partitions.iter().filter(|id| !seen.insert(*id)).collect();
    if !twice.is_empty() {
        let twice =
            jvm_order::scala_hash_trie(twice.into_iter().map(|id| (partition_hash(id), id)).collect());
        let list = twice.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        return Err(JavaThrowable::operation(format!("{data} contains duplicate partitions: {list}")));
    }
    let hashed = partitions.into_iter().map(|id| (partition_hash(&id), id)).collect();
    Ok(jvm_order::scala_immutable(hashed))
}

fn partition(entry: &Value) -> Result<TopicPartition, JsonFault> {
    let fields = json_file::object(entry)?;
    let topic = json_file::text(json_file::field(fields, "topic")?)?;
    let partition = json_file::int(json_file::field(fields, "partition")?)?;
    Ok(TopicPartition::new(topic, partition))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<String>, String> {
        let words = ElectionFileWords { data: "Data", without_partitions: "missing \"partitions\" field" };
        let found = parse_partitions(text, words);
        found.map(|ids| ids.iter().map(ToString::to_string).collect()).map_err(|thrown| thrown.head())
    }

    #[test]
    fn a_file_names_partitions() {
        let text = r#"{"partitions":[{"topic":"b","partition":1},{"topic":"a","partition":0,"more":1}]}"#;
        assert_eq!(parse(text).unwrap(), ["b-1", "a-0"]);
        assert!(parse(r#"{"partitions":[]}"#).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_does_not_is_refused_in_kafkas_words() {
        assert_eq!(parse("{").unwrap_err(), "kafka.admin.AdminOperationException: Data is empty");
        assert_eq!(
            parse("{}").unwrap_err(),
            "kafka.admin.AdminOperationException: Data is missing \"partitions\" field"
        );
        let twice = r#"{"topic":"t","partition":0}"#;
        assert_eq!(
            parse(&format!(r#"{{"partitions":[{twice},{twice},{twice}]}}"#)).unwrap_err(),
            "kafka.admin.AdminOperationException: Data contains duplicate partitions: t-0"
        );
        assert_eq!(
            parse(r#"{"partitions":[{"topic":1,"partition":0}]}"#).unwrap_err(),
            "com.fasterxml.jackson.databind.JsonMappingException: Expected `String` value, received 1"
        );
    }
}
