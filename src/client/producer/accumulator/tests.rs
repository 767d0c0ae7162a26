use super::*;
use crate::client::producer::batch::BatchIdentity;
use crate::client::producer::transaction_manager::{
    TransactionManager, TransactionManagerSettings, TransactionalAnswer, WrittenOrNot,
};
use crate::wire::batch::Batch;

const TIMEOUT: Millis = 1000;

/// The accumulator of topic `t`, whose partitions 0 and 1 the brokers 10 and 11 lead; batches are completed by number.
struct Bench {
    accumulator: RecordAccumulator<u32>,
    topic: u32,
    made: u32,
}

fn settings() -> AccumulatorSettings {
    AccumulatorSettings {
        batch_size: 400,
        linger: 10,
        retry_backoff: 50,
        delivery_timeout: TIMEOUT,
        compression: Compression::None,
        compression_level: None,
        mutes_partitions: false,
    }
}

impl Bench {
    fn new(settings: AccumulatorSettings) -> Self {
        let mut accumulator = RecordAccumulator::new(settings);
        let topic = accumulator.set_leaders(&"t".into(), vec![Some(10), Some(11)], 0);
        Self { accumulator, topic, made: 0 }
    }

    fn add(&mut self, partition: i32, size: usize, now: Millis) -> AppendedRecord<u32> {
        self.try_add(partition, size, now, NewBatch::Begin).unwrap()
    }

    fn try_add(
        &mut self,
        partition: i32,
        size: usize,
        now: Millis,
        new_batch: NewBatch,
    ) -> Option<AppendedRecord<u32>> {
        let record = ProducerRecord::new("t", vec![b'x'; size]);
        let made = &mut self.made;
        self.accumulator.append((self.topic, partition), &record, record.size_bound(), now, new_batch, |_| {
            *made += 1;
            *made
        })
    }

    fn drain(&mut self, broker: BrokerId, now: Millis) -> Vec<DrainedBatch> {
        self.accumulator.advance(now);
        self.accumulator.drain(broker, 1_000_000, now, None)
    }

    fn retry(&mut self, drained: DrainedBatch, now: Millis) {
        self.accumulator.retry(drained.slot, drained.id, drained.payload, now);
    }

    fn complete(&mut self, drained: &DrainedBatch, now: Millis) -> u32 {
        self.accumulator.complete(drained.slot, drained.id, now).unwrap().completion
    }
}

fn partitions(drained: &[DrainedBatch]) -> Vec<i32> {
    drained.iter().map(|batch| batch.partition.partition).collect()
}

#[test]
fn a_batch_leaves_when_it_is_full_or_has_lingered() {
    let mut bench = Bench::new(settings());
    let first = bench.add(0, 100, 0);
    assert_eq!((first.index, first.is_first, first.is_full), (0, true, false));
    let second = bench.add(0, 10, 1);
    assert_eq!((second.index, second.is_first, second.completion), (1, false, first.completion));
    assert_eq!(bench.accumulator.advance(9), Some(10));
    assert!(bench.accumulator.drain(10, 1000, 9, None).is_empty());
    let drained = bench.drain(10, 10);
    assert_eq!((drained.len(), drained[0].records, drained[0].queued), (1, 2, 10));
    assert!(!bench.accumulator.is_empty(), "it is on its way");
    assert_eq!(bench.complete(&drained[0], 11), first.completion);
    assert!(bench.accumulator.is_empty());

    assert!(!bench.add(0, 200, 20).is_full);
    assert!(bench.add(0, 200, 20).is_full, "a second batch was begun");
    assert_eq!(bench.accumulator.take_newly_ready(), [10]);
    let drained = bench.drain(10, 20);
    assert_eq!(drained.len(), 1, "one batch of a partition in a request");
    assert!(bench.drain(10, 29).is_empty(), "the second batch lingers");
    assert_eq!(bench.drain(10, 30).len(), 1);
}

#[test]
fn a_record_that_begins_a_batch_can_be_refused() {
    let mut bench = Bench::new(settings());
    assert!(bench.try_add(0, 100, 0, NewBatch::Refuse).is_none());
    bench.add(0, 100, 0);
    assert!(bench.try_add(0, 100, 0, NewBatch::Refuse).is_some());
    assert!(bench.try_add(0, 300, 0, NewBatch::Refuse).is_none());
    assert_eq!(bench.made, 1);
}

#[test]
fn a_flush_hurries_what_lingers_and_is_over_with_the_last_of_it() {
    let mut bench = Bench::new(settings());
    bench.add(0, 10, 0);
    bench.add(1, 10, 0);
    assert!(bench.drain(10, 0).is_empty());
    let mark = bench.accumulator.flush_mark();
    bench.accumulator.hurry(true, 0);
    let (first, second) = (bench.drain(10, 0).remove(0), bench.drain(11, 0).remove(0));
    bench.add(0, 10, 1);
    assert_eq!(bench.drain(10, 1).len(), 1, "nothing lingers meanwhile");
    bench.complete(&second, 2);
    assert!(!bench.accumulator.has_passed(mark));
    bench.complete(&first, 2);
    assert!(bench.accumulator.has_passed(mark), "the batch that was begun later does not count");
}

#[test]
fn a_request_has_one_batch_at_least_and_then_no_more_than_its_size() {
    let mut bench = Bench::new(settings());
    let topic = bench.accumulator.set_leaders(&"t".into(), vec![Some(10); 4], 0);
    assert_eq!(topic, bench.topic);
    for partition in 0..4 {
        bench.add(partition, 300, 0);
    }
    bench.accumulator.hurry(true, 0);
    let size = |bench: &mut Bench, most| partitions(&bench.accumulator.drain(10, most, 0, None));
    assert_eq!(size(&mut bench, 10), [0]);
    assert_eq!(size(&mut bench, 800), [1, 2]);
    assert_eq!(size(&mut bench, 800), [3]);
}

#[test]
fn what_failed_goes_again_first_and_not_too_early() {
    let mut bench = Bench::new(settings());
    for _ in 0..3 {
        bench.add(0, 380, 0);
    }
    bench.accumulator.hurry(true, 0);
    let first = bench.drain(10, 0).remove(0);
    let second = bench.drain(10, 0).remove(0);
    let (first_id, second_id) = (first.id, second.id);
    // Their answers come in the other order.
    bench.retry(second, 5);
    bench.retry(first, 7);
    assert!(bench.drain(10, 56).is_empty(), "nor may the third overtake");
    assert_eq!(bench.accumulator.advance(56), Some(57));
    assert_eq!(bench.drain(10, 57)[0].id, first_id);
    assert_eq!(bench.drain(10, 57)[0].id, second_id);
    assert_eq!(bench.drain(10, 57).len(), 1);
}

#[test]
fn a_muted_partition_has_one_batch_on_its_way() {
    let mut bench = Bench::new(AccumulatorSettings { mutes_partitions: true, linger: 0, ..settings() });
    bench.add(0, 380, 0);
    bench.add(0, 380, 0);
    let first = bench.drain(10, 0).remove(0);
    assert!(bench.drain(10, 0).is_empty());
    bench.complete(&first, 1);
    assert_eq!(bench.accumulator.take_newly_ready(), [10]);
    assert_eq!(bench.drain(10, 1).len(), 1);
}

#[test]
fn batches_move_with_the_leader_of_their_partition() {
    let mut bench = Bench::new(AccumulatorSettings { linger: 0, ..settings() });
    bench.add(0, 10, 0);
    bench.add(1, 10, 0);
    bench.accumulator.take_newly_ready();
    bench.accumulator.set_leaders(&"t".into(), vec![Some(11), Some(11)], 1);
    assert_eq!(bench.accumulator.take_newly_ready(), [11]);
    assert!(bench.drain(10, 1).is_empty());
    let moved = bench.drain(11, 1);
    assert_eq!(partitions(&moved), [1, 0]);

    // A leader that is not known is waited for.
    bench.accumulator.forget_leader(moved[1].slot);
    bench.add(0, 10, 2);
    assert_eq!(bench.accumulator.leaderless_topics(), ["t".into()]);
    assert!(bench.drain(11, 2).is_empty());
    bench.accumulator.set_leaders(&"t".into(), vec![Some(10), None], 3);
    assert!(bench.accumulator.leaderless_topics().is_empty());
    assert_eq!(partitions(&bench.drain(10, 3)), [0]);
    // There and back again: each partition is listed once.
    bench.add(0, 10, 4);
    for leader in [11, 10, 11, 10] {
        bench.accumulator.set_leaders(&"t".into(), vec![Some(leader), None], 4);
    }
    assert_eq!(partitions(&bench.drain(10, 4)), [0]);
}

#[test]
fn batches_expire_in_order_on_their_way_or_not() {
    let mut bench = Bench::new(settings());
    bench.add(0, 380, 0);
    bench.add(0, 380, 5);
    bench.add(1, 10, 7);
    bench.accumulator.hurry(true, 7);
    let sent = bench.drain(10, 7).remove(0);
    let (none, next) = bench.accumulator.expire(TIMEOUT - 1);
    assert!(none.is_empty());
    assert_eq!(next, Some(TIMEOUT));
    let (expired, _) = bench.accumulator.expire(TIMEOUT + 5);
    let ids: Vec<_> =
        expired.iter().map(|ended| (ended.partition.partition, ended.batch.completion)).collect();
    assert_eq!(ids, [(0, 1), (0, 2)]);
    assert!(
        bench.accumulator.complete(sent.slot, sent.id, TIMEOUT + 6).is_none(),
        "the answer comes too late"
    );
    let (expired, next) = bench.accumulator.expire(TIMEOUT + 7);
    assert_eq!((expired.len(), next), (1, None));
    assert!(bench.accumulator.is_empty());
}

#[test]
fn a_batch_that_is_too_large_comes_back_in_pieces_in_its_place() {
    let mut bench = Bench::new(settings());
    for _ in 0..4 {
        bench.add(0, 60, 0);
    }
    bench.add(0, 380, 0);
    bench.accumulator.hurry(true, 0);
    let whole = bench.drain(10, 0).remove(0);
    assert_eq!(whole.records, 4);
    let BatchPayload::Open(builder) = whole.payload else { panic!("it was not sent before") };
    let batch = Batch::parse(&builder.build().unwrap()).unwrap();
    let SplitBatch { whole: completion, pieces } =
        bench.accumulator.split(whole.slot, whole.id, &batch, 1, |_| 100).unwrap().unwrap();
    assert_eq!(
        (completion, pieces.iter().map(|piece| piece.records).collect::<Vec<_>>()),
        (1, vec![1, 1, 1, 1])
    );
    let reserved: Vec<_> = (0..5)
        .map(|_| {
            let drained = bench.drain(10, 1).remove(0);
            let batch = bench.accumulator.complete(drained.slot, drained.id, 1).unwrap();
            (batch.completion, batch.records, batch.reserved)
        })
        .collect();
    assert_eq!(reserved, [(100, 1, 84), (100, 1, 84), (100, 1, 84), (100, 1, 84), (2, 1, 405)]);
    assert!(bench.accumulator.is_empty());
}

#[test]
fn aborting_takes_what_waits_or_all() {
    let mut bench = Bench::new(AccumulatorSettings { linger: 0, ..settings() });
    bench.add(0, 380, 0);
    bench.add(0, 380, 0);
    bench.drain(10, 0);
    assert_eq!(bench.accumulator.abort(BatchScope::Waiting, 0, |_, _| true).len(), 1);
    assert_eq!(bench.accumulator.abort(BatchScope::All, 0, |_, _| true).len(), 1);
    assert!(bench.accumulator.is_empty() && bench.drain(10, 0).is_empty());
}

#[test]
fn a_partition_that_enters_a_transaction_is_noted_once() {
    let mut bench = Bench::new(settings());
    let slot = (bench.topic, 0);
    assert!(bench.accumulator.enters(slot, 1) && !bench.accumulator.enters(slot, 1));
    assert!(bench.accumulator.enters(slot, 2));
}

/// An idempotent producer with five requests in flight.
#[test]
fn in_flight_batches_are_sent_again_in_their_order() {
    let mut manager =
        TransactionManager::new(TransactionManagerSettings { transactional_id: None, retry_backoff: 50 });
    let mut bench = Bench::new(AccumulatorSettings { linger: 0, ..settings() });
    bench.add(0, 380, 0);
    assert!(bench.accumulator.drain(10, 1000, 0, Some(&mut manager)).is_empty(), "without a producer id");
    manager.bump_idempotent_epoch();
    manager.next_request(0, false).unwrap();
    let producer = crate::client::producer::batch::ProducerIdAndEpoch { id: 7, epoch: 0 };
    manager.answered(TransactionalAnswer::Producer(producer), 0);
    bench.accumulator.unblock(0);
    // The first one goes alone, as the broker does not know the producer.
    let known = bench.accumulator.drain(10, 1000, 0, Some(&mut manager)).remove(0);
    bench.add(0, 380, 0);
    assert!(bench.accumulator.drain(10, 1000, 0, Some(&mut manager)).is_empty());
    manager.batch_completed(&known.partition, known.id, known.identity.unwrap(), 1, Some(0));
    bench.complete(&known, 0);
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.extend(bench.accumulator.drain(10, 1000, 0, Some(&mut manager)));
        bench.add(0, 380, 0);
    }
    let first =
        |batch: &DrainedBatch| batch.identity.map(|BatchIdentity { first_sequence, .. }| first_sequence);
    assert_eq!(sent.iter().map(first).collect::<Vec<_>>(), [Some(1), Some(2), Some(3), Some(4), Some(5)]);
    // The first one has failed, the others are out of order then.
    let ids: Vec<_> = sent.iter().map(|batch| batch.id).collect();
    for batch in sent.drain(..) {
        bench.retry(batch, 1);
    }
    let mut last = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let again = bench.accumulator.drain(10, 1000, 51, Some(&mut manager));
        bench.accumulator.advance(51);
        let again =
            if again.is_empty() { bench.accumulator.drain(10, 1000, 51, Some(&mut manager)) } else { again };
        assert_eq!((again.len(), again[0].id, first(&again[0])), (1, *id, Some(at as i32 + 1)));
        // Those behind it wait for its answer, as it is not known whether they are in order.
        let behind = bench.accumulator.drain(10, 1000, 51, Some(&mut manager));
        assert!(at == 4 || behind.is_empty());
        last.extend(behind);
        let identity = again[0].identity.unwrap();
        manager.batch_completed(&again[0].partition, *id, identity, 1, Some(at as i64 + 1));
        bench.complete(&again[0], 52);
    }
    // A batch without a sequence may follow the last one at once.
    let last = last.remove(0);
    assert_eq!(first(&last), Some(6));
    // It is refused for good: the epoch is raised, and what follows begins at 0.
    let refused = crate::client::ClientError::refused(crate::wire::error_code::ErrorCode::InvalidRecord);
    manager.batch_failed(&last.partition, last.id, &refused, WrittenOrNot::NotWritten);
    bench.complete(&last, 53);
    manager.bump_idempotent_epoch();
    bench.add(0, 10, 54);
    let next = bench.accumulator.drain(10, 1000, 54, Some(&mut manager)).remove(0);
    let identity = next.identity.unwrap();
    assert_eq!((identity.producer.epoch, identity.first_sequence), (1, 0));
}
