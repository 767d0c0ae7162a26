//! The calls of a transactional producer, and their outcomes.
//!
//! Pure. A call goes on where its caller is gone; the same call, made again, is that call until a caller was given its
//! outcome. Kafka: `TransactionalRequestResult`.

use std::collections::VecDeque;

use super::TransactionEnd;
use crate::client::error::ClientError;

/// How many outcomes are kept for callers that have not asked for them yet.
const KEPT_OUTCOMES: usize = 64;

/// A call whose outcome can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(u64);

/// What a call is for that can be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransactionalCall {
    Initialize,
    End(TransactionEnd),
}

/// The last call of those that can be joined while they go on, and after they were dropped.
#[derive(Debug)]
struct RepeatableCall {
    call: TransactionalCall,
    id: CallId,
    /// Whether a caller has been given its outcome.
    is_taken: bool,
}

/// The calls of a producer.
#[doc(alias = "TransactionalRequestResult")]
#[derive(Debug, Default)]
pub(super) struct TransactionalCalls {
    repeatable: Option<RepeatableCall>,
    next: u64,
    /// The last outcomes, at most [`KEPT_OUTCOMES`].
    outcomes: VecDeque<(CallId, Result<(), ClientError>)>,
}

impl TransactionalCalls {
    /// The call that goes on or has an outcome that was not taken, if it is the same.
    pub(super) fn joined(&self, call: TransactionalCall) -> Option<CallId> {
        let last = self.repeatable.as_ref().filter(|last| last.call == call)?;
        (!self.is_over(last.id) || !last.is_taken).then_some(last.id)
    }

    fn is_over(&self, call: CallId) -> bool {
        self.outcomes.iter().any(|(id, _)| *id == call)
    }

    /// A call that cannot be joined.
    pub(super) fn begin(&mut self) -> CallId {
        self.next += 1;
        CallId(self.next)
    }

    /// A call that can be joined.
    pub(super) fn begin_repeatable(&mut self, call: TransactionalCall) -> CallId {
        let id = self.begin();
        self.repeatable = Some(RepeatableCall { call, id, is_taken: false });
        id
    }

    /// Has the last call be joined no more.
    pub(super) fn take_repeatable(&mut self) -> Option<CallId> {
        self.repeatable.take().map(|last| last.id)
    }

    /// Notes the outcome of a call, unless it has one.
    pub(super) fn finish(&mut self, call: Option<CallId>, outcome: Result<(), ClientError>) {
        let Some(call) = call.filter(|call| !self.is_over(*call)) else { return };
        if self.outcomes.len() == KEPT_OUTCOMES {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back((call, outcome));
    }

    /// Fails the call that can be joined, unless it is over.
    pub(super) fn fail_repeatable(&mut self, error: &ClientError) {
        let last = self.repeatable.as_ref().map(|last| last.id);
        self.finish(last, Err(error.clone()));
    }

    /// The outcome of a call, which counts as taken; None while it goes on.
    pub(super) fn outcome(&mut self, call: CallId) -> Option<Result<(), ClientError>> {
        let (_, outcome) = self.outcomes.iter().find(|(id, _)| *id == call)?;
        if let Some(last) = self.repeatable.as_mut().filter(|last| last.id == call) {
            last.is_taken = true;
        }
        Some(outcome.clone())
    }
}
