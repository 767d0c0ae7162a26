//! The messages: one file an API, its request and response as tables of fields and versions.
//!
//! Names, versions, defaults and nullability are those of Kafka 2.7.2's message schemas (`isr_nodes` is its
//! `IsrNodes`); the file of the macro describes what a table yields. A field that a version lacks reads as
//! its default. Nullable fields begin as empty, not as None, unless the schema has null as the default: set
//! None where null is meant.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use crate::wire::api_key::ApiKey;
use crate::wire::codec::{Reader, WireError, Writer};

#[cfg(test)]
mod any;
mod table;
#[cfg(test)]
mod tests;

pub mod add_offsets_to_txn;
pub mod add_partitions_to_txn;
pub mod alter_client_quotas;
pub mod alter_configs;
pub mod alter_isr;
pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod alter_user_scram_credentials;
pub mod api_versions;
pub mod controlled_shutdown;
pub mod create_acls;
pub mod create_delegation_token;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_acls;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_acls;
pub mod describe_client_quotas;
pub mod describe_configs;
pub mod describe_delegation_token;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_user_scram_credentials;
pub mod elect_leaders;
pub mod end_txn;
pub mod expire_delegation_token;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leader_and_isr;
pub mod leave_group;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod renew_delegation_token;
pub mod sasl_authenticate;
pub mod sasl_handshake;
pub mod stop_replica;
pub mod sync_group;
pub mod txn_offset_commit;
pub mod update_features;
pub mod update_metadata;
pub mod write_txn_markers;

/// A request or a response, at any of its versions.
pub trait Message: Sized + Clone + Debug + PartialEq + Default {
    /// Reads one; what follows it is left unread.
    ///
    /// # Errors
    /// There is no such version, or the bytes are none of it.
    fn decode(input: &mut Reader, version: i16) -> Result<Self, WireError>;

    /// Writes it.
    ///
    /// # Errors
    /// There is no such version, or it cannot carry what a field holds.
    fn encode(&self, out: &mut Writer, version: i16) -> Result<(), WireError>;
}

/// A request of an API.
pub trait Request: Message + Send + Sync + 'static {
    /// The API.
    const KEY: ApiKey;
    /// The versions of 2.7.2.
    const VERSIONS: RangeInclusive<i16>;
    /// The first flexible version; `i16::MAX` where there is none.
    const FLEXIBLE_FROM: i16;
    /// What answers it, at the same version.
    type Response: ResponseMessage;
}

/// A response of an API.
#[doc(alias = "AbstractResponse")]
pub trait ResponseMessage: Message + Send + 'static {
    /// The field with the time for which the receiver is throttled, in milliseconds; None for a response
    /// without one. A version without the field drops its value.
    fn throttle_time_ms(&mut self) -> Option<&mut i32>;

    /// Passes on every error code in it, 0 too, each with its depth: 0 for that of the response itself, 1 for those of
    /// a list in it, and so on.
    fn error_codes(&self, found: &mut dyn FnMut(usize, i16));
}
