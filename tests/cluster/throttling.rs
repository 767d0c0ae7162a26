//! A request quota: what it is given for every request, and the answer that a throttled caller gets.
//!
//! The broker runs inside of the test, with a quota that throttles every caller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use barnabas::broker::Plugins;
use barnabas::quota::{ClientQuotas, RequestQuota, RequestUsage};
use barnabas::wire::message::alter_isr::AlterIsrRequest;
use barnabas::wire::message::api_versions::ApiVersionsRequest;
use barnabas::wire::message::describe_log_dirs::DescribeLogDirsRequest;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::list_offsets::ListOffsetRequest;
use barnabas::wire::message::metadata::MetadataRequest;
use barnabas::wire::message::produce::ProduceRequest;
use parking_lot::Mutex;

use crate::support::{Chroot, Connection, EmbeddedBroker, eventually};

/// For how long every caller is throttled.
const THROTTLE: Duration = Duration::from_millis(3);
const THROTTLED: i32 = 3;

/// A quota that every caller exceeds.
#[derive(Debug, Default)]
struct Exceeded {
    /// The time that requests of each client have taken, and how many of them were exempt.
    used: Mutex<BTreeMap<String, (Duration, usize)>>,
}

impl RequestQuota for Exceeded {
    fn record(&self, usage: &RequestUsage<'_>) -> Duration {
        assert_eq!(usage.principal.to_string(), "User:ANONYMOUS");
        assert!(usage.now > 0);
        let mut used = self.used.lock();
        let (time, exempt) = used.entry(usage.client_id.to_owned()).or_default();
        *time += usage.thread_time;
        *exempt += usize::from(usage.is_exempt);
        THROTTLE
    }
}

#[test]
fn every_response_with_a_throttle_time_has_it_for_a_caller_over_its_quota() {
    let (chroot, quota) = (Chroot::new(), Arc::new(Exceeded::default()));
    let plugins = Plugins { quotas: ClientQuotas::of_requests(quota.clone()), ..Default::default() };
    let broker = EmbeddedBroker::start(&chroot, plugins);
    let mut connection = Connection::to(broker.port).unwrap();
    eventually("the topic has a leader", Duration::from_secs(20), || {
        connection.has_leader("t").filter(|led| *led)
    });
    let throttled = |response: Option<i32>| assert_eq!(response, Some(THROTTLED));
    throttled(connection.call(&MetadataRequest::default(), 9).map(|it| it.throttle_time_ms));
    throttled(connection.call(&ApiVersionsRequest::default(), 2).map(|it| it.throttle_time_ms));
    throttled(connection.call(&ListOffsetRequest::default(), 5).map(|it| it.throttle_time_ms));
    throttled(connection.call(&DescribeLogDirsRequest::default(), 2).map(|it| it.throttle_time_ms));
    throttled(
        connection.call(&ProduceRequest { acks: -1, ..Default::default() }, 8).map(|it| it.throttle_time_ms),
    );
    let old = connection.call(&MetadataRequest::default(), 1).unwrap();
    assert_eq!(old.throttle_time_ms, 0, "version 1 has no place for it");

    // A consumer's fetch is throttled; a follower's is exempt, as are all requests between brokers.
    let partitions = vec![FetchPartition { partition_max_bytes: 1000, ..Default::default() }];
    let topics = vec![FetchTopic { topic: "t".to_owned(), partitions }];
    let fetch = FetchRequest { replica_id: -1, topics, ..Default::default() };
    throttled(connection.call(&fetch, 11).map(|it| it.throttle_time_ms));
    let exempt = || quota.used.lock()["test"].1;
    let before = exempt();
    let response = connection.call(&FetchRequest { replica_id: 1, ..fetch }, 11).unwrap();
    assert_eq!((response.throttle_time_ms, exempt()), (0, before + 1));
    let response = connection.call(&AlterIsrRequest::default(), 0).unwrap();
    assert_eq!((response.throttle_time_ms, exempt()), (0, before + 2));
    assert!(quota.used.lock()["test"].0 > Duration::ZERO, "the handlers' time is measured");
}
