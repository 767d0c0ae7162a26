//! `/feature`: the finalized features of the cluster (KIP-584).
//!
//! Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ZnodeError, bytes, number, object};

/// Its path.
pub const PATH: &str = "/feature";

/// The content of its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureZNode {
    /// Whether features are in force: from protocol version 2.7 on.
    pub enabled: bool,
    /// Name → (min, max) version level.
    pub features: BTreeMap<String, (i16, i16)>,
}

/// The features in force at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finalized {
    /// The version of the znode, by which clients know the newer one.
    pub epoch: i32,
    /// Name → (min, max) version level.
    pub features: BTreeMap<String, (i16, i16)>,
}

impl FeatureZNode {
    /// Its znode's data.
    pub fn encode(&self) -> Vec<u8> {
        let features = self.features.iter().map(|(name, (min, max))| {
            (name.clone(), json!({"min_version_level": min, "max_version_level": max}))
        });
        let features = Value::Object(features.collect());
        bytes(&json!({"features": features, "version": 1, "status": i32::from(self.enabled)}))
    }

    /// From its znode's data.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is none.
    pub fn decode(data: &[u8]) -> Result<Self, ZnodeError> {
        let fields = object(data)?;
        let level = |value: &Value| {
            let levels = value.as_object()?;
            Some((number(levels, "min_version_level").ok()?, number(levels, "max_version_level").ok()?))
        };
        let features = fields.get("features").and_then(Value::as_object).into_iter().flatten();
        let features = features.filter_map(|(name, value)| Some((name.clone(), level(value)?))).collect();
        Ok(Self { enabled: number::<i32>(&fields, "status")? == 1, features })
    }
}
