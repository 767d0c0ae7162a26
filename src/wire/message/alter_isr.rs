//! AlterIsr: a leader asks the controller to change its ISR (KIP-497).
//!
//! Between brokers only.

use crate::wire::message::table::message;

message! {
    AlterIsr, versions 0-0, flexible 0+;

    /// The ISRs wanted.
    request AlterIsrRequest -> AlterIsrResponse {
        /// A broker's id.
        broker_id: i32 [0+],
        /// The receiver's broker epoch as the sender knows it (KIP-380); -1 for unknown.
        broker_epoch: i64 [0+] = -1,
        /// The topics.
        topics: Vec<TopicData> [0+],
    }

    /// A topic and its partitions.
    struct TopicData {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<PartitionData> [0+],
    }

    /// The ISR wanted for a partition.
    struct PartitionData {
        /// The partition's number.
        partition_index: i32 [0+],
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [0+],
        /// The ISR wanted.
        new_isr: Vec<i32> [0+],
        /// The version of the partition's state znode.
        current_isr_version: i32 [0+],
    }

    /// What holds now.
    response AlterIsrResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The topics.
        topics: Vec<TopicDataResponse> [0+],
    }

    /// A topic's results.
    struct TopicDataResponse {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<PartitionDataResponse> [0+],
    }

    /// What holds for a partition now.
    struct PartitionDataResponse {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The leader's broker id; -1 for none.
        leader_id: i32 [0+],
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [0+],
        /// The replicas in sync.
        isr: Vec<i32> [0+],
        /// The version of the partition's state znode.
        current_isr_version: i32 [0+],
    }
}
