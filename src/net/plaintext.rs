//! A connection without encryption or authentication: a TCP stream as it is.
//!
//! Memory leaves by vectored writes, runs of a segment by `sendfile`, so that no record byte is copied. Kafka:
//! `PlaintextTransportLayer`.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes, BytesMut};
use rustix::io::{Errno, ReadWriteFlags};
use rustix::net::{SendAncillaryBuffer, SendFlags};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::io::poll_read_buf;

use super::activity::Activity;
use super::disk_reads;
use super::transport::{Behind, ConnectionEnd, ReadHalf, TransportLayer, WriteHalf};
use crate::base::FileSlice;

/// How much of a file is sent at once, in bytes. Before each such part, the sender checks whether it is in
/// memory.
const RUN: u64 = 1 << 20;

/// How much is read from a disk at once, in bytes.
const WARMED_AT_ONCE: usize = 128 << 10;

impl TransportLayer for TcpStream {
    type Reader = OwnedReadHalf;
    type Writer = OwnedWriteHalf;

    fn into_halves(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.into_split()
    }
}

impl ReadHalf for OwnedReadHalf {
    async fn readable(&mut self) -> io::Result<()> {
        OwnedReadHalf::readable(self).await
    }

    fn try_read_buf(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        // As `OwnedReadHalf::try_read_buf`, but a read that leaves room in the buffer has emptied the socket, and the
        // runtime notes that here: the next wait for bytes needs no read in vain.
        let mut nothing_waits = Context::from_waker(Waker::noop());
        match poll_read_buf(Pin::new(self), &mut nothing_waits, buffer) {
            Poll::Ready(read) => read,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    async fn ended(&mut self) -> ConnectionEnd {
        // Urgent data are not read here. The event awaited beside errors is that the read half is closed.
        match self.ready(Interest::PRIORITY | Interest::ERROR).await {
            Ok(ready) if !ready.is_error() => ConnectionEnd::Closed,
            _ => ConnectionEnd::BrokenOff,
        }
    }

    fn close(self) {
        let closed = rustix::net::shutdown(self.as_ref(), rustix::net::Shutdown::Both);
        if let Err(error) = closed {
            log::debug!(target: "org.apache.kafka.common.network.Selector", "Closing a connection: {error}");
        }
    }
}

impl WriteHalf for OwnedWriteHalf {
    async fn send_memory(
        &mut self,
        pieces: &mut Vec<Bytes>,
        behind: Behind,
        activity: &Activity,
    ) -> io::Result<()> {
        let flags = match behind {
            Behind::File => SendFlags::MORE,
            Behind::Nothing => SendFlags::empty(),
        };
        send_memory(self.as_ref(), pieces, flags | SendFlags::NOSIGNAL, activity).await
    }

    async fn send_file(&mut self, slice: &FileSlice, activity: &Activity) -> io::Result<()> {
        send_file(self.as_ref(), slice, activity).await
    }
}

/// How many pieces of memory one system call is given.
const AT_ONCE: usize = 32;

/// Sends pieces of memory and removes them from the list.
async fn send_memory(
    stream: &TcpStream,
    pieces: &mut Vec<Bytes>,
    flags: SendFlags,
    activity: &Activity,
) -> io::Result<()> {
    let mut first = 0;
    while let Some(rest) = pieces.get_mut(first..).filter(|rest| !rest.is_empty()) {
        let mut slices = [IoSlice::new(&[]); AT_ONCE];
        for (slice, piece) in slices.iter_mut().zip(rest.iter()) {
            *slice = IoSlice::new(piece);
        }
        let slices = &slices[..rest.len().min(AT_ONCE)];
        let send_some = || {
            let mut nothing = SendAncillaryBuffer::default();
            rustix::net::sendmsg(stream.as_fd(), slices, &mut nothing, flags).map_err(io::Error::from)
        };
        let mut sent = stream.async_io(Interest::WRITABLE, send_some).await?;
        activity.sent(sent);
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        for piece in rest.iter_mut().take(AT_ONCE) {
            let gone = sent.min(piece.len());
            piece.advance(gone);
            sent -= gone;
            if !piece.is_empty() {
                break;
            }
            first += 1;
        }
    }
    pieces.clear();
    Ok(())
}

/// Sends a run of a file by `sendfile`. If the run is not in memory, another thread reads it first.
async fn send_file(stream: &TcpStream, slice: &FileSlice, activity: &Activity) -> io::Result<()> {
    let (mut position, end) = (slice.position, slice.position + u64::from(slice.length));
    while position < end {
        let run = position..end.min(position + RUN);
        if !is_cached(slice, &run) {
            warm(slice.clone(), run.clone()).await?;
        }
        while position < run.end {
            let rest = usize::try_from(run.end - position).unwrap_or(usize::MAX);
            let before = position;
            let send_some =
                || match rustix::fs::sendfile(stream.as_fd(), slice.file.as_fd(), Some(&mut position), rest)?
                {
                    0 => Err(io::ErrorKind::UnexpectedEof.into()),
                    // The socket took what it holds: another write would be in vain until the socket is
                    // writable again.
                    sent if sent < rest => Err(io::ErrorKind::WouldBlock.into()),
                    _ => Ok(()),
                };
            let sent = stream.try_io(Interest::WRITABLE, send_some);
            if position > before {
                activity.sent((position - before) as usize);
            }
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
                sent => sent?,
            }
        }
        tokio::task::consume_budget().await;
    }
    Ok(())
}

/// Whether a run can be sent without waiting for the disk, judged by its two ends. If the system cannot
/// answer, the run counts as being in memory.
fn is_cached(slice: &FileSlice, run: &Range<u64>) -> bool {
    [run.start, run.end.saturating_sub(1)].into_iter().all(|at| {
        let mut byte = [0];
        let mut buffers = [io::IoSliceMut::new(&mut byte)];
        let read = rustix::io::preadv2(slice.file.as_fd(), &mut buffers, at, ReadWriteFlags::NOWAIT);
        read != Err(Errno::AGAIN)
    })
}

/// Reads a run into the page cache on a thread that may wait: `sendfile` would make the thread wait for the
/// disk, and with it every other connection that the thread serves.
async fn warm(slice: FileSlice, run: Range<u64>) -> io::Result<()> {
    let file = slice.file.clone();
    let reading = disk_reads::run(Some(&file), move || {
        let mut buffer = vec![0; WARMED_AT_ONCE];
        let mut position = run.start;
        while position < run.end {
            let wanted = usize::try_from(run.end - position).unwrap_or(usize::MAX).min(buffer.len());
            match slice.file.read_at(&mut buffer[..wanted], position)? {
                0 => break,
                read => position += read as u64,
            }
        }
        Ok(())
    });
    reading.await?
}

#[cfg(test)]
mod tests;
