//! The background task of a client that keeps its metadata up to date: refreshes, and lookups that calls wait for.
//!
//! At most one refresh and one request for lookups are under way. When to ask, and for what, decides
//! [`super::metadata::updates`]. Kafka: `NetworkClient.DefaultMetadataUpdater`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::cluster::Cluster;
use super::error::ClientError;
use super::metadata::FollowedTopics;
use super::metadata::updates::RefreshStep;
use crate::wire::error_code::ErrorCode;

/// Learns that a topic was looked up.
pub(super) type LookupReply = oneshot::Sender<Result<(), ClientError>>;

/// Works for `cluster` until it is `over`.
pub(super) async fn run(cluster: Cluster, over: CancellationToken) {
    let shared = cluster.shared().clone();
    let mut under_way: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
    loop {
        let now = shared.now();
        let (lookups, step) = {
            let mut updates = shared.updates.lock();
            (updates.next_lookups(), updates.refresh(now))
        };
        if let Some(lookups) = lookups {
            under_way.push(Box::pin(look_up(cluster.clone(), lookups)));
        }
        let next = match step {
            RefreshStep::Now(topics) => {
                under_way.push(Box::pin(refresh(cluster.clone(), topics)));
                None
            }
            RefreshStep::At(time) => Some(Duration::from_millis(u64::try_from(time - now).unwrap_or(0))),
            RefreshStep::Wait => None,
        };
        tokio::select! {
            () = over.cancelled() => return,
            Some(()) = under_way.next() => {}
            () = shared.updates_wanted.notified() => {}
            () = sleep(next.unwrap_or_default()), if next.is_some() => {}
        }
    }
}

/// Asks once, of any broker.
async fn refresh(cluster: Cluster, topics: FollowedTopics) {
    let names = match &topics {
        FollowedTopics::All => None,
        FollowedTopics::Only(names) => Some(names.iter().map(|name| name.to_string()).collect::<Vec<_>>()),
    };
    let allow = cluster.options().allow_auto_create_topics;
    let outcome = cluster.metadata_once(names.as_deref(), allow).await;
    let shared = cluster.shared();
    if let Some(znodes) = &shared.znodes {
        znodes.retain(match &topics {
            FollowedTopics::All => None,
            FollowedTopics::Only(names) => Some(names.clone()),
        });
    }
    let now = shared.now();
    let mut updates = shared.updates.lock();
    match outcome {
        Ok(answer) => {
            updates.refreshed(now);
            // A partition that is between two leaders, a topic that is being created: ask again soon.
            let unsettled = answer.topics.iter().any(|topic| {
                let partitions = topic.partitions.iter().map(|partition| partition.error_code);
                partitions
                    .chain([topic.error_code])
                    .any(|code| ErrorCode::from_code(code).is_invalid_metadata())
            });
            // Changes of znodes come by themselves.
            if unsettled && shared.znodes.is_none() {
                updates.request();
            }
        }
        Err(_) => updates.refresh_failed(now),
    }
    let wanted = |topic: &str| updates.wants(topic, now);
    shared.metadata.write().retain_topics(wanted);
}

/// Asks for topics until a broker has answered, and answers those that wait.
async fn look_up(cluster: Cluster, lookups: BTreeMap<Arc<str>, Vec<LookupReply>>) {
    let names: Vec<_> = lookups.keys().map(|name| name.to_string()).collect();
    let allow = cluster.options().allow_auto_create_topics;
    let answer = cluster.metadata(Some(&names), allow).await;
    let codes = answer.map(|answer| {
        let codes = answer.topics.into_iter().map(|topic| (topic.name, topic.error_code));
        codes.collect::<HashMap<_, _>>()
    });
    let found = |name: &str| {
        let code = codes.as_ref().map_err(Clone::clone)?.get(name);
        ClientError::check_topic(*code.unwrap_or(&ErrorCode::UnknownTopicOrPartition.code()), name)
    };
    for (name, waiting) in lookups {
        for reply in waiting {
            let _ = reply.send(found(&name)); // A caller that is gone needs no reply.
        }
    }
    cluster.shared().updates.lock().looked_up();
}
