//! The shell against a coordinator on a socket.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::assignor::{CooperativeStickyAssignor, RangeAssignor};
use super::*;
use crate::client::cluster::ClusterOptions;
use crate::client::offsets::OffsetAndMetadata;
use crate::wire::api_key::ApiKey;
use crate::wire::codec::Reader;
use crate::wire::error_code::ErrorCode;
use crate::wire::frame;
use crate::wire::header::RequestHeader;
use crate::wire::message::Message;
use crate::wire::message::api_versions::{ApiVersionsResponse, ApiVersionsResponseKey};
use crate::wire::message::find_coordinator::FindCoordinatorResponse;
use crate::wire::message::heartbeat::HeartbeatResponse;
use crate::wire::message::join_group::{JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember};
use crate::wire::message::leave_group::LeaveGroupResponse;
use crate::wire::message::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use crate::wire::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use crate::wire::message::offset_fetch::{
    OffsetFetchRequest, OffsetFetchResponse, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use crate::wire::message::sync_group::{SyncGroupRequest, SyncGroupResponse};

/// A broker that coordinates a group of one member, which leads it; the topic `t` has 3 partitions.
#[derive(Default)]
struct OneMemberGroup {
    port: u16,
    generation: i32,
    /// Errors that are answered first, by API.
    errors: HashMap<ApiKey, Vec<ErrorCode>>,
    received: Vec<ApiKey>,
    committed: HashMap<i32, i64>,
    /// How many connections were made to it.
    connections: usize,
}

type Group = Arc<Mutex<OneMemberGroup>>;

async fn start() -> Group {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let group = Arc::new(Mutex::new(OneMemberGroup { port, ..Default::default() }));
    let serving = group.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serving.lock().connections += 1;
            tokio::spawn(serve(stream, serving.clone()));
        }
    });
    group
}

async fn serve(mut stream: TcpStream, group: Group) {
    while let Ok(length) = stream.read_u32().await {
        let mut bytes = vec![0; length as usize];
        stream.read_exact(&mut bytes).await.unwrap();
        let mut input = Reader::new(Bytes::from(bytes));
        let header = RequestHeader::decode(&mut input).unwrap();
        let answer = group.lock().answer(&header, &mut input);
        for piece in answer {
            stream.write_all(&piece.read().unwrap()).await.unwrap();
        }
    }
}

fn read<M: Message>(header: &RequestHeader, input: &mut Reader) -> M {
    M::decode(input, header.api_version).unwrap()
}

impl OneMemberGroup {
    fn answer(&mut self, header: &RequestHeader, input: &mut Reader) -> Vec<crate::base::Records> {
        let api = header.api_key;
        self.received.push(api);
        let errors = self.errors.entry(api).or_default();
        let error_code = if errors.is_empty() { 0 } else { errors.remove(0).code() };
        let (host, port) = ("127.0.0.1".to_owned(), i32::from(self.port));
        match api {
            ApiKey::ApiVersions => {
                let keys = ApiKey::ALL.iter().map(|api| ApiVersionsResponseKey {
                    api_key: api.code(),
                    min_version: 0,
                    max_version: *api.versions().end(),
                });
                let answer = ApiVersionsResponse { api_keys: keys.collect(), ..Default::default() };
                frame::response(header, &answer)
            }
            ApiKey::Metadata => {
                let partition = |partition_index| MetadataResponsePartition {
                    partition_index,
                    leader_id: 1,
                    ..Default::default()
                };
                let topic = MetadataResponseTopic {
                    name: "t".to_owned(),
                    partitions: (0..3).map(partition).collect(),
                    ..Default::default()
                };
                let brokers = vec![MetadataResponseBroker { node_id: 1, host, port, ..Default::default() }];
                let answer =
                    MetadataResponse { brokers, controller_id: 1, topics: vec![topic], ..Default::default() };
                frame::response(header, &answer)
            }
            ApiKey::FindCoordinator => {
                let answer =
                    FindCoordinatorResponse { error_code, node_id: 1, host, port, ..Default::default() };
                frame::response(header, &answer)
            }
            ApiKey::JoinGroup => frame::response(header, &self.join(error_code, read(header, input))),
            ApiKey::SyncGroup => {
                let request: SyncGroupRequest = read(header, input);
                let assignment =
                    request.assignments.into_iter().map(|it| it.assignment).next().unwrap_or_default();
                frame::response(header, &SyncGroupResponse { error_code, assignment, ..Default::default() })
            }
            ApiKey::Heartbeat => {
                frame::response(header, &HeartbeatResponse { error_code, ..Default::default() })
            }
            ApiKey::LeaveGroup => frame::response(header, &LeaveGroupResponse::default()),
            ApiKey::OffsetCommit => frame::response(header, &self.commit(error_code, read(header, input))),
            ApiKey::OffsetFetch => frame::response(header, &self.fetch(error_code, read(header, input))),
            other => panic!("{other} was not expected"),
        }
        .unwrap()
    }

    fn join(&mut self, error_code: i16, request: JoinGroupRequest) -> JoinGroupResponse {
        self.generation += 1;
        let protocol = request.protocols.into_iter().next().unwrap();
        let id = if request.member_id.is_empty() { "m-1".to_owned() } else { request.member_id };
        JoinGroupResponse {
            error_code,
            generation_id: self.generation,
            protocol_name: Some(protocol.name),
            leader: id.clone(),
            member_id: id.clone(),
            members: vec![JoinGroupResponseMember {
                member_id: id,
                group_instance_id: None,
                metadata: protocol.metadata,
            }],
            ..Default::default()
        }
    }

    fn commit(&mut self, error_code: i16, request: OffsetCommitRequest) -> OffsetCommitResponse {
        let mut results = Vec::new();
        for partition in request.topics.into_iter().flat_map(|topic| topic.partitions) {
            if error_code == 0 {
                self.committed.insert(partition.partition_index, partition.committed_offset);
            }
            let partition_index = partition.partition_index;
            results.push(OffsetCommitResponsePartition { partition_index, error_code });
        }
        let topic = OffsetCommitResponseTopic { name: "t".to_owned(), partitions: results };
        OffsetCommitResponse { topics: vec![topic], ..Default::default() }
    }

    fn fetch(&self, error_code: i16, request: OffsetFetchRequest) -> OffsetFetchResponse {
        let indexes = request.topics.into_iter().flatten().flat_map(|topic| topic.partition_indexes);
        let partition = |partition_index| OffsetFetchResponsePartition {
            partition_index,
            committed_offset: self.committed.get(&partition_index).copied().unwrap_or(-1),
            error_code,
            ..Default::default()
        };
        let topic =
            OffsetFetchResponseTopic { name: "t".to_owned(), partitions: indexes.map(partition).collect() };
        OffsetFetchResponse { topics: vec![topic], ..Default::default() }
    }
}

fn ids(partitions: &[i32]) -> BTreeSet<TopicPartition> {
    partitions.iter().map(|at| TopicPartition::new("t", *at)).collect()
}

fn offsets(offset: i64) -> CommittedOffsets {
    [(TopicPartition::new("t", 0), OffsetAndMetadata::new(offset))].into()
}

async fn consumer(group: &Group, assignor: Arc<dyn ConsumerPartitionAssignor>) -> ConsumerCoordinator {
    let bootstrap = format!("127.0.0.1:{}", group.lock().port);
    let options = ClusterOptions {
        retry_backoff: Duration::from_millis(1),
        api_timeout: Duration::from_secs(5),
        ..ClusterOptions::new(&bootstrap, "test")
    };
    let settings = GroupRebalanceConfig {
        heartbeat_interval: Duration::from_millis(20),
        ..GroupRebalanceConfig::new("g")
    };
    let cluster = Cluster::new(options).await.unwrap();
    ConsumerCoordinator::new(cluster, settings, vec![assignor]).unwrap()
}

#[tokio::test]
async fn a_member_joins_commits_rebalances_and_leaves() {
    let group = start().await;
    group.lock().errors = [
        (ApiKey::JoinGroup, vec![ErrorCode::MemberIdRequired, ErrorCode::CoordinatorLoadInProgress]),
        (ApiKey::FindCoordinator, vec![ErrorCode::CoordinatorNotAvailable]),
        (ApiKey::OffsetCommit, vec![ErrorCode::NotCoordinator, ErrorCode::RebalanceInProgress]),
        (ApiKey::OffsetFetch, vec![ErrorCode::UnstableOffsetCommit]),
    ]
    .into();
    let member = consumer(&group, Arc::new(RangeAssignor)).await;
    member.subscribe(["t".into()].into());
    let all = ids(&[0, 1, 2]);
    let assigned = RebalanceEvent::Assign { added: all.clone(), all: all.clone() };
    // Dropped and called again, it is the same event.
    assert!(timeout(Duration::ZERO, member.next_event()).await.is_err());
    assert_eq!(member.next_event().await.unwrap(), assigned);
    assert_eq!(member.next_event().await.unwrap(), assigned);
    member.event_done(all.clone());
    assert_eq!(member.group_metadata().generation_id, 3);

    member.commit(offsets(5)).await.unwrap_err();
    let found = member.committed(&[TopicPartition::new("t", 0)]).await.unwrap();
    assert_eq!(found.into_values().next().unwrap(), None);
    // The coordinator's rebalance makes the member join again: it gives up what it has first.
    assert_eq!(member.next_event().await.unwrap(), RebalanceEvent::Revoke(all.clone()));
    let (first, second) = (member.commit_async(offsets(6)), member.commit_async(offsets(7)));
    member.commit(offsets(8)).await.unwrap();
    first.await.unwrap();
    second.await.unwrap();
    member.event_done(BTreeSet::new());
    assert_eq!(member.next_event().await.unwrap(), assigned);
    member.event_done(all.clone());
    let found = member.committed(&[TopicPartition::new("t", 0)]).await.unwrap();
    assert_eq!(found.into_values().next().unwrap(), Some(OffsetAndMetadata::new(8)));
    assert_eq!(member.parting_event(), Some(RebalanceEvent::Revoke(all)));
    member.leave(Duration::from_secs(5)).await;
    assert_eq!(group.lock().received.last(), Some(&ApiKey::LeaveGroup));
    // One for metadata and records, and one for the coordinator, as Java's consumer has them.
    assert_eq!(group.lock().connections, 2);
}

#[tokio::test]
async fn a_member_that_was_removed_has_lost_its_partitions() {
    let group = start().await;
    let member = consumer(&group, Arc::new(CooperativeStickyAssignor)).await;
    member.subscribe(["t".into()].into());
    let all = ids(&[0, 1, 2]);
    assert!(matches!(member.next_event().await.unwrap(), RebalanceEvent::Assign { .. }));
    member.event_done(all.clone());
    group.lock().errors.insert(ApiKey::Heartbeat, vec![ErrorCode::UnknownMemberId]);
    assert_eq!(member.next_event().await.unwrap(), RebalanceEvent::Lost(all.clone()));
    member.event_done(BTreeSet::new());
    let added = all.clone();
    assert_eq!(member.next_event().await.unwrap(), RebalanceEvent::Assign { added, all });
    member.event_done(ids(&[0, 1, 2]));
    group.lock().errors.insert(ApiKey::Heartbeat, vec![ErrorCode::FencedInstanceId]);
    let fenced = loop {
        match member.next_event().await {
            Ok(RebalanceEvent::Lost(_)) => member.event_done(BTreeSet::new()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(fenced, ClientError::Refused { error: ErrorCode::FencedInstanceId, .. }), "{fenced}");
}

#[tokio::test]
async fn a_consumer_without_a_subscription_commits_without_a_generation() {
    let group = start().await;
    let consumer = consumer(&group, Arc::new(RangeAssignor)).await;
    consumer.commit(offsets(3)).await.unwrap();
    let found =
        consumer.committed(&[TopicPartition::new("t", 0), TopicPartition::new("t", 1)]).await.unwrap();
    assert_eq!(found.into_values().collect::<Vec<_>>(), [Some(OffsetAndMetadata::new(3)), None]);
    let negative = consumer.commit(offsets(-1)).await.unwrap_err();
    assert_eq!(negative.to_string(), "Invalid offset: -1");
    assert!(!group.lock().received.contains(&ApiKey::JoinGroup));
}

#[tokio::test]
async fn a_consumer_that_unsubscribes_and_is_closed_at_once_has_left() {
    let group = start().await;
    let member = consumer(&group, Arc::new(RangeAssignor)).await;
    member.subscribe(["t".into()].into());
    assert!(matches!(member.next_event().await.unwrap(), RebalanceEvent::Assign { .. }));
    member.event_done(ids(&[0, 1, 2]));
    let committed = member.commit_async(offsets(4));
    member.subscribe(BTreeSet::new());
    member.leave(Duration::from_secs(5)).await;
    committed.await.unwrap();
    let received = group.lock().received.clone();
    assert_eq!(received.iter().filter(|api| **api == ApiKey::LeaveGroup).count(), 1);
}
