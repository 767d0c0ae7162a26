//! StopReplica: the controller stops replicas on a broker, and maybe deletes their logs.
//!
//! v1 broker epoch, grouped by topic · v3 leader epochs, deletion by partition.

use crate::wire::message::table::message;

message! {
    StopReplica, versions 0-3, flexible 2+;

    /// The replicas to stop.
    request StopReplicaRequest -> StopReplicaResponse {
        /// The controller's broker id; -1 where there is none.
        controller_id: i32 [0+],
        /// The controller's epoch.
        controller_epoch: i32 [0+],
        /// The receiver's broker epoch as the sender knows it (KIP-380); -1 for unknown.
        broker_epoch: i64 [1+, ignorable] = -1,
        /// Whether the replicas' logs go too.
        delete_partitions: bool [0-2],
        /// The partitions, each with its topic.
        ungrouped_partitions: Vec<StopReplicaPartitionV0> [0-0],
        /// The topics.
        topics: Vec<StopReplicaTopicV1> [1-2],
        /// The topics.
        topic_states: Vec<StopReplicaTopicState> [3+],
    }

    /// A partition.
    struct StopReplicaPartitionV0 {
        /// The topic's name.
        topic_name: String [0-0],
        /// The partition's number.
        partition_index: i32 [0-0],
    }

    /// A topic and its partitions.
    struct StopReplicaTopicV1 {
        /// The name.
        name: String [1-2],
        /// The partitions' numbers.
        partition_indexes: Vec<i32> [1-2],
    }

    /// A topic and its partitions.
    struct StopReplicaTopicState {
        /// The topic's name.
        topic_name: String [3+],
        /// The partitions.
        partition_states: Vec<StopReplicaPartitionState> [3+],
    }

    /// A replica to stop.
    struct StopReplicaPartitionState {
        /// The partition's number.
        partition_index: i32 [3+],
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [3+] = -1,
        /// Whether the replica's log goes too.
        delete_partition: bool [3+],
    }

    /// What came of it, by partition.
    response StopReplicaResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The results, by partition.
        partition_errors: Vec<StopReplicaPartitionError> [0+],
    }

    /// A partition's result.
    struct StopReplicaPartitionError {
        /// The topic's name.
        topic_name: String [0+],
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
