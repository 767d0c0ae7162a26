//! Cases: a Produce request to a topic of some settings, and what is read after it.

use barnabas::base::Records;
use barnabas::wire::frame;
use barnabas::wire::message::Request;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use bytes::Bytes;

use super::batch::batch;
use super::legacy;
use super::maker::{Focus, Maker};
use super::reads::Read;
use super::settings::{SETTINGS, Setting};
use crate::support::batches::codec::Codec;

/// How many cases go to one partition, one after the other.
pub const CHUNK: u64 = 40;
/// The timestamp of the first case, and how far that of the next is behind it.
const FIRST: i64 = 1_600_000_000_000;
const STEP: i64 = 100_000;

const ODD_REQUEST: [&str; 17] = [
    "partition-twice",
    "topic-twice",
    "two-batches",
    "batch-and-noise",
    "no-records",
    "empty-records",
    "acks-0",
    "acks-all",
    "acks-2",
    "acks-negative",
    "timeout-0",
    "timeout-negative",
    "transactional-id",
    "unknown-partition",
    "negative-partition",
    "unknown-topic",
    "version-of-another-format",
];

/// What is sent to one partition.
type Piece = (String, i32, Option<Vec<u8>>);

/// A case.
pub struct Case {
    /// Its number.
    pub number: u64,
    /// What is odd about it.
    pub label: String,
    version: i16,
    acks: i16,
    timeout_ms: i32,
    transactional_id: Option<String>,
    odd_request: &'static str,
    records: Vec<Option<Vec<u8>>>,
    reads: Vec<Read>,
}

/// The timestamp of a case, in milliseconds since the epoch.
pub fn timestamp(number: u64) -> i64 {
    FIRST + number as i64 * STEP
}

/// The settings of the topic that a chunk of cases goes to.
pub fn setting(chunk: u64) -> Setting {
    SETTINGS[(chunk % SETTINGS.len() as u64) as usize]
}

impl Case {
    /// The case of this number from this seed.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut maker = Maker::new(seed, number);
        let maker = &mut maker;
        let mut time = timestamp(number);
        if maker.once_in(30) {
            time = *maker.one(&[0, 1_000, -1, 4_000_000_000_000]);
            maker.note("another-time");
        }
        let (version, magic) = version(maker);
        let mut odd_request = "";
        if maker.is_odd(Focus::Request) {
            odd_request = *maker.one(&ODD_REQUEST);
            maker.note(odd_request);
        }
        let mut set = || Some(records(magic, time, number as i64, maker));
        let records = match odd_request {
            "partition-twice" | "topic-twice" => vec![set(), set()],
            "two-batches" => vec![Some([set(), set()].into_iter().flatten().flatten().collect())],
            "batch-and-noise" => {
                let mut bytes = set();
                let noise = Maker::new(seed, !number).noise(1 + number as usize % 30);
                bytes.iter_mut().for_each(|bytes| bytes.extend(&noise));
                vec![bytes]
            }
            "no-records" => vec![None],
            "empty-records" => vec![Some(Vec::new())],
            _ => vec![set()],
        };
        let acks = match odd_request {
            "acks-0" => 0,
            "acks-all" => -1,
            "acks-2" => 2,
            "acks-negative" => -2,
            _ => *maker.one(&[1, -1]),
        };
        let timeout_ms = match odd_request {
            "timeout-0" => 0,
            "timeout-negative" => -1,
            _ => 30_000,
        };
        let transactional = odd_request == "transactional-id" && version >= 3;
        let reads = (0..3).map(|_| Read::new(time, maker)).collect();
        let codec_and_format = format!("v{version} format {magic}");
        Self {
            number,
            label: format!("{codec_and_format}: {}", maker.odd()),
            version,
            acks,
            timeout_ms,
            transactional_id: transactional.then(|| "transaction".to_owned()),
            odd_request,
            records,
            reads,
        }
    }

    /// The Produce request and all reads as frames without their lengths, the last of them for the partition's end;
    /// `end` is where it ends before.
    pub fn frames(&self, topic: &str, partition: i32, end: i64) -> Vec<Vec<u8>> {
        let (all, last) = (Read::all(), Read::end());
        let reads = std::iter::once(&all).chain(&self.reads).chain(std::iter::once(&last));
        let reads = (2..).zip(reads).map(|(id, read)| read.frame(id, topic, partition, end));
        std::iter::once(self.produce(topic, partition)).chain(reads).collect()
    }

    fn produce(&self, topic: &str, partition: i32) -> Vec<u8> {
        let place = match self.odd_request {
            "unknown-partition" => (topic.to_owned(), 1_000_000),
            "negative-partition" => (topic.to_owned(), -1),
            "unknown-topic" => ("nowhere".to_owned(), 0),
            _ => (topic.to_owned(), partition),
        };
        let pieces: Vec<Piece> =
            self.records.iter().map(|records| (place.0.clone(), place.1, records.clone())).collect();
        let data = |(_, partition_index, records): &Piece| PartitionProduceData {
            partition_index: *partition_index,
            records: records.clone().map(|records| Records::from(Bytes::from(records))),
        };
        let topics = if self.odd_request == "topic-twice" {
            let topic =
                |piece: &Piece| TopicProduceData { name: piece.0.clone(), partitions: vec![data(piece)] };
            pieces.iter().map(topic).collect()
        } else {
            vec![TopicProduceData { name: place.0.clone(), partitions: pieces.iter().map(data).collect() }]
        };
        let request = ProduceRequest {
            transactional_id: self.transactional_id.clone(),
            acks: self.acks,
            timeout_ms: self.timeout_ms,
            topics,
        };
        framed(self.version, 1, &request)
    }
}

/// A request as it stands behind its length.
pub fn framed<R: Request>(version: i16, id: i32, request: &R) -> Vec<u8> {
    let pieces = frame::request(version, id, Some("batches"), request).unwrap();
    let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.read().unwrap()).collect();
    bytes[frame::PREFIX..].to_vec()
}

/// A version of Produce, and the format of what is sent in it: that of its clients, or another.
fn version(maker: &mut Maker) -> (i16, u8) {
    let version = *maker.one(&[0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 7, 8, 8, 8, 8]);
    let magic = match version {
        0..=1 => 0,
        2 if maker.once_in(4) => 0,
        2 => 1,
        _ => 2,
    };
    if maker.is_odd(Focus::Request) && maker.once_in(6) {
        maker.note("another-format");
        return (version, maker.rng.u8(0..3));
    }
    (version, magic)
}

fn records(magic: u8, time: i64, number: i64, maker: &mut Maker) -> Vec<u8> {
    let is_framing = maker.is_odd(Focus::Framing);
    let codecs = match magic {
        2 => &Codec::ALL[usize::from(is_framing)..],
        _ => &Codec::ALL[usize::from(is_framing)..4],
    };
    let codec = *maker.one(codecs);
    let mut bytes = match magic {
        2 => batch(codec, time, number, maker),
        magic => legacy::set(magic, codec, time, maker),
    };
    if maker.is_odd(Focus::Bytes) && !bytes.is_empty() {
        maker.note("flip");
        let at = if magic == 2 { bytes.len().min(*maker.one(&[0, 12, 21, 57, 61])) } else { 0 };
        for _ in 0..maker.rng.usize(1..4) {
            maker.flip(&mut bytes[at..]);
        }
        if maker.rng.u8(..4) > 0 {
            maker.note("checksum-right");
            with_right_checksum(&mut bytes);
        }
    }
    bytes
}

/// Makes the checksum of the first batch or message right again, where its length can be true.
fn with_right_checksum(bytes: &mut [u8]) {
    let Some(length) = bytes.get(8..12) else { return };
    let length = i32::from_be_bytes(length.try_into().unwrap());
    let end = usize::try_from(length).unwrap_or(0).saturating_add(12).min(bytes.len());
    if end < 26 {
        return;
    }
    if bytes[16] < 2 {
        let checksum = crc32fast::hash(&bytes[16..end]);
        bytes[12..16].copy_from_slice(&checksum.to_be_bytes());
    } else {
        let checksum = crc32c::crc32c(&bytes[21..end]);
        bytes[17..21].copy_from_slice(&checksum.to_be_bytes());
    }
}
