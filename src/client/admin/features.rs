//! Features of the cluster: described and finalized.
//!
//! Kafka: `FeatureMetadata`, `FeatureUpdate`, `DescribeFeaturesOptions`, `UpdateFeaturesResult` (KIP-584).

use std::collections::BTreeMap;

use super::Admin;
use super::item_api::{ItemApi, OF_CONTROLLER};
use super::item_results::{AnsweredItems, ItemResults, refused};
use crate::base::features::{
    FinalizedFeatures, FinalizedVersionRange, SupportedFeatures, SupportedVersionRange,
};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::wire::message::update_features::{
    FeatureUpdateKey, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

/// Which broker describes the features.
#[derive(Clone, Copy, Debug, Default)]
pub struct DescribeFeaturesOptions {
    of_controller: bool,
}

impl DescribeFeaturesOptions {
    /// Asks the controller (`sendRequestToController`), which knows the finalized features first.
    pub fn of_controller(self) -> Self {
        Self { of_controller: true }
    }
}

/// The features that a broker supports, and those that are finalized for the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureMetadata {
    /// The levels in force, by feature.
    pub finalized_features: FinalizedFeatures,
    /// How often the finalized features have changed; None where the broker does not know.
    pub finalized_features_epoch: Option<i64>,
    /// What the broker supports, by feature.
    pub supported_features: SupportedFeatures,
}

/// A change to a finalized feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    max_version_level: i16,
    allow_downgrade: bool,
}

impl FeatureUpdate {
    /// Finalizes the feature up to this level, which must not be below the one in force.
    pub fn to_level(max_version_level: i16) -> Self {
        Self { max_version_level, allow_downgrade: false }
    }

    /// The same change, even if the level falls.
    pub fn allow_downgrade(self) -> Self {
        Self { allow_downgrade: true, ..self }
    }

    /// Removes the finalized feature.
    pub fn remove() -> Self {
        Self { max_version_level: 0, allow_downgrade: true }
    }
}

impl Admin {
    /// The features that a broker supports, and those that are finalized.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn describe_features(
        &self,
        options: DescribeFeaturesOptions,
    ) -> Result<FeatureMetadata, ClientError> {
        let target = if options.of_controller { Target::Controller } else { Target::Any };
        let request = |_| ApiVersionsRequest {
            client_software_name: env!("CARGO_PKG_NAME").to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let check = |answer: &ApiVersionsResponse| ClientError::check(answer.error_code, None);
        let answer = self.call(&target, request, check).await?;
        // A range that is none is of no use to a caller.
        let finalized = answer.finalized_features.into_iter().filter_map(|it| {
            Some((it.name, FinalizedVersionRange::new(it.min_version_level, it.max_version_level)?))
        });
        let supported = answer
            .supported_features
            .into_iter()
            .filter_map(|it| Some((it.name, SupportedVersionRange::new(it.min_version, it.max_version)?)));
        Ok(FeatureMetadata {
            finalized_features: finalized.collect(),
            finalized_features_epoch: Some(answer.finalized_features_epoch).filter(|epoch| *epoch >= 0),
            supported_features: supported.collect(),
        })
    }

    /// Changes finalized features.
    ///
    /// Errors of a feature: a broker does not support the level, it would fall, the caller may not alter the cluster.
    pub async fn update_features(
        &self,
        updates: impl IntoIterator<Item = (String, FeatureUpdate)>,
    ) -> ItemResults<String, ()> {
        let updates: BTreeMap<_, _> = updates.into_iter().collect();
        let features: Vec<_> = updates.keys().cloned().collect();
        self.call_each(&UpdateFeaturesApi(updates), features).await
    }
}

struct UpdateFeaturesApi(BTreeMap<String, FeatureUpdate>);

impl ItemApi for UpdateFeaturesApi {
    type Item = String;
    type Outcome = ();
    type Request = UpdateFeaturesRequest;

    const PASSING: &'static [ErrorCode] = OF_CONTROLLER;

    fn admit(&self, feature: &String) -> Result<(), ClientError> {
        match feature.trim().is_empty() {
            true => Err(refused(ErrorCode::InvalidRequest, "Provided feature can not be empty.")),
            false => Ok(()),
        }
    }

    fn target(&self, _: &String) -> Target {
        Target::Controller
    }

    fn request(&self, features: &[String], timeout_ms: i32) -> UpdateFeaturesRequest {
        let update = |feature: &String| {
            let FeatureUpdate { max_version_level, allow_downgrade } = *self.0.get(feature)?;
            Some(FeatureUpdateKey { feature: feature.clone(), max_version_level, allow_downgrade })
        };
        UpdateFeaturesRequest { timeout_ms, feature_updates: features.iter().filter_map(update).collect() }
    }

    fn read(
        &self,
        _: &[String],
        answer: UpdateFeaturesResponse,
        found: &mut AnsweredItems<String, ()>,
    ) -> Result<(), ClientError> {
        ClientError::check(answer.error_code, answer.error_message.as_deref())?;
        for it in &answer.results {
            found.insert_checked(&it.feature, it.error_code, it.error_message.as_deref(), ());
        }
        Ok(())
    }
}
