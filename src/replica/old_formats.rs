//! What was fetched, in a form that older clients can read: older message formats, no codec that they do not know.
//!
//! Never decides what is fetched. Kafka: `KafkaApis.handleFetchRequest`'s `maybeConvertFetchedData`.

use super::fetch::FetchOutcome;
use super::{FetchPartition, Replicas};
use crate::base::{Offset, Records, TopicPartition};
use crate::wire::batch::{Batch, BatchError, DECOMPRESSED_LIMIT};
use crate::wire::convert::down_convert;
use crate::wire::error_code::ErrorCode;

/// The version of Fetch from which on clients read message format 2.
pub const READS_FORMAT_2: i16 = 4;
/// The version of Fetch from which on clients read zstd.
pub const READS_ZSTD: i16 = 10;

impl Replicas {
    /// Refuses partitions whose topic has zstd to clients that do not read it: UNSUPPORTED_COMPRESSION_TYPE. `version` is
    /// that of their Fetch.
    pub fn refuse_zstd(&self, version: i16, outcomes: &mut [(TopicPartition, FetchOutcome)]) {
        if version >= READS_ZSTD {
            return;
        }
        for (id, outcome) in outcomes {
            let log = self.partition(id).ok().and_then(|partition| partition.log());
            if log.is_some_and(|log| log.config().compression_type == "zstd") {
                *outcome = FetchOutcome::refused(ErrorCode::UnsupportedCompressionType);
            }
        }
    }

    /// The records of a Fetch before [`READS_FORMAT_2`] in message format 0 or 1; `wanted` are its partitions. Blocks on
    /// the disk, and takes time.
    pub fn down_convert(
        &self,
        version: i16,
        follower: bool,
        wanted: &[(TopicPartition, FetchPartition)],
        outcomes: &mut [(TopicPartition, FetchOutcome)],
    ) {
        let format = if version <= 1 { 0 } else { 1 };
        for ((id, outcome), (_, from)) in outcomes.iter_mut().zip(wanted) {
            let Some(log) = self.partition(id).ok().and_then(|partition| partition.log()) else { continue };
            let config = log.config();
            if config.message_format_version.magic() <= format || outcome.records.is_empty() {
                continue;
            }
            match in_format(&outcome.records, format, from.offset) {
                Ok(None) => {}
                Ok(Some(_)) if !follower && !config.message_downconversion_enable => {
                    *outcome = FetchOutcome::refused(ErrorCode::UnsupportedVersion);
                }
                Ok(Some(records)) => outcome.records = records,
                Err(error) => {
                    log::error!(target: "kafka.server.KafkaApis", "Down-conversion of records of partition {id} failed: {error}");
                    *outcome = FetchOutcome::refused(ErrorCode::from(&error));
                }
            }
        }
    }
}

/// Records in a format no newer than this one; None where they are already.
fn in_format(records: &Records, format: i8, from: Offset) -> Result<Option<Records>, BatchError> {
    let bytes = records.read().map_err(|error| BatchError::Corrupt(error.to_string()))?;
    let is_newer = |batch: Result<Batch, BatchError>| batch.is_ok_and(|batch| batch.header().magic > format);
    if !Batch::split(bytes.clone()).any(is_newer) {
        return Ok(None);
    }
    down_convert(bytes, format, from, DECOMPRESSED_LIMIT).map(|converted| Some(converted.into()))
}

#[cfg(test)]
mod tests;
