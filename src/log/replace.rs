//! Segments of a log exchanged for others that hold what is to be kept of them.
//!
//! A stop at any moment leaves all old segments or all new ones, see [`super::recovery`]:
//!
//! ```text
//!   0.log 100.log 0.log.cleaned          written and on the disk         a stop here: the old ones stay
//!   0.log 100.log 0.log.swap             whole                           from here on the new one takes their place
//!   0.log.deleted 100.log.deleted 0.log.swap      readers go on with the old files under their new names
//!   0.log.deleted 100.log.deleted 0.log           the old files are unlinked after file.delete.delay.ms
//! ```
//!
//! Kafka: `Log.replaceSegments`.

use std::io;
use std::sync::Arc;

use super::appender::Appender;
use super::directory::{DELETED, SWAP};
use super::failure::StorageError;
use super::log::Log;
use super::segment::Segment;

impl Log {
    /// Replaces `old` segments, which are consecutive and not the active one, by `new` ones, whose files end
    /// with `.cleaned` and are on the disk. The caller makes sure that no other thread deletes or truncates
    /// these meanwhile. Appends wait only while files are renamed.
    ///
    /// # Errors
    /// The disk failed, or the log is closed.
    pub(super) fn replace_segments(
        &self,
        old: &[Arc<Segment>],
        new: Vec<Arc<Segment>>,
    ) -> Result<(), StorageError> {
        let failed = |error: io::Error| {
            let dir = self.data_dir().display();
            self.failed(
                format!("Error while replacing segments of {} in dir {dir}", self.partition()),
                &error,
            )
        };
        self.still_open()?;
        self.sync_epochs().map_err(failed)?;
        self.swap_in(&new).map_err(failed)?;
        {
            let mut appender = self.appender();
            self.still_open()?;
            self.exchange(&mut appender, old, new).map_err(failed)?;
        }
        self.own_dir().sync().map_err(failed)
    }

    /// From the last to the first: a stop in between shows by what is left of `.cleaned`.
    fn swap_in(&self, new: &[Arc<Segment>]) -> io::Result<()> {
        self.own_dir().sync()?;
        for segment in new.iter().rev() {
            segment.change_suffix(SWAP)?;
        }
        self.own_dir().sync()
    }

    fn exchange(
        &self,
        appender: &mut Appender,
        old: &[Arc<Segment>],
        new: Vec<Arc<Segment>>,
    ) -> io::Result<()> {
        let segments = self.segment_list();
        let first = old.first().map_or(0, |first| first.base_offset);
        let from = segments.partition_point(|segment| segment.base_offset < first);
        let range = from..from + old.len();
        let is_same = |(now, then): (&Arc<Segment>, &Arc<Segment>)| Arc::ptr_eq(now, then);
        let are_there = segments.get(range.clone()).is_some_and(|now| now.iter().zip(old).all(is_same));
        if !are_there || range.end >= segments.len() {
            return Err(io::Error::other("the segments to be replaced are no longer those of the log"));
        }
        for segment in old {
            segment.change_suffix(DELETED)?;
            self.unlink_later(segment);
        }
        appender.segments.replace(range, new.clone());
        for segment in &new {
            segment.change_suffix("")?;
        }
        Ok(())
    }
}
