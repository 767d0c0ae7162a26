//! The APIs of topics and their records.

use barnabas::base::Records;
use barnabas::wire::batch::BatchBuilder;
use barnabas::wire::message::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest};
use barnabas::wire::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use barnabas::wire::message::delete_topics::DeleteTopicsRequest;
use barnabas::wire::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::metadata::{MetadataRequest, MetadataRequestTopic};
use barnabas::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use barnabas::wire::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use super::Caller;

/// The topics that most requests are about; one of them does not exist.
pub const TOPICS: [&str; 3] = ["mine", "yours", "no-such"];

/// The kind of producer that appends.
#[derive(Clone, Copy)]
pub enum Producer {
    Plain,
    Idempotent,
    Transactional,
}

impl Caller {
    pub fn asks_for_topics(&mut self) {
        self.metadata("all topics", None);
        self.metadata_and_operations("all topics", None);
        self.metadata("topics", Some(&["mine", "yours"]));
        self.metadata_and_operations("topics", Some(&["mine", "yours"]));
        self.metadata("a missing topic", Some(&["new", "mine"]));
        self.create_topics("topics", &["made", "mine"]);
        self.ask_sorted("more partitions", &grow(&["mine", "yours"]), |it| {
            it.results.sort_by(|a, b| a.name.cmp(&b.name));
        });
    }

    pub fn produces_and_fetches(&mut self) {
        self.list_offsets("offsets", &TOPICS);
        self.end_offsets("epochs", &["mine", "yours"]);
        self.fetch("as a consumer", -1, &TOPICS);
        self.fetch("as a follower", 2, &TOPICS);
        self.produce("plain", Producer::Plain, &TOPICS);
        self.produce("idempotent", Producer::Idempotent, &["mine"]);
        self.produce("transactional", Producer::Transactional, &["mine"]);
        self.delete_records("records", &TOPICS);
    }

    /// The last requests: the topics are gone then.
    pub fn deletes(&mut self) {
        self.delete_topics("topics", &TOPICS);
    }

    /// Asks for topics, and those that are missing are created where the caller may do that.
    pub fn metadata(&mut self, note: &str, topics: Option<&[&str]>) {
        self.ask_for_metadata(note, topics, false);
    }

    /// As [`Caller::metadata`], and for what the caller may do.
    pub fn metadata_and_operations(&mut self, note: &str, topics: Option<&[&str]>) {
        self.ask_for_metadata(&format!("{note} and operations"), topics, true);
    }

    fn ask_for_metadata(&mut self, note: &str, topics: Option<&[&str]>, operations: bool) {
        let of = |name: &&str| MetadataRequestTopic { name: (*name).to_owned() };
        let request = MetadataRequest {
            topics: topics.map(|names| names.iter().map(of).collect()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: operations,
            include_topic_authorized_operations: operations,
        };
        self.ask_sorted(note, &request, |answer| {
            answer.topics.sort_by(|a, b| a.name.cmp(&b.name));
            answer.cluster_id = None;
        });
    }

    pub fn create_topics(&mut self, note: &str, names: &[&str]) {
        let topics = names.iter().map(|name| CreatableTopic {
            name: (*name).to_owned(),
            num_partitions: 1,
            replication_factor: 1,
            ..Default::default()
        });
        let request =
            CreateTopicsRequest { topics: topics.collect(), timeout_ms: 30_000, validate_only: true };
        self.ask_sorted(note, &request, |answer| {
            answer.topics.sort_by(|a, b| a.name.cmp(&b.name));
            for configs in answer.topics.iter_mut().filter_map(|it| it.configs.as_mut()) {
                configs.retain(|config| config.name == "cleanup.policy");
            }
        });
    }

    pub fn fetch(&mut self, note: &str, replica_id: i32, topics: &[&str]) {
        let topics = topics.iter().map(|topic| FetchTopic {
            topic: (*topic).to_owned(),
            partitions: vec![FetchPartition {
                partition_max_bytes: 1 << 20,
                current_leader_epoch: -1,
                ..Default::default()
            }],
        });
        let request = FetchRequest {
            replica_id,
            session_epoch: -1,
            max_bytes: 1 << 20,
            topics: topics.collect(),
            ..Default::default()
        };
        self.ask_sorted(note, &request, |answer| {
            answer.responses.sort_by(|a, b| a.topic.cmp(&b.topic));
            for partition in answer.responses.iter_mut().flat_map(|it| &mut it.partition_responses) {
                partition.record_set = partition.record_set.as_ref().map(|_| Records::default());
            }
        });
    }

    pub fn produce(&mut self, note: &str, producer: Producer, topics: &[&str]) {
        let transactional_id = matches!(producer, Producer::Transactional).then(|| "tx".to_owned());
        let topics = topics.iter().map(|name| TopicProduceData {
            name: (*name).to_owned(),
            partitions: vec![PartitionProduceData { partition_index: 0, records: Some(records(producer)) }],
        });
        let request =
            ProduceRequest { acks: 1, timeout_ms: 5000, topics: topics.collect(), transactional_id };
        for version in 3..=8 {
            self.scene.ask_sorted(note, version, &request, |it| {
                it.responses.sort_by(|a, b| a.name.cmp(&b.name));
                for partition in it.responses.iter_mut().flat_map(|it| &mut it.partitions) {
                    partition.log_append_time_ms = partition.log_append_time_ms.min(0);
                }
            });
        }
    }

    pub fn list_offsets(&mut self, note: &str, topics: &[&str]) {
        let topics = topics.iter().map(|name| ListOffsetTopic {
            name: (*name).to_owned(),
            partitions: vec![ListOffsetPartition { timestamp: -2, ..Default::default() }],
        });
        let request = ListOffsetRequest { replica_id: -1, topics: topics.collect(), ..Default::default() };
        self.ask_sorted(note, &request, |it| it.topics.sort_by(|a, b| a.name.cmp(&b.name)));
    }

    pub fn end_offsets(&mut self, note: &str, topics: &[&str]) {
        let topics = topics.iter().map(|name| OffsetForLeaderTopic {
            name: (*name).to_owned(),
            partitions: vec![OffsetForLeaderPartition::default()],
        });
        let request = OffsetForLeaderEpochRequest { topics: topics.collect(), ..Default::default() };
        self.ask_sorted(note, &request, |it| it.topics.sort_by(|a, b| a.name.cmp(&b.name)));
    }

    pub fn delete_records(&mut self, note: &str, topics: &[&str]) {
        let topics = topics.iter().map(|name| DeleteRecordsTopic {
            name: (*name).to_owned(),
            partitions: vec![DeleteRecordsPartition { partition_index: 0, offset: 0 }],
        });
        let request = DeleteRecordsRequest { topics: topics.collect(), timeout_ms: 5000 };
        self.ask_sorted(note, &request, |it| it.topics.sort_by(|a, b| a.name.cmp(&b.name)));
    }

    pub fn delete_topics(&mut self, note: &str, topics: &[&str]) {
        let topic_names = topics.iter().map(|it| (*it).to_owned()).collect();
        let request = DeleteTopicsRequest { topic_names, timeout_ms: 30_000 };
        self.ask_sorted(note, &request, |it| it.responses.sort_by(|a, b| a.name.cmp(&b.name)));
    }
}

/// A batch of one record.
fn records(producer: Producer) -> Records {
    let builder = match producer {
        Producer::Plain => BatchBuilder::new(),
        Producer::Idempotent => BatchBuilder::new().producer(7, 0, 0),
        Producer::Transactional => BatchBuilder::new().producer(7, 0, 0).transactional(true),
    };
    let mut builder = builder;
    builder.push(barnabas::base::Clock::System.now(), None, Some(b"value"), &[]);
    Records::Memory(builder.build().unwrap())
}

/// Whether these topics could have two partitions more.
pub fn grow(topics: &[&str]) -> CreatePartitionsRequest {
    let topics = topics.iter().map(|name| CreatePartitionsTopic {
        name: (*name).to_owned(),
        count: 3,
        assignments: None,
    });
    CreatePartitionsRequest { topics: topics.collect(), timeout_ms: 30_000, validate_only: true }
}
