//! Record bytes on their way between disk, memory and socket, never copied on it.

use std::fs::File;
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

/// Record batches, in memory or still on disk.
#[derive(Clone, Debug)]
pub enum Records {
    /// In memory.
    Memory(Bytes),
    /// In a segment file, to be sent from there.
    File(FileSlice),
}

impl Records {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(slice) => slice.length as usize,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes themselves, read from the file where they lie in one.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn read(&self) -> std::io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File(slice) => {
                use std::os::unix::fs::FileExt;
                let mut bytes = vec![0; slice.length as usize];
                slice.file.read_exact_at(&mut bytes, slice.position)?;
                Ok(bytes.into())
            }
        }
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}

impl PartialEq for Records {
    /// Equal bytes; slices that cannot be read equal nothing.
    fn eq(&self, other: &Self) -> bool {
        matches!((self.read(), other.read()), (Ok(a), Ok(b)) if a == b)
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::Memory(Bytes::new())
    }
}
