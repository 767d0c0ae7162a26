//! CreateAcls: access rules added.
//!
//! v1 pattern types.

use crate::wire::message::table::message;

message! {
    CreateAcls, versions 0-2, flexible 2+;

    /// The rules.
    request CreateAclsRequest -> CreateAclsResponse {
        /// The rules to add.
        creations: Vec<AclCreation> [0+],
    }

    /// A rule to add.
    struct AclCreation {
        /// The resource's type, as Kafka numbers it.
        resource_type: i8 [0+],
        /// The resource's name.
        resource_name: String [0+],
        /// How the name is matched, as Kafka numbers its `PatternType`; 3 literally.
        resource_pattern_type: i8 [1+] = 3,
        /// The principal, as `Type:name`.
        principal: String [0+],
        /// A host name or address.
        host: String [0+],
        /// The operation, as Kafka numbers its `AclOperation`.
        operation: i8 [0+],
        /// 2 denies, 3 allows.
        permission_type: i8 [0+],
    }

    /// What came of each.
    response CreateAclsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        results: Vec<AclCreationResult> [0+],
    }

    /// A rule's result.
    struct AclCreationResult {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
    }
}
