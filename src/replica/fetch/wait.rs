//! A fetch that waits until there are enough bytes, or until its timeout; it reads once before that, and once
//! after.
//!
//! Kafka: `ReplicaManager.fetchMessages`, `DelayedFetch.onComplete`.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::delayed::DelayedVerdict;
use super::read::{FetchCaller, FoundPartition, Look, Pass, ReadLimits};
use super::session::{DuePartition, FetchSession, Turn};
use super::watch::SharedSession;
use super::{FetchOutcome, FetchParams, PartitionFetch};
use crate::base::TopicPartition;
use crate::log::FirstBatch;
use crate::replica::ReplicaManager;

/// How long a follower's fetch still waits for records once it lacks a high watermark. If records keep
/// coming, the high watermark goes with them, and costs no request of its own.
const NEWS_LINGER: Duration = Duration::from_millis(6);

/// What was found of the partitions of a fetch.
pub(in crate::replica) type FetchOutcomes = Vec<(TopicPartition, FetchOutcome)>;

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    /// There is something to answer.
    Satisfied,
    /// The timeout is over.
    Expired,
    /// The client is gone.
    Abandoned,
}

/// A request that waits in a session; dropping it ends the wait.
struct Waiting<'a> {
    session: &'a Arc<SharedSession>,
    turn: Turn,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.session.lock().wait_over(self.turn);
    }
}

impl ReplicaManager {
    /// Reads from partitions in this order, outside any session. Answers once there are `min_bytes`, or an
    /// error, or the timeout is over.
    pub async fn fetch(
        &self,
        params: FetchParams,
        partitions: &[(TopicPartition, PartitionFetch)],
    ) -> FetchOutcomes {
        self.fetch_once(params, partitions, FetchCaller::default(), std::future::pending()).await
    }

    /// As [`ReplicaManager::fetch`]; answered with what there is once the caller is `gone`.
    pub(in crate::replica) async fn fetch_once(
        &self,
        params: FetchParams,
        partitions: &[(TopicPartition, PartitionFetch)],
        caller: FetchCaller<'_>,
        gone: impl Future<Output = ()>,
    ) -> FetchOutcomes {
        let mut due: Vec<_> = partitions.iter().cloned().map(DuePartition::from).collect();
        let look = self.look(&params, caller, &due, Pass::First);
        if params.max_wait.is_zero() || due.is_empty() || look.satisfies(&params, due.len()) {
            return self.outcomes(&params, due, look);
        }
        let session = FetchSession::new(params.reader(), partitions.iter().cloned(), self.clock.now());
        for (due, named) in due.iter_mut().zip(session.due()) {
            due.key = named.key;
        }
        let (turn, session) = (session.first_turn(), SharedSession::new(session));
        take_in(&session, &due, &look.found);
        self.wait(&session, turn, &params, (&due, &look), gone).await;
        let look = self.look(&params, caller, &due, Pass::Again);
        self.outcomes(&params, due, look)
    }

    /// Reads what is due in a session, and answers as [`ReplicaManager::fetch`] does.
    pub(super) async fn fetch_in(
        &self,
        session: &Arc<SharedSession>,
        turn: Turn,
        params: FetchParams,
        caller: FetchCaller<'_>,
        gone: impl Future<Output = ()>,
    ) -> FetchOutcomes {
        let (due, count) = {
            let state = session.lock();
            (state.due(), state.len())
        };
        let look = self.look(&params, caller, &due, Pass::First);
        take_in(session, &due, &look.found);
        if params.max_wait.is_zero() || count == 0 || look.satisfies(&params, count) {
            self.watch(session, &due, &look.found);
            return self.outcomes(&params, due, look);
        }
        self.wait(session, turn, &params, (&due, &look), gone).await;
        let due = session.lock().due();
        let look = self.look(&params, caller, &due, Pass::Again);
        take_in(session, &due, &look.found);
        self.watch(session, &due, &look.found);
        self.outcomes(&params, due, look)
    }

    fn outcomes(&self, params: &FetchParams, due: Vec<DuePartition>, look: Look) -> FetchOutcomes {
        let found = look.found.into_iter().map(|found| found.outcome);
        let outcomes: FetchOutcomes = due.into_iter().map(|due| due.partition).zip(found).collect();
        if params.reader().is_follower() {
            self.count_sent(&outcomes);
        }
        outcomes
    }

    /// Lets a session watch the partitions that it has to.
    fn watch(&self, session: &Arc<SharedSession>, due: &[DuePartition], found: &[FoundPartition]) {
        let unwatched = session.lock().unwatched(due.iter().map(|due| due.key));
        if unwatched.is_empty() {
            return;
        }
        let unwatched: std::collections::HashSet<_> = unwatched.into_iter().collect();
        for (due, found) in due.iter().zip(found) {
            if let Some((partition, role_changes)) =
                found.partition.as_ref().filter(|_| unwatched.contains(&due.key))
            {
                partition.watch(session, due.key, *role_changes);
            }
        }
    }

    /// Waits until the session has an answer to the request, after its first read.
    async fn wait(
        &self,
        session: &Arc<SharedSession>,
        turn: Turn,
        params: &FetchParams,
        (due, look): (&[DuePartition], &Look),
        gone: impl Future<Output = ()>,
    ) -> Waited {
        let deadline = Instant::now() + params.max_wait;
        {
            let mut state = session.lock();
            if !state.is_current(turn) {
                return Waited::Satisfied;
            }
            state.wait(turn, params.min_bytes);
        }
        let _waiting = Waiting { session, turn };
        self.watch(session, due, &look.found);
        let mut gone = pin!(gone);
        let mut linger = None;
        let _delayed = self.waits.fetch.delay(session.lock().len());
        loop {
            let mut woken = pin!(session.woken.notified());
            // Before the check, so that no notification is lost between it and the wait.
            woken.as_mut().enable();
            let verdict = session.lock().verdict(turn);
            let until = match verdict {
                DelayedVerdict::Satisfied => return Waited::Satisfied,
                DelayedVerdict::Examine => {
                    self.examine(session, params);
                    continue;
                }
                DelayedVerdict::HasNews => {
                    (*linger.get_or_insert_with(|| Instant::now() + NEWS_LINGER)).min(deadline)
                }
                DelayedVerdict::Waits => deadline,
            };
            tokio::select! {
                biased;
                () = woken => {}
                () = gone.as_mut() => return Waited::Abandoned,
                () = tokio::time::sleep_until(until) => {
                    if until < deadline {
                        return Waited::Satisfied;
                    }
                    self.waits.fetch_expired(&params.reader());
                    return Waited::Expired;
                }
            }
        }
    }

    /// Reads partitions again whose positions are not sufficient.
    fn examine(&self, session: &Arc<SharedSession>, params: &FetchParams) {
        let due = session.lock().take_to_examine();
        for due in due {
            let limits = ReadLimits { room: due.wanted.max_bytes, first: FirstBatch::Whole };
            let found = self.look_at(params, FetchCaller::default(), &due, limits, Pass::Again);
            let bytes = i64::try_from(found.outcome.records.len()).unwrap_or(i64::MAX);
            session.lock().examined(due.key, found.position.map(|position| (position, bytes)));
            self.watch(session, std::slice::from_ref(&due), std::slice::from_ref(&found));
        }
    }
}

/// Applies the outcome of such a read to the session.
fn take_in(session: &Arc<SharedSession>, due: &[DuePartition], found: &[FoundPartition]) {
    let mut state = session.lock();
    for (due, found) in due.iter().zip(found) {
        state.found(due.key, found.position);
    }
}
