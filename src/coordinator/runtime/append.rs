//! Gathers what a turn appends into batches.
//!
//! Pure. Records outside of transactions share batches, in their order, up to a size; those of a producer's transaction
//! have one of their own, as a batch names one producer. The replicas may take as long for a batch as the most patient
//! of its appends allows.

use std::time::Duration;

use bytes::Bytes;

use crate::base::Millis;
use crate::coordinator::machine::{CoordinatorRecord, TransactionalProducer};
use crate::wire::batch::{BatchBuilder, BatchError, NO_SEQUENCE};
use crate::wire::compression::Compression;

/// How many bytes of records share a batch, unless one append alone has more: appended at once by the thread that
/// decided on them.
const SHARED: usize = 64 << 10;
/// About what a record takes beside key and value.
const RECORD_OVERHEAD: usize = 16;

/// A batch, and how to go on with each append in it.
#[derive(Debug)]
pub struct GatheredBatch<T> {
    /// The bytes, or why there are none.
    pub records: Result<Bytes, BatchError>,
    /// How long the replicas may take.
    pub timeout: Duration,
    /// The appends, in the order of their records.
    pub appends: Vec<T>,
}

/// What is to be appended at once.
#[derive(Debug)]
pub struct GatheredAppend<'a, T> {
    /// The records.
    pub records: &'a [CoordinatorRecord],
    /// The producer, where they are part of its open transaction.
    pub producer: Option<TransactionalProducer>,
    /// How long the replicas may take.
    pub timeout: Duration,
    /// How to go on with it.
    pub then: T,
}

/// The appends of a turn.
#[derive(Debug)]
pub struct Gathered<T> {
    compression: Compression,
    /// The largest batch that the log takes, in bytes.
    max_batch: usize,
    batches: Vec<GatheredBatch<T>>,
    open: Option<OpenBatch<T>>,
}

#[derive(Debug)]
struct OpenBatch<T> {
    builder: BatchBuilder,
    timeout: Duration,
    appends: Vec<T>,
}

impl<T> Gathered<T> {
    /// Nothing yet.
    pub fn new(compression: Compression, max_batch: usize) -> Self {
        Self { compression, max_batch, batches: Vec::new(), open: None }
    }

    /// Adds an append with its records' time.
    pub fn push(&mut self, now: Millis, append: GatheredAppend<'_, T>) {
        let GatheredAppend { records, producer, timeout, then } = append;
        let size: usize = records.iter().map(size_of).sum();
        if !self.shares(producer, size) {
            self.close();
        }
        let compression = self.compression;
        let open = self.open.get_or_insert_with(|| OpenBatch {
            builder: builder(compression, producer),
            timeout,
            appends: Vec::new(),
        });
        for record in records {
            open.builder.push(now, Some(&record.key), record.value.as_deref(), &[]);
        }
        open.timeout = open.timeout.max(timeout);
        open.appends.push(then);
        if producer.is_some() {
            self.close();
        }
    }

    /// The batches, in order.
    pub fn finish(mut self) -> Vec<GatheredBatch<T>> {
        self.close();
        self.batches
    }

    fn shares(&self, producer: Option<TransactionalProducer>, size: usize) -> bool {
        let used = self.open.as_ref().map_or(0, |open| open.builder.uncompressed_size());
        producer.is_none() && used + size <= SHARED.min(self.max_batch)
    }

    fn close(&mut self) {
        if let Some(OpenBatch { builder, timeout, appends }) = self.open.take() {
            self.batches.push(GatheredBatch { records: builder.build(), timeout, appends });
        }
    }
}

fn size_of(record: &CoordinatorRecord) -> usize {
    record.key.len() + record.value.as_ref().map_or(0, Bytes::len) + RECORD_OVERHEAD
}

fn builder(compression: Compression, producer: Option<TransactionalProducer>) -> BatchBuilder {
    let builder = BatchBuilder::new().compression(compression);
    match producer {
        None => builder,
        Some(TransactionalProducer { id, epoch }) => {
            builder.producer(id, epoch, NO_SEQUENCE).transactional(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::batch::Batch;

    fn record(size: usize) -> CoordinatorRecord {
        CoordinatorRecord { key: Bytes::from_static(b"k"), value: Some(vec![0; size].into()) }
    }

    fn append(
        producer: Option<TransactionalProducer>,
        seconds: u64,
        records: &[CoordinatorRecord],
        then: u8,
    ) -> GatheredAppend<'_, u8> {
        GatheredAppend { records, producer, timeout: Duration::from_secs(seconds), then }
    }

    /// For each batch: its producer, its number of records, its appends.
    fn batches(gathered: Gathered<u8>) -> Vec<(i64, i32, Vec<u8>)> {
        let of = |batch: GatheredBatch<u8>| {
            let parsed = Batch::parse(&batch.records.unwrap()).unwrap();
            let header = parsed.header();
            (header.producer_id, header.record_count, batch.appends)
        };
        gathered.finish().into_iter().map(of).collect()
    }

    #[test]
    fn appends_of_one_turn_share_a_batch_up_to_a_size() {
        let mut gathered = Gathered::new(Compression::None, 1 << 20);
        gathered.push(7, append(None, 5, &[record(10), record(10)], 1));
        gathered.push(7, append(None, 5, &[record(10)], 2));
        gathered.push(7, append(None, 5, &[record(70_000)], 3));
        gathered.push(7, append(None, 5, &[record(1)], 4));
        assert_eq!(batches(gathered), [(-1, 3, vec![1, 2]), (-1, 1, vec![3]), (-1, 1, vec![4])]);
    }

    #[test]
    fn a_transactions_records_have_a_batch_of_their_own() {
        let producer = Some(TransactionalProducer { id: 5, epoch: 0 });
        let mut gathered = Gathered::new(Compression::None, 1 << 20);
        gathered.push(7, append(None, 5, &[record(1)], 1));
        gathered.push(7, append(producer, 5, &[record(1)], 2));
        gathered.push(7, append(producer, 5, &[record(1)], 3));
        gathered.push(7, append(None, 5, &[record(1)], 4));
        assert_eq!(batches(gathered), [(-1, 1, vec![1]), (5, 1, vec![2]), (5, 1, vec![3]), (-1, 1, vec![4])]);
    }

    #[test]
    fn no_batch_exceeds_the_logs_limit_unless_one_append_does() {
        let mut gathered = Gathered::new(Compression::None, 200);
        gathered.push(7, append(None, 5, &[record(100)], 1));
        gathered.push(7, append(None, 5, &[record(100)], 2));
        gathered.push(7, append(None, 5, &[record(500)], 3));
        assert_eq!(batches(gathered), [(-1, 1, vec![1]), (-1, 1, vec![2]), (-1, 1, vec![3])]);
    }

    #[test]
    fn a_batch_may_take_as_long_as_any_of_its_appends() {
        let mut gathered = Gathered::new(Compression::None, 1 << 20);
        gathered.push(7, append(None, 5, &[record(1)], 1));
        gathered.push(7, append(None, 60, &[record(1)], 2));
        gathered.push(7, append(None, 30, &[record(1)], 3));
        let timeouts: Vec<_> = gathered.finish().iter().map(|batch| batch.timeout.as_secs()).collect();
        assert_eq!(timeouts, [60]);
    }
}
