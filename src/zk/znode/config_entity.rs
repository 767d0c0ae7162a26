//! `/config/{topics,brokers,clients,users}/NAME`: the configs of a topic, a broker, a client id or a user.
//!
//! Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ZnodeError, bytes, object, others};
use crate::base::jvm_order;

/// The parent of all kinds.
pub const PARENT: &str = "/config";
/// The name of the entity that stands for all of a kind without configs of their own.
pub const DEFAULT_NAME: &str = "<default>";

/// A kind of entity (`ConfigType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[doc(alias = "ConfigType")]
pub enum EntityType {
    /// Topics.
    Topics,
    /// Client ids, for quotas.
    Clients,
    /// Users, for quotas and SCRAM credentials.
    Users,
    /// Brokers.
    Brokers,
}

impl EntityType {
    /// All, in the order their parents are created.
    pub const ALL: [Self; 4] = [Self::Topics, Self::Clients, Self::Users, Self::Brokers];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Clients => "clients",
            Self::Users => "users",
            Self::Brokers => "brokers",
        }
    }

    /// The parent of its entities.
    pub fn parent(self) -> String {
        format!("{PARENT}/{}", self.name())
    }
}

/// The path of an entity's configs.
pub fn path(kind: EntityType, name: &str) -> String {
    format!("{PARENT}/{}/{name}", kind.name())
}

/// An entity's configs, with fields that a newer version wrote beside them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigEntity {
    /// Key and value, in the order read.
    pub config: Vec<(String, String)>,
    /// Fields that are not known here.
    pub others: Map<String, Value>,
}

impl ConfigEntity {
    /// Its znode's data; the keys are put in the order in which Kafka writes them.
    pub fn encode(&self) -> Vec<u8> {
        let pairs = self.config.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let config: Map<_, _> = jvm_order::properties(pairs).into_iter().collect();
        let mut fields = Map::new();
        fields.insert("version".to_owned(), json!(1));
        fields.insert("config".to_owned(), Value::Object(config));
        fields.extend(self.others.clone());
        bytes(&Value::Object(fields))
    }

    /// From its znode's data, whatever version they name; a znode without data has no configs.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is no JSON object whose `config` is an object of texts. Such an entity is taken to
    /// have no configs.
    pub fn decode(data: &[u8]) -> Result<Self, ZnodeError> {
        if data.is_empty() {
            return Ok(Self::default());
        }
        let fields = object(data)?;
        let pairs = fields
            .get("config")
            .and_then(Value::as_object)
            .ok_or_else(|| ZnodeError("no configs".to_owned()))?;
        let pair = |(key, value): (&String, &Value)| match value.as_str() {
            Some(text) => Ok((key.clone(), text.to_owned())),
            None => Err(ZnodeError(format!("{key} is {value}, no text"))),
        };
        Ok(Self {
            config: pairs.iter().map(pair).collect::<Result<_, _>>()?,
            others: others(&fields, &["version", "config"]),
        })
    }

    /// The configs by key.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.config.iter().cloned().collect()
    }

    /// Replaces all configs; those that were there keep their position.
    pub fn replace(&mut self, config: &BTreeMap<String, String>) {
        self.config.retain(|(key, _)| config.contains_key(key));
        for (key, value) in config {
            match self.config.iter_mut().find(|(known, _)| known == key) {
                Some((_, current)) => current.clone_from(value),
                None => self.config.push((key.clone(), value.clone())),
            }
        }
    }
}
