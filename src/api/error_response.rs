//! The answer to a request that is refused as a whole: the response has the error in each of its error
//! fields.
//!
//! Kafka: `AbstractRequest.getErrorResponse`.

use super::txn::write_txn_markers;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::Request;
use crate::wire::message::alter_isr::{AlterIsrRequest, AlterIsrResponse};
use crate::wire::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartitionResponse,
    ReassignableTopicResponse,
};
use crate::wire::message::controlled_shutdown::{ControlledShutdownRequest, ControlledShutdownResponse};
use crate::wire::message::create_acls::{AclCreationResult, CreateAclsRequest, CreateAclsResponse};
use crate::wire::message::delete_acls::{DeleteAclsFilterResult, DeleteAclsRequest, DeleteAclsResponse};
use crate::wire::message::describe_acls::{DescribeAclsRequest, DescribeAclsResponse};
use crate::wire::message::leader_and_isr::{
    LeaderAndIsrPartitionError, LeaderAndIsrRequest, LeaderAndIsrResponse,
};
use crate::wire::message::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, OngoingPartitionReassignment,
    OngoingTopicReassignment,
};
use crate::wire::message::stop_replica::{
    StopReplicaPartitionError, StopReplicaRequest, StopReplicaResponse,
};
use crate::wire::message::update_metadata::{UpdateMetadataRequest, UpdateMetadataResponse};
use crate::wire::message::write_txn_markers::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};

/// A request that can be refused as a whole.
#[doc(alias = "getErrorResponse")]
pub(super) trait Refusable: Request {
    /// The answer with this error, and with this text where the response has a field for one.
    fn error_response(&self, error: ErrorCode, message: &str) -> Self::Response;
}

impl Refusable for LeaderAndIsrRequest {
    fn error_response(&self, error: ErrorCode, _: &str) -> LeaderAndIsrResponse {
        let failed = |topic: &str, partition_index| LeaderAndIsrPartitionError {
            topic_name: topic.to_owned(),
            partition_index,
            error_code: error.code(),
        };
        let ungrouped = self.ungrouped_partition_states.iter();
        let ungrouped = ungrouped.map(|state| failed(&state.topic_name, state.partition_index));
        let grouped = self.topic_states.iter().flat_map(|topic| {
            topic.partition_states.iter().map(|state| failed(&topic.topic_name, state.partition_index))
        });
        LeaderAndIsrResponse {
            error_code: error.code(),
            partition_errors: ungrouped.chain(grouped).collect(),
        }
    }
}

impl Refusable for StopReplicaRequest {
    fn error_response(&self, error: ErrorCode, _: &str) -> StopReplicaResponse {
        let failed = |topic: &str, partition_index| StopReplicaPartitionError {
            topic_name: topic.to_owned(),
            partition_index,
            error_code: error.code(),
        };
        let ungrouped = self.ungrouped_partitions.iter();
        let ungrouped = ungrouped.map(|it| failed(&it.topic_name, it.partition_index));
        let by_topic = self.topics.iter().flat_map(|topic| {
            topic.partition_indexes.iter().map(|partition| failed(&topic.name, *partition))
        });
        let by_state = self.topic_states.iter().flat_map(|topic| {
            topic.partition_states.iter().map(|state| failed(&topic.topic_name, state.partition_index))
        });
        let partition_errors = ungrouped.chain(by_topic).chain(by_state).collect();
        StopReplicaResponse { error_code: error.code(), partition_errors }
    }
}

impl Refusable for UpdateMetadataRequest {
    fn error_response(&self, error: ErrorCode, _: &str) -> UpdateMetadataResponse {
        UpdateMetadataResponse { error_code: error.code() }
    }
}

impl Refusable for ControlledShutdownRequest {
    fn error_response(&self, error: ErrorCode, _: &str) -> ControlledShutdownResponse {
        ControlledShutdownResponse { error_code: error.code(), ..Default::default() }
    }
}

impl Refusable for WriteTxnMarkersRequest {
    fn error_response(&self, error: ErrorCode, _: &str) -> WriteTxnMarkersResponse {
        write_txn_markers::refused(self, error)
    }
}

impl Refusable for AlterIsrRequest {
    fn error_response(&self, error: ErrorCode, _: &str) -> AlterIsrResponse {
        AlterIsrResponse { error_code: error.code(), ..Default::default() }
    }
}

impl Refusable for DescribeAclsRequest {
    fn error_response(&self, error: ErrorCode, message: &str) -> DescribeAclsResponse {
        let error_message = Some(message.to_owned());
        DescribeAclsResponse { error_code: error.code(), error_message, ..Default::default() }
    }
}

impl Refusable for CreateAclsRequest {
    fn error_response(&self, error: ErrorCode, message: &str) -> CreateAclsResponse {
        let refused =
            |_| AclCreationResult { error_code: error.code(), error_message: Some(message.to_owned()) };
        CreateAclsResponse { results: self.creations.iter().map(refused).collect(), ..Default::default() }
    }
}

impl Refusable for DeleteAclsRequest {
    fn error_response(&self, error: ErrorCode, message: &str) -> DeleteAclsResponse {
        let refused = |_| DeleteAclsFilterResult {
            error_code: error.code(),
            error_message: Some(message.to_owned()),
            ..Default::default()
        };
        DeleteAclsResponse {
            filter_results: self.filters.iter().map(refused).collect(),
            ..Default::default()
        }
    }
}

impl Refusable for AlterPartitionReassignmentsRequest {
    fn error_response(&self, error: ErrorCode, message: &str) -> AlterPartitionReassignmentsResponse {
        let responses = self.topics.iter().map(|topic| ReassignableTopicResponse {
            name: topic.name.clone(),
            partitions: topic
                .partitions
                .iter()
                .map(|partition| ReassignablePartitionResponse {
                    partition_index: partition.partition_index,
                    error_code: error.code(),
                    error_message: Some(message.to_owned()),
                })
                .collect(),
        });
        AlterPartitionReassignmentsResponse {
            error_code: error.code(),
            error_message: Some(message.to_owned()),
            responses: responses.collect(),
            ..Default::default()
        }
    }
}

impl Refusable for ListPartitionReassignmentsRequest {
    fn error_response(&self, error: ErrorCode, message: &str) -> ListPartitionReassignmentsResponse {
        let topics = self.topics.iter().flatten().map(|topic| OngoingTopicReassignment {
            name: topic.name.clone(),
            partitions: topic
                .partition_indexes
                .iter()
                .map(|partition| OngoingPartitionReassignment {
                    partition_index: *partition,
                    ..Default::default()
                })
                .collect(),
        });
        ListPartitionReassignmentsResponse {
            error_code: error.code(),
            error_message: Some(message.to_owned()),
            topics: topics.collect(),
            ..Default::default()
        }
    }
}
