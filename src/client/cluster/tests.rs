use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::*;
use crate::base::{BrokerId, Records, TopicPartition};
use crate::client::events::{ClientEvent, EventSink, ServerName};
use crate::client::metadata::{FollowedTopics, PartitionLeader};
use crate::wire::codec::Reader;
use crate::wire::error_code::ErrorCode;
use crate::wire::frame;
use crate::wire::header::RequestHeader;
use crate::wire::message::Message;
use crate::wire::message::api_versions::{ApiVersionsResponse, ApiVersionsResponseKey};
use crate::wire::message::find_coordinator::FindCoordinatorResponse;
use crate::wire::message::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use crate::wire::message::list_groups::{ListGroupsRequest, ListGroupsResponse};
use crate::wire::message::metadata::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};

/// A broker on a socket, which answers the requests that a client needs to find its targets.
struct FakeBroker {
    address: ServerAddress,
    seen: Arc<Seen>,
    task: tokio::task::JoinHandle<()>,
}

/// What a broker has received, and how it answers.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<HashMap<ApiKey, usize>>,
    /// Brokers that metadata names, by id.
    brokers: Mutex<Vec<(BrokerId, ServerAddress)>>,
    /// Topics that metadata names.
    topics: Mutex<Vec<MetadataResponseTopic>>,
    /// The coordinator of groups.
    coordinator: Mutex<Option<(BrokerId, ServerAddress)>>,
    /// ListGroups is answered only while this is set.
    answers: std::sync::atomic::AtomicBool,
    /// A request has come.
    came: Notify,
}

impl Seen {
    fn count(&self, api: ApiKey) -> usize {
        self.requests.lock().get(&api).copied().unwrap_or(0)
    }

    async fn wait_for(&self, api: ApiKey, count: usize) {
        loop {
            let came = self.came.notified();
            if self.count(api) >= count {
                return;
            }
            came.await;
        }
    }

    fn answer(&self, header: &RequestHeader) -> Option<Vec<Records>> {
        match header.api_key {
            ApiKey::ApiVersions => {
                let apis =
                    [ApiKey::ApiVersions, ApiKey::Metadata, ApiKey::FindCoordinator, ApiKey::ListGroups];
                let keys = apis.into_iter().chain([ApiKey::Heartbeat]).map(|api| ApiVersionsResponseKey {
                    api_key: api.code(),
                    min_version: 0,
                    max_version: *api.versions().end(),
                });
                write(header, &ApiVersionsResponse { api_keys: keys.collect(), ..Default::default() })
            }
            ApiKey::Metadata => {
                let brokers = self.brokers.lock().clone().into_iter().map(|(node_id, address)| {
                    let (host, port) = (address.host, i32::from(address.port));
                    MetadataResponseBroker { node_id, host, port, ..Default::default() }
                });
                let (brokers, topics) = (brokers.collect(), self.topics.lock().clone());
                write(header, &MetadataResponse { brokers, topics, controller_id: -1, ..Default::default() })
            }
            ApiKey::FindCoordinator => {
                let (node_id, address) = self.coordinator.lock().clone().unwrap();
                let (host, port) = (address.host, i32::from(address.port));
                write(header, &FindCoordinatorResponse { node_id, host, port, ..Default::default() })
            }
            ApiKey::Heartbeat => write(header, &HeartbeatResponse::default()),
            ApiKey::ListGroups if !self.answers.load(Ordering::SeqCst) => None,
            ApiKey::ListGroups => write(header, &ListGroupsResponse::default()),
            other => panic!("{other} was not expected"),
        }
    }
}

fn write<M: Message>(to: &RequestHeader, response: &M) -> Option<Vec<Records>> {
    // ApiVersions is answered in its oldest layout where the version is not known; here all are.
    frame::response(to, response).ok()
}

impl FakeBroker {
    async fn start() -> Self {
        // Below the ports that outgoing connections get, so that the port can be bound again.
        let listener = loop {
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", fastrand::u16(20_000..30_000))).await {
                break listener;
            }
        };
        let address =
            ServerAddress { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let seen = Arc::new(Seen::default());
        let serving = seen.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(serve(stream, serving.clone()));
            }
        });
        Self { address, seen, task }
    }

    /// Closes its listener and its connections.
    async fn stop(self) -> ServerAddress {
        self.task.abort();
        let _ = self.task.await;
        self.address
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Seen>) {
    while let Ok(length) = stream.read_u32().await {
        let mut bytes = vec![0; length as usize];
        stream.read_exact(&mut bytes).await.unwrap();
        let header = RequestHeader::decode(&mut Reader::new(Bytes::from(bytes))).unwrap();
        *seen.requests.lock().entry(header.api_key).or_default() += 1;
        for piece in seen.answer(&header).unwrap_or_default() {
            stream.write_all(&piece.read().unwrap()).await.unwrap();
        }
        seen.came.notify_waiters();
    }
}

fn options(servers: &[&ServerAddress]) -> ClusterOptions {
    let list: Vec<_> = servers.iter().map(ToString::to_string).collect();
    ClusterOptions { retry_backoff: Duration::from_millis(1), ..ClusterOptions::new(&list.join(","), "test") }
}

async fn cluster(servers: &[&ServerAddress]) -> Cluster {
    Cluster::new(options(servers)).await.unwrap()
}

#[tokio::test]
async fn group_requests_go_to_the_coordinator_until_it_is_forgotten() {
    let (any, one, other) = (FakeBroker::start().await, FakeBroker::start().await, FakeBroker::start().await);
    let cluster = cluster(&[&any.address]).await;
    let group = Target::Coordinator(CoordinatorKind::Group, "g".into());
    *any.seen.coordinator.lock() = Some((1, one.address.clone()));
    for _ in 0..2 {
        cluster.call(&group, &HeartbeatRequest::default()).await.unwrap();
    }
    assert_eq!((any.seen.count(ApiKey::FindCoordinator), one.seen.count(ApiKey::Heartbeat)), (1, 2));
    *any.seen.coordinator.lock() = Some((2, other.address.clone()));
    // Any open connection will do, so both may be asked.
    *one.seen.coordinator.lock() = Some((2, other.address.clone()));
    cluster.forget(&group);
    cluster.call(&group, &HeartbeatRequest::default()).await.unwrap();
    assert_eq!((one.seen.count(ApiKey::Heartbeat), other.seen.count(ApiKey::Heartbeat)), (2, 1));
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_connection_in_order() {
    let broker = FakeBroker::start().await;
    let cluster = cluster(&[&broker.address]).await;
    let request = ListGroupsRequest::default();
    {
        let dropped = cluster.call(&Target::Any, &request);
        let came = broker.seen.wait_for(ApiKey::ListGroups, 1);
        tokio::select! {
            _ = dropped => panic!("it is not answered"),
            () = came => {}
        }
    }
    broker.seen.answers.store(true, Ordering::SeqCst);
    cluster.call(&Target::Any, &request).await.unwrap();
    assert_eq!(broker.seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_more_requests_are_in_flight_to_a_broker_than_may_be() {
    let broker = FakeBroker::start().await;
    let cluster = Cluster::new(ClusterOptions {
        max_in_flight: 2,
        request_timeout: Duration::from_millis(300),
        ..options(&[&broker.address])
    });
    let cluster = cluster.await.unwrap();
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let cluster = cluster.clone();
            tokio::spawn(async move { cluster.call(&Target::Any, &ListGroupsRequest::default()).await })
        })
        .collect();
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Connection(_)), "{error}");
    }
    assert_eq!(broker.seen.count(ApiKey::ListGroups), 2, "the third was never sent");
}

#[tokio::test]
async fn a_request_that_is_not_answered_in_time_closes_its_connection() {
    let broker = FakeBroker::start().await;
    let cluster = cluster(&[&broker.address]).await;
    let request = ListGroupsRequest::default();
    let late = cluster.call_within(&Target::Any, &request, Duration::from_millis(50)).await;
    assert!(late.unwrap_err().is_retriable());
    broker.seen.answers.store(true, Ordering::SeqCst);
    cluster.call(&Target::Any, &request).await.unwrap();
    assert_eq!(broker.seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_client_whose_known_brokers_are_gone_begins_at_its_bootstrap_again() {
    let (bootstrap, known) = (FakeBroker::start().await, FakeBroker::start().await);
    let unreachable = Arc::new(Mutex::new(Vec::new()));
    let noted = unreachable.clone();
    let events = EventSink::new(move |event| {
        if let ClientEvent::Unreachable { server, .. } = event {
            noted.lock().push(*server);
        }
    });
    let cluster = Cluster::new(ClusterOptions { events, ..options(&[&bootstrap.address]) }).await.unwrap();
    *bootstrap.seen.brokers.lock() = vec![(7, known.address.clone())];
    cluster.metadata(Some(&[]), false).await.unwrap();
    let gone = bootstrap.stop().await;
    known.seen.answers.store(true, Ordering::SeqCst);
    cluster.call_until(&Target::Any, &ListGroupsRequest::default(), |_| Ok(())).await.unwrap();
    assert_eq!(known.seen.count(ApiKey::ListGroups), 1, "the known broker is tried first");

    // The bootstrap server is there again, and is the only server.
    known.stop().await;
    let again = TcpListener::bind((gone.host.as_str(), gone.port)).await.unwrap();
    let seen = Arc::new(Seen::default());
    seen.answers.store(true, Ordering::SeqCst);
    let serving = seen.clone();
    let server = tokio::spawn(async move { serve(again.accept().await.unwrap().0, serving).await });
    cluster.call_until(&Target::Any, &ListGroupsRequest::default(), |_| Ok(())).await.unwrap();
    assert_eq!(seen.count(ApiKey::ListGroups), 1);
    assert_eq!(*unreachable.lock(), [ServerName::Broker(7)]);
    server.abort();
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_tried_less_and_less_often() {
    let broker = FakeBroker::start().await;
    let address = broker.stop().await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let cluster = Cluster::new(ClusterOptions {
        events: EventSink::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        }),
        reconnect_backoff: Duration::from_millis(50),
        reconnect_backoff_max: Duration::from_millis(200),
        api_timeout: Duration::from_millis(500),
        ..options(&[&address])
    });
    let cluster = cluster.await.unwrap();
    let late = cluster.call_until(&Target::Any, &ListGroupsRequest::default(), |_| Ok(())).await.unwrap_err();
    assert!(matches!(late, ClientError::CallTimedOut { api: ApiKey::ListGroups, .. }), "{late:?}");
    // At once, then after 50, 100, 200 and 200 ms at most, each shortened by up to a fifth.
    let tries = tries.load(Ordering::SeqCst);
    assert!((1..=7).contains(&tries), "{tries}");
}

/// A topic with partitions that these brokers lead, in this leader epoch.
fn topic(name: &str, leader_epoch: i32, leaders: &[BrokerId]) -> MetadataResponseTopic {
    let partition = |(partition_index, leader_id): (i32, &BrokerId)| MetadataResponsePartition {
        partition_index,
        leader_id: *leader_id,
        leader_epoch,
        ..Default::default()
    };
    let partitions = (0..).zip(leaders).map(partition).collect();
    MetadataResponseTopic { name: name.to_owned(), partitions, ..Default::default() }
}

#[tokio::test]
async fn a_change_of_followed_topics_reaches_all_that_watch() {
    let broker = FakeBroker::start().await;
    *broker.seen.brokers.lock() = vec![(1, broker.address.clone())];
    *broker.seen.topics.lock() = vec![topic("t", 1, &[1])];
    let cluster = cluster(&[&broker.address]).await;
    let mut snapshots = cluster.snapshots();
    cluster.follow(FollowedTopics::Only(["t".into()].into()));
    snapshots.changed().await.unwrap();
    assert_eq!(snapshots.borrow_and_update().partitions_of("t").unwrap().len(), 1);

    *broker.seen.topics.lock() = vec![topic("t", 2, &[1, 1])];
    let newer = cluster.updated().await.unwrap();
    assert_eq!(newer.partitions_of("t").unwrap().len(), 2);
    snapshots.changed().await.unwrap();

    // An answer of another broker names a newer leader epoch: metadata is asked for until it has it.
    let partition = TopicPartition::new("t", 0);
    assert_eq!(cluster.known_leader(&partition), Some(PartitionLeader { broker: 1, epoch: 2 }));
    *broker.seen.topics.lock() = vec![topic("t", 3, &[7, 7])];
    cluster.note_leader_epoch(&partition, 3);
    assert_eq!(cluster.known_leader(&partition), None);
    snapshots
        .wait_for(|snapshot| snapshot.partition("t", 0).is_some_and(|it| it.leader == Some(7)))
        .await
        .unwrap();

    let mut gone = topic("t", 0, &[]);
    gone.error_code = ErrorCode::UnknownTopicOrPartition.code();
    *broker.seen.topics.lock() = vec![gone];
    cluster.request_update();
    snapshots.wait_for(|snapshot| snapshot.topics.is_empty()).await.unwrap();
    assert!(cluster.metrics().metadata_updates >= 4);
}

#[tokio::test]
async fn topics_that_are_looked_up_together_are_one_request() {
    let broker = FakeBroker::start().await;
    *broker.seen.topics.lock() = (0..20).map(|at| topic(&format!("t{at}"), 0, &[at])).collect();
    let cluster = cluster(&[&broker.address]).await;
    let partitions: Vec<_> = (0..20).map(|at| TopicPartition::new(format!("t{at}"), 0)).collect();
    let leaders = cluster.leaders(&partitions).await;
    for (at, leader) in (0..).zip(leaders) {
        assert_eq!(leader.unwrap(), PartitionLeader { broker: at, epoch: 0 });
    }
    assert_eq!(broker.seen.count(ApiKey::Metadata), 1);
    assert_eq!(cluster.partitions_for("t3").await.unwrap().partitions().len(), 1);
    let unknown = cluster.leaders(&[TopicPartition::new("u", 0), TopicPartition::new("t1", 9)]).await;
    let errors: Vec<_> = unknown.into_iter().map(|leader| leader.unwrap_err().to_string()).collect();
    let missing = ErrorCode::UnknownTopicOrPartition.message().to_owned();
    assert_eq!(errors, [missing, ClientError::NoLeader.to_string()]);
}

#[tokio::test]
async fn unused_connections_are_closed_and_made_again() {
    let broker = FakeBroker::start().await;
    broker.seen.answers.store(true, Ordering::SeqCst);
    let options =
        ClusterOptions { connections_max_idle: Duration::from_millis(30), ..options(&[&broker.address]) };
    let cluster = Cluster::new(options).await.unwrap();
    let request = ListGroupsRequest::default();
    assert_eq!(cluster.usable_versions(&Target::Any, ApiKey::ListGroups).await.unwrap(), 0..=4);
    while cluster.metrics().connections_expired == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(cluster.metrics().open_connections, 0);
    cluster.ready(&Target::Any).await.unwrap();
    cluster.call(&Target::Any, &request).await.unwrap();
    let counts = cluster.metrics();
    assert!(counts.connections_created >= 2 && counts.requests == 1 && counts.requests_failed == 0);
    assert!(counts.bytes_sent > 0 && counts.bytes_received > 0 && counts.responses >= 3);
}

#[tokio::test]
async fn a_request_to_join_a_group_holds_up_nothing_else() {
    let broker = FakeBroker::start().await;
    *broker.seen.coordinator.lock() = Some((1, broker.address.clone()));
    let options = ClusterOptions { max_in_flight: 1, ..options(&[&broker.address]) };
    let cluster = Cluster::new(options).await.unwrap();
    let group = Target::Coordinator(CoordinatorKind::Group, "g".into());
    // It is not answered, as if the coordinator waited for the other members.
    let joining = {
        let cluster = cluster.clone();
        tokio::spawn(async move { cluster.call(&group, &ListGroupsRequest::default()).await.map(drop) })
    };
    broker.seen.wait_for(ApiKey::ListGroups, 1).await;
    cluster.metadata(None, true).await.unwrap();
    cluster.call(&Target::Any, &HeartbeatRequest::default()).await.unwrap();
    joining.abort();
}
