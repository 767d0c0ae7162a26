use super::*;

fn read(properties: &[(&str, &str)]) -> Result<ZookeeperConsumerSettings, LegacyConfigError> {
    let required = [("zookeeper.connect", "h:1"), ("group.id", "g")];
    ZookeeperConsumerSettings::read(&required.iter().chain(properties).copied().collect())
}

#[test]
fn the_defaults_are_kafkas() {
    let read = read(&[]).unwrap();
    assert_eq!((read.zookeeper.connect.as_str(), &*read.group_id, &*read.client_id), ("h:1", "g", "g"));
    assert_eq!(read.zookeeper.session_timeout, Duration::from_secs(6));
    assert_eq!(read.zookeeper.connection_timeout, Duration::from_secs(6));
    assert_eq!((read.auto_commit, read.auto_commit_interval), (true, Duration::from_secs(60)));
    assert_eq!((read.rebalance_max_retries, read.rebalance_backoff), (4, Duration::from_secs(2)));
    assert_eq!((read.offset_storage, read.offset_reset), (OffsetStorage::ZooKeeper, OffsetReset::Latest));
    assert_eq!((read.timeout, read.fetch.fetch_max_wait), (None, Duration::from_millis(100)));
}

#[test]
fn keys_of_old_have_their_effect() {
    let read = read(&[
        ("zookeeper.session.timeout.ms", "4000"),
        ("zookeeper.sync.time.ms", "100"),
        ("client.id", "c"),
        ("consumer.id", "one"),
        ("auto.offset.reset", "smallest"),
        ("auto.commit.enable", "false"),
        ("offsets.storage", "Kafka"),
        ("dual.commit.enabled", "false"),
        ("partition.assignment.strategy", "roundrobin"),
        ("consumer.timeout.ms", "50"),
        ("fetch.message.max.bytes", "7"),
        ("queued.max.message.chunks", "3"),
        ("topic", "t"),
        ("external.x", "y"),
    ])
    .unwrap();
    assert_eq!(read.zookeeper.connection_timeout, Duration::from_secs(4));
    let zookeeper = read.fetch.cluster.zookeeper.unwrap();
    assert_eq!((zookeeper.session_timeout, &*read.fetch.cluster.client_id), (Duration::from_secs(4), "c"));
    assert_eq!(
        (read.rebalance_backoff, read.consumer_id.as_deref()),
        (Duration::from_millis(100), Some("one"))
    );
    assert_eq!((read.fetch.offset_reset, read.auto_commit), (OffsetReset::Earliest, false));
    assert_eq!(read.offset_storage, OffsetStorage::Kafka);
    assert_eq!(read.assignment_strategy, ZookeeperAssignmentStrategy::RoundRobin);
    assert_eq!((read.timeout, read.fetch.max_partition_fetch_bytes), (Some(Duration::from_millis(50)), 7));
    assert_eq!(read.unknown, ["topic"]);
}

#[test]
fn offsets_in_kafka_are_committed_to_both_unless_it_is_refused() {
    assert_eq!(read(&[("offsets.storage", "kafka")]).unwrap().offset_storage, OffsetStorage::Both);
}

#[test]
fn bad_values_are_refused_in_kafkas_words() {
    let refusal = |key, value| read(&[(key, value)]).unwrap_err().to_string();
    assert_eq!(
        refusal("auto.offset.reset", "earliest"),
        "Wrong value earliest of auto.offset.reset in ConsumerConfig; Valid values are smallest and largest"
    );
    assert_eq!(
        refusal("offsets.storage", "x"),
        "Wrong value x of offsets.storage in consumer config; Valid values are 'zookeeper' and 'kafka'"
    );
    assert_eq!(refusal("rebalance.max.retries", "x"), "For input string: \"x\"");
    assert!(refusal("rebalance.backoff.ms", "-1").contains("which is not in the range"));
    assert!(refusal("auto.commit.enable", "yes").contains("'auto.commit.enable'"));
    assert!(refusal("group.id", "a/b").starts_with("group.id a/b is illegal"));
    assert!(refusal("fetch.wait.max.ms", "30001").contains("socket.timeout.ms"));
    let missing = ZookeeperConsumerSettings::read(&[("zookeeper.connect", "h:1")].into_iter().collect());
    assert_eq!(missing.unwrap_err().to_string(), "requirement failed: Missing required property 'group.id'");
}
