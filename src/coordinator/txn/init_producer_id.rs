//! A producer asks for its producer id and epoch (`TransactionCoordinator.handleInitProducerId`).
//!
//! Pure. The producer that had the transactional id before is fenced off by the epoch; its open transaction is aborted,
//! and the new producer has to ask once more when that is done.

use super::coordinator::TransactionCoordinator;
use super::metadata::{InitStep, TransactionMetadata};
use super::requests::{EndCause, InitTransactionalProducer, TxnAppend, TxnEffect};
use crate::base::{Millis, ProducerId};
use crate::coordinator::machine::{Actions, RequestId};
use crate::wire::error_code::ErrorCode;

impl TransactionCoordinator {
    /// Answers the producer now or later. `fresh` is the producer id that was generated for the request, if any.
    pub(super) fn init_producer_id(
        &mut self,
        request: RequestId,
        init: InitTransactionalProducer,
        fresh: Option<ProducerId>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let id = init.transactional_id.clone();
        if let (false, Some(producer_id)) = (self.transactions.contains_key(&id), fresh) {
            let metadata = TransactionMetadata::new(producer_id, init.timeout_ms, now);
            self.transactions.insert(id.clone(), metadata);
        }
        let step = match self.transactions.get_mut(&id) {
            Some(metadata) => metadata.prepare_init(init.timeout_ms, init.expected, fresh, now),
            None => Ok(InitStep::NeedsProducerId),
        };
        let outcome = match step {
            Ok(InitStep::NeedsProducerId) => {
                self.waiting_for_ids.insert(request, init);
                actions.effect(TxnEffect::GenerateProducerId(request));
                Ok(())
            }
            Ok(InitStep::IsOngoing) => self.fence(&id, EndCause::Fence(request), now, actions),
            Ok(InitStep::Pending) => {
                self.append_pending(&id, TxnAppend::Change(id.clone(), request), actions)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            actions.respond(request, Err(error));
        }
    }

    /// Goes on with the producer that waited for an id.
    pub(super) fn on_producer_id(
        &mut self,
        request: RequestId,
        outcome: Result<ProducerId, ErrorCode>,
        now: Millis,
        actions: &mut Actions<Self>,
    ) {
        let Some(init) = self.waiting_for_ids.remove(&request) else { return };
        match outcome {
            Ok(producer_id) => self.init_producer_id(request, init, Some(producer_id), now, actions),
            Err(error) => actions.respond(request, Err(error)),
        }
    }
}
