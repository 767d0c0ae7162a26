//! What a ZooKeeper consumer subscribes to: topics by name, or a filter of all topics; each with a number of threads.
//!
//! Pure. Kafka: `TopicCount`.

use std::sync::Arc;

use super::topic_filter::{FilterKind, TopicFilter};
use crate::base::Millis;
use crate::zk::znode::consumer_registration::ConsumerRegistration;

/// The names of the ways to subscribe, as registrations have them.
const STATIC: &str = "static";
const WHITE_LIST: &str = "white_list";
const BLACK_LIST: &str = "black_list";

/// The subscription of a consumer.
#[derive(Clone, Debug)]
pub enum TopicCount {
    /// These topics, each with a number of threads.
    Static(Vec<(Arc<str>, i32)>),
    /// All topics that a filter allows, those that are created later included.
    Wildcard {
        /// Which ones.
        filter: TopicFilter,
        /// How many threads read each of them.
        threads: i32,
    },
}

impl TopicCount {
    /// One thread for the topics that a filter allows.
    pub fn by_filter(filter: TopicFilter) -> Self {
        Self::Wildcard { filter, threads: 1 }
    }

    /// The registration of a consumer with this subscription.
    pub(super) fn registration(&self, timestamp: Millis) -> ConsumerRegistration {
        let (pattern, subscription) = match self {
            Self::Static(topics) => {
                let topics = topics.iter().map(|(topic, threads)| (topic.to_string(), *threads));
                (STATIC, topics.collect())
            }
            Self::Wildcard { filter, threads } => {
                let pattern = match filter.kind() {
                    FilterKind::Whitelist => WHITE_LIST,
                    FilterKind::Blacklist => BLACK_LIST,
                };
                (pattern, vec![(filter.text().to_owned(), *threads)])
            }
        };
        ConsumerRegistration { subscription, pattern: pattern.to_owned(), timestamp }
    }

    /// The subscription in a consumer's registration.
    pub fn of_registration(registration: &ConsumerRegistration) -> Self {
        let kind = match registration.pattern.as_str() {
            WHITE_LIST => Some(FilterKind::Whitelist),
            BLACK_LIST => Some(FilterKind::Blacklist),
            _ => None,
        };
        match (kind, registration.subscription.first()) {
            (Some(kind), Some((text, threads))) => {
                let filter = TopicFilter::of_registration(kind, text);
                Self::Wildcard { filter, threads: *threads }
            }
            _ => {
                let topics = registration.subscription.iter();
                Self::Static(topics.map(|(topic, threads)| (topic.as_str().into(), *threads)).collect())
            }
        }
    }

    /// Whether the names of all topics are needed.
    pub(super) fn is_wildcard(&self) -> bool {
        matches!(self, Self::Wildcard { .. })
    }

    /// The topics that it means, of all that there are, each with a number of threads.
    pub fn topics<'a>(
        &self,
        all: impl Iterator<Item = &'a Arc<str>>,
        exclude_internal: bool,
    ) -> Vec<(Arc<str>, i32)> {
        match self {
            Self::Static(topics) => topics.clone(),
            Self::Wildcard { filter, threads } => {
                let allowed = all.filter(|topic| filter.allows(topic, exclude_internal));
                allowed.map(|topic| (topic.clone(), *threads)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
