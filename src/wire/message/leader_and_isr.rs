//! LeaderAndIsr: the controller makes a broker leader or follower of partitions.
//!
//! v1 new partitions marked · v2 broker epoch, grouped by topic · v3 reassignments (KIP-455).

use crate::wire::message::table::message;

message! {
    LeaderAndIsr, versions 0-4, flexible 4+;

    /// Leadership of partitions the receiver has replicas of.
    request LeaderAndIsrRequest -> LeaderAndIsrResponse {
        /// The controller's broker id; -1 where there is none.
        controller_id: i32 [0+],
        /// The controller's epoch.
        controller_epoch: i32 [0+],
        /// The receiver's broker epoch as the sender knows it (KIP-380); -1 for unknown.
        broker_epoch: i64 [2+, ignorable] = -1,
        /// The partitions, each with its topic.
        ungrouped_partition_states: Vec<LeaderAndIsrPartitionState> [0-1],
        /// The topics.
        topic_states: Vec<LeaderAndIsrTopicState> [2+],
        /// Where the leaders can be reached.
        live_leaders: Vec<LeaderAndIsrLiveLeader> [0+],
    }

    /// A topic and its partitions.
    struct LeaderAndIsrTopicState {
        /// The topic's name.
        topic_name: String [2+],
        /// The partitions.
        partition_states: Vec<LeaderAndIsrPartitionState> [2+],
    }

    /// Where a leader can be reached.
    struct LeaderAndIsrLiveLeader {
        /// A broker's id.
        broker_id: i32 [0+],
        /// Its host name.
        host_name: String [0+],
        /// Its port.
        port: i32 [0+],
    }

    /// The leader, ISR and replicas of a partition.
    struct LeaderAndIsrPartitionState {
        /// The topic's name.
        topic_name: String [0-1, ignorable],
        /// The partition's number.
        partition_index: i32 [0+],
        /// The controller's epoch.
        controller_epoch: i32 [0+],
        /// The leader; -1 for none.
        leader: i32 [0+],
        /// The leader's epoch; -1 for unknown.
        leader_epoch: i32 [0+],
        /// The replicas in sync.
        isr: Vec<i32> [0+],
        /// The version of the partition's state znode.
        zk_version: i32 [0+],
        /// All replicas, the preferred leader first.
        replicas: Vec<i32> [0+],
        /// Replicas that a reassignment is adding.
        adding_replicas: Vec<i32> [3+, ignorable],
        /// Replicas that a reassignment will remove.
        removing_replicas: Vec<i32> [3+, ignorable],
        /// Whether the partition has just been made.
        is_new: bool [1+, ignorable],
    }

    /// What came of it, by partition.
    response LeaderAndIsrResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The results, by partition.
        partition_errors: Vec<LeaderAndIsrPartitionError> [0+],
    }

    /// A partition's result.
    struct LeaderAndIsrPartitionError {
        /// The topic's name.
        topic_name: String [0+],
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
