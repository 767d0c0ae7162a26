//! Bounded reading and writing of the protocol's primitive types.
//!
//! Pure. [`Reader`] never reads past its end and never allocates by a length that it has not compared with
//! the bytes that remain. [`Writer`] puts record bytes between its own without copying them. Neither knows a
//! message: those are tables in [`crate::wire::message`]. Kafka: ByteBufferAccessor, ByteUtils,
//! RecordsWriter.

use std::fmt;
use std::io;

use bytes::{Buf, Bytes};

use crate::base::Records;

pub mod field;

/// Record bytes in memory up to this size are copied among the writer's own: a piece of their own would cost
/// more.
const SPLICE_FROM: usize = 1024;

/// Why bytes are no valid message, or a message has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireError {
    /// What is wrong.
    pub problem: Problem,
    /// The field it was found in, as Rust spells it; empty outside of any field.
    pub field: &'static str,
}

/// What can be wrong with bytes or with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// More bytes are needed than remain.
    Truncated {
        /// How many are needed.
        needed: usize,
        /// How many remain.
        remaining: usize,
    },
    /// An impossible length or count: negative, past the end, or more than the type may have.
    Length(i64),
    /// Null where null is not allowed.
    Null,
    /// A varint of more bytes than its type can have.
    Varint,
    /// A value that this version cannot carry and that must not be dropped.
    NotInVersion(i16),
    /// A version that this message does not have.
    UnsupportedVersion(i16),
    /// No API has this key.
    UnknownApi(i16),
}

impl WireError {
    /// The same error, found in this field unless an inner field is known already.
    pub fn within(self, field: &'static str) -> Self {
        if self.field.is_empty() { Self { field, ..self } } else { self }
    }
}

impl From<Problem> for WireError {
    fn from(problem: Problem) -> Self {
        Self { problem, field: "" }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(out, "{}: ", self.field)?;
        }
        match self.problem {
            Problem::Truncated { needed, remaining } => {
                write!(out, "{needed} bytes needed, {remaining} remain")
            }
            Problem::Length(length) => write!(out, "invalid length {length}"),
            Problem::Null => out.write_str("null is not allowed"),
            Problem::Varint => out.write_str("varint is too long"),
            Problem::NotInVersion(version) => write!(out, "cannot be written at version {version}"),
            Problem::UnsupportedVersion(version) => write!(out, "there is no version {version}"),
            Problem::UnknownApi(key) => write!(out, "no API has key {key}"),
        }
    }
}

impl std::error::Error for WireError {}

/// Reads big-endian values from shared bytes; the byte slices it returns share them.
#[derive(Clone, Debug)]
pub struct Reader {
    bytes: Bytes,
}

impl Reader {
    /// Reads these bytes from their start.
    pub fn new(bytes: Bytes) -> Self {
        Self { bytes }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// Takes all that is left.
    pub fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes)
    }

    /// The next `length` bytes, without copying.
    ///
    /// # Errors
    /// Fewer remain.
    pub fn take(&mut self, length: usize) -> Result<Bytes, WireError> {
        self.need(length)?;
        Ok(self.bytes.split_to(length))
    }

    /// Skips `length` bytes.
    ///
    /// # Errors
    /// Fewer remain.
    pub fn skip(&mut self, length: usize) -> Result<(), WireError> {
        self.need(length)?;
        self.bytes.advance(length);
        Ok(())
    }

    fn need(&self, needed: usize) -> Result<(), WireError> {
        let remaining = self.remaining();
        if needed > remaining { Err(Problem::Truncated { needed, remaining }.into()) } else { Ok(()) }
    }

    /// One signed byte.
    ///
    /// # Errors
    /// Nothing remains.
    pub fn i8(&mut self) -> Result<i8, WireError> {
        self.need(1)?;
        Ok(self.bytes.get_i8())
    }

    /// A byte that is true unless it is 0.
    ///
    /// # Errors
    /// Nothing remains.
    pub fn bool(&mut self) -> Result<bool, WireError> {
        Ok(self.i8()? != 0)
    }

    /// Two bytes, signed.
    ///
    /// # Errors
    /// Fewer than 2 bytes remain.
    pub fn i16(&mut self) -> Result<i16, WireError> {
        self.need(2)?;
        Ok(self.bytes.get_i16())
    }

    /// Four bytes, signed.
    ///
    /// # Errors
    /// Fewer than 4 bytes remain.
    pub fn i32(&mut self) -> Result<i32, WireError> {
        self.need(4)?;
        Ok(self.bytes.get_i32())
    }

    /// Four bytes, unsigned.
    ///
    /// # Errors
    /// Fewer than 4 bytes remain.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        self.need(4)?;
        Ok(self.bytes.get_u32())
    }

    /// Eight bytes, signed.
    ///
    /// # Errors
    /// Fewer than 8 bytes remain.
    pub fn i64(&mut self) -> Result<i64, WireError> {
        self.need(8)?;
        Ok(self.bytes.get_i64())
    }

    /// Eight bytes as IEEE 754.
    ///
    /// # Errors
    /// Fewer than 8 bytes remain.
    pub fn f64(&mut self) -> Result<f64, WireError> {
        self.need(8)?;
        Ok(self.bytes.get_f64())
    }

    /// An unsigned varint of at most 5 bytes; what lies above 32 bits in the fifth is dropped, as Kafka does.
    ///
    /// # Errors
    /// The bytes end within it, or it is longer.
    pub fn unsigned_varint(&mut self) -> Result<u32, WireError> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.i8()? as u8;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Problem::Varint.into())
    }

    /// A signed varint, zigzag, of at most 5 bytes.
    ///
    /// # Errors
    /// The bytes end within it, or it is longer.
    pub fn varint(&mut self) -> Result<i32, WireError> {
        let value = self.unsigned_varint()?;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    /// The tagged fields that end a flexible struct. Each is given to `known` with a reader of its own bytes
    /// alone; `known` leaves unread the tags that it does not know.
    ///
    /// # Errors The section is incomplete, or `known` refuses a field.
    pub fn tagged_fields(
        &mut self,
        mut known: impl FnMut(u32, &mut Reader) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        // Each field has at least a tag and a size, so the input's end bounds the loop.
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let size = self.unsigned_varint()? as usize;
            let mut field = Reader::new(self.take(size)?);
            known(tag, &mut field)?;
        }
        Ok(())
    }
}

/// The capacity that a frame begins with, in bytes: enough for most frames, so that they are written without
/// being moved.
const FRAME_ROOM: usize = 256;

/// The content of a writer, in the order to be sent.
#[derive(Debug)]
enum Piece {
    Own(Vec<u8>),
    Spliced(Records),
}

/// Writes big-endian values; record bytes become pieces of their own, not copied.
#[derive(Debug, Default)]
pub struct Writer {
    pieces: Vec<Piece>,
    open: Vec<u8>,
    closed_len: usize,
    framed: bool,
}

impl Writer {
    /// Writes a bare run of bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a frame: its length, known at the end, comes first in 4 bytes.
    pub fn framed() -> Self {
        let mut open = Vec::with_capacity(FRAME_ROOM);
        open.extend_from_slice(&[0; 4]);
        Self { open, framed: true, ..Self::default() }
    }

    /// How many bytes were written, a frame's length prefix included.
    pub fn len(&self) -> usize {
        self.closed_len + self.open.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
    }

    /// One signed byte.
    pub fn i8(&mut self, value: i8) {
        self.raw(&value.to_be_bytes());
    }

    /// A byte: 1 for true, 0 for false.
    pub fn bool(&mut self, value: bool) {
        self.i8(value.into());
    }

    /// Two bytes, signed.
    pub fn i16(&mut self, value: i16) {
        self.raw(&value.to_be_bytes());
    }

    /// Four bytes, signed.
    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    /// Four bytes, unsigned.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    /// Eight bytes, signed.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_be_bytes());
    }

    /// Eight bytes as IEEE 754.
    pub fn f64(&mut self, value: f64) {
        self.raw(&value.to_be_bytes());
    }

    /// An unsigned varint, 1 to 5 bytes.
    pub fn unsigned_varint(&mut self, value: u32) {
        self.unsigned_varlong(value.into());
    }

    fn unsigned_varlong(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.open.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.open.push(value as u8);
    }

    /// A signed varint, zigzag, 1 to 5 bytes.
    pub fn varint(&mut self, value: i32) {
        self.unsigned_varint((value << 1 ^ value >> 31) as u32);
    }

    /// Record bytes, spliced in rather than copied, unless they are few.
    pub fn records(&mut self, records: &Records) {
        match records {
            Records::Memory(bytes) if bytes.len() < SPLICE_FROM => self.raw(bytes),
            _ => {
                self.close();
                self.closed_len += records.len();
                self.pieces.push(Piece::Spliced(records.clone()));
            }
        }
    }

    /// All that another writer holds.
    pub fn append(&mut self, other: Writer) {
        if other.pieces.is_empty() {
            return self.raw(&other.open);
        }
        self.close();
        self.closed_len += other.closed_len;
        self.pieces.extend(other.pieces);
        self.open = other.open;
    }

    /// Ends the run of own bytes before something is spliced in.
    fn close(&mut self) {
        if !self.open.is_empty() {
            self.closed_len += self.open.len();
            self.pieces.push(Piece::Own(std::mem::take(&mut self.open)));
        }
    }

    /// What was written, in pieces to be sent one after the other.
    pub fn finish(mut self) -> Vec<Records> {
        self.close();
        if self.framed {
            let length = u32::try_from(self.closed_len - 4).unwrap_or(u32::MAX);
            if let Some(Piece::Own(first)) = self.pieces.first_mut() {
                first[..4].copy_from_slice(&length.to_be_bytes());
            }
        }
        self.pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Own(bytes) => Records::Memory(bytes.into()),
                Piece::Spliced(records) => records,
            })
            .collect()
    }

    /// What was written, as one run of bytes; copies what was spliced in.
    ///
    /// # Errors
    /// Those of reading record bytes that lie in files.
    pub fn into_bytes(self) -> io::Result<Bytes> {
        let length = self.len();
        let mut pieces = self.finish();
        if let (1, Some(Records::Memory(only))) = (pieces.len(), pieces.first_mut()) {
            return Ok(std::mem::take(only));
        }
        let mut whole = Vec::with_capacity(length);
        for piece in pieces {
            whole.extend_from_slice(&piece.read()?);
        }
        Ok(whole.into())
    }
}

#[cfg(test)]
mod tests;
