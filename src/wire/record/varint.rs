//! Zigzag varints. Kafka: `ByteUtils`.
//!
//! Pure.

use super::Flaw;
use crate::wire::batch::BatchError;

/// Appends a zigzag varint of up to 5 bytes.
#[inline]
pub fn write_varint(out: &mut Vec<u8>, value: i32) {
    write_varlong(out, i64::from(value));
}

/// Appends a zigzag varint of up to 10 bytes.
#[inline]
pub fn write_varlong(out: &mut Vec<u8>, value: i64) {
    let mut left = zigzag(value);
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Bytes of a varint.
pub(super) fn size_of_varint(value: i32) -> usize {
    size_of_varlong(i64::from(value))
}

/// Bytes of a varlong.
pub(super) fn size_of_varlong(value: i64) -> usize {
    (70 - (zigzag(value) | 1).leading_zeros() as usize) / 7
}

/// Takes a zigzag varint of up to 5 bytes off the front.
#[inline]
pub(super) fn read_varint(input: &mut &[u8]) -> Result<i32, Flaw> {
    let raw = read_unsigned(input, 5)? as u32;
    Ok((raw >> 1) as i32 ^ -((raw & 1) as i32))
}

/// Takes a zigzag varint of up to 10 bytes off the front.
#[inline]
pub(super) fn read_varlong(input: &mut &[u8]) -> Result<i64, Flaw> {
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

/// A varint that does not end, where Kafka throws `IllegalArgumentException` without an API error of its own.
pub(super) fn too_long() -> BatchError {
    BatchError::Malformed("Varint is too long, the most significant bit in the 5th byte is set".into())
}
