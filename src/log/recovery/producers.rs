//! Bringing the producers of a log to where they stood: from a snapshot and the batches behind it.
//!
//! Kafka: `Log.rebuildProducerState`, `LogSegment.updateProducerState`.

use std::io;

use super::{LastStop, TARGET};
use crate::base::Offset;
use crate::log::append::aborted;
use crate::log::log::Log;
use crate::log::producers::Change;
use crate::log::segment::{Segment, into_io};
use crate::log::snapshots::ProducerState;
use crate::log::validate::AppendOrigin;
use crate::wire::batch::Batch;
use crate::wire::control::EndTransactionMarker;

impl Log {
    /// Brings the producers to where they stood at `end`: from the latest snapshot and the batches behind it. After a
    /// clean stop without any snapshot (a log of an older broker) there is nothing to rebuild.
    pub(in crate::log) fn rebuild_producers(
        &self,
        state: &mut ProducerState,
        end: Offset,
        last_stop: LastStop,
    ) -> io::Result<()> {
        let segments = self.segment_list();
        let snapshot_at: Vec<_> = segments.iter().rev().take(2).map(|segment| segment.base_offset).collect();
        log::debug!(target: TARGET, "Loading producer state of {} till offset {end}", self.partition());
        if self.current_settings().magic < 2 || (last_stop == LastStop::Clean && !state.has_snapshots()?) {
            for offset in snapshot_at.into_iter().rev().chain([end]) {
                state.producers.set_end_offset(offset);
                state.take_snapshot()?;
            }
            return Ok(());
        }
        let log_start = self.log_start_offset();
        let fresh = state.producers.is_empty() && state.producers.end_offset() >= end;
        state.truncate_and_reload(log_start, end, self.now())?;
        let from = state.producers.end_offset();
        if end > from && !fresh {
            for segment in segments.from(from).iter().take_while(|segment| segment.base_offset < end) {
                let from = segment.base_offset.max(state.producers.end_offset()).max(log_start);
                state.producers.set_end_offset(from);
                if snapshot_at.contains(&segment.base_offset) {
                    state.take_snapshot()?;
                }
                replay_segment(state, segment, from, end)?;
            }
        }
        state.producers.set_end_offset(end);
        state.take_snapshot()
    }
}

fn replay_segment(state: &mut ProducerState, segment: &Segment, from: Offset, end: Offset) -> io::Result<()> {
    let Some(found) = segment.find(from)? else { return Ok(()) };
    let mut batches = segment.batches(found.position)?;
    while let Some((_, batch)) = batches.next_batch().map_err(into_io)? {
        if batch.header().base_offset >= end {
            break;
        }
        replay(state, &batch, None)?;
    }
    Ok(())
}

/// Accounts for a batch that lies in the log; `index` takes the transactions it aborts.
pub(super) fn replay(state: &mut ProducerState, batch: &Batch, index: Option<&Segment>) -> io::Result<()> {
    let header = batch.header();
    let invalid = |error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("producer state cannot be rebuilt: {error}"))
    };
    if header.has_producer_id() {
        let marker = EndTransactionMarker::of_batch(batch).map_err(|error| invalid(&error))?;
        let mut change = Change::new(AppendOrigin::Replication);
        let completed = change.append(&state.producers, header, marker).map_err(|error| invalid(&error))?;
        state.producers.apply(change);
        if let Some(transaction) = completed {
            let last_stable_offset = state.producers.last_stable_offset(&transaction);
            if let (true, Some(segment)) = (transaction.aborted, index) {
                segment.indexes.write().transaction.append(&aborted(&transaction, last_stable_offset))?;
            }
            state.producers.complete(&transaction).map_err(|error| invalid(&error))?;
        }
    }
    state.producers.set_end_offset(header.next_offset());
    Ok(())
}
