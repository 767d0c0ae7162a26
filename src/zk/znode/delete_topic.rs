//! `/admin/delete_topics/TOPIC`: a topic that is to be deleted; it has no data.
//!
//! Pure.

/// The parent of all of them.
pub const PARENT: &str = "/admin/delete_topics";

/// The path that marks a topic.
pub fn path(topic: &str) -> String {
    format!("{PARENT}/{topic}")
}
