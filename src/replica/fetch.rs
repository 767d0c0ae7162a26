//! Fetching: what partitions have from an offset on, at once or once there is enough of it, within limits of size.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::ReplicaManager;
use super::machine::FollowerFetch;
use super::waiters::Awaits;
use crate::base::{BrokerId, LeaderEpoch, Offset, Records, TopicPartition};
use crate::log::{AbortedTransaction, Log, LogRead, ReadUpTo};
use crate::wire::error_code::ErrorCode;

/// Which records a consumer may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Those that are replicated.
    #[default]
    ReadUncommitted,
    /// Of those, the ones whose transactions are decided.
    ReadCommitted,
}

/// What holds for a fetch as a whole.
#[derive(Clone, Copy, Debug)]
pub struct FetchParams {
    /// The follower that fetches; negative for consumers.
    pub replica_id: BrokerId,
    /// How long to wait for `min_bytes`.
    pub max_wait: Duration,
    /// How many bytes are worth an answer.
    pub min_bytes: i32,
    /// How many bytes an answer may have, but for one first batch.
    pub max_bytes: i32,
    /// Whether not even one first batch may be larger, as for fetches before version 3.
    pub hard_max_bytes: bool,
    /// Which records may be seen.
    pub isolation: Isolation,
    /// Whether only a leader answers: to followers, and to consumers before version 11 (KIP-392).
    pub leader_only: bool,
}

/// What is fetched of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchPartition {
    /// From where.
    pub offset: Offset,
    /// How many bytes, but for one first batch.
    pub max_bytes: i32,
    /// The leader epoch as the caller knows it.
    pub current_leader_epoch: Option<LeaderEpoch>,
    /// The epoch of the caller's last record, by which it learns where its log has diverged (KIP-595).
    pub last_fetched_epoch: Option<LeaderEpoch>,
    /// Where a follower's log starts; -1 for consumers.
    pub log_start_offset: Offset,
}

/// What was found of a partition.
#[derive(Clone, Debug)]
pub struct FetchOutcome {
    /// What went wrong, if anything did.
    pub error: ErrorCode,
    /// The high watermark; -1 where it is not known.
    pub high_watermark: Offset,
    /// The last stable offset; -1 where it is not known.
    pub last_stable_offset: Offset,
    /// Where the log starts; -1 where it is not known.
    pub log_start_offset: Offset,
    /// With [`Isolation::ReadCommitted`]: the aborted transactions among the records.
    pub aborted: Option<Vec<AbortedTransaction>>,
    /// The replica to read from instead (KIP-392).
    pub preferred_read_replica: Option<BrokerId>,
    /// Where the caller's log has diverged: the largest epoch here up to its last one, and where that ended.
    pub diverging: Option<(LeaderEpoch, Offset)>,
    /// The batches; the last may be cut off.
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
    fn diverged(log: &Log, diverging: (LeaderEpoch, Offset)) -> Self {
        Self {
            high_watermark: log.high_watermark(),
            last_stable_offset: log.last_stable_offset(),
            log_start_offset: log.log_start_offset(),
            diverging: Some(diverging),
            ..Self::refused(ErrorCode::None)
        }
    }

    /// What was read; `cut_off` says whether less than one batch is of use, as it is before version 3.
    fn read(read: LogRead, cut_off: bool) -> Self {
        // Later clients take a first batch that is cut off for one they will never get past.
        let records = if read.first_entry_incomplete && !cut_off { Records::default() } else { read.records };
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

impl FetchParams {
    fn is_follower(&self) -> bool {
        self.replica_id >= 0
    }

    fn up_to(&self) -> ReadUpTo {
        match self.isolation {
            _ if self.is_follower() => ReadUpTo::LogEnd,
            Isolation::ReadUncommitted => ReadUpTo::HighWatermark,
            Isolation::ReadCommitted => ReadUpTo::LastStable,
        }
    }

    /// Up to which offset a read went at most.
    fn bound(&self, read: &LogRead) -> Offset {
        match self.up_to() {
            ReadUpTo::LogEnd => read.log_end_offset,
            ReadUpTo::HighWatermark => read.high_watermark,
            ReadUpTo::LastStable => read.last_stable_offset,
        }
    }
}

/// What one look at all partitions found.
struct Look {
    outcomes: Vec<(TopicPartition, FetchOutcome)>,
    bytes: i64,
    /// Whether waiting brings nothing: something went wrong, or a segment was read to its end.
    settled: bool,
}

impl ReplicaManager {
    /// Reads from partitions in this order. Answers once there are `min_bytes`, an error, or no time left.
    pub async fn fetch(
        &self,
        params: FetchParams,
        partitions: &[(TopicPartition, FetchPartition)],
    ) -> Vec<(TopicPartition, FetchOutcome)> {
        let deadline = Instant::now() + params.max_wait;
        let waiter = Arc::new(Notify::new());
        let mut last = params.max_wait.is_zero() || partitions.is_empty();
        let mut first = true;
        loop {
            if !last {
                // Registered before looking, so that nothing comes between the look and the wait.
                let awaits = if params.is_follower() { Awaits::End } else { Awaits::Watermark };
                self.register(&waiter, awaits, partitions);
            }
            let look = self.look(&params, partitions, first);
            if last || look.settled || look.bytes >= i64::from(params.min_bytes) {
                if params.is_follower() {
                    self.count_sent(&look.outcomes);
                }
                return look.outcomes;
            }
            first = false;
            let delayed = self.waits.fetch.delay(partitions.len());
            last = tokio::time::timeout_at(deadline, waiter.notified()).await.is_err();
            drop(delayed);
            if last {
                self.waits.fetch_expired(params.is_follower());
            }
        }
    }

    fn register(
        &self,
        waiter: &Arc<Notify>,
        awaits: Awaits,
        partitions: &[(TopicPartition, FetchPartition)],
    ) {
        for (id, _) in partitions {
            if let Ok(partition) = self.partition(id) {
                partition.register(waiter, awaits);
            }
        }
    }

    /// Looks at all partitions; for the first time for a request, which is what a follower shows by that it has.
    fn look(
        &self,
        params: &FetchParams,
        partitions: &[(TopicPartition, FetchPartition)],
        first: bool,
    ) -> Look {
        let mut look = Look { outcomes: Vec::with_capacity(partitions.len()), bytes: 0, settled: false };
        let (mut left, mut unknown) = (params.max_bytes, 0);
        for (id, wanted) in partitions {
            let min_one = look.bytes == 0 && !params.hard_max_bytes;
            let room = wanted.max_bytes.min(left);
            let (outcome, settled) = match self.read(params, id, wanted, (room, min_one), first) {
                Ok(found) => found,
                Err(error) => {
                    let is_unknown = error == ErrorCode::UnknownTopicOrPartition;
                    unknown += usize::from(is_unknown);
                    (FetchOutcome::refused(error), !is_unknown)
                }
            };
            let size = outcome.records.len();
            look.bytes += i64::try_from(size).unwrap_or(i64::MAX);
            // Only a limit that was negative from the start refuses a read, and only that of the first partition.
            left = left.saturating_sub(i32::try_from(size).unwrap_or(i32::MAX)).max(0);
            look.settled |= settled;
            look.outcomes.push((id.clone(), outcome));
        }
        // The others are waited for, as they may get records; those that are not known will not.
        look.settled |= unknown == partitions.len();
        look
    }

    /// Reads a partition, up to so many bytes or one batch; also whether waiting would bring nothing.
    ///
    /// # Errors
    /// Those of [`super::Partition::readable`] and [`Log::read`]; UNKNOWN_SERVER_ERROR where less than no bytes are allowed
    /// of records that there are.
    fn read(
        &self,
        params: &FetchParams,
        id: &TopicPartition,
        wanted: &FetchPartition,
        (room, min_one): (i32, bool),
        first: bool,
    ) -> Result<(FetchOutcome, bool), ErrorCode> {
        let partition = self.partition(id)?;
        let log = partition.readable(wanted.current_leader_epoch, params.leader_only)?;
        if let Some(diverging) = diverging(&log, wanted)? {
            return Ok((FetchOutcome::diverged(&log, diverging), true));
        }
        let read = log.read(wanted.offset, room.max(0), params.up_to(), min_one).map_err(|error| {
            let code = ErrorCode::from(&error);
            if code == ErrorCode::UnknownServerError {
                log::error!(target: "kafka.server.ReplicaManager", "Error processing fetch with offset {} from partition {id}: {error}", wanted.offset);
            }
            code
        })?;
        if room < 0 && wanted.offset < params.bound(&read) {
            log::error!(target: "kafka.server.ReplicaManager", "Error processing fetch with max size {room} from partition {id}: Invalid max size {room} for log read");
            return Err(ErrorCode::UnknownServerError);
        }
        let (at, leader_end) = (read.position, read.log_end_offset);
        let mut outcome = FetchOutcome::read(read, params.hard_max_bytes);
        let mut held_back = false;
        if params.is_follower() {
            held_back = self.leader_holds_back(&partition, &log, params.replica_id);
            if first && partition.has_replica(params.replica_id) {
                let (from, log_start) = (params.replica_id, wanted.log_start_offset);
                let fetch = FollowerFetch { from, at, log_start, leader_end };
                let epoch = wanted.current_leader_epoch;
                if let Some(proposal) = partition.follower_fetched(fetch, epoch, self.clock.now()) {
                    self.isr_reports.add(id, proposal);
                }
                // The fetch itself may have moved the high watermark.
                outcome.high_watermark = log.high_watermark();
            }
        }
        if held_back {
            outcome.records = Records::default();
            return Ok((outcome, false));
        }
        let snapshot = log.snapshot();
        let bound = match params.up_to() {
            ReadUpTo::LogEnd => snapshot.log_end,
            ReadUpTo::HighWatermark => snapshot.high_watermark,
            ReadUpTo::LastStable => snapshot.last_stable,
        };
        Ok((outcome, at.on_older_segment(&bound)))
    }
}

/// Where a caller's log has diverged from this one, if it tells the epoch of its last record and it has.
///
/// # Errors
/// OFFSET_OUT_OF_RANGE where nothing is known of the epoch, or the offset lies before the log.
fn diverging(log: &Log, wanted: &FetchPartition) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
    let Some(last) = wanted.last_fetched_epoch else { return Ok(None) };
    let Some((epoch, end)) = log.end_offset_for(last).filter(|_| wanted.offset >= log.log_start_offset())
    else {
        return Err(ErrorCode::OffsetOutOfRange);
    };
    Ok((epoch < last || end < wanted.offset).then_some((epoch, end)))
}

#[cfg(test)]
mod tests;
