//! Reads a partition's log and has its machine replay it.
//!
//! Blocks on the disk. Records that cannot be read are logged by their offset and skipped, a batch at a time. Kafka:
//! `GroupMetadataManager.doLoadGroupsAndOffsets`, `TransactionStateManager.loadTransactionMetadata`.

use std::io;

use bytes::Bytes;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::CoordinatorSettings;
use crate::base::Offset;
use crate::coordinator::machine::{CoordinatorMachine, CoordinatorRecord, Replayed, TransactionalProducer};
use crate::coordinator::transaction_result::TransactionResult;
use crate::log::Log;
use crate::log::read::{FirstBatch, ReadError, ReadUpTo};
use crate::wire::batch::{Batch, BatchError};
use crate::wire::control::EndTransactionMarker;
use crate::wire::record::Record;

/// How far a load came.
#[derive(Debug, PartialEq, Eq)]
pub enum LoadOutcome {
    /// To the log's end, which was at this offset.
    Whole(Offset),
    /// This broker leads the partition no more.
    Interrupted,
}

/// Why a log could not be read.
#[derive(Debug, Error)]
enum LoadError {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Replays a log up to its end, which may move while it is read. A log that cannot be read to its end is logged; the
/// partition is served with what was found, as in Kafka.
pub fn load<M: CoordinatorMachine>(
    log: &Log,
    settings: &CoordinatorSettings,
    machine: &mut M,
    unload: &CancellationToken,
) -> LoadOutcome {
    let (target, what) = settings.log;
    let partition = log.partition();
    let mut next = log.log_start_offset();
    while next < log.log_end_offset() {
        if unload.is_cancelled() {
            return LoadOutcome::Interrupted;
        }
        let bytes = match read_at(log, next, settings.load_buffer_size) {
            Ok(bytes) => bytes,
            Err(error) => {
                log::error!(target: target, "Error loading {what} from {partition} at offset {next}: {error}");
                break;
            }
        };
        let from = next;
        for batch in Batch::split(bytes) {
            match batch {
                Ok(batch) => {
                    if let Err(error) = replay_batch(&batch, from, machine) {
                        log::error!(target: target, "Skipping what cannot be read of {what} in {partition} at offset {}: {error}", batch.header().base_offset);
                    }
                    next = batch.header().last_offset() + 1;
                }
                Err(error) => {
                    log::error!(target: target, "Error loading {what} from {partition} at offset {next}: {error}");
                    return LoadOutcome::Whole(log.log_end_offset());
                }
            }
        }
        if next == from {
            // No batch from here on: compaction has removed the last ones.
            break;
        }
    }
    LoadOutcome::Whole(log.log_end_offset())
}

/// Whole batches from an offset on: about so many bytes, or one batch.
fn read_at(log: &Log, offset: Offset, size: i32) -> Result<Bytes, LoadError> {
    Ok(log.read(offset, size, ReadUpTo::LogEnd, FirstBatch::Whole)?.records.read()?)
}

/// Replays the records of a batch from an offset on.
fn replay_batch<M: CoordinatorMachine>(
    batch: &Batch,
    from: Offset,
    machine: &mut M,
) -> Result<(), BatchError> {
    let header = batch.header();
    let producer = header
        .is_transactional()
        .then_some(TransactionalProducer { id: header.producer_id, epoch: header.producer_epoch });
    if header.is_control() {
        if let (Some(producer), Some(marker)) = (producer, EndTransactionMarker::of_batch(batch)?) {
            let (offset, committed) = (header.base_offset, marker.committed);
            machine.replay(Replayed::Marker { offset, producer, result: TransactionResult::of(committed) });
        }
        return Ok(());
    }
    for record in batch.records()? {
        let Record { offset, timestamp, key, value, .. } = record?;
        if let (true, Some(key)) = (offset >= from, key) {
            let record = CoordinatorRecord { key, value };
            machine.replay(Replayed::Record { offset, timestamp, producer, record });
        }
    }
    Ok(())
}
