//! A fetch request in its session, if it has one: begun, answered, stored (KIP-227).
//!
//! A request names its session and the epoch in it; epoch 0 asks for a new session, -1 for none. Kafka: `FetchManager`,
//! `FetchContext`.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use super::read::FetchCaller;
use super::session::{FetchSession, SessionChanges, Turn};
use super::wait::FetchOutcomes;
use super::watch::SharedSession;
use super::{FetchParams, FetchReader, PartitionFetch};
use crate::base::TopicPartition;
use crate::replica::ReplicaManager;
use crate::wire::error_code::ErrorCode;

/// The id of no session.
const NO_SESSION: i32 = 0;
/// The epoch of a request that asks for a new session.
const INITIAL_EPOCH: i32 = 0;
/// The epoch of a request without a session.
const FINAL_EPOCH: i32 = -1;

/// The session fields of a fetch request.
#[derive(Clone, Debug)]
pub struct SessionRequest {
    /// The session; 0 for none.
    pub id: i32,
    /// The epoch in it.
    pub epoch: i32,
    /// The partitions of the request: all of them, or those that are new or changed in the session.
    pub partitions: Vec<(TopicPartition, PartitionFetch)>,
    /// Partitions to take out of the session.
    pub forgotten: Vec<TopicPartition>,
}

/// How a request is to be answered.
#[doc(alias(
    "SessionlessFetchContext",
    "FullFetchContext",
    "IncrementalFetchContext",
    "SessionErrorContext"
))]
#[derive(Debug)]
pub struct FetchContext(FetchContextKind);

#[derive(Debug)]
enum FetchContextKind {
    /// With this error alone.
    Refused(ErrorCode),
    /// With all partitions, outside any session.
    Sessionless(Vec<(TopicPartition, PartitionFetch)>),
    /// With all partitions, which begin a session if there is room for one.
    Full(Arc<SharedSession>),
    /// With those partitions of a session in which something changed.
    Incremental(i32, Arc<SharedSession>, Turn),
}

/// What is sent to the client.
#[derive(Debug)]
pub struct SessionAnswer {
    /// An error of the session: then nothing else is sent.
    pub error: ErrorCode,
    /// The session; 0 for none.
    pub session_id: i32,
    /// The partitions that are sent.
    pub outcomes: FetchOutcomes,
}

impl FetchContext {
    /// The error of the session as the whole answer.
    pub fn refusal(&self) -> Option<ErrorCode> {
        match self.0 {
            FetchContextKind::Refused(error) => Some(error),
            _ => None,
        }
    }

    /// Whether any partition of the request, or of its session, satisfies the condition.
    pub fn any(&self, mut is_such: impl FnMut(&TopicPartition) -> bool) -> bool {
        match &self.0 {
            FetchContextKind::Refused(_) => false,
            FetchContextKind::Sessionless(partitions) => partitions.iter().any(|(id, _)| is_such(id)),
            FetchContextKind::Full(session) | FetchContextKind::Incremental(_, session, _) => {
                let partitions: Vec<_> = session.lock().partitions().cloned().collect();
                partitions.iter().any(is_such)
            }
        }
    }

    /// The topics of the request, or of its session.
    pub fn topics(&self) -> HashSet<Arc<str>> {
        match &self.0 {
            FetchContextKind::Refused(_) => HashSet::new(),
            FetchContextKind::Sessionless(partitions) => {
                partitions.iter().map(|(id, _)| id.topic.clone()).collect()
            }
            FetchContextKind::Full(session) | FetchContextKind::Incremental(_, session, _) => {
                session.lock().partitions().map(|id| id.topic.clone()).collect()
            }
        }
    }

    /// The outcomes that the client has to be sent; nothing is stored of them.
    #[doc(alias = "getResponseSize")]
    pub fn to_be_sent(&self, outcomes: &FetchOutcomes) -> FetchOutcomes {
        match &self.0 {
            FetchContextKind::Refused(_) => Vec::new(),
            FetchContextKind::Sessionless(_) | FetchContextKind::Full(_) => outcomes.clone(),
            FetchContextKind::Incremental(_, session, turn) => {
                let session = session.lock();
                let sent = outcomes.iter().filter(|(id, outcome)| session.must_respond(*turn, id, outcome));
                sent.cloned().collect()
            }
        }
    }

    /// What a throttled client is sent: nothing of any partition. A session goes on; none begins.
    #[doc(alias = "getThrottledResponse")]
    pub fn throttled_answer(&self) -> SessionAnswer {
        let answer = |error, session_id| SessionAnswer { error, session_id, outcomes: Vec::new() };
        match &self.0 {
            FetchContextKind::Incremental(id, session, turn) => match session.lock().is_current(*turn) {
                true => answer(ErrorCode::None, *id),
                false => answer(ErrorCode::InvalidFetchSessionEpoch, *id),
            },
            _ => answer(ErrorCode::None, NO_SESSION),
        }
    }

    /// The offset and limits of a partition that is fetched outside any session.
    pub fn sessionless(&self) -> Option<&[(TopicPartition, PartitionFetch)]> {
        match &self.0 {
            FetchContextKind::Sessionless(partitions) => Some(partitions),
            _ => None,
        }
    }
}

impl ReplicaManager {
    /// A request, with its session brought up to date.
    pub fn fetch_context(&self, request: SessionRequest, reader: FetchReader) -> FetchContext {
        let (id, epoch, now) = (request.id, request.epoch, self.clock.now());
        let SessionRequest { partitions, forgotten, .. } = request;
        FetchContext(match epoch {
            FINAL_EPOCH => {
                self.fetch_sessions.remove(id);
                FetchContextKind::Sessionless(partitions)
            }
            INITIAL_EPOCH => {
                self.fetch_sessions.remove(id);
                FetchContextKind::Full(SharedSession::new(FetchSession::new(reader, partitions, now)))
            }
            epoch => match self.fetch_sessions.get(id) {
                None => FetchContextKind::Refused(ErrorCode::FetchSessionIdNotFound),
                Some(session) => {
                    let changes = SessionChanges { partitions, forgotten };
                    let (begun, is_empty) = {
                        let mut state = session.lock();
                        (state.begin(epoch, reader, changes, now), state.is_empty())
                    };
                    match begun {
                        Err(error) => FetchContextKind::Refused(error),
                        Ok(_) if is_empty => {
                            self.fetch_sessions.remove(id);
                            FetchContextKind::Sessionless(Vec::new())
                        }
                        Ok(turn) => {
                            // A request that still waits in the session ends without an answer of its own.
                            session.woken.notify_waiters();
                            FetchContextKind::Incremental(id, session, turn)
                        }
                    }
                }
            },
        })
    }

    /// Reads the partitions that are due. Once the client is `gone` the fetch ends with what there is, so
    /// that nothing waits for it.
    pub async fn fetch_for(
        &self,
        context: &FetchContext,
        params: FetchParams,
        caller: FetchCaller<'_>,
        gone: impl Future<Output = ()>,
    ) -> FetchOutcomes {
        let near = caller.near.filter(|near| self.selects_replicas(near, &params));
        let caller = FetchCaller { near, ..caller };
        match &context.0 {
            FetchContextKind::Refused(_) => Vec::new(),
            FetchContextKind::Sessionless(partitions) => {
                self.fetch_once(params, partitions, caller, gone).await
            }
            FetchContextKind::Full(session) => {
                let turn = session.lock().first_turn();
                self.fetch_in(session, turn, params, caller, gone).await
            }
            FetchContextKind::Incremental(_, session, turn) => {
                if near.is_some() || caller.denies.is_some() {
                    // The consumer's location, and what is denied, change without a change of the partition.
                    session.lock().make_all_due();
                }
                self.fetch_in(session, *turn, params, caller, gone).await
            }
        }
    }

    /// Selects the outcomes that the client has to be sent. `ids` are random positive numbers, for a session
    /// that begins.
    pub fn answer_fetch(
        &self,
        context: &FetchContext,
        mut outcomes: FetchOutcomes,
        ids: impl Iterator<Item = i32>,
    ) -> SessionAnswer {
        let answer = |session_id, outcomes| SessionAnswer { error: ErrorCode::None, session_id, outcomes };
        // Kafka puts unknown partitions behind those it has read, and denied partitions behind both.
        outcomes.sort_by_key(|(_, outcome)| match outcome.error {
            ErrorCode::UnknownTopicOrPartition => 1,
            ErrorCode::TopicAuthorizationFailed => 2,
            _ => 0,
        });
        match &context.0 {
            FetchContextKind::Refused(error) => {
                SessionAnswer { error: *error, ..answer(NO_SESSION, Vec::new()) }
            }
            FetchContextKind::Sessionless(_) => answer(NO_SESSION, outcomes),
            FetchContextKind::Full(session) => {
                let is_empty = {
                    let mut state = session.lock();
                    state.answer_first(&outcomes);
                    state.is_empty()
                };
                let id = if is_empty {
                    None
                } else {
                    self.fetch_sessions.insert(ids, session.clone(), self.clock.now())
                };
                answer(id.unwrap_or(NO_SESSION), outcomes)
            }
            FetchContextKind::Incremental(id, session, turn) => {
                match session.lock().answer(*turn, outcomes) {
                    Ok(sent) => answer(*id, sent),
                    Err(error) => SessionAnswer { error, ..answer(*id, Vec::new()) },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
