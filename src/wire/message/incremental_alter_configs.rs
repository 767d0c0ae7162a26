//! IncrementalAlterConfigs: single configs set, taken back, appended to (KIP-339).
//!
//! v1 flexible.

use crate::wire::message::table::message;

message! {
    IncrementalAlterConfigs, versions 0-1, flexible 1+;

    /// The changes.
    request IncrementalAlterConfigsRequest -> IncrementalAlterConfigsResponse {
        /// The resources.
        resources: Vec<IncrementalAlterConfigsResource> [0+],
        /// Whether it is only checked, not done.
        validate_only: bool [0+],
    }

    /// A resource and its configs.
    struct IncrementalAlterConfigsResource {
        /// The resource's type, as Kafka numbers it.
        resource_type: i8 [0+],
        /// The resource's name.
        resource_name: String [0+],
        /// The configs.
        configs: Vec<IncrementalAlterableConfig> [0+],
    }

    /// A config and its value.
    struct IncrementalAlterableConfig {
        /// The name.
        name: String [0+],
        /// What to do: 0 set, 1 delete, 2 append, 3 subtract.
        config_operation: i8 [0+],
        /// The value.
        value: Option<String> [0+, nullable 0+],
    }

    /// What came of it, by resource.
    response IncrementalAlterConfigsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        responses: Vec<IncrementalAlterConfigsResourceResponse> [0+],
    }

    /// A resource's result.
    struct IncrementalAlterConfigsResourceResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The resource's type, as Kafka numbers it.
        resource_type: i8 [0+],
        /// The resource's name.
        resource_name: String [0+],
    }
}
