//! The commits of a consumer, which are sent one after the other, in the order in which they were made.
//!
//! A commit that waits is merged with those that follow it, so that there is at most one request in flight, and offsets
//! never go back. Kafka: `ConsumerCoordinator.commitOffsetsSync`, `ConsumerCoordinator.commitOffsetsAsync`.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

use super::GroupShared;
use super::commit::{CommittedOffsets, RefusedOffsets, check_commit, commit_request};
use super::error::GroupError;
use super::membership::MemberGeneration;
use crate::client::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// How many commits may wait.
const MOST_WAITING: usize = 1000;

/// A commit that waits.
#[derive(Debug)]
pub(super) struct QueuedCommit {
    pub(super) offsets: CommittedOffsets,
    /// The generation in which the offsets were consumed.
    pub(super) generation: MemberGeneration,
    /// Until when it is repeated; None for a commit that is sent once.
    pub(super) repeated_until: Option<Instant>,
    pub(super) reply: oneshot::Sender<Result<(), ClientError>>,
}

/// The queue's sending end, and what is to be received.
pub(super) fn new() -> (mpsc::Sender<QueuedCommit>, mpsc::Receiver<QueuedCommit>) {
    mpsc::channel(MOST_WAITING)
}

/// Sends commits until the consumer is gone and none is left.
pub(super) async fn run(shared: Arc<GroupShared>, mut commits: mpsc::Receiver<QueuedCommit>) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(commit) => commit,
            None => match commits.recv().await {
                Some(commit) => commit,
                None => return,
            },
        };
        if first.repeated_until.is_some() {
            commit_sync(&shared, first).await;
        } else {
            next = commit_async(&shared, first, &mut commits).await;
        }
    }
}

/// Sends a commit until it is accepted, refused for good, out of time, or dropped by its caller.
async fn commit_sync(shared: &GroupShared, mut commit: QueuedCommit) {
    let end = commit.repeated_until.unwrap_or_else(Instant::now);
    let attempts = async {
        loop {
            match send(shared, &commit.generation, &commit.offsets).await {
                Ok(()) => return Ok(()),
                Err(SentCommit::Final(error)) => return Err(error),
                Err(SentCommit::Again(_)) => {
                    sleep(shared.connection.consumers().options().retry_backoff).await
                }
            }
        }
    };
    let outcome = tokio::select! {
        outcome = timeout_at(end, attempts) => outcome,
        // Without its caller, a commit that was not accepted is given up.
        () = commit.reply.closed() => return,
    };
    let outcome = outcome.unwrap_or_else(|_| {
        let limit = shared.connection.consumers().options().api_timeout.as_millis();
        Err(ClientError::Timeout(format!(
            "Timeout of {limit}ms expired before successfully committing offsets {}",
            in_java(&commit.offsets)
        )))
    });
    let _ = commit.reply.send(outcome);
}

/// Sends a commit once, together with those behind it that are sent once in the same generation; returns the first one
/// that is not.
async fn commit_async(
    shared: &GroupShared,
    first: QueuedCommit,
    commits: &mut mpsc::Receiver<QueuedCommit>,
) -> Option<QueuedCommit> {
    let QueuedCommit { mut offsets, generation, reply, .. } = first;
    let mut replies = vec![reply];
    let mut next = None;
    while let Ok(commit) = commits.try_recv() {
        if commit.repeated_until.is_some() || commit.generation != generation {
            next = Some(commit);
            break;
        }
        offsets.extend(commit.offsets);
        replies.push(commit.reply);
    }
    let end = Instant::now() + shared.connection.consumers().options().api_timeout;
    let outcome = match timeout_at(end, send(shared, &generation, &offsets)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(SentCommit::Final(error))) => Err(error),
        Ok(Err(SentCommit::Again(cause))) => Err(GroupError::RetriableCommitFailed { cause }.into()),
        Err(_) => Err(GroupError::RetriableCommitFailed { cause: None }.into()),
    };
    for reply in replies {
        let _ = reply.send(outcome.clone());
    }
    next
}

/// Why a commit was not accepted.
enum SentCommit {
    /// It may be accepted later. The coordinator's error; None where it did not answer.
    Again(Option<ErrorCode>),
    Final(ClientError),
}

async fn send(
    shared: &GroupShared,
    generation: &MemberGeneration,
    offsets: &CommittedOffsets,
) -> Result<(), SentCommit> {
    if offsets.is_empty() {
        return Ok(());
    }
    let request = commit_request(&shared.settings, generation, offsets);
    let limit = shared.connection.consumers().options().request_timeout;
    let answer = shared.connection.call(&request, limit).await.map_err(|error| {
        if error.is_retriable() { SentCommit::Again(error.code()) } else { SentCommit::Final(error) }
    })?;
    check_commit(&shared.settings.group_id, &answer).map_err(|refused| match refused {
        RefusedOffsets::Retry(error) => SentCommit::Again(error.code()),
        RefusedOffsets::FindCoordinator(error) => {
            shared.connection.forget();
            SentCommit::Again(error.code())
        }
        RefusedOffsets::AskMember(error) => {
            SentCommit::Final(shared.change(|member, now| member.commit_refused(now, generation, error)))
        }
        RefusedOffsets::Fail(error) => SentCommit::Final(error),
    })
}

/// Offsets as Java prints a map of them.
fn in_java(offsets: &CommittedOffsets) -> String {
    let entries = offsets.iter().map(|(id, committed)| {
        let epoch = committed.leader_epoch.map_or_else(|| "null".to_owned(), |epoch| epoch.to_string());
        let (offset, metadata) = (committed.offset, &committed.metadata);
        format!("{id}=OffsetAndMetadata{{offset={offset}, leaderEpoch={epoch}, metadata='{metadata}'}}")
    });
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}
