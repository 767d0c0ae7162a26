//! The clock. It is a parameter wherever time matters, so that tests can control it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Millis;

/// A time span of so many milliseconds; none for a negative number.
pub fn millis(milliseconds: impl Into<Millis>) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds.into()).unwrap_or(0))
}

/// Gives the time: the system's, or the time that a test sets.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's wall clock.
    #[default]
    System,
    /// A clock that stands still until it is set.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now` until [`Clock::set`].
    pub fn manual(now: Millis) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now)))
    }

    /// Milliseconds since the Unix epoch.
    pub fn now(&self) -> Millis {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| Millis::try_from(elapsed.as_millis()).unwrap_or(Millis::MAX)),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        }
    }

    /// Sets a manual clock; the system's is left alone.
    pub fn set(&self, now: Millis) {
        if let Self::Manual(time) = self {
            time.store(now, Ordering::SeqCst);
        }
    }
}
