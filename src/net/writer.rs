//! Answers on their way out: memory by vectored writes, runs of a segment by `sendfile`, so that no record byte is
//! copied; lazy records chunk by chunk, one of which is in memory at a time.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use bytes::{Buf, Bytes};
use rustix::io::{Errno, ReadWriteFlags};
use rustix::net::{SendAncillaryBuffer, SendFlags};
use tokio::io::Interest;
use tokio::net::tcp::OwnedWriteHalf;

use super::activity::Activity;
use super::disk_reads;
use crate::base::{FileSlice, LazyRecords, Records};

/// How much of a file is sent at once, and looked at before: whether it is in memory.
const RUN: u64 = 1 << 20;

/// How much is read from a disk at once, in bytes.
const WARMED_AT_ONCE: usize = 128 << 10;

/// Sends pieces one after the other; `activity` is marked whenever the other side has taken some.
///
/// # Errors
/// Those of the socket, of the file and of making lazy records, and `UnexpectedEof` where a file is shorter than its
/// run.
pub(super) async fn send(
    writer: &OwnedWriteHalf,
    pieces: Vec<Records>,
    activity: &Activity,
) -> io::Result<()> {
    let mut memory = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Records::Memory(bytes) if bytes.is_empty() => {}
            Records::Memory(bytes) => memory.push(bytes),
            Records::File(slice) => {
                // What stands before records leaves with the first of them, not as a packet of its own.
                send_memory(writer, &mut memory, SendFlags::MORE, activity).await?;
                send_file(writer, &slice, activity).await?;
            }
            Records::Lazy(lazy) => send_lazy(writer, &mut memory, &*lazy, activity).await?,
        }
    }
    send_memory(writer, &mut memory, SendFlags::empty(), activity).await
}

/// Sends lazy records behind what is in memory. A chunk is made on a thread that may wait, once the one before has
/// left.
async fn send_lazy(
    writer: &OwnedWriteHalf,
    memory: &mut Vec<Bytes>,
    lazy: &dyn LazyRecords,
    activity: &Activity,
) -> io::Result<()> {
    let mut chunks = lazy.chunks();
    loop {
        let (chunk, rest) = disk_reads::run(lazy.file(), move || (chunks.next(), chunks)).await?;
        let Some(chunk) = chunk else { return Ok(()) };
        memory.push(chunk?);
        send_memory(writer, memory, SendFlags::empty(), activity).await?;
        chunks = rest;
    }
}

/// How many pieces of memory the system is handed at once.
const AT_ONCE: usize = 32;

/// Sends pieces of memory and forgets them.
async fn send_memory(
    writer: &OwnedWriteHalf,
    pieces: &mut Vec<Bytes>,
    flags: SendFlags,
    activity: &Activity,
) -> io::Result<()> {
    let (stream, flags) = (writer.as_ref(), flags | SendFlags::NOSIGNAL);
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
        activity.mark();
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

async fn send_file(writer: &OwnedWriteHalf, slice: &FileSlice, activity: &Activity) -> io::Result<()> {
    let stream = writer.as_ref();
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
                    // The socket took what it holds: asking it for more would be in vain until it says that it has
                    // room.
                    sent if sent < rest => Err(io::ErrorKind::WouldBlock.into()),
                    _ => Ok(()),
                };
            let sent = stream.try_io(Interest::WRITABLE, send_some);
            if position > before {
                activity.mark();
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

/// Whether a run can be sent without waiting for the disk, as far as its two ends tell. Where the system cannot say, it
/// counts as being in memory.
fn is_cached(slice: &FileSlice, run: &Range<u64>) -> bool {
    [run.start, run.end.saturating_sub(1)].into_iter().all(|at| {
        let mut byte = [0];
        let mut buffers = [io::IoSliceMut::new(&mut byte)];
        let read = rustix::io::preadv2(slice.file.as_fd(), &mut buffers, at, ReadWriteFlags::NOWAIT);
        read != Err(Errno::AGAIN)
    })
}

/// Reads a run into the system's cache where that may take its time: `sendfile` would keep the thread, and with it
/// every other connection it serves, waiting for the disk.
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
