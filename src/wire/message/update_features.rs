//! UpdateFeatures

use crate::wire::message::table::message;

message! {
    UpdateFeatures, versions 0-0, flexible 0+;

    request UpdateFeaturesRequest -> UpdateFeaturesResponse {
        timeout_ms: i32 [0+] = 60000,
        feature_updates: Vec<FeatureUpdateKey> [0+],
    }

    struct FeatureUpdateKey {
        feature: String [0+],
        max_version_level: i16 [0+],
        allow_downgrade: bool [0+],
    }

    response UpdateFeaturesResponse {
        throttle_time_ms: i32 [0+],
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
        results: Vec<UpdatableFeatureResult> [0+],
    }

    struct UpdatableFeatureResult {
        feature: String [0+],
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
    }
}
