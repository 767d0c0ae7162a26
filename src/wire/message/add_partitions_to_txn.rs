//! AddPartitionsToTxn

use crate::wire::message::table::message;

message! {
    AddPartitionsToTxn, versions 0-2;

    request AddPartitionsToTxnRequest -> AddPartitionsToTxnResponse {
        transactional_id: String [0+],
        producer_id: i64 [0+],
        producer_epoch: i16 [0+],
        topics: Vec<AddPartitionsToTxnTopic> [0+],
    }

    struct AddPartitionsToTxnTopic {
        name: String [0+],
        partitions: Vec<i32> [0+],
    }

    response AddPartitionsToTxnResponse {
        throttle_time_ms: i32 [0+],
        results: Vec<AddPartitionsToTxnTopicResult> [0+],
    }

    struct AddPartitionsToTxnTopicResult {
        name: String [0+],
        results: Vec<AddPartitionsToTxnPartitionResult> [0+],
    }

    struct AddPartitionsToTxnPartitionResult {
        partition_index: i32 [0+],
        error_code: i16 [0+],
    }
}
