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
pub struct FeatureUpdate {
    /// The feature's name.
    pub feature: String,
    /// The highest finalized level; below 1 the feature is deleted, if its level may fall.
    pub max_version_level: i16,
    /// Whether the feature's level may fall.
    pub allow_downgrade: bool,
}

impl FeatureUpdate {
    fn is_delete(&self) -> bool {
        self.max_version_level < 1 && self.allow_downgrade
    }
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
    updates: Vec<FeatureUpdate>,
    outcomes: BTreeMap<String, Result<(), ApiError>>,
    reply: ControllerReply<UpdatedFeatures>,
}

impl UpdateFeatures {
    /// A request with these updates to a broker that supports these features.
    pub fn new(
        supported: SupportedFeatures,
        updates: Vec<FeatureUpdate>,
        reply: ControllerReply<UpdatedFeatures>,
    ) -> Self {
        Self { supported, updates, outcomes: BTreeMap::new(), reply }
    }

    /// The levels that a feature is to have; None where it is to be deleted.
    fn validate(
        &self,
        update: &FeatureUpdate,
        existing: Option<FinalizedVersionRange>,
        context: &StepContext,
    ) -> Result<Option<FinalizedVersionRange>, String> {
        if update.feature.is_empty() {
            return Err("Feature name can not be empty.".to_owned());
        }
        if update.is_delete() {
            let missing = || "Can not delete non-existing finalized feature.".to_owned();
            return existing.map(|_| None).ok_or_else(missing);
        }
        let level = update.max_version_level;
        if level < 1 {
            return Err(format!(
                "Can not provide maxVersionLevel: {level} less than 1 without setting the allowDowngrade flag to true in the \
                 request."
            ));
        }
        if let Some(refusal) = existing.and_then(|existing| refusal(update, existing)) {
            return Err(refusal);
        }
        self.new_levels(update, context).map(Some)
    }

    /// The levels of a feature that this broker and every other live one supports at this level.
    fn new_levels(
        &self,
        update: &FeatureUpdate,
        context: &StepContext,
    ) -> Result<FinalizedVersionRange, String> {
        let FeatureUpdate { feature, max_version_level, .. } = update;
        let Some(supported) = self.supported.get(feature) else {
            return Err(
                "Could not apply finalized feature update because the provided feature is not supported."
                    .to_owned(),
            );
        };
        let Some(levels) = FinalizedVersionRange::new(supported.min(), *max_version_level) else {
            return Err(format!(
                "Could not apply finalized feature update because the provided maxVersionLevel:{max_version_level} is lower \
                 than the supported minVersion:{}.",
                supported.min()
            ));
        };
        let finalized = FinalizedFeatures::from([(feature.clone(), levels)]);
        let compatible = |broker: &Broker| incompatible_features(&broker.features, &finalized).is_empty();
        if !context.state.brokers().all(compatible) {
            return Err(
                "Could not apply finalized feature update because brokers were found to have incompatible \
                        versions for the feature."
                    .to_owned(),
            );
        }
        Ok(levels)
    }
}

/// Why a feature that is finalized already may not be brought to the level of an update.
fn refusal(update: &FeatureUpdate, existing: FinalizedVersionRange) -> Option<String> {
    let (level, max, min) = (update.max_version_level, existing.max(), existing.min());
    if level == max {
        let verb = if update.allow_downgrade { "downgrade" } else { "upgrade" };
        return Some(format!(
            "Can not {verb} a finalized feature from existing maxVersionLevel:{max} to the same value."
        ));
    }
    if level < max && !update.allow_downgrade {
        return Some(format!(
            "Can not downgrade finalized feature from existing maxVersionLevel:{max} to provided maxVersionLevel:{level} without \
             setting the allowDowngrade flag in the request."
        ));
    }
    if level > max && update.allow_downgrade {
        return Some(format!(
            "When the allowDowngrade flag set in the request, the provided maxVersionLevel:{level} can not be greater than \
             existing maxVersionLevel:{max}."
        ));
    }
    (level < min).then(|| {
        format!(
            "Can not downgrade finalized feature to maxVersionLevel:{level} because it's lower than the existing \
             minVersionLevel:{min}."
        )
    })
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
            let outcome = outcome.map_err(|text| ApiError::because(ErrorCode::InvalidRequest, text));
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
