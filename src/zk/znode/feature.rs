//! `/feature`: the finalized features of the cluster (KIP-584).
//!
//! Pure.

use serde_json::{Map, Value, json};

use super::{ZnodeError, bytes, number, object};
use crate::base::features::{FinalizedFeatures, FinalizedVersionRange};

/// Its path.
pub const PATH: &str = "/feature";

/// The content of its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureZNode {
    /// Whether features are in force: from protocol version 2.7 on.
    pub enabled: bool,
    /// The finalized features.
    pub features: FinalizedFeatures,
}

/// The features in force at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinalizedFeaturesAndEpoch {
    /// The version of the znode, by which clients know the newer one.
    pub epoch: i32,
    /// The finalized features.
    pub features: FinalizedFeatures,
}

impl FeatureZNode {
    /// Its znode's data.
    pub fn encode(&self) -> Vec<u8> {
        let features = self.features.iter().map(|(name, levels)| {
            let levels = json!({"min_version_level": levels.min(), "max_version_level": levels.max()});
            (name.clone(), levels)
        });
        let features = Value::Object(features.collect());
        bytes(&json!({"features": features, "version": 1, "status": i32::from(self.enabled)}))
    }

    /// From its znode's data.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is none, or has levels that are no range.
    pub fn decode(data: &[u8]) -> Result<Self, ZnodeError> {
        let fields = object(data)?;
        let version: i32 = number(&fields, "version")?;
        if version < 1 {
            return Err(ZnodeError(format!("unsupported version of feature information: {version}")));
        }
        let features = fields.get("features").and_then(Value::as_object);
        let features = features.ok_or_else(|| ZnodeError("no features".to_owned()))?;
        let features = features.iter().map(|(name, value)| Ok((name.clone(), levels(name, value)?)));
        let features = features.collect::<Result<_, ZnodeError>>()?;
        let enabled = match number::<i32>(&fields, "status")? {
            0 => false,
            1 => true,
            other => return Err(ZnodeError(format!("malformed status {other}"))),
        };
        Ok(Self { enabled, features })
    }
}

fn levels(feature: &str, value: &Value) -> Result<FinalizedVersionRange, ZnodeError> {
    let none = Map::new();
    let levels = value.as_object().unwrap_or(&none);
    let range = FinalizedVersionRange::new(
        number(levels, "min_version_level")?,
        number(levels, "max_version_level")?,
    );
    range.ok_or_else(|| ZnodeError(format!("the levels of {feature} are no range: {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalized_features_are_read_as_they_are_written() {
        let data =
            br#"{"features":{"f":{"min_version_level":1,"max_version_level":3}},"version":1,"status":1}"#;
        let read = FeatureZNode::decode(data).unwrap();
        assert_eq!((read.enabled, read.features["f"]), (true, FinalizedVersionRange::new(1, 3).unwrap()));
        assert_eq!(FeatureZNode::decode(&read.encode()), Ok(read));
    }

    #[test]
    fn what_kafka_cannot_read_is_refused() {
        for data in [
            "",
            "{}",
            r#"{"features":{},"version":1}"#,
            r#"{"features":{},"version":1,"status":2}"#,
            r#"{"features":{},"version":0,"status":1}"#,
            r#"{"version":1,"status":1}"#,
            r#"{"features":{"f":{"min_version_level":1}},"version":1,"status":1}"#,
            r#"{"features":{"f":{"min_version_level":2,"max_version_level":1}},"version":1,"status":1}"#,
            r#"{"features":{"f":{"min_version_level":0,"max_version_level":1}},"version":1,"status":1}"#,
        ] {
            assert!(FeatureZNode::decode(data.as_bytes()).is_err(), "{data}");
        }
    }
}
