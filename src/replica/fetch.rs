//! Fetching: batches of partitions from an offset on, at once or once there are enough bytes, within limits
//! of size.
//!
//! - *Here:* what a fetch asks for, and its outcome. [`context`]: a request in its session. [`read`]: one
//!   read of the logs. [`wait`]: until there are enough bytes.
//! - *Pure:* [`session`] (which partitions have to be read, and sent), [`delayed`] (when a waiting fetch has
//!   enough bytes).
//! - *Cost:* a request costs what has changed since the last one of its session; a waiting fetch costs what
//!   changes while it waits.
//! - *In Kafka:* `ReplicaManager.fetchMessages`, `DelayedFetch`, `FetchManager`, `FetchSession`.

mod cache;
mod context;
pub mod delayed;
mod read;
pub mod session;
mod wait;
pub(super) mod watch;

use std::time::Duration;

pub use cache::FetchSessions;
pub use context::{FetchContext, SessionRequest};
pub use read::FetchCaller;

use crate::base::{BrokerId, LeaderEpoch, Offset, Records};
use crate::log::epochs::EpochEnd;
use crate::log::{Log, LogAbortedTransaction, LogPosition, LogRead, LogSnapshot, ReadUpTo};
use crate::replica::machine::ReadFrom;
use crate::wire::error_code::ErrorCode;

/// Which records a consumer may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Those that are replicated.
    #[default]
    ReadUncommitted,
    /// Only replicated records whose transactions have ended.
    ReadCommitted,
}

/// The parameters of a fetch that hold for all of its partitions.
#[derive(Clone, Copy, Debug)]
pub struct FetchParams {
    /// The follower that fetches; negative for consumers.
    pub replica_id: BrokerId,
    /// How long to wait for `min_bytes`.
    pub max_wait: Duration,
    /// How many bytes end the wait.
    pub min_bytes: i32,
    /// How many bytes an answer may have; the first batch may exceed this.
    pub max_bytes: i32,
    /// Whether even the first batch must not exceed the limit, as for fetches before version 3.
    pub hard_max_bytes: bool,
    /// Which records may be seen.
    pub isolation: Isolation,
    /// Which replicas answer; to followers, and to consumers before version 11 (KIP-392), only the leader.
    pub read_from: ReadFrom,
}

/// What is fetched of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionFetch {
    /// The offset that is fetched from.
    pub offset: Offset,
    /// The most bytes; the first batch may exceed this.
    pub max_bytes: i32,
    /// The leader epoch as the caller knows it.
    pub current_leader_epoch: Option<LeaderEpoch>,
    /// The epoch of the caller's last record; the answer shows where the caller's log has diverged (KIP-595).
    pub last_fetched_epoch: Option<LeaderEpoch>,
    /// Where a follower's log starts; -1 for consumers.
    pub log_start_offset: Offset,
}

/// What was found of a partition.
#[derive(Clone, Debug)]
pub struct FetchOutcome {
    /// The error, or NONE.
    pub error: ErrorCode,
    /// The high watermark; -1 where it is not known.
    pub high_watermark: Offset,
    /// The last stable offset; -1 where it is not known.
    pub last_stable_offset: Offset,
    /// Where the log starts; -1 where it is not known.
    pub log_start_offset: Offset,
    /// With [`Isolation::ReadCommitted`]: the aborted transactions among the records.
    pub aborted: Option<Vec<LogAbortedTransaction>>,
    /// The replica to read from instead (KIP-392).
    pub preferred_read_replica: Option<BrokerId>,
    /// If the caller's log has diverged: the largest epoch of this log up to the caller's last one, and its
    /// end.
    pub diverging: Option<EpochEnd>,
    /// The batches; the last may be incomplete.
    pub records: Records,
}

impl FetchOutcome {
    /// A partition of which nothing can be read.
    pub fn refused(error: ErrorCode) -> Self {
        Self {
            error,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            aborted: None,
            preferred_read_replica: None,
            diverging: None,
            records: Records::default(),
        }
    }

    /// No records for a caller whose log has to be truncated first.
    fn diverged(log: &Log, diverging: EpochEnd) -> Self {
        Self {
            high_watermark: log.high_watermark(),
            last_stable_offset: log.last_stable_offset(),
            log_start_offset: log.log_start_offset(),
            diverging: Some(diverging),
            ..Self::refused(ErrorCode::None)
        }
    }

    /// What was read. `allows_incomplete`: whether less than one batch is of use, as before version 3.
    fn read(read: LogRead, allows_incomplete: bool) -> Self {
        // Later clients would wait forever for the rest of an incomplete first batch.
        let records =
            if read.first_entry_incomplete && !allows_incomplete { Records::default() } else { read.records };
        Self {
            error: ErrorCode::None,
            high_watermark: read.high_watermark,
            last_stable_offset: read.last_stable_offset,
            log_start_offset: read.log_start_offset,
            aborted: read.aborted,
            preferred_read_replica: None,
            diverging: None,
            records,
        }
    }
}

/// The reader of a fetch, as far as it decides what may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchReader {
    /// The follower; negative for consumers.
    pub replica_id: BrokerId,
    /// Which records a consumer may see.
    pub isolation: Isolation,
    /// Which replicas answer.
    pub read_from: ReadFrom,
}

impl FetchReader {
    /// Whether it is a follower.
    pub fn is_follower(&self) -> bool {
        self.replica_id >= 0
    }

    /// The offset that bounds its reads.
    pub fn up_to(&self) -> ReadUpTo {
        match self.isolation {
            _ if self.is_follower() => ReadUpTo::LogEnd,
            Isolation::ReadUncommitted => ReadUpTo::HighWatermark,
            Isolation::ReadCommitted => ReadUpTo::LastStable,
        }
    }

    /// The position in a log that bounds its reads.
    pub fn bound(&self, log: &LogSnapshot) -> LogPosition {
        match self.up_to() {
            ReadUpTo::LogEnd => log.log_end,
            ReadUpTo::HighWatermark => log.high_watermark,
            ReadUpTo::LastStable => log.last_stable,
        }
    }
}

impl FetchParams {
    /// The reader.
    pub fn reader(&self) -> FetchReader {
        let Self { replica_id, isolation, read_from, .. } = *self;
        FetchReader { replica_id, isolation, read_from }
    }

    fn is_follower(&self) -> bool {
        self.replica_id >= 0
    }
}

#[cfg(test)]
mod tests;
