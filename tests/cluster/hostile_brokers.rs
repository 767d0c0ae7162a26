//! Clients of brokers that break the protocol: every call ends in an error within its time, and memory stays bounded.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use barnabas::base::TopicPartition;
use barnabas::client::metadata::{CoordinatorKind, Target};
use barnabas::client::{ClientError, Cluster, ClusterOptions, ConnectionError};
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::message::find_coordinator::FindCoordinatorResponse;
use barnabas::wire::message::heartbeat::HeartbeatRequest;
use barnabas::wire::message::list_groups::ListGroupsRequest;
use barnabas::wire::message::metadata::*;

use crate::support::hostile_broker::{HostileBroker, HostileReply, HostileRequest};

/// Far more than any call may take here.
const HANG: Duration = Duration::from_secs(30);

fn options(servers: &str) -> ClusterOptions {
    ClusterOptions {
        request_timeout: Duration::from_millis(100),
        api_timeout: Duration::from_millis(400),
        retry_backoff: Duration::from_millis(5),
        reconnect_backoff: Duration::from_millis(5),
        reconnect_backoff_max: Duration::from_millis(20),
        ..ClusterOptions::new(servers, "test")
    }
}

/// A client of a server that treats this API in its own way, and all others as a right broker does.
async fn client(
    api: ApiKey,
    decide: impl Fn(&HostileRequest) -> HostileReply + Send + Sync + 'static,
) -> (Cluster, HostileBroker) {
    let broker = HostileBroker::start(move |request| {
        if request.header.api_key == api { decide(request) } else { HostileReply::Bytes(request.right()) }
    });
    let broker = broker.await;
    (Cluster::new(options(&broker.address)).await.unwrap(), broker)
}

/// The outcome of a call, which must come.
async fn ended<T>(call: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    tokio::time::timeout(HANG, call).await.expect("the call ends")
}

async fn list_groups(cluster: &Cluster) -> Result<(), ClientError> {
    ended(cluster.call(&Target::Any, &ListGroupsRequest::default())).await.map(drop)
}

fn is_io(outcome: &Result<(), ClientError>) -> bool {
    matches!(outcome, Err(ClientError::Connection(ConnectionError::Io(_))))
}

#[tokio::test]
async fn a_server_that_answers_wrongly_is_an_error_of_the_call_and_not_of_the_next() {
    type Wrong = fn(Vec<u8>) -> HostileReply;
    let wrong: [(&str, Wrong); 7] = [
        ("half an answer, then the end", |right| {
            HostileReply::BytesAndEnd(right[..right.len() / 2].to_vec())
        }),
        ("the end at once", |_| HostileReply::BytesAndEnd(Vec::new())),
        ("another correlation id", |mut right| {
            right[7] ^= 0x55;
            HostileReply::Bytes(right)
        }),
        ("a negative length", |_| HostileReply::Bytes((-1i32).to_be_bytes().to_vec())),
        ("a length without bound", |_| HostileReply::Bytes(i32::MAX.to_be_bytes().to_vec())),
        ("a frame too short for an id", |_| HostileReply::Bytes(vec![0, 0, 0, 2, 9, 9])),
        ("no frame", |_| HostileReply::Bytes(vec![0; 3])),
    ];
    for (what, wrong) in wrong {
        let count = AtomicUsize::new(0);
        let decide = move |request: &HostileRequest| match count.fetch_add(1, Ordering::SeqCst) {
            0 => wrong(request.right()),
            _ => HostileReply::Bytes(request.right()),
        };
        let (cluster, broker) = client(ApiKey::ListGroups, decide).await;
        let first = list_groups(&cluster).await;
        assert!(first.as_ref().is_err_and(ClientError::is_retriable), "{what}: {first:?}");
        list_groups(&cluster).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(broker.connections(), 2, "{what}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_malformed_and_one_too_many_ends_the_connection() {
    let garbled = |request: &HostileRequest| {
        let mut answer = request.right();
        let length = answer.len();
        // The last field of the answer is the count of its groups.
        answer[length - 2] = 0x7f;
        HostileReply::Bytes(answer)
    };
    let (cluster, _broker) = client(ApiKey::ListGroups, garbled).await;
    let error = list_groups(&cluster).await.unwrap_err();
    assert!(matches!(error, ClientError::Connection(ConnectionError::Malformed(_))), "{error:?}");
    assert!(!error.is_retriable());

    let twice = |request: &HostileRequest| HostileReply::Bytes(request.right().repeat(2));
    let (cluster, broker) = client(ApiKey::ListGroups, twice).await;
    for _ in 0..3 {
        // The answer is right; the one behind it ends the connection, before or during the next call.
        let outcome = list_groups(&cluster).await;
        assert!(outcome.is_ok() || is_io(&outcome), "{outcome:?}");
    }
    assert!(broker.connections() >= 2);
}

#[tokio::test]
async fn a_server_that_never_answers_takes_the_time_of_a_call_and_holds_up_no_other() {
    let silent = HostileBroker::start(|request| match request.header.api_key {
        ApiKey::ListGroups => HostileReply::Silence,
        _ => HostileReply::Bytes(request.right()),
    });
    let silent = silent.await;
    let cluster = Cluster::new(options(&silent.address)).await.unwrap();
    let error = ended(cluster.call_until(&Target::Any, &ListGroupsRequest::default(), |_| Ok(()))).await;
    assert!(matches!(error, Err(ClientError::CallTimedOut { api: ApiKey::ListGroups, .. })), "{error:?}");

    // Not even its versions: another server is found.
    let mute = HostileBroker::start(|_| HostileReply::Silence).await;
    let right = HostileBroker::start(|request| HostileReply::Bytes(request.right())).await;
    let servers = format!("{},{}", mute.address, right.address);
    let cluster = Cluster::new(options(&servers)).await.unwrap();
    list_groups(&cluster).await.unwrap();

    // A call to the silent broker is under way while others are answered.
    let held =
        Cluster::new(ClusterOptions { request_timeout: HANG, ..options(&silent.address) }).await.unwrap();
    held.metadata(None, false).await.unwrap();
    let waiting = {
        let held = held.clone();
        tokio::spawn(async move { list_groups(&held).await })
    };
    ended(held.call(&Target::Coordinator(CoordinatorKind::Group, "g".into()), &HeartbeatRequest::default()))
        .await
        .unwrap();
    waiting.abort();
}

#[tokio::test]
async fn versions_that_no_client_can_use_are_an_error_that_names_the_api() {
    let (cluster, _broker) = client(ApiKey::ApiVersions, |request| {
        HostileReply::Bytes(request.versions(|api| match api {
            ApiKey::ListGroups => 100..=i16::MAX,
            ApiKey::Heartbeat => i16::MIN..=-5,
            api => 0..=*api.versions().end(),
        }))
    })
    .await;
    assert!(matches!(list_groups(&cluster).await, Err(ClientError::Unsupported(ApiKey::ListGroups))));
    let heartbeat = ended(cluster.call(&Target::Any, &HeartbeatRequest::default())).await;
    assert!(matches!(heartbeat, Err(ClientError::Unsupported(ApiKey::Heartbeat))));

    // An answer that cannot be read in any version.
    let (cluster, _broker) = client(ApiKey::ApiVersions, |request| {
        let mut answer = request.right();
        answer[9..].fill(0xff);
        HostileReply::Bytes(answer)
    })
    .await;
    assert!(list_groups(&cluster).await.is_err());
}

/// What 0.10.0 has of the APIs that are called here.
fn of_0_10(api: ApiKey) -> std::ops::RangeInclusive<i16> {
    match api {
        ApiKey::Metadata => 0..=1,
        ApiKey::Produce | ApiKey::Fetch => 0..=2,
        _ => 0..=0,
    }
}

#[tokio::test]
async fn a_broker_of_0_10_is_spoken_to_in_its_versions_and_lacks_what_came_later() {
    let old = |request: &HostileRequest| {
        // It answers a version of ApiVersions that it does not know in the layout of version 0, with an error.
        let mut request = request.clone();
        let known = std::mem::replace(&mut request.header.api_version, 0) == 0;
        let mut answer = request.versions(of_0_10);
        if !known {
            answer[8..10].copy_from_slice(&35i16.to_be_bytes());
        }
        HostileReply::Bytes(answer)
    };
    let (cluster, broker) = client(ApiKey::ApiVersions, old).await;
    cluster.metadata(None, false).await.unwrap();
    assert_eq!(cluster.leader(&TopicPartition::new("t", 0)).await.unwrap().broker, 1);
    assert_eq!(cluster.usable_versions(&Target::Any, ApiKey::Produce).await.unwrap(), 0..=2);
    let group = Target::Coordinator(CoordinatorKind::Group, "g".into());
    cluster.call(&group, &HeartbeatRequest::default()).await.unwrap();
    let transaction = Target::Coordinator(CoordinatorKind::Transaction, "x".into());
    let error = ended(cluster.call(&transaction, &HeartbeatRequest::default())).await.unwrap_err();
    assert_eq!(error.to_string(), "Attempted to write a non-default keyType at version 0");
    assert_eq!(broker.connections(), 2, "one of them for the group's coordinator");

    // It creates every topic that it is asked for, unless the client must not let that happen.
    cluster.metadata(Some(&["t".to_owned()]), false).await.unwrap();
    let options = ClusterOptions { allow_auto_create_topics: false, ..options(&broker.address) };
    let cluster = Cluster::new(options).await.unwrap();
    let error = ended(cluster.metadata(Some(&["t".to_owned()]), false)).await.unwrap_err();
    assert_eq!(error.to_string(), "Attempted to write a non-default allowAutoTopicCreation at version 1");
}

#[tokio::test]
async fn metadata_full_of_nonsense_leaves_a_client_that_works() {
    let nonsense = |request: &HostileRequest| {
        let broker = |node_id, port| MetadataResponseBroker { node_id, port, ..Default::default() };
        let partition = |partition_index, leader_id, leader_epoch| MetadataResponsePartition {
            partition_index,
            leader_id,
            leader_epoch,
            ..Default::default()
        };
        let wild = [i32::MIN, -1, 0, 1, i32::MAX];
        let partitions = wild.iter().flat_map(|at| wild.map(|leader| partition(*at, leader, *at))).collect();
        let topic = |name: &str, partitions| MetadataResponseTopic {
            name: name.to_owned(),
            partitions,
            ..Default::default()
        };
        HostileReply::Bytes(request.metadata(MetadataResponse {
            brokers: vec![broker(-7, 0), broker(7, -1), broker(7, 70_000), broker(i32::MAX, 1)],
            controller_id: i32::MAX,
            topics: vec![topic("t", partitions), topic("", Vec::new()), topic("never asked for", Vec::new())],
            ..Default::default()
        }))
    };
    let (cluster, _broker) = client(ApiKey::Metadata, nonsense).await;
    for partition in [i32::MIN, -1, 0, 1, i32::MAX] {
        let partition = TopicPartition::new("t", partition);
        if let Ok(leader) = ended(cluster.leader(&partition)).await {
            let target = Target::Broker(leader.broker);
            assert!(ended(cluster.call(&target, &ListGroupsRequest::default())).await.is_err());
        }
    }
    assert!(ended(cluster.leader(&TopicPartition::new("u", 0))).await.is_err());
    assert!(ended(cluster.call(&Target::Controller, &ListGroupsRequest::default())).await.is_err());
    assert_eq!(cluster.snapshot().partitions_of("t").map(<[_]>::len), Some(5));
    list_groups(&cluster).await.unwrap();
}

#[tokio::test]
async fn a_coordinator_that_cannot_be_is_an_error() {
    let group = Target::Coordinator(CoordinatorKind::Group, "g".into());
    for (node_id, port) in [(1, -1), (1, 70_000), (-1, 1), (i32::MAX, 0)] {
        let (cluster, _broker) = client(ApiKey::FindCoordinator, move |request| {
            let host = "127.0.0.1".to_owned();
            let answer = FindCoordinatorResponse { node_id, host, port, ..Default::default() };
            HostileReply::Bytes(request.write(&answer))
        })
        .await;
        let outcome = ended(cluster.call(&group, &HeartbeatRequest::default())).await;
        assert!(outcome.is_err(), "{node_id} at {port}");
    }
}
