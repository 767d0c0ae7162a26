//! DeleteAcls: access rules removed, by filters.
//!
//! v1 pattern types.

use crate::wire::message::table::message;

message! {
    DeleteAcls, versions 0-2, flexible 2+;

    /// The filters.
    request DeleteAclsRequest -> DeleteAclsResponse {
        /// The filters.
        filters: Vec<DeleteAclsFilter> [0+],
    }

    /// A filter of rules.
    struct DeleteAclsFilter {
        /// The resource's type, as Kafka numbers its `ResourceType`.
        resource_type_filter: i8 [0+],
        /// The resource's name; None for any.
        resource_name_filter: Option<String> [0+, nullable 0+],
        /// How the name is matched, as Kafka numbers its `PatternType`; 3 literally.
        pattern_type_filter: i8 [1+] = 3,
        /// The principal; None for any.
        principal_filter: Option<String> [0+, nullable 0+],
        /// The host; None for any.
        host_filter: Option<String> [0+, nullable 0+],
        /// The operation, as Kafka numbers its `AclOperation`.
        operation: i8 [0+],
        /// 2 denies, 3 allows.
        permission_type: i8 [0+],
    }

    /// What each filter removed.
    response DeleteAclsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What each filter removed, in their order.
        filter_results: Vec<DeleteAclsFilterResult> [0+],
    }

    /// What a filter removed.
    struct DeleteAclsFilterResult {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The rules that matched.
        matching_acls: Vec<DeleteAclsMatchingAcl> [0+],
    }

    /// A rule that matched.
    struct DeleteAclsMatchingAcl {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The resource's type, as Kafka numbers it.
        resource_type: i8 [0+],
        /// The resource's name.
        resource_name: String [0+],
        /// How the name is matched, as Kafka numbers its `PatternType`; 3 literally.
        pattern_type: i8 [1+] = 3,
        /// The principal, as `Type:name`.
        principal: String [0+],
        /// A host name or address.
        host: String [0+],
        /// The operation, as Kafka numbers its `AclOperation`.
        operation: i8 [0+],
        /// 2 denies, 3 allows.
        permission_type: i8 [0+],
    }
}
