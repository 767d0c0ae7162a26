//! CreateTopics: topics made by the controller.
//!
//! v1 validation only, if asked for · v4 broker defaults for partitions and replicas · v5 the created topic
//! in the answer.

use crate::wire::message::table::message;

message! {
    CreateTopics, versions 0-6, flexible 5+;

    /// The topics.
    request CreateTopicsRequest -> CreateTopicsResponse {
        /// The topics.
        topics: Vec<CreatableTopic> [0+],
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+] = 60000,
        /// Whether it is only checked, not done.
        validate_only: bool [1+],
    }

    /// A topic to make.
    struct CreatableTopic {
        /// The name.
        name: String [0+],
        /// How many partitions; -1 for the broker's default or unknown.
        num_partitions: i32 [0+],
        /// How many replicas; -1 for the broker's default or unknown.
        replication_factor: i16 [0+],
        /// The replicas of each partition; none lets the broker assign them.
        assignments: Vec<CreatableReplicaAssignment> [0+],
        /// The configs.
        configs: Vec<CreateableTopicConfig> [0+],
    }

    /// The replicas of a partition.
    struct CreatableReplicaAssignment {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The replicas, the preferred leader first.
        broker_ids: Vec<i32> [0+],
    }

    /// A config of the new topic.
    struct CreateableTopicConfig {
        /// The name.
        name: String [0+],
        /// The value.
        value: Option<String> [0+, nullable 0+],
    }

    /// What came of each.
    response CreateTopicsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [2+, ignorable],
        /// The topics.
        topics: Vec<CreatableTopicResult> [0+],
    }

    /// A topic's result.
    struct CreatableTopicResult {
        /// The name.
        name: String [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [1+, nullable 0+, ignorable],
        /// Why the configs are not in the answer; 0 if they are.
        topic_config_error_code: i16 [5+, ignorable, tag 0],
        /// How many partitions; -1 for the broker's default or unknown.
        num_partitions: i32 [5+, ignorable] = -1,
        /// How many replicas; -1 for the broker's default or unknown.
        replication_factor: i16 [5+, ignorable] = -1,
        /// The configs.
        configs: Option<Vec<CreatableTopicConfigs>> [5+, nullable 5+, ignorable],
    }

    /// A config of the topic as made.
    struct CreatableTopicConfigs {
        /// The name.
        name: String [5+],
        /// The value.
        value: Option<String> [5+, nullable 5+],
        /// Whether it cannot be changed.
        read_only: bool [5+],
        /// Where the value comes from, as Kafka numbers its `ConfigSource`.
        config_source: i8 [5+, ignorable] = -1,
        /// Whether the value is kept secret.
        is_sensitive: bool [5+],
    }
}
