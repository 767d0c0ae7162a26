//! What was fetched, in a form that older clients can read: older message formats, no codec that they do not know.
//!
//! Never decides what is fetched. Kafka: `KafkaApis.handleFetchRequest`'s `maybeConvertFetchedData`.

use std::sync::Arc;

use super::down_conversion::{self, DownConversion};
use super::fetch::FetchOutcome;
use super::{FetchPartition, Replicas};
use crate::base::{Records, TopicPartition};
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

    /// The records of a Fetch before [`READS_FORMAT_2`] in message format 0 or 1, of each partition the first batch now and
    /// the rest when it is sent; `wanted` are its partitions. Blocks on the disk, and takes time.
    pub fn down_convert(
        &self,
        version: i16,
        follower: bool,
        wanted: &[(TopicPartition, FetchPartition)],
        outcomes: &mut [(TopicPartition, FetchOutcome)],
    ) {
        let magic = if version <= 1 { 0 } else { 1 };
        for ((id, outcome), (_, from)) in outcomes.iter_mut().zip(wanted) {
            let Some(log) = self.partition(id).ok().and_then(|partition| partition.log()) else { continue };
            let config = log.config();
            let may_be_newer = config.message_format_version.magic() > magic && !outcome.records.is_empty();
            if !may_be_newer || !down_conversion::is_newer(&outcome.records, magic) {
                continue;
            }
            if !follower && !config.message_downconversion_enable {
                *outcome = FetchOutcome::refused(ErrorCode::UnsupportedVersion);
                continue;
            }
            match DownConversion::new(id.clone(), &outcome.records, magic, from.offset) {
                Ok(conversion) => outcome.records = Records::Lazy(Arc::new(conversion)),
                Err(error) => {
                    let code = ErrorCode::from(&error);
                    if code != ErrorCode::UnsupportedCompressionType {
                        log::error!(target: "kafka.server.KafkaApis", "Down-conversion of records of partition {id} failed: {error}");
                    }
                    *outcome = FetchOutcome::refused(code);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
