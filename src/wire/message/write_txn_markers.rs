//! WriteTxnMarkers: the coordinator has markers written where a transaction wrote.
//!
//! Between brokers only.

use crate::wire::message::table::message;

message! {
    WriteTxnMarkers, versions 0-0;

    /// The markers.
    request WriteTxnMarkersRequest -> WriteTxnMarkersResponse {
        /// The markers.
        markers: Vec<WritableTxnMarker> [0+],
    }

    /// A transaction's marker and where it goes.
    struct WritableTxnMarker {
        /// The producer's id; -1 for none.
        producer_id: i64 [0+],
        /// The producer's epoch; -1 for none.
        producer_epoch: i16 [0+],
        /// Whether the transaction was committed, else aborted.
        transaction_result: bool [0+],
        /// The topics.
        topics: Vec<WritableTxnMarkerTopic> [0+],
        /// The transaction coordinator's epoch.
        coordinator_epoch: i32 [0+],
    }

    /// A topic and its partitions.
    struct WritableTxnMarkerTopic {
        /// The name.
        name: String [0+],
        /// The partitions' numbers.
        partition_indexes: Vec<i32> [0+],
    }

    /// What came of each.
    response WriteTxnMarkersResponse {
        /// The markers.
        markers: Vec<WritableTxnMarkerResult> [0+],
    }

    /// A marker's results.
    struct WritableTxnMarkerResult {
        /// The producer's id; -1 for none.
        producer_id: i64 [0+],
        /// The topics.
        topics: Vec<WritableTxnMarkerTopicResult> [0+],
    }

    /// A topic's results.
    struct WritableTxnMarkerTopicResult {
        /// The name.
        name: String [0+],
        /// The partitions.
        partitions: Vec<WritableTxnMarkerPartitionResult> [0+],
    }

    /// A partition's result.
    struct WritableTxnMarkerPartitionResult {
        /// The partition's number.
        partition_index: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
    }
}
