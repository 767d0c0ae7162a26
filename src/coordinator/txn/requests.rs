//! What the transaction coordinator is asked, and what it has others do.
//!
//! Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::TransactionResult;
use crate::base::{LeaderEpoch, ProducerId, TopicPartition};
use crate::coordinator::machine::{RequestId, TransactionalProducer};
use crate::wire::error_code::ErrorCode;

/// What a producer with a transactional id asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnRequest {
    /// For its producer id and epoch; what it left open is aborted first.
    InitProducerId(InitTransactionalProducer),
    /// That partitions enter its transaction, which begins with the first.
    AddPartitions {
        /// The transactional id.
        transactional_id: Arc<str>,
        /// The producer.
        producer: TransactionalProducer,
        /// The partitions.
        partitions: BTreeSet<TopicPartition>,
    },
    /// That its transaction ends.
    EndTxn {
        /// The transactional id.
        transactional_id: Arc<str>,
        /// The producer.
        producer: TransactionalProducer,
        /// How it ends.
        result: TransactionResult,
    },
}

/// A producer that asks for its producer id and epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitTransactionalProducer {
    /// The transactional id.
    pub transactional_id: Arc<str>,
    /// How long its transactions may last, in milliseconds; checked already.
    pub timeout_ms: i32,
    /// The producer id and epoch that it believes to have (KIP-360).
    pub expected: Option<TransactionalProducer>,
}

/// The producer as the coordinator knows it now, or why the request is refused.
pub type TxnResponse = Result<TransactionalProducer, ErrorCode>;

/// What comes of the effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnEvent {
    /// A producer id for the request that waits for it, or why there is none.
    ProducerIdGenerated(RequestId, Result<ProducerId, ErrorCode>),
    /// These partitions have the markers of the transactional id's transaction, or need none.
    MarkersWritten {
        /// The transactional id.
        transactional_id: Arc<str>,
        /// The partitions.
        partitions: Vec<TopicPartition>,
    },
}

/// What the coordinator's timers are for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TxnTimer {
    /// Transactions that have lasted too long are aborted.
    AbortTimedOut,
    /// Transactional ids that were not used for too long are removed.
    RemoveExpired,
    /// The last record of a complete transaction is appended once more.
    RetryCompletion(Arc<str>),
}

/// How to go on when an append is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnAppend {
    /// A change is in force; the request is answered.
    Change(Arc<str>, RequestId),
    /// The end of a transaction is decided: markers are to be written.
    End(Arc<str>, EndCause),
    /// A transaction is complete.
    Completion(Arc<str>),
    /// These transactional ids are removed.
    Expiration(Vec<Arc<str>>),
}

/// Why a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// Its producer asks for it.
    Request(RequestId),
    /// A producer with the same transactional id asks for its id and epoch.
    Fence(RequestId),
    /// It has lasted too long.
    Timeout,
}

/// The markers of a transaction that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "TxnIdAndMarkerEntry")]
pub struct TxnMarkers {
    /// The transactional id.
    pub transactional_id: Arc<str>,
    /// The producer.
    pub producer: TransactionalProducer,
    /// The leader epoch of the coordinator's partition: leaders refuse markers of older ones.
    pub coordinator_epoch: LeaderEpoch,
    /// How the transaction ends by the markers.
    pub result: TransactionResult,
    /// Where they are to be written.
    pub partitions: Vec<TopicPartition>,
}

/// What the coordinator has others do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnEffect {
    /// Generate a producer id, for [`TxnEvent::ProducerIdGenerated`].
    GenerateProducerId(RequestId),
    /// Write markers; [`TxnEvent::MarkersWritten`] follows for each partition that has its own.
    WriteMarkers(TxnMarkers),
    /// So many complete transactions of the partition wait to be appended once more.
    CompletionsToRetry(usize),
    /// A line for the log.
    Log(log::Level, String),
}
