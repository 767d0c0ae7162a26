//! AlterClientQuotas: quotas of users, clients and addresses changed (KIP-546).
//!
//! One version.

use crate::wire::message::table::message;

message! {
    AlterClientQuotas, versions 0-0;

    /// The changes.
    request AlterClientQuotasRequest -> AlterClientQuotasResponse {
        /// The entities.
        entries: Vec<AlterClientQuotasEntryData> [0+],
        /// Whether it is only checked, not done.
        validate_only: bool [0+],
    }

    /// An entity and what concerns it.
    struct AlterClientQuotasEntryData {
        /// The entity's name, in its parts.
        entity: Vec<AlterClientQuotasEntityData> [0+],
        /// The changes.
        ops: Vec<OpData> [0+],
    }

    /// One part of an entity's name, such as its user.
    struct AlterClientQuotasEntityData {
        /// Its type: `user`, `client-id` or `ip`.
        entity_type: String [0+],
        /// The name; None for the default of its type.
        entity_name: Option<String> [0+, nullable 0+],
    }

    /// A change of one quota.
    struct OpData {
        /// The key.
        key: String [0+],
        /// The value.
        value: f64 [0+],
        /// Whether the quota is removed.
        remove: bool [0+],
    }

    /// What came of each.
    response AlterClientQuotasResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The entities.
        entries: Vec<EntryDataResponse> [0+],
    }

    /// An entity and what came of its changes.
    struct EntryDataResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The entity's name, in its parts.
        entity: Vec<AlterClientQuotasEntityData> [0+],
    }
}
