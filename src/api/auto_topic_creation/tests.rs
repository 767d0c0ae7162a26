use super::*;
use crate::config::Properties;

fn config(properties: &[(&str, &str)]) -> BrokerConfig {
    let mut all = Properties::default();
    all.set("zookeeper.connect", "nowhere");
    properties.iter().for_each(|(key, value)| all.set(*key, *value));
    BrokerConfig::parse(&all).unwrap()
}

#[test]
fn internal_topics_are_created_with_the_brokers_settings() {
    let offsets = InternalTopic::named("__consumer_offsets").unwrap().settings(&config(&[
        ("offsets.topic.num.partitions", "7"),
        ("offsets.topic.replication.factor", "2"),
        ("offsets.topic.segment.bytes", "4096"),
    ]));
    assert_eq!((offsets.partitions, offsets.replication_factor), (7, 2));
    let of = |settings: &NewTopicSettings, key: &str| settings.configs.get(key).cloned().unwrap();
    assert_eq!(of(&offsets, "cleanup.policy"), "compact");
    assert_eq!(of(&offsets, "segment.bytes"), "4096");
    assert_eq!(of(&offsets, "compression.type"), "producer");
    let transactions = InternalTopic::named("__transaction_state").unwrap().settings(&config(&[]));
    assert_eq!((transactions.partitions, transactions.replication_factor), (50, 3));
    assert_eq!(of(&transactions, "min.insync.replicas"), "2");
    assert_eq!(of(&transactions, "unclean.leader.election.enable"), "false");
    assert_eq!(of(&transactions, "compression.type"), "uncompressed");
    assert_eq!(InternalTopic::named("t"), None);
}

#[test]
fn the_configs_of_internal_topics_are_configs_of_topics() {
    for topic in [InternalTopic::Offsets, InternalTopic::Transactions] {
        let configs = topic.settings(&config(&[])).configs;
        assert!(crate::config::TopicConfig::default().with_overrides(&configs).is_ok(), "{topic:?}");
    }
}
