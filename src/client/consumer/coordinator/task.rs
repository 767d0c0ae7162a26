//! The task that keeps a consumer in its group: it carries out what the machine ([`super::membership`]) decides.
//!
//! It joins and sends heartbeats while the application works, and ends when the consumer is closed or dropped. No
//! request holds up another one. Kafka: `AbstractCoordinator.HeartbeatThread`, and what `ConsumerCoordinator.poll` does
//! in the application's thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep_until;

use super::GroupShared;
use super::assignment::{LeaderAssignment, MadeAssignment};
use super::error::GroupError;
use super::membership::{MembershipAction, MembershipAnswer};
use crate::client::error::ClientError;

/// How much longer than the rebalance may take JoinGroup is waited for.
const JOIN_GROUP_TIMEOUT_LAPSE: Duration = Duration::from_secs(5);

type Answering = BoxFuture<'static, Option<MembershipAnswer>>;

/// Runs until the consumer is closed or dropped.
pub(super) async fn run(shared: Arc<GroupShared>) {
    let mut answering: FuturesUnordered<Answering> = FuturesUnordered::new();
    loop {
        let (actions, deadline) = shared.next_actions();
        answering.extend(actions.into_iter().map(|action| carry_out(&shared, action)));
        let until = deadline.map(|at| shared.instant(at));
        tokio::select! {
            Some(answer) = answering.next() => {
                if let Some(answer) = answer {
                    shared.change(|member, now| member.answered(now, answer));
                    shared.left.notify_one();
                }
            }
            () = shared.work.notified() => {}
            () = async { sleep_until(until.unwrap_or_else(tokio::time::Instant::now)).await }, if until.is_some() => {}
            () = shared.closed.cancelled() => return,
        }
    }
}

fn carry_out(shared: &Arc<GroupShared>, action: MembershipAction) -> Answering {
    let shared = shared.clone();
    let request_timeout = shared.connection.consumers().options().request_timeout;
    match action {
        MembershipAction::FindCoordinator => {
            Box::pin(async move { Some(MembershipAnswer::Coordinator(shared.connection.ready().await)) })
        }
        MembershipAction::ForgetCoordinator => {
            shared.connection.forget();
            Box::pin(async { None })
        }
        MembershipAction::Join(attempt, request) => Box::pin(async move {
            let limit = request_timeout.max(shared.settings.max_poll_interval + JOIN_GROUP_TIMEOUT_LAPSE);
            Some(MembershipAnswer::Joined(attempt, shared.connection.call(&request, limit).await))
        }),
        MembershipAction::Assign(attempt, assignment) => {
            Box::pin(
                async move { Some(MembershipAnswer::Assigned(attempt, assign(&shared, assignment).await)) },
            )
        }
        MembershipAction::Sync(attempt, request) => Box::pin(async move {
            let limit = request_timeout.max(shared.settings.max_poll_interval + JOIN_GROUP_TIMEOUT_LAPSE);
            Some(MembershipAnswer::Synced(attempt, shared.connection.call(&request, limit).await))
        }),
        MembershipAction::Heartbeat(sent, request) => Box::pin(async move {
            let limit = request_timeout.min(shared.settings.session_timeout);
            let answer = shared.connection.call(&request, limit).await;
            Some(MembershipAnswer::Heartbeat(sent, answer.map(|answer| answer.error_code)))
        }),
        MembershipAction::Leave(member_id) => Box::pin(async move {
            // Without an answer, the member is removed when its session is over.
            let _ = shared.connection.leave(&shared.settings.group_id, &member_id).await;
            Some(MembershipAnswer::Left)
        }),
    }
}

/// What the leader assigns, by the metadata of now. The assignor may work for long, so it has a thread that may block.
async fn assign(shared: &GroupShared, assignment: LeaderAssignment) -> Result<MadeAssignment, ClientError> {
    let topics: Vec<String> = assignment.topics().iter().map(ToString::to_string).collect();
    let consumers = shared.connection.consumers();
    let answer = consumers.metadata(Some(&topics), shared.settings.allow_auto_create_topics).await?;
    let counts: BTreeMap<Arc<str>, i32> = answer
        .topics
        .iter()
        .map(|topic| (topic.name.as_str().into(), i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)))
        .collect();
    let made = tokio::task::spawn_blocking(move || assignment.perform(counts)).await;
    made.unwrap_or(Err(GroupError::AssignorFailed)).map_err(ClientError::Group)
}
