//! Control records: the markers that end transactions. Kafka: `ControlRecordType`, `EndTransactionMarker`.
//!
//! Pure.

use bytes::Bytes;

use super::batch::{Batch, BatchBuilder, BatchError};
use super::record::Record;
use crate::base::{LeaderEpoch, Millis, ProducerEpoch, ProducerId};

/// The kind of a control record, by the type in its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlType {
    /// The transaction was aborted.
    Abort,
    /// The transaction was committed.
    Commit,
    /// Any other type: not for transactions, to be ignored.
    Unknown(i16),
}

impl ControlType {
    /// Reads a control record's key: version (from 0), type.
    ///
    /// # Errors
    /// [`BatchError::InvalidRecord`] if it is too short or its version negative.
    pub fn parse(key: &[u8]) -> Result<Self, BatchError> {
        let [v0, v1, t0, t1, ..] = *key else {
            return Err(invalid(format!(
                "Invalid value size found for end control record key. Must have at least 4 bytes, but found only {}",
                key.len()
            )));
        };
        let version = i16::from_be_bytes([v0, v1]);
        if version < 0 {
            return Err(invalid(format!(
                "Invalid version found for control record: {version}. May indicate data corruption"
            )));
        }
        Ok(match i16::from_be_bytes([t0, t1]) {
            0 => Self::Abort,
            1 => Self::Commit,
            other => Self::Unknown(other),
        })
    }
}

/// The marker that ends a transaction in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    /// Whether the transaction was committed; else it was aborted.
    pub committed: bool,
    /// Epoch of the transaction coordinator that wrote it.
    pub coordinator_epoch: LeaderEpoch,
}

impl EndTransactionMarker {
    /// Reads the marker in a control record.
    ///
    /// # Errors
    /// [`BatchError::InvalidRecord`] if key or value cannot be a marker's.
    pub fn parse(record: &Record) -> Result<Self, BatchError> {
        let committed = match ControlType::parse(record.key.as_deref().unwrap_or_default())? {
            ControlType::Commit => true,
            ControlType::Abort => false,
            ControlType::Unknown(_) => {
                return Err(invalid(
                    "Invalid control record type for end transaction marker: UNKNOWN".into(),
                ));
            }
        };
        let value = record.value.as_deref().unwrap_or_default();
        let [v0, v1, e0, e1, e2, e3, ..] = *value else {
            return Err(invalid(format!(
                "Invalid value size found for end transaction marker. Must have at least 6 bytes, but found only {}",
                value.len()
            )));
        };
        let version = i16::from_be_bytes([v0, v1]);
        if version < 0 {
            return Err(invalid(format!(
                "Invalid version found for end transaction marker: {version}. May indicate data corruption"
            )));
        }
        Ok(Self { committed, coordinator_epoch: i32::from_be_bytes([e0, e1, e2, e3]) })
    }

    /// The marker in a batch: None in batches that are no control batch, or whose records compaction has removed.
    ///
    /// # Errors
    /// As [`EndTransactionMarker::parse`], and those of reading the batch's first record.
    pub fn of_batch(batch: &Batch) -> Result<Option<Self>, BatchError> {
        if !batch.header().is_control() {
            return Ok(None);
        }
        match batch.records()?.next() {
            None => Ok(None),
            Some(record) => Self::parse(&record?).map(Some),
        }
    }

    /// The key and the value of its record, in version 0.
    fn key_and_value(&self) -> ([u8; 4], [u8; 6]) {
        let mut value = [0; 6];
        value[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());
        ([0, 0, 0, u8::from(self.committed)], value)
    }

    /// The control batch that a coordinator has appended, at offset 0 (`MemoryRecords.withEndTransactionMarker`).
    ///
    /// # Errors
    /// Those of [`BatchBuilder::build`].
    pub fn batch(
        &self,
        timestamp: Millis,
        id: ProducerId,
        epoch: ProducerEpoch,
    ) -> Result<Bytes, BatchError> {
        let (key, value) = self.key_and_value();
        let mut builder = BatchBuilder::new()
            .producer(id, epoch, super::batch::NO_SEQUENCE)
            .transactional(true)
            .control(true);
        builder.push(timestamp, Some(&key), Some(&value), &[]);
        builder.build()
    }
}

fn invalid(reason: String) -> BatchError {
    BatchError::InvalidRecord(reason)
}

#[cfg(test)]
mod tests;
