//! Frames out of a socket: one read brings whatever has come, mostly whole frames, and a frame is a part of what was read.
//!
//! Bytes are moved at most once after they left the system: those of a frame that begins in one read and goes on in the
//! next. A connection that sends nothing holds no memory. Never looks into a frame. Kafka: `NetworkReceive`.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;

use super::writer::in_time;
use crate::wire::frame;

/// How much is read at once, in bytes, where a larger frame is not known to come.
const AHEAD: usize = 64 << 10;

/// How much room a frame is given before that much of it has arrived, in bytes: a batch of a mebibyte, as clients are
/// often told to send, and what stands around it, so that it is received where it stays.
const FIRST_ROOM: usize = (1 << 20) + (64 << 10);

/// The reading half of a connection, and what was read of it beyond the last frame.
#[derive(Debug)]
pub(super) struct Frames {
    reader: OwnedReadHalf,
    ahead: BytesMut,
    /// How long nothing may come once a frame has begun, or before it does.
    stall: Option<Duration>,
}

impl Frames {
    /// Frames that come by `reader`, none of whose bytes may be longer than `stall` in coming.
    pub(super) fn new(reader: OwnedReadHalf, stall: Option<Duration>) -> Self {
        Self { reader, ahead: BytesMut::new(), stall }
    }

    /// The length that announces the next frame; None where the other side has closed in between two.
    ///
    /// # Errors
    /// Those of the socket, `UnexpectedEof` within the announcement, `TimedOut`.
    pub(super) async fn announced(&mut self) -> io::Result<Option<[u8; frame::PREFIX]>> {
        while self.ahead.len() < frame::PREFIX {
            if self.ahead.is_empty() {
                self.wait().await?;
            }
            self.ahead.reserve(AHEAD - self.ahead.len());
            match in_time(self.stall, self.reader.read_buf(&mut self.ahead)).await? {
                0 if self.ahead.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
        let mut prefix = [0; frame::PREFIX];
        self.ahead.copy_to_slice(&mut prefix);
        Ok(Some(prefix))
    }

    /// Waits for bytes, without room for them meanwhile: most connections are idle.
    async fn wait(&mut self) -> io::Result<()> {
        self.ahead = BytesMut::new();
        in_time(self.stall, self.reader.readable()).await
    }

    /// The frame that was announced, of `length` bytes.
    ///
    /// # Errors
    /// Those of the socket, `UnexpectedEof`, `TimedOut`.
    pub(super) async fn frame(&mut self, length: usize) -> io::Result<Bytes> {
        if length > AHEAD {
            return self.large(length).await;
        }
        while self.ahead.len() < length {
            self.ahead.reserve(length - self.ahead.len());
            let read = in_time(self.stall, self.reader.read_buf(&mut self.ahead)).await?;
            some(read)?;
        }
        Ok(self.ahead.split_to(length).freeze())
    }

    /// A frame with a buffer of its own, which is made for the whole of it once [`FIRST_ROOM`] has come.
    async fn large(&mut self, length: usize) -> io::Result<Bytes> {
        let mut body = BytesMut::with_capacity(length.min(FIRST_ROOM));
        let come = self.ahead.len().min(length);
        body.extend_from_slice(&self.ahead.split_to(come));
        while body.len() < length {
            if body.len() == body.capacity() {
                body.reserve(length - body.len());
            }
            let mut rest = (&mut self.reader).take((length - body.len()) as u64);
            some(in_time(self.stall, rest.read_buf(&mut body)).await?)?;
        }
        Ok(body.freeze())
    }

    /// Waits until the other side has broken the connection off; for ever where it has sent its next request already, or
    /// has closed its half.
    pub(super) async fn until_broken_off(&mut self) {
        if self.reader.peek(&mut [0]).await.is_ok() {
            std::future::pending::<()>().await;
        }
    }
}

/// That something was read, or the end is not where it should be.
fn some(read: usize) -> io::Result<()> {
    if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
