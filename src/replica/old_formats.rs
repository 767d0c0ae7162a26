//! Fetched records for older clients: older message formats, and no codec that they do not know.
//!
//! Never decides what is fetched. Kafka: `KafkaApis.handleFetchRequest`'s `maybeConvertFetchedData`.

use std::sync::Arc;

use super::ReplicaManager;
use super::down_conversion::{self, DownConversion};
use super::fetch::FetchOutcome;
use crate::base::{Offset, Records, TopicPartition};
use crate::replica::fetch::FetchReader;
use crate::wire::error_code::ErrorCode;

/// The version of Fetch from which on clients read message format 2.
pub const READS_FORMAT_2: i16 = 4;
/// The version of Fetch from which on clients read zstd.
const READS_ZSTD: i16 = 10;

impl ReplicaManager {
    /// Refuses partitions whose topic has zstd to clients that do not read it: UNSUPPORTED_COMPRESSION_TYPE.
    /// `version` is the version of their Fetch.
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

    /// What was fetched of a partition from `offset` on, by a Fetch before [`READS_FORMAT_2`], with its
    /// records in message format 0 or 1: the first batch now, the rest when it is sent. Blocks on the disk,
    /// and may take long.
    pub fn down_convert(
        &self,
        version: i16,
        reader: &FetchReader,
        id: &TopicPartition,
        offset: Offset,
        outcome: FetchOutcome,
    ) -> FetchOutcome {
        let magic = if version <= 1 { 0 } else { 1 };
        let Ok(partition) = self.partition(id) else { return outcome };
        let Some(log) = partition.log() else { return outcome };
        let config = log.config();
        let may_be_newer = config.message_format_version.magic() > magic && !outcome.records.is_empty();
        if !may_be_newer || !down_conversion::is_newer(&outcome.records, magic) {
            return outcome;
        }
        if !reader.is_follower() && !config.message_downconversion_enable {
            return FetchOutcome::refused(ErrorCode::UnsupportedVersion);
        }
        match DownConversion::new(id.clone(), &outcome.records, magic, offset) {
            Ok(conversion) => {
                let conversion = conversion.counted(partition.shared_stats());
                FetchOutcome { records: Records::Lazy(Arc::new(conversion)), ..outcome }
            }
            Err(error) => {
                let code = ErrorCode::from(&error);
                if code != ErrorCode::UnsupportedCompressionType {
                    log::error!(target: "kafka.server.KafkaApis", "Down-conversion of records of partition {id} failed: {error}");
                }
                FetchOutcome::refused(code)
            }
        }
    }
}

#[cfg(test)]
mod tests;
