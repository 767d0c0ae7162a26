//! Requests of transactional producers, odd ones among them, as Kafka 2.7.2 was asked and answered: the answers are
//! equal.
//!
//! `data/transaction_requests.txt` was recorded from a broker of a new cluster; producer ids begin at 0 there and here.
//! What is noted as `once it can be` is asked again until nothing else is under way.

use std::time::Duration;

use barnabas::wire::Reader;
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::frame;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::add_offsets_to_txn::AddOffsetsToTxnRequest;
use barnabas::wire::message::add_partitions_to_txn::AddPartitionsToTxnRequest;
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest};
use barnabas::wire::message::end_txn::EndTxnRequest;
use barnabas::wire::message::init_producer_id::InitProducerIdRequest;
use bytes::Bytes;

use crate::support::transactional::TOPIC;
use crate::support::{Broker, Chroot, Connection, eventually};

const SOON: Duration = Duration::from_secs(30);

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

fn create(connection: &mut Connection, name: &str, num_partitions: i32) {
    let topic =
        CreatableTopic { name: name.to_owned(), num_partitions, replication_factor: 1, ..Default::default() };
    let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 30_000, validate_only: false };
    eventually("the topic is made", SOON, || {
        let answer = connection.call(&request, 4)?;
        let error = ErrorCode::from_code(answer.topics[0].error_code);
        matches!(error, ErrorCode::None | ErrorCode::TopicAlreadyExists).then_some(())
    });
    eventually("it has leaders", SOON, || connection.has_leader(name)?.then_some(()));
}

/// An answer, read, and its errors. Kafka sends partitions in the order of a hash table: here they are sorted.
fn read(request: &[u8], answer: Bytes) -> (String, Vec<ErrorCode>) {
    let RequestHeader { api_key, api_version, .. } =
        RequestHeader::decode(&mut Reader::new(Bytes::copy_from_slice(request))).unwrap();
    match api_key {
        ApiKey::InitProducerId => {
            let (header, answer) =
                frame::read_response::<InitProducerIdRequest>(answer, api_version).unwrap();
            (format!("{header:?} {answer:?}"), vec![ErrorCode::from_code(answer.error_code)])
        }
        ApiKey::AddPartitionsToTxn => {
            let (header, mut answer) =
                frame::read_response::<AddPartitionsToTxnRequest>(answer, api_version).unwrap();
            answer.results.sort_by(|a, b| a.name.cmp(&b.name));
            for topic in &mut answer.results {
                topic.results.sort_by_key(|result| result.partition_index);
            }
            let results = answer.results.iter().flat_map(|topic| &topic.results);
            let errors = results.map(|result| ErrorCode::from_code(result.error_code)).collect();
            (format!("{header:?} {answer:?}"), errors)
        }
        ApiKey::AddOffsetsToTxn => {
            let (header, answer) =
                frame::read_response::<AddOffsetsToTxnRequest>(answer, api_version).unwrap();
            (format!("{header:?} {answer:?}"), vec![ErrorCode::from_code(answer.error_code)])
        }
        _ => {
            let (header, answer) = frame::read_response::<EndTxnRequest>(answer, api_version).unwrap();
            (format!("{header:?} {answer:?}"), vec![ErrorCode::from_code(answer.error_code)])
        }
    }
}

/// Whether the same request may be answered otherwise in a moment.
fn passes(error: &ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::ConcurrentTransactions
    )
}

#[test]
fn transactional_producers_are_answered_as_by_kafka() {
    let chroot = Chroot::new();
    let settings = [("transaction.state.log.num.partitions", "1"), ("offsets.topic.num.partitions", "1")];
    let broker = Broker::start_with(1, &chroot.connect(), &settings);
    let mut connection = Connection::to(broker.port).unwrap();
    create(&mut connection, "t", 2);
    create(&mut connection, "__consumer_offsets", 1);
    let (mut note, mut count, mut wrong) = ("", 0, Vec::new());
    for line in include_str!("data/transaction_requests.txt").lines() {
        if let Some(noted) = line.strip_prefix("# ") {
            note = noted;
            if note == "__transaction_state is created" {
                create(&mut connection, TOPIC, 1);
            }
            continue;
        }
        let (request, expected) = line.split_once(' ').unwrap();
        let request = from_hex(request);
        let (expected, _) = read(&request, from_hex(expected).into());
        let found = eventually(note, SOON, || {
            let (found, errors) = read(&request, connection.call_raw(&request)?);
            let is_final = !note.ends_with("once it can be") || !errors.iter().any(passes);
            is_final.then_some(found)
        });
        count += 1;
        if found != expected {
            wrong.push(format!("{note}:\n    Kafka {expected}\n    here  {found}"));
        }
    }
    assert_eq!(count, 228, "the recording is there");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
