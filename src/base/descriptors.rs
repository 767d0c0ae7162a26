//! The file descriptors that the process may hold, and how connections and log files share them.
//!
//! Without shares many clients could take the descriptors that segments are opened with, and a log would fail
//! because none is left. The shares are fixed when the broker starts; each part counts its own descriptors.
//! Kafka has no such limit: its documentation asks operators to set an open file limit that is never reached.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What stands for a process without a limit.
const UNLIMITED: usize = 1 << 30;

/// The least and the most that is kept for everything else: ZooKeeper, connections to other brokers,
/// checkpoints, timers.
const RESERVED: std::ops::RangeInclusive<usize> = 32..=1024;

/// How many file descriptors the process may hold, and how many of them are for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorBudget {
    limit: usize,
}

impl DescriptorBudget {
    /// The shares of a process that may hold `limit` descriptors.
    pub fn of(limit: usize) -> Self {
        Self { limit }
    }

    /// The shares under the soft limit (`ulimit -n`) as it is now.
    pub fn current() -> Self {
        Self::of(count(getrlimit(Resource::Nofile).current))
    }

    /// Raises the soft limit of this process to its hard limit. Returns the shares under the new limit, and
    /// the soft limit before.
    ///
    /// # Errors
    /// The system refuses; the soft limit is as it was.
    pub fn raise() -> io::Result<(Self, usize)> {
        let before = getrlimit(Resource::Nofile);
        if before.current != before.maximum {
            setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum })?;
        }
        Ok((Self::current(), count(before.current)))
    }

    /// The most descriptors that the process may hold.
    pub fn limit(self) -> usize {
        self.limit
    }

    /// How many connections of clients and other brokers may be open.
    pub fn connections(self) -> usize {
        self.shared() - self.files()
    }

    /// How many files of logs may be open: segments and indexes of all partitions together.
    pub fn files(self) -> usize {
        self.shared() / 2
    }

    /// What is left for connections and files.
    fn shared(self) -> usize {
        self.limit.saturating_sub((self.limit / 10).clamp(*RESERVED.start(), *RESERVED.end()))
    }
}

fn count(limit: Option<u64>) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(UNLIMITED).min(UNLIMITED)
}

#[cfg(test)]
mod tests;
