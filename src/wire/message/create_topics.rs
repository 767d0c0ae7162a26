//! CreateTopics

use crate::wire::message::table::message;

message! {
    CreateTopics, versions 0-6, flexible 5+;

    request CreateTopicsRequest -> CreateTopicsResponse {
        topics: Vec<CreatableTopic> [0+],
        timeout_ms: i32 [0+] = 60000,
        validate_only: bool [1+],
    }

    struct CreatableTopic {
        name: String [0+],
        num_partitions: i32 [0+],
        replication_factor: i16 [0+],
        assignments: Vec<CreatableReplicaAssignment> [0+],
        configs: Vec<CreateableTopicConfig> [0+],
    }

    struct CreatableReplicaAssignment {
        partition_index: i32 [0+],
        broker_ids: Vec<i32> [0+],
    }

    struct CreateableTopicConfig {
        name: String [0+],
        value: Option<String> [0+, nullable 0+],
    }

    response CreateTopicsResponse {
        throttle_time_ms: i32 [2+, ignorable],
        topics: Vec<CreatableTopicResult> [0+],
    }

    struct CreatableTopicResult {
        name: String [0+],
        error_code: i16 [0+],
        error_message: Option<String> [1+, nullable 0+, ignorable],
        topic_config_error_code: i16 [5+, ignorable, tag 0],
        num_partitions: i32 [5+, ignorable] = -1,
        replication_factor: i16 [5+, ignorable] = -1,
        configs: Option<Vec<CreatableTopicConfigs>> [5+, nullable 5+, ignorable],
    }

    struct CreatableTopicConfigs {
        name: String [5+],
        value: Option<String> [5+, nullable 5+],
        read_only: bool [5+],
        config_source: i8 [5+, ignorable] = -1,
        is_sensitive: bool [5+],
    }
}
