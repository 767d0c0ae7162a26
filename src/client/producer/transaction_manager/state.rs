//! The states of a producer's transactions, and which may follow which.
//!
//! Pure. Kafka: `TransactionManager.State`.

use super::TransactionManager;
use crate::client::error::ClientError;
use crate::client::producer::batch::ProducerIdAndEpoch;

/// The state of a producer's transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProducerTransactionState {
    /// Without a producer id.
    Uninitialized,
    /// A producer id is asked for.
    Initializing,
    /// Outside of a transaction.
    Ready,
    /// In a transaction.
    InTransaction,
    /// The transaction is being committed.
    CommittingTransaction,
    /// The transaction is being aborted.
    AbortingTransaction,
    /// The transaction has failed and can be aborted.
    AbortableError,
    /// The producer can do nothing more.
    FatalError,
}

impl ProducerTransactionState {
    /// Its name in Kafka's texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uninitialized => "UNINITIALIZED",
            Self::Initializing => "INITIALIZING",
            Self::Ready => "READY",
            Self::InTransaction => "IN_TRANSACTION",
            Self::CommittingTransaction => "COMMITTING_TRANSACTION",
            Self::AbortingTransaction => "ABORTING_TRANSACTION",
            Self::AbortableError => "ABORTABLE_ERROR",
            Self::FatalError => "FATAL_ERROR",
        }
    }

    pub(super) fn may_become(self, target: Self) -> bool {
        match target {
            Self::Uninitialized => self == Self::Ready,
            Self::Initializing => matches!(self, Self::Uninitialized | Self::AbortingTransaction),
            Self::Ready => {
                matches!(self, Self::Initializing | Self::CommittingTransaction | Self::AbortingTransaction)
            }
            Self::InTransaction => self == Self::Ready,
            Self::CommittingTransaction => self == Self::InTransaction,
            Self::AbortingTransaction => matches!(self, Self::InTransaction | Self::AbortableError),
            Self::AbortableError => {
                matches!(self, Self::InTransaction | Self::CommittingTransaction | Self::AbortableError)
            }
            Self::FatalError => true,
        }
    }
}

/// On what it depends whether a batch may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionGate {
    state: ProducerTransactionState,
    producer: Option<ProducerIdAndEpoch>,
    partitions: usize,
    resolutions: u64,
}

impl TransactionManager {
    /// Whether it has a transactional id.
    pub fn is_transactional(&self) -> bool {
        self.settings.transactional_id.is_some()
    }

    /// Changes whenever batches that had to wait may be sent.
    pub fn gate(&self) -> TransactionGate {
        let (state, producer) = (self.state, self.producer);
        TransactionGate { state, producer, partitions: self.partitions.len(), resolutions: self.resolutions }
    }

    /// Its state.
    pub fn state(&self) -> ProducerTransactionState {
        self.state
    }

    /// The error of the states of errors.
    pub fn last_error(&self) -> Option<&ClientError> {
        self.last_error.as_ref()
    }

    /// Whether the transaction is being committed or aborted.
    pub fn is_completing(&self) -> bool {
        matches!(
            self.state,
            ProducerTransactionState::CommittingTransaction | ProducerTransactionState::AbortingTransaction
        )
    }

    /// Whether batches that were not sent yet are given up: the transaction is aborted, or will be.
    pub fn gives_up_batches(&self) -> bool {
        matches!(
            self.state,
            ProducerTransactionState::AbortingTransaction | ProducerTransactionState::AbortableError
        )
    }

    /// Whether there is a transaction that has not ended.
    pub fn has_ongoing_transaction(&self) -> bool {
        matches!(
            self.state,
            ProducerTransactionState::InTransaction | ProducerTransactionState::AbortableError
        ) || self.is_completing()
    }

    /// Whether a request waits or is on its way.
    pub fn has_pending_requests(&self) -> bool {
        self.requests.is_sending() || self.requests.first().is_some()
    }
}
