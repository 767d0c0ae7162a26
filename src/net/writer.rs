//! Answers on their way out: memory by vectored writes, runs of a segment by `sendfile`, so that no record byte is copied.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::tcp::OwnedWriteHalf;

use crate::base::{FileSlice, Records};

/// Sends pieces one after the other; `stall` is how long the other side may take nothing before it counts as gone.
///
/// # Errors
/// Those of the socket and of the file, `TimedOut`, and `UnexpectedEof` where a file is shorter than its run.
pub(super) async fn send(
    writer: &mut OwnedWriteHalf,
    pieces: Vec<Records>,
    stall: Duration,
) -> io::Result<()> {
    for piece in pieces {
        match piece {
            Records::Memory(bytes) => send_memory(writer, bytes, stall).await?,
            Records::File(slice) => send_file(writer, &slice, stall).await?,
        }
    }
    Ok(())
}

async fn send_memory(writer: &mut OwnedWriteHalf, mut bytes: Bytes, stall: Duration) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = in_time(stall, writer.write_buf(&mut bytes)).await?;
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}

async fn send_file(writer: &OwnedWriteHalf, slice: &FileSlice, stall: Duration) -> io::Result<()> {
    let stream = writer.as_ref();
    let (mut position, end) = (slice.position, slice.position + u64::from(slice.length));
    while position < end {
        let rest = usize::try_from(end - position).unwrap_or(usize::MAX);
        let send_some = || {
            rustix::fs::sendfile(stream.as_fd(), slice.file.as_fd(), Some(&mut position), rest)
                .map_err(io::Error::from)
        };
        if in_time(stall, stream.async_io(Interest::WRITABLE, send_some)).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

async fn in_time<T>(stall: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(stall, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
