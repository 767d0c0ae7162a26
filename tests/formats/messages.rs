//! Every message by its API's key: what the tests over all APIs have in common.

use barnabas::wire::api_key::ApiKey;
use barnabas::wire::message::{self, Message, Request};
use barnabas::wire::{Reader, WireError, Writer};
use bytes::Bytes;

/// Bytes read as a message and written again; what follows the message is in neither.
type Rewritten = Result<Bytes, WireError>;

fn rewrite<M: Message>(input: &mut Reader, version: i16) -> Rewritten {
    let message = M::decode(input, version)?;
    let mut out = Writer::new();
    message.encode(&mut out, version)?;
    Ok(out.into_bytes().expect("no records of these lie in files"))
}

macro_rules! apis {
    ($($key:ident $module:ident $request:ident;)*) => {
        /// Reads a request and writes it again.
        pub fn rewrite_request(key: ApiKey, version: i16, input: &mut Reader) -> Rewritten {
            match key {
                $(ApiKey::$key => rewrite::<message::$module::$request>(input, version),)*
            }
        }

        /// Reads a response and writes it again.
        pub fn rewrite_response(key: ApiKey, version: i16, input: &mut Reader) -> Rewritten {
            match key {
                $(ApiKey::$key => rewrite::<<message::$module::$request as Request>::Response>(input, version),)*
            }
        }
    };
}

apis! {
    Produce produce ProduceRequest;
    Fetch fetch FetchRequest;
    ListOffsets list_offsets ListOffsetRequest;
    Metadata metadata MetadataRequest;
    LeaderAndIsr leader_and_isr LeaderAndIsrRequest;
    StopReplica stop_replica StopReplicaRequest;
    UpdateMetadata update_metadata UpdateMetadataRequest;
    ControlledShutdown controlled_shutdown ControlledShutdownRequest;
    OffsetCommit offset_commit OffsetCommitRequest;
    OffsetFetch offset_fetch OffsetFetchRequest;
    FindCoordinator find_coordinator FindCoordinatorRequest;
    JoinGroup join_group JoinGroupRequest;
    Heartbeat heartbeat HeartbeatRequest;
    LeaveGroup leave_group LeaveGroupRequest;
    SyncGroup sync_group SyncGroupRequest;
    DescribeGroups describe_groups DescribeGroupsRequest;
    ListGroups list_groups ListGroupsRequest;
    SaslHandshake sasl_handshake SaslHandshakeRequest;
    ApiVersions api_versions ApiVersionsRequest;
    CreateTopics create_topics CreateTopicsRequest;
    DeleteTopics delete_topics DeleteTopicsRequest;
    DeleteRecords delete_records DeleteRecordsRequest;
    InitProducerId init_producer_id InitProducerIdRequest;
    OffsetForLeaderEpoch offset_for_leader_epoch OffsetForLeaderEpochRequest;
    AddPartitionsToTxn add_partitions_to_txn AddPartitionsToTxnRequest;
    AddOffsetsToTxn add_offsets_to_txn AddOffsetsToTxnRequest;
    EndTxn end_txn EndTxnRequest;
    WriteTxnMarkers write_txn_markers WriteTxnMarkersRequest;
    TxnOffsetCommit txn_offset_commit TxnOffsetCommitRequest;
    DescribeAcls describe_acls DescribeAclsRequest;
    CreateAcls create_acls CreateAclsRequest;
    DeleteAcls delete_acls DeleteAclsRequest;
    DescribeConfigs describe_configs DescribeConfigsRequest;
    AlterConfigs alter_configs AlterConfigsRequest;
    AlterReplicaLogDirs alter_replica_log_dirs AlterReplicaLogDirsRequest;
    DescribeLogDirs describe_log_dirs DescribeLogDirsRequest;
    SaslAuthenticate sasl_authenticate SaslAuthenticateRequest;
    CreatePartitions create_partitions CreatePartitionsRequest;
    CreateDelegationToken create_delegation_token CreateDelegationTokenRequest;
    RenewDelegationToken renew_delegation_token RenewDelegationTokenRequest;
    ExpireDelegationToken expire_delegation_token ExpireDelegationTokenRequest;
    DescribeDelegationToken describe_delegation_token DescribeDelegationTokenRequest;
    DeleteGroups delete_groups DeleteGroupsRequest;
    ElectLeaders elect_leaders ElectLeadersRequest;
    IncrementalAlterConfigs incremental_alter_configs IncrementalAlterConfigsRequest;
    AlterPartitionReassignments alter_partition_reassignments AlterPartitionReassignmentsRequest;
    ListPartitionReassignments list_partition_reassignments ListPartitionReassignmentsRequest;
    OffsetDelete offset_delete OffsetDeleteRequest;
    DescribeClientQuotas describe_client_quotas DescribeClientQuotasRequest;
    AlterClientQuotas alter_client_quotas AlterClientQuotasRequest;
    DescribeUserScramCredentials describe_user_scram_credentials DescribeUserScramCredentialsRequest;
    AlterUserScramCredentials alter_user_scram_credentials AlterUserScramCredentialsRequest;
    AlterIsr alter_isr AlterIsrRequest;
    UpdateFeatures update_features UpdateFeaturesRequest;
}
