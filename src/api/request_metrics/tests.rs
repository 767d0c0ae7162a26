use std::time::Instant;

use super::*;
use crate::metrics::{Metric, MetricReading};
use crate::net::ReplyObserver;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::fetch::{FetchResponse, FetchablePartitionResponse, FetchableTopicResponse};
use crate::wire::message::leave_group::LeaveGroupResponse;
use crate::wire::message::metadata::{MetadataResponse, MetadataResponsePartition, MetadataResponseTopic};

/// Answers a request: after a wait of one millisecond, `local` and `total` milliseconds of its handler, sent 2 ms later
/// within 4 ms.
fn answer(metrics: &RequestMetrics, api: ApiKey, version: i16, sender: RequestSender, millis: [u64; 2]) {
    let [local, total] = millis.map(Duration::from_millis);
    let received = Instant::now();
    let began = received + Duration::from_millis(1);
    let completed = began + total;
    let times = RequestTimes { received, began, completed, local, throttle: Duration::from_millis(7) };
    let answered = metrics.answered((api, version), sender, 100, times);
    let sent = completed + Duration::from_millis(2);
    Box::new(answered).sent(sent, sent + Duration::from_millis(4));
}

fn find<'a>(metrics: &'a [Metric], name: &str, tags: &[(&str, &str)]) -> Option<&'a Metric> {
    let has = |metric: &Metric| {
        tags.iter().all(|(tag, value)| metric.name.tags.iter().any(|(key, has)| key == tag && has == value))
            && metric.name.tags.len() == tags.len()
    };
    metrics.iter().find(|metric| metric.name.name == Some(name) && has(metric))
}

fn mean(metrics: &[Metric], name: &str, request: &str) -> f64 {
    match find(metrics, name, &[("request", request)]).map(|metric| metric.reading) {
        Some(MetricReading::Histogram(read)) => read.mean,
        other => panic!("{name} of {request}: {other:?}"),
    }
}

#[test]
fn requests_are_counted_by_version_and_their_times_by_api() {
    let counted = RequestMetrics::default();
    answer(&counted, ApiKey::Produce, 8, RequestSender::Client, [1, 2]);
    answer(&counted, ApiKey::Produce, 8, RequestSender::Client, [2, 6]);
    answer(&counted, ApiKey::Produce, 3, RequestSender::Client, [3, 4]);
    let metrics = counted.metrics();
    let requests = |version| {
        let tags = [("request", "Produce"), ("version", version)];
        find(&metrics, "RequestsPerSec", &tags).map(Metric::number)
    };
    assert_eq!([requests("3"), requests("7"), requests("8")], [Some(1.0), None, Some(2.0)]);
    let times = [
        ("RequestQueueTimeMs", 1.0),
        ("LocalTimeMs", 2.0),
        ("RemoteTimeMs", 2.0),
        ("ThrottleTimeMs", 7.0),
        ("ResponseQueueTimeMs", 2.0),
        ("ResponseSendTimeMs", 4.0),
        ("TotalTimeMs", 11.0),
        ("RequestBytes", 100.0),
    ];
    for (name, expected) in times {
        assert_eq!(mean(&metrics, name, "Produce"), expected, "{name}");
        assert_eq!(find(&metrics, name, &[("request", "Produce")]).unwrap().number(), 3.0, "{name}");
    }
}

#[test]
fn a_request_whose_answer_is_never_sent_is_counted_once_too() {
    let counted = RequestMetrics::default();
    let now = Instant::now();
    let times = RequestTimes {
        received: now,
        began: now,
        completed: now + Duration::from_millis(3),
        local: Duration::ZERO,
        throttle: Duration::ZERO,
    };
    drop(counted.answered((ApiKey::Metadata, 9), RequestSender::Client, 10, times));
    let metrics = counted.metrics();
    let tags = [("request", "Metadata"), ("version", "9")];
    assert_eq!(find(&metrics, "RequestsPerSec", &tags).unwrap().number(), 1.0);
    assert_eq!(mean(&metrics, "TotalTimeMs", "Metadata"), 3.0);
}

#[test]
fn fetches_are_counted_by_sender_and_together() {
    let counted = RequestMetrics::default();
    answer(&counted, ApiKey::Fetch, 11, RequestSender::Client, [1, 1]);
    answer(&counted, ApiKey::Fetch, 11, RequestSender::Broker, [3, 3]);
    answer(&counted, ApiKey::Fetch, 12, RequestSender::Broker, [5, 5]);
    let metrics = counted.metrics();
    assert_eq!(mean(&metrics, "LocalTimeMs", "FetchConsumer"), 1.0);
    assert_eq!(mean(&metrics, "LocalTimeMs", "FetchFollower"), 4.0);
    assert_eq!(mean(&metrics, "LocalTimeMs", "Fetch"), 3.0);
    let of_all = find(&metrics, "RequestsPerSec", &[("request", "Fetch"), ("version", "11")]).unwrap();
    assert_eq!(of_all.number(), 2.0);
    assert!(find(&metrics, "TotalTimeMs", &[("request", "Produce")]).is_none());
}

fn errors(counted: &RequestMetrics, request: &str) -> Vec<(String, f64)> {
    let metrics = counted.metrics().into_iter();
    let errors =
        metrics.filter(|metric| metric.name.name == Some("ErrorsPerSec") && metric.name.tags[0].1 == request);
    errors.map(|metric| (metric.name.tags[1].1.clone(), metric.number())).collect()
}

#[test]
fn errors_are_counted_where_kafka_counts_them() {
    let counted = RequestMetrics::default();
    let partition = |error: ErrorCode| FetchablePartitionResponse {
        error_code: error.code(),
        ..FetchablePartitionResponse::default()
    };
    let outcomes = [ErrorCode::None, ErrorCode::None, ErrorCode::NotLeaderOrFollower];
    let topic = FetchableTopicResponse {
        partition_responses: outcomes.map(partition).into(),
        ..FetchableTopicResponse::default()
    };
    let fetched = FetchResponse { responses: vec![topic], ..FetchResponse::default() };
    counted.count_errors(ApiKey::Fetch, RequestSender::Client, &fetched);
    let expected = [("NONE".to_owned(), 2.0), ("NOT_LEADER_OR_FOLLOWER".to_owned(), 1.0)];
    assert_eq!(errors(&counted, "FetchConsumer"), expected, "not the response's own");

    let partition = MetadataResponsePartition {
        error_code: ErrorCode::LeaderNotAvailable.code(),
        ..MetadataResponsePartition::default()
    };
    let topic = MetadataResponseTopic { partitions: vec![partition], ..MetadataResponseTopic::default() };
    let metadata = MetadataResponse { topics: vec![topic], ..MetadataResponse::default() };
    counted.count_errors(ApiKey::Metadata, RequestSender::Client, &metadata);
    assert_eq!(errors(&counted, "Metadata"), [("NONE".to_owned(), 1.0)], "those of topics");

    let left = LeaveGroupResponse::default();
    counted.count_errors(ApiKey::LeaveGroup, RequestSender::Client, &left);
    assert_eq!(errors(&counted, "LeaveGroup"), [], "no success");
}
