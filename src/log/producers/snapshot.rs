//! The bytes of `.snapshot` files: `version i16 = 1, CRC-32C u32 of what follows, count i32`, then 46 bytes a producer.
//!
//! Pure. Kafka: `ProducerStateManager.readSnapshot` and `writeSnapshot`.

use std::collections::VecDeque;

use thiserror::Error;

use super::{BatchMetadata, ProducerEntry};

const VERSION: i16 = 1;
const ENTRIES_AT: usize = 6;
const ENTRY_SIZE: usize = 46;

/// Why a snapshot file is not to be used. The texts are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// It ends too early or has an impossible count.
    #[error("Snapshot failed schema validation: {0}")]
    Schema(&'static str),
    /// Only version 1 is known.
    #[error("Snapshot contained an unknown file version {0}")]
    UnknownVersion(i16),
    /// The checksum does not fit.
    #[error("Snapshot is corrupt (CRC is no longer valid). Stored crc: {stored}. Computed crc: {computed}")]
    Corrupt {
        /// The checksum written.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
}

/// Reads a snapshot file.
///
/// # Errors [`SnapshotError`] if it is incomplete, of another version or corrupt.
pub fn read(bytes: &[u8]) -> Result<Vec<ProducerEntry>, SnapshotError> {
    let mut rest = bytes;
    let version = i16::from_be_bytes(take(&mut rest)?);
    let stored = u32::from_be_bytes(take(&mut rest)?);
    let count = i32::from_be_bytes(take(&mut rest)?);
    if version != VERSION {
        return Err(SnapshotError::UnknownVersion(version));
    }
    let computed = crc32c::crc32c(&bytes[ENTRIES_AT..]);
    if stored != computed {
        return Err(SnapshotError::Corrupt { stored, computed });
    }
    let count = usize::try_from(count).ok().filter(|count| *count <= rest.len() / ENTRY_SIZE);
    let count = count.ok_or(SnapshotError::Schema("Error reading array of size beyond the bytes"))?;
    (0..count).map(|_| read_entry(&mut rest)).collect()
}

fn read_entry(rest: &mut &[u8]) -> Result<ProducerEntry, SnapshotError> {
    let mut entry = ProducerEntry::new(i64::from_be_bytes(take(rest)?));
    entry.epoch = i16::from_be_bytes(take(rest)?);
    let last_sequence = i32::from_be_bytes(take(rest)?);
    let last_offset = i64::from_be_bytes(take(rest)?);
    let offset_delta = i32::from_be_bytes(take(rest)?);
    entry.last_timestamp = i64::from_be_bytes(take(rest)?);
    entry.coordinator_epoch = i32::from_be_bytes(take(rest)?);
    entry.transaction_start = Some(i64::from_be_bytes(take(rest)?)).filter(|offset| *offset >= 0);
    if last_offset >= 0 {
        let timestamp = entry.last_timestamp;
        entry.batches =
            VecDeque::from([BatchMetadata { last_sequence, last_offset, offset_delta, timestamp }]);
    }
    Ok(entry)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SnapshotError> {
    let (taken, after) = rest.split_first_chunk().ok_or(SnapshotError::Schema("Buffer underflow"))?;
    *rest = after;
    Ok(*taken)
}

/// Lays out a snapshot file. Only the last batch of each producer is kept.
pub fn write<'a>(entries: impl Iterator<Item = &'a ProducerEntry>) -> Vec<u8> {
    let entries = in_kafkas_order(entries.collect());
    let mut out = Vec::with_capacity(ENTRIES_AT + 4 + entries.len() * ENTRY_SIZE);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(entries.len() as i32).to_be_bytes());
    for entry in entries {
        out.extend_from_slice(&entry.producer_id.to_be_bytes());
        out.extend_from_slice(&entry.epoch.to_be_bytes());
        out.extend_from_slice(&entry.last_sequence().to_be_bytes());
        out.extend_from_slice(&entry.last_data_offset().to_be_bytes());
        out.extend_from_slice(&entry.last_offset_delta().to_be_bytes());
        out.extend_from_slice(&entry.last_timestamp.to_be_bytes());
        out.extend_from_slice(&entry.coordinator_epoch.to_be_bytes());
        out.extend_from_slice(&entry.transaction_start.unwrap_or(-1).to_be_bytes());
    }
    let crc = crc32c::crc32c(&out[ENTRIES_AT..]);
    out[2..ENTRIES_AT].copy_from_slice(&crc.to_be_bytes());
    out
}

/// Kafka writes its hash table in table order; so do we, so that equal state makes equal files.
fn in_kafkas_order(mut entries: Vec<&ProducerEntry>) -> Vec<&ProducerEntry> {
    let mut table: usize = 16;
    while entries.len() >= table / 4 * 3 {
        table *= 2;
    }
    entries.sort_by_key(|entry| {
        let id = entry.producer_id;
        let hash =
            if i64::from(id as i32) == id { id as i32 } else { (id ^ (id as u64 >> 32) as i64) as i32 };
        let hash = hash ^ (hash as u32 >> 16) as i32;
        (hash as usize & (table - 1), hash)
    });
    entries
}
