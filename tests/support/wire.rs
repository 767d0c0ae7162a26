//! A blocking client of a few requests, for tests that must see every single answer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use barnabas::base::Records;
use barnabas::wire::batch::{Batch, BatchBuilder};
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::frame;
use barnabas::wire::message::Request;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use bytes::Bytes;

/// A connection to a broker.
pub struct Connection {
    stream: TcpStream,
}

impl Connection {
    /// Connects to a port of loopback; None if nothing listens there.
    pub fn to(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self { stream })
    }

    /// Connects to a port of 127.0.0.1 from another address of loopback.
    pub fn from_host(host: Ipv4Addr, port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connecting = async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddrV4::new(host, 0).into())?;
            socket.connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()).await?.into_std()
        };
        let stream: TcpStream = runtime.block_on(connecting).unwrap();
        stream.set_nonblocking(false).unwrap();
        Self { stream }.with_patience(Duration::from_secs(10))
    }

    /// The same, which waits so long for an answer.
    pub fn with_patience(self, limit: Duration) -> Self {
        self.stream.set_read_timeout(Some(limit)).unwrap();
        self
    }

    /// Its socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends a request and reads its answer; None where the connection does not carry it.
    pub fn call<R: Request>(&mut self, request: &R, version: i16) -> Option<R::Response> {
        for piece in frame::request::<R>(version, 1, Some("test"), request).ok()? {
            self.stream.write_all(&piece.read().ok()?).ok()?;
        }
        frame::read_response::<R>(self.answer()?, version).ok().map(|(_, response)| response)
    }

    /// Sends a request as it stands on the wire behind its length; what comes, behind its own.
    pub fn call_raw(&mut self, request: &[u8]) -> Option<Bytes> {
        let length = u32::try_from(request.len()).ok()?.to_be_bytes();
        self.stream.write_all(&[&length[..], request].concat()).ok()?;
        self.answer()
    }

    fn answer(&mut self) -> Option<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).ok()?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut answer).ok()?;
        Some(Bytes::from(answer))
    }

    /// Whether the first partition of a topic has a leader; the topic is created by being asked for.
    pub fn has_leader(&mut self, topic: &str) -> Option<bool> {
        let topics = vec![MetadataRequestTopic { name: topic.to_owned() }];
        let request = MetadataRequest { topics: Some(topics), ..Default::default() };
        let answer = self.call(&request, 4)?;
        let topic = answer.topics.first()?;
        Some(topic.error_code == 0 && topic.partitions.iter().all(|it| it.error_code == 0))
    }

    /// Produces one record to the first partition with these acks (1 or -1): the offset it was acknowledged at, or the
    /// error it was refused with.
    pub fn produce(&mut self, topic: &str, value: &str, acks: i16) -> Option<Result<i64, i16>> {
        let mut builder = BatchBuilder::new();
        builder.push(barnabas::base::Clock::System.now(), None, Some(value.as_bytes()), &[]);
        let records = Some(Records::Memory(builder.build().ok()?));
        let partitions = vec![PartitionProduceData { partition_index: 0, records }];
        let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
        let request = ProduceRequest { acks, timeout_ms: 5000, topics, transactional_id: None };
        let answer = self.call(&request, 7)?;
        let partition = answer.responses.first()?.partitions.first()?;
        Some(if partition.error_code == 0 { Ok(partition.base_offset) } else { Err(partition.error_code) })
    }

    /// Produces one record to each of the first partitions, so many a request: the errors, by partition.
    pub fn produce_to_all(&mut self, topic: &str, partitions: i32, value: &str) -> Vec<i16> {
        let mut builder = BatchBuilder::new();
        builder.push(barnabas::base::Clock::System.now(), None, Some(value.as_bytes()), &[]);
        let records = builder.build().unwrap();
        let mut errors = Vec::new();
        let all: Vec<_> = (0..partitions).collect();
        for some in all.chunks(500) {
            let data = |partition_index: &i32| {
                let records = Some(Records::Memory(records.clone()));
                PartitionProduceData { partition_index: *partition_index, records }
            };
            let partitions = some.iter().map(data).collect();
            let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
            let request = ProduceRequest { acks: 1, timeout_ms: 30_000, topics, transactional_id: None };
            let answer = self.call(&request, 7).expect("an answer to Produce");
            errors.extend(answer.responses.iter().flat_map(|it| &it.partitions).map(|it| it.error_code));
        }
        errors
    }

    /// The values of each of the first partitions from an offset on, as far as one answer holds them.
    pub fn read_from_all(&mut self, topic: &str, partitions: i32, offset: i64) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        let all: Vec<_> = (0..partitions).collect();
        for some in all.chunks(500) {
            let asked = |partition: &i32| FetchPartition {
                partition: *partition,
                fetch_offset: offset,
                partition_max_bytes: 1 << 16,
                ..Default::default()
            };
            let topics =
                vec![FetchTopic { topic: topic.to_owned(), partitions: some.iter().map(asked).collect() }];
            let (max_bytes, session_epoch) = (1 << 30, -1);
            let request =
                FetchRequest { replica_id: -1, max_bytes, session_epoch, topics, ..Default::default() };
            let answer = self.call(&request, 11).expect("an answer to Fetch");
            for partition in answer.responses.iter().flat_map(|it| &it.partition_responses) {
                assert_eq!(partition.error_code, 0, "{topic}-{}", partition.partition);
                let bytes = partition.record_set.as_ref().map(|it| it.read().unwrap()).unwrap_or_default();
                let records =
                    Batch::split(bytes).map_while(Result::ok).flat_map(|batch| batch.records().unwrap());
                let records = records.map(Result::unwrap).filter(|record| record.offset >= offset);
                let value = |record: barnabas::wire::record::Record| {
                    String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap()
                };
                found.push(records.map(value).collect());
            }
        }
        found
    }

    /// All records of the first partition, with their offsets.
    pub fn read_all(&mut self, topic: &str) -> Vec<(i64, String)> {
        self.read_from(topic, 0)
    }

    /// Waits until a new leader has its high watermark where its predecessor's may have been: until then it
    /// does not answer with the end of the partition, nor with all acknowledged records (KIP-207).
    fn await_end(&mut self, topic: &str) {
        const LATEST: i64 = -1;
        let partition = ListOffsetPartition { timestamp: LATEST, ..Default::default() };
        let topics = vec![ListOffsetTopic { name: topic.to_owned(), partitions: vec![partition] }];
        let request = ListOffsetRequest { replica_id: -1, isolation_level: 0, topics };
        super::eventually("the leader knows the end", Duration::from_secs(30), || {
            let answer = self.call(&request, 5).expect("an answer to ListOffsets");
            let error = answer.topics[0].partitions[0].error_code;
            (error != ErrorCode::OffsetNotAvailable as i16).then_some(())
        });
    }

    /// All records of the first partition from an offset on, with their offsets.
    pub fn read_from(&mut self, topic: &str, start: i64) -> Vec<(i64, String)> {
        self.await_end(topic);
        let mut found: Vec<(i64, String)> = Vec::new();
        loop {
            let next = found.last().map_or(start, |(offset, _)| offset + 1);
            let partition = FetchPartition {
                partition: 0,
                fetch_offset: next,
                partition_max_bytes: 1 << 20,
                ..Default::default()
            };
            let topics = vec![FetchTopic { topic: topic.to_owned(), partitions: vec![partition] }];
            let request = FetchRequest {
                replica_id: -1,
                max_wait_ms: 0,
                max_bytes: 1 << 20,
                session_epoch: -1,
                topics,
                ..Default::default()
            };
            let answer = self.call(&request, 11).expect("an answer to Fetch");
            let partition = &answer.responses[0].partition_responses[0];
            assert_eq!(partition.error_code, 0, "{topic}");
            let bytes = partition.record_set.as_ref().map(|it| it.read().unwrap()).unwrap_or_default();
            let before = found.len();
            for batch in Batch::split(bytes).map_while(Result::ok) {
                batch.check_crc().unwrap();
                for record in batch.records().unwrap() {
                    let record = record.unwrap();
                    if record.offset >= next {
                        let value = record.value.unwrap_or_default();
                        found.push((record.offset, String::from_utf8(value.to_vec()).unwrap()));
                    }
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }
}
