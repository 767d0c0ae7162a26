//! `/consumers/GROUP/ids/CONSUMER`: a live ZooKeeper consumer of a group, and what it subscribes to, ephemeral.
//!
//! Pure. Written by Kafka's consumers before 2.0 (`ZookeeperConsumerConnector`).

use serde_json::{Map, Value, json};

use super::{ZnodeError, bytes, number, object, text};
use crate::base::Millis;

/// The parent of a group's consumers.
pub fn parent(group: &str) -> String {
    format!("/consumers/{group}/ids")
}

/// The path of a consumer.
pub fn path(group: &str, consumer: &str) -> String {
    format!("/consumers/{group}/ids/{consumer}")
}

/// A live consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerRegistration {
    /// Topic (or regular expression) → threads that read it, in the order written.
    pub subscription: Vec<(String, i32)>,
    /// `static`, `white_list` or `black_list`.
    pub pattern: String,
    /// When it joined, in milliseconds since the Unix epoch.
    pub timestamp: Millis,
}

impl ConsumerRegistration {
    /// Its znode's data.
    pub fn encode(&self) -> Vec<u8> {
        let threads = self.subscription.iter().map(|(topic, threads)| (topic.clone(), json!(threads)));
        let subscription = Value::Object(threads.collect());
        bytes(&json!({
            "version": 1,
            "subscription": subscription,
            "pattern": self.pattern,
            "timestamp": self.timestamp.to_string(),
        }))
    }

    /// From its znode's data.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is no registration.
    pub fn decode(data: &[u8]) -> Result<Self, ZnodeError> {
        let fields = object(data)?;
        let empty = Map::new();
        let subscription = fields.get("subscription").and_then(Value::as_object).unwrap_or(&empty);
        Ok(Self {
            subscription: subscription
                .keys()
                .map(|topic| Ok((topic.clone(), number(subscription, topic)?)))
                .collect::<Result<_, ZnodeError>>()?,
            pattern: text(&fields, "pattern")?.to_owned(),
            timestamp: number(&fields, "timestamp")?,
        })
    }
}
