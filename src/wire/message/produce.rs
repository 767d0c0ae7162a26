//! Produce

use crate::base::Records;
use crate::wire::message::table::message;

message! {
    Produce, versions 0-8;

    request ProduceRequest -> ProduceResponse {
        transactional_id: Option<String> [3+, nullable 0+] = None,
        acks: i16 [0+],
        timeout_ms: i32 [0+],
        topics: Vec<TopicProduceData> [0+],
    }

    struct TopicProduceData {
        name: String [0+],
        partitions: Vec<PartitionProduceData> [0+],
    }

    struct PartitionProduceData {
        partition_index: i32 [0+],
        records: Option<Records> [0+, nullable 0+],
    }

    response ProduceResponse {
        responses: Vec<TopicProduceResponse> [0+],
        throttle_time_ms: i32 [1+, ignorable],
    }

    struct TopicProduceResponse {
        name: String [0+],
        partitions: Vec<PartitionProduceResponse> [0+],
    }

    struct PartitionProduceResponse {
        partition_index: i32 [0+],
        error_code: i16 [0+],
        base_offset: i64 [0+],
        log_append_time_ms: i64 [2+, ignorable] = -1,
        log_start_offset: i64 [5+, ignorable] = -1,
        record_errors: Vec<BatchIndexAndErrorMessage> [8+, ignorable],
        error_message: Option<String> [8+, nullable 8+, ignorable] = None,
    }

    struct BatchIndexAndErrorMessage {
        batch_index: i32 [8+],
        batch_index_error_message: Option<String> [8+, nullable 8+] = None,
    }
}
