//! Frames out of a connection: one read brings all bytes that have come, mostly whole frames, and a frame is
//! a slice of these bytes.
//!
//! A byte is moved at most once after it was read: when its frame begins in one read and ends in the next. A
//! connection that sends nothing holds no memory. Never looks into a frame. Kafka: `NetworkReceive`.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use super::activity::Activity;
use super::transport::{ConnectionEnd, ReadHalf};
use crate::wire::frame;

/// How much is read at once, in bytes, unless a larger frame has been announced.
const AHEAD: usize = 64 << 10;

/// How much buffer a frame is given before that much of it has arrived, in bytes: a batch of a mebibyte, a
/// common size in clients, and its request header, so that such a frame is received into one buffer.
const FIRST_ROOM: usize = (1 << 20) + (64 << 10);

/// The reading half of a connection, and what was read of it beyond the last frame.
#[derive(Debug)]
pub(super) struct Frames<R> {
    reader: R,
    ahead: BytesMut,
    /// Marked whenever bytes have come.
    activity: Activity,
}

impl<R: ReadHalf> Frames<R> {
    /// Frames that `reader` brings.
    pub(super) fn new(reader: R, activity: Activity) -> Self {
        Self { reader, ahead: BytesMut::new(), activity }
    }

    /// The length that announces the next frame; None if the other side has closed between two frames.
    ///
    /// # Errors
    /// Those of the socket, `UnexpectedEof` within the announcement.
    pub(super) async fn announced(&mut self) -> io::Result<Option<[u8; frame::PREFIX]>> {
        while self.ahead.len() < frame::PREFIX {
            let read = match self.ahead.is_empty() {
                true => self.first_bytes().await?,
                false => {
                    self.ahead.reserve(AHEAD - self.ahead.len());
                    self.reader.read_buf(&mut self.ahead).await?
                }
            };
            self.activity.received(read);
            match read {
                0 if self.ahead.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
        let mut prefix = [0; frame::PREFIX];
        self.ahead.copy_to_slice(&mut prefix);
        Ok(Some(prefix))
    }

    /// Waits for bytes and reads what has come. While it waits it holds no buffer, as most connections are
    /// idle.
    async fn first_bytes(&mut self) -> io::Result<usize> {
        loop {
            self.rest();
            self.reader.readable().await?;
            self.ahead.reserve(AHEAD);
            match self.reader.try_read_buf(&mut self.ahead) {
                // A new socket counts as readable before anything has come.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    /// Gives back the buffer for further bytes if none have come, as none will be read for a while.
    pub(super) fn rest(&mut self) {
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new();
        }
    }

    /// Closes the whole connection, even while the writing half still exists.
    pub(super) fn close(self) {
        self.reader.close();
    }

    /// The frame that was announced, of `length` bytes.
    ///
    /// # Errors
    /// Those of the socket, `UnexpectedEof`.
    pub(super) async fn frame(&mut self, length: usize) -> io::Result<Bytes> {
        if length > AHEAD {
            return self.large(length).await;
        }
        while self.ahead.len() < length {
            self.ahead.reserve(length - self.ahead.len());
            let read = some(self.reader.read_buf(&mut self.ahead).await?)?;
            self.activity.received(read);
        }
        Ok(self.ahead.split_to(length).freeze())
    }

    /// A frame with a buffer of its own, which gets the frame's full size once [`FIRST_ROOM`] has come.
    async fn large(&mut self, length: usize) -> io::Result<Bytes> {
        let mut body = BytesMut::with_capacity(length.min(FIRST_ROOM));
        let come = self.ahead.len().min(length);
        body.extend_from_slice(&self.ahead.split_to(come));
        while body.len() < length {
            if body.len() == body.capacity() {
                body.reserve(length - body.len());
            }
            let mut rest = (&mut self.reader).take((length - body.len()) as u64);
            let read = some(rest.read_buf(&mut body).await?)?;
            self.activity.received(read);
        }
        Ok(body.freeze())
    }

    /// Waits until the other side has ended the connection, even if requests have come before the end that
    /// were not read yet.
    pub(super) async fn until_ended(&mut self) -> ConnectionEnd {
        self.reader.ended().await
    }
}

/// How much was read, if that is something; else the error of an end inside a frame.
fn some(read: usize) -> io::Result<usize> {
    if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}

#[cfg(test)]
mod tests;
