//! LeaderAndIsr

use crate::wire::message::table::message;

message! {
    LeaderAndIsr, versions 0-4, flexible 4+;

    request LeaderAndIsrRequest -> LeaderAndIsrResponse {
        controller_id: i32 [0+],
        controller_epoch: i32 [0+],
        broker_epoch: i64 [2+, ignorable] = -1,
        ungrouped_partition_states: Vec<LeaderAndIsrPartitionState> [0-1],
        topic_states: Vec<LeaderAndIsrTopicState> [2+],
        live_leaders: Vec<LeaderAndIsrLiveLeader> [0+],
    }

    struct LeaderAndIsrTopicState {
        topic_name: String [2+],
        partition_states: Vec<LeaderAndIsrPartitionState> [2+],
    }

    struct LeaderAndIsrLiveLeader {
        broker_id: i32 [0+],
        host_name: String [0+],
        port: i32 [0+],
    }

    struct LeaderAndIsrPartitionState {
        topic_name: String [0-1, ignorable],
        partition_index: i32 [0+],
        controller_epoch: i32 [0+],
        leader: i32 [0+],
        leader_epoch: i32 [0+],
        isr: Vec<i32> [0+],
        zk_version: i32 [0+],
        replicas: Vec<i32> [0+],
        adding_replicas: Vec<i32> [3+, ignorable],
        removing_replicas: Vec<i32> [3+, ignorable],
        is_new: bool [1+, ignorable],
    }

    response LeaderAndIsrResponse {
        error_code: i16 [0+],
        partition_errors: Vec<LeaderAndIsrPartitionError> [0+],
    }

    struct LeaderAndIsrPartitionError {
        topic_name: String [0+],
        partition_index: i32 [0+],
        error_code: i16 [0+],
    }
}
