//! Requests and answers on their way out, over any transport: pieces of memory together, each run of a segment as the
//! transport can, lazy records chunk by chunk, one of which is in memory at a time.
//!
//! Kafka: `NetworkSend`, `MultiRecordsSend`.

use std::io;

use bytes::Bytes;

use super::activity::Activity;
use super::disk_reads;
use super::transport::{Behind, WriteHalf};
use crate::base::{LazyRecords, Records};

/// Sends pieces one after the other; `activity` is marked whenever the other side has taken some.
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
                // What stands before records leaves with the first of them, not as a packet of its own.
                writer.send_memory(&mut memory, Behind::File, activity).await?;
                writer.send_file(&slice, activity).await?;
            }
            Records::Lazy(lazy) => send_lazy(writer, &mut memory, &*lazy, activity).await?,
        }
    }
    writer.send_memory(&mut memory, Behind::Nothing, activity).await
}

/// Sends lazy records behind what is in memory. A chunk is made on a thread that may wait, once the one before has
/// left.
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
