//! Metadata: brokers, topics, partitions and their leaders.
//!
//! v1 controller, racks, internal topics · v2 cluster id · v4 auto-creation by choice · v5 offline replicas ·
//! v7 leader epochs · v8 authorized operations.

use crate::wire::message::table::message;

message! {
    Metadata, versions 0-9, flexible 9+;

    /// The topics asked for.
    request MetadataRequest -> MetadataResponse {
        /// The topics; None for all, in version 0 none for all.
        topics: Option<Vec<MetadataRequestTopic>> [0+, nullable 1+],
        /// Whether topics that are missing may be made.
        allow_auto_topic_creation: bool [4+] = true,
        /// Whether the answer has the operations that the caller may do to the cluster.
        include_cluster_authorized_operations: bool [8+],
        /// Whether the answer has the operations that the caller may do to the topics.
        include_topic_authorized_operations: bool [8+],
    }

    /// A topic that is asked for.
    struct MetadataRequestTopic {
        /// The name.
        name: String [0+],
    }

    /// The cluster as the broker knows it.
    response MetadataResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [3+, ignorable],
        /// The live brokers.
        brokers: Vec<MetadataResponseBroker> [0+],
        /// The cluster's id.
        cluster_id: Option<String> [2+, nullable 2+, ignorable] = None,
        /// The controller's broker id; -1 where there is none.
        controller_id: i32 [1+, ignorable] = -1,
        /// The topics, each with its own error.
        topics: Vec<MetadataResponseTopic> [0+],
        /// Bits of what the caller may do to the cluster; `i32::MIN` where it did not ask.
        cluster_authorized_operations: i32 [8+] = i32::MIN,
    }

    /// A live broker.
    struct MetadataResponseBroker {
        /// The broker's id.
        node_id: i32 [0+],
        /// A host name or address.
        host: String [0+],
        /// Its port.
        port: i32 [0+],
        /// The broker's rack, if it has one.
        rack: Option<String> [1+, nullable 1+, ignorable] = None,
    }

    /// A topic.
    struct MetadataResponseTopic {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The name.
        name: String [0+],
        /// Whether the topic is Kafka's own.
        is_internal: bool [1+, ignorable],
        /// The partitions.
        partitions: Vec<MetadataResponsePartition> [0+],
        /// Bits of what the caller may do to the topic; `i32::MIN` where it did not ask.
        topic_authorized_operations: i32 [8+] = i32::MIN,
    }

    /// A partition.
    struct MetadataResponsePartition {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The partition's number.
        partition_index: i32 [0+],
        /// The leader's broker id; -1 for none.
        leader_id: i32 [0+],
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [7+, ignorable] = -1,
        /// All replicas, the preferred leader first.
        replica_nodes: Vec<i32> [0+],
        /// The replicas in sync.
        isr_nodes: Vec<i32> [0+],
        /// Replicas that are not alive.
        offline_replicas: Vec<i32> [5+, ignorable],
    }
}
