//! ApiVersions

use crate::wire::message::table::message;

message! {
    ApiVersions, versions 0-3, flexible 3+;

    request ApiVersionsRequest -> ApiVersionsResponse {
        client_software_name: String [3+, ignorable],
        client_software_version: String [3+, ignorable],
    }

    response ApiVersionsResponse {
        error_code: i16 [0+],
        api_keys: Vec<ApiVersionsResponseKey> [0+],
        throttle_time_ms: i32 [1+, ignorable],
        supported_features: Vec<SupportedFeatureKey> [3+, tag 0],
        finalized_features_epoch: i64 [3+, ignorable, tag 1] = -1,
        finalized_features: Vec<FinalizedFeatureKey> [3+, tag 2],
    }

    struct ApiVersionsResponseKey {
        api_key: i16 [0+],
        min_version: i16 [0+],
        max_version: i16 [0+],
    }

    struct SupportedFeatureKey {
        name: String [3+],
        min_version: i16 [3+],
        max_version: i16 [3+],
    }

    struct FinalizedFeatureKey {
        name: String [3+],
        max_version_level: i16 [3+],
        min_version_level: i16 [3+],
    }
}
