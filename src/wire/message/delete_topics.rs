//! DeleteTopics: topics removed by the controller.
//!
//! v5 error messages.

use crate::wire::message::table::message;

message! {
    DeleteTopics, versions 0-5, flexible 4+;

    /// The topics.
    request DeleteTopicsRequest -> DeleteTopicsResponse {
        /// The topics to delete.
        topic_names: Vec<String> [0+],
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+],
    }

    /// What came of each.
    response DeleteTopicsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// The results.
        responses: Vec<DeletableTopicResult> [0+],
    }

    /// A topic's result.
    struct DeletableTopicResult {
        /// The name.
        name: String [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [5+, nullable 5+, ignorable] = None,
    }
}
