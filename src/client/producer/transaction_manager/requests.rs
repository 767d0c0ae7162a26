//! Requests of the transaction manager, in the order in which they are sent.
//!
//! Pure. Kafka: `TransactionManager.TxnRequestHandler`, `Priority`.

use std::collections::BTreeMap;

use super::CallId;
use crate::base::{Millis, TopicPartition};
use crate::client::offsets::{ConsumerGroupMetadata, OffsetAndMetadata};
use crate::client::producer::batch::ProducerIdAndEpoch;

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "TransactionResult")]
pub enum TransactionEnd {
    /// Its records become visible.
    Commit,
    /// Its records are skipped.
    Abort,
}

/// What is asked of a coordinator, or of any broker where there is no transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionalRequest {
    /// A producer id, or the next epoch of the one that the producer has.
    InitProducerId {
        /// The id and epoch whose successor is asked for.
        current: Option<ProducerIdAndEpoch>,
    },
    /// Partitions enter the transaction.
    AddPartitions {
        /// The producer.
        producer: ProducerIdAndEpoch,
        /// The partitions, sorted.
        partitions: Vec<TopicPartition>,
    },
    /// A group's offsets enter the transaction.
    AddOffsets {
        /// The producer.
        producer: ProducerIdAndEpoch,
        /// The group and its member.
        group: ConsumerGroupMetadata,
        /// What is committed once the group has entered.
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    },
    /// The offsets themselves, sent to the group's coordinator.
    TxnOffsetCommit {
        /// The producer.
        producer: ProducerIdAndEpoch,
        /// The group and its member.
        group: ConsumerGroupMetadata,
        /// The offsets.
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
    },
    /// The transaction ends.
    EndTxn {
        /// The producer.
        producer: ProducerIdAndEpoch,
        /// How.
        result: TransactionEnd,
    },
}

/// Which request goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RequestPriority {
    InitProducerId,
    AddPartitionsOrOffsets,
    EndTxn,
    EpochBump,
}

/// A request, and the call that waits for it.
#[derive(Debug)]
pub(super) struct TxnRequestHandler {
    pub(super) request: TransactionalRequest,
    pub(super) priority: RequestPriority,
    pub(super) call: Option<CallId>,
    /// Not sent before this time.
    pub(super) not_before: Millis,
}

impl TxnRequestHandler {
    pub(super) fn new(
        request: TransactionalRequest,
        priority: RequestPriority,
        call: Option<CallId>,
    ) -> Self {
        Self { request, priority, call, not_before: Millis::MIN }
    }

    pub(super) fn is_end(&self) -> bool {
        matches!(self.request, TransactionalRequest::EndTxn { .. })
    }
}

/// The requests that wait, and the one that is on its way.
#[derive(Debug, Default)]
pub(super) struct TxnRequestQueue {
    /// By priority; those of the same priority in the order in which they came.
    waiting: Vec<TxnRequestHandler>,
    sending: Option<TxnRequestHandler>,
}

impl TxnRequestQueue {
    pub(super) fn push(&mut self, handler: TxnRequestHandler) {
        let at = self.waiting.partition_point(|other| other.priority <= handler.priority);
        self.waiting.insert(at, handler);
    }

    /// Puts a request back that is to be sent again, before those of its priority.
    pub(super) fn push_again(&mut self, handler: TxnRequestHandler) {
        let at = self.waiting.partition_point(|other| other.priority < handler.priority);
        self.waiting.insert(at, handler);
    }

    pub(super) fn first(&self) -> Option<&TxnRequestHandler> {
        self.waiting.first()
    }

    pub(super) fn pop(&mut self) -> Option<TxnRequestHandler> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0))
    }

    /// Notes a request as on its way.
    pub(super) fn send(&mut self, handler: TxnRequestHandler) -> TransactionalRequest {
        let request = handler.request.clone();
        self.sending = Some(handler);
        request
    }

    pub(super) fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// Whether a higher epoch is asked for by a request that waits.
    pub(super) fn raises_epoch(&self) -> bool {
        self.waiting.iter().any(|handler| handler.priority == RequestPriority::EpochBump)
    }

    /// The request that was on its way.
    pub(super) fn take_sent(&mut self) -> Option<TxnRequestHandler> {
        self.sending.take()
    }

    /// Removes the end of the transaction, if it was not sent yet; whether it was there.
    pub(super) fn take_unsent_end(&mut self) -> bool {
        let count = self.waiting.len();
        self.waiting.retain(|handler| !handler.is_end() && handler.priority != RequestPriority::EpochBump);
        self.waiting.len() < count
    }

    /// Removes every request that waits.
    pub(super) fn clear(&mut self) -> Vec<TxnRequestHandler> {
        std::mem::take(&mut self.waiting)
    }
}
