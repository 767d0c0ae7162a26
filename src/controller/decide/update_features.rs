//! UpdateFeatures: the finalized features of the cluster change (KIP-584).
//!
//! Pure. Updates are checked one by one against the features that are finalized already; those that hold are written
//! together. Kafka: `processFeatureUpdates`, `validateFeatureUpdate`.

use std::collections::BTreeMap;

use crate::base::Broker;
use crate::base::features::{
    FinalizedFeatures, FinalizedVersionRange, SupportedFeatures, incompatible_features,
};
use crate::controller::facts::{Facts, Question};
use crate::controller::reply::{ApiError, ControllerReply};
use crate::controller::step::{Severity, Step, StepContext};
use crate::controller::writes::{Outcome, Write};
use crate::wire::error_code::ErrorCode;

/// A feature whose finalized level is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureChange {
    /// The feature's name.
    pub feature: String,
    /// The highest finalized level; below 1 the feature is deleted, if its level may fall.
    pub max_version_level: i16,
    /// Whether the feature's level may fall.
    pub allow_downgrade: bool,
}

impl FeatureChange {
    fn is_delete(&self) -> bool {
        self.max_version_level < 1 && self.allow_downgrade
    }
}

/// Why an update is refused (INVALID_REQUEST), in Kafka's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum InvalidUpdate {
    #[error("Feature name can not be empty.")]
    EmptyName,
    #[error("Can not delete non-existing finalized feature.")]
    NotFinalized,
    #[error(
        "Can not provide maxVersionLevel: {0} less than 1 without setting the allowDowngrade flag to true in the request."
    )]
    BelowOne(i16),
    #[error("Can not downgrade a finalized feature from existing maxVersionLevel:{0} to the same value.")]
    DowngradeToSame(i16),
    #[error("Can not upgrade a finalized feature from existing maxVersionLevel:{0} to the same value.")]
    UpgradeToSame(i16),
    #[error(
        "Can not downgrade finalized feature from existing maxVersionLevel:{max} to provided maxVersionLevel:{level} without \
         setting the allowDowngrade flag in the request."
    )]
    DowngradeNotAllowed { max: i16, level: i16 },
    #[error(
        "When the allowDowngrade flag set in the request, the provided maxVersionLevel:{level} can not be greater than \
         existing maxVersionLevel:{max}."
    )]
    NoDowngrade { max: i16, level: i16 },
    #[error(
        "Can not downgrade finalized feature to maxVersionLevel:{level} because it's lower than the existing \
         minVersionLevel:{min}."
    )]
    BelowFinalized { min: i16, level: i16 },
    #[error("Could not apply finalized feature update because the provided feature is not supported.")]
    NotSupported,
    #[error(
        "Could not apply finalized feature update because the provided maxVersionLevel:{level} is lower than the supported \
         minVersion:{min}."
    )]
    BelowSupported { min: i16, level: i16 },
    #[error(
        "Could not apply finalized feature update because brokers were found to have incompatible versions for the feature."
    )]
    IncompatibleBrokers,
}

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatedFeatures {
    /// The outcome of each update, by the feature's name; of several updates of one feature, the last one's.
    pub outcomes: BTreeMap<String, Result<(), ApiError>>,
    /// The version of `/feature` since the request; None where it was not written.
    pub written: Option<i32>,
}

/// Changes finalized features.
#[derive(Debug)]
pub struct UpdateFeatures {
    /// The features that this broker supports.
    supported: SupportedFeatures,
    updates: Vec<FeatureChange>,
    outcomes: BTreeMap<String, Result<(), ApiError>>,
    reply: ControllerReply<UpdatedFeatures>,
}

impl UpdateFeatures {
    /// A request with these updates to a broker that supports these features.
    pub fn new(
        supported: SupportedFeatures,
        updates: Vec<FeatureChange>,
        reply: ControllerReply<UpdatedFeatures>,
    ) -> Self {
        Self { supported, updates, outcomes: BTreeMap::new(), reply }
    }

    /// The levels that a feature is to have; None where it is to be deleted.
    fn validate(
        &self,
        update: &FeatureChange,
        existing: Option<FinalizedVersionRange>,
        context: &StepContext,
    ) -> Result<Option<FinalizedVersionRange>, InvalidUpdate> {
        if update.feature.is_empty() {
            return Err(InvalidUpdate::EmptyName);
        }
        if update.is_delete() {
            return existing.map(|_| None).ok_or(InvalidUpdate::NotFinalized);
        }
        if update.max_version_level < 1 {
            return Err(InvalidUpdate::BelowOne(update.max_version_level));
        }
        if let Some(existing) = existing {
            check_change(update, existing)?;
        }
        self.new_levels(update, context).map(Some)
    }

    /// The levels of a feature that this broker and every other live one supports at this level.
    fn new_levels(
        &self,
        update: &FeatureChange,
        context: &StepContext,
    ) -> Result<FinalizedVersionRange, InvalidUpdate> {
        let level = update.max_version_level;
        let supported = self.supported.get(&update.feature).ok_or(InvalidUpdate::NotSupported)?;
        let too_low = InvalidUpdate::BelowSupported { min: supported.min(), level };
        let levels = FinalizedVersionRange::new(supported.min(), level).ok_or(too_low)?;
        let finalized = FinalizedFeatures::from([(update.feature.clone(), levels)]);
        let compatible = |broker: &Broker| incompatible_features(&broker.features, &finalized).is_empty();
        if context.state.brokers().all(compatible) {
            Ok(levels)
        } else {
            Err(InvalidUpdate::IncompatibleBrokers)
        }
    }
}

/// Whether a feature that is finalized already may be brought to the level of an update.
fn check_change(update: &FeatureChange, existing: FinalizedVersionRange) -> Result<(), InvalidUpdate> {
    let (level, max, min) = (update.max_version_level, existing.max(), existing.min());
    match update.allow_downgrade {
        true if level == max => Err(InvalidUpdate::DowngradeToSame(max)),
        false if level == max => Err(InvalidUpdate::UpgradeToSame(max)),
        false if level < max => Err(InvalidUpdate::DowngradeNotAllowed { max, level }),
        true if level > max => Err(InvalidUpdate::NoDowngrade { max, level }),
        _ if level < min => Err(InvalidUpdate::BelowFinalized { min, level }),
        _ => Ok(()),
    }
}

impl Step for UpdateFeatures {
    fn ask(&self, _: &StepContext) -> Vec<Question> {
        vec![Question::Feature]
    }

    fn decide(&mut self, context: &mut StepContext, facts: Facts) -> Vec<Write> {
        let existing = facts.feature.filter(|found| found.enabled).map(|found| found.features);
        let existing = existing.unwrap_or_default();
        let mut target = existing.clone();
        for update in &self.updates {
            let outcome = self.validate(update, existing.get(&update.feature).copied(), context);
            let outcome = outcome.map(|levels| match levels {
                Some(levels) => drop(target.insert(update.feature.clone(), levels)),
                None => drop(target.remove(&update.feature)),
            });
            let outcome =
                outcome.map_err(|why| ApiError::because(ErrorCode::InvalidRequest, why.to_string()));
            self.outcomes.insert(update.feature.clone(), outcome);
        }
        if target == existing {
            return Vec::new();
        }
        vec![Write::SetFeature { enabled: true, features: target }]
    }

    fn apply(&mut self, context: &mut StepContext, outcomes: &[Outcome]) {
        let mut results = std::mem::take(&mut self.outcomes);
        let written = match outcomes.first() {
            None => None,
            Some(Outcome::Ok(version)) => Some(*version),
            Some(failed) => {
                let text = format!(
                    "Processing of feature updates: {:?} failed due to error: {failed:?}",
                    self.updates
                );
                context.log(Severity::Warn, text);
                let failed = results.values_mut().filter(|outcome| outcome.is_ok());
                failed.for_each(|outcome| *outcome = Err(ApiError::of(ErrorCode::FeatureUpdateFailed)));
                None
            }
        };
        context.reply(&self.reply, UpdatedFeatures { outcomes: results, written });
    }
}

#[cfg(test)]
mod tests;
