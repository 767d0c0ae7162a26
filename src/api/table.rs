//! Every API that is built, one row each, in the order of their keys: what ApiVersions advertises is exactly this.

use futures_util::future::BoxFuture;

use super::{Exchange, admin, cluster, records, session, txn};
use crate::net::Answer;
use crate::wire::api_key::ApiKey;
use crate::wire::codec::{Reader, WireError};
use crate::wire::frame;
use crate::wire::message::{Message, Request};

/// An API and its handler.
#[doc(alias = "KafkaApis")]
pub struct Row {
    /// The API.
    pub key: ApiKey,
    /// Decodes the request, handles it and encodes the answer.
    pub handle: fn(Exchange, Reader) -> BoxFuture<'static, Result<Answer, WireError>>,
}

/// A row whose handler turns a request into its response.
macro_rules! row {
    ($key:ident, $handler:path, $request:path) => {
        Row {
            key: ApiKey::$key,
            handle: |exchange, mut input| {
                Box::pin(async move {
                    let request = <$request>::decode(&mut input, exchange.version())?;
                    // The frame is not held while the handler waits.
                    drop(input);
                    let response: <$request as Request>::Response = $handler(&exchange, request).await;
                    Ok(Answer::Now(frame::response(&exchange.header, &response)?))
                })
            },
        }
    };
}

/// The table.
pub const ROWS: &[Row] = &[
    Row { key: ApiKey::Produce, handle: records::produce::handle },
    row!(Fetch, records::fetch::handle, crate::wire::message::fetch::FetchRequest),
    row!(ListOffsets, records::list_offsets::handle, crate::wire::message::list_offsets::ListOffsetRequest),
    row!(Metadata, admin::metadata::handle, crate::wire::message::metadata::MetadataRequest),
    row!(
        LeaderAndIsr,
        cluster::leader_and_isr::handle,
        crate::wire::message::leader_and_isr::LeaderAndIsrRequest
    ),
    row!(StopReplica, cluster::stop_replica::handle, crate::wire::message::stop_replica::StopReplicaRequest),
    row!(
        UpdateMetadata,
        cluster::update_metadata::handle,
        crate::wire::message::update_metadata::UpdateMetadataRequest
    ),
    row!(
        ControlledShutdown,
        cluster::controlled_shutdown::handle,
        crate::wire::message::controlled_shutdown::ControlledShutdownRequest
    ),
    row!(ApiVersions, session::api_versions::handle, crate::wire::message::api_versions::ApiVersionsRequest),
    row!(
        CreateTopics,
        admin::create_topics::handle,
        crate::wire::message::create_topics::CreateTopicsRequest
    ),
    row!(
        DeleteTopics,
        admin::delete_topics::handle,
        crate::wire::message::delete_topics::DeleteTopicsRequest
    ),
    row!(
        DeleteRecords,
        records::delete_records::handle,
        crate::wire::message::delete_records::DeleteRecordsRequest
    ),
    row!(
        InitProducerId,
        txn::init_producer_id::handle,
        crate::wire::message::init_producer_id::InitProducerIdRequest
    ),
    row!(
        OffsetForLeaderEpoch,
        records::offset_for_leader_epoch::handle,
        crate::wire::message::offset_for_leader_epoch::OffsetForLeaderEpochRequest
    ),
    row!(
        DescribeConfigs,
        admin::describe_configs::handle,
        crate::wire::message::describe_configs::DescribeConfigsRequest
    ),
    row!(
        AlterConfigs,
        admin::alter_configs::handle,
        crate::wire::message::alter_configs::AlterConfigsRequest
    ),
    row!(
        AlterReplicaLogDirs,
        admin::alter_replica_log_dirs::handle,
        crate::wire::message::alter_replica_log_dirs::AlterReplicaLogDirsRequest
    ),
    row!(
        DescribeLogDirs,
        admin::describe_log_dirs::handle,
        crate::wire::message::describe_log_dirs::DescribeLogDirsRequest
    ),
    row!(
        CreatePartitions,
        admin::create_partitions::handle,
        crate::wire::message::create_partitions::CreatePartitionsRequest
    ),
    row!(
        ElectLeaders,
        admin::elect_leaders::handle,
        crate::wire::message::elect_leaders::ElectLeadersRequest
    ),
    row!(
        IncrementalAlterConfigs,
        admin::incremental_alter_configs::handle,
        crate::wire::message::incremental_alter_configs::IncrementalAlterConfigsRequest
    ),
    row!(
        AlterPartitionReassignments,
        admin::alter_partition_reassignments::handle,
        crate::wire::message::alter_partition_reassignments::AlterPartitionReassignmentsRequest
    ),
    row!(
        ListPartitionReassignments,
        admin::list_partition_reassignments::handle,
        crate::wire::message::list_partition_reassignments::ListPartitionReassignmentsRequest
    ),
    row!(AlterIsr, cluster::alter_isr::handle, crate::wire::message::alter_isr::AlterIsrRequest),
];

/// The row of an API, where it is built.
pub fn row(key: ApiKey) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.key == key)
}
