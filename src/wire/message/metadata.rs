//! Metadata

use crate::wire::message::table::message;

message! {
    Metadata, versions 0-9, flexible 9+;

    request MetadataRequest -> MetadataResponse {
        topics: Option<Vec<MetadataRequestTopic>> [0+, nullable 1+],
        allow_auto_topic_creation: bool [4+] = true,
        include_cluster_authorized_operations: bool [8+],
        include_topic_authorized_operations: bool [8+],
    }

    struct MetadataRequestTopic {
        name: String [0+],
    }

    response MetadataResponse {
        throttle_time_ms: i32 [3+, ignorable],
        brokers: Vec<MetadataResponseBroker> [0+],
        cluster_id: Option<String> [2+, nullable 2+, ignorable] = None,
        controller_id: i32 [1+, ignorable] = -1,
        topics: Vec<MetadataResponseTopic> [0+],
        cluster_authorized_operations: i32 [8+] = i32::MIN,
    }

    struct MetadataResponseBroker {
        node_id: i32 [0+],
        host: String [0+],
        port: i32 [0+],
        rack: Option<String> [1+, nullable 1+, ignorable] = None,
    }

    struct MetadataResponseTopic {
        error_code: i16 [0+],
        name: String [0+],
        is_internal: bool [1+, ignorable],
        partitions: Vec<MetadataResponsePartition> [0+],
        topic_authorized_operations: i32 [8+] = i32::MIN,
    }

    struct MetadataResponsePartition {
        error_code: i16 [0+],
        partition_index: i32 [0+],
        leader_id: i32 [0+],
        leader_epoch: i32 [7+, ignorable] = -1,
        replica_nodes: Vec<i32> [0+],
        isr_nodes: Vec<i32> [0+],
        offline_replicas: Vec<i32> [5+, ignorable],
    }
}
