//! AlterIsr

use crate::wire::message::table::message;

message! {
    AlterIsr, versions 0-0, flexible 0+;

    request AlterIsrRequest -> AlterIsrResponse {
        broker_id: i32 [0+],
        broker_epoch: i64 [0+] = -1,
        topics: Vec<TopicData> [0+],
    }

    struct TopicData {
        name: String [0+],
        partitions: Vec<PartitionData> [0+],
    }

    struct PartitionData {
        partition_index: i32 [0+],
        leader_epoch: i32 [0+],
        new_isr: Vec<i32> [0+],
        current_isr_version: i32 [0+],
    }

    response AlterIsrResponse {
        throttle_time_ms: i32 [0+],
        error_code: i16 [0+],
        topics: Vec<TopicDataResponse> [0+],
    }

    struct TopicDataResponse {
        name: String [0+],
        partitions: Vec<PartitionDataResponse> [0+],
    }

    struct PartitionDataResponse {
        partition_index: i32 [0+],
        error_code: i16 [0+],
        leader_id: i32 [0+],
        leader_epoch: i32 [0+],
        isr: Vec<i32> [0+],
        current_isr_version: i32 [0+],
    }
}
