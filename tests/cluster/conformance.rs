//! What Kafka 2.7.2 was asked and answered, asked again: the answers are equal, but for what differs from run to run.

mod differences;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use barnabas::wire::Reader;
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::frame;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::Message;
use barnabas::wire::message::alter_replica_log_dirs::AlterReplicaLogDirsRequest;
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest, CreateableTopicConfig};
use barnabas::wire::message::fetch::FetchRequest;
use barnabas::wire::message::leader_and_isr::LeaderAndIsrRequest;
use barnabas::wire::message::stop_replica::StopReplicaRequest;
use barnabas::wire::message::update_metadata::UpdateMetadataRequest;
use bytes::Bytes;

use self::differences::difference;
use crate::support::{Broker, Chroot, Connection, eventually};

/// A topic: its name, partitions, configs.
type Topic = (&'static str, i32, &'static [(&'static str, &'static str)]);

/// The topics that the recorded requests are about.
const TOPICS: [Topic; 13] = [
    ("t", 2, &[]),
    ("compacted", 1, &[("cleanup.policy", "compact")]),
    ("isr2", 1, &[("min.insync.replicas", "2")]),
    ("tsdiff", 1, &[("message.timestamp.difference.max.ms", "1000")]),
    ("small", 1, &[("max.message.bytes", "500")]),
    ("appendtime", 1, &[("message.timestamp.type", "LogAppendTime")]),
    ("magic0", 1, &[("message.format.version", "0.9.0")]),
    ("magic1", 1, &[("message.format.version", "0.10.0")]),
    ("nodown", 1, &[("message.downconversion.enable", "false")]),
    ("todelete", 1, &[]),
    ("idem", 1, &[]),
    ("txt", 1, &[]),
    ("delrec", 1, &[]),
];

/// How long a broker that will not answer is given to do so.
const SILENCE: Duration = Duration::from_millis(200);

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// What came after a request.
#[derive(Debug, PartialEq)]
enum Came {
    Answer(Bytes),
    Closed,
    None,
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn is_over(error: &std::io::Error) -> bool {
    !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Sends a frame and takes what comes.
fn exchange(stream: &mut TcpStream, request: &[u8], answers: bool) -> Came {
    let mut sent = u32::try_from(request.len()).unwrap().to_be_bytes().to_vec();
    sent.extend_from_slice(request);
    stream.write_all(&sent).unwrap();
    stream.set_read_timeout(Some(if answers { Duration::from_secs(20) } else { SILENCE })).unwrap();
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) => return if is_over(&error) { Came::Closed } else { Came::None },
    }
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).unwrap();
    Came::Answer(answer.into())
}

/// A broker with two data directories in `home`, as the recorded one had.
fn broker(chroot: &Chroot, home: &Path) -> Broker {
    let dirs = ["data", "data2"].map(|dir| home.join(dir).display().to_string()).join(",");
    let settings = [("log.retention.ms", "-1"), ("log.dirs", &dirs)];
    let broker = Broker::start_with(1, &chroot.connect(), &settings);
    let config = |(name, value): &(&str, &str)| CreateableTopicConfig {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
    };
    let topics = TOPICS.iter().map(|(name, partitions, configs)| CreatableTopic {
        name: (*name).to_owned(),
        num_partitions: *partitions,
        replication_factor: 1,
        configs: configs.iter().map(config).collect(),
        ..Default::default()
    });
    let request = CreateTopicsRequest { topics: topics.collect(), timeout_ms: 30_000, validate_only: false };
    let mut connection = Connection::to(broker.port).unwrap();
    // The broker is ready before it has been elected as the controller.
    eventually("the topics are made", Duration::from_secs(30), || {
        let answer = connection.call(&request, 4)?;
        answer.topics.iter().all(|topic| topic.error_code == 0).then_some(())
    });
    for (name, ..) in TOPICS {
        let has_leader = || connection.has_leader(name)?.then_some(());
        eventually("the topic has a leader", Duration::from_secs(30), has_leader);
    }
    broker
}

/// The request with the session it names, if it was begun in the recording, replaced by the one begun here.
fn in_session(request: Vec<u8>, begun: Option<([u8; 4], [u8; 4])>) -> Vec<u8> {
    let Some((recorded, here)) = begun else { return request };
    let mut request = request;
    if let Some(at) = request.windows(4).position(|window| window == recorded) {
        request[at..at + 4].copy_from_slice(&here);
    }
    request
}

/// The request with no broker epoch in it, as controllers before 2.2 sent it: every broker then accepts it.
fn without_epoch(request: Vec<u8>) -> Option<Vec<u8>> {
    let mut input = Reader::new(Bytes::from(request));
    let header = RequestHeader::decode(&mut input).ok()?;
    let (version, mut out) = (header.api_version, barnabas::wire::Writer::new());
    header.encode(&mut out).ok()?;
    match header.api_key {
        ApiKey::LeaderAndIsr => {
            let mut request = LeaderAndIsrRequest::decode(&mut input, version).ok()?;
            request.broker_epoch = -1;
            request.encode(&mut out, version).ok()?;
        }
        ApiKey::StopReplica => {
            let mut request = StopReplicaRequest::decode(&mut input, version).ok()?;
            request.broker_epoch = -1;
            request.encode(&mut out, version).ok()?;
        }
        _ => {
            let mut request = UpdateMetadataRequest::decode(&mut input, version).ok()?;
            request.broker_epoch = -1;
            request.encode(&mut out, version).ok()?;
        }
    }
    out.into_bytes().ok().map(|bytes| bytes.to_vec())
}

#[test]
fn a_controllers_requests_are_answered_as_by_kafkas_brokers() {
    let (mut note, mut count, mut wrong) = ("", 0, Vec::new());
    for id in ["1", "2", "3"] {
        let chroot = Chroot::new();
        let broker = Broker::start(id.parse().unwrap(), &chroot.connect());
        let mut stream = connect(broker.port);
        for line in include_str!("data/controller.txt").lines() {
            if let Some(text) = line.strip_prefix("# ") {
                note = text;
                continue;
            }
            let Some((request, expected)) =
                line.strip_prefix(id).and_then(|rest| rest.trim().split_once(' '))
            else {
                continue;
            };
            let request = without_epoch(from_hex(request)).unwrap();
            let came = exchange(&mut stream, &request, true);
            count += 1;
            let difference = unlike(&request, expected, came);
            wrong.extend(difference.map(|difference| format!("broker {id}, {note}: {difference}")));
        }
    }
    assert_eq!(count, 33, "the recording is there");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The broker's epoch, which is the id of the transaction that registered it.
fn broker_epoch(chroot: &Chroot) -> i64 {
    let reading = async {
        let client = zookeeper_client::Client::connector().connect(&chroot.connect()).await.unwrap();
        client.get_data("/brokers/ids/1").await.unwrap().1.czxid
    };
    tokio::runtime::Runtime::new().unwrap().block_on(reading)
}

/// An AlterIsr request with the epoch of the recorded broker, if it names that, replaced by this one's.
fn with_epoch(mut request: Vec<u8>, epoch: i64) -> Vec<u8> {
    const RECORDED: i64 = 24;
    let names_it = |header: RequestHeader| header.api_key == ApiKey::AlterIsr;
    if header(&request).is_some_and(names_it)
        && let Some(at) = request.windows(8).position(|window| window == RECORDED.to_be_bytes())
    {
        request[at..at + 8].copy_from_slice(&epoch.to_be_bytes());
    }
    request
}

/// An AlterReplicaLogDirs request with the directories of the recorded broker replaced by this one's.
fn with_dirs(request: Vec<u8>, home: &Path) -> Vec<u8> {
    let Some(header) = header(&request).filter(|header| header.api_key == ApiKey::AlterReplicaLogDirs) else {
        return request;
    };
    let version = header.api_version;
    let (mut input, mut out) = (Reader::new(Bytes::from(request)), barnabas::wire::Writer::new());
    RequestHeader::decode(&mut input).unwrap().encode(&mut out).unwrap();
    let mut request = AlterReplicaLogDirsRequest::decode(&mut input, version).unwrap();
    for dir in &mut request.dirs {
        if let Some(name) = dir.path.strip_prefix("/tmp/goldens/broker1/") {
            dir.path = home.join(name).display().to_string();
        }
    }
    request.encode(&mut out, version).unwrap();
    out.into_bytes().unwrap().to_vec()
}

/// The session id in an answer to Fetch.
fn session(answer: &Bytes, version: i16) -> Option<[u8; 4]> {
    let (_, answer) = frame::read_response::<FetchRequest>(answer.clone(), version).ok()?;
    (answer.session_id != 0).then(|| answer.session_id.to_be_bytes())
}

#[test]
fn recorded_requests_are_answered_as_kafka_answered_them() {
    let chroot = Chroot::new();
    let home = tempfile::tempdir().unwrap();
    let broker = broker(&chroot, home.path());
    let epoch = broker_epoch(&chroot);
    let mut stream = connect(broker.port);
    let (mut note, mut begun, mut count, mut wrong) = ("", None, 0, Vec::new());
    for line in include_str!("data/conformance.txt").lines() {
        if let Some(text) = line.strip_prefix("# ") {
            note = text;
            continue;
        }
        let Some((request, expected)) = line.split_once(' ') else { continue };
        let request = with_dirs(with_epoch(in_session(from_hex(request), begun), epoch), home.path());
        count += 1;
        let mut ask = || {
            let came = exchange(&mut stream, &request, expected != "none");
            if came == Came::Closed {
                stream = connect(broker.port);
            }
            if begun.is_none() {
                begun = begun_sessions(&request, expected, &came);
            }
            unlike(&request, expected, came)
        };
        let mut difference = ask();
        // A topic may have been made and not be known to every broker yet.
        if note.ends_with("later") || note.contains("all topics") {
            difference = None;
            eventually(note, Duration::from_secs(20), || ask().is_none().then_some(()));
        }
        wrong.extend(difference.map(|difference| format!("{note}: {difference}")));
    }
    // Recorded without the request, for its size.
    let large = Connection::to(broker.port).unwrap().produce("t", &"x".repeat(1_048_600), -1);
    assert_eq!(large, Some(Err(10)), "one record of 1048600 bytes with message.max.bytes=1048588");
    assert!(count > 300, "the recording is there");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What differs between what was recorded and what came; None where nothing does.
fn unlike(request: &[u8], expected: &str, came: Came) -> Option<String> {
    match (expected, came) {
        ("any", Came::Answer(_)) | ("closed", Came::Closed) | ("none", Came::None) => None,
        ("any" | "closed" | "none", came) => Some(format!("expected {expected}, but {came:?}")),
        (recorded, Came::Answer(came)) => {
            difference(&header(request)?, Bytes::from(from_hex(recorded)), came)
        }
        (_, came) => Some(format!("expected an answer, but {came:?}")),
    }
}

/// A request's header; None where it is for an API that there is not.
fn header(request: &[u8]) -> Option<RequestHeader> {
    RequestHeader::decode(&mut Reader::new(Bytes::copy_from_slice(request))).ok()
}

/// The fetch sessions that were begun by an answer, in the recording and here.
fn begun_sessions(request: &[u8], expected: &str, came: &Came) -> Option<([u8; 4], [u8; 4])> {
    let header = header(request).filter(|header| header.api_key == ApiKey::Fetch)?;
    let Came::Answer(came) = came else { return None };
    let recorded = Bytes::from(from_hex(expected));
    session(&recorded, header.api_version).zip(session(came, header.api_version))
}

#[test]
fn frames_that_are_wrong_end_as_with_kafka() {
    let chroot = Chroot::new();
    let home = tempfile::tempdir().unwrap();
    let broker = broker(&chroot, home.path());
    let (mut note, mut wrong) = ("", Vec::new());
    for line in include_str!("data/raw_frames.txt").lines() {
        if let Some(text) = line.strip_prefix("# ") {
            note = text;
            continue;
        }
        let Some((sent, rest)) = line.split_once(' ') else { continue };
        let (received, end) = rest.split_once(' ').unwrap();
        let received = if received == "-" { Vec::new() } else { from_hex(received) };
        let lines = broker.process().lines().len();
        let mut stream = connect(broker.port);
        stream.write_all(&from_hex(sent)).unwrap();
        // The answers about topics and APIs depend on the broker: of long answers only the correlation id is
        // compared.
        let (from, to) = if received.len() > 20 { (4, 8) } else { (0, received.len()) };
        let came = first_bytes(&mut stream, to);
        if came.get(from..to) != Some(&received[from..to]) {
            wrong.push(format!("{note}: received {came:02x?}"));
        }
        let is_closed = came.is_empty() && is_closed(&mut stream);
        if is_closed != (end == "closed") {
            wrong.push(format!("{note}: should be {end}"));
        }
        if is_closed {
            // `Closing socket for …` or `Unexpected error from …; closing connection`.
            broker.process().wait_for_line_after(lines, "losing", Duration::from_secs(10));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Reads so many bytes, or fewer where the connection ends.
fn first_bytes(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut read = 0;
    while read < count {
        match stream.read(&mut bytes[read..]) {
            Ok(0) | Err(_) => break,
            Ok(more) => read += more,
        }
    }
    bytes.truncate(read);
    bytes
}

/// Whether the other side ends the connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 1]) {
        Ok(read) => read == 0,
        Err(error) => is_over(&error),
    }
}
