//! The APIs of Kafka 2.7.2 in ZooKeeper mode: their keys, names, versions.
//!
//! Pure. The versions are in the message tables; here one row an API leads to them. Never knows the handler
//! of an API. The keys 52 to 55 are the raft quorum's, which 2.7.2 does not serve with ZooKeeper. Kafka:
//! ApiKeys.

use std::fmt;
use std::ops::RangeInclusive;

use crate::wire::message::{self, Request};

/// The table of APIs: name, key, request.
macro_rules! api_keys {
    ($($name:ident = $key:literal, $module:ident::$request:ident;)*) => {
        /// An API, by the key that begins its requests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ApiKey {
            $(
                #[doc = concat!("Key ", $key, ": [`message::", stringify!($module), "`].")]
                $name = $key,
            )*
        }

        impl ApiKey {
            /// All of them, in the order of their keys.
            pub const ALL: &[ApiKey] = &[$(Self::$name),*];

            /// The API of this key, if there is one.
            pub fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($key => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name as Kafka prints it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The versions that 2.7.2 has.
            pub const fn versions(self) -> RangeInclusive<i16> {
                match self {
                    $(Self::$name => <message::$module::$request as Request>::VERSIONS,)*
                }
            }

            /// The first flexible version (KIP-482); `i16::MAX` where there is none.
            pub const fn flexible_from(self) -> i16 {
                match self {
                    $(Self::$name => <message::$module::$request as Request>::FLEXIBLE_FROM,)*
                }
            }
        }
    };
}

api_keys! {
    Produce = 0, produce::ProduceRequest;
    Fetch = 1, fetch::FetchRequest;
    ListOffsets = 2, list_offsets::ListOffsetRequest;
    Metadata = 3, metadata::MetadataRequest;
    LeaderAndIsr = 4, leader_and_isr::LeaderAndIsrRequest;
    StopReplica = 5, stop_replica::StopReplicaRequest;
    UpdateMetadata = 6, update_metadata::UpdateMetadataRequest;
    ControlledShutdown = 7, controlled_shutdown::ControlledShutdownRequest;
    OffsetCommit = 8, offset_commit::OffsetCommitRequest;
    OffsetFetch = 9, offset_fetch::OffsetFetchRequest;
    FindCoordinator = 10, find_coordinator::FindCoordinatorRequest;
    JoinGroup = 11, join_group::JoinGroupRequest;
    Heartbeat = 12, heartbeat::HeartbeatRequest;
    LeaveGroup = 13, leave_group::LeaveGroupRequest;
    SyncGroup = 14, sync_group::SyncGroupRequest;
    DescribeGroups = 15, describe_groups::DescribeGroupsRequest;
    ListGroups = 16, list_groups::ListGroupsRequest;
    SaslHandshake = 17, sasl_handshake::SaslHandshakeRequest;
    ApiVersions = 18, api_versions::ApiVersionsRequest;
    CreateTopics = 19, create_topics::CreateTopicsRequest;
    DeleteTopics = 20, delete_topics::DeleteTopicsRequest;
    DeleteRecords = 21, delete_records::DeleteRecordsRequest;
    InitProducerId = 22, init_producer_id::InitProducerIdRequest;
    OffsetForLeaderEpoch = 23, offset_for_leader_epoch::OffsetForLeaderEpochRequest;
    AddPartitionsToTxn = 24, add_partitions_to_txn::AddPartitionsToTxnRequest;
    AddOffsetsToTxn = 25, add_offsets_to_txn::AddOffsetsToTxnRequest;
    EndTxn = 26, end_txn::EndTxnRequest;
    WriteTxnMarkers = 27, write_txn_markers::WriteTxnMarkersRequest;
    TxnOffsetCommit = 28, txn_offset_commit::TxnOffsetCommitRequest;
    DescribeAcls = 29, describe_acls::DescribeAclsRequest;
    CreateAcls = 30, create_acls::CreateAclsRequest;
    DeleteAcls = 31, delete_acls::DeleteAclsRequest;
    DescribeConfigs = 32, describe_configs::DescribeConfigsRequest;
    AlterConfigs = 33, alter_configs::AlterConfigsRequest;
    AlterReplicaLogDirs = 34, alter_replica_log_dirs::AlterReplicaLogDirsRequest;
    DescribeLogDirs = 35, describe_log_dirs::DescribeLogDirsRequest;
    SaslAuthenticate = 36, sasl_authenticate::SaslAuthenticateRequest;
    CreatePartitions = 37, create_partitions::CreatePartitionsRequest;
    CreateDelegationToken = 38, create_delegation_token::CreateDelegationTokenRequest;
    RenewDelegationToken = 39, renew_delegation_token::RenewDelegationTokenRequest;
    ExpireDelegationToken = 40, expire_delegation_token::ExpireDelegationTokenRequest;
    DescribeDelegationToken = 41, describe_delegation_token::DescribeDelegationTokenRequest;
    DeleteGroups = 42, delete_groups::DeleteGroupsRequest;
    ElectLeaders = 43, elect_leaders::ElectLeadersRequest;
    IncrementalAlterConfigs = 44, incremental_alter_configs::IncrementalAlterConfigsRequest;
    AlterPartitionReassignments = 45, alter_partition_reassignments::AlterPartitionReassignmentsRequest;
    ListPartitionReassignments = 46, list_partition_reassignments::ListPartitionReassignmentsRequest;
    OffsetDelete = 47, offset_delete::OffsetDeleteRequest;
    DescribeClientQuotas = 48, describe_client_quotas::DescribeClientQuotasRequest;
    AlterClientQuotas = 49, alter_client_quotas::AlterClientQuotasRequest;
    DescribeUserScramCredentials = 50, describe_user_scram_credentials::DescribeUserScramCredentialsRequest;
    AlterUserScramCredentials = 51, alter_user_scram_credentials::AlterUserScramCredentialsRequest;
    AlterIsr = 56, alter_isr::AlterIsrRequest;
    UpdateFeatures = 57, update_features::UpdateFeaturesRequest;
}

impl ApiKey {
    /// The key itself.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether only brokers may send it (Kafka's cluster actions).
    pub const fn is_cluster_action(self) -> bool {
        matches!(
            self,
            Self::LeaderAndIsr
                | Self::StopReplica
                | Self::UpdateMetadata
                | Self::ControlledShutdown
                | Self::WriteTxnMarkers
                | Self::AlterIsr
        )
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
