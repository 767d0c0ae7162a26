//! Partitions enter a transaction (`TransactionCoordinator.handleAddPartitionsToTransaction`).
//!
//! Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::coordinator::TransactionCoordinator;
use super::requests::{TxnAppend, TxnResponse};
use crate::base::{Millis, TopicPartition};
use crate::coordinator::machine::{Actions, RequestId, TransactionalProducer};
use crate::wire::error_code::ErrorCode;

impl TransactionCoordinator {
    /// The response; None where it follows when the partitions are in the log.
    pub(super) fn add_partitions(
        &mut self,
        request: RequestId,
        transactional_id: &Arc<str>,
        producer: TransactionalProducer,
        partitions: BTreeSet<TopicPartition>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) -> Option<TxnResponse> {
        let Some(metadata) = self.transactions.get_mut(transactional_id) else {
            return Some(Err(ErrorCode::InvalidProducerIdMapping));
        };
        match metadata.prepare_add_partitions(producer, partitions, now) {
            Ok(true) => {
                let then = TxnAppend::Change(transactional_id.clone(), request);
                self.append_pending(transactional_id, then, actions).err().map(Err)
            }
            Ok(false) => Some(Ok(producer)),
            Err(error) => Some(Err(error)),
        }
    }
}
