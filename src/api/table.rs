//! Every API that is built, one row each, in the order of their keys. ApiVersions advertises exactly these
//! rows.

use futures_util::future::BoxFuture;

use super::handling;
use super::{Exchange, admin, cluster, group, records, session, txn};
use crate::net::Answer;
use crate::security::AclOperation;
use crate::wire::api_key::ApiKey;
use crate::wire::codec::{Reader, WireError};
use crate::wire::message::fetch::FetchRequest;

/// An API and its handler.
#[doc(alias = "KafkaApis")]
pub struct ApiRow {
    /// The API.
    pub key: ApiKey,
    /// Decodes the request, handles it and encodes the answer.
    pub(super) handle: fn(Exchange, Reader) -> BoxFuture<'static, Result<Answer, WireError>>,
}

/// A row. The request is the type that the handler takes. Behind the handler stand:
///
/// - `needs OPERATION`: the operation on the cluster that the caller must be allowed for the request to be
///   handled at all; without it the handler authorizes by itself;
/// - `exempt FUNCTION`: requests that are never throttled, beside those of brokers
///   ([`ApiKey::is_cluster_action`]).
macro_rules! row {
    ($key:ident, $handler:path) => {
        row!(@ $key, |exchange, input| Box::pin(handling::run(exchange, input, $handler, |_| false)))
    };
    ($key:ident, $handler:path, exempt $exempt:expr) => {
        row!(@ $key, |exchange, input| Box::pin(handling::run(exchange, input, $handler, $exempt)))
    };
    ($key:ident, $handler:path, needs $operation:ident) => {
        row!(@ $key, |exchange, input| {
            Box::pin(handling::run_authorized(exchange, input, AclOperation::$operation, $handler))
        })
    };
    (@ $key:ident, $handle:expr) => {
        ApiRow { key: ApiKey::$key, handle: $handle }
    };
}

/// The table.
pub const ROWS: &[ApiRow] = &[
    row!(Produce, records::produce::handle),
    row!(Fetch, records::fetch::handle, exempt |request: &FetchRequest| request.replica_id >= 0),
    row!(ListOffsets, records::list_offsets::handle),
    row!(Metadata, admin::metadata::handle),
    row!(LeaderAndIsr, cluster::leader_and_isr::handle, needs ClusterAction),
    row!(StopReplica, cluster::stop_replica::handle, needs ClusterAction),
    row!(UpdateMetadata, cluster::update_metadata::handle, needs ClusterAction),
    row!(ControlledShutdown, cluster::controlled_shutdown::handle, needs ClusterAction),
    row!(OffsetCommit, group::offset_commit::handle),
    row!(OffsetFetch, group::offset_fetch::handle),
    row!(FindCoordinator, group::find_coordinator::handle),
    row!(JoinGroup, group::join_group::handle),
    row!(Heartbeat, group::heartbeat::handle),
    row!(LeaveGroup, group::leave_group::handle),
    row!(SyncGroup, group::sync_group::handle),
    row!(DescribeGroups, group::describe_groups::handle),
    row!(ListGroups, group::list_groups::handle),
    row!(ApiVersions, session::api_versions::handle),
    row!(CreateTopics, admin::create_topics::handle),
    row!(DeleteTopics, admin::delete_topics::handle),
    row!(DeleteRecords, records::delete_records::handle),
    row!(InitProducerId, txn::init_producer_id::handle),
    row!(OffsetForLeaderEpoch, records::offset_for_leader_epoch::handle),
    row!(AddPartitionsToTxn, txn::add_partitions_to_txn::handle),
    row!(AddOffsetsToTxn, txn::add_offsets_to_txn::handle),
    row!(EndTxn, txn::end_txn::handle),
    row!(WriteTxnMarkers, txn::write_txn_markers::handle, needs ClusterAction),
    row!(TxnOffsetCommit, group::txn_offset_commit::handle),
    row!(DescribeConfigs, admin::describe_configs::handle),
    row!(AlterConfigs, admin::alter_configs::handle),
    row!(AlterReplicaLogDirs, admin::alter_replica_log_dirs::handle),
    row!(DescribeLogDirs, admin::describe_log_dirs::handle),
    row!(CreatePartitions, admin::create_partitions::handle),
    row!(DeleteGroups, group::delete_groups::handle),
    row!(ElectLeaders, admin::elect_leaders::handle),
    row!(IncrementalAlterConfigs, admin::incremental_alter_configs::handle),
    row!(AlterPartitionReassignments, admin::alter_partition_reassignments::handle, needs Alter),
    row!(ListPartitionReassignments, admin::list_partition_reassignments::handle, needs Describe),
    row!(OffsetDelete, group::offset_delete::handle),
    row!(DescribeClientQuotas, admin::describe_client_quotas::handle),
    row!(AlterClientQuotas, admin::alter_client_quotas::handle),
    row!(AlterIsr, cluster::alter_isr::handle, needs ClusterAction),
];

/// The row of an API, if it is built.
pub fn row(key: ApiKey) -> Option<&'static ApiRow> {
    ROWS.iter().find(|row| row.key == key)
}
