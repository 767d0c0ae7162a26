//! LZ4 frames as Kafka reads them: independent blocks only, the checksums of headers and blocks verified,
//! that of the content not; bytes after the frame are ignored.
//!
//! Blocks are unpacked by liblz4, as Kafka's are. It accepts some damaged blocks, such as a match at distance 0, and
//! whether it does decides between an unreadable stream and an invalid record.
//! Kafka: `KafkaLZ4BlockInputStream`, `KafkaLZ4BlockOutputStream`.

use bytes::{Buf, Bytes};

use super::reader::{Decode, OutputWindow, StreamError};

const MAGIC: u32 = 0x184d_2204;
/// Set in a block's size if the block is stored as it is.
pub(super) const STORED: u32 = 0x8000_0000;

const VERSION_1: u8 = 0b0100_0000;
const VERSION: u8 = 0b1100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const BLOCK_CHECKSUM: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;
const CONTENT_CHECKSUM: u8 = 0b0000_0100;
const RESERVED: u8 = 0b0000_0011;

/// A frame.
#[derive(Debug)]
pub(super) struct Lz4 {
    rest: Bytes,
    flags: u8,
    block_size: usize,
}

impl Lz4 {
    /// Reads the frame's header. In format 0 its checksum is not verified: clients of that time wrote a wrong
    /// one (KAFKA-3160).
    pub(super) fn new(mut input: Bytes, magic: i8) -> Result<Self, StreamError> {
        let broken = |text: &str| StreamError::Broken(text.into());
        if input.len() < 6 {
            return Err(broken("Stream ended prematurely"));
        }
        if input.get_u32_le() != MAGIC {
            return Err(broken("Stream unsupported (invalid magic bytes)"));
        }
        let (flags, descriptor) = (input[0], input[1]);
        if flags & RESERVED != 0 || descriptor & 0b1000_1111 != 0 {
            return Err(broken("Reserved bits must be 0"));
        }
        if flags & INDEPENDENT == 0 {
            return Err(broken("Dependent block stream is unsupported"));
        }
        if flags & VERSION != VERSION_1 {
            return Err(StreamError::Broken(format!("Version {} is unsupported", flags >> 6)));
        }
        let block_size = match descriptor >> 4 {
            value @ 4..=7 => 1 << (2 * value + 8),
            _ => return Err(broken("Block size value must be between 4 and 7")),
        };
        let size = if flags & CONTENT_SIZE == 0 { 2 } else { 10 };
        if input.len() <= size {
            return Err(broken("Stream ended prematurely"));
        }
        if magic != 0 && input[size] != (xxh32(&input[..size]) >> 8) as u8 {
            return Err(broken("Stream frame descriptor corrupted"));
        }
        input.advance(size + 1);
        Ok(Self { rest: input, flags, block_size })
    }
}

impl Decode for Lz4 {
    fn decode(&mut self, window: &mut OutputWindow, _wanted: usize) -> Result<bool, StreamError> {
        let ended = || StreamError::Broken("Stream ended prematurely".into());
        if self.rest.len() < 4 {
            return Err(ended());
        }
        let word = self.rest.get_u32_le();
        let size = (word & !STORED) as usize;
        if size == 0 {
            let is_incomplete = self.flags & CONTENT_CHECKSUM != 0 && self.rest.len() < 4;
            return if is_incomplete { Err(StreamError::Underflow) } else { Ok(false) };
        }
        if size > self.block_size {
            return Err(StreamError::Broken(format!("Block size {size} exceeded max: {}", self.block_size)));
        }
        if self.rest.len() < size {
            return Err(ended());
        }
        let block = self.rest.split_to(size);
        let wrote = if word & STORED == 0 {
            let room = window.room(self.block_size)?;
            ::lz4::block::decompress_to_buffer(&block, Some(room.len() as i32), room)
                .map_err(StreamError::broken)?
        } else {
            window.room(size)?.copy_from_slice(&block);
            size
        };
        if self.flags & BLOCK_CHECKSUM != 0 {
            if self.rest.len() < 4 {
                return Err(StreamError::Underflow);
            }
            if self.rest.get_u32_le() != xxh32(&block) {
                return Err(StreamError::Broken("Block checksum mismatch".into()));
            }
        }
        window.wrote(wrote);
        Ok(true)
    }
}

/// The frame with the header checksum that clients of format 0 expect: over the magic too (KAFKA-3160). The
/// input is a frame as [`super::Compressor`] writes it.
pub(super) fn with_checksum_of_format_0(frame: &mut [u8]) {
    if frame.len() > 6 {
        frame[6] = (xxh32(&frame[..6]) >> 8) as u8;
    }
}

/// The header of frames that are written: independent blocks of 64 KiB, no checksums but its own.
pub(super) const HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, VERSION_1 | INDEPENDENT, 0x40, 0x82];

const PRIMES: [u32; 5] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f, 0x1656_67b1];

/// XXH32 with seed 0.
fn xxh32(input: &[u8]) -> u32 {
    let (stripes, tail) = input.as_chunks::<16>();
    let mut hash = if stripes.is_empty() { PRIMES[4] } else { of_stripes(stripes) };
    hash = hash.wrapping_add(input.len() as u32);
    let (words, bytes) = tail.as_chunks::<4>();
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(PRIMES[2]));
        hash = hash.rotate_left(17).wrapping_mul(PRIMES[3]);
    }
    for byte in bytes {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(PRIMES[4]));
        hash = hash.rotate_left(11).wrapping_mul(PRIMES[0]);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(PRIMES[1]);
    hash = (hash ^ (hash >> 13)).wrapping_mul(PRIMES[2]);
    hash ^ (hash >> 16)
}

fn of_stripes(stripes: &[[u8; 16]]) -> u32 {
    let mut lanes = [PRIMES[0].wrapping_add(PRIMES[1]), PRIMES[1], 0, 0u32.wrapping_sub(PRIMES[0])];
    for stripe in stripes {
        for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks::<4>().0) {
            *lane = lane.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(PRIMES[1]));
            *lane = lane.rotate_left(13).wrapping_mul(PRIMES[0]);
        }
    }
    let turned = lanes.iter().zip([1, 7, 12, 18]).map(|(lane, by)| lane.rotate_left(by));
    turned.fold(0, u32::wrapping_add)
}
