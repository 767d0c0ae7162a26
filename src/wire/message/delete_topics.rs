//! DeleteTopics

use crate::wire::message::table::message;

message! {
    DeleteTopics, versions 0-5, flexible 4+;

    request DeleteTopicsRequest -> DeleteTopicsResponse {
        topic_names: Vec<String> [0+],
        timeout_ms: i32 [0+],
    }

    response DeleteTopicsResponse {
        throttle_time_ms: i32 [1+, ignorable],
        responses: Vec<DeletableTopicResult> [0+],
    }

    struct DeletableTopicResult {
        name: String [0+],
        error_code: i16 [0+],
        error_message: Option<String> [5+, nullable 5+, ignorable] = None,
    }
}
