//! Which names a topic may have (`Topic`).
//!
//! Pure.

use super::AdminError;
pub use crate::base::internal_topics::{OFFSETS_TOPIC, TRANSACTIONS_TOPIC, is_internal};

/// The longest name, in letters: with a partition's number it must fit a directory's name.
const LONGEST: usize = 249;

/// Whether a topic's name has a letter that stands for another one in the names of metrics.
pub fn may_collide(topic: &str) -> bool {
    topic.contains(['_', '.'])
}

/// Whether two topics have the same name in metrics.
pub fn collide(one: &str, other: &str) -> bool {
    one.replace('.', "_") == other.replace('.', "_")
}

/// Whether this may be a topic's name.
///
/// # Errors
/// [`AdminError::InvalidTopic`] with Kafka's reason.
pub fn validate_topic(topic: &str) -> Result<(), AdminError> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let reason = if topic.is_empty() {
        "Topic name is illegal, it can't be empty".to_owned()
    } else if topic == "." || topic == ".." {
        "Topic name cannot be \".\" or \"..\"".to_owned()
    } else if topic.len() > LONGEST {
        format!("Topic name is illegal, it can't be longer than {LONGEST} characters, topic name: {topic}")
    } else if !topic.bytes().all(is_letter) {
        format!(
            "Topic name \"{topic}\" is illegal, it contains a character other than ASCII alphanumerics, '.', '_' and '-'"
        )
    } else {
        return Ok(());
    };
    Err(AdminError::InvalidTopic(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_kafka_judges_them() {
        for good in ["a", "A.b_c-9", &"x".repeat(249)] {
            assert_eq!(validate_topic(good), Ok(()));
        }
        for bad in ["", ".", "..", "a b", "ä", "a/b", &"x".repeat(250)] {
            assert!(validate_topic(bad).is_err(), "{bad}");
        }
        assert!(collide("a.b", "a_b") && !collide("a.b", "a-b"));
    }
}
