//! A client of a broker whose answers are damaged: the decoders and what the client does with what they yield, over a
//! real socket. Every call ends within its time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::metadata::{CoordinatorKind, FollowedTopics, Target};
use barnabas::client::{Cluster, ClusterOptions};
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::list_groups::ListGroupsRequest;
use fastrand::Rng;

use super::{Run, damaged};
use crate::support::hostile_broker::{HostileBroker, HostileReply, HostileRequest};

/// Far more than the calls of one input may take.
const HANG: Duration = Duration::from_secs(20);

/// A right answer, mostly damaged behind its length and correlation id; seldom these, too.
fn reply(request: &HostileRequest, rng: &mut Rng) -> HostileReply {
    let right = request.right();
    match rng.u8(..16) {
        0..5 => HostileReply::Bytes(right),
        5 => HostileReply::Bytes(damaged(&right, rng)),
        6 => HostileReply::BytesAndEnd(right[..rng.usize(..right.len())].to_vec()),
        7 => HostileReply::Bytes([right.clone(), damaged(&right, rng)].concat()),
        8 if rng.u8(..8) == 0 => HostileReply::Silence,
        _ => {
            let body = [&right[4..8], &damaged(&right[8..], rng)].concat();
            let length = u32::try_from(body.len()).unwrap();
            HostileReply::Bytes([&length.to_be_bytes()[..], &body].concat())
        }
    }
}

fn options(servers: &str) -> ClusterOptions {
    ClusterOptions {
        request_timeout: Duration::from_millis(15),
        api_timeout: Duration::from_millis(30),
        retry_backoff: Duration::from_millis(1),
        reconnect_backoff: Duration::from_millis(1),
        reconnect_backoff_max: Duration::from_millis(2),
        connection_setup_timeout: Duration::from_millis(15),
        ..ClusterOptions::new(servers, "fuzz")
    }
}

/// What a client does with a broker. Whether a call succeeds does not matter.
async fn use_client(servers: &str) {
    let cluster = Cluster::new(options(servers)).await.unwrap();
    let (topic, group) =
        (TopicPartition::new("t", 0), Target::Coordinator(CoordinatorKind::Group, "g".into()));
    cluster.follow(FollowedTopics::All);
    let _ = cluster.metadata(None, false).await;
    let _ = cluster.leader(&topic).await;
    let _ = cluster.call(&Target::Leader(topic), &ListGroupsRequest::default()).await;
    let _ = cluster.call(&group, &HeartbeatRequest::default()).await;
    let _ = cluster.leaders_of("t");
}

/// A broker and what uses it, of one thread.
fn begin() -> impl Fn(&[u8], &mut Rng) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rng = Arc::new(Mutex::new(Rng::new()));
    let shared = rng.clone();
    let decide = move |request: &HostileRequest| reply(request, &mut shared.lock().unwrap());
    let broker = runtime.block_on(HostileBroker::start(decide));
    move |input, _| {
        *rng.lock().unwrap() = Rng::with_seed(u64::from_be_bytes(input.try_into().unwrap()));
        runtime.block_on(async {
            tokio::time::timeout(HANG, use_client(&broker.address)).await.expect("every call ends");
        });
    }
}

#[test]
fn answers_to_a_client() {
    let run = Run::asked_for();
    let make = |rng: &mut Rng| rng.u64(..).to_be_bytes().to_vec();
    run.each_in_parallel("answers", run.share(1, 100), make, begin);
}
