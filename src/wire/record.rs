//! Records of format 2: varints, keys, values and headers, read without copying and never trusted.
//!
//! Counts and sizes are bounded by the bytes at hand before anything is allocated. Kafka: `DefaultRecord`, `ByteUtils`.

use bytes::Bytes;

use super::batch::{BatchError, BatchHeader, TimestampType};
use crate::base::{Millis, Offset};

/// A record's header: its key and its value, which may be null. Keys may repeat; their order counts.
pub type Header = (String, Option<Bytes>);

/// Bytes of the smallest record: length, attributes, two deltas, key, value and header count, one each.
const SMALLEST_RECORD: usize = 7;

/// A record of any format with its place and time made absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Its offset in the partition.
    pub offset: Offset,
    /// Its timestamp; -1 where it has none.
    pub timestamp: Millis,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; None is a tombstone in compacted topics.
    pub value: Option<Bytes>,
    /// Its headers in order; formats 0 and 1 have none.
    pub headers: Vec<Header>,
}

/// A format 2 record as it lies in the bytes, checked but not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Bytes of the whole record, its length field included.
    pub size: usize,
    /// Attributes, unused by Kafka so far.
    pub attributes: i8,
    /// Timestamp minus the batch's base timestamp.
    pub timestamp_delta: i64,
    /// Offset minus the batch's base offset.
    pub offset_delta: i32,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value, if it has one.
    pub value: Option<&'a [u8]>,
    /// How many headers it has.
    pub header_count: usize,
    headers: &'a [u8],
}

/// What is wrong with a record. Small, as most of the work on a record is to hand on that nothing is. The texts are Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Flaw {
    #[error("Found invalid record structure")]
    Structure,
    #[error("Incorrect declared batch size, premature EOF reached")]
    PrematureEnd,
    #[error("Found invalid number of record headers {0}")]
    HeaderCount(i32),
    #[error("Invalid negative header key size {0}")]
    HeaderKeySize(i32),
    #[error(
        "Invalid record size: expected to read {length} bytes in record payload, but instead read {read}"
    )]
    Length { length: i32, read: usize },
}

impl<'a> RecordView<'a> {
    /// The record at the start of `input`, which may hold more after it.
    ///
    /// # Errors
    /// [`BatchError::InvalidRecord`] if it does not fit in the input or in its own length.
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<Self, BatchError> {
        Self::read(input).map_err(|flaw| BatchError::InvalidRecord(flaw.to_string()))
    }

    fn read(input: &'a [u8]) -> Result<Self, Flaw> {
        let mut rest = input;
        let length = read_varint(&mut rest)?;
        let body = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let body = body.ok_or(Flaw::PrematureEnd)?;
        let size = input.len() - rest.len() + body.len();
        let mut rest = body;
        let attributes = *take(&mut rest, 1)?.first().ok_or(Flaw::Structure)? as i8;
        let timestamp_delta = read_varlong(&mut rest)?;
        let offset_delta = read_varint(&mut rest)?;
        let key = read_nullable(&mut rest)?;
        let value = read_nullable(&mut rest)?;
        let count = read_varint(&mut rest)?;
        let header_count = usize::try_from(count).map_err(|_| Flaw::HeaderCount(count))?;
        let headers = rest;
        for _ in 0..header_count {
            read_header(&mut rest)?;
        }
        if !rest.is_empty() {
            return Err(Flaw::Length { length, read: body.len() - rest.len() });
        }
        Ok(Self { size, attributes, timestamp_delta, offset_delta, key, value, header_count, headers })
    }

    /// Its headers in order: key (UTF-8 by convention, unchecked) and value.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = self.headers;
        std::iter::from_fn(move || if rest.is_empty() { None } else { read_header(&mut rest).ok() })
    }
}

/// Steps over the record at the start of `input`: its timestamp minus the batch's base timestamp, and what follows it.
/// Nothing else of it is looked at.
///
/// # Errors
/// [`BatchError::InvalidRecord`] if it does not fit in the input.
pub fn step_over(input: &[u8]) -> Result<(i64, &[u8]), BatchError> {
    let step = || {
        let mut rest = input;
        let length = usize::try_from(read_varint(&mut rest)?).map_err(|_| Flaw::PrematureEnd)?;
        let (body, after) = rest.split_at_checked(length).ok_or(Flaw::PrematureEnd)?;
        let mut timed = body.get(1..).ok_or(Flaw::Structure)?;
        Ok((read_varlong(&mut timed)?, after))
    };
    step().map_err(|flaw: Flaw| BatchError::InvalidRecord(flaw.to_string()))
}

/// The records of one batch in order; ends after the first error. Made by [`super::batch::Batch::records`].
#[derive(Clone, Debug)]
pub struct RecordIter(Source);

#[derive(Clone, Debug)]
enum Source {
    List(std::vec::IntoIter<Record>),
    Batch(BatchRecords),
}

#[derive(Clone, Debug)]
struct BatchRecords {
    rest: Bytes,
    left: usize,
    base_offset: Offset,
    base_timestamp: Millis,
    append_time: Option<Millis>,
}

impl RecordIter {
    pub(crate) fn of_list(records: Vec<Record>) -> Self {
        Self(Source::List(records.into_iter()))
    }

    /// The records in `body`, which is what follows the header, decompressed.
    ///
    /// # Errors
    /// [`BatchError::InvalidRecord`] if the header's count is negative.
    pub(crate) fn of_batch(header: &BatchHeader, body: Bytes) -> Result<Self, BatchError> {
        let count = header.record_count;
        let left = usize::try_from(count).map_err(|_| {
            BatchError::InvalidRecord(format!(
                "Found invalid record count {count} in magic v{} batch",
                header.magic
            ))
        })?;
        let append_time =
            (header.timestamp_type() == TimestampType::LogAppendTime).then_some(header.max_timestamp);
        Ok(Self(Source::Batch(BatchRecords {
            rest: body,
            left,
            base_offset: header.base_offset,
            base_timestamp: header.base_timestamp,
            append_time,
        })))
    }
}

impl Iterator for RecordIter {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::List(records) => records.next().map(Ok),
            Source::Batch(batch) => batch.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Source::List(records) => records.size_hint(),
            // The count is only a claim: what is allocated for it must be backed by bytes.
            Source::Batch(batch) => (batch.left.min(batch.rest.len() / SMALLEST_RECORD), Some(batch.left)),
        }
    }
}

impl BatchRecords {
    fn next(&mut self) -> Option<Result<Record, BatchError>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let record = self.read();
        match record {
            Ok(_) if self.left == 0 && !self.rest.is_empty() => Some(Err(still_remaining())),
            Ok(record) => Some(Ok(record)),
            Err(error) => {
                self.left = 0;
                Some(Err(error))
            }
        }
    }

    fn read(&mut self) -> Result<Record, BatchError> {
        let view = RecordView::parse(&self.rest)?;
        let share = |part: &[u8]| self.rest.slice_ref(part);
        let record = Record {
            offset: self.base_offset.wrapping_add(i64::from(view.offset_delta)),
            timestamp: self.append_time.unwrap_or(self.base_timestamp.wrapping_add(view.timestamp_delta)),
            key: view.key.map(share),
            value: view.value.map(share),
            headers: view
                .headers()
                .map(|(key, value)| (String::from_utf8_lossy(key).into_owned(), value.map(share)))
                .collect(),
        };
        let size = view.size;
        self.rest = self.rest.slice(size..);
        Ok(record)
    }
}

/// Appends a record of format 2 to `out`.
pub fn encode(
    out: &mut Vec<u8>,
    offset_delta: i32,
    timestamp_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header],
) {
    let mut body = Vec::with_capacity(32 + key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len));
    body.push(0);
    write_varlong(&mut body, timestamp_delta);
    write_varint(&mut body, offset_delta);
    write_nullable(&mut body, key);
    write_nullable(&mut body, value);
    write_varint(&mut body, headers.len() as i32);
    for (key, value) in headers {
        write_nullable(&mut body, Some(key.as_bytes()));
        write_nullable(&mut body, value.as_deref());
    }
    write_varint(out, body.len() as i32);
    out.extend_from_slice(&body);
}

fn write_nullable(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => write_varint(out, -1),
        Some(field) => {
            write_varint(out, field.len() as i32);
            out.extend_from_slice(field);
        }
    }
}

/// Appends a zigzag varint of up to 5 bytes.
pub fn write_varint(out: &mut Vec<u8>, value: i32) {
    write_varlong(out, i64::from(value));
}

/// Appends a zigzag varint of up to 10 bytes.
pub fn write_varlong(out: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// Takes a zigzag varint of up to 5 bytes off the front.
#[inline]
fn read_varint(input: &mut &[u8]) -> Result<i32, Flaw> {
    let raw = read_unsigned(input, 5)? as u32;
    Ok((raw >> 1) as i32 ^ -((raw & 1) as i32))
}

/// Takes a zigzag varint of up to 10 bytes off the front.
#[inline]
fn read_varlong(input: &mut &[u8]) -> Result<i64, Flaw> {
    let raw = read_unsigned(input, 10)?;
    Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
}

#[inline]
fn read_unsigned(input: &mut &[u8], longest: usize) -> Result<u64, Flaw> {
    // Most are of a byte or two, and every record has six at least.
    match **input {
        [byte @ ..0x80, ref rest @ ..] => {
            *input = rest;
            Ok(u64::from(byte))
        }
        [low, high @ ..0x80, ref rest @ ..] => {
            *input = rest;
            Ok(u64::from(low & 0x7f) | u64::from(high) << 7)
        }
        _ => read_longer(input, longest),
    }
}

fn read_longer(input: &mut &[u8], longest: usize) -> Result<u64, Flaw> {
    let mut value = 0;
    for (at, byte) in input.iter().take(longest).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            *input = &input[at + 1..];
            return Ok(value);
        }
    }
    Err(Flaw::Structure)
}

fn read_header<'a>(input: &mut &'a [u8]) -> Result<(&'a [u8], Option<&'a [u8]>), Flaw> {
    let size = read_varint(input)?;
    let size = usize::try_from(size).map_err(|_| Flaw::HeaderKeySize(size))?;
    Ok((take(input, size)?, read_nullable(input)?))
}

#[inline]
fn read_nullable<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Flaw> {
    match usize::try_from(read_varint(input)?) {
        Ok(size) => take(input, size).map(Some),
        Err(_) => Ok(None),
    }
}

#[inline]
fn take<'a>(input: &mut &'a [u8], size: usize) -> Result<&'a [u8], Flaw> {
    let (taken, rest) = input.split_at_checked(size).ok_or(Flaw::Structure)?;
    *input = rest;
    Ok(taken)
}

pub(crate) fn still_remaining() -> BatchError {
    BatchError::InvalidRecord("Incorrect declared batch size, records still remaining in file".into())
}

#[cfg(test)]
mod tests;
