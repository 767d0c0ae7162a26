//! How a transaction ends, for the coordinator that decides it and for the groups whose offsets were part of it.
//!
//! Pure. Kafka: `TransactionResult`.

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransactionResult {
    /// Its records become visible, and the offsets committed in it count.
    Commit,
    /// Readers of committed records never see its records, and the offsets committed in it are dropped.
    Abort,
}

impl TransactionResult {
    /// The result that a request or a marker names.
    pub fn of(committed: bool) -> Self {
        if committed { Self::Commit } else { Self::Abort }
    }
}
