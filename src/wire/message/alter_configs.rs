//! AlterConfigs: all configs of a resource replaced.
//!
//! What is not named goes back to its default.

use crate::wire::message::table::message;

message! {
    AlterConfigs, versions 0-1;

    /// The configs.
    request AlterConfigsRequest -> AlterConfigsResponse {
        /// The resources.
        resources: Vec<AlterConfigsResource> [0+],
        /// Whether it is only checked, not done.
        validate_only: bool [0+],
    }

    /// A resource and its configs.
    struct AlterConfigsResource {
        /// The resource's type, as Kafka numbers it.
        resource_type: i8 [0+],
        /// The resource's name.
        resource_name: String [0+],
        /// The configs.
        configs: Vec<AlterableConfig> [0+],
    }

    /// A config and its value.
    struct AlterableConfig {
        /// The name.
        name: String [0+],
        /// The value.
        value: Option<String> [0+, nullable 0+],
    }

    /// What came of it, by resource.
    response AlterConfigsResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// The results.
        responses: Vec<AlterConfigsResourceResponse> [0+],
    }

    /// A resource's result.
    struct AlterConfigsResourceResponse {
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
