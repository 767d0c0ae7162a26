//! The file of `--offset-json-file`: partitions and offsets.
//!
//! Pure. Kafka: `DeleteRecordsCommand.parseOffsetJsonStringWithoutDedup`.

use serde_json::{Map, Value};

use crate::base::{Offset, TopicPartition};
use crate::cli::json_file::{self, JsonFault};
use crate::cli::throwable::JavaThrowable;

/// A partition, and the offset below which its records are deleted; -1 stands for the high watermark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordsToDelete {
    pub partition: TopicPartition,
    pub before: Offset,
}

/// The partitions in a file's text, each once.
pub(super) fn parse(text: &str) -> Result<Vec<RecordsToDelete>, JavaThrowable> {
    let mapped = |fault: JsonFault| fault.thrown("The input string is not a valid JSON");
    let fields = json_file::object_of(text).map_err(mapped)?;
    let version = fields.get("version").map_or(Ok(1), json_file::int).map_err(mapped)?;
    if version != 1 {
        return Err(JavaThrowable::operation(format!("Not supported version field value {version}")));
    }
    if !fields.contains_key("partitions") {
        return Err(JavaThrowable::operation("Missing partitions field"));
    }
    let read = read_partitions(&fields).map_err(mapped)?;
    let mut twice = Vec::new();
    for (at, it) in read.iter().enumerate() {
        let again = read[..at].iter().any(|before| before.partition == it.partition);
        let name = it.partition.to_string();
        if again && !twice.contains(&name) {
            twice.push(name);
        }
    }
    if twice.is_empty() {
        return Ok(read);
    }
    let message = format!("Offset json file contains duplicate topic partitions: {}", twice.join(","));
    Err(JavaThrowable::command_failed(message))
}

fn read_partitions(fields: &Map<String, Value>) -> Result<Vec<RecordsToDelete>, JsonFault> {
    json_file::list(json_file::field(fields, "partitions")?)?.iter().map(read_partition).collect()
}

fn read_partition(json: &Value) -> Result<RecordsToDelete, JsonFault> {
    let fields = json_file::object(json)?;
    let topic = json_file::text(json_file::field(fields, "topic")?)?;
    let partition = json_file::int(json_file::field(fields, "partition")?)?;
    let before = json_file::long(json_file::field(fields, "offset")?)?;
    Ok(RecordsToDelete { partition: TopicPartition::new(topic, partition), before })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().head()
    }

    #[test]
    fn a_file_names_partitions_and_offsets() {
        let read = parse(r#"{"partitions": [{"topic": "p", "partition": 1, "offset": -1}], "version": 1}"#);
        let expected = RecordsToDelete { partition: TopicPartition::new("p", 1), before: -1 };
        assert_eq!(read.unwrap(), [expected]);
        assert_eq!(parse(r#"{"partitions": []}"#).unwrap(), []);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_refused_in_kafkas_words() {
        let admin = "kafka.admin.AdminOperationException";
        assert_eq!(refusal("{"), format!("{admin}: The input string is not a valid JSON"));
        assert_eq!(refusal(r#"{"version": 2}"#), format!("{admin}: Not supported version field value 2"));
        assert_eq!(refusal("{}"), format!("{admin}: Missing partitions field"));
        let twice = r#"{"partitions": [{"topic": "p", "partition": 0, "offset": 1}, {"topic": "p", "partition": 0, "offset": 2}]}"#;
        let failed = "kafka.common.AdminCommandFailedException";
        assert_eq!(
            refusal(twice),
            format!("{failed}: Offset json file contains duplicate topic partitions: p-0")
        );
        let mapping = "com.fasterxml.jackson.databind.JsonMappingException";
        let no_offset = r#"{"partitions": [{"topic": "p", "partition": 0}]}"#;
        assert_eq!(refusal(no_offset), format!("{mapping}: No such field exists: `offset`"));
    }
}
