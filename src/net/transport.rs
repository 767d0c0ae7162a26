//! What a connection is to the code that reads and answers it, whether or not its bytes are secured.
//!
//! - *Entry point:* [`TransportLayer`], which is split into a [`ReadHalf`] and a [`WriteHalf`], each with a
//!   task of its own.
//! - *Never:* knows requests or principals; a transport is made by a handshake, see [`super::handshake`].
//! - *In Kafka:* `TransportLayer`, `PlaintextTransportLayer`, `SslTransportLayer`.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncRead;

use super::activity::Activity;
use super::disk_reads;
use crate::base::FileSlice;

/// How much of a file is in memory at once on its way into a transport that cannot `sendfile`, in bytes.
const FILE_PIECE: usize = 64 << 10;

/// A connection whose handshake is done, in either direction.
#[doc(alias = "SslTransportLayer")]
pub(super) trait TransportLayer: Send + 'static {
    /// The half that reads.
    type Reader: ReadHalf;
    /// The half that writes.
    type Writer: WriteHalf;

    /// Splits the connection. The connection is closed once both halves are dropped.
    fn into_halves(self) -> (Self::Reader, Self::Writer);
}

/// How the other side has ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionEnd {
    /// The other side has closed its half, and may still read.
    Closed,
    /// The other side has broken the connection off.
    BrokenOff,
}

/// The half of a connection that reads. Reading yields what the other side has sent, decrypted; a read of no
/// bytes means that the other side has closed its half.
pub(super) trait ReadHalf: AsyncRead + fmt::Debug + Send + Sync + Unpin + 'static {
    /// Waits until [`ReadHalf::try_read_buf`] is worth a try: until bytes or the end have come. May resolve
    /// without.
    ///
    /// # Errors
    /// Those of the socket.
    fn readable(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Appends what has come to `buffer`, as far as the buffer has room, without waiting.
    ///
    /// # Errors
    /// `WouldBlock` where nothing has come; those of the socket and of what secures it.
    fn try_read_buf(&mut self, buffer: &mut BytesMut) -> io::Result<usize>;

    /// Waits until the other side has ended the connection, even if bytes have come before the end that were
    /// not read yet. Reads nothing that a later read would miss.
    fn ended(&mut self) -> impl Future<Output = ConnectionEnd> + Send;

    /// Closes the whole connection, even while the writing half still exists.
    fn close(self);
}

/// What the caller sends next, behind pieces of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A run of a file: the pieces may wait for its first bytes, so that both leave in one packet.
    File,
    /// Nothing that is known: the pieces leave at once.
    Nothing,
}

/// The half of a connection that writes. A send that fails or is dropped may have sent a part; the connection
/// is then unusable.
pub(super) trait WriteHalf: fmt::Debug + Send + 'static {
    /// Sends pieces of memory one after the other and removes them from the list. `activity` is marked
    /// whenever the other side has taken some bytes.
    ///
    /// # Errors
    /// Those of the socket and of what secures it.
    fn send_memory(
        &mut self,
        pieces: &mut Vec<Bytes>,
        behind: Behind,
        activity: &Activity,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// Sends a run of a file; by default through memory, one bounded piece after the other.
    ///
    /// # Errors
    /// As [`WriteHalf::send_memory`], those of the file, and `UnexpectedEof` where the file is shorter than the run.
    fn send_file(
        &mut self,
        slice: &FileSlice,
        activity: &Activity,
    ) -> impl Future<Output = io::Result<()>> + Send {
        async move {
            let (mut position, end) = (slice.position, slice.position + u64::from(slice.length));
            while position < end {
                let wanted = usize::try_from(end - position).unwrap_or(usize::MAX).min(FILE_PIECE);
                let piece = read_piece(slice, position, wanted).await?;
                self.send_memory(&mut vec![piece], Behind::Nothing, activity).await?;
                position += wanted as u64;
            }
            Ok(())
        }
    }
}

/// Reads `wanted` bytes of a file, on a thread that may wait for the disk.
async fn read_piece(slice: &FileSlice, position: u64, wanted: usize) -> io::Result<Bytes> {
    let file = slice.file.clone();
    let reading = disk_reads::run(Some(&slice.file), move || {
        let mut piece = vec![0; wanted];
        file.read_exact_at(&mut piece, position).map(|()| piece.into())
    });
    reading.await?
}

#[cfg(test)]
mod tests;
