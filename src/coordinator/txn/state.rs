//! The states of a transaction, and which may follow which.
//!
//! Pure. Kafka: `TransactionState` and the cases of it in `TransactionMetadata.scala`.
//!
//! ```text
//! Empty ──► Ongoing ──► PrepareCommit ──► CompleteCommit ─┐
//!              ▲   └──► PrepareAbort  ──► CompleteAbort  ─┤
//!              └──────────────────────────────────────────┘
//! ```

use super::TransactionResult;

/// Where a transactional id's transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransactionState {
    /// The producer has its id and epoch, and no transaction yet.
    Empty,
    /// Partitions have been added to the transaction.
    Ongoing,
    /// It is to be committed; markers are being written.
    PrepareCommit,
    /// It is to be aborted; markers are being written.
    PrepareAbort,
    /// All commit markers are written.
    CompleteCommit,
    /// All abort markers are written.
    CompleteAbort,
    /// The transactional id has expired and is being removed. Never in the log.
    Dead,
    /// The producer's epoch is being raised to fence it off. Never in the log.
    PrepareEpochFence,
}

impl TransactionState {
    /// The state in which a result is decided, and markers are being written.
    pub(super) fn prepared(result: TransactionResult) -> Self {
        match result {
            TransactionResult::Commit => Self::PrepareCommit,
            TransactionResult::Abort => Self::PrepareAbort,
        }
    }

    /// The state in which all markers of a result are written.
    pub(super) fn completed(result: TransactionResult) -> Self {
        match result {
            TransactionResult::Commit => Self::CompleteCommit,
            TransactionResult::Abort => Self::CompleteAbort,
        }
    }

    /// All of them, by their numbers.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
        Self::Dead,
        Self::PrepareEpochFence,
    ];

    /// The number that stands for it in the log.
    pub(super) fn id(self) -> i8 {
        match self {
            Self::Empty => 0,
            Self::Ongoing => 1,
            Self::PrepareCommit => 2,
            Self::PrepareAbort => 3,
            Self::CompleteCommit => 4,
            Self::CompleteAbort => 5,
            Self::Dead => 6,
            Self::PrepareEpochFence => 7,
        }
    }

    /// The state of a number in the log.
    pub(super) fn from_id(id: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.id() == id)
    }

    /// Whether this state may follow that one (`validPreviousStates`).
    pub(super) fn may_follow(self, before: Self) -> bool {
        match self {
            Self::Empty | Self::Dead => before.is_expiration_allowed(),
            Self::Ongoing => before == Self::Ongoing || before.is_expiration_allowed(),
            Self::PrepareCommit | Self::PrepareEpochFence => before == Self::Ongoing,
            Self::PrepareAbort => matches!(before, Self::Ongoing | Self::PrepareEpochFence),
            Self::CompleteCommit => before == Self::PrepareCommit,
            Self::CompleteAbort => before == Self::PrepareAbort,
        }
    }

    /// Whether nothing is under way, so that the transactional id may expire.
    pub(super) fn is_expiration_allowed(self) -> bool {
        matches!(self, Self::Empty | Self::CompleteCommit | Self::CompleteAbort)
    }

    /// The result that a decided transaction is to have.
    pub(super) fn decided(self) -> Option<TransactionResult> {
        match self {
            Self::PrepareCommit => Some(TransactionResult::Commit),
            Self::PrepareAbort => Some(TransactionResult::Abort),
            _ => None,
        }
    }
}
