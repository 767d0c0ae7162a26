//! A transactional producer in raw requests, which asks again until it is answered: through failovers of coordinators
//! and leaders. And a reader of committed records.

use std::collections::HashMap;
use std::time::Duration;

use barnabas::base::{Clock, Records};
use barnabas::wire::batch::{Batch, BatchBuilder};
use barnabas::wire::control::EndTransactionMarker;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::Request;
use barnabas::wire::message::add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnTopic};
use barnabas::wire::message::end_txn::EndTxnRequest;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::init_producer_id::InitProducerIdRequest;
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use super::cluster::Brokers;
use super::{Connection, eventually};

/// The coordinator's topic; the tests give it one partition.
pub const TOPIC: &str = "__transaction_state";
const LIMIT: Duration = Duration::from_secs(60);

/// What a client that asks again gets past.
const PASSING: [ErrorCode; 9] = [
    ErrorCode::NotCoordinator,
    ErrorCode::CoordinatorNotAvailable,
    ErrorCode::CoordinatorLoadInProgress,
    ErrorCode::ConcurrentTransactions,
    ErrorCode::NotLeaderOrFollower,
    ErrorCode::UnknownTopicOrPartition,
    ErrorCode::NotEnoughReplicas,
    ErrorCode::NotEnoughReplicasAfterAppend,
    ErrorCode::RequestTimedOut,
];

/// A cluster, asked for the leaders of first partitions.
pub trait Leaders {
    /// The port of the leader of a topic's first partition; None where it has none.
    fn leader_port(&self, topic: &str) -> Option<u16>;
}

impl Leaders for Brokers {
    fn leader_port(&self, topic: &str) -> Option<u16> {
        Some(self.all.get(&self.state_of(topic).leader)?.port)
    }
}

/// A producer with a transactional id.
pub struct TransactionalProducer {
    /// The transactional id.
    pub id: String,
    /// The timeout of its transactions, in milliseconds.
    pub timeout_ms: i32,
    /// Its producer id and epoch; -1 before it has any.
    pub producer: (i64, i16),
    sequences: HashMap<String, i32>,
}

/// Asks the coordinator until the error is not one that passes.
fn ask<R: Request>(
    brokers: &impl Leaders,
    request: &R,
    version: i16,
    error: impl Fn(&R::Response) -> i16,
) -> R::Response {
    eventually(R::KEY.name(), LIMIT, || {
        let response = Connection::to(brokers.leader_port(TOPIC)?)?.call(request, version)?;
        (!PASSING.contains(&ErrorCode::from_code(error(&response)))).then_some(response)
    })
}

impl TransactionalProducer {
    /// A producer that has not begun.
    pub fn new(id: &str, timeout_ms: i32) -> Self {
        Self { id: id.to_owned(), timeout_ms, producer: (-1, -1), sequences: HashMap::new() }
    }

    /// Asks for a producer id and epoch.
    pub fn init(&mut self, brokers: &impl Leaders) -> ErrorCode {
        let request = InitProducerIdRequest {
            transactional_id: Some(self.id.clone()),
            transaction_timeout_ms: self.timeout_ms,
            ..Default::default()
        };
        let response = ask(brokers, &request, 4, |response| response.error_code);
        self.producer = (response.producer_id, response.producer_epoch);
        self.sequences.clear();
        ErrorCode::from_code(response.error_code)
    }

    /// Adds the first partitions of topics.
    pub fn add(&self, brokers: &impl Leaders, topics: &[&str]) -> ErrorCode {
        let topics = topics
            .iter()
            .map(|topic| AddPartitionsToTxnTopic { name: (*topic).to_owned(), partitions: vec![0] });
        let request = AddPartitionsToTxnRequest {
            transactional_id: self.id.clone(),
            producer_id: self.producer.0,
            producer_epoch: self.producer.1,
            topics: topics.collect(),
        };
        let response = ask(brokers, &request, 2, |response| response.results[0].results[0].error_code);
        ErrorCode::from_code(response.results[0].results[0].error_code)
    }

    /// Produces a record to the first partition of a topic, once however often it must be sent.
    pub fn produce(&mut self, brokers: &impl Leaders, topic: &str, value: &str) -> ErrorCode {
        let sequence = *self.sequences.entry(topic.to_owned()).or_default();
        let mut builder =
            BatchBuilder::new().producer(self.producer.0, self.producer.1, sequence).transactional(true);
        builder.push(Clock::System.now(), None, Some(value.as_bytes()), &[]);
        let records = Some(Records::Memory(builder.build().unwrap()));
        let partitions = vec![PartitionProduceData { partition_index: 0, records }];
        let topics = vec![TopicProduceData { name: topic.to_owned(), partitions }];
        let transactional_id = Some(self.id.clone());
        let request = ProduceRequest { acks: -1, timeout_ms: 5000, topics, transactional_id };
        let error = eventually("Produce", LIMIT, || {
            let response = Connection::to(brokers.leader_port(topic)?)?.call(&request, 8)?;
            let error = ErrorCode::from_code(response.responses[0].partitions[0].error_code);
            (!PASSING.contains(&error)).then_some(error)
        });
        if error == ErrorCode::None {
            self.sequences.insert(topic.to_owned(), sequence + 1);
        }
        error
    }

    /// The request that ends the transaction.
    pub fn end_request(&self, committed: bool) -> EndTxnRequest {
        EndTxnRequest {
            transactional_id: self.id.clone(),
            producer_id: self.producer.0,
            producer_epoch: self.producer.1,
            committed,
        }
    }

    /// Has the end of the transaction decided; its markers may still be on their way.
    pub fn decide(&self, brokers: &impl Leaders, committed: bool) -> ErrorCode {
        let mut connection = Connection::to(brokers.leader_port(TOPIC).unwrap()).unwrap();
        let response = connection.call(&self.end_request(committed), 2).unwrap();
        ErrorCode::from_code(response.error_code)
    }

    /// Ends the transaction, and asks until it is complete.
    pub fn end(&self, brokers: &impl Leaders, committed: bool) -> ErrorCode {
        let request = self.end_request(committed);
        for _ in 0..2 {
            // Answered once when it is decided, and again when the markers are written.
            let response = ask(brokers, &request, 2, |response| response.error_code);
            if response.error_code != 0 {
                return ErrorCode::from_code(response.error_code);
            }
        }
        ErrorCode::None
    }
}

/// The values of a topic's first partition that a reader of committed records sees, up to the last stable offset.
pub fn read_committed(brokers: &impl Leaders, topic: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), 0);
    loop {
        let partition =
            FetchPartition { fetch_offset: next, partition_max_bytes: 1 << 20, ..Default::default() };
        let request = FetchRequest {
            replica_id: -1,
            max_bytes: 1 << 20,
            session_epoch: -1,
            isolation_level: 1,
            topics: vec![FetchTopic { topic: topic.to_owned(), partitions: vec![partition] }],
            ..Default::default()
        };
        let partition = eventually("the leader answers", LIMIT, || {
            let mut answer = Connection::to(brokers.leader_port(topic)?)?.call(&request, 11)?;
            let partition = answer.responses.pop()?.partition_responses.pop()?;
            (partition.error_code == 0).then_some(partition)
        });
        let mut aborted: Vec<_> = partition.aborted_transactions.iter().flatten().collect();
        aborted.sort_by_key(|it| std::cmp::Reverse(it.first_offset));
        let mut open_aborted = Vec::new();
        let bytes = partition.record_set.as_ref().map(|it| it.read().unwrap()).unwrap_or_default();
        let before = next;
        for batch in Batch::split(bytes).map_while(Result::ok) {
            let header = batch.header();
            while let Some(it) = aborted.pop_if(|it| it.first_offset <= header.last_offset()) {
                open_aborted.push(it.producer_id);
            }
            next = header.last_offset() + 1;
            if let Some(marker) = EndTransactionMarker::of_batch(&batch).unwrap() {
                if !marker.committed {
                    open_aborted.retain(|id| *id != header.producer_id);
                }
            } else if !(header.is_transactional() && open_aborted.contains(&header.producer_id)) {
                let value = |value: Option<bytes::Bytes>| String::from_utf8(value.unwrap().to_vec()).unwrap();
                found.extend(batch.all_records().unwrap().into_iter().map(|record| value(record.value)));
            }
        }
        if next == before {
            return found;
        }
    }
}
