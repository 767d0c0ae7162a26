//! What is asked about topics: made, grown and deleted, most of them in ways that are refused.

use barnabas::wire::message::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use barnabas::wire::message::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest, CreateableTopicConfig,
};
use barnabas::wire::message::delete_topics::DeleteTopicsRequest;

use super::{CONTROLLER, Interview, OTHER};

impl Interview<'_> {
    pub(super) fn topics(&mut self) {
        for version in [1, 5, 6] {
            for topic in [
                topic("large", 1, 4, &[]),
                topic("many", 0, 1, &[]),
                topic("many", -2, 1, &[]),
                topic("none", 1, 0, &[]),
                topic("none", 1, -3, &[]),
                topic("", 1, 1, &[]),
                topic(".", 1, 1, &[]),
                topic("a/b", 1, 1, &[]),
                topic("t", 1, 1, &[]),
                topic("both", 1, 1, &[(0, &[1])]),
                topic("gap", -1, -1, &[(1, &[1])]),
                topic("gap", -1, -1, &[(0, &[1]), (2, &[1])]),
                topic("uneven", -1, -1, &[(0, &[1]), (1, &[1, 2])]),
                topic("twice", -1, -1, &[(0, &[1, 1])]),
                topic("again", -1, -1, &[(0, &[1]), (0, &[2])]),
                topic("stranger", -1, -1, &[(0, &[1, 9])]),
                topic("negative", -1, -1, &[(0, &[-1])]),
                topic("nobody", -1, -1, &[(0, &[])]),
                CreatableTopic {
                    configs: vec![CreateableTopicConfig { name: "nothing".to_owned(), value: None }],
                    ..topic("configured", 1, 1, &[])
                },
                CreatableTopic {
                    configs: vec![CreateableTopicConfig {
                        name: "retention.ms".to_owned(),
                        value: Some("x".to_owned()),
                    }],
                    ..topic("configured", 1, 1, &[])
                },
            ] {
                let request =
                    CreateTopicsRequest { topics: vec![topic], timeout_ms: 30_000, validate_only: true };
                self.ask(CONTROLLER, version, request);
            }
        }
        let create = |topics: &[CreatableTopic], timeout_ms| CreateTopicsRequest {
            topics: topics.to_vec(),
            timeout_ms,
            validate_only: false,
        };
        let one = topic("one", -1, -1, &[(0, &[1])]);
        self.ask(OTHER, 6, create(std::slice::from_ref(&one), 30_000));
        self.ask(CONTROLLER, 6, create(&[], 30_000));
        self.ask(CONTROLLER, 6, create(&[one.clone(), one.clone()], 30_000));
        self.ask(CONTROLLER, 4, create(std::slice::from_ref(&one), 0));
        self.ask(CONTROLLER, 4, create(&[one], -1));
        self.act("isr one 1");
        let grow = |topic: &str, count, assignments: Option<&[&[i32]]>, timeout_ms, validate_only| {
            let assignments = assignments.map(|all| {
                all.iter().map(|ids| CreatePartitionsAssignment { broker_ids: ids.to_vec() }).collect()
            });
            let topics = vec![CreatePartitionsTopic { name: topic.to_owned(), count, assignments }];
            CreatePartitionsRequest { topics, timeout_ms, validate_only }
        };
        for (topic, count, assignments) in [
            ("nowhere", 3, None),
            ("t", 0, None),
            ("t", 1, None),
            ("t", 2, None),
            ("t", -1, None),
            ("t", 3, Some(&[][..])),
            ("t", 3, Some(&[&[1, 9][..]][..])),
            ("t", 3, Some(&[&[1, 1][..]][..])),
            ("t", 3, Some(&[&[1][..]][..])),
            ("t", 3, Some(&[&[][..]][..])),
            ("t", 4, Some(&[&[1, 2][..]][..])),
            ("t", 3, Some(&[&[1, 2][..], &[2, 1][..]][..])),
            ("t", 4, Some(&[&[1, 2][..], &[2][..]][..])),
            ("t", 3, Some(&[&[1, -2][..]][..])),
            ("t", 3, Some(&[&[1, 2][..]][..])),
        ] {
            for version in [1, 3] {
                self.ask(CONTROLLER, version, grow(topic, count, assignments, 30_000, true));
            }
        }
        self.ask(OTHER, 3, grow("t", 3, None, 30_000, false));
        self.ask(CONTROLLER, 3, grow("t", 3, Some(&[&[1, 2]]), 0, false));
        let mut twice = grow("u", 2, None, 30_000, false);
        twice.topics.extend(twice.topics.clone());
        self.ask(CONTROLLER, 3, twice);
        self.ask(CONTROLLER, 3, CreatePartitionsRequest { topics: vec![], ..grow("", 0, None, 0, false) });
        let delete = |names: &[&str], timeout_ms| DeleteTopicsRequest {
            topic_names: names.iter().map(|name| (*name).to_owned()).collect(),
            timeout_ms,
        };
        for version in [0, 1, 5] {
            self.ask(CONTROLLER, version, delete(&[], 30_000));
            self.ask(OTHER, version, delete(&["one"], 30_000));
            self.ask(CONTROLLER, version, delete(&["nowhere"], 30_000));
            self.ask(CONTROLLER, version, delete(&["a/b"], 30_000));
        }
        self.ask(CONTROLLER, 5, delete(&["nowhere", "nowhere"], 30_000));
        self.ask(CONTROLLER, 5, delete(&["one"], 0));
        self.act("gone one");
        self.act("znodes /brokers/topics/ /config/topics");
    }
}

/// A topic to be made.
pub(super) fn topic(
    name: &str,
    num_partitions: i32,
    replication_factor: i16,
    assignments: &[(i32, &[i32])],
) -> CreatableTopic {
    let assignment = |(partition_index, ids): &(i32, &[i32])| CreatableReplicaAssignment {
        partition_index: *partition_index,
        broker_ids: ids.to_vec(),
    };
    CreatableTopic {
        name: name.to_owned(),
        num_partitions,
        replication_factor,
        assignments: assignments.iter().map(assignment).collect(),
        configs: Vec::new(),
    }
}
