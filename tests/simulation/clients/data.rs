//! A partition that clients write to and read: the log of its present leader, how much of it is replicated, and what
//! the leader knows of producers.

use std::collections::BTreeMap;

use barnabas::base::{BrokerId, LeaderEpoch, Offset, ProducerEpoch, ProducerId, TopicPartition};
use barnabas::log::producers::{Change, Producers};
use barnabas::log::validate::AppendOrigin;
use barnabas::wire::batch::Batch;
use barnabas::wire::control::EndTransactionMarker;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::fetch::AbortedTransaction;
use bytes::Bytes;
use fastrand::Rng;

/// How many batches an unclean election loses at most.
const MOST_LOST: usize = 6;

/// Where a batch is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The leader epoch in which the leader took it.
    pub epoch: LeaderEpoch,
    /// The first offset.
    pub base: Offset,
    /// The offset after it.
    pub end: Offset,
}

/// A record in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub offset: Offset,
    pub value: u64,
    pub producer: ProducerId,
    pub is_transactional: bool,
}

/// The partition.
#[derive(Debug)]
pub struct DataPartition {
    pub id: TopicPartition,
    pub leader: BrokerId,
    pub epoch: LeaderEpoch,
    log: Vec<Batch>,
    /// The records of the log.
    stored: Vec<Stored>,
    high_watermark: Offset,
    producers: Producers,
    /// How many bytes a batch may have.
    largest: usize,
}

fn no_producers(id: &TopicPartition) -> Producers {
    Producers::new(id.clone(), 1_000_000_000)
}

/// The number that a record's value begins with.
pub fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value[..8].try_into().expect("a value begins with its number"))
}

impl DataPartition {
    pub fn new(number: i32, leader: BrokerId, largest: usize) -> Self {
        let id = TopicPartition::new("t", number);
        let producers = no_producers(&id);
        let (log, stored) = (Vec::new(), Vec::new());
        Self { leader, epoch: 0, log, stored, high_watermark: 0, producers, largest, id }
    }

    /// Where the log ends.
    pub fn end(&self) -> Offset {
        self.log.last().map_or(0, |batch| batch.header().next_offset())
    }

    /// Up to where it is replicated.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// The leader appends a client's batch, or finds that it has it.
    pub fn append(&mut self, bytes: &Bytes) -> Result<Appended, ErrorCode> {
        let batch = Batch::parse(bytes).expect("a client sends whole batches");
        if bytes.len() > self.largest {
            return Err(ErrorCode::MessageTooLarge);
        }
        if let Some(known) = self.producers.duplicate_of(batch.header()) {
            let (base, end) = (known.first_offset(), known.last_offset + 1);
            return Ok(Appended { epoch: self.epoch, base, end });
        }
        self.push(&batch, AppendOrigin::Client)
    }

    fn push(&mut self, batch: &Batch, origin: AppendOrigin) -> Result<Appended, ErrorCode> {
        let base = self.end();
        let stamped = Bytes::from(batch.restamped(base, self.epoch).concat());
        let batch = Batch::parse(&stamped).expect("it was whole before");
        self.account(&batch, origin)?;
        let end = batch.header().next_offset();
        self.stored.extend(records_of(&batch));
        self.log.push(batch);
        Ok(Appended { epoch: self.epoch, base, end })
    }

    fn account(&mut self, batch: &Batch, origin: AppendOrigin) -> Result<(), ErrorCode> {
        let mut change = Change::new(origin);
        let marker = EndTransactionMarker::of_batch(batch).expect("a control batch of this simulation");
        change.append(&self.producers, batch.header(), marker).map_err(|error| ErrorCode::from(&error))?;
        self.producers.apply(change);
        Ok(())
    }

    /// The leader appends the marker that ends a producer's transaction, at once on all replicas.
    pub fn append_marker(
        &mut self,
        (id, epoch): (ProducerId, ProducerEpoch),
        marker: EndTransactionMarker,
    ) -> Result<(), ErrorCode> {
        let bytes = marker.batch(0, id, epoch).expect("a marker is a batch");
        let batch = Batch::parse(&bytes).expect("a marker is a batch");
        self.push(&batch, AppendOrigin::Coordinator)?;
        self.high_watermark = self.end();
        Ok(())
    }

    /// Whether what was appended is on all replicas; an error where it is not known whether it ever will be.
    pub fn is_replicated(&self, appended: Appended) -> Result<bool, ErrorCode> {
        if appended.epoch != self.epoch {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        Ok(appended.end <= self.high_watermark)
    }

    /// More of the log is replicated.
    pub fn replicate(&mut self, rng: &mut Rng) {
        let ends: Vec<_> = self.log.iter().map(|batch| batch.header().next_offset()).collect();
        let candidates = ends.into_iter().filter(|end| *end > self.high_watermark);
        if let Some(end) = rng.choice(candidates.collect::<Vec<_>>()) {
            self.high_watermark = end;
        }
    }

    /// All of the log is replicated.
    pub fn replicate_all(&mut self) {
        self.high_watermark = self.end();
    }

    /// Another broker leads, with all that is replicated and some of what is not.
    pub fn fail_over(&mut self, leader: BrokerId, rng: &mut Rng) {
        let committed = self.log.partition_point(|batch| batch.header().next_offset() <= self.high_watermark);
        self.lead_with(leader, rng.usize(committed..=self.log.len()));
    }

    /// Another broker leads, which was not in sync: the last batches may be gone though they were replicated.
    pub fn fail_over_uncleanly(&mut self, leader: BrokerId, rng: &mut Rng) {
        let oldest = self.log.len().saturating_sub(MOST_LOST);
        self.lead_with(leader, rng.usize(oldest..=self.log.len()));
        self.high_watermark = self.high_watermark.min(self.end());
    }

    /// A broker leads that has so many batches.
    fn lead_with(&mut self, leader: BrokerId, batches: usize) {
        self.log.truncate(batches);
        let end = self.end();
        self.stored.retain(|record| record.offset < end);
        self.epoch += 1;
        self.leader = leader;
        self.producers = no_producers(&self.id);
        for batch in self.log.clone() {
            self.account(&batch, AppendOrigin::Replication).expect("what a leader accepted is accepted");
        }
    }

    /// The records in their order.
    pub fn records(&self) -> &[Stored] {
        &self.stored
    }

    /// The record at an offset.
    pub fn value_at(&self, offset: Offset) -> Option<u64> {
        let at = self.stored.binary_search_by_key(&offset, |it| it.offset).ok()?;
        Some(self.stored[at].value)
    }

    /// Appends a writer's batch, or a marker, without a check.
    pub fn write(&mut self, bytes: &Bytes) {
        let batch = Batch::parse(bytes).expect("batches of this simulation can be read");
        self.push(&batch, AppendOrigin::Replication).expect("what a leader accepted is accepted");
    }

    /// The offset below which no transaction is open, at most the high watermark.
    pub fn last_stable_offset(&self) -> Offset {
        let open = self.open_before(self.high_watermark);
        open.into_values().min().unwrap_or(self.high_watermark)
    }

    /// The producers whose transactions are open, with the first offsets of these.
    pub fn open_transactions(&self) -> BTreeMap<ProducerId, Offset> {
        self.open_before(self.end())
    }

    /// The same of the log up to an offset.
    fn open_before(&self, end: Offset) -> BTreeMap<ProducerId, Offset> {
        let mut open = BTreeMap::<ProducerId, Offset>::new();
        for batch in self.log.iter().filter(|batch| batch.header().base_offset < end) {
            let header = batch.header();
            if header.is_control() {
                open.remove(&header.producer_id);
            } else if header.is_transactional() {
                open.entry(header.producer_id).or_insert(header.base_offset);
            }
        }
        open
    }

    /// Whole batches from an offset on: up to `most` bytes, one batch at least.
    pub fn read(&self, from: Offset, most: usize, read_committed: bool) -> Bytes {
        let limit = if read_committed { self.last_stable_offset() } else { self.high_watermark };
        let wanted = self.log.iter().filter(|batch| {
            let header = batch.header();
            header.next_offset() > from && header.next_offset() <= limit
        });
        let mut read = Vec::new();
        for batch in wanted {
            if !read.is_empty() && read.len() + batch.bytes().len() > most {
                break;
            }
            read.extend_from_slice(batch.bytes());
        }
        read.into()
    }

    /// The transactions that were aborted behind an offset.
    pub fn aborted(&self, from: Offset) -> Vec<AbortedTransaction> {
        let (mut open, mut aborted) = (BTreeMap::<ProducerId, Offset>::new(), Vec::new());
        for batch in &self.log {
            let header = batch.header();
            let producer_id = header.producer_id;
            if let Ok(Some(marker)) = EndTransactionMarker::of_batch(batch) {
                let first = open.remove(&producer_id);
                if let Some(first_offset) = first.filter(|_| !marker.committed && header.base_offset >= from)
                {
                    aborted.push(AbortedTransaction { producer_id, first_offset });
                }
            } else if header.is_transactional() {
                open.entry(producer_id).or_insert(header.base_offset);
            }
        }
        aborted
    }

    /// The largest epoch in the log that is not above this one, and where it ends; -1 for none.
    pub fn end_of_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        if epoch == self.epoch {
            return (epoch, self.end());
        }
        let headers = || self.log.iter().map(Batch::header);
        let later = headers().find(|header| header.leader_epoch > epoch);
        let found = headers().map(|header| header.leader_epoch).filter(|it| *it <= epoch).max();
        match found {
            Some(found) => (found, later.map_or(self.end(), |header| header.base_offset)),
            None => (-1, -1),
        }
    }

    /// How the transaction of each record has ended, by value: None where it is open. Records outside of transactions
    /// count as committed.
    pub fn fates(&self) -> BTreeMap<u64, Option<bool>> {
        let (mut fates, mut open) = (BTreeMap::new(), BTreeMap::<ProducerId, Vec<u64>>::new());
        let mut records = self.stored.iter().peekable();
        for batch in &self.log {
            let header = batch.header();
            if let Ok(Some(marker)) = EndTransactionMarker::of_batch(batch) {
                for value in open.remove(&header.producer_id).unwrap_or_default() {
                    fates.insert(value, Some(marker.committed));
                }
                continue;
            }
            while let Some(record) = records.next_if(|it| it.offset < header.next_offset()) {
                fates.insert(record.value, (!record.is_transactional).then_some(true));
                if record.is_transactional {
                    open.entry(record.producer).or_default().push(record.value);
                }
            }
        }
        fates
    }
}

fn records_of(batch: &Batch) -> Vec<Stored> {
    let header = batch.header();
    if header.is_control() {
        return Vec::new();
    }
    let (producer, is_transactional) = (header.producer_id, header.is_transactional());
    let records = batch.all_records().expect("batches of this simulation can be read");
    let stored = records.into_iter().map(|record| Stored {
        offset: record.offset,
        value: number(record.value.as_deref().expect("records of this simulation have values")),
        producer,
        is_transactional,
    });
    stored.collect()
}
