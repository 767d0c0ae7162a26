//! The CSV file of a reset: read for `--from-file`, written for `--export`.
//!
//! Pure. One group: `topic,partition,offset`; several: `group,topic,partition,offset`. Kafka:
//! `ConsumerGroupCommand.parseResetPlan`, `exportOffsetsToCsv`, Jackson's `CsvMapper`.

use std::collections::BTreeMap;

use super::reset::PartitionOffset;
use crate::base::TopicPartition;

/// The offsets that a file has for each group, in the order of the file.
pub(super) type ResetPlan = BTreeMap<String, Vec<PartitionOffset>>;

/// A line of the file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number} of the reset plan, \"{line}\", is not {expected}")]
pub(super) struct PlanLineError {
    number: usize,
    line: String,
    expected: &'static str,
}

const OF_ONE_GROUP: &str = "topic,partition,offset";
const WITH_GROUP: &str = "group,topic,partition,offset";

/// The offsets of a file. Lines without a group are of `only_group`, where only one group was named.
///
/// # Errors
/// A line is of another form than its file.
pub(super) fn parse(text: &str, only_group: Option<&str>) -> Result<ResetPlan, PlanLineError> {
    let text = text.trim_end_matches('\n');
    let mut plan = ResetPlan::new();
    let first = text.split('\n').next().unwrap_or_default();
    let of_group = only_group.filter(|_| without_group(&fields(first)).is_some());
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.trim_end_matches('\r');
        let fields = fields(line);
        let (group, offset, expected) = match of_group {
            Some(group) => (Some(group), without_group(&fields), OF_ONE_GROUP),
            None => (fields.first().map(String::as_str), fields.get(1..).and_then(without_group), WITH_GROUP),
        };
        let wrong = || PlanLineError { number, line: line.to_owned(), expected };
        let (Some(group), Some(offset)) = (group, offset) else { return Err(wrong()) };
        let offsets = plan.entry(group.to_owned()).or_default();
        // The last line about a partition counts.
        match offsets.iter_mut().find(|it| it.partition == offset.partition) {
            Some(known) => known.offset = offset.offset,
            None => offsets.push(offset),
        }
    }
    Ok(plan)
}

fn without_group(fields: &[String]) -> Option<PartitionOffset> {
    let [topic, partition, offset] = fields else { return None };
    let partition = TopicPartition::new(topic.as_str(), partition.trim().parse().ok()?);
    Some(PartitionOffset { partition, offset: offset.trim().parse().ok()? })
}

/// The fields of a line. A field in quotes may hold commas, and its own quotes twice.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(field) = fields.last_mut() else { break };
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

/// A line of the file; without a group where `group` is None.
pub(super) fn line(group: Option<&str>, offset: &PartitionOffset) -> String {
    let group = group.map(|group| quote(group) + ",").unwrap_or_default();
    let TopicPartition { topic, partition } = &offset.partition;
    format!("{group}{},{partition},{}\n", quote(topic), offset.offset)
}

/// A text as Jackson writes it: in quotes where it is long or may need them.
fn quote(text: &str) -> String {
    const UNQUOTED: usize = 24;
    if text.encode_utf16().count() <= UNQUOTED && text.chars().all(|character| character >= '-') {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, only_group: Option<&str>) -> Result<Vec<String>, String> {
        let plan = parse(text, only_group).map_err(|error| error.to_string())?;
        let group = |(group, offsets): (String, Vec<PartitionOffset>)| {
            let offsets = offsets.iter().map(|it| format!("{group}:{}={}", it.partition, it.offset));
            offsets.collect::<Vec<_>>()
        };
        Ok(plan.into_iter().flat_map(group).collect())
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(read("p3,0,1\np3,1,0\n", Some("live")).unwrap(), ["live:p3-0=1", "live:p3-1=0"]);
        assert_eq!(read("\"live\",\"p3\",0,1", Some("live")).unwrap(), ["live:p3-0=1"]);
        let of_two = "a,p,0,5\r\nb,p,0,6\r\n\"a,\"\"b\",q,1,7\na,p,0,8";
        assert_eq!(read(of_two, None).unwrap(), ["a:p-0=8", "a,\"b:q-1=7", "b:p-0=6"]);
    }

    #[test]
    fn a_line_of_another_form_is_named() {
        assert_eq!(
            read("p3,0,1\n\np3,1,0", Some("g")).unwrap_err(),
            "line 2 of the reset plan, \"\", is not topic,partition,offset"
        );
        let expected = "line 1 of the reset plan, \"p3,0,1\", is not group,topic,partition,offset";
        assert_eq!(read("p3,0,1", None).unwrap_err(), expected);
        assert!(read("p3,0,x", Some("g")).is_err() && read("", Some("g")).is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let offset = |topic: &str| PartitionOffset { partition: TopicPartition::new(topic, 2), offset: 3 };
        assert_eq!(line(None, &offset("p3")), "p3,2,3\n");
        assert_eq!(line(Some("my group"), &offset("p3")), "\"my group\",p3,2,3\n");
        let long = "a".repeat(25);
        assert_eq!(line(Some("g"), &offset(&long)), format!("g,\"{long}\",2,3\n"));
        let written = line(Some("say \"hi\", all"), &offset(&long));
        assert_eq!(read(&written, None).unwrap(), [format!("say \"hi\", all:{long}-2=3")]);
    }
}
