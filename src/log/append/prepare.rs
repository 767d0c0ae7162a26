//! Preparing a producer's or coordinator's batches: checked, and laid out as they will be stored but for
//! their offsets.
//!
//! Takes no lock and touches no disk, but may take long; [`effort`] estimates how long, and so decides the
//! thread. Kafka: the part of `Log.append` that calls `LogValidator`, there under the lock.

use std::sync::Arc;

use super::AppendError;
use crate::base::Millis;
use crate::log::log::Log;
use crate::log::settings::Settings;
use crate::log::validate::{
    AppendOrigin, Checked, Effort, LIGHT_UNPACKED_SIZE, Validated, Validation, check, effort, validate,
};
use crate::wire::batch::TimestampType;
use crate::wire::control::EndTransactionMarker;
use crate::wire::memory_records::MemoryRecords;

/// A producer's or coordinator's batches, checked and laid out, without offsets yet.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) origin: AppendOrigin,
    pub(super) checked: Checked,
    pub(super) settings: Arc<Settings>,
    /// The batches, and the marker in the first of them if there is one; None where there are none.
    pub(super) batches: Option<(Validated, Option<EndTransactionMarker>)>,
    /// The append time if the topic stamps its records with it; else -1.
    pub(super) log_append_time: Millis,
    bytes: usize,
}

impl Prepared {
    /// About how many bytes are to be written.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Log {
    /// As [`Log::prepare`], on a thread that polls sockets; None where that takes longer than such a thread
    /// has.
    pub fn prepare_quickly(
        &self,
        records: &MemoryRecords,
        origin: AppendOrigin,
    ) -> Option<Result<Prepared, AppendError>> {
        let settings = self.current_settings();
        match effort(records, settings.magic, settings.compression) {
            Effort::Light => Some(self.prepare(records, origin)),
            // What is refused may be refused for the limit.
            Effort::Unknown => self.prepare_within(records, origin, LIGHT_UNPACKED_SIZE).ok().map(Ok),
            Effort::Heavy => None,
        }
    }

    /// Checks batches and lays them out as they will be stored. Takes no lock and touches no disk, but may
    /// take its time.
    ///
    /// # Errors
    /// [`AppendError::Refused`].
    pub fn prepare(&self, records: &MemoryRecords, origin: AppendOrigin) -> Result<Prepared, AppendError> {
        self.prepare_within(records, origin, usize::MAX)
    }

    fn prepare_within(
        &self,
        records: &MemoryRecords,
        origin: AppendOrigin,
        unpacked_at_most: usize,
    ) -> Result<Prepared, AppendError> {
        let settings = self.settings();
        let checked = check(self.partition(), records, origin, Some(settings.max_message_bytes))?;
        let now = self.now();
        let mut batches = None;
        if let Some(first) = records.batches().first() {
            // What a client may not write is refused before the marker in it is read.
            let validated = self.validated(records, &checked, &settings, now, origin, unpacked_at_most)?;
            // Only batches of format 2 are control batches, and they come one at a time.
            batches = Some((validated, EndTransactionMarker::of_batch(first)?));
        }
        let append_time = settings.timestamp_type == TimestampType::LogAppendTime;
        let log_append_time = if append_time { now } else { -1 };
        Ok(Prepared { origin, checked, settings, batches, log_append_time, bytes: records.bytes().len() })
    }

    /// The batches as they will be stored but for their offsets. Takes no lock and touches no disk.
    fn validated(
        &self,
        records: &MemoryRecords,
        checked: &Checked,
        settings: &Settings,
        now: Millis,
        origin: AppendOrigin,
        unpacked_at_most: usize,
    ) -> Result<Validated, AppendError> {
        let validation = Validation {
            partition: self.partition(),
            now,
            origin,
            target_codec: settings.compression.unwrap_or(checked.source_codec),
            compacted: settings.compact,
            magic: settings.magic,
            timestamp_type: settings.timestamp_type,
            max_timestamp_difference: settings.timestamp_difference_max_ms,
            max_batch_size: Some(settings.max_message_bytes),
            zstd_allowed: self.shared().zstd_allowed,
            unpacked_at_most,
        };
        Ok(validate(records, checked.source_codec, &validation)?)
    }
}
