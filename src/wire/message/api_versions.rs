//! ApiVersions: which APIs and versions the broker understands.
//!
//! v3 name and version of the client's software, features (KIP-511, KIP-584). A version too new is answered
//! with v0.

use crate::wire::message::table::message;

message! {
    ApiVersions, versions 0-3, flexible 3+;

    /// The client's software.
    request ApiVersionsRequest -> ApiVersionsResponse {
        /// The name of the client's library.
        client_software_name: String [3+, ignorable],
        /// The version of the client's library.
        client_software_version: String [3+, ignorable],
    }

    /// The APIs and their versions.
    response ApiVersionsResponse {
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// The APIs.
        api_keys: Vec<ApiVersionsResponseKey> [0+],
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [1+, ignorable],
        /// The features the broker supports.
        supported_features: Vec<SupportedFeatureKey> [3+, tag 0],
        /// The version of the finalized features; -1 for unknown.
        finalized_features_epoch: i64 [3+, ignorable, tag 1] = -1,
        /// The features finalized for the cluster.
        finalized_features: Vec<FinalizedFeatureKey> [3+, tag 2],
    }

    /// An API and its versions.
    struct ApiVersionsResponseKey {
        /// The API's key.
        api_key: i16 [0+],
        /// The lowest version.
        min_version: i16 [0+],
        /// The highest version.
        max_version: i16 [0+],
    }

    /// A feature the broker supports.
    struct SupportedFeatureKey {
        /// The name.
        name: String [3+],
        /// The lowest version.
        min_version: i16 [3+],
        /// The highest version.
        max_version: i16 [3+],
    }

    /// A feature finalized for the cluster.
    struct FinalizedFeatureKey {
        /// The name.
        name: String [3+],
        /// The highest finalized level.
        max_version_level: i16 [3+],
        /// The lowest finalized level.
        min_version_level: i16 [3+],
    }
}
