//! UpdateFeatures, v0. Finalizes features of the cluster, or changes and deletes finalized ones (KIP-584).
//!
//! Kafka: `KafkaApis.handleUpdateFeatures`, `KafkaController.processFeatureUpdates`.

use std::time::Duration;

use crate::api::Exchange;
use crate::base::jvm_order;
use crate::config::KafkaVersion;
use crate::controller::decide::{FeatureChange, UpdatedFeatures};
use crate::controller::reply::ApiError;
use crate::security::{AclOperation, AclResource};
use crate::wire::error_code::ErrorCode;
use crate::wire::message::update_features::{
    UpdatableFeatureResult, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

/// Sends the request to the controller, if this broker is it, and waits until the change has reached this broker.
pub async fn handle(exchange: &Exchange, request: UpdateFeaturesRequest) -> UpdateFeaturesResponse {
    let services = &exchange.services;
    if !exchange.is_authorized(AclOperation::Alter, AclResource::CLUSTER) {
        return refused(ApiError::of(ErrorCode::ClusterAuthorizationFailed));
    }
    if !services.controller.is_active() {
        return refused(ApiError::of(ErrorCode::NotController));
    }
    if !services.config.inter_broker_protocol_version.at_least(KafkaVersion::V2_7_IV0) {
        return refused(ApiError::because(
            ErrorCode::InvalidRequest,
            "Feature versioning system is disabled.",
        ));
    }
    let updates = request.feature_updates.into_iter().map(|update| FeatureChange {
        feature: update.feature,
        max_version_level: update.max_version_level,
        allow_downgrade: update.allow_downgrade,
    });
    let mut updated = match services.controller.update_features(updates.collect()).await {
        Ok(updated) => updated,
        Err(error) => return refused(ApiError::of(error)),
    };
    if let Some(version) = updated.written
        && !is_known(exchange, version, request.timeout_ms).await
    {
        let applied = updated.outcomes.values_mut().filter(|outcome| outcome.is_ok());
        applied.for_each(|outcome| *outcome = Err(ApiError::of(ErrorCode::FeatureUpdateFailed)));
    }
    UpdateFeaturesResponse { error_message: None, results: results(updated), ..Default::default() }
}

/// Whether this broker knows the finalized features of this version of `/feature` within the timeout.
async fn is_known(exchange: &Exchange, version: i32, timeout_ms: i32) -> bool {
    let Ok(timeout) = u64::try_from(timeout_ms) else { return false };
    let mut features = exchange.services.features.clone();
    let known = features.wait_for(|known| known.as_ref().is_some_and(|known| known.epoch >= version));
    tokio::time::timeout(Duration::from_millis(timeout), known).await.is_ok_and(|known| known.is_ok())
}

fn refused(error: ApiError) -> UpdateFeaturesResponse {
    UpdateFeaturesResponse {
        error_code: error.code.code(),
        error_message: error.text(),
        ..Default::default()
    }
}

/// The results in the order of the hash table in which Kafka holds them. A feature that was updated has the text of
/// the code 0.
fn results(updated: UpdatedFeatures) -> Vec<UpdatableFeatureResult> {
    let outcomes = jvm_order::scala_mutable_map(updated.outcomes.into_iter().collect());
    let result = |(feature, outcome): (String, Result<(), ApiError>)| {
        let error = outcome.err().unwrap_or_else(|| ApiError::of(ErrorCode::None));
        UpdatableFeatureResult { feature, error_code: error.code.code(), error_message: error.text() }
    };
    outcomes.into_iter().map(result).collect()
}
