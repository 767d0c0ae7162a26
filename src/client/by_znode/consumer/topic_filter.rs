//! A filter of topics by a regular expression, as tools and ZooKeeper consumers read it.
//!
//! Pure. Kafka: `TopicFilter`, `Whitelist`, `Blacklist`.

use regex::Regex;

use crate::base::internal_topics::is_internal;

/// Which of all topics are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterKind {
    /// Those that match.
    Whitelist,
    /// Those that do not match.
    Blacklist,
}

/// A text that is no regular expression. Kafka's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is an invalid regex.")]
pub struct BadFilter(String);

/// A filter of topics by a regular expression.
#[derive(Clone, Debug)]
pub struct TopicFilter {
    kind: FilterKind,
    text: String,
    /// None matches nothing.
    pattern: Option<Regex>,
}

impl TopicFilter {
    /// Reads a filter as Kafka does: a list separated by commas means any of its items; spaces, and quotes around it,
    /// are dropped.
    ///
    /// # Errors
    /// [`BadFilter`].
    pub fn new(kind: FilterKind, text: &str) -> Result<Self, BadFilter> {
        let text = text.trim().replace(',', "|").replace(' ', "");
        let text = text.trim_start_matches(['"', '\'']).trim_end_matches(['"', '\'']).to_owned();
        let pattern = whole(&text).ok_or_else(|| BadFilter(text.clone()))?;
        Ok(Self { kind, text, pattern: Some(pattern) })
    }

    /// As another consumer has written it. What cannot be read matches nothing.
    pub(super) fn of_registration(kind: FilterKind, text: &str) -> Self {
        Self { kind, text: text.to_owned(), pattern: whole(text) }
    }

    /// Which topics it means.
    pub fn kind(&self) -> FilterKind {
        self.kind
    }

    /// The expression, as it is written in a registration.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a topic is wanted.
    pub fn allows(&self, topic: &str, exclude_internal: bool) -> bool {
        let matches = self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(topic));
        matches == (self.kind == FilterKind::Whitelist) && !(exclude_internal && is_internal(topic))
    }
}

/// A pattern that matches whole names.
fn whole(text: &str) -> Option<Regex> {
    Regex::new(&format!("^(?:{text})$")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(kind: FilterKind, text: &str, exclude_internal: bool) -> Vec<&'static str> {
        let filter = TopicFilter::new(kind, text).unwrap();
        let all = ["a", "ab", "b", "bb", "__consumer_offsets"];
        all.into_iter().filter(|topic| filter.allows(topic, exclude_internal)).collect()
    }

    #[test]
    fn a_filter_matches_whole_names() {
        assert_eq!(chosen(FilterKind::Whitelist, "a", true), ["a"]);
        assert_eq!(chosen(FilterKind::Whitelist, "a.*", true), ["a", "ab"]);
        assert_eq!(chosen(FilterKind::Whitelist, ".*", true), ["a", "ab", "b", "bb"]);
        assert_eq!(chosen(FilterKind::Blacklist, "a.*", true), ["b", "bb"]);
        assert_eq!(chosen(FilterKind::Blacklist, "a.*", false), ["b", "bb", "__consumer_offsets"]);
    }

    #[test]
    fn a_list_means_any_of_its_patterns() {
        assert_eq!(chosen(FilterKind::Whitelist, "\"a.*, b\"", true), ["a", "ab", "b"]);
        assert_eq!(chosen(FilterKind::Whitelist, " 'a , b' ", true), ["a", "b"]);
        let refusal = TopicFilter::new(FilterKind::Whitelist, "*").unwrap_err();
        assert_eq!(refusal.to_string(), "* is an invalid regex.");
    }
}
