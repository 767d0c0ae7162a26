//! The leader epochs of a log that is opened: noted from the batches that recovery reads, or from all.
//!
//! Kafka: the leader epochs in `LogSegment.recover`.

use std::io;

use super::LastStop;
use crate::base::Offset;
use crate::log::appender::Appender;
use crate::log::epoch_checkpoint::Loaded;
use crate::log::log::Log;
use crate::log::walk::WalkError;
use crate::wire::batch::BatchHeader;

impl Log {
    /// Whether the epochs are to be taken from all batches: the checkpoint cannot be read, or nothing is left of it but
    /// its name, as after a power failure. Where recovery reads every segment it notes them itself.
    pub(super) fn epochs_are_lost(&self, loaded: Loaded, last_stop: LastStop) -> bool {
        let reads_all = || self.segments().floor(self.recovery_point()).unwrap_or(0) == 0;
        match loaded {
            Loaded::Sound => false,
            Loaded::Empty => last_stop == LastStop::Unclean && !reads_all(),
            Loaded::Damaged => true,
        }
    }

    /// Notes the leader epochs of all batches, as far as they can be read, and writes them.
    pub(in crate::log) fn rebuild_epochs(&self, appender: &Appender) -> io::Result<()> {
        for segment in self.segments().iter() {
            let mut headers = segment.headers()?;
            loop {
                match headers.next_header() {
                    Ok(Some((_, header))) if header.magic >= 2 => {
                        self.note_recovered_epoch(appender, &header);
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(WalkError::Io(error)) => return Err(error),
                    // What follows a damaged batch is judged by the recovery of its segment.
                    Err(WalkError::Batch(_)) => return self.epochs().write_pending(appender),
                }
            }
        }
        self.epochs().write_pending(appender)
    }

    pub(super) fn note_recovered_epoch(&self, appender: &Appender, header: &BatchHeader) {
        let BatchHeader { leader_epoch, base_offset, .. } = *header;
        self.epochs().change_unwritten(appender, |epochs| epochs.note_recovered(leader_epoch, base_offset));
    }

    /// Up to where everything is on the disk, epochs too. Those that recovery found in the active segment are found
    /// there by the next one as well, and are not written now: after a crash each log may have one.
    pub(super) fn end_with_epochs(&self, appender: &Appender, end: Offset) -> io::Result<Offset> {
        let is_found_again = |from| from >= self.active().base_offset;
        if !self.epochs().first_unwritten().is_none_or(is_found_again) {
            self.epochs().write_pending(appender)?;
        }
        Ok(self.epochs().first_unwritten().unwrap_or(end))
    }
}
