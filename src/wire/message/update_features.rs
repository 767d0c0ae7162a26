//! UpdateFeatures: finalized features of the cluster changed (KIP-584).
//!
//! One version.

use crate::wire::message::table::message;

message! {
    UpdateFeatures, versions 0-0, flexible 0+;

    /// The changes.
    request UpdateFeaturesRequest -> UpdateFeaturesResponse {
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32 [0+] = 60000,
        /// The features to change.
        feature_updates: Vec<FeatureUpdateKey> [0+],
    }

    /// A feature's change.
    struct FeatureUpdateKey {
        /// The feature's name.
        feature: String [0+],
        /// The highest finalized level; below 1 removes the feature.
        max_version_level: i16 [0+],
        /// Whether the feature's level may fall.
        allow_downgrade: bool [0+],
    }

    /// What came of each.
    response UpdateFeaturesResponse {
        /// How long the caller is throttled for breaking a quota, in milliseconds.
        throttle_time_ms: i32 [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
        /// The results.
        results: Vec<UpdatableFeatureResult> [0+],
    }

    /// A feature's result.
    struct UpdatableFeatureResult {
        /// The feature's name.
        feature: String [0+],
        /// What went wrong, as an [`ErrorCode`](crate::wire::error_code::ErrorCode)'s number; 0 for nothing.
        error_code: i16 [0+],
        /// What went wrong, in words.
        error_message: Option<String> [0+, nullable 0+],
    }
}
