//! Record bytes on their way between disk, memory and socket. They are never copied on the way. Records that
//! are converted while they are sent are never in memory as a whole.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

/// A run of bytes that lies in an open file.
#[derive(Clone, Debug)]
pub struct FileSlice {
    /// The open file; kept open as long as a slice of it is alive.
    pub file: Arc<File>,
    /// Where the run begins, in bytes from the file's start.
    pub position: u64,
    /// How many bytes it has.
    pub length: u32,
}

/// How many bytes of memory an open file counts as.
const OPEN_FILE: usize = 4 << 10;

/// The bytes of lazy records in order, in chunks of bounded size; ends after the first error.
pub type Chunks = Box<dyn Iterator<Item = io::Result<Bytes>> + Send>;

/// Record bytes that are produced while they are sent, chunk by chunk (Kafka's `LazyDownConversionRecords`).
pub trait LazyRecords: Debug + Send + Sync {
    /// How many bytes all chunks have together; at least 1.
    fn size(&self) -> usize;

    /// How many bytes of memory are in use before the first chunk is taken.
    fn memory_size(&self) -> usize;

    /// The file that the records are read from, if there is one.
    fn file(&self) -> Option<&File>;

    /// All chunks, from the first on. Each step may read files and decompress: it must not run on a thread
    /// that polls sockets.
    fn chunks(&self) -> Chunks;
}

/// Record batches, in memory, still on disk, or yet to be converted.
#[derive(Clone, Debug)]
pub enum Records {
    /// In memory.
    Memory(Bytes),
    /// In a segment file, to be sent from there.
    File(FileSlice),
    /// Converted while they are sent.
    Lazy(Arc<dyn LazyRecords>),
}

impl Records {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(slice) => slice.length as usize,
            Self::Lazy(lazy) => lazy.size(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory the records use; a file that they keep open counts as [`OPEN_FILE`].
    pub fn memory_size(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(_) => OPEN_FILE,
            Self::Lazy(lazy) => lazy.memory_size(),
        }
    }

    /// The file that the records lie in or are converted from, if there is one.
    pub fn file(&self) -> Option<&File> {
        match self {
            Self::Memory(_) => None,
            Self::File(slice) => Some(&slice.file),
            Self::Lazy(lazy) => lazy.file(),
        }
    }

    /// The bytes themselves: as they are in memory, read from their file, or converted as a whole. Lazy
    /// records lose their purpose by this call.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn read(&self) -> io::Result<Bytes> {
        match self {
            Self::Lazy(lazy) => Ok(lazy.chunks().collect::<io::Result<Vec<_>>>()?.concat().into()),
            stored => stored.read_at(0, stored.len()),
        }
    }

    /// A part of the bytes: `length` of them from `position` on, or as many as there are. For lazy records
    /// the part is empty.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn read_at(&self, position: usize, length: usize) -> io::Result<Bytes> {
        let length = length.min(self.len().saturating_sub(position));
        match self {
            Self::Memory(bytes) if length > 0 => Ok(bytes.slice(position..position + length)),
            Self::File(slice) if length > 0 => {
                let mut bytes = vec![0; length];
                slice.file.read_exact_at(&mut bytes, slice.position + position as u64)?;
                Ok(bytes.into())
            }
            _ => Ok(Bytes::new()),
        }
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}

impl PartialEq for Records {
    /// Equal bytes; records that cannot be read equal nothing.
    fn eq(&self, other: &Self) -> bool {
        matches!((self.read(), other.read()), (Ok(a), Ok(b)) if a == b)
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::Memory(Bytes::new())
    }
}
