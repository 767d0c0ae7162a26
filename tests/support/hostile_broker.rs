//! A server that speaks the protocol as badly as a test wants: it reads requests as a broker does, and the test decides
//! on the bytes that come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use barnabas::wire::Reader;
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::frame;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::api_versions::{ApiVersionsResponse, ApiVersionsResponseKey};
use barnabas::wire::message::fetch::FetchResponse;
use barnabas::wire::message::find_coordinator::FindCoordinatorResponse;
use barnabas::wire::message::heartbeat::HeartbeatResponse;
use barnabas::wire::message::init_producer_id::InitProducerIdResponse;
use barnabas::wire::message::join_group::JoinGroupResponse;
use barnabas::wire::message::list_groups::ListGroupsResponse;
use barnabas::wire::message::list_offsets::ListOffsetResponse;
use barnabas::wire::message::metadata::*;
use barnabas::wire::message::offset_commit::OffsetCommitResponse;
use barnabas::wire::message::offset_fetch::OffsetFetchResponse;
use barnabas::wire::message::produce::ProduceResponse;
use barnabas::wire::message::sync_group::SyncGroupResponse;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What comes back for a request.
#[derive(Clone, Debug)]
pub enum HostileReply {
    /// These bytes, whatever they are.
    Bytes(Vec<u8>),
    /// These bytes, and the end of the connection.
    BytesAndEnd(Vec<u8>),
    /// Nothing.
    Silence,
}

/// A request that has come.
#[derive(Clone, Debug)]
pub struct HostileRequest {
    /// Its header.
    pub header: RequestHeader,
    /// The server's own port.
    pub port: u16,
}

impl HostileRequest {
    /// The whole frame that a right broker would answer with. The cluster has one broker, 1, which leads the only
    /// partition of topic `t` and coordinates everything.
    pub fn right(&self) -> Vec<u8> {
        let (host, port) = ("127.0.0.1".to_owned(), i32::from(self.port));
        match self.header.api_key {
            ApiKey::ApiVersions => self.versions(|api| *api.versions().start()..=*api.versions().end()),
            ApiKey::Metadata => {
                let partition =
                    MetadataResponsePartition { leader_id: 1, replica_nodes: vec![1], ..Default::default() };
                let topic = MetadataResponseTopic {
                    name: "t".to_owned(),
                    partitions: vec![partition],
                    ..Default::default()
                };
                self.metadata(MetadataResponse {
                    brokers: vec![MetadataResponseBroker { node_id: 1, host, port, ..Default::default() }],
                    controller_id: 1,
                    topics: vec![topic],
                    ..Default::default()
                })
            }
            ApiKey::FindCoordinator => {
                self.write(&FindCoordinatorResponse { node_id: 1, host, port, ..Default::default() })
            }
            ApiKey::Produce => self.write(&ProduceResponse::default()),
            ApiKey::Fetch => self.write(&FetchResponse::default()),
            ApiKey::ListOffsets => self.write(&ListOffsetResponse::default()),
            ApiKey::JoinGroup => self.write(&JoinGroupResponse::default()),
            ApiKey::SyncGroup => self.write(&SyncGroupResponse::default()),
            ApiKey::Heartbeat => self.write(&HeartbeatResponse::default()),
            ApiKey::OffsetCommit => self.write(&OffsetCommitResponse::default()),
            ApiKey::OffsetFetch => self.write(&OffsetFetchResponse::default()),
            ApiKey::InitProducerId => self.write(&InitProducerIdResponse::default()),
            _ => self.write(&ListGroupsResponse::default()),
        }
    }

    /// An answer to ApiVersions with these versions of each API.
    pub fn versions(&self, of: impl Fn(ApiKey) -> std::ops::RangeInclusive<i16>) -> Vec<u8> {
        let key = |api: &ApiKey| ApiVersionsResponseKey {
            api_key: api.code(),
            min_version: *of(*api).start(),
            max_version: *of(*api).end(),
        };
        let api_keys = ApiKey::ALL.iter().map(key).collect();
        self.write(&ApiVersionsResponse { api_keys, ..Default::default() })
    }

    /// An answer to Metadata.
    pub fn metadata(&self, answer: MetadataResponse) -> Vec<u8> {
        self.write(&answer)
    }

    /// An answer as a whole frame.
    pub fn write<M: barnabas::wire::message::Message>(&self, answer: &M) -> Vec<u8> {
        let pieces = frame::response(&self.header, answer).unwrap();
        pieces.iter().flat_map(|piece| piece.read().unwrap().to_vec()).collect()
    }
}

/// A server that answers as its test decides. Dropped, it closes its socket and its connections.
pub struct HostileBroker {
    /// Its address, as `bootstrap.servers` has it.
    pub address: String,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl HostileBroker {
    /// Serves with `decide`, which is asked for every request of every connection.
    pub async fn start(decide: impl Fn(&HostileRequest) -> HostileReply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (decide, connections) = (Arc::new(decide), Arc::new(AtomicUsize::new(0)));
        let counted = connections.clone();
        let task = tokio::spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let decide = decide.clone();
                serving.spawn(async move {
                    // The client may end the connection at any time.
                    let _ = serve(stream, port, &*decide).await;
                });
                while serving.try_join_next().is_some() {}
            }
        });
        Self { address: format!("127.0.0.1:{port}"), connections, task }
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for HostileBroker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    port: u16,
    decide: &(dyn Fn(&HostileRequest) -> HostileReply + Send + Sync),
) -> std::io::Result<()> {
    loop {
        let length = stream.read_u32().await?;
        let mut bytes = vec![0; length as usize];
        stream.read_exact(&mut bytes).await?;
        let header = RequestHeader::decode(&mut Reader::new(Bytes::from(bytes))).unwrap();
        match decide(&HostileRequest { header, port }) {
            HostileReply::Bytes(bytes) => stream.write_all(&bytes).await?,
            HostileReply::BytesAndEnd(bytes) => return stream.write_all(&bytes).await,
            HostileReply::Silence => {}
        }
    }
}
