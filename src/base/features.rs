//! Versions of features (KIP-584): those that a broker supports, and the levels that are finalized for the cluster.
//!
//! Pure. Kafka 2.7.2 defines no feature: a broker supports none, and none can be finalized while it is registered.
//! Kafka: `Features`, `BrokerFeatures`.

use std::collections::BTreeMap;
use std::fmt;

/// The versions of a feature that a broker supports. Invariant: 1 <= `min` <= `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportedVersionRange {
    min: i16,
    max: i16,
}

/// The version levels of a feature that are in force in the cluster. Invariant: 1 <= `min` <= `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalizedVersionRange {
    min: i16,
    max: i16,
}

/// The features that a broker supports, by name.
pub type SupportedFeatures = BTreeMap<String, SupportedVersionRange>;

/// The features that are finalized for the cluster, by name.
pub type FinalizedFeatures = BTreeMap<String, FinalizedVersionRange>;

impl SupportedVersionRange {
    /// The versions from `min` to `max`; None where these are no range.
    pub fn new(min: i16, max: i16) -> Option<Self> {
        (1 <= min && min <= max).then_some(Self { min, max })
    }

    /// The lowest version.
    pub fn min(self) -> i16 {
        self.min
    }

    /// The highest version.
    pub fn max(self) -> i16 {
        self.max
    }
}

impl FinalizedVersionRange {
    /// The levels from `min` to `max`; None where these are no range.
    pub fn new(min: i16, max: i16) -> Option<Self> {
        (1 <= min && min <= max).then_some(Self { min, max })
    }

    /// The lowest level.
    pub fn min(self) -> i16 {
        self.min
    }

    /// The highest level.
    pub fn max(self) -> i16 {
        self.max
    }

    fn is_incompatible_with(self, supported: SupportedVersionRange) -> bool {
        self.min < supported.min || self.max > supported.max
    }
}

/// Prints as Kafka does.
impl fmt::Display for SupportedVersionRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SupportedVersionRange[min_version:{}, max_version:{}]", self.min, self.max)
    }
}

/// Prints as Kafka does.
impl fmt::Display for FinalizedVersionRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FinalizedVersionRange[min_version_level:{}, max_version_level:{}]", self.min, self.max)
    }
}

/// The features that this broker supports: none, as in Kafka 2.7.2.
#[doc(alias = "BrokerFeatures")]
pub fn broker_features() -> SupportedFeatures {
    SupportedFeatures::new()
}

/// The finalized features that a broker with these supported features does not know, or not at these levels: a reason
/// for each, as Kafka logs it.
#[doc(alias = "incompatibleFeatures")]
pub fn incompatible_features(supported: &SupportedFeatures, finalized: &FinalizedFeatures) -> Vec<String> {
    let reason = |(name, levels): (&String, &FinalizedVersionRange)| match supported.get(name) {
        None => Some(format!("{{feature={name}, reason='Unsupported feature'}}")),
        Some(versions) if levels.is_incompatible_with(*versions) => {
            Some(format!("{{feature={name}, reason='{levels} is incompatible with {versions}'}}"))
        }
        Some(_) => None,
    };
    finalized.iter().filter_map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalized_levels_lie_within_the_versions_that_are_supported() {
        let supported =
            SupportedFeatures::from([("f".to_owned(), SupportedVersionRange::new(2, 4).unwrap())]);
        let reasons = |name: &str, min, max| {
            let levels = FinalizedVersionRange::new(min, max).unwrap();
            incompatible_features(&supported, &FinalizedFeatures::from([(name.to_owned(), levels)]))
        };
        assert_eq!(reasons("f", 2, 4), Vec::<String>::new());
        let below = "{feature=f, reason='FinalizedVersionRange[min_version_level:1, max_version_level:3] is incompatible \
                     with SupportedVersionRange[min_version:2, max_version:4]'}";
        assert_eq!(reasons("f", 1, 3), [below]);
        assert_eq!(reasons("f", 2, 5).len(), 1);
        assert_eq!(reasons("g", 2, 4), ["{feature=g, reason='Unsupported feature'}"]);
    }

    #[test]
    fn a_range_begins_at_one_or_above_and_does_not_end_before_it_begins() {
        for (min, max) in [(0, 1), (-1, -1), (2, 1), (1, 0)] {
            assert_eq!(FinalizedVersionRange::new(min, max), None);
            assert_eq!(SupportedVersionRange::new(min, max), None);
        }
        assert!(FinalizedVersionRange::new(1, 1).is_some());
    }
}
