//! gzip as `java.util.zip.GZIPInputStream` of Java 11 to 17 reads it in Kafka: from a buffer of 8 KiB, which
//! decides how many of the bytes after a member are examined.
//!
//! Another member is read only if more than [`LEAST_AFTER`] bytes of it are in that buffer. Bytes after a
//! member that are no member are ignored.

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

use super::pool::Pool;
use super::reader::{Decode, OutputWindow, StreamError};

/// How many compressed bytes are read at a time.
const INPUT: usize = 8 << 10;
/// How many bytes are unpacked at a time, unless more are asked for.
const OUTPUT: usize = 16 << 10;
const LARGEST_OUTPUT: usize = 1 << 20;
/// A trailer, and the header and trailer of another member.
const LEAST_AFTER: usize = 26;
const TRAILER: usize = 8;

const FLAG_HEADER_CRC: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;

static INFLATERS: Pool<Decompress> = Pool::new();

/// A gzip stream.
#[derive(Debug)]
pub(super) struct Gzip {
    inflater: Option<Decompress>,
    input: Bytes,
    /// What is inflated next.
    at: usize,
    /// The end of the input in the buffer.
    buffered: usize,
    crc: Hasher,
    /// How many bytes this member has yielded.
    written: u64,
    stage: GzipStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GzipStage {
    Body,
    Trailer,
    Over,
}

impl Gzip {
    pub(super) fn new(input: Bytes) -> Result<Self, StreamError> {
        let at = read_header(&input)?;
        let mut inflater = INFLATERS.take().unwrap_or_else(|| Decompress::new(false));
        inflater.reset(false);
        let crc = Hasher::new();
        Ok(Self {
            inflater: Some(inflater),
            input,
            at,
            buffered: at,
            crc,
            written: 0,
            stage: GzipStage::Body,
        })
    }

    fn inflate(&mut self, window: &mut OutputWindow, wanted: usize) -> Result<bool, StreamError> {
        let Some(inflater) = &mut self.inflater else { return Ok(false) };
        loop {
            let room = window.room(wanted.clamp(OUTPUT, LARGEST_OUTPUT))?;
            let (read, wrote) = (inflater.total_in(), inflater.total_out());
            let status =
                inflater.decompress(&self.input[self.at..self.buffered], room, FlushDecompress::Sync);
            let status = status.map_err(StreamError::broken)?;
            self.at += (inflater.total_in() - read) as usize;
            let wrote = (inflater.total_out() - wrote) as usize;
            self.crc.update(&room[..wrote]);
            self.written += wrote as u64;
            window.wrote(wrote);
            if status == Status::StreamEnd {
                self.stage = GzipStage::Trailer;
            }
            if wrote > 0 || self.stage == GzipStage::Trailer {
                return Ok(true);
            }
            if self.at < self.buffered {
                return Err(StreamError::Broken("invalid deflate stream".into()));
            }
            if self.buffered >= self.input.len() {
                return Err(StreamError::Ended);
            }
            self.buffered = self.input.len().min(self.buffered + INPUT);
        }
    }

    /// Checks the end of a member, and begins another if there is one.
    fn end_member(&mut self) -> Result<(), StreamError> {
        let trailer = &self.input[self.at..];
        let mut words = trailer.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let crc = std::mem::take(&mut self.crc).finalize();
        let is_right = words.next().ok_or(StreamError::Ended)? == crc
            && words.next().ok_or(StreamError::Ended)? == self.written as u32;
        if !is_right {
            return Err(StreamError::Broken("Corrupt GZIP trailer".into()));
        }
        self.stage = GzipStage::Over;
        if self.buffered - self.at <= LEAST_AFTER {
            return Ok(());
        }
        let after = self.at + TRAILER;
        if let Ok(size) = read_header(&self.input[after..]) {
            self.at = after + size;
            self.buffered = self.buffered.max(self.at);
            self.written = 0;
            self.stage = GzipStage::Body;
            if let Some(inflater) = &mut self.inflater {
                inflater.reset(false);
            }
        }
        Ok(())
    }
}

impl Decode for Gzip {
    fn decode(&mut self, window: &mut OutputWindow, wanted: usize) -> Result<bool, StreamError> {
        loop {
            match self.stage {
                GzipStage::Body => {
                    self.inflate(window, wanted)?;
                    // An empty member brings nothing, as do a block's last bytes.
                    return Ok(true);
                }
                GzipStage::Trailer => self.end_member()?,
                GzipStage::Over => return Ok(false),
            }
        }
    }
}

impl Drop for Gzip {
    fn drop(&mut self) {
        if let Some(inflater) = self.inflater.take() {
            INFLATERS.put(inflater);
        }
    }
}

/// Bytes of the member's header at the start of `input`.
fn read_header(input: &[u8]) -> Result<usize, StreamError> {
    let broken = |text: &str| StreamError::Broken(text.into());
    let byte = |at: usize| input.get(at).copied().ok_or(StreamError::Ended);
    if (byte(0)?, byte(1)?) != (0x1f, 0x8b) {
        return Err(broken("Not in GZIP format"));
    }
    if byte(2)? != 8 {
        return Err(broken("Unsupported compression method"));
    }
    let flags = byte(3)?;
    let mut size = 10;
    byte(size - 1)?;
    if flags & FLAG_EXTRA != 0 {
        size += 2 + usize::from(u16::from_le_bytes([byte(size)?, byte(size + 1)?]));
        byte(size - 1)?;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let text = input.get(size..).ok_or(StreamError::Ended)?;
            size += 1 + text.iter().position(|byte| *byte == 0).ok_or(StreamError::Ended)?;
        }
    }
    if flags & FLAG_HEADER_CRC != 0 {
        let crc = u16::from_le_bytes([byte(size)?, byte(size + 1)?]);
        if crc != crc32fast::hash(&input[..size]) as u16 {
            return Err(broken("Corrupt GZIP header"));
        }
        size += 2;
    }
    Ok(size)
}
