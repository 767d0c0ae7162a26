//! `/brokers/topics/T/partitions/P/state`: a partition's leader and ISR.
//!
//! Pure.

use serde_json::{Map, Value, json};

use super::{ZnodeError, bytes, ids, number, object, others};
use crate::base::{LeaderAndIsr, TopicPartition};

/// The parent of a topic's partitions.
pub fn parent(topic: &str) -> String {
    format!("/brokers/topics/{topic}/partitions")
}

/// The parent of a partition's state.
pub fn partition_path(partition: &TopicPartition) -> String {
    format!("{}/{}", parent(&partition.topic), partition.partition)
}

/// The path of a partition's state.
pub fn path(partition: &TopicPartition) -> String {
    format!("{}/state", partition_path(partition))
}

/// A partition's state, and the epoch of its controller.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionStateZNode {
    /// Leader, epoch and ISR; `zk_version` is the znode's own version.
    pub leader_and_isr: LeaderAndIsr,
    /// The epoch of the controller that wrote it, or that a leader wrote it under.
    pub controller_epoch: i32,
    /// Fields that are not known here.
    pub others: Map<String, Value>,
}

impl PartitionStateZNode {
    /// A state without fields of a newer version.
    pub fn new(leader_and_isr: LeaderAndIsr, controller_epoch: i32) -> Self {
        Self { leader_and_isr, controller_epoch, others: Map::new() }
    }

    /// Its znode's data.
    pub fn encode(&self) -> Vec<u8> {
        let mut value = json!({
            "controller_epoch": self.controller_epoch,
            "leader": self.leader_and_isr.leader,
            "version": 1,
            "leader_epoch": self.leader_and_isr.leader_epoch,
            "isr": self.leader_and_isr.isr,
        });
        if let Some(fields) = value.as_object_mut() {
            fields.extend(self.others.clone());
        }
        bytes(&value)
    }

    /// From its znode's data and version.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is no state.
    pub fn decode(data: &[u8], zk_version: i32) -> Result<Self, ZnodeError> {
        let fields = object(data)?;
        let isr = ids(fields.get("isr").unwrap_or(&Value::Null))?;
        let leader_and_isr = LeaderAndIsr {
            leader: number(&fields, "leader")?,
            leader_epoch: number(&fields, "leader_epoch")?,
            isr,
            zk_version,
        };
        let known = ["controller_epoch", "leader", "version", "leader_epoch", "isr"];
        Ok(Self {
            leader_and_isr,
            controller_epoch: number(&fields, "controller_epoch")?,
            others: others(&fields, &known),
        })
    }
}
