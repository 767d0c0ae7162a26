//! Opening the segments of a log: which there are, and whether their indexes can be believed.
//!
//! Kafka: `Log.loadSegmentFiles`, `LogSegment.sanityCheck`.

use std::io;
use std::sync::Arc;

use super::segments::RecoveredSegment;
use super::{LastStop, TARGET};
use crate::base::Offset;
use crate::log::appender::Appender;
use crate::log::directory::{
    self, LOG, OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX, file_name, offset_of, remove_if_there,
};
use crate::log::log::Log;
use crate::log::segment::Segment;

impl Log {
    /// Opens the segments and rebuilds their indexes where needed; one whose offsets overflow is split, and all are
    /// opened anew.
    pub(super) fn load_segments(
        &self,
        appender: &mut Appender,
        mut names: Vec<String>,
        last_stop: LastStop,
    ) -> io::Result<()> {
        while let Some(overflowed) = self.open_segments(appender, &names, last_stop)? {
            self.split_segment(&overflowed)?;
            names = directory::files(&self.dir())?;
        }
        Ok(())
    }

    /// Opens the segments, one after the other, and rebuilds their indexes where needed. Returns the first one whose
    /// offsets overflow.
    fn open_segments(
        &self,
        appender: &mut Appender,
        names: &[String],
        last_stop: LastStop,
    ) -> io::Result<Option<Arc<Segment>>> {
        let bases = self.segment_bases(names)?;
        let mut segments = Vec::new();
        for (at, base) in bases.iter().copied().enumerate() {
            let indexed = names.contains(&file_name(base, OFFSET_INDEX));
            let segment = Arc::new(Segment::open(self.own_dir(), base, "", self.segment_options())?);
            // Segments behind the recovery point are read in any case.
            let recovered_later = last_stop == LastStop::Unclean
                && bases.get(at + 1).is_none_or(|next| *next > self.recovery_point());
            let is_believed = recovered_later || (indexed && is_sane(&segment)?);
            if !is_believed {
                log::warn!(
                    target: TARGET,
                    "Found no index file, or a corrupted one, of segment {base} of {}: recovering the segment and \
                     rebuilding index files...",
                    self.partition()
                );
                // The segments before it determine its producers.
                appender.segments.reset(segments.clone());
                if let RecoveredSegment::Overflow = self.recover_segment(appender, &segment, false)? {
                    return Ok(Some(segment));
                }
            }
            segments.push(segment);
        }
        appender.segments.reset(segments);
        Ok(None)
    }

    /// The base offsets of the segments among these files, rising. Indexes without batches are removed.
    fn segment_bases(&self, names: &[String]) -> io::Result<Vec<Offset>> {
        let mut bases = Vec::new();
        for name in names {
            let Some(base) = offset_of(name) else { continue };
            let is = |kinds: &[&str]| kinds.iter().any(|kind| *name == file_name(base, kind));
            if is(&[LOG]) {
                bases.push(base);
            } else if is(&[OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX])
                && !names.contains(&file_name(base, LOG))
            {
                log::warn!(
                    target: TARGET,
                    "Found an orphaned index file {name} of {}, with no log file.",
                    self.partition()
                );
                remove_if_there(&self.dir().join(name))?;
            }
        }
        Ok(bases)
    }
}

/// Whether the indexes could be valid, by a quick check.
fn is_sane(segment: &Segment) -> io::Result<bool> {
    let indexes = segment.indexes.read();
    Ok(indexes.offset.is_sane(u64::from(segment.size()))?
        && indexes.time.is_sane()?
        && indexes.transaction.is_sane()?)
}
