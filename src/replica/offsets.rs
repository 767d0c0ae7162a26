//! The offsets of partitions: by timestamp (ListOffsets), and the end of a leader epoch
//! (OffsetForLeaderEpoch).

use std::sync::Arc;

use super::ReplicaManager;
use super::fetch::Isolation;
use super::machine::{ReadFrom, ReplicaRole};
use crate::base::{LeaderEpoch, Millis, Offset, TopicPartition};
use crate::log::epochs::EpochEnd;
use crate::log::{ReadUpTo, TimestampAndOffset};
use crate::wire::error_code::ErrorCode;

/// The timestamp that asks for the end.
pub const LATEST: Millis = -1;
/// The timestamp that asks for the start.
pub const EARLIEST: Millis = -2;

impl ReplicaManager {
    /// As [`ReplicaManager::list_offset`], with the search by time on a thread that may wait for the disk.
    ///
    /// # Errors
    /// As there.
    pub async fn find_offset(
        self: &Arc<Self>,
        id: &TopicPartition,
        timestamp: Millis,
        isolation: Option<Isolation>,
        epoch: Option<LeaderEpoch>,
        read_from: ReadFrom,
    ) -> Result<Option<TimestampAndOffset>, ErrorCode> {
        if matches!(timestamp, LATEST | EARLIEST) {
            return self.list_offset(id, timestamp, isolation, epoch, read_from);
        }
        let log = self.partition(id)?.readable(epoch, read_from)?;
        let (replicas, id) = (self.clone(), id.clone());
        let work = move || replicas.list_offset(&id, timestamp, isolation, epoch, read_from);
        log.disk().run(work).await
    }

    /// As [`ReplicaManager::legacy_offsets`], on a thread that may wait for the disk.
    ///
    /// # Errors
    /// As there.
    pub async fn find_legacy_offsets(
        self: &Arc<Self>,
        id: &TopicPartition,
        timestamp: Millis,
        most: i32,
        up_to: ReadUpTo,
        read_from: ReadFrom,
    ) -> Result<Vec<Offset>, ErrorCode> {
        let log = self.partition(id)?.readable(None, read_from)?;
        let (replicas, id) = (self.clone(), id.clone());
        log.disk().run(move || replicas.legacy_offsets(&id, timestamp, most, up_to, read_from)).await
    }

    /// The first offset at or after a timestamp, of those that may be fetched; None if there is none.
    /// `isolation` is None for followers, which may fetch to the end.
    ///
    /// # Errors
    /// Those of [`super::Partition::readable`], OFFSET_NOT_AVAILABLE, UNSUPPORTED_FOR_MESSAGE_FORMAT.
    fn list_offset(
        &self,
        id: &TopicPartition,
        timestamp: Millis,
        isolation: Option<Isolation>,
        epoch: Option<LeaderEpoch>,
        read_from: ReadFrom,
    ) -> Result<Option<TimestampAndOffset>, ErrorCode> {
        let partition = self.partition(id)?;
        let log = partition.readable(epoch, read_from)?;
        let end = match isolation {
            None => log.log_end_offset(),
            Some(Isolation::ReadUncommitted) => log.high_watermark(),
            Some(Isolation::ReadCommitted) => log.last_stable_offset(),
        };
        let (state, role) = partition.standing();
        // A new leader does not know the bound of consumers' reads before its own first record is replicated.
        let is_new =
            matches!(role, ReplicaRole::Leader { epoch_start, .. } if epoch_start > log.high_watermark());
        let unsure = isolation.is_some() && is_new;
        if timestamp == LATEST {
            if unsure {
                return Err(ErrorCode::OffsetNotAvailable);
            }
            let leader_epoch = Some(state.leadership.leader_epoch).filter(|epoch| *epoch >= 0);
            return Ok(Some(TimestampAndOffset { timestamp: -1, offset: end, leader_epoch }));
        }
        let found = log.offset_for_timestamp(timestamp).map_err(|error| ErrorCode::from(&error))?;
        let fetchable = found.filter(|found| timestamp == EARLIEST || found.offset < end);
        match fetchable {
            None if unsure => Err(ErrorCode::OffsetNotAvailable),
            fetchable => Ok(fetchable),
        }
    }

    /// At most `most` starts of segments before a timestamp, newest first, as version 0 of ListOffsets asks; consumers
    /// read up to the high watermark, others to the log's end.
    ///
    /// # Errors
    /// As [`ReplicaManager::list_offset`]; UNKNOWN_SERVER_ERROR where less than none are asked for.
    fn legacy_offsets(
        &self,
        id: &TopicPartition,
        timestamp: Millis,
        most: i32,
        up_to: ReadUpTo,
        read_from: ReadFrom,
    ) -> Result<Vec<Offset>, ErrorCode> {
        let log = self.partition(id)?.readable(None, read_from)?;
        let most = usize::try_from(most).map_err(|_| ErrorCode::UnknownServerError)?;
        let mut offsets =
            log.legacy_offsets_before(timestamp, most).map_err(|error| ErrorCode::from(&error))?;
        let high_watermark = log.high_watermark();
        if up_to == ReadUpTo::HighWatermark && offsets.iter().any(|offset| *offset > high_watermark) {
            let first_past = offsets.iter().filter(|offset| **offset > high_watermark).count();
            offsets.drain(..first_past);
            offsets.insert(0, high_watermark);
            offsets.truncate(most);
        }
        Ok(offsets)
    }

    /// The largest epoch up to `wanted` and its end; [`EpochEnd::UNKNOWN`] if it is not known.
    ///
    /// # Errors
    /// Those of [`super::Partition::readable`].
    pub fn offset_for_leader_epoch(
        &self,
        id: &TopicPartition,
        wanted: LeaderEpoch,
        epoch: Option<LeaderEpoch>,
    ) -> Result<EpochEnd, ErrorCode> {
        let log = self.partition(id)?.readable(epoch, ReadFrom::Leader)?;
        Ok(log.end_offset_for(wanted).unwrap_or(EpochEnd::UNKNOWN))
    }
}

#[cfg(test)]
mod tests;
