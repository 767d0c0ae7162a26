//! Producers that write in one transaction after the other.

use std::thread;
use std::time::{Duration, Instant};

use barnabas::base::{Clock, Records};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use barnabas::wire::message::end_txn::EndTxnRequest;
use barnabas::wire::message::init_producer_id::InitProducerIdRequest;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use crate::Figures;
use crate::group::{Key, coordinator, is_loading};
use crate::members::{Members, assigned, spread};
use crate::support::Connection;
use crate::table::Figure;

const PARTITIONS: usize = 10;
const PRODUCERS: usize = 10;
/// How many transactions of each producer are measured, after some that let a JVM compile what it runs often.
const TRANSACTIONS: usize = 200;
const WARM_UP: usize = 50;
/// How long a producer waits where its last transaction is still being completed.
const BACKOFF: Duration = Duration::from_millis(1);
/// The bytes of a record's value.
const VALUE: usize = 100;

/// Rows of transactions a second, and of how long one takes from its begin to the answer to its end.
pub fn measure(figures: &mut Figures<'_>) {
    let members = Members::start(figures);
    let replicas: Vec<_> = (0..PARTITIONS).map(|at| spread(at, 3)).collect();
    members.create(vec![assigned("written", &replicas, &[("min.insync.replicas", "2")])]);
    members.await_partitions(&members.alive(), "written", PARTITIONS, |it| it.isr_nodes.len() == 3);
    for records in [1, 100] {
        let mut producers: Vec<_> =
            (0..PRODUCERS).map(|at| Producer::new(&members, &format!("of-{records}-{at}"), at)).collect();
        run(&mut producers, records, WARM_UP);
        let (cpu, begun) = (members.cpu_seconds(), Instant::now());
        let mut took = run(&mut producers, records, TRANSACTIONS);
        let (seconds, cpu) = (begun.elapsed().as_secs_f64(), members.cpu_seconds() - cpu);
        let count = (PRODUCERS * TRANSACTIONS) as f64;
        let (p99, p50) = crate::percentiles(&mut took);
        let what = format!("transactions of {records} records, {PRODUCERS} producers");
        figures.add(&format!("{what}: a second"), Figure::PerSecond(count / seconds));
        figures.add(&format!("{what}: p50, ms"), Figure::Milliseconds(p50));
        figures.add(&format!("{what}: p99, ms"), Figure::Milliseconds(p99));
        figures.add(&format!("{what}: CPU of all brokers for 1,000, s"), Figure::Seconds(cpu * 1e3 / count));
    }
}

fn run(producers: &mut [Producer], records: usize, transactions: usize) -> Vec<f64> {
    thread::scope(|scope| {
        let one = |producer: &mut Producer| -> Vec<f64> {
            (0..transactions).map(|_| producer.transaction(records)).collect()
        };
        let each: Vec<_> = producers.iter_mut().map(|it| scope.spawn(move || one(it))).collect();
        each.into_iter().flat_map(|it| it.join().unwrap()).collect()
    })
}

struct Producer {
    transactional_id: String,
    coordinator: Connection,
    leader: Connection,
    partition: i32,
    id: i64,
    epoch: i16,
    sequence: i32,
}

impl Producer {
    fn new(members: &Members, transactional_id: &str, at: usize) -> Self {
        let (_, mut coordinator) = coordinator(members, transactional_id, Key::TransactionalId);
        let request = InitProducerIdRequest {
            transactional_id: Some(transactional_id.to_owned()),
            transaction_timeout_ms: 60_000,
            ..Default::default()
        };
        let answer = loop {
            let answer = coordinator.call(&request, 1).expect("an answer to InitProducerId");
            if !again(answer.error_code) {
                assert_eq!(answer.error_code, 0, "{answer:?}");
                break answer;
            }
        };
        let leader = spread(at % PARTITIONS, 3)[0];
        Self {
            transactional_id: transactional_id.to_owned(),
            coordinator,
            leader: members.connection(leader),
            partition: (at % PARTITIONS) as i32,
            id: answer.producer_id,
            epoch: answer.producer_epoch,
            sequence: 0,
        }
    }

    /// One transaction; how long it took, in milliseconds.
    fn transaction(&mut self, records: usize) -> f64 {
        let begun = Instant::now();
        let add = AddPartitionsToTxnRequest {
            transactional_id: self.transactional_id.clone(),
            producer_id: self.id,
            producer_epoch: self.epoch,
            topics: vec![AddPartitionsToTxnTopic {
                name: "written".to_owned(),
                partitions: vec![self.partition],
            }],
        };
        loop {
            let answer = self.coordinator.call(&add, 1).expect("an answer to AddPartitionsToTxn");
            let error = answer.results[0].results[0].error_code;
            if !again(error) {
                assert_eq!(error, 0, "{answer:?}");
                break;
            }
        }
        self.produce(records);
        let end = EndTxnRequest {
            transactional_id: self.transactional_id.clone(),
            producer_id: self.id,
            producer_epoch: self.epoch,
            committed: true,
        };
        let answer = self.coordinator.call(&end, 1).expect("an answer to EndTxn");
        assert_eq!(answer.error_code, 0, "{answer:?}");
        begun.elapsed().as_secs_f64() * 1e3
    }

    fn produce(&mut self, records: usize) {
        let mut batch = BatchBuilder::new().producer(self.id, self.epoch, self.sequence).transactional(true);
        for _ in 0..records {
            batch.push(Clock::System.now(), None, Some(&[b'x'; VALUE]), &[]);
        }
        self.sequence += records as i32;
        let records = Some(Records::Memory(batch.build().unwrap()));
        let partitions = vec![PartitionProduceData { partition_index: self.partition, records }];
        let topics = vec![TopicProduceData { name: "written".to_owned(), partitions }];
        let transactional_id = Some(self.transactional_id.clone());
        let request = ProduceRequest { acks: -1, timeout_ms: 30_000, topics, transactional_id };
        let answer = self.leader.call(&request, 7).expect("an answer to Produce");
        assert_eq!(answer.responses[0].partitions[0].error_code, 0, "{answer:?}");
    }
}

/// Whether the coordinator has to be asked once more; after a while.
fn again(code: i16) -> bool {
    let again = is_loading(code) || ErrorCode::from_code(code) == ErrorCode::ConcurrentTransactions;
    if again {
        thread::sleep(BACKOFF);
    }
    again
}
