//! Records of format 2: keys, values and headers, read without copying and never trusted.
//!
//! Pure. Counts and sizes are bounded by the bytes at hand before anything is allocated. Kafka: `DefaultRecord`.

pub mod iter;
pub mod runs;
pub mod stream;
mod varint;

use std::borrow::Cow;

use bytes::Bytes;

use super::batch::BatchError;
use super::compression::premature_end;
use crate::base::{Millis, Offset};
pub use iter::RecordIter;
use varint::{read_varint, read_varlong, size_of_varint, size_of_varlong};
pub use varint::{write_varint, write_varlong};

/// A record's header: its key and its value, which may be null. Keys may repeat; their order is significant.
pub type Header = (String, Option<Bytes>);

/// A record of any format with its absolute offset and timestamp.
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
    /// Its headers.
    pub headers: RecordHeaders<'a>,
}

/// The headers of a record, in either representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordHeaders<'a> {
    /// Of a record in memory.
    List(&'a [Header]),
    /// As they lie in the bytes, checked.
    Raw {
        /// How many there are.
        count: usize,
        /// All of them.
        bytes: &'a [u8],
    },
}

impl<'a> RecordHeaders<'a> {
    /// Without any.
    pub const NONE: RecordHeaders<'static> = RecordHeaders::List(&[]);

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::List(headers) => headers.len(),
            Self::Raw { count, .. } => *count,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Key and value of each in order. Keys are made UTF-8, as Java makes them.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, Option<&'a [u8]>)> {
        let (list, mut raw) = match *self {
            Self::List(headers) => (headers, &[][..]),
            Self::Raw { bytes, .. } => (&[][..], bytes),
        };
        let raw = std::iter::from_fn(move || {
            let (key, value) = if raw.is_empty() { None } else { read_header(&mut raw).ok() }?;
            Some((String::from_utf8_lossy(key), value))
        });
        list.iter().map(|(key, value)| (Cow::Borrowed(key.as_str()), value.as_deref())).chain(raw)
    }
}

/// What is wrong with a record. Small, as a valid record returns one of these too. The texts are Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Flaw {
    #[error("Found invalid record structure")]
    Structure,
    #[error("Found invalid number of record headers {0}")]
    HeaderCount(i32),
    #[error("Invalid negative header key size {0}")]
    HeaderKeySize(i32),
    #[error(
        "Invalid record size: expected to read {length} bytes in record payload, but instead read {read}"
    )]
    Length { length: i32, read: usize },
}

impl From<Flaw> for BatchError {
    fn from(flaw: Flaw) -> Self {
        Self::InvalidRecord(flaw.to_string())
    }
}

impl<'a> RecordView<'a> {
    /// The record at the start of `input`, which may hold more after it.
    ///
    /// # Errors [`BatchError::InvalidRecord`] if it does not fit in the input or in its own length;
    /// [`BatchError::Malformed`] where Kafka fails in another way: at a length that does not end, or one that
    /// is longer than the input.
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<Self, BatchError> {
        let mut rest = input;
        let length = match read_varint(&mut rest) {
            Ok(length) => length,
            Err(_) if rest.len() < 5 => return Err(premature_end()),
            Err(_) => return Err(varint::too_long()),
        };
        let Some(body) = rest.get(..usize::try_from(length).unwrap_or(0)) else {
            return Err(BatchError::Malformed("The record is longer than its batch".into()));
        };
        let mut view = Self::of_body(body, length)?;
        view.size = input.len() - rest.len() + body.len();
        Ok(view)
    }

    /// The record with this body, whose length field is `length`.
    #[inline]
    fn of_body(body: &'a [u8], length: i32) -> Result<Self, Flaw> {
        let mut rest = body;
        let attributes = *take(&mut rest, 1)?.first().ok_or(Flaw::Structure)? as i8;
        let timestamp_delta = read_varlong(&mut rest)?;
        let offset_delta = read_varint(&mut rest)?;
        let key = read_nullable(&mut rest)?;
        let value = read_nullable(&mut rest)?;
        let count = read_varint(&mut rest)?;
        let count = usize::try_from(count).map_err(|_| Flaw::HeaderCount(count))?;
        let headers = RecordHeaders::Raw { count, bytes: rest };
        for _ in 0..count {
            read_header(&mut rest)?;
        }
        if !rest.is_empty() || length < 0 {
            return Err(Flaw::Length { length, read: body.len() - rest.len() });
        }
        Ok(Self { size: body.len(), attributes, timestamp_delta, offset_delta, key, value, headers })
    }
}

/// Appends a record of format 2 to `out`.
pub fn encode(
    out: &mut Vec<u8>,
    offset_delta: i32,
    timestamp_delta: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: RecordHeaders<'_>,
) {
    let mut size = 1 + size_of_varlong(timestamp_delta) + size_of_varint(offset_delta);
    size += size_of_nullable(key) + size_of_nullable(value) + size_of_varint(headers.len() as i32);
    if !headers.is_empty() {
        let sizes = headers
            .iter()
            .map(|(key, value)| size_of_nullable(Some(key.as_bytes())) + size_of_nullable(value));
        size += sizes.sum::<usize>();
    }
    out.reserve(5 + size);
    write_varint(out, size as i32);
    out.push(0);
    write_varlong(out, timestamp_delta);
    write_varint(out, offset_delta);
    write_nullable(out, key);
    write_nullable(out, value);
    write_varint(out, headers.len() as i32);
    if !headers.is_empty() {
        for (key, value) in headers.iter() {
            write_nullable(out, Some(key.as_bytes()));
            write_nullable(out, value);
        }
    }
}

fn size_of_nullable(field: Option<&[u8]>) -> usize {
    field.map_or(1, |field| size_of_varint(field.len() as i32) + field.len())
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

#[inline]
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
