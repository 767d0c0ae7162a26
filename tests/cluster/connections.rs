//! Sockets at their limits: which connections are rejected, wait, or are closed; and the order of answers.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use barnabas::wire::frame;
use barnabas::wire::message::Request;
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::metadata::MetadataRequest;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use bytes::Bytes;

use crate::support::{Broker, Chroot, Connection, eventually, free_port};

/// How long a broker is given to do what it will not do.
const SILENCE: Duration = Duration::from_millis(200);
/// How long it is given for all else.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A client that can misbehave.
pub struct Client(pub TcpStream);

impl Client {
    /// A client that is connected to a port of loopback.
    pub fn to(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self(stream)
    }

    /// Sends bytes, whatever they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The correlation id of the next answer.
    fn answer(&mut self) -> i32 {
        i32::from_be_bytes(self.answer_frame()[..4].try_into().unwrap())
    }

    /// The next answer, without its length.
    pub fn answer_frame(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).expect("an answer");
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut answer).unwrap();
        answer
    }

    /// Whether a request is answered.
    pub fn is_served(&mut self) -> bool {
        let mut length = [0; 4];
        self.0.write_all(&request(0, 7, &ApiVersionsRequest::default())).is_ok()
            && self.0.read_exact(&mut length).is_ok()
            && self.0.read_exact(&mut vec![0; u32::from_be_bytes(length) as usize]).is_ok()
    }

    /// Whether nothing comes, though the connection stands.
    fn is_left_waiting(&mut self) -> bool {
        self.0.set_read_timeout(Some(SILENCE)).unwrap();
        let read = self.0.read(&mut [0; 1]);
        self.0.set_read_timeout(Some(LIMIT)).unwrap();
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0; 1]) {
            Ok(read) => read == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

/// A whole frame.
pub fn request<R: Request>(version: i16, correlation_id: i32, request: &R) -> Vec<u8> {
    let pieces = frame::request(version, correlation_id, Some("test"), request).unwrap();
    pieces.iter().flat_map(|piece| piece.read().unwrap()).collect()
}

/// A fetch that waits `wait_ms` for more than there is.
pub fn long_poll(topic: &str, wait_ms: i32) -> FetchRequest {
    fetch(topic, 1 << 30, 1 << 20, wait_ms)
}

/// A fetch from the start of a topic's first partition.
pub fn fetch(topic: &str, min_bytes: i32, max_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition { partition_max_bytes: max_bytes, ..Default::default() };
    let topics = vec![FetchTopic { topic: topic.to_owned(), partitions: vec![partition] }];
    FetchRequest {
        replica_id: -1,
        max_wait_ms,
        min_bytes,
        max_bytes,
        session_epoch: -1,
        topics,
        ..Default::default()
    }
}

/// A produce to a topic, of records that are none where `records` are not given by the caller.
fn produce(topic: &str, acks: i16, records: Bytes) -> ProduceRequest {
    let partitions = vec![PartitionProduceData { partition_index: 0, records: Some(records.into()) }];
    let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
    ProduceRequest { acks, timeout_ms: 5000, topics, transactional_id: None }
}

fn batch(value: &[u8]) -> Bytes {
    let mut builder = barnabas::wire::batch::BatchBuilder::new();
    builder.push(barnabas::base::Clock::System.now(), None, Some(value), &[]);
    builder.build().unwrap()
}

/// Makes a topic, by asking for it.
pub fn make_topic(broker: &Broker, topic: &str) {
    let mut connection = Connection::to(broker.port).unwrap();
    eventually("the topic has a leader", LIMIT, || connection.has_leader(topic)?.then_some(()));
}

/// Settings of a broker whose clients come by a listener of their own, at the port given back.
fn two_listeners() -> (u16, u16, Vec<(&'static str, String)>) {
    let (internal, external) = (free_port(), free_port());
    let listeners = format!("INTERNAL://127.0.0.1:{internal},EXTERNAL://127.0.0.1:{external}");
    let settings = vec![
        ("listeners", listeners),
        ("listener.security.protocol.map", "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT".to_owned()),
        ("inter.broker.listener.name", "INTERNAL".to_owned()),
    ];
    (internal, external, settings)
}

fn start(chroot: &Chroot, settings: &[(&'static str, String)]) -> Broker {
    let settings: Vec<_> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    Broker::start_with(1, &chroot.connect(), &settings)
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    make_topic(&broker, "t");
    let mut client = Client::to(broker.port);
    let record = || batch(b"value");
    let sent = [
        request(11, 1, &long_poll("t", 300)),
        request(7, 2, &produce("t", -1, record())),
        request(7, 3, &produce("t", 0, record())),
        request(0, 4, &ApiVersionsRequest::default()),
        request(7, 5, &produce("t", 1, record())),
        request(9, 6, &MetadataRequest::default()),
    ];
    client.send(&sent.concat());
    // The third asks for no answer, and is taken in nevertheless.
    assert_eq!([(); 5].map(|()| client.answer()), [1, 2, 4, 5, 6]);
    assert_eq!(Connection::to(broker.port).unwrap().read_all("t").len(), 3);
}

#[test]
fn a_client_that_sent_all_and_closed_that_half_gets_its_answers() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    make_topic(&broker, "t");
    let mut client = Client::to(broker.port);
    let sent = [request(11, 1, &long_poll("t", 300)), request(0, 2, &ApiVersionsRequest::default())];
    client.send(&sent.concat());
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!([client.answer(), client.answer()], [1, 2]);
    assert!(client.is_closed());
}

#[test]
fn an_address_gets_no_more_connections_than_it_may_have() {
    let chroot = Chroot::new();
    let (_, external, mut settings) = two_listeners();
    settings.push(("max.connections.per.ip", "0".to_owned()));
    settings.push(("max.connections.per.ip.overrides", "127.0.0.1:4".to_owned()));
    let broker = start(&chroot, &settings);
    // The broker has connections to itself, as its own controller.
    let mut clients = Vec::new();
    let refused = eventually("one is turned away", LIMIT, || {
        let mut client = Client::to(external);
        if client.is_served() {
            clients.push(client);
            return None;
        }
        Some(client)
    });
    assert!(clients.len() <= 4);
    drop(refused);
    let line =
        "Rejected connection from /127.0.0.1, address already has the configured maximum of 4 connections.";
    broker.process().wait_for_line(line, LIMIT);
    drop(clients.pop());
    eventually("there is room again", LIMIT, || Client::to(external).is_served().then_some(()));
}

#[test]
fn a_connection_beyond_a_listeners_limit_waits_at_that_listener_alone() {
    let chroot = Chroot::new();
    let (internal, external, mut settings) = two_listeners();
    settings.push(("listener.name.external.max.connections", "2".to_owned()));
    let _broker = start(&chroot, &settings);
    let mut clients = [(); 2].map(|()| Client::to(external));
    assert!(clients.iter_mut().all(Client::is_served));
    let mut waiting = Client::to(external);
    waiting.send(&request(0, 1, &ApiVersionsRequest::default()));
    assert!(waiting.is_left_waiting());
    assert!(Client::to(internal).is_served());
    drop(clients);
    assert_eq!(waiting.answer(), 1);
}

#[test]
fn for_the_brokers_listener_the_connection_longest_unused_makes_room() {
    let chroot = Chroot::new();
    let (internal, external, mut settings) = two_listeners();
    settings.push(("max.connections", "5".to_owned()));
    let _broker = start(&chroot, &settings);
    // Whatever the broker has open itself leaves room for one of these at least.
    let mut first = Client::to(external);
    assert!(first.is_served());
    let mut more: Vec<_> = (0..5).map(|_| Client::to(internal)).collect();
    assert!(more.iter_mut().all(Client::is_served), "the brokers' listener is never full");
    let mut rest = Vec::new();
    first.0.read_to_end(&mut rest).expect("the first one is closed");
    let mut late = Client::to(external);
    late.send(&request(0, 1, &ApiVersionsRequest::default()));
    assert!(late.is_left_waiting());
}

#[test]
fn connections_that_come_too_fast_wait() {
    let chroot = Chroot::new();
    let (_, external, mut settings) = two_listeners();
    settings.push(("listener.name.external.max.connection.creation.rate", "1".to_owned()));
    let _broker = start(&chroot, &settings);
    let begin = Instant::now();
    let mut clients: Vec<_> = (0..11).map(|_| Client::to(external)).collect();
    assert!(clients.iter_mut().all(Client::is_served));
    assert!(begin.elapsed() >= Duration::from_secs(1), "the eleventh waits for a second");
}

#[test]
fn unused_connections_and_unfinished_frames_end_and_slow_ones_do_not() {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &[("connections.max.idle.ms", "1000")]);
    let (mut silent, mut half, mut slow) =
        (Client::to(broker.port), Client::to(broker.port), Client::to(broker.port));
    let whole = request(0, 9, &ApiVersionsRequest::default());
    half.send(&whole[..whole.len() / 2]);
    for piece in whole.chunks(2) {
        slow.send(piece);
        std::thread::sleep(Duration::from_millis(150));
    }
    assert_eq!(slow.answer(), 9);
    assert!(silent.is_closed());
    assert!(half.is_closed());
}

#[test]
fn a_connection_whose_request_waits_is_idle_too() {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &[("connections.max.idle.ms", "1000")]);
    make_topic(&broker, "t");
    let mut waiting = Client::to(broker.port);
    waiting.send(&request(11, 1, &long_poll("t", i32::MAX)));
    assert!(waiting.is_closed());
}

#[test]
fn a_client_that_reads_an_answer_slowly_is_not_idle() {
    let chroot = Chroot::new();
    let broker = Broker::start_with(1, &chroot.connect(), &[("connections.max.idle.ms", "1000")]);
    make_topic(&broker, "t");
    let mut connection = Connection::to(broker.port).unwrap();
    for _ in 0..16 {
        connection.produce("t", &"x".repeat(900_000), 1).unwrap().unwrap();
    }
    let mut slow = Client::to(broker.port);
    slow.send(&request(11, 1, &fetch("t", 1, 16 << 20, 0)));
    let mut piece = vec![0; 1 << 20];
    for _ in 0..12 {
        slow.0.read_exact(&mut piece).expect("the rest of the answer");
        std::thread::sleep(Duration::from_millis(150));
    }
}

#[test]
fn a_client_that_is_gone_leaves_no_fetch_waiting() {
    let chroot = Chroot::new();
    let port = free_port();
    let mut broker = Broker::prepare(1, &chroot.connect(), &[]);
    broker.set_environment("METRICS_LISTENER", &format!("127.0.0.1:{port}"));
    broker.restart();
    make_topic(&broker, "t");
    let waiting = |count: f64| {
        let name = crate::metrics::waiting("NumDelayedOperations", "Fetch");
        eventually(&format!("{count} fetches wait"), LIMIT, || {
            (crate::metrics::figures(port).get(&name) == Some(&count)).then_some(())
        });
    };
    let poll = || request(11, 1, &long_poll("t", i32::MAX));
    for ends in [
        // Closed; closed behind a request that was not read yet; broken off; closed in one half.
        (|client: Client| drop(client)) as fn(Client),
        |mut client| client.send(&request(11, 2, &long_poll("t", i32::MAX))),
        |client| rustix::net::sockopt::set_socket_linger(&client.0, Some(Duration::ZERO)).unwrap(),
        |mut client| {
            client.0.shutdown(Shutdown::Write).unwrap();
            assert_eq!(client.answer(), 1, "what there is, at once");
            assert!(client.is_closed());
        },
    ] {
        let mut client = Client::to(broker.port);
        client.send(&poll());
        waiting(1.0);
        ends(client);
        waiting(0.0);
    }
}

#[test]
fn requests_wait_for_memory_until_others_give_it_back() {
    let chroot = Chroot::new();
    let (_, external, mut settings) = two_listeners();
    settings.push(("queued.max.request.bytes", "2000000".to_owned()));
    settings.push(("socket.request.max.bytes", "2000000".to_owned()));
    let _broker = start(&chroot, &settings);
    let mut greedy = Client::to(external);
    greedy.send(&2_000_000_i32.to_be_bytes());
    let mut other = Client::to(external);
    eventually("the greedy one has it all", LIMIT, || {
        other.send(&request(0, 1, &ApiVersionsRequest::default()));
        if other.is_left_waiting() {
            return Some(());
        }
        // What came was the first byte of an answer, of which the rest is read here.
        other = Client::to(external);
        None
    });
    drop(greedy);
    assert_eq!(other.answer(), 1);
    other.send(&2_000_001_i32.to_be_bytes());
    assert!(other.is_closed(), "a request that is too large");
}

#[test]
fn limits_change_while_the_broker_runs() {
    let chroot = Chroot::new();
    let (internal, external, settings) = two_listeners();
    let _broker = start(&chroot, &settings);
    let mut connection = Connection::to(internal).unwrap();
    let mut first = Client::to(external);
    assert!(first.is_served());
    set_config(&mut connection, "listener.name.external.max.connections", "1");
    let mut waiting = eventually("the new limit holds", LIMIT, || {
        let mut client = Client::to(external);
        client.send(&request(0, 1, &ApiVersionsRequest::default()));
        client.is_left_waiting().then_some(client)
    });
    set_config(&mut connection, "listener.name.external.max.connections", "10");
    assert_eq!(waiting.answer(), 1);
    assert!(first.is_served());
}

/// Sets a config of broker 1 while it runs.
fn set_config(connection: &mut Connection, key: &str, value: &str) {
    use barnabas::wire::message::incremental_alter_configs::{
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
    };
    let config = IncrementalAlterableConfig {
        name: key.to_owned(),
        config_operation: 0,
        value: Some(value.to_owned()),
    };
    let resource = IncrementalAlterConfigsResource {
        resource_type: 4,
        resource_name: "1".to_owned(),
        configs: vec![config],
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    let answer = connection.call(&request, 1).unwrap();
    assert_eq!(answer.responses[0].error_code, 0, "{:?}", answer.responses[0].error_message);
}

#[test]
fn every_listener_answers_with_addresses_that_its_clients_can_reach() {
    let chroot = Chroot::new();
    let (internal, external, mut settings) = two_listeners();
    let advertised = format!("INTERNAL://localhost:{internal},EXTERNAL://outside.example:4711");
    settings.push(("advertised.listeners", advertised));
    let _broker = start(&chroot, &settings);
    for (port, advertised) in
        [(internal, ("localhost", i32::from(internal))), (external, ("outside.example", 4711))]
    {
        let mut connection = Connection::to(port).unwrap();
        let brokers = eventually("the broker is in its own metadata", LIMIT, || {
            let answer = connection.call(&MetadataRequest::default(), 9)?;
            (!answer.brokers.is_empty()).then_some(answer.brokers)
        });
        assert_eq!((brokers[0].host.as_str(), brokers[0].port), advertised);
    }
}
