//! What a partition is sent: batches of a few producers that go on, repeat, leave out, begin anew and wrap
//! around, markers of coordinators old and new, and what readers ask.

use barnabas::base::Records;
use barnabas::wire::batch::{BatchBuilder, add_to_sequence};
use barnabas::wire::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use barnabas::wire::message::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest,
};
use bytes::Bytes;
use fastrand::Rng;

use crate::batches::generate::framed;

/// What the topics are made with.
pub const SETTINGS_OF_TOPICS: [&[(&str, &str)]; 5] = [
    &[],
    &[("segment.bytes", "700")],
    &[("message.timestamp.type", "LogAppendTime")],
    &[("segment.bytes", "2000"), ("segment.ms", "9000000000000000"), ("compression.type", "gzip")],
    &[("message.format.version", "0.10.2")],
];

/// Requests of one part of a script, about a third of which are of readers.
const STEPS: usize = 60;
/// Far ahead, so that no producer is forgotten for its age whenever this is played.
const TIME: i64 = 4_000_000_000_000;

/// A producer as far as it is to be believed.
#[derive(Clone, Debug)]
struct Producer {
    id: i64,
    epoch: i16,
    next: i32,
    in_transaction: bool,
    /// What it sent, to be sent again.
    sent: Vec<Bytes>,
}

/// What is sent to a partition, part by part.
pub struct Script {
    rng: Rng,
    producers: Vec<Producer>,
    coordinator_epoch: i32,
    /// About how many records the partition has.
    end: i64,
    time: i64,
}

impl Script {
    /// The script of this number from this seed.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let producer = |(id, next)| Producer { id, epoch: 0, next, in_transaction: false, sent: Vec::new() };
        let firsts = [(7_000, 0), (3, 0), (1 << 40, i32::MAX - rng.i32(0..20)), (12, rng.i32(0..100))];
        let producers = firsts.map(producer).to_vec();
        Self { rng, producers, coordinator_epoch: 5, end: 0, time: TIME }
    }

    /// The frames of its next part, without their lengths.
    pub fn frames(&mut self, topic: &str, partition: i32) -> Vec<Vec<u8>> {
        let mut frames: Vec<_> = (0..STEPS as i32).map(|id| self.step(id, topic, partition)).collect();
        for (at, isolation) in (STEPS as i32..).zip([0, 1]) {
            frames.push(self.fetch(at, topic, partition, 0, isolation));
            frames.push(self.offsets(at + 2, topic, partition, -1, isolation));
        }
        frames
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())]
    }

    fn step(&mut self, id: i32, topic: &str, partition: i32) -> Vec<u8> {
        let isolation = self.one(&[0, 1, 1]);
        let offset = self.rng.i64(0..=self.end.max(1));
        match self.rng.u8(..100) {
            0..56 => self.produce(id, topic, partition),
            56..72 => self.marker(id, topic, partition),
            72..86 => self.fetch(id, topic, partition, offset, isolation),
            86..96 => {
                let time = self.one(&[-1, -2, self.time, self.time - 40, 1]);
                self.offsets(id, topic, partition, time, isolation)
            }
            96..98 => self.delete(id, topic, partition, offset / 2),
            _ => self.delete(id, topic, partition, self.one_of_the_ends()),
        }
    }

    /// The high watermark, or an offset that is none.
    fn one_of_the_ends(&self) -> i64 {
        if self.end % 2 == 0 { -1 } else { 1 << 40 }
    }

    fn produce(&mut self, id: i32, topic: &str, partition: i32) -> Vec<u8> {
        let at = self.rng.usize(..self.producers.len());
        let records = match self.rng.u8(..100) {
            0..12 if !self.producers[at].sent.is_empty() => {
                let sent = self.producers[at].sent.len();
                // The last five are known to be duplicates.
                let back = self.rng.usize(1..=sent.min(7));
                self.producers[at].sent[sent - back].clone()
            }
            12..17 => self.plain(),
            number => self.batch(at, number),
        };
        let (version, acks) = (self.one(&[3, 5, 7, 8]), self.one(&[1, -1]));
        let partitions =
            vec![PartitionProduceData { partition_index: partition, records: Some(Records::from(records)) }];
        let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
        let transactional_id = Some("t".to_owned());
        framed(version, id, &ProduceRequest { transactional_id, acks, timeout_ms: 30_000, topics })
    }

    /// A batch without a producer.
    fn plain(&mut self) -> Bytes {
        self.records(BatchBuilder::new(), 1)
    }

    fn records(&mut self, mut builder: BatchBuilder, count: i32) -> Bytes {
        for _ in 0..count {
            self.time += 10;
            let (key, value) = (self.rng.u8(..).to_be_bytes(), self.time.to_string());
            builder.push(self.time, Some(&key), Some(value.as_bytes()), &[]);
        }
        self.end += i64::from(count);
        builder.build().unwrap()
    }

    /// The next batch of a producer, or one that is odd, as `chance` has it.
    fn batch(&mut self, at: usize, chance: u8) -> Bytes {
        let Producer { mut epoch, next: mut sequence, mut in_transaction, id, .. } = self.producers[at];
        let count = self.one(&[1, 1, 2, 3, 6]);
        let mut is_next = true;
        match chance {
            17..21 => sequence = add_to_sequence(sequence, self.one(&[1, 2, 100])),
            21..24 => sequence = sequence.saturating_sub(self.one(&[1, 2, 3])).max(0),
            24..28 => (epoch, sequence) = (epoch + self.one(&[1, 1, 3]), 0),
            28..30 => epoch += 1,
            30..33 => (epoch, sequence) = (epoch - 1, self.one(&[sequence, 0])),
            33..36 if in_transaction => in_transaction = false,
            36..55 => in_transaction = true,
            _ => {}
        }
        // What has gone wrong is not what the producer believes, unless it bumped its epoch rightly.
        is_next &= !matches!(chance, 17..24 | 28..33) && !(33..36).contains(&chance);
        let builder = BatchBuilder::new().producer(id, epoch, sequence).transactional(in_transaction);
        let records = self.records(builder, count);
        if is_next {
            let producer = &mut self.producers[at];
            (producer.epoch, producer.next) = (epoch, add_to_sequence(sequence, count));
            producer.in_transaction = in_transaction;
            producer.sent.push(records.clone());
        }
        records
    }

    fn marker(&mut self, id: i32, topic: &str, partition: i32) -> Vec<u8> {
        let at = self.rng.usize(..self.producers.len());
        let Producer { id: producer_id, epoch, .. } = self.producers[at];
        let (mut producer_id, mut producer_epoch) = (producer_id, epoch);
        let mut coordinator_epoch = self.coordinator_epoch;
        let mut place = (topic.to_owned(), vec![partition]);
        match self.rng.u8(..40) {
            0..3 => producer_epoch -= 1,
            3..8 => producer_epoch += 1,
            8..11 => coordinator_epoch -= 1,
            11..14 => coordinator_epoch += 1,
            14..16 => producer_id = 999,
            16 => place = ("nowhere".to_owned(), vec![0]),
            17 => place.1 = vec![1_000_000],
            18 => producer_id = -1,
            19 => producer_epoch = -1,
            20 => place.1 = Vec::new(),
            21 => producer_id = -2,
            _ => {}
        }
        if producer_id == self.producers[at].id && place == (topic.to_owned(), vec![partition]) {
            let is_right = producer_epoch >= epoch && coordinator_epoch >= self.coordinator_epoch;
            if is_right {
                let producer = &mut self.producers[at];
                if producer_epoch > producer.epoch {
                    (producer.epoch, producer.next) = (producer_epoch, 0);
                }
                producer.in_transaction = false;
                self.end += 1;
            }
            self.coordinator_epoch = self.coordinator_epoch.max(coordinator_epoch);
        }
        let marker = WritableTxnMarker {
            producer_id,
            producer_epoch,
            transaction_result: self.rng.bool(),
            topics: vec![WritableTxnMarkerTopic { name: place.0, partition_indexes: place.1 }],
            coordinator_epoch,
        };
        framed(0, id, &WriteTxnMarkersRequest { markers: vec![marker] })
    }

    fn fetch(&mut self, id: i32, topic: &str, partition: i32, offset: i64, isolation_level: i8) -> Vec<u8> {
        let partition_max_bytes = self.one(&[300, 1_000, 1 << 20, 1 << 20]);
        let partition =
            FetchPartition { partition, fetch_offset: offset, partition_max_bytes, ..Default::default() };
        let request = FetchRequest {
            replica_id: -1,
            max_bytes: 1 << 20,
            isolation_level,
            session_epoch: -1,
            topics: vec![FetchTopic { topic: topic.to_owned(), partitions: vec![partition] }],
            ..Default::default()
        };
        let version = self.one(&[4, 5, 7, 11]);
        framed(version, id, &request)
    }

    fn offsets(
        &mut self,
        id: i32,
        topic: &str,
        partition: i32,
        timestamp: i64,
        isolation_level: i8,
    ) -> Vec<u8> {
        let partition = ListOffsetPartition { partition_index: partition, timestamp, ..Default::default() };
        let topics = vec![ListOffsetTopic { name: topic.to_owned(), partitions: vec![partition] }];
        let version = self.one(&[2, 4, 5]);
        framed(version, id, &ListOffsetRequest { replica_id: -1, isolation_level, topics })
    }

    fn delete(&mut self, id: i32, topic: &str, partition: i32, offset: i64) -> Vec<u8> {
        let partitions = vec![DeleteRecordsPartition { partition_index: partition, offset }];
        let topics = vec![DeleteRecordsTopic { name: topic.to_owned(), partitions }];
        let version = self.one(&[0, 1, 2]);
        framed(version, id, &DeleteRecordsRequest { topics, timeout_ms: 30_000 })
    }
}
