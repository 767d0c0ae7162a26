//! Records of format 2 read from a compressed stream: skipped, except for their offset and timestamp, or one
//! by one as a whole.
//!
//! Pure. A record that is skipped is read up to 2 KiB at a time, so that its size does not matter. A record
//! that is invalid in more than one way, or whose stream is damaged, gives the error that these steps meet
//! first; they are Kafka's. Kafka: `DefaultRecord.readPartiallyFrom`, `readFrom`.

use super::varint::{read_varint, read_varlong, too_long};
use super::{Flaw, RecordView, still_remaining};
use crate::wire::batch::BatchError;
use crate::wire::compression::{Decompressor, StreamError, premature_end};

/// How much of a record is unpacked at a time to be skipped (`MAX_SKIP_BUFFER_SIZE`).
const STEP: usize = 2048;
/// The largest record, in bytes, that is read as a whole from a compressed stream: to be converted, recompressed or
/// consumed.
pub const LARGEST_RECORD: usize = 128 << 20;

/// What is left of a record that was skipped. Kafka: `PartialDefaultRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedRecord {
    /// Timestamp minus the batch's base timestamp.
    pub timestamp_delta: i64,
    /// Offset minus the batch's base offset.
    pub offset_delta: i32,
    /// Bytes of its key; negative if it has none.
    pub key_size: i32,
    /// Bytes of its value; negative if it has none.
    pub value_size: i32,
}

/// Skips the next record.
///
/// # Errors
/// [`BatchError::InvalidRecord`] if it is none, [`BatchError::Decompress`] if the stream breaks,
/// [`BatchError::Malformed`] at a
/// length that does not end.
#[inline]
pub fn skip(reader: &mut Decompressor) -> Result<SkippedRecord, BatchError> {
    let size = read_size(reader)?;
    let mut body = Body { reader, left: usize::try_from(size).unwrap_or(0), have: 0 };
    if body.left > 0 {
        body.more()?;
    }
    if body.left == 0 { body.skip_in_memory() } else { body.skip_in_steps() }
}

/// The next record as a whole: the bytes of its body, which are the first unread ones, and are to be
/// consumed.
///
/// # Errors
/// As [`skip`]; [`BatchError::TooLarge`] beyond [`LARGEST_RECORD`].
pub fn read(reader: &mut Decompressor) -> Result<usize, BatchError> {
    let size = read_size(reader)?;
    let size = usize::try_from(size)
        .map_err(|_| BatchError::Malformed(format!("A record of {size} bytes is in the batch")))?;
    match reader.fill(size.min(LARGEST_RECORD)) {
        Ok(true) if size > LARGEST_RECORD => Err(BatchError::TooLarge(LARGEST_RECORD)),
        Ok(true) => Ok(size),
        Ok(false) | Err(StreamError::Ended) => Err(premature_end()),
        Err(error) => Err(BatchError::Decompress(error.to_string())),
    }
}

/// The record of a body that [`read`] found.
///
/// # Errors
/// [`BatchError::InvalidRecord`] if the body is none.
pub fn parse(body: &[u8]) -> Result<RecordView<'_>, BatchError> {
    Ok(RecordView::of_body(body, i32::try_from(body.len()).unwrap_or(i32::MAX))?)
}

/// Checks that nothing comes after the last record.
///
/// # Errors
/// [`BatchError::InvalidRecord`] if something does, [`BatchError::Decompress`] if the stream is damaged or ends there.
pub fn end(reader: &mut Decompressor) -> Result<(), BatchError> {
    match reader.fill_byte() {
        Ok(false) => Ok(()),
        Ok(true) => Err(still_remaining()),
        Err(error) => Err(BatchError::Decompress(format!(
            "Error checking for remaining bytes after reading batch: {error}"
        ))),
    }
}

/// A record's length, read a byte at a time when the stream brings no more.
#[inline]
fn read_size(reader: &mut Decompressor) -> Result<i32, BatchError> {
    let mut unread = reader.unread();
    let have = unread.len();
    match read_varint(&mut unread) {
        Ok(size) => {
            let read = have - unread.len();
            reader.consume(read);
            Ok(size)
        }
        Err(_) => read_size_slowly(reader),
    }
}

#[cold]
fn read_size_slowly(reader: &mut Decompressor) -> Result<i32, BatchError> {
    let mut bytes = [0; 5];
    for at in 0..bytes.len() {
        match reader.fill_byte() {
            Ok(true) => {}
            Ok(false) | Err(StreamError::Ended) => return Err(premature_end()),
            Err(error) => return Err(BatchError::Decompress(error.to_string())),
        }
        bytes[at] = reader.unread()[0];
        reader.consume(1);
        if bytes[at] < 0x80 {
            return Ok(read_varint(&mut &bytes[..=at])?);
        }
    }
    Err(too_long())
}

/// The rest of a record that is being skipped.
struct Body<'a> {
    reader: &'a mut Decompressor,
    /// Bytes that were not asked for yet.
    left: usize,
    /// Bytes that were asked for, and are unread.
    have: usize,
}

impl Body<'_> {
    /// Asks for as many bytes as are left and fit.
    fn more(&mut self) -> Result<(), BatchError> {
        if self.left == 0 {
            return Err(BatchError::InvalidRecord(
                "Invalid record size: expected to read more bytes in record payload".into(),
            ));
        }
        let size = self.left.min(STEP - self.have);
        match self.reader.fill(self.have + size) {
            Ok(true) => {
                self.left -= size;
                self.have += size;
                Ok(())
            }
            Ok(false) | Err(StreamError::Ended) => Err(premature_end()),
            Err(StreamError::Underflow) => Err(Flaw::Structure.into()),
            Err(error) => Err(BatchError::Decompress(error.to_string())),
        }
    }

    /// All of it was asked for: whatever is wrong with it now, Kafka's error is the same.
    #[inline]
    fn skip_in_memory(self) -> Result<SkippedRecord, BatchError> {
        let skipped = skip_body(&self.reader.unread()[..self.have])?;
        self.reader.consume(self.have);
        Ok(skipped)
    }

    fn skip_in_steps(mut self) -> Result<SkippedRecord, BatchError> {
        self.consume(1);
        let timestamp_delta = self.varint(10, read_varlong)?;
        let offset_delta = self.varint(5, read_varint)?;
        let key_size = self.skip_field()?;
        let value_size = self.skip_field()?;
        let count = self.varint(5, read_varint)?;
        if count < 0 {
            return Err(Flaw::HeaderCount(count).into());
        }
        for _ in 0..count {
            let size = self.skip_field()?;
            if size < 0 {
                return Err(Flaw::HeaderKeySize(size).into());
            }
            self.skip_field()?;
        }
        if self.left + self.have > 0 {
            return Err(BatchError::InvalidRecord(
                "Invalid record size: there are still bytes remaining in the record payload".into(),
            ));
        }
        Ok(SkippedRecord { timestamp_delta, offset_delta, key_size, value_size })
    }

    fn consume(&mut self, size: usize) {
        self.reader.consume(size);
        self.have -= size;
    }

    fn varint<T>(
        &mut self,
        longest: usize,
        read: fn(&mut &[u8]) -> Result<T, Flaw>,
    ) -> Result<T, BatchError> {
        if self.have < longest && self.left > 0 {
            self.more()?;
        }
        let mut bytes = &self.reader.unread()[..self.have];
        let value = read(&mut bytes)?;
        let size = self.have - bytes.len();
        self.consume(size);
        Ok(value)
    }

    /// Skips a key, a value, or either of a header; its size, negative if it is null.
    fn skip_field(&mut self) -> Result<i32, BatchError> {
        let size = self.varint(5, read_varint)?;
        let mut left = usize::try_from(size).unwrap_or(0);
        while left > self.have {
            left -= self.have;
            self.consume(self.have);
            self.more()?;
        }
        self.consume(left);
        Ok(size)
    }
}

#[inline]
fn skip_body(body: &[u8]) -> Result<SkippedRecord, Flaw> {
    let mut rest = body.get(1..).ok_or(Flaw::Structure)?;
    let timestamp_delta = read_varlong(&mut rest)?;
    let offset_delta = read_varint(&mut rest)?;
    let key_size = skip_bytes(&mut rest)?;
    let value_size = skip_bytes(&mut rest)?;
    let count = read_varint(&mut rest)?;
    if count < 0 {
        return Err(Flaw::HeaderCount(count));
    }
    for _ in 0..count {
        let size = skip_bytes(&mut rest)?;
        if size < 0 {
            return Err(Flaw::HeaderKeySize(size));
        }
        skip_bytes(&mut rest)?;
    }
    if !rest.is_empty() {
        return Err(Flaw::Length { length: body.len() as i32, read: body.len() - rest.len() });
    }
    Ok(SkippedRecord { timestamp_delta, offset_delta, key_size, value_size })
}

#[inline]
fn skip_bytes(rest: &mut &[u8]) -> Result<i32, Flaw> {
    let size = read_varint(rest)?;
    if size > 0 {
        *rest = rest.get(size as usize..).ok_or(Flaw::Structure)?;
    }
    Ok(size)
}

#[cfg(test)]
mod tests;
