//! Recovering the segments behind the recovery point: read batch by batch, truncated at the first incomplete batch.
//!
//! Kafka: `Log.recoverLog`, `LogSegment.recover`.

use std::io;
use std::sync::Arc;

use super::producers::replay;
use super::{LastStop, LogSync, TARGET};
use crate::base::Offset;
use crate::log::appender::Appender;
use crate::log::directory;
use crate::log::index::TimestampOffset;
use crate::log::index::offset::relative;
use crate::log::log::Log;
use crate::log::segment::Segment;
use crate::log::segment_files::Kind;
use crate::log::walk::{FileBatches, WalkError};
use crate::wire::batch::{Batch, BatchError};

/// What was found in a segment that was read to make it whole.
pub(super) enum RecoveredSegment {
    /// Whole batches, and this many bytes behind them, which are truncated now.
    Torn(u32),
    /// A sound batch whose offset its indexes cannot hold.
    Overflow,
}

impl Log {
    /// Recovers the segments behind the recovery point, unless the stop was clean. Returns the log's end.
    pub(super) fn recover(
        &self,
        appender: &mut Appender,
        last_stop: LastStop,
        sync: LogSync,
    ) -> io::Result<Offset> {
        if last_stop == LastStop::Unclean {
            while let Some(overflowed) = self.recover_segments(appender, sync)? {
                self.split_segment(&overflowed)?;
                self.load_segments(appender, directory::files(&self.dir())?, last_stop)?;
            }
        }
        let start = self.log_start_offset();
        let segments = self.segment_list();
        if let Some(last) = segments.last() {
            let end = last.next_offset()?;
            if end < start {
                log::warn!(
                    target: TARGET,
                    "Deleting all segments of {} because its end ({end}) is smaller than its start ({start}). This \
                     could happen if segment files were deleted from the file system.",
                    self.partition()
                );
                appender.segments.reset(Vec::new());
                self.discard(&segments)?;
            }
        }
        if self.segments().is_empty() {
            let segment = Segment::create(self.own_dir(), start, self.segment_options())?;
            appender.segments.reset(vec![Arc::new(segment)]);
        }
        self.active().next_offset()
    }

    /// Recovers the segments behind the recovery point, and brings them to the disk, unless the whole directory will
    /// be brought there: until then what was read may have been no more than the system's memory. Returns the first
    /// one whose offsets overflow.
    fn recover_segments(&self, appender: &mut Appender, sync: LogSync) -> io::Result<Option<Arc<Segment>>> {
        let segments = self.segment_list();
        for segment in segments.from(self.recovery_point()) {
            log::info!(
                target: TARGET,
                "[Log partition={}] Recovering unflushed segment {}",
                self.partition(), segment.base_offset
            );
            if segment.size() == 0 && Arc::ptr_eq(segment, segments.active()) {
                // There is nothing to read, and what its producers are is found with the log's.
                segment.reset_indexes()?;
                continue;
            }
            let RecoveredSegment::Torn(torn) = self.recover_segment(appender, segment, true)? else {
                return Ok(Some(segment.clone()));
            };
            if sync == LogSync::EachFile && (torn > 0 || segment.size() > 0) {
                segment.flush()?;
            }
            if torn > 0 {
                log::warn!(
                    target: TARGET,
                    "Corruption found in segment {} of {}, truncating to offset {}",
                    segment.base_offset,
                    self.partition(),
                    segment.next_offset()?
                );
                let unreachable = appender.segments.truncate_from(segment.base_offset + 1);
                self.discard(&unreachable)?;
                break;
            }
        }
        Ok(None)
    }

    /// Reads a segment batch by batch, rebuilds its indexes and truncates it at the first incomplete batch.
    /// With `epochs`, leader epochs that are not known yet are noted. A segment whose offsets overflow is
    /// left as it is.
    ///
    /// The log keeps the producers as the batches have shown them. Kafka reads them again from the snapshot, which has
    /// only the last batch of each: a producer that sends an earlier one again, because the crash took its answer, is
    /// then answered OUT_OF_ORDER_SEQUENCE_NUMBER, and writes it twice under its next epoch.
    pub(super) fn recover_segment(
        &self,
        appender: &mut Appender,
        segment: &Segment,
        epochs: bool,
    ) -> io::Result<RecoveredSegment> {
        self.rebuild_producers(&mut appender.state, segment.base_offset, LastStop::Unclean)?;
        segment.reset_indexes()?;
        let mut largest = TimestampOffset { timestamp: -1, offset: segment.base_offset };
        let (mut valid, mut last_entry, mut last_offset) = (0, 0, None);
        let mut batches = segment.batches(0)?;
        loop {
            let batch = match next_sound(&mut batches, segment.base_offset, last_offset) {
                Ok(Some(batch)) if relative(segment.base_offset, batch.header().last_offset()).is_err() => {
                    return Ok(RecoveredSegment::Overflow);
                }
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(WalkError::Io(error)) => return Err(error),
                Err(WalkError::Batch(error)) => {
                    log::warn!(
                        target: TARGET,
                        "Found invalid messages in log segment {} at byte offset {valid}: {error}.",
                        segment.path(Kind::Log).display()
                    );
                    break;
                }
            };
            let header = batch.header();
            if header.max_timestamp > largest.timestamp {
                largest = TimestampOffset { timestamp: header.max_timestamp, offset: header.last_offset() };
            }
            if valid - last_entry > segment.index_interval() {
                let mut indexes = segment.indexes.write();
                // Below the segment's size, which is a u32.
                indexes.offset.append(header.last_offset(), valid as u32)?;
                indexes.time.maybe_append(largest)?;
                last_entry = valid;
            }
            valid += header.size() as u64;
            last_offset = Some(header.last_offset());
            if header.magic >= 2 {
                if epochs {
                    self.note_recovered_epoch(appender, header);
                }
                replay(&mut appender.state, &batch, Some(segment))?;
            }
        }
        let torn = segment.truncate_to_size(valid as u32)?;
        segment.set_largest(largest);
        segment.deactivate()?;
        appender.state.take_snapshot()?;
        Ok(RecoveredSegment::Torn(torn))
    }
}

/// The next batch, its checksum right, its offsets rising.
fn next_sound(
    batches: &mut FileBatches,
    base_offset: Offset,
    last_offset: Option<Offset>,
) -> Result<Option<Batch>, WalkError> {
    let Some((_, batch)) = batches.next_batch()? else { return Ok(None) };
    batch.check_crc()?;
    let last = batch.header().last_offset();
    let rising = last >= base_offset && last_offset.is_none_or(|before| last > before);
    if !rising {
        let text = format!("Record batch ends at offset {last}, out of order in segment {base_offset}");
        return Err(BatchError::Corrupt(text).into());
    }
    Ok(Some(batch))
}
