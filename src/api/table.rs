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
    row!(SaslHandshake, session::sasl_handshake::handle),
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
    row!(DescribeAcls, admin::describe_acls::handle, needs Describe),
    row!(CreateAcls, admin::create_acls::handle, needs Alter),
    row!(DeleteAcls, admin::delete_acls::handle, needs Alter),
    row!(DescribeConfigs, admin::describe_configs::handle),
    row!(AlterConfigs, admin::alter_configs::handle),
    row!(AlterReplicaLogDirs, admin::alter_replica_log_dirs::handle),
    row!(DescribeLogDirs, admin::describe_log_dirs::handle),
    row!(SaslAuthenticate, session::sasl_authenticate::handle),
    row!(CreatePartitions, admin::create_partitions::handle),
    row!(DeleteGroups, group::delete_groups::handle),
    row!(ElectLeaders, admin::elect_leaders::handle),
    row!(IncrementalAlterConfigs, admin::incremental_alter_configs::handle),
    row!(AlterPartitionReassignments, admin::alter_partition_reassignments::handle, needs Alter),
    row!(ListPartitionReassignments, admin::list_partition_reassignments::handle, needs Describe),
    row!(OffsetDelete, group::offset_delete::handle),
    row!(DescribeClientQuotas, admin::describe_client_quotas::handle),
    row!(AlterClientQuotas, admin::alter_client_quotas::handle),
    row!(DescribeUserScramCredentials, admin::describe_user_scram_credentials::handle),
    row!(AlterUserScramCredentials, admin::alter_user_scram_credentials::handle),
    row!(AlterIsr, cluster::alter_isr::handle, needs ClusterAction),
    row!(UpdateFeatures, admin::update_features::handle),
];

/// The row of an API, if it is built.
pub fn row(key: ApiKey) -> Option<&'static ApiRow> {
    ROWS.iter().find(|row| row.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a broker of 2.7.2 advertises: key, lowest and highest version.
    const KAFKA: [(i16, i16, i16); 54] = [
        (0, 0, 8),
        (1, 0, 12),
        (2, 0, 5),
        (3, 0, 9),
        (4, 0, 4),
        (5, 0, 3),
        (6, 0, 6),
        (7, 0, 3),
        (8, 0, 8),
        (9, 0, 7),
        (10, 0, 3),
        (11, 0, 7),
        (12, 0, 4),
        (13, 0, 4),
        (14, 0, 5),
        (15, 0, 5),
        (16, 0, 4),
        (17, 0, 1),
        (18, 0, 3),
        (19, 0, 6),
        (20, 0, 5),
        (21, 0, 2),
        (22, 0, 4),
        (23, 0, 3),
        (24, 0, 2),
        (25, 0, 2),
        (26, 0, 2),
        (27, 0, 0),
        (28, 0, 3),
        (29, 0, 2),
        (30, 0, 2),
        (31, 0, 2),
        (32, 0, 3),
        (33, 0, 1),
        (34, 0, 1),
        (35, 0, 2),
        (36, 0, 2),
        (37, 0, 3),
        (38, 0, 2),
        (39, 0, 2),
        (40, 0, 2),
        (41, 0, 2),
        (42, 0, 2),
        (43, 0, 2),
        (44, 0, 1),
        (45, 0, 0),
        (46, 0, 0),
        (47, 0, 0),
        (48, 0, 0),
        (49, 0, 0),
        (50, 0, 0),
        (51, 0, 0),
        (56, 0, 0),
        (57, 0, 0),
    ];

    /// Delegation tokens.
    const SECURITY: [i16; 4] = [38, 39, 40, 41];

    #[test]
    fn every_api_of_kafka_is_there_but_those_of_security() {
        let built = KAFKA.into_iter().filter(|(key, ..)| !SECURITY.contains(key));
        let here = ROWS.iter().map(|row| {
            let versions = row.key.versions();
            (row.key.code(), *versions.start(), *versions.end())
        });
        assert_eq!(here.collect::<Vec<_>>(), built.collect::<Vec<_>>());
    }
}
