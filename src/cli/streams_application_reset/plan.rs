//! Where an application begins its topics, and which topics are its own.
//!
//! Pure. Kafka: `StreamsResetter.checkOffsetRange`, `parseResetPlan`, `isInternalTopic`.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::base::{Offset, TopicPartition};

/// Where input topics begin, as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamsScenario<'a> {
    /// At an offset.
    ToOffset(Offset),
    /// At their first records.
    ToEarliest,
    /// Behind their last records.
    ToLatest,
    /// So many offsets from where the application is.
    ShiftBy(Offset),
    /// At a time.
    ToDatetime(&'a str),
    /// So long before now.
    ByDuration(&'a str),
    /// At the offsets of a file.
    FromFile(&'a str),
}

/// The reset plan cannot be read. Kafka's texts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StreamsPlanError {
    /// There is nothing in it.
    #[error("Error parsing reset plan CSV file. It is empty,")]
    Empty,
    /// A line has not three fields.
    #[error("Reset plan CSV file is not following the format `TOPIC,PARTITION,OFFSET`.")]
    Fields,
    /// A partition or an offset is no number.
    #[error("For input string: \"{0}\"")]
    NotANumber(String),
}

impl StreamsPlanError {
    /// The class of Java's exception.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Empty | Self::Fields => "java.text.ParseException",
            Self::NotANumber(_) => "java.lang.NumberFormatException",
        }
    }
}

/// The offsets of a file with lines `topic,partition,offset`.
///
/// # Errors
/// [`StreamsPlanError`].
pub(super) fn parse(text: &str) -> Result<BTreeMap<TopicPartition, Offset>, StreamsPlanError> {
    if text.is_empty() {
        return Err(StreamsPlanError::Empty);
    }
    let number = |text: &str| StreamsPlanError::NotANumber(text.to_owned());
    let line = |line: &str| {
        let fields: Vec<_> = line.trim_end_matches(',').split(',').collect();
        let [topic, partition, offset] = fields[..] else { return Err(StreamsPlanError::Fields) };
        let id = TopicPartition::new(topic, partition.parse().map_err(|_| number(partition))?);
        Ok((id, offset.parse().map_err(|_| number(offset))?))
    };
    text.trim_end_matches('\n').split('\n').map(line).collect()
}

/// The first and the last offset of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetRange {
    /// That of the first record.
    pub start: Offset,
    /// The one behind the last record.
    pub end: Offset,
}

impl OffsetRange {
    /// The offset of the range that is nearest to the one wanted, and what Kafka's tool prints where that is the first
    /// or the last one.
    pub(super) fn nearest(self, wanted: Offset) -> (Offset, Option<String>) {
        let moved = |what: &str, set: Offset| {
            (set, Some(format!("New offset ({wanted}) is {what} offset. Value will be set to {set}")))
        };
        if wanted >= self.end {
            moved("higher than latest", self.end)
        } else if wanted <= self.start {
            moved("lower than earliest", self.start)
        } else {
            (wanted, None)
        }
    }
}

/// Whether a topic was created by the application of this id itself. `named` are its input and intermediate topics.
pub(super) fn is_internal(topic: &str, application: &str, named: &[&str]) -> bool {
    !named.contains(&topic)
        && topic.strip_prefix(application).is_some_and(|rest| rest.starts_with('-'))
        && has_internal_form(topic)
}

fn has_internal_form(topic: &str) -> bool {
    const ENDS: [&str; 4] =
        ["-changelog", "-repartition", "-subscription-registration-topic", "-subscription-response-topic"];
    const JOINS: [&str; 2] =
        ["-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-", "-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-"];
    let of_join = |kind: &str| {
        let found = topic.strip_suffix("-topic").and_then(|start| start.rsplit_once(kind));
        found.is_some_and(|(name, number)| {
            !name.is_empty() && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
        })
    };
    ENDS.iter().any(|end| topic.ends_with(end)) || JOINS.iter().any(|kind| of_join(kind))
}

/// A list as Java prints it.
pub(super) fn java_list(items: &[String]) -> String {
    let mut text = "[".to_owned();
    for (at, item) in items.iter().enumerate() {
        // A text takes all that is written to it.
        let _ = write!(text, "{}{item}", if at > 0 { ", " } else { "" });
    }
    text + "]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_out_of_range_is_the_nearest_one() {
        let range = OffsetRange { start: 2, end: 10 };
        assert_eq!(range.nearest(5), (5, None));
        let low =
            |wanted| format!("New offset ({wanted}) is lower than earliest offset. Value will be set to 2");
        assert_eq!(range.nearest(-4), (2, Some(low(-4))));
        assert_eq!(range.nearest(2), (2, Some(low(2))), "so does Kafka at the first offset");
        let high = "New offset (10) is higher than latest offset. Value will be set to 10";
        assert_eq!(range.nearest(10), (10, Some(high.to_owned())));
        assert_eq!(OffsetRange { start: 0, end: 0 }.nearest(0).0, 0);
    }

    #[test]
    fn a_plan_has_three_fields_a_line() {
        let plan = parse("p,0,5\nq,1,7\n").unwrap();
        assert_eq!(plan[&TopicPartition::new("q", 1)], 7);
        let error = |text: &str| parse(text).unwrap_err();
        assert_eq!(error(""), StreamsPlanError::Empty);
        assert_eq!(error("g,p,0,5"), StreamsPlanError::Fields);
        assert_eq!(error("p,x,5").to_string(), "For input string: \"x\"");
        assert_eq!(error("p,0,").class(), "java.text.ParseException");
    }

    #[test]
    fn topics_of_the_application_are_found_by_their_names() {
        let internal = |topic: &str| is_internal(topic, "app", &["app-in-changelog"]);
        assert!(internal("app-store-changelog") && internal("app-x-repartition"));
        assert!(internal("app-x-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000001-topic"));
        assert!(internal("app-x-subscription-response-topic"));
        for other in
            ["app-in-changelog", "app-out", "app2-store-changelog", "appchangelog", "other-app-x-changelog"]
        {
            assert!(!internal(other), "{other}");
        }
        assert!(!internal("app-x-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-x-topic"));
        assert_eq!(java_list(&["a".to_owned(), "b".to_owned()]), "[a, b]");
    }
}
