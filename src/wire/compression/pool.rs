//! Contexts and buffers of codecs, kept for the next stream: creating them costs more than unpacking a small
//! batch.

use parking_lot::Mutex;

/// The most that are kept: as many as threads are likely to unpack at once.
const MOST: usize = 8;

/// A few values to be used again.
#[derive(Debug)]
pub(super) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// One that was put back, if there is any.
    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().pop()
    }

    /// Keeps `value`, unless the pool is full.
    pub(super) fn put(&self, value: T) {
        let mut kept = self.0.lock();
        if kept.len() < MOST {
            kept.push(value);
        }
    }
}
