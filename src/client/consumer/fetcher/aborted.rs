//! Which batches of a fetch belong to aborted transactions.
//!
//! Pure. Kafka: `Fetcher.CompletedFetch.consumeAbortedTransactionsUpTo`.

use std::collections::{HashSet, VecDeque};

use crate::base::{Offset, ProducerId};
use crate::wire::batch::{Batch, BatchError};
use crate::wire::control::ControlType;
use crate::wire::message::fetch::AbortedTransaction;

/// The aborted transactions among the batches of one fetch; the batches are given in order.
#[derive(Debug, Default)]
pub(super) struct AbortedTransactions {
    /// Where those begin that the batches have not reached yet, by offset.
    begins: VecDeque<(ProducerId, Offset)>,
    /// The producers whose aborted transaction is open at the present batch.
    open: HashSet<ProducerId>,
}

impl AbortedTransactions {
    pub(super) fn new(transactions: Option<&[AbortedTransaction]>) -> Self {
        let all = transactions.into_iter().flatten();
        let mut begins: Vec<_> = all.map(|it| (it.producer_id, it.first_offset)).collect();
        begins.sort_by_key(|(_, offset)| *offset);
        Self { begins: begins.into(), open: HashSet::new() }
    }

    /// Whether the batch belongs to an aborted transaction.
    ///
    /// # Errors
    /// The marker in a control batch cannot be read.
    pub(super) fn contain(&mut self, batch: &Batch) -> Result<bool, BatchError> {
        let header = batch.header();
        if !header.has_producer_id() {
            return Ok(false);
        }
        while let Some((producer, _)) = self.begins.pop_front_if(|(_, first)| *first <= header.last_offset())
        {
            self.open.insert(producer);
        }
        if header.is_control() {
            let marker = batch.records()?.next().transpose()?;
            if let Some(key) = marker.and_then(|record| record.key)
                && ControlType::parse(&key)? == ControlType::Abort
            {
                self.open.remove(&header.producer_id);
            }
            return Ok(false);
        }
        Ok(header.is_transactional() && self.open.contains(&header.producer_id))
    }
}
