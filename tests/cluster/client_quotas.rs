//! Quotas of bytes, changed while clients produce and fetch: by znode and notice, and by request, at each level of
//! precedence.

use std::time::{Duration, Instant};

use barnabas::base::{Clock, Records};
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::message::alter_client_quotas::{
    AlterClientQuotasEntityData, AlterClientQuotasEntryData, AlterClientQuotasRequest, OpData,
};
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use barnabas::zk::znode::config_entity::EntityType;

use crate::metrics;
use crate::support::{Broker, Chroot, Connection, eventually, free_port, quotas};

const SOON: Duration = Duration::from_secs(20);
const USER: &str = "ANONYMOUS";

fn produce_request(bytes: usize) -> ProduceRequest {
    let mut builder = BatchBuilder::new();
    builder.push(Clock::System.now(), None, Some(&vec![b'x'; bytes]), &[]);
    let records = Some(Records::Memory(builder.build().unwrap()));
    let partitions = vec![PartitionProduceData { partition_index: 0, records }];
    let topics = vec![TopicProduceData { name: "t".to_owned(), partitions }];
    ProduceRequest { acks: 1, timeout_ms: 5000, topics, transactional_id: None }
}

/// Produces as a client: the request's bytes, and the throttle time in milliseconds.
fn produce(client_id: &str, port: u16, bytes: usize) -> (usize, i32) {
    let (size, response) = quotas::call_as(client_id, port, &produce_request(bytes), 8).unwrap();
    assert_eq!(response.responses[0].partitions[0].error_code, 0);
    (size, response.throttle_time_ms)
}

fn fetch(client_id: &str, port: u16) -> FetchResponse {
    let partitions = vec![FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() }];
    let topics = vec![FetchTopic { topic: "t".to_owned(), partitions }];
    let request = FetchRequest { replica_id: -1, max_bytes: 1 << 20, topics, ..Default::default() };
    quotas::call_as(client_id, port, &request, 11).unwrap().1
}

/// Sets a quota of an entity by request; None for a part that it does not have, an empty name for the default.
fn alter(port: u16, parts: &[(&str, Option<&str>)], key: &str, value: f64) {
    let part = |(entity_type, name): &(&str, Option<&str>)| AlterClientQuotasEntityData {
        entity_type: (*entity_type).to_owned(),
        entity_name: name.map(str::to_owned),
    };
    let ops = vec![OpData { key: key.to_owned(), value, remove: false }];
    let entry = AlterClientQuotasEntryData { entity: parts.iter().map(part).collect(), ops };
    let request = AlterClientQuotasRequest { entries: vec![entry], validate_only: false };
    let response = Connection::to(port).unwrap().call(&request, 0).unwrap();
    assert_eq!((response.entries[0].error_code, &response.entries[0].error_message), (0, &None));
}

fn applied(broker: &Broker, entity: &str) {
    broker.process().wait_for_line(&format!("The quotas of {entity} are {{"), SOON);
}

#[test]
fn quotas_change_live_by_znode_and_by_request_at_every_level() {
    let chroot = Chroot::new();
    let connect = chroot.connect();
    let mut broker = Broker::prepare(1, &connect, &[("quota.consumer.default", "1000")]);
    let metrics_port = free_port();
    broker.set_environment("METRICS_LISTENER", &format!("127.0.0.1:{metrics_port}"));
    broker.restart();
    let port = broker.port;
    let mut probe = Connection::to(port).unwrap();
    eventually("the topic has a leader", SOON, || probe.has_leader("t").filter(|led| *led));
    assert_eq!(produce("any", port, 50_000).1, 0, "no quota of producers is set");

    // Each level in its turn counts before those below it; each client is new, so its throttle time is known.
    let by_znode = |kind, name: &str, quota: f64| {
        quotas::change(&connect, kind, name, &[("producer_byte_rate", &quota.to_string())]);
    };
    let throttled = |client_id: &str, quota: f64| {
        let (size, throttle) = produce(client_id, port, 100_000);
        assert_eq!(throttle, quotas::first_throttle_ms(size, quota), "{client_id} with a quota of {quota}");
    };
    by_znode(EntityType::Clients, "<default>", 1001.0);
    applied(&broker, "default client-id");
    throttled("a", 1001.0);
    alter(port, &[("client-id", Some("b c"))], "producer_byte_rate", 1002.0);
    applied(&broker, "client-id b c");
    throttled("b c", 1002.0);
    throttled("d", 1001.0);
    alter(port, &[("user", None)], "producer_byte_rate", 1003.0);
    applied(&broker, "default user");
    throttled("b c", 1003.0);
    by_znode(EntityType::Users, "<default>/clients/<default>", 1004.0);
    applied(&broker, "default user default client-id");
    throttled("e", 1004.0);
    alter(port, &[("user", None), ("client-id", Some("f"))], "producer_byte_rate", 1005.0);
    applied(&broker, "default user client-id f");
    throttled("f", 1005.0);
    by_znode(EntityType::Users, &format!("{USER}/clients/<default>"), 1007.0);
    applied(&broker, &format!("user {USER} default client-id"));
    throttled("g", 1007.0);
    alter(port, &[("user", Some(USER)), ("client-id", Some("h"))], "producer_byte_rate", 1008.0);
    applied(&broker, &format!("user {USER} client-id h"));
    throttled("h", 1008.0);
    throttled("i", 1007.0);
    what_was_measured_is_shown(metrics_port);

    // What is no quota is logged, and the quota before it stays.
    quotas::change(&connect, EntityType::Clients, "b", &[("producer_byte_rate", "much")]);
    broker.process().wait_for_line("The quotas of clients/b stay as they are", SOON);
    throttled("j", 1007.0);
    // Without the quotas of this user's client ids, its own quota counts, which all of them share.
    for client_id in ["<default>", "h"] {
        quotas::change(&connect, EntityType::Users, &format!("{USER}/clients/{client_id}"), &[]);
    }
    by_znode(EntityType::Users, USER, 1e9);
    applied(&broker, &format!("user {USER}"));
    assert_eq!(produce("h", port, 100_000).1, 0);

    a_consumer_over_its_quota_is_sent_nothing(&broker);
    a_throttled_connection_is_not_read(port);
}

/// The first client was throttled once, by the quota of its client id alone; the last one by that of its user's.
fn what_was_measured_is_shown(metrics_port: u16) {
    let figures = metrics::figures(metrics_port);
    let figure = |name: &str, tags: &[&str], absent: &str| {
        let is_it = |key: &str| {
            key.starts_with(name) && tags.iter().all(|tag| key.contains(tag)) && !key.contains(absent)
        };
        let found: Vec<_> = figures.iter().filter(|(key, _)| is_it(key)).collect();
        assert_eq!(found.len(), 1, "{name} {tags:?} of {figures:?}");
        *found[0].1
    };
    let throttle = figure("kafka_server_Produce_throttle_time", &["\"a\""], USER);
    // A request of 100,000 bytes and its header, sent once: 100 seconds of the quota but ten.
    assert!((89_000.0..91_000.0).contains(&throttle), "{throttle}");
    let rate = figure("kafka_server_Produce_byte_rate", &["\"i\"", USER], "nothing");
    assert!(rate > 0.0 && rate <= 10_020.0, "{rate}");
}

fn a_consumer_over_its_quota_is_sent_nothing(broker: &Broker) {
    let port = broker.port;
    // The static default: the first record is fifty seconds' worth of it.
    let first = fetch("reader", port);
    assert!(first.throttle_time_ms > 0 && first.responses.is_empty(), "{first:?}");
    let second = fetch("reader", port);
    let less = first.throttle_time_ms - second.throttle_time_ms;
    assert!((0..10_000).contains(&less), "what was not sent is not counted: {less} ms less");
    alter(port, &[("client-id", Some("reader"))], "consumer_byte_rate", 200_000.0);
    applied(broker, "client-id reader");
    let served = fetch("reader", port);
    assert_eq!((served.throttle_time_ms, served.responses.len()), (0, 1));
    let bytes = served.responses[0].partition_responses[0].record_set.as_ref().map_or(0, Records::len);
    assert!(bytes > 50_000, "{bytes}");
}

fn a_throttled_connection_is_not_read(port: u16) {
    // 12 seconds' worth of the quota: the rate over ten seconds is too high for two more.
    alter(port, &[("user", Some(USER)), ("client-id", Some("test"))], "producer_byte_rate", 100_000.0);
    let mut connection = Connection::to(port).unwrap().with_patience(SOON);
    let throttled = eventually("the quota counts", SOON, || {
        let response = connection.call(&produce_request(200_000), 8)?;
        (response.throttle_time_ms > 0).then_some(response.throttle_time_ms)
    });
    let sent = Instant::now();
    connection.call(&produce_request(1), 8).unwrap();
    let throttle = Duration::from_millis(u64::try_from(throttled).unwrap());
    assert!(sent.elapsed() + Duration::from_millis(50) >= throttle, "{throttled} ms");
}
