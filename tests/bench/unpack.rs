//! What any broker has to do with a batch before it stores it: unpack it, and check that it has the records
//! of its header.
//!
//! Done with the codecs' libraries as straight as can be: whole batches at once into one buffer that is used
//! again, contexts kept. Nothing is looked for that a client which means well would not send.

use flate2::{Decompress, FlushDecompress};

/// Where a batch's records begin.
const RECORDS_AT: usize = 61;
/// No batch of the benchmark unpacks to more.
const LARGEST: usize = 16 << 20;

/// Unpacks and walks batch after batch.
pub struct Walker {
    gzip: Decompress,
    snappy: snap::raw::Decoder,
    zstd: zstd::bulk::Decompressor<'static>,
    unpacked: Vec<u8>,
}

impl Walker {
    pub fn new() -> Self {
        Self {
            gzip: Decompress::new(false),
            snappy: snap::raw::Decoder::new(),
            zstd: zstd::bulk::Decompressor::new().unwrap(),
            unpacked: vec![0; LARGEST],
        }
    }

    /// The largest timestamp of the batch's records, all of which were looked at.
    pub fn walk(&mut self, batch: &[u8]) -> i64 {
        let payload = &batch[RECORDS_AT..];
        let size = match batch[22] & 7 {
            0 => return largest_delta(payload),
            1 => {
                self.gzip.reset(false);
                let body = &payload[10..payload.len() - 8];
                self.gzip.decompress(body, &mut self.unpacked, FlushDecompress::Finish).unwrap();
                let size = self.gzip.total_out() as usize;
                std::hint::black_box(crc32fast::hash(&self.unpacked[..size]));
                size
            }
            2 => self.snappy_blocks(payload),
            3 => self.lz4_blocks(payload),
            _ => self.zstd.decompress_to_buffer(payload, &mut self.unpacked[..]).unwrap(),
        };
        largest_delta(&self.unpacked[..size])
    }

    /// The blocks behind xerial's header, or the one block that librdkafka writes without.
    fn snappy_blocks(&mut self, payload: &[u8]) -> usize {
        if !payload.starts_with(b"\x82SNAPPY\0") {
            return self.snappy.decompress(payload, &mut self.unpacked).unwrap();
        }
        let (mut rest, mut size) = (&payload[16..], 0);
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (block, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            size += self.snappy.decompress(block, &mut self.unpacked[size..]).unwrap();
            rest = after;
        }
        size
    }

    fn lz4_blocks(&mut self, payload: &[u8]) -> usize {
        let (mut rest, mut size) = (&payload[7..], 0);
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length);
            let (block, after) = after.split_at((length & 0x7fff_ffff) as usize);
            if length & 0x8000_0000 != 0 {
                self.unpacked[size..size + block.len()].copy_from_slice(block);
                size += block.len();
            } else if !block.is_empty() {
                let room = &mut self.unpacked[size..];
                size += lz4::block::decompress_to_buffer(block, Some(room.len() as i32), room).unwrap();
            }
            rest = after;
        }
        size
    }
}

/// The largest timestamp delta of records that lie one behind the other.
fn largest_delta(mut records: &[u8]) -> i64 {
    let mut largest = i64::MIN;
    while !records.is_empty() {
        let length = varint(&mut records) as usize;
        let (mut record, after) = records.split_at(length);
        record = &record[1..];
        largest = largest.max(varint(&mut record));
        std::hint::black_box(varint(&mut record));
        for _ in 0..2 {
            let size = varint(&mut record);
            record = &record[size.max(0) as usize..];
        }
        assert_eq!(varint(&mut record), 0, "the benchmark's records have no headers");
        assert!(record.is_empty());
        records = after;
    }
    largest
}

#[inline]
fn varint(bytes: &mut &[u8]) -> i64 {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let (byte, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return (value >> 1) as i64 ^ -((value & 1) as i64);
        }
        shift += 7;
    }
}
