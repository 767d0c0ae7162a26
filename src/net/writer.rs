//! Requests and answers on their way out, over any transport: pieces of memory together, each run of a
//! segment by the transport's own means, lazy records chunk by chunk. Of lazy records one chunk at a time is
//! in memory.
//!
//! Kafka: `NetworkSend`, `MultiRecordsSend`.

use std::io;

use bytes::Bytes;

use super::activity::Activity;
use super::disk_reads;
use super::transport::{Behind, WriteHalf};
use crate::base::{LazyRecords, Records};

/// Sends pieces one after the other; `activity` is marked whenever the other side has taken some bytes.
///
/// # Errors
/// Those of the socket, of the file and of making lazy records, and `UnexpectedEof` where a file is shorter than its
/// run.
pub(super) async fn send<W: WriteHalf>(
    writer: &mut W,
    pieces: Vec<Records>,
    activity: &Activity,
) -> io::Result<()> {
    let mut memory = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Records::Memory(bytes) if bytes.is_empty() => {}
            Records::Memory(bytes) => memory.push(bytes),
            Records::File(slice) => {
                // The bytes before a run of records leave with its first bytes, not as a packet of their own.
                writer.send_memory(&mut memory, Behind::File, activity).await?;
                writer.send_file(&slice, activity).await?;
            }
            Records::Lazy(lazy) => send_lazy(writer, &mut memory, &*lazy, activity).await?,
        }
    }
    writer.send_memory(&mut memory, Behind::Nothing, activity).await
}

/// Sends lazy records behind the pieces that are in memory. A chunk is converted on a thread that may block,
/// once the chunk before it has left.
async fn send_lazy<W: WriteHalf>(
    writer: &mut W,
    memory: &mut Vec<Bytes>,
    lazy: &dyn LazyRecords,
    activity: &Activity,
) -> io::Result<()> {
    let mut chunks = lazy.chunks();
    loop {
        let (chunk, rest) = disk_reads::run(lazy.file(), move || (chunks.next(), chunks)).await?;
        let Some(chunk) = chunk else { return Ok(()) };
        memory.push(chunk?);
        writer.send_memory(memory, Behind::Nothing, activity).await?;
        chunks = rest;
    }
}
