//! The brokers' settings, and topics made through a broker.

use std::time::Duration;

use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest, CreateableTopicConfig};

use super::super::{Connection, eventually};
use super::recording::Topic;

/// How long anything is waited for.
pub const SOON: Duration = Duration::from_secs(120);
/// Kafka's TOPIC_ALREADY_EXISTS.
const EXISTS: i16 = 36;
/// What both brokers are started with: nothing is deleted or compacted by time, but topics are looked at
/// often for that.
pub const SETTINGS: [(&str, &str); 7] = [
    ("log.retention.ms", "-1"),
    ("log.retention.check.interval.ms", "2000"),
    ("log.cleaner.enable", "false"),
    ("log.index.size.max.bytes", "65536"),
    ("auto.create.topics.enable", "false"),
    ("zookeeper.session.timeout.ms", "30000"),
    ("num.io.threads", "4"),
];

/// Creates topics, and waits until all their partitions have leaders.
pub fn create(port: u16, topics: &[Topic]) {
    let config = |(name, value): &(String, String)| CreateableTopicConfig {
        name: name.clone(),
        value: Some(value.clone()),
    };
    let creatable = topics.iter().map(|topic| CreatableTopic {
        name: topic.name.clone(),
        num_partitions: topic.partitions,
        replication_factor: 1,
        configs: topic.configs.iter().map(config).collect(),
        ..Default::default()
    });
    let request =
        CreateTopicsRequest { topics: creatable.collect(), timeout_ms: 60_000, validate_only: false };
    // A broker is there before it has been elected as the controller.
    eventually("the topics are made", SOON, || {
        let answer = Connection::to(port)?.with_patience(SOON).call(&request, 4)?;
        answer.topics.iter().all(|topic| [0, EXISTS].contains(&topic.error_code)).then_some(())
    });
    let mut connection = Connection::to(port).unwrap().with_patience(SOON);
    for topic in topics {
        let has_leaders = || connection.has_leader(&topic.name)?.then_some(());
        eventually("the partitions have leaders", SOON, has_leaders);
    }
}
