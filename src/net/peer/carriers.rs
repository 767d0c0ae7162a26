//! What carries the frames of an authentication: the bare connection before its first request, or the connection in
//! use.
//!
//! Never decides what is sent; that is [`super::SaslClientSession`].

use std::io;

use bytes::Bytes;

use super::exchanges::{TimeLimit, ended};
use super::{LARGEST_ANSWER, PeerError, PeerShared};
use crate::base::Records;
use crate::net::activity::Activity;
use crate::net::frames::Frames;
use crate::net::sasl::login::SaslCarrier;
use crate::net::transport::{ReadHalf, WriteHalf};
use crate::net::writer;
use crate::wire::frame;

/// The two halves of a connection that nothing else uses yet.
pub(super) struct FrameCarrier<'a, R, W> {
    frames: &'a mut Frames<R>,
    writer: &'a mut W,
    activity: &'a Activity,
    client_id: &'a str,
    next_id: i32,
}

impl<'a, R: ReadHalf, W: WriteHalf> FrameCarrier<'a, R, W> {
    pub fn new(
        frames: &'a mut Frames<R>,
        writer: &'a mut W,
        activity: &'a Activity,
        client_id: &'a str,
    ) -> Self {
        Self { frames, writer, activity, client_id, next_id: 0 }
    }
}

impl<R: ReadHalf, W: WriteHalf> SaslCarrier for FrameCarrier<'_, R, W> {
    fn client_id(&self) -> &str {
        self.client_id
    }

    fn next_id(&mut self) -> i32 {
        self.next_id += 1;
        self.next_id
    }

    async fn exchange(&mut self, _: i32, pieces: Vec<Records>) -> Result<Bytes, PeerError> {
        writer::send(self.writer, pieces, self.activity).await?;
        let announced = self.frames.announced().await?;
        let prefix = announced.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let length = frame::length(prefix, LARGEST_ANSWER).map_err(io::Error::other)?;
        Ok(self.frames.frame(length).await?)
    }
}

/// An open connection, by the task that writes: nothing else is written until the exchange is over. The answers to the
/// requests that were written before come as ever.
pub(super) struct PeerCarrier<'a, W> {
    pub shared: &'a PeerShared,
    pub writer: &'a mut W,
}

impl<W: WriteHalf> SaslCarrier for PeerCarrier<'_, W> {
    fn client_id(&self) -> &str {
        &self.shared.client_id
    }

    fn next_id(&mut self) -> i32 {
        self.shared.next_id()
    }

    async fn exchange(&mut self, id: i32, pieces: Vec<Records>) -> Result<Bytes, PeerError> {
        let answer = self.shared.exchanges.lock().overtake(id, TimeLimit::none())?;
        let bytes = pieces.iter().map(Records::len).sum();
        writer::send(self.writer, pieces, &self.shared.activity).await?;
        self.shared.traffic.sent(bytes);
        answer.await.map_err(|_| ended())?
    }
}
