//! DescribeClientQuotas: quotas of users, clients and addresses (KIP-546).
//!
//! One version.

use crate::wire::message::table::message;

message! {
    DescribeClientQuotas, versions 0-0;

    /// Which entities.
    request DescribeClientQuotasRequest -> DescribeClientQuotasResponse {
        /// What an entity must be to be described.
        components: Vec<ComponentData> [0+],
        /// Whether entities with further parts are left out.
        strict: bool [0+],
    }

    /// What one part of an entity's name must be.
    struct ComponentData {
        /// Its type: `user`, `client-id` or `ip`.
        entity_type: String [0+],
        /// 0 exactly this name, 1 the default, 2 any name.
        match_type: i8 [0+],
        /// The name that is matched, where one is.
        r#match: Option<String> [0+, nullable 0+],
    }

    /// Their quotas.
    response DescribeClientQuotasResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The entities.
        entries: Option<Vec<EntryData>> [0+, nullable 0+],
    }

    /// An entity and what concerns it.
    struct EntryData {
        /// The entity's name, in its parts.
        entity: Vec<EntityData> [0+],
        /// The quotas.
        values: Vec<ValueData> [0+],
    }

    /// One part of an entity's name, such as its user.
    struct EntityData {
        /// Its type: `user`, `client-id` or `ip`.
        entity_type: String [0+],
        /// The name; None for the default of its type.
        entity_name: Option<String> [0+, nullable 0+],
    }

    /// A quota.
    struct ValueData {
        /// The key.
        key: String [0+],
        /// The value.
        value: f64 [0+],
    }
}
