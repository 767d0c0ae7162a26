//! What `--describe` prints of the features of a cluster.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde::Serialize;

use crate::client::admin::FeatureMetadata;

/// The features, in the order of their names.
#[derive(Debug, Serialize)]
pub(super) struct DescribedFeatures {
    /// How often the finalized features have changed; None where the broker does not know.
    epoch: Option<i64>,
    features: Vec<DescribedFeature>,
}

/// A feature: the versions that the broker supports, and the levels that are finalized.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DescribedFeature {
    feature: String,
    supported_min_version: Option<i16>,
    supported_max_version: Option<i16>,
    finalized_min_version_level: Option<i16>,
    finalized_max_version_level: Option<i16>,
}

impl DescribedFeatures {
    /// Of a broker's answer.
    pub fn new(answer: &FeatureMetadata) -> Self {
        let names: BTreeSet<_> =
            answer.supported_features.keys().chain(answer.finalized_features.keys()).collect();
        let features = names.into_iter().map(|name| {
            let supported = answer.supported_features.get(name);
            let finalized = answer.finalized_features.get(name);
            DescribedFeature {
                feature: name.clone(),
                supported_min_version: supported.map(|range| range.min()),
                supported_max_version: supported.map(|range| range.max()),
                finalized_min_version_level: finalized.map(|range| range.min()),
                finalized_max_version_level: finalized.map(|range| range.max()),
            }
        });
        Self { features: features.collect(), epoch: answer.finalized_features_epoch }
    }

    /// Prints their lines.
    pub fn print_text(&self) {
        for it in &self.features {
            println!("{}", it.line(self.epoch));
        }
    }
}

impl DescribedFeature {
    fn line(&self, epoch: Option<i64>) -> String {
        format!(
            "Feature: {}\tSupportedMinVersion: {}\tSupportedMaxVersion: {}\tFinalizedMinVersionLevel: {}\t\
             FinalizedMaxVersionLevel: {}\tEpoch: {}",
            self.feature,
            or_dash(self.supported_min_version),
            or_dash(self.supported_max_version),
            or_dash(self.finalized_min_version_level),
            or_dash(self.finalized_max_version_level),
            or_dash(epoch)
        )
    }
}

fn or_dash(number: Option<impl Display>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::features::{FinalizedVersionRange, SupportedVersionRange};

    #[test]
    fn a_feature_that_is_not_supported_or_not_finalized_has_dashes() {
        let supported = SupportedVersionRange::new(1, 3).unwrap();
        let finalized = FinalizedVersionRange::new(1, 2).unwrap();
        let answer = FeatureMetadata {
            finalized_features: [("b".to_owned(), finalized)].into(),
            finalized_features_epoch: Some(7),
            supported_features: [("a".to_owned(), supported)].into(),
        };
        let described = DescribedFeatures::new(&answer);
        let lines: Vec<_> = described.features.iter().map(|it| it.line(described.epoch)).collect();
        let (a, b) = (
            "Feature: a\tSupportedMinVersion: 1\tSupportedMaxVersion: 3\tFinalizedMinVersionLevel: -\tFinalizedMaxVersionLevel: -\tEpoch: 7",
            "Feature: b\tSupportedMinVersion: -\tSupportedMaxVersion: -\tFinalizedMinVersionLevel: 1\tFinalizedMaxVersionLevel: 2\tEpoch: 7",
        );
        assert_eq!(lines, [a, b]);
    }
}
