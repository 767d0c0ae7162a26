//! `/brokers/topics/TOPIC`: the replicas of a topic's partitions.
//!
//! Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ZnodeError, bytes, ids, object, others};
use crate::base::Assignment;
use crate::base::jvm_order;

/// The parent of all topics.
pub const PARENT: &str = "/brokers/topics";

/// The path of a topic.
pub fn path(topic: &str) -> String {
    format!("{PARENT}/{topic}")
}

/// A topic's partitions and their replicas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicZNode {
    /// Partition → replicas, with a reassignment in progress.
    pub partitions: BTreeMap<i32, Assignment>,
    /// Fields that are not known here, such as the topic id of later versions.
    pub others: Map<String, Value>,
}

impl TopicZNode {
    /// A topic whose partitions have these replicas, none being moved.
    pub fn new(partitions: impl IntoIterator<Item = (i32, Vec<i32>)>) -> Self {
        let assigned = |replicas| Assignment { replicas, ..Assignment::default() };
        Self {
            partitions: partitions.into_iter().map(|(at, replicas)| (at, assigned(replicas))).collect(),
            others: Map::new(),
        }
    }

    /// Its znode's data, version 2.
    pub fn encode(&self) -> Vec<u8> {
        type Ids = fn(&Assignment) -> &Vec<i32>;
        let lists = |ids: Ids, all: bool| -> Value {
            let entries = self.partitions.iter().filter(|(_, assignment)| all || !ids(assignment).is_empty());
            let entries = entries.map(|(at, assignment)| (at.to_string(), json!(ids(assignment)))).collect();
            Value::Object(jvm_order::scala_mutable_map(entries).into_iter().collect())
        };
        let mut fields = Map::new();
        fields.insert("version".to_owned(), json!(2));
        fields.insert("partitions".to_owned(), lists(|it| &it.replicas, true));
        fields.insert("adding_replicas".to_owned(), lists(|it| &it.adding, false));
        fields.insert("removing_replicas".to_owned(), lists(|it| &it.removing, false));
        fields.extend(self.others.clone());
        bytes(&Value::Object(fields))
    }

    /// From its znode's data, version 1 (without reassignments) or later.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is no topic.
    pub fn decode(data: &[u8]) -> Result<Self, ZnodeError> {
        let fields = object(data)?;
        let lists = |key: &str| -> Result<BTreeMap<i32, Vec<i32>>, ZnodeError> {
            let entries = fields.get(key).and_then(Value::as_object).into_iter().flatten();
            let number =
                |text: &str| text.parse().map_err(|_| ZnodeError(format!("{text:?} is no partition")));
            entries.map(|(at, list)| Ok((number(at)?, ids(list)?))).collect()
        };
        let (mut adding, mut removing) = (lists("adding_replicas")?, lists("removing_replicas")?);
        let partitions = lists("partitions")?.into_iter().map(|(at, replicas)| {
            let (adding, removing) =
                (adding.remove(&at).unwrap_or_default(), removing.remove(&at).unwrap_or_default());
            (at, Assignment { replicas, adding, removing })
        });
        let partitions = partitions.collect();
        let known = ["version", "partitions", "adding_replicas", "removing_replicas"];
        Ok(Self { partitions, others: others(&fields, &known) })
    }
}
