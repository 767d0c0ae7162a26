//! What `--list` prints of topics.

use serde::Serialize;

use crate::admin::names;

/// The topics that were asked for, in the order of their names.
#[derive(Debug, Serialize)]
pub(crate) struct ListedTopics {
    pub topics: Vec<ListedTopic>,
}

/// A topic as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedTopic {
    pub name: String,
    /// Whether it is one of Kafka's own topics.
    pub internal: bool,
    /// Always false where a broker was asked.
    pub marked_for_deletion: bool,
}

impl ListedTopic {
    pub fn new(name: String, marked_for_deletion: bool) -> Self {
        Self { internal: names::is_internal(&name), name, marked_for_deletion }
    }

    /// Its line.
    pub fn line(&self) -> String {
        format!("{}{}", self.name, if self.marked_for_deletion { " - marked for deletion" } else { "" })
    }
}
