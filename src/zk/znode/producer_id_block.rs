//! `/latest_producer_id_block`: the producer ids that a broker claimed last.
//!
//! Pure.

use serde_json::json;

use super::{ZnodeError, bytes, number, object};
use crate::base::{BrokerId, ProducerId};

/// Its path.
pub const PATH: &str = "/latest_producer_id_block";
/// How many ids a block has.
pub const SIZE: i64 = 1000;

/// A block of producer ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The broker that claimed it.
    pub broker: BrokerId,
    /// Its first id.
    pub start: ProducerId,
    /// Its last id.
    pub end: ProducerId,
}

impl ProducerIdBlock {
    /// The block after this one (None: the first of all), for a broker; None where the ids are used up.
    pub fn after(last: Option<Self>, broker: BrokerId) -> Option<Self> {
        let start = match last {
            Some(last) => last.end.checked_add(1)?,
            None => 0,
        };
        Some(Self { broker, start, end: start.checked_add(SIZE - 1)? })
    }

    /// Its znode's data; the ids are texts there.
    pub fn encode(&self) -> Vec<u8> {
        bytes(&json!({
            "version": 1,
            "broker": self.broker,
            "block_start": self.start.to_string(),
            "block_end": self.end.to_string(),
        }))
    }

    /// From its znode's data.
    ///
    /// # Errors
    /// [`ZnodeError`] where the data is none.
    pub fn decode(data: &[u8]) -> Result<Self, ZnodeError> {
        let fields = object(data)?;
        let (start, end) = (number(&fields, "block_start")?, number(&fields, "block_end")?);
        Ok(Self { broker: number(&fields, "broker")?, start, end })
    }
}
