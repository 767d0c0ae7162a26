//! A partition of a fetch session: what is known of its log, and what the client was sent of it.
//!
//! Pure. Kafka: `CachedPartition`.

use super::IdleFetch;
use crate::base::{LeaderEpoch, Offset, TopicPartition};
use crate::log::{LogPosition, LogSnapshot};
use crate::replica::fetch::delayed::FetchPosition;
use crate::replica::fetch::{FetchOutcome, FetchReader, PartitionFetch};
use crate::wire::error_code::ErrorCode;

/// A partition of a session.
#[derive(Clone, Debug)]
pub(super) struct CachedPartition {
    pub(super) partition: TopicPartition,
    pub(super) slot: u64,
    pub(super) wanted: PartitionFetch,
    /// The high watermark that the client was last sent; -1 if none was, or an error since.
    pub(super) sent_high_watermark: Offset,
    /// The log start offset that the client was last sent; -1 if none was.
    pub(super) sent_log_start: Offset,
    /// The high watermark now, as far as it is known.
    pub(super) high_watermark: Offset,
    /// The log start offset now, as far as it is known.
    pub(super) log_start: Offset,
    /// The position that bounds the reader now, as far as it is known.
    pub(super) bound: LogPosition,
    /// The position of the offset that is fetched from; None before the partition was read, and after a
    /// failed read.
    pub(super) start: Option<LogPosition>,
    /// Whether replication to this follower was throttled when the partition was last read.
    pub(super) throttled: bool,
    /// Whether the session is notified of changes: then the state of the log here is that of the last notice.
    pub(super) is_watched: bool,
    /// The leader epoch in which the partition's last read was applied as a follower's; None if the next one
    /// has to be.
    pub(super) counted_in: Option<LeaderEpoch>,
    /// Set when a quiet partition becomes due, until a request is applied to it.
    pub(super) idle: Option<IdleFetch>,
}

impl CachedPartition {
    /// A partition that was not read yet.
    pub(super) fn new(partition: TopicPartition, slot: u64, wanted: PartitionFetch) -> Self {
        Self {
            partition,
            slot,
            wanted,
            sent_high_watermark: -1,
            sent_log_start: -1,
            high_watermark: -1,
            log_start: -1,
            bound: (-1).into(),
            start: None,
            throttled: false,
            is_watched: false,
            counted_in: None,
            idle: None,
        }
    }

    /// Where the fetch stands; None where the log has to be read to know it.
    pub(super) fn position(&self) -> Option<FetchPosition> {
        let Self { bound, throttled, wanted: PartitionFetch { max_bytes, .. }, .. } = *self;
        self.start.map(|start| FetchPosition { start, bound, max_bytes, throttled })
    }

    /// Whether there is nothing to read.
    pub(super) fn is_at_end(&self) -> bool {
        !self.throttled && self.start.is_some_and(|start| start.offset >= self.bound.offset)
    }

    /// Whether there is nothing to read, nothing to send, and no fetch of the follower to apply.
    pub(super) fn is_quiet(&self, reader: FetchReader) -> bool {
        self.is_watched
            && self.is_at_end()
            && (self.counted_in.is_some() || !reader.is_follower())
            && self.sent_high_watermark == self.high_watermark
            && self.sent_log_start == self.log_start
    }

    /// Whether the high watermark is higher than the one that the client was sent.
    pub(super) fn has_new_high_watermark(&self) -> bool {
        self.start.is_some() && self.high_watermark > self.sent_high_watermark.max(0)
    }

    /// Applies the present state of the log.
    pub(super) fn update(&mut self, reader: FetchReader, now: &LogSnapshot) {
        self.bound = reader.bound(now);
        (self.high_watermark, self.log_start) = (now.high_watermark.offset, now.log_start_offset);
    }

    /// Stores what the client is sent; returns whether it has to be sent at all.
    pub(super) fn send(&mut self, outcome: &FetchOutcome) -> bool {
        let is_sent = self.must_respond(outcome);
        self.sent_high_watermark = outcome.high_watermark;
        self.sent_log_start = outcome.log_start_offset;
        if outcome.error != ErrorCode::None {
            // So that the end of the error is sent too.
            self.sent_high_watermark = -1;
        }
        is_sent
    }

    /// Whether the client has to be sent this.
    #[doc(alias = "maybeUpdateResponseData")]
    pub(super) fn must_respond(&self, outcome: &FetchOutcome) -> bool {
        !outcome.records.is_empty()
            || outcome.preferred_read_replica.is_some()
            || outcome.diverging.is_some()
            || self.sent_high_watermark != outcome.high_watermark
            || self.sent_log_start != outcome.log_start_offset
            || outcome.error != ErrorCode::None
    }
}
