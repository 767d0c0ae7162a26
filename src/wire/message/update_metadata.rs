//! UpdateMetadata

use crate::wire::message::table::message;

message! {
    UpdateMetadata, versions 0-6, flexible 6+;

    request UpdateMetadataRequest -> UpdateMetadataResponse {
        controller_id: i32 [0+],
        controller_epoch: i32 [0+],
        broker_epoch: i64 [5+, ignorable] = -1,
        ungrouped_partition_states: Vec<UpdateMetadataPartitionState> [0-4],
        topic_states: Vec<UpdateMetadataTopicState> [5+],
        live_brokers: Vec<UpdateMetadataBroker> [0+],
    }

    struct UpdateMetadataTopicState {
        topic_name: String [5+],
        partition_states: Vec<UpdateMetadataPartitionState> [5+],
    }

    struct UpdateMetadataBroker {
        id: i32 [0+],
        v0_host: String [0-0, ignorable],
        v0_port: i32 [0-0, ignorable],
        endpoints: Vec<UpdateMetadataEndpoint> [1+, ignorable],
        rack: Option<String> [2+, nullable 0+, ignorable],
    }

    struct UpdateMetadataEndpoint {
        port: i32 [1+],
        host: String [1+],
        listener: String [3+, ignorable],
        security_protocol: i16 [1+],
    }

    struct UpdateMetadataPartitionState {
        topic_name: String [0-4, ignorable],
        partition_index: i32 [0+],
        controller_epoch: i32 [0+],
        leader: i32 [0+],
        leader_epoch: i32 [0+],
        isr: Vec<i32> [0+],
        zk_version: i32 [0+],
        replicas: Vec<i32> [0+],
        offline_replicas: Vec<i32> [4+, ignorable],
    }

    response UpdateMetadataResponse {
        error_code: i16 [0+],
    }
}
