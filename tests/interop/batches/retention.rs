//! What retention by time deletes, by the timestamps that each broker has noted for its segments: the same on both.

use barnabas::base::Clock;
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::message::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use super::brokers::Brokers;
use crate::support::batches::compare::Difference;
use crate::support::batches::recording::Topic;
use crate::support::batches::topics::{self, SOON};
use crate::support::{Connection, eventually};

/// The topic whose records show that a round of deletions is over.
const MARKER: &str = "marker";
const EARLIEST: i64 = -2;
/// A topic as DescribeConfigs' kin number it.
const TOPIC: i8 = 2;

/// What differs once everything older than `cutoff` (milliseconds since the epoch) was to be deleted.
pub fn difference(brokers: &Brokers, cutoff: i64) -> Option<Difference> {
    let topics = brokers.topics();
    let [kafka, here] = brokers.ports().map(|port| starts_after_retention(port, &topics, cutoff));
    let differing = kafka.iter().zip(&here).filter(|(kafka, here)| kafka != here);
    let whole: Vec<_> =
        differing.map(|(kafka, here)| format!("    Kafka {kafka:?}\n    here  {here:?}")).collect();
    let deleted = kafka.iter().filter(|(_, _, start)| *start > 0).count();
    println!("retention: {deleted} of {} partitions begin behind what was deleted", kafka.len());
    (!whole.is_empty()).then(|| Difference { kind: "retention".to_owned(), whole: whole.join("\n") })
}

/// Where each partition starts after the broker has looked at all of them with that retention.
fn starts_after_retention(port: u16, topics: &[Topic], cutoff: i64) -> Vec<(String, i32, i64)> {
    let marker = Topic { name: MARKER.to_owned(), partitions: 1, configs: Vec::new() };
    topics::create(port, std::slice::from_ref(&marker));
    let mut connection = Connection::to(port).unwrap().with_patience(SOON);
    let retention = (Clock::System.now() - cutoff).to_string();
    set_retention(&mut connection, topics.iter().chain([&marker]), &retention);
    // The round in which the first is deleted may have begun before the configs were there; the next is whole.
    for _ in 0..3 {
        let end = produce_marker(&mut connection);
        eventually("a round of deletions", SOON, || {
            (starts(&mut connection, &marker)[0].2 == end).then_some(())
        });
    }
    topics.iter().flat_map(|topic| starts(&mut connection, topic)).collect()
}

fn set_retention<'a>(connection: &mut Connection, topics: impl Iterator<Item = &'a Topic>, value: &str) {
    let resources = topics.map(|topic| IncrementalAlterConfigsResource {
        resource_type: TOPIC,
        resource_name: topic.name.clone(),
        configs: vec![IncrementalAlterableConfig {
            name: "retention.ms".to_owned(),
            config_operation: 0,
            value: Some(value.to_owned()),
        }],
    });
    let request = IncrementalAlterConfigsRequest { resources: resources.collect(), validate_only: false };
    let answer = connection.call(&request, 1).unwrap();
    assert!(answer.responses.iter().all(|it| it.error_code == 0), "{:?}", answer.responses);
}

/// A record of long ago; the end of the log behind it.
fn produce_marker(connection: &mut Connection) -> i64 {
    let mut batch = BatchBuilder::new();
    batch.push(1, None, Some(b"old"), &[]);
    let records = Some(batch.build().unwrap().into());
    let partitions = vec![PartitionProduceData { partition_index: 0, records }];
    let topics = vec![TopicProduceData { name: MARKER.to_owned(), partitions }];
    let request = ProduceRequest { transactional_id: None, acks: 1, timeout_ms: 30_000, topics };
    let answer = connection.call(&request, 8).unwrap();
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.error_code, 0);
    partition.base_offset + 1
}

fn starts(connection: &mut Connection, topic: &Topic) -> Vec<(String, i32, i64)> {
    let partition =
        |partition_index| ListOffsetPartition { partition_index, timestamp: EARLIEST, ..Default::default() };
    let partitions = (0..topic.partitions).map(partition).collect();
    let topics = vec![ListOffsetTopic { name: topic.name.clone(), partitions }];
    let request = ListOffsetRequest { replica_id: -1, isolation_level: 0, topics };
    let answer = connection.call(&request, 2).unwrap();
    let found = answer.topics.into_iter().flat_map(|topic| topic.partitions);
    found
        .map(|it| {
            assert_eq!(it.error_code, 0, "{} {}", topic.name, it.partition_index);
            (topic.name.clone(), it.partition_index, it.offset)
        })
        .collect()
}
