//! What a group coordinator wants done by others: lines of the log, and counts.
//!
//! Pure.

use super::counts::GroupCounts;

/// Which class of Kafka writes a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupLogger {
    /// `kafka.coordinator.group.GroupCoordinator`.
    Coordinator,
    /// `kafka.coordinator.group.GroupMetadataManager`.
    Manager,
    /// `kafka.coordinator.group.GroupMetadata`.
    Metadata,
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineLevel {
    /// The normal course.
    Info,
    /// Something is odd, and goes on.
    Warn,
    /// Something was refused or did not succeed.
    Error,
}

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupMeter {
    /// Offsets that were appended, or were tried to be.
    OffsetCommits,
    /// Offsets that have expired.
    OffsetExpirations,
    /// Offsets that a client deleted.
    OffsetDeletions,
    /// Rebalances whose assignment the leader has brought.
    CompletedRebalances,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEffect {
    /// Write a line to the log.
    Log(GroupLogger, LineLevel, String),
    /// Count so many more.
    Count(GroupMeter, usize),
    /// What there is in this partition from now on.
    Counts(GroupCounts),
}
