//! What time alone ends: transactions that last too long, and transactional ids that are used no more.
//!
//! Pure. Kafka: `TransactionCoordinator.abortTimedOutTransactions`,
//! `TransactionStateManager.removeExpiredTransactionalIds`.

use std::sync::Arc;

use super::coordinator::TransactionCoordinator;
use super::records;
use super::requests::{EndCause, TxnAppend, TxnEffect, TxnTimer};
use super::state::TransactionState;
use crate::base::Millis;
use crate::coordinator::machine::{Actions, CoordinatorRecord};
use crate::wire::error_code::ErrorCode;

/// About how many bytes of keys one append of tombstones has.
const TOMBSTONES_SIZE: usize = 16 << 10;

impl TransactionCoordinator {
    /// Sets the timers of both.
    pub(super) fn schedule_timers(&self, now: Millis, actions: &mut Actions<Self>) {
        actions.schedule(TxnTimer::AbortTimedOut, now + self.settings.abort_timed_out_interval_ms);
        actions.schedule(TxnTimer::RemoveExpired, now + self.settings.remove_expired_interval_ms);
    }

    /// Aborts transactions that have lasted longer than their producers allow.
    pub(super) fn abort_timed_out(&mut self, now: Millis, actions: &mut Actions<Self>) {
        let transactions = &self.transactions;
        self.may_time_out.retain(|id| {
            transactions.get(id).is_some_and(|metadata| metadata.state() == TransactionState::Ongoing)
        });
        let timed_out = self
            .may_time_out
            .iter()
            .filter(|id| transactions.get(*id).is_some_and(|metadata| metadata.has_timed_out(now)));
        let timed_out: Vec<_> = timed_out.cloned().collect();
        for transactional_id in timed_out {
            if let Err(error) = self.fence(&transactional_id, EndCause::Timeout, now, actions) {
                let text = format!(
                    "Rollback of ongoing transaction for transactionalId {transactional_id} failed due to error {}",
                    error.name()
                );
                actions.effect(TxnEffect::Log(log::Level::Warn, text));
            }
        }
        actions.schedule(TxnTimer::AbortTimedOut, now + self.settings.abort_timed_out_interval_ms);
    }

    /// Removes transactional ids that nothing has happened to for longer than they are kept.
    pub(super) fn remove_expired(&mut self, now: Millis, actions: &mut Actions<Self>) {
        let keep = self.settings.expiration_ms;
        let expired = self.transactions.iter_mut().filter(|(_, metadata)| metadata.is_expired(now, keep));
        let (mut ids, mut tombstones, mut size) = (Vec::new(), Vec::new(), 0);
        for (transactional_id, metadata) in expired {
            let Ok(key) = records::encode_key(transactional_id) else { continue };
            if size + key.len() > TOMBSTONES_SIZE && !ids.is_empty() {
                actions
                    .append(std::mem::take(&mut tombstones), TxnAppend::Expiration(std::mem::take(&mut ids)));
                size = 0;
            }
            metadata.prepare_dead();
            size += key.len();
            tombstones.push(CoordinatorRecord { key, value: None });
            ids.push(transactional_id.clone());
        }
        if !ids.is_empty() {
            actions.append(tombstones, TxnAppend::Expiration(ids));
        }
        actions.schedule(TxnTimer::RemoveExpired, now + self.settings.remove_expired_interval_ms);
    }

    /// The ids are removed in the log, or are not.
    pub(super) fn on_expiration_appended(
        &mut self,
        ids: &[Arc<str>],
        outcome: Result<(), ErrorCode>,
        actions: &mut Actions<Self>,
    ) {
        for id in ids {
            match outcome {
                Ok(()) => drop(self.transactions.remove(id)),
                Err(error) => {
                    if let Some(metadata) = self.transactions.get_mut(id) {
                        metadata.abandon_transition();
                    }
                    let error = error.name();
                    let text = format!("Failed to remove expired transactionalId {id}: {error}");
                    actions.effect(TxnEffect::Log(log::Level::Warn, text));
                }
            }
        }
    }
}
