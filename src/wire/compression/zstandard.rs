//! Zstandard as zstd-jni's stream reads it: frames one after the other. An end within a frame is an error,
//! except for the rest of a buffer in which a frame ended.
//!
//! Kafka: `ZstdInputStream` of zstd-jni.

use bytes::Bytes;
use zstd::zstd_safe::{DCtx, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::pool::Pool;
use super::reader::{Decode, OutputWindow, StreamError};

/// How many compressed bytes the stream reads at a time: a block of the largest size and its header.
const INPUT: usize = (128 << 10) + 3;
/// How many bytes of a frame zstd 1.4 needs before it examines any of it.
const FRAME_START: usize = 5;
/// How many bytes are unpacked at a time.
const OUTPUT: usize = 64 << 10;
/// Contexts of larger frames are not kept.
const LARGEST_KEPT: usize = 16 << 20;

static CONTEXTS: Pool<DCtx<'static>> = Pool::new();

/// A zstd stream.
pub(super) struct Zstd {
    context: Option<DCtx<'static>>,
    input: Bytes,
    at: usize,
    /// Up to where the input was read.
    buffered: usize,
    /// How many bytes came out.
    written: u64,
    /// Whether all of the buffered input has been unpacked.
    is_drained: bool,
    /// Whether a frame has ended since the last read of input.
    frame_ended: bool,
    /// Whether the next byte is the first of a frame.
    begins: bool,
    /// The error behind the last bytes that came out.
    error: Option<StreamError>,
}

impl std::fmt::Debug for Zstd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zstd").field("at", &self.at).field("written", &self.written).finish_non_exhaustive()
    }
}

fn context() -> Result<DCtx<'static>, StreamError> {
    let made = || DCtx::try_create().ok_or_else(|| StreamError::Broken("zstd: no memory".into()));
    let mut context = CONTEXTS.take().map_or_else(made, Ok)?;
    context.reset(ResetDirective::SessionOnly).map_err(failed)?;
    Ok(context)
}

fn truncated() -> StreamError {
    StreamError::Broken("Read error or truncated source".into())
}

fn failed(code: usize) -> StreamError {
    StreamError::Broken(format!("Decompression error: {}", get_error_name(code)))
}

/// One step: what was read and written, and whether a frame has ended.
fn step(
    context: &mut DCtx<'static>,
    input: &[u8],
    out: &mut [u8],
) -> Result<(usize, usize, bool), StreamError> {
    let (mut input, mut out) = (InBuffer::around(input), OutBuffer::around(out));
    let hint = context.decompress_stream(&mut out, &mut input).map_err(failed)?;
    Ok((input.pos(), out.pos(), hint == 0))
}

impl Zstd {
    pub(super) fn new(input: Bytes) -> Result<Self, StreamError> {
        Ok(Self {
            context: Some(context()?),
            input,
            at: 0,
            buffered: 0,
            written: 0,
            is_drained: true,
            frame_ended: true,
            begins: true,
            error: None,
        })
    }

    /// The bytes before the damage: a failed step does not report what it has unpacked, so it is repeated
    /// byte by byte.
    fn salvage(&mut self, error: StreamError, window: &mut OutputWindow) -> Result<bool, StreamError> {
        let mut context = context()?;
        let (mut at, mut skipped) = (0, 0);
        let mut waste = vec![0; OUTPUT];
        while skipped < self.written {
            let room = (self.written - skipped).min(OUTPUT as u64) as usize;
            let (read, wrote, _) = step(&mut context, &self.input[at..], &mut waste[..room])?;
            (at, skipped) = (at + read, skipped + wrote as u64);
            if read + wrote == 0 {
                return Err(error);
            }
        }
        let mut saved = 0;
        while let Ok((read, wrote, _)) = step(&mut context, &self.input[at..], window.room(1)?) {
            if read + wrote == 0 {
                break;
            }
            window.wrote(wrote);
            (at, saved) = (at + read, saved + wrote);
        }
        self.error = Some(error.clone());
        if saved == 0 { Err(error) } else { Ok(true) }
    }
}

impl Decode for Zstd {
    fn decode(&mut self, window: &mut OutputWindow, _wanted: usize) -> Result<bool, StreamError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        loop {
            if self.at == self.buffered && self.is_drained {
                if self.at == self.input.len() {
                    return if self.frame_ended { Ok(false) } else { Err(truncated()) };
                }
                self.buffered = self.input.len().min(self.at + INPUT);
                self.frame_ended = false;
            }
            if self.begins && self.input.len() - self.at < FRAME_START {
                let is_over = self.frame_ended && self.buffered == self.input.len();
                return if is_over { Ok(false) } else { Err(truncated()) };
            }
            let Some(context) = &mut self.context else { return Ok(false) };
            let room = window.room(OUTPUT)?;
            match step(context, &self.input[self.at..self.buffered], room) {
                Err(error) => return self.salvage(error, window),
                Ok((read, wrote, has_ended)) => {
                    self.at += read;
                    self.written += wrote as u64;
                    self.frame_ended |= has_ended;
                    self.begins = has_ended;
                    self.is_drained = has_ended || wrote < OUTPUT;
                    window.wrote(wrote);
                    if wrote > 0 {
                        return Ok(true);
                    }
                }
            }
        }
    }
}

impl Drop for Zstd {
    fn drop(&mut self) {
        if let Some(context) = self.context.take()
            && context.sizeof() <= LARGEST_KEPT
        {
            CONTEXTS.put(context);
        }
    }
}
