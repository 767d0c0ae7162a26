//! IncrementalAlterConfigs

use crate::wire::message::table::message;

message! {
    IncrementalAlterConfigs, versions 0-1, flexible 1+;

    request IncrementalAlterConfigsRequest -> IncrementalAlterConfigsResponse {
        resources: Vec<AlterConfigsResource> [0+],
        validate_only: bool [0+],
    }

    struct AlterConfigsResource {
        resource_type: i8 [0+],
        resource_name: String [0+],
        configs: Vec<AlterableConfig> [0+],
    }

    struct AlterableConfig {
        name: String [0+],
        config_operation: i8 [0+],
        value: Option<String> [0+, nullable 0+],
    }

    response IncrementalAlterConfigsResponse {
        throttle_time_ms: i32 [0+],
        responses: Vec<AlterConfigsResourceResponse> [0+],
    }

    struct AlterConfigsResourceResponse {
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
        resource_type: i8 [0+],
        resource_name: String [0+],
    }
}
