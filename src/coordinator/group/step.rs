//! What a group may do in one step of its partition's machine.
//!
//! Pure.

use std::sync::Arc;

use super::append::GroupAppend;
use super::effect::{GroupEffect, GroupLogger, GroupMeter, LineLevel};
use super::machine::GroupTimer;
use super::request::GroupResponse;
use super::{GroupCoordinator, GroupSettings};
use crate::base::{Millis, Offset};
use crate::coordinator::machine::{Actions, CoordinatorRecord, RequestId, TransactionalProducer};

/// The time of a step, and what follows from it.
pub(super) struct GroupStep<'a> {
    /// The broker's config, as far as it matters.
    pub settings: &'a Arc<GroupSettings>,
    /// The partition's number.
    pub partition: i32,
    /// The time.
    pub now: Millis,
    /// As in the coordinator.
    pub next_position: &'a mut Offset,
    /// What is to be done.
    pub actions: &'a mut Actions<GroupCoordinator>,
}

impl GroupStep<'_> {
    /// Responds to a request.
    pub fn respond(&mut self, id: RequestId, response: GroupResponse) {
        self.actions.respond(id, response);
    }

    /// Appends records.
    pub fn append(&mut self, records: Vec<CoordinatorRecord>, then: GroupAppend) {
        self.actions.append(records, then);
    }

    /// Appends records in a producer's transaction.
    pub fn append_in_transaction(
        &mut self,
        producer: TransactionalProducer,
        records: Vec<CoordinatorRecord>,
        then: GroupAppend,
    ) {
        self.actions.append_in_transaction(producer, records, then);
    }

    /// The position of the append that follows, in the order of the log.
    pub fn take_position(&mut self) -> Offset {
        *self.next_position += 1;
        *self.next_position - 1
    }

    /// Sets a timer to fire after `delay`; when that is.
    pub fn schedule(&mut self, timer: GroupTimer, delay: Millis) -> Millis {
        let at = self.now.saturating_add(delay);
        self.actions.schedule(timer, at);
        at
    }

    /// Sets a timer no longer.
    pub fn cancel(&mut self, timer: GroupTimer) {
        self.actions.cancel(timer);
    }

    /// Counts.
    pub fn count(&mut self, meter: GroupMeter, more: usize) {
        self.actions.effect(GroupEffect::Count(meter, more));
    }

    /// Logs a line of `GroupCoordinator`'s at INFO.
    pub fn info(&mut self, line: String) {
        self.log(GroupLogger::Coordinator, LineLevel::Info, line);
    }

    /// Logs a line of `GroupCoordinator`'s at WARN.
    pub fn warn(&mut self, line: String) {
        self.log(GroupLogger::Coordinator, LineLevel::Warn, line);
    }

    /// Logs a line.
    pub fn log(&mut self, logger: GroupLogger, level: LineLevel, line: String) {
        self.actions.effect(GroupEffect::Log(logger, level, line));
    }
}
