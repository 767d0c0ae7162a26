//! What is found in a segment's files: each entry as JSON has it, and as the line that Kafka's tool prints.
//!
//! Kafka: `DumpLogSegments`.

use std::io::{self, Write};

use serde::Serialize;

use crate::base::{Millis, Offset};
use crate::log::producers::ProducerEntry;
use crate::wire::batch::Batch;

/// An entry of a file.
pub(super) trait DumpEntry: Serialize {
    /// Prints it as Kafka's tool does.
    fn print(&self, out: &mut impl Write) -> io::Result<()>;
}

/// A batch, or a message of format 0 or 1.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchRow {
    #[serde(flatten)]
    extent: BatchExtent,
    /// Where it begins in the file, in bytes.
    position: u64,
    timestamp_type: &'static str,
    /// The largest one of its records.
    timestamp: Millis,
    /// In bytes.
    size: usize,
    magic: i8,
    compress_codec: String,
    crc: u32,
    is_valid: bool,
    /// None where only batches are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<RecordRow>>,
}

/// What the header of a batch contains of its records.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum BatchExtent {
    /// In format 2.
    Batch {
        base_offset: Offset,
        last_offset: Offset,
        count: i32,
        base_sequence: i32,
        last_sequence: i32,
        producer_id: i64,
        producer_epoch: i16,
        partition_leader_epoch: i32,
        is_transactional: bool,
        is_control: bool,
    },
    /// In formats 0 and 1.
    Message { last_offset: Offset },
}

impl BatchRow {
    /// The row of a batch that begins at `position`.
    pub(super) fn new(batch: &Batch, position: u64) -> Self {
        let header = batch.header();
        let extent = match header.magic {
            ..2 => BatchExtent::Message { last_offset: header.last_offset() },
            _ => BatchExtent::Batch {
                base_offset: header.base_offset,
                last_offset: header.last_offset(),
                count: header.record_count,
                base_sequence: header.base_sequence,
                last_sequence: header.last_sequence(),
                producer_id: header.producer_id,
                producer_epoch: header.producer_epoch,
                partition_leader_epoch: header.leader_epoch,
                is_transactional: header.is_transactional(),
                is_control: header.is_control(),
            },
        };
        Self {
            extent,
            position,
            timestamp_type: header.timestamp_type().name(),
            timestamp: header.max_timestamp,
            size: header.size(),
            magic: header.magic,
            compress_codec: header.compression().map_or("UNKNOWN", |codec| codec.name()).to_uppercase(),
            crc: header.crc,
            is_valid: batch.check_crc().is_ok(),
            records: None,
        }
    }
}

impl DumpEntry for BatchRow {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        match &self.extent {
            BatchExtent::Batch {
                base_offset,
                last_offset,
                count,
                base_sequence,
                last_sequence,
                producer_id,
                producer_epoch,
                partition_leader_epoch,
                is_transactional,
                is_control,
            } => write!(
                out,
                "baseOffset: {base_offset} lastOffset: {last_offset} count: {count} baseSequence: {base_sequence} \
                 lastSequence: {last_sequence} producerId: {producer_id} producerEpoch: {producer_epoch} \
                 partitionLeaderEpoch: {partition_leader_epoch} isTransactional: {is_transactional} \
                 isControl: {is_control}"
            )?,
            BatchExtent::Message { last_offset } => write!(out, "offset: {last_offset}")?,
        }
        writeln!(
            out,
            " position: {} {}: {} size: {} magic: {} compresscodec: {} crc: {} isvalid: {}",
            self.position,
            self.timestamp_type,
            self.timestamp,
            self.size,
            self.magic,
            self.compress_codec,
            self.crc,
            self.is_valid
        )?;
        self.records.iter().flatten().try_for_each(|record| record.print(out))
    }
}

/// A record.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordRow {
    pub offset: Offset,
    pub timestamp_type: &'static str,
    pub timestamp: Millis,
    /// In bytes; None where it has no key.
    pub key_size: Option<usize>,
    /// In bytes; None where it has no value.
    pub value_size: Option<usize>,
    #[serde(flatten)]
    pub format: RecordFormat,
    /// None where nothing of it is asked for, and where it could not be read, which ends the dump.
    #[serde(flatten)]
    pub content: Option<RecordContent>,
    /// Whether its line ends before its content, which could not be read.
    #[serde(skip)]
    pub is_truncated: bool,
}

/// What only some formats have.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum RecordFormat {
    /// In formats 0 and 1 a message has its own checksum.
    Message { crc: u32, is_valid: bool },
    /// In format 2.
    Record { sequence: i32, header_keys: Vec<String> },
}

/// What a record contains.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum RecordContent {
    /// A transaction ends.
    EndTransaction { end_txn_marker: &'static str, coordinator_epoch: i32 },
    /// Another control record.
    Control { control_type: String },
    /// Key and value as the decoders make text of them; None where there is none.
    Data { key: Option<String>, payload: Option<String> },
}

impl RecordRow {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let size = |size: Option<usize>| size.map_or("-1".to_owned(), |size| size.to_string());
        write!(
            out,
            "| offset: {} {}: {} keysize: {} valuesize: {}",
            self.offset,
            self.timestamp_type,
            self.timestamp,
            size(self.key_size),
            size(self.value_size)
        )?;
        match &self.format {
            RecordFormat::Message { crc, is_valid } => write!(out, " crc: {crc} isvalid: {is_valid}")?,
            RecordFormat::Record { sequence, header_keys } => {
                write!(out, " sequence: {sequence} headerKeys: [{}]", header_keys.join(","))?;
            }
        }
        match &self.content {
            None => {}
            Some(RecordContent::EndTransaction { end_txn_marker, coordinator_epoch }) => {
                write!(out, " endTxnMarker: {end_txn_marker} coordinatorEpoch: {coordinator_epoch}")?;
            }
            Some(RecordContent::Control { control_type }) => write!(out, " controlType: {control_type}")?,
            Some(RecordContent::Data { key, payload }) => {
                key.iter().try_for_each(|key| write!(out, " key: {key}"))?;
                payload.iter().try_for_each(|payload| write!(out, " payload: {payload}"))?;
            }
        }
        if self.is_truncated { Ok(()) } else { writeln!(out) }
    }
}

/// An entry of an `.index`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct OffsetIndexRow {
    pub offset: Offset,
    /// In bytes.
    pub position: u64,
}

impl DumpEntry for OffsetIndexRow {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "offset: {} position: {}", self.offset, self.position)
    }
}

/// An entry of a `.timeindex`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct TimeIndexRow {
    pub timestamp: Millis,
    pub offset: Offset,
}

impl DumpEntry for TimeIndexRow {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "timestamp: {} offset: {}", self.timestamp, self.offset)
    }
}

/// An entry of a `.txnindex`: an aborted transaction.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionIndexRow {
    pub version: i16,
    pub producer_id: i64,
    pub first_offset: Offset,
    pub last_offset: Offset,
    pub last_stable_offset: Offset,
}

impl DumpEntry for TransactionIndexRow {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { version, producer_id, first_offset, last_offset, last_stable_offset } = self;
        writeln!(
            out,
            "version: {version} producerId: {producer_id} firstOffset: {first_offset} lastOffset: {last_offset} \
             lastStableOffset: {last_stable_offset}"
        )
    }
}

/// A producer of a `.snapshot`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProducerRow {
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: i32,
    /// Where its open transaction begins; None where it has none.
    current_txn_first_offset: Option<Offset>,
    /// None where it has sent none.
    last_batch: Option<ProducerBatchRow>,
}

/// The last batch of a producer.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProducerBatchRow {
    first_sequence: i32,
    last_sequence: i32,
    last_offset: Offset,
    offset_delta: i32,
    timestamp: Millis,
}

impl ProducerRow {
    /// The row of a snapshot's entry.
    pub(super) fn new(entry: &ProducerEntry) -> Self {
        Self {
            producer_id: entry.producer_id,
            producer_epoch: entry.epoch,
            coordinator_epoch: entry.coordinator_epoch,
            current_txn_first_offset: entry.transaction_start,
            last_batch: entry.batches().next().map(|batch| ProducerBatchRow {
                first_sequence: batch.first_sequence(),
                last_sequence: batch.last_sequence,
                last_offset: batch.last_offset,
                offset_delta: batch.offset_delta,
                timestamp: batch.timestamp,
            }),
        }
    }
}

impl DumpEntry for ProducerRow {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { producer_id, producer_epoch, coordinator_epoch, current_txn_first_offset, last_batch } =
            self;
        let start = current_txn_first_offset.map_or("None".to_owned(), |start| format!("Some({start})"));
        write!(
            out,
            "producerId: {producer_id} producerEpoch: {producer_epoch} coordinatorEpoch: {coordinator_epoch} \
             currentTxnFirstOffset: {start} "
        )?;
        if let Some(batch) = last_batch {
            let ProducerBatchRow { first_sequence, last_sequence, last_offset, offset_delta, timestamp } =
                batch;
            write!(
                out,
                "firstSequence: {first_sequence} lastSequence: {last_sequence} lastOffset: {last_offset} \
                 offsetDelta: {offset_delta} timestamp: {timestamp}"
            )?;
        }
        writeln!(out)
    }
}
