//! ControlledShutdown

use crate::wire::message::table::message;

message! {
    ControlledShutdown, versions 0-3, flexible 3+;

    request ControlledShutdownRequest -> ControlledShutdownResponse {
        broker_id: i32 [0+],
        broker_epoch: i64 [2+, ignorable] = -1,
    }

    response ControlledShutdownResponse {
        error_code: i16 [0+],
        remaining_partitions: Vec<RemainingPartition> [0+],
    }

    struct RemainingPartition {
        topic_name: String [0+],
        partition_index: i32 [0+],
    }
}
