//! One read of the partitions of a fetch: their records, and the positions of the fetch in their logs.
//!
//! Kafka: `ReplicaManager.readFromLocalLog`, `updateFollowerFetchState`.

use std::sync::Arc;

use super::delayed::FetchPosition;
use super::session::{DuePartition, FoundPosition};
use super::{FetchOutcome, FetchParams, PartitionFetch};
use crate::base::{LeaderEpoch, Offset, Records, TopicPartition};
use crate::log::epochs::EpochEnd;
use crate::log::{FirstBatch, Log, LogRead, ReadUpTo};
use crate::replica::broker_topic_stats::{TopicMeter, is_failure};
use crate::replica::machine::FollowerFetch;
use crate::replica::{Location, Partition, ReplicaManager};
use crate::wire::error_code::ErrorCode;

/// Which read of its partitions a request makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// The first: it applies the follower's fetch, and may send a consumer to another replica.
    First,
    /// A later one.
    Again,
}

/// How much one partition may be read.
#[derive(Clone, Copy)]
pub(super) struct ReadLimits {
    /// How many bytes; negative where a client asks for less than nothing.
    pub room: i32,
    /// Whether the first batch may exceed this.
    pub first: FirstBatch,
}

/// Further parameters of a fetch, beside its partitions.
#[derive(Clone, Copy, Default)]
pub struct FetchCaller<'a> {
    /// The location of a consumer that may be sent to a nearer replica.
    pub near: Option<Location<'a>>,
    /// The partitions that the caller may not fetch; None where it may fetch all.
    pub denies: Option<&'a (dyn Fn(&TopicPartition) -> bool + Sync)>,
}

/// The outcome of a read.
pub(super) struct Look {
    /// In the order of the partitions that were read.
    pub found: Vec<FoundPartition>,
    pub bytes: i64,
    /// Whether waiting would bring nothing, because there was an error.
    pub is_settled: bool,
    unknown: usize,
    denied: usize,
}

/// What was found of a partition.
pub(super) struct FoundPartition {
    pub outcome: FetchOutcome,
    /// None if nothing can be read.
    pub position: Option<FoundPosition>,
    /// The partition, and its count of role changes before it was read.
    pub partition: Option<(Arc<Partition>, u64)>,
}

impl FoundPartition {
    fn of(outcome: FetchOutcome) -> Self {
        Self { outcome, position: None, partition: None }
    }
}

impl Look {
    /// Whether the request is answered with this; `count` is how many partitions it has, read or not.
    pub fn satisfies(&self, params: &FetchParams, count: usize) -> bool {
        // A partition that is not known yet does not end the wait, unless it is the only one.
        self.is_settled || self.unknown + self.denied == count || self.bytes >= i64::from(params.min_bytes)
    }
}

impl ReplicaManager {
    /// Reads from partitions in this order, within the limits of the fetch.
    pub(super) fn look(
        &self,
        params: &FetchParams,
        caller: FetchCaller<'_>,
        partitions: &[DuePartition],
        pass: Pass,
    ) -> Look {
        let found = Vec::with_capacity(partitions.len());
        let mut look = Look { found, bytes: 0, is_settled: false, unknown: 0, denied: 0 };
        let mut left = params.max_bytes;
        for due in partitions {
            let first = match look.bytes {
                0 if !params.hard_max_bytes => FirstBatch::Whole,
                _ => FirstBatch::Limited,
            };
            let room = due.wanted.max_bytes.min(left);
            let found = self.look_at(params, caller, due, ReadLimits { room, first }, pass);
            let size = found.outcome.records.len();
            look.bytes += i64::try_from(size).unwrap_or(i64::MAX);
            // Only a limit that was negative from the start refuses a read, and only that of the first
            // partition.
            left = left.saturating_sub(i32::try_from(size).unwrap_or(i32::MAX)).max(0);
            match found.outcome.error {
                ErrorCode::UnknownTopicOrPartition => look.unknown += 1,
                ErrorCode::TopicAuthorizationFailed => look.denied += 1,
                _ => look.is_settled |= found.position.is_none(),
            }
            look.found.push(found);
        }
        look
    }

    /// Reads one partition, up to so many bytes or one batch.
    pub(super) fn look_at(
        &self,
        params: &FetchParams,
        caller: FetchCaller<'_>,
        due: &DuePartition,
        limits: ReadLimits,
        pass: Pass,
    ) -> FoundPartition {
        if caller.denies.is_some_and(|denies| denies(&due.partition)) {
            return FoundPartition::of(FetchOutcome::refused(ErrorCode::TopicAuthorizationFailed));
        }
        if let Some(near) = caller.near.filter(|_| pass == Pass::First)
            && let Some(outcome) = self.preferred_replica(near, &due.partition, &due.wanted)
        {
            return FoundPartition::of(outcome);
        }
        let partition = match self.partition(&due.partition) {
            Ok(partition) => partition,
            Err(error) => {
                if pass == Pass::First {
                    self.partitions.stats().mark_all(TopicMeter::TotalFetchRequests, 1);
                }
                return FoundPartition::of(FetchOutcome::refused(error));
            }
        };
        if pass == Pass::First {
            partition.stats().mark(TopicMeter::TotalFetchRequests, 1);
        }
        // Read first, so that no change is missed.
        let role_changes = partition.role_changes();
        let read = self.read(params, &partition, due, limits, pass);
        if read.as_ref().is_err_and(|error| is_failure(*error)) {
            partition.stats().mark(TopicMeter::FailedFetchRequests, 1);
        }
        let (outcome, position) = read.unwrap_or_else(|error| (FetchOutcome::refused(error), None));
        FoundPartition { outcome, position, partition: Some((partition, role_changes)) }
    }

    /// # Errors Those of [`Partition::readable`] and [`Log::read`]; UNKNOWN_SERVER_ERROR if there are records
    /// and the limit is negative.
    fn read(
        &self,
        params: &FetchParams,
        partition: &Partition,
        due: &DuePartition,
        ReadLimits { room, first }: ReadLimits,
        pass: Pass,
    ) -> Result<(FetchOutcome, Option<FoundPosition>), ErrorCode> {
        let (id, wanted, reader) = (&due.partition, &due.wanted, params.reader());
        let log = partition.readable(wanted.current_leader_epoch, params.read_from)?;
        if let Some(diverging) = diverging(&log, wanted)? {
            return Ok((FetchOutcome::diverged(&log, diverging), None));
        }
        let read = log.read(wanted.offset, room.max(0), reader.up_to(), first).map_err(|error| {
            let code = ErrorCode::from(&error);
            if code == ErrorCode::UnknownServerError {
                log::error!(target: "kafka.server.ReplicaManager", "Error processing fetch with offset {} from partition {id}: {error}", wanted.offset);
            }
            code
        })?;
        if room < 0 && wanted.offset < bound(&read, reader.up_to()) {
            log::error!(target: "kafka.server.ReplicaManager", "Error processing fetch with max size {room} from partition {id}: Invalid max size {room} for log read");
            return Err(ErrorCode::UnknownServerError);
        }
        let (start, leader_end, high_watermark) = (read.position, read.log_end_offset, read.high_watermark);
        let mut outcome = FetchOutcome::read(read, params.hard_max_bytes);
        let mut counted_in = None;
        if params.is_follower() {
            if self.leader_throttles(partition, &log, params.replica_id) {
                outcome.records = Records::default();
            }
            if pass == Pass::First {
                let fetch = FollowerFetch {
                    from: params.replica_id,
                    at: start,
                    log_start: wanted.log_start_offset,
                    leader_end,
                };
                counted_in = self.count_fetch(partition, due, fetch);
                // The fetch itself may have moved the high watermark.
                outcome.high_watermark = log.high_watermark();
            }
        }
        let snapshot = log.snapshot();
        let position = FetchPosition {
            start,
            bound: reader.bound(&snapshot),
            max_bytes: wanted.max_bytes,
            throttled: params.is_follower() && self.may_throttle(partition, &log, params.replica_id),
        };
        let log_start_offset = snapshot.log_start_offset;
        Ok((outcome, Some(FoundPosition { position, high_watermark, log_start_offset, counted_in })))
    }

    /// Applies a follower's fetch; returns the leader epoch in which it was applied, if it was.
    fn count_fetch(
        &self,
        partition: &Partition,
        due: &DuePartition,
        fetch: FollowerFetch,
    ) -> Option<LeaderEpoch> {
        let epoch = due.wanted.current_leader_epoch;
        let counted = partition.follower_fetched(fetch, epoch, due.idle, self.clock.now())?;
        if let Some(proposal) = counted.proposal {
            self.alter_isr.submit(&due.partition, proposal);
        }
        Some(counted.leader_epoch)
    }
}

/// The largest offset that a read can have reached.
fn bound(read: &LogRead, up_to: ReadUpTo) -> Offset {
    match up_to {
        ReadUpTo::LogEnd => read.log_end_offset,
        ReadUpTo::HighWatermark => read.high_watermark,
        ReadUpTo::LastStable => read.last_stable_offset,
    }
}

/// Where a caller's log has diverged from this one, if the caller sends the epoch of its last record and it
/// has.
///
/// # Errors OFFSET_OUT_OF_RANGE if nothing is known of the epoch, or the offset lies before the log.
fn diverging(log: &Log, wanted: &PartitionFetch) -> Result<Option<EpochEnd>, ErrorCode> {
    let Some(last) = wanted.last_fetched_epoch else { return Ok(None) };
    let end = log.end_offset_for(last).filter(|_| wanted.offset >= log.log_start_offset());
    let end = end.ok_or(ErrorCode::OffsetOutOfRange)?;
    Ok((end.epoch < last || end.offset < wanted.offset).then_some(end))
}

impl From<(TopicPartition, PartitionFetch)> for DuePartition {
    /// A partition of a fetch outside any session.
    fn from((partition, wanted): (TopicPartition, PartitionFetch)) -> Self {
        Self { key: 0, partition, wanted, idle: None }
    }
}
