//! Which finalized features change when all of them are upgraded or downgraded, and what is printed of that.

use serde::Serialize;

use crate::base::features::{
    FinalizedFeatures, FinalizedVersionRange, SupportedFeatures, SupportedVersionRange,
};
use crate::client::admin::FeatureUpdate;

/// Whether the levels rise or fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// `--upgrade-all`: features are added, none is deleted.
    Upgrade,
    /// `--downgrade-all`: features are deleted, none is added.
    Downgrade,
}

/// What an update does to a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum FeatureOperation {
    Add,
    Upgrade,
    Delete,
    Downgrade,
}

/// An update of a feature's finalized level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlannedUpdate {
    /// The feature's name.
    pub feature: String,
    operation: FeatureOperation,
    /// None where it was not finalized.
    existing_finalized_max_version: Option<i16>,
    /// None where it is no longer finalized.
    new_finalized_max_version: Option<i16>,
}

/// The updates of features, in the order of their names, and what became of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeatureUpdates {
    /// Whether the cluster was asked to apply them.
    applied: bool,
    updates: Vec<FeatureUpdateResult>,
}

#[derive(Debug, Serialize)]
struct FeatureUpdateResult {
    #[serde(flatten)]
    update: PlannedUpdate,
    /// Why it was refused.
    error: Option<String>,
}

/// The updates that take the finalized features to the highest levels that are `known`.
pub(super) fn plan(
    direction: Direction,
    known: &SupportedFeatures,
    finalized: &FinalizedFeatures,
) -> Vec<PlannedUpdate> {
    let update = |name: &String, operation, existing, new| PlannedUpdate {
        feature: name.clone(),
        operation,
        existing_finalized_max_version: existing,
        new_finalized_max_version: new,
    };
    match direction {
        Direction::Upgrade => {
            let change = |(name, range): (&String, &SupportedVersionRange)| match finalized
                .get(name)
                .map(|levels| levels.max())
            {
                None => Some(update(name, FeatureOperation::Add, None, Some(range.max()))),
                Some(level) if range.max() > level => {
                    Some(update(name, FeatureOperation::Upgrade, Some(level), Some(range.max())))
                }
                Some(_) => None,
            };
            known.iter().filter_map(change).collect()
        }
        Direction::Downgrade => {
            let change = |(name, levels): (&String, &FinalizedVersionRange)| match known
                .get(name)
                .map(|range| range.max())
            {
                None => Some(update(name, FeatureOperation::Delete, Some(levels.max()), None)),
                Some(version) if version < levels.max() => {
                    Some(update(name, FeatureOperation::Downgrade, Some(levels.max()), Some(version)))
                }
                Some(_) => None,
            };
            finalized.iter().filter_map(change).collect()
        }
    }
}

impl PlannedUpdate {
    /// What the controller is asked for.
    pub fn request(&self) -> FeatureUpdate {
        match (self.operation, self.new_finalized_max_version) {
            (FeatureOperation::Downgrade, Some(level)) => FeatureUpdate::to_level(level).allow_downgrade(),
            (_, Some(level)) => FeatureUpdate::to_level(level),
            (_, None) => FeatureUpdate::remove(),
        }
    }

    fn line(&self) -> String {
        let operation = match self.operation {
            FeatureOperation::Add => "[Add]",
            FeatureOperation::Upgrade => "[Upgrade]",
            FeatureOperation::Delete => "[Delete]",
            FeatureOperation::Downgrade => "[Downgrade]",
        };
        let version = |version: Option<i16>| version.map_or("-".to_owned(), |version| version.to_string());
        format!(
            "{operation:>11}\tFeature: {}\tExistingFinalizedMaxVersion: {}\tNewFinalizedMaxVersion: {}",
            self.feature,
            version(self.existing_finalized_max_version),
            version(self.new_finalized_max_version)
        )
    }
}

impl FeatureUpdates {
    /// Updates that the cluster was not asked for.
    pub fn only_planned(planned: Vec<PlannedUpdate>) -> Self {
        let updates = planned.into_iter().map(|update| FeatureUpdateResult { update, error: None });
        Self { applied: false, updates: updates.collect() }
    }

    /// Updates that the cluster was asked for; `error` is why a feature's was refused.
    pub fn applied(planned: Vec<PlannedUpdate>, error: impl Fn(&str) -> Option<String>) -> Self {
        let result = |update: PlannedUpdate| FeatureUpdateResult { error: error(&update.feature), update };
        Self { applied: true, updates: planned.into_iter().map(result).collect() }
    }

    /// Whether none was refused.
    pub fn all_succeeded(&self) -> bool {
        self.updates.iter().all(|result| result.error.is_none())
    }

    /// Prints their lines; nothing where there are no updates.
    pub fn print_text(&self) {
        let lines = self.updates.iter().map(|result| match &result.error {
            _ if !self.applied => result.update.line(),
            None => format!("{}\tResult: OK", result.update.line()),
            Some(error) => format!("{}\tResult: FAILED due to {error}", result.update.line()),
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        match (self.applied, text.is_empty()) {
            (_, true) => {}
            (true, false) => println!("{text}"),
            (false, false) => println!("Expected feature updates:{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(direction: Direction, known: &[(&str, i16)], finalized: &[(&str, i16)]) -> Vec<String> {
        let known = known
            .iter()
            .map(|(name, max)| ((*name).to_owned(), SupportedVersionRange::new(1, *max).expect("a range")));
        let finalized = finalized
            .iter()
            .map(|(name, max)| ((*name).to_owned(), FinalizedVersionRange::new(1, *max).expect("a range")));
        let planned = plan(direction, &known.collect(), &finalized.collect());
        planned.iter().map(PlannedUpdate::line).collect()
    }

    #[test]
    fn an_upgrade_adds_and_raises_and_deletes_nothing() {
        let known = [("new", 2), ("old", 3), ("same", 1)];
        let finalized = [("old", 2), ("same", 1), ("unknown", 9)];
        assert_eq!(
            lines(Direction::Upgrade, &known, &finalized),
            [
                "      [Add]\tFeature: new\tExistingFinalizedMaxVersion: -\tNewFinalizedMaxVersion: 2",
                "  [Upgrade]\tFeature: old\tExistingFinalizedMaxVersion: 2\tNewFinalizedMaxVersion: 3",
            ]
        );
    }

    #[test]
    fn a_downgrade_deletes_and_lowers_and_adds_nothing() {
        let known = [("new", 2), ("high", 3), ("same", 1)];
        let finalized = [("high", 5), ("same", 1), ("unknown", 9)];
        assert_eq!(
            lines(Direction::Downgrade, &known, &finalized),
            [
                "[Downgrade]\tFeature: high\tExistingFinalizedMaxVersion: 5\tNewFinalizedMaxVersion: 3",
                "   [Delete]\tFeature: unknown\tExistingFinalizedMaxVersion: 9\tNewFinalizedMaxVersion: -",
            ]
        );
    }
}
