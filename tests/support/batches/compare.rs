//! Where the answers of Kafka and Barnabas to one request differ, once what must differ has been made equal.
//!
//! Differences on purpose are listed in [`super::deliberate`].

use std::fmt::Debug;

use barnabas::wire::Reader;
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::batch::Batch;
use barnabas::wire::frame;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::Request;
use barnabas::wire::message::delete_records::DeleteRecordsRequest;
use barnabas::wire::message::fetch::{FetchRequest, FetchResponse};
use barnabas::wire::message::list_offsets::ListOffsetRequest;
use barnabas::wire::message::offset_for_leader_epoch::OffsetForLeaderEpochRequest;
use barnabas::wire::message::produce::{ProduceRequest, ProduceResponse};
use barnabas::wire::message::write_txn_markers::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};
use bytes::Bytes;

use super::exchange::Came;
use super::stored::{self, Clock, Clocks};

/// A difference: its kind, by which differences are gathered, and the whole of it.
#[derive(Debug)]
pub struct Difference {
    /// What kind it is.
    pub kind: String,
    /// Both answers.
    pub whole: String,
}

/// What differs between what came from Kafka and from Barnabas.
pub fn difference(request: &[u8], kafka: &Came, here: &Came, clocks: Clocks) -> Option<Difference> {
    let header = RequestHeader::decode(&mut Reader::new(Bytes::copy_from_slice(request))).unwrap();
    let (kafka, here) = match (kafka, here) {
        (Came::Answer(kafka), Came::Answer(here)) => (kafka.clone().into(), here.clone().into()),
        (kafka, here) if kafka == here => return None,
        (kafka, here) => {
            let short = |came: &Came| match came {
                Came::Answer(answer) => format!("an answer ({})", error_of(&header, answer)),
                other => format!("{other:?}"),
            };
            let kind = format!("{}: Kafka {}, here {}", header.api_key.name(), short(kafka), short(here));
            return Some(Difference {
                kind,
                whole: whole(&format!("{kafka:02x?}"), &format!("{here:02x?}")),
            });
        }
    };
    let version = header.api_version;
    match header.api_key {
        ApiKey::Produce => compared::<ProduceRequest>(version, kafka, here, |kafka, here| {
            without_times(kafka, clocks.kafka);
            without_times(here, clocks.here);
            None
        }),
        ApiKey::Fetch => {
            compared::<FetchRequest>(version, kafka, here, |kafka, here| without_records(kafka, here, clocks))
        }
        ApiKey::ListOffsets => compared::<ListOffsetRequest>(version, kafka, here, |kafka, here| {
            for (answer, clock) in [(kafka, clocks.kafka), (here, clocks.here)] {
                let partitions = answer.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
                for partition in partitions.filter(|it| clock.is_now(it.timestamp)) {
                    partition.timestamp = i64::MAX;
                }
            }
            None
        }),
        ApiKey::OffsetForLeaderEpoch => {
            compared::<OffsetForLeaderEpochRequest>(version, kafka, here, |_, _| None)
        }
        ApiKey::DeleteRecords => compared::<DeleteRecordsRequest>(version, kafka, here, |_, _| None),
        ApiKey::WriteTxnMarkers => compared::<WriteTxnMarkersRequest>(version, kafka, here, |kafka, here| {
            [kafka, &mut *here].into_iter().for_each(in_order);
            None
        }),
        other => panic!("{other} is not compared"),
    }
}

/// The error of an answer's first partition.
fn error_of(header: &RequestHeader, answer: &[u8]) -> String {
    let answer = Bytes::copy_from_slice(answer);
    let error = match header.api_key {
        ApiKey::Produce => frame::read_response::<ProduceRequest>(answer, header.api_version)
            .ok()
            .and_then(|(_, it)| Some(it.responses.first()?.partitions.first()?.error_code)),
        ApiKey::Fetch => frame::read_response::<FetchRequest>(answer, header.api_version)
            .ok()
            .and_then(|(_, it)| Some(it.responses.first()?.partition_responses.first()?.error_code)),
        _ => None,
    };
    error.map_or_else(|| "?".to_owned(), |error| error.to_string())
}

/// Both answers read and, once made equal where they may differ, compared; what kind of difference was found
/// on the way.
fn compared<R: Request>(
    version: i16,
    kafka: Bytes,
    here: Bytes,
    make_equal: impl Fn(&mut R::Response, &mut R::Response) -> Option<String>,
) -> Option<Difference>
where
    R::Response: Debug + PartialEq,
{
    let (_, mut kafka) = frame::read_response::<R>(kafka, version).unwrap();
    let (_, mut here) = match frame::read_response::<R>(here, version) {
        Ok(here) => here,
        Err(error) => {
            return Some(Difference { kind: "unreadable".to_owned(), whole: error.to_string() });
        }
    };
    let found = make_equal(&mut kafka, &mut here);
    if kafka == here && found.is_none() {
        return None;
    }
    let (kafka, here) = (format!("{kafka:?}"), format!("{here:?}"));
    let kind = found.unwrap_or_else(|| fields(&kafka, &here));
    Some(Difference { kind: format!("{}: {kind}", R::KEY.name()), whole: whole(&kafka, &here) })
}

/// Two printed answers from shortly before where they differ.
fn whole(kafka: &str, here: &str) -> String {
    const BEFORE: usize = 200;
    let same = kafka.bytes().zip(here.bytes()).take_while(|(kafka, here)| kafka == here).count();
    let from = (0..=same.saturating_sub(BEFORE)).rev().find(|at| kafka.is_char_boundary(*at)).unwrap_or(0);
    format!("    Kafka ...{}\n    here  ...{}", &kafka[from..], &here[from..])
}

/// The fields in which two printed answers differ, with short values.
fn fields(kafka: &str, here: &str) -> String {
    let parts = |text: &str| -> Vec<String> {
        text.split([',', '{', '[']).map(|part| part.trim_matches([' ', '}', ']']).to_owned()).collect()
    };
    let (kafka, here) = (parts(kafka), parts(here));
    if kafka.len() != here.len() {
        return "answers of another shape".to_owned();
    }
    let differ = kafka.iter().zip(&here).filter(|(kafka, here)| kafka != here);
    let named = differ.map(|(kafka, here)| match kafka.split_once(": ") {
        Some((name @ "error_code", value)) => {
            format!("{name} Kafka {value} here {}", here.rsplit(' ').next().unwrap_or_default())
        }
        Some((name, _)) => name.to_owned(),
        None => "text".to_owned(),
    });
    let mut named: Vec<_> = named.collect();
    named.dedup();
    named.join(", ")
}

/// An answer whose parts stand in the order of their names and numbers: that of Kafka's is its hash maps'.
fn in_order(answer: &mut WriteTxnMarkersResponse) {
    answer.markers.sort_by_key(|marker| marker.producer_id);
    for marker in &mut answer.markers {
        marker.topics.sort_by(|one, other| one.name.cmp(&other.name));
        let topics = marker.topics.iter_mut();
        topics.for_each(|topic| topic.partitions.sort_by_key(|partition| partition.partition_index));
    }
}

/// An answer to Produce without the time of appending and the times that its texts name. The time of a duplicate is
/// that in the log, which may be the producer's.
fn without_times(answer: &mut ProduceResponse, clock: Clock) {
    let partitions = answer.responses.iter_mut().flat_map(|topic| &mut topic.partitions);
    for partition in partitions {
        if clock.is_now(partition.log_append_time_ms) {
            partition.log_append_time_ms = 0;
        }
        let errors = partition.record_errors.iter_mut().map(|error| &mut error.batch_index_error_message);
        for text in errors.chain([&mut partition.error_message]).flatten() {
            // `... should be within [time, time]`
            if let Some(at) = text.find("within [") {
                text.truncate(at);
            }
        }
    }
}

/// Leaves out aborted transactions that begin behind the records of the answer. How far the list reaches depends on
/// how dense the offset index is, which a recovery makes anew, and no reader has a use for them.
fn without_later_transactions(answer: &mut FetchResponse) {
    for partition in answer.responses.iter_mut().flat_map(|topic| &mut topic.partition_responses) {
        let records = partition.record_set.as_ref().map(|it| it.read().unwrap()).unwrap_or_default();
        let last = Batch::split(records).map_while(Result::ok).last();
        let end = last.map_or(0, |batch| batch.header().last_offset() + 1);
        if let Some(aborted) = &mut partition.aborted_transactions {
            aborted.retain(|it| it.first_offset < end);
        }
    }
}

/// Takes the batches out of both answers to Fetch; where they differ.
fn without_records(kafka: &mut FetchResponse, here: &mut FetchResponse, clocks: Clocks) -> Option<String> {
    let taken = |answer: &mut FetchResponse| -> Vec<Bytes> {
        let partitions = answer.responses.iter_mut().flat_map(|topic| &mut topic.partition_responses);
        partitions.map(|it| it.record_set.take().map(|it| it.read().unwrap()).unwrap_or_default()).collect()
    };
    [&mut *kafka, &mut *here].into_iter().for_each(without_later_transactions);
    let copy = (kafka.clone(), here.clone());
    let (kafka_has, here_has) = (taken(kafka), taken(here));
    let found =
        kafka_has.iter().zip(&here_has).find_map(|(kafka, here)| stored::difference(kafka, here, clocks));
    if found.is_some() {
        (*kafka, *here) = copy;
    }
    found
}
