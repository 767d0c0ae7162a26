//! A request quota: the answer that a throttled caller gets, and the requests that are exempt.
//!
//! The broker runs inside of the test, with a quota that every request of the client exceeds by far: it throttles for
//! one window of the quota, which is a second.

use barnabas::broker::Plugins;
use barnabas::wire::message::Request;
use barnabas::wire::message::alter_isr::AlterIsrRequest;
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::describe_log_dirs::DescribeLogDirsRequest;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::list_offsets::ListOffsetRequest;
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::wire::message::produce::ProduceRequest;
use barnabas::zk::znode::config_entity::EntityType;

use crate::support::{Chroot, Connection, EmbeddedBroker, quotas};

/// For how long every caller is throttled, in milliseconds.
const THROTTLED: i32 = 1000;

#[test]
fn every_response_with_a_throttle_time_has_it_for_a_caller_over_its_quota() {
    let chroot = Chroot::new();
    quotas::change(&chroot.connect(), EntityType::Clients, "<default>", &[("request_percentage", "1e-9")]);
    let broker = EmbeddedBroker::start(&chroot, Plugins::default());
    // A throttled connection is not read for a second, so each request has its own.
    fn call<R: Request>(port: u16, request: &R, version: i16) -> R::Response {
        Connection::to(port).unwrap().call(request, version).unwrap()
    }
    let port = broker.port;
    let topics = Some(vec![MetadataRequestTopic { name: "t".to_owned() }]);
    call(port, &MetadataRequest { topics, ..Default::default() }, 9);
    assert_eq!(call(port, &MetadataRequest::default(), 9).throttle_time_ms, THROTTLED);
    assert_eq!(call(port, &ApiVersionsRequest::default(), 2).throttle_time_ms, THROTTLED);
    assert_eq!(call(port, &ListOffsetRequest::default(), 5).throttle_time_ms, THROTTLED);
    assert_eq!(call(port, &DescribeLogDirsRequest::default(), 2).throttle_time_ms, THROTTLED);
    let produce = ProduceRequest { acks: -1, ..Default::default() };
    assert_eq!(call(port, &produce, 8).throttle_time_ms, THROTTLED);
    assert_eq!(
        call(port, &MetadataRequest::default(), 1).throttle_time_ms,
        0,
        "version 1 has no place for it"
    );

    // A consumer's fetch is throttled; a follower's is exempt, as are all requests between brokers.
    let partitions = vec![FetchPartition { partition_max_bytes: 1000, ..Default::default() }];
    let topics = vec![FetchTopic { topic: "t".to_owned(), partitions }];
    let fetch = FetchRequest { replica_id: -1, topics, ..Default::default() };
    let throttled = call(port, &fetch, 11);
    assert_eq!((throttled.throttle_time_ms, throttled.responses), (THROTTLED, Vec::new()));
    let of_follower = call(port, &FetchRequest { replica_id: 1, ..fetch }, 11);
    assert_eq!((of_follower.throttle_time_ms, of_follower.responses.len()), (0, 1));
    assert_eq!(call(port, &AlterIsrRequest::default(), 0).throttle_time_ms, 0);
}
