//! What a Produce request that was seen to be answered differently holds: its codecs, and the sizes that its
//! records name.

use std::io::Read;

use barnabas::wire::Reader;
use barnabas::wire::compression::{self, Compression};
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::Message;
use barnabas::wire::message::produce::ProduceRequest;
use bytes::Bytes;

use super::stored;

/// How much is unpacked of a batch, in bytes.
const UNPACKED: u64 = 4 << 20;

/// The batches of a Produce request, all partitions' one behind the other; none of what is no such request.
pub fn produced(request: &[u8]) -> Vec<Vec<u8>> {
    let mut input = Reader::new(Bytes::copy_from_slice(request));
    let Ok(header) = RequestHeader::decode(&mut input) else { return Vec::new() };
    let Ok(request) = ProduceRequest::decode(&mut input, header.api_version) else { return Vec::new() };
    let partitions = request.topics.into_iter().flat_map(|topic| topic.partitions);
    let records: Vec<_> = partitions.filter_map(|it| it.records?.read().ok()).collect();
    records.iter().flat_map(|records| stored::batches(records)).map(<[u8]>::to_vec).collect()
}

/// The codec in a batch's attributes.
pub fn codec(batch: &[u8]) -> Option<Compression> {
    Compression::from_id(stored::attributes(batch)? & 7)
}

/// The most bytes that a record, or a part of one, within a compressed batch claims to take.
pub fn largest_claim(batch: &[u8]) -> u64 {
    let magic = batch[stored::MAGIC_AT];
    let body = match magic {
        0 => batch.get(26..),
        1 => batch.get(34..),
        _ => batch.get(stored::HEADER..),
    };
    let (Some(body), Some(codec)) = (body, codec(batch)) else { return 0 };
    let mut unpacked = Vec::new();
    if let Ok(reader) = compression::Decompressor::new(codec, magic as i8, Bytes::copy_from_slice(body)) {
        // What lies before the damage is there, whatever comes.
        let _ = reader.take(UNPACKED).read_to_end(&mut unpacked);
    }
    let mut largest = 0;
    let _ = if magic < 2 { messages(&unpacked, &mut largest) } else { records(&unpacked, &mut largest) };
    largest
}

/// Notes the claims of records of format 2, up to the first that is not true.
fn records(mut rest: &[u8], largest: &mut u64) -> Option<()> {
    loop {
        let size = claim(&mut rest, 1, largest)?;
        let (mut record, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        record = record.get(1..)?;
        varint(&mut record)?;
        varint(&mut record)?;
        for _ in 0..2 {
            let size = claim(&mut record, 1, largest)?;
            record = record.get(size..)?;
        }
        // Java's array of so many references.
        let headers = claim(&mut record, 4, largest)?;
        for _ in 0..2 * headers {
            let size = claim(&mut record, 1, largest)?;
            record = record.get(size..)?;
        }
        rest = after;
    }
}

/// A count of things of so many bytes; 0 where it is negative.
fn claim(rest: &mut &[u8], bytes: u64, largest: &mut u64) -> Option<usize> {
    let count = usize::try_from(varint(rest)?).unwrap_or(0);
    *largest = (*largest).max(count as u64 * bytes);
    Some(count)
}

fn varint(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if *byte < 0x80 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

/// Notes the claims of messages within a wrapper, up to the first that is not true.
fn messages(mut rest: &[u8], largest: &mut u64) -> Option<()> {
    loop {
        let mut claim = |bytes: &[u8]| {
            let size = i32::from_be_bytes(*bytes.first_chunk::<4>()?);
            let size = usize::try_from(size).unwrap_or(0);
            *largest = (*largest).max(size as u64);
            Some(size)
        };
        let size = claim(rest.get(8..)?)?;
        let message = rest.get(12..)?;
        let fields = if *message.get(4)? == 0 { 6 } else { 14 };
        let key = claim(message.get(fields..)?)?;
        claim(message.get(fields + 4 + key..)?)?;
        rest = message.get(size..)?;
    }
}
