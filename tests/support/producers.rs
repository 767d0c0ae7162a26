//! Idempotent and transactional producers and markers that Kafka 2.7.2 and Barnabas are sent alike: the
//! brokers' settings, and how the files that they leave are compared.
//!
//! A recording has for each partition a case for each of [`PHASES`] and, where the broker was stopped after
//! it, one that has the files that were left, as the "answers" to their names.

use std::collections::BTreeSet;
use std::path::Path;

use barnabas::log::producers::snapshot;
use barnabas::wire::Reader;
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::frame;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::fetch::FetchRequest;
use barnabas::wire::message::produce::ProduceRequest;
use barnabas::wire::message::write_txn_markers::WriteTxnMarkersRequest;
use bytes::Bytes;

use super::batches::compare::{self, Difference};
use super::batches::exchange::Came;
use super::batches::stored::{self, Clock, Clocks};

/// What both brokers are started with: nothing is deleted or written by time.
pub const SETTINGS: [(&str, &str); 8] = [
    ("log.retention.ms", "-1"),
    ("log.retention.check.interval.ms", "3600000"),
    ("log.flush.offset.checkpoint.interval.ms", "3600000"),
    ("log.cleaner.enable", "false"),
    ("log.index.size.max.bytes", "65536"),
    ("auto.create.topics.enable", "false"),
    ("zookeeper.session.timeout.ms", "10000"),
    ("num.io.threads", "4"),
];

/// How a broker ends after a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As by SIGTERM.
    Stopped,
    /// As by SIGKILL.
    Killed,
}

/// A part of what is sent to a partition, and how the broker ends after it.
#[derive(Clone, Copy, Debug)]
pub struct Phase {
    /// The label of its cases.
    pub label: &'static str,
    /// How the broker ends.
    pub end: End,
    /// Whether the broker was killed before it.
    pub is_after_a_kill: bool,
}

/// The phases in their order.
pub const PHASES: [Phase; 3] = [
    Phase { label: "from the start", end: End::Stopped, is_after_a_kill: false },
    Phase { label: "after a restart", end: End::Killed, is_after_a_kill: false },
    Phase { label: "after a kill", end: End::Stopped, is_after_a_kill: true },
];

/// Whether answers and files are compared of a topic with these configs. Where a log has several segments,
/// Kafka's recovery after a kill was seen to forget batches of transactions: a marker alone in its segment,
/// so that a later entry of the transaction index has too low a stable offset, and the first batches of an
/// open transaction, so that the last stable offset lies behind them.
pub fn is_compared(phase: &Phase, configs: &[(String, String)]) -> bool {
    !phase.is_after_a_kill || configs.iter().all(|(key, _)| key != "segment.bytes")
}

/// A difference that is there on purpose after a kill: Barnabas still knows a batch that is sent again and is not its
/// producer's last one; of that alone Kafka's snapshot has kept something.
const KNOWN_AGAIN: &str = "Produce: error_code Kafka 45 here 0, base_offset, log_append_time_ms";

/// What differs between two answers to a request, but for what differs on purpose.
pub fn answer_difference(
    phase: &Phase,
    request: &[u8],
    answers: [&Came; 2],
    clocks: Clocks,
) -> Option<Difference> {
    let [kafka, here] = answers;
    let difference = compare::difference(request, kafka, here, clocks)?;
    (!phase.is_after_a_kill || difference.kind != KNOWN_AGAIN).then_some(difference)
}

/// The case that holds the files.
pub const FILES: &str = "files";

/// What a recording has to show, so that it is known to try what it is for: the errors of Produce and of
/// WriteTxnMarkers, and whether a fetch listed aborted transactions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Errors of partitions in answers to Produce.
    pub produce: BTreeSet<i16>,
    /// Errors of partitions in answers to WriteTxnMarkers.
    pub markers: BTreeSet<i16>,
    /// Whether any reader was sent an aborted transaction.
    pub aborted: bool,
}

impl Shown {
    /// Takes in an answer to a request.
    pub fn note(&mut self, request: &[u8], came: &Came) {
        let Came::Answer(answer) = came else { return };
        let header = RequestHeader::decode(&mut Reader::new(Bytes::copy_from_slice(request))).unwrap();
        let (answer, version) = (Bytes::copy_from_slice(answer), header.api_version);
        match header.api_key {
            ApiKey::Produce => {
                let (_, answer) = frame::read_response::<ProduceRequest>(answer, version).unwrap();
                let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
                self.produce.extend(partitions.map(|partition| partition.error_code));
            }
            ApiKey::WriteTxnMarkers => {
                let (_, answer) = frame::read_response::<WriteTxnMarkersRequest>(answer, version).unwrap();
                let topics = answer.markers.iter().flat_map(|marker| &marker.topics);
                self.markers.extend(topics.flat_map(|topic| &topic.partitions).map(|it| it.error_code));
            }
            ApiKey::Fetch => {
                let (_, answer) = frame::read_response::<FetchRequest>(answer, version).unwrap();
                let partitions = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
                let mut aborted = partitions.flat_map(|it| it.aborted_transactions.iter().flatten());
                self.aborted |= aborted.next().is_some();
            }
            _ => {}
        }
    }
}

/// The files of a partition's directory by their names.
pub fn files(directory: &Path) -> Vec<(Vec<u8>, Came)> {
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let named = files.iter().map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        (name.as_bytes().to_vec(), Came::Answer(std::fs::read(path).unwrap()))
    });
    named.collect()
}

/// What differs between the files of a partition, once what the brokers stamp with their clocks is made
/// equal. Of a segment that was rolled for a batch that was then refused, Kafka has no indexes yet, and
/// Barnabas has empty ones.
pub fn difference(kafka: &[(Vec<u8>, Came)], here: &[(Vec<u8>, Came)], clocks: Clocks) -> Option<String> {
    let is_empty = |(_, came): &(Vec<u8>, Came)| *came == Came::Answer(Vec::new());
    let is_extra = |file: &(Vec<u8>, Came)| is_empty(file) && kafka.iter().all(|(name, _)| *name != file.0);
    let here: Vec<_> = here.iter().filter(|file| !is_extra(file)).cloned().collect();
    let names = |files: &[(Vec<u8>, Came)]| -> Vec<String> {
        files.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    };
    let (kafka_names, here_names) = (names(kafka), names(&here));
    if kafka_names != here_names {
        let only = |some: &[String], others: &[String]| -> Vec<String> {
            some.iter().filter(|name| !others.contains(name)).cloned().collect()
        };
        let (kafka, here) = (only(&kafka_names, &here_names), only(&here_names, &kafka_names));
        return Some(format!("only Kafka left {kafka:?}, only Barnabas {here:?}"));
    }
    kafka_names.iter().zip(kafka.iter().zip(&here)).find_map(|(name, ((_, kafka), (_, here)))| {
        let (Came::Answer(kafka), Came::Answer(here)) = (kafka, here) else { return None };
        let found = match name.rsplit_once('.').map_or("", |(_, kind)| kind) {
            "log" => stored::difference(kafka, here, clocks)?,
            "snapshot" => {
                let (kafka, here) = (producers(kafka, clocks.kafka), producers(here, clocks.here));
                (kafka != here).then(|| format!("\n    Kafka {kafka:?}\n    here  {here:?}"))?
            }
            "timeindex" => {
                let (kafka, here) = (times(kafka, clocks.kafka), times(here, clocks.here));
                (kafka != here).then(|| format!("\n    Kafka {kafka:?}\n    here  {here:?}"))?
            }
            _ => (kafka != here).then(|| format!("\n    Kafka {kafka:02x?}\n    here  {here:02x?}"))?,
        };
        Some(format!("{name}: {found}"))
    })
}

/// A snapshot's producers in their order, the time of a marker made equal.
fn producers(snapshot: &[u8], clock: Clock) -> Vec<String> {
    let entries = snapshot::read(snapshot).unwrap().into_iter().map(|mut entry| {
        if clock.is_now(entry.last_timestamp) {
            entry.last_timestamp = 0;
        }
        // It has the time that stands beside it.
        let batches: Vec<_> =
            entry.batches().map(|it| (it.last_sequence, it.last_offset, it.offset_delta)).collect();
        let (id, epoch, coordinator) = (entry.producer_id, entry.epoch, entry.coordinator_epoch);
        format!(
            "{id} {epoch} {coordinator} {} {:?} {batches:?}",
            entry.last_timestamp, entry.transaction_start
        )
    });
    entries.collect()
}

/// The entries of a time index but for those of the broker's clock: which records those are depends on its
/// ticks.
fn times(index: &[u8], clock: Clock) -> Vec<(i64, i32)> {
    let entries = index.chunks_exact(12).map(|entry| {
        let time = i64::from_be_bytes(*entry.first_chunk().unwrap());
        let offset = i32::from_be_bytes(*entry.last_chunk().unwrap());
        (time, offset)
    });
    entries.filter(|(time, _)| !clock.is_now(*time)).collect()
}
