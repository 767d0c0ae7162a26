//! What is asked of three brokers in odd circumstances, request by request: of the controller and of another, of topics
//! that there are and are not, twice in one request, with no time, with nothing.

mod topics;

use barnabas::wire::api_key::ApiKey;
use barnabas::wire::header::RequestHeader;
use barnabas::wire::message::Request;
use barnabas::wire::message::alter_isr::{AlterIsrRequest, PartitionData, TopicData};
use barnabas::wire::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use barnabas::wire::message::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use barnabas::wire::message::controlled_shutdown::ControlledShutdownRequest;
use barnabas::wire::message::create_topics::CreateTopicsRequest;
use barnabas::wire::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use barnabas::wire::message::describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest};
use barnabas::wire::message::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use barnabas::wire::message::list_offsets::{ListOffsetPartition, ListOffsetRequest, ListOffsetTopic};
use barnabas::wire::message::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
};
use barnabas::wire::message::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use regex::Regex;

use super::script::Step;
use super::stage::Stage;
use topics::topic;

/// A topic, a partition, and the replicas it is to have; None takes back what is on its way.
type Wanted<'a> = (&'a str, i32, Option<&'a [i32]>);
/// A topic and partitions of it.
type Named<'a> = (&'a str, Vec<i32>);

/// The controller, and a broker that is not.
const CONTROLLER: i32 = 1;
const OTHER: i32 = 2;

/// Questions with their answers.
pub struct Interview<'a> {
    /// The broker that is asked.
    pub stage: &'a mut Stage,
    /// The question, and the answer.
    pub steps: Vec<Step>,
}

impl Interview<'_> {
    fn ask<R: Request + std::fmt::Debug>(&mut self, broker: i32, version: i16, request: R) {
        let answer = self.stage.ask(broker, version, &request).map(|answer| brief(&answer));
        self.output(format!("{broker} v{version} {}", brief(&format!("{request:?}"))), answer);
    }

    /// A request as bytes, for fields that no version has.
    fn ask_raw(&mut self, broker: i32, api_key: ApiKey, api_version: i16, body: &[u8]) {
        let header = RequestHeader { api_key, api_version, correlation_id: 1, client_id: None };
        let answer = self.stage.ask_raw(broker, &header, body);
        self.output(format!("{broker} v{api_version} {api_key:?} {body:02x?}"), answer);
    }

    fn output(&mut self, asked: String, answer: Option<String>) {
        let output = answer.unwrap_or_else(|| "closed".to_owned());
        self.steps.push(Step { line: format!("? {asked}"), output: vec![format!("> {output}")] });
    }

    fn act(&mut self, line: &str) {
        let output = self.stage.act(line);
        self.steps.push(Step { line: format!("@ {line}"), output });
    }

    /// Asks everything.
    pub fn hold(&mut self) {
        self.stage
            .run("topics --bootstrap-server BROKERS --create --topic t --replica-assignment 1:2,2:1", true);
        self.stage.run("topics --bootstrap-server BROKERS --create --topic u --replica-assignment 3:2", true);
        for line in ["isr t 1,2", "isr u 2,3", "produce t 10 100", "produce u 10 100"] {
            self.act(line);
        }
        self.reassignments();
        self.elections();
        self.directories();
        self.records();
        self.epochs();
        self.between_brokers();
        self.topics();
        self.act("stop 3");
        self.act("isr u 2");
        self.with_a_broker_down();
        self.act("start 3");
        self.act("isr u 2,3");
    }

    fn reassignments(&mut self) {
        const NOTHING: &[Wanted] = &[];
        let odd: [(i32, &[Wanted]); 16] = [
            (30_000, NOTHING),
            (30_000, &[("t", 0, None)]),
            (30_000, &[("nowhere", 0, None)]),
            (30_000, &[("t", 7, None)]),
            (30_000, &[("nowhere", 0, Some(&[1]))]),
            (30_000, &[("t", 7, Some(&[1]))]),
            (30_000, &[("t", -1, Some(&[1]))]),
            (30_000, &[("", 0, Some(&[1]))]),
            (30_000, &[("t", 0, Some(&[]))]),
            (30_000, &[("t", 0, Some(&[1, 1]))]),
            (30_000, &[("t", 0, Some(&[1, -2]))]),
            (30_000, &[("t", 0, Some(&[1, 9]))]),
            (30_000, &[("t", 0, Some(&[9, 9]))]),
            (0, &[("t", 0, Some(&[1, 2]))]),
            (-1, &[("t", 0, Some(&[2, 1]))]),
            (30_000, &[("t", 0, Some(&[9])), ("t", 0, Some(&[1, 2]))]),
        ];
        for broker in [CONTROLLER, OTHER] {
            for (timeout_ms, wanted) in odd {
                self.ask(broker, 0, reassignment(timeout_ms, wanted));
            }
            for topics in
                [None, Some(vec![]), Some(vec![("t", vec![0, 1])]), Some(vec![("nowhere", vec![0])])]
            {
                for timeout_ms in [30_000, 0] {
                    self.ask(broker, 0, reassignments_of(timeout_ms, topics.clone()));
                }
            }
            self.ask(broker, 0, reassignments_of(30_000, Some(vec![("t", vec![]), ("t", vec![9, -1])])));
        }
        // The lists are null.
        self.ask_raw(CONTROLLER, ApiKey::AlterPartitionReassignments, 0, &[0, 0, 1, 0, 0, 0]);
        self.ask_raw(CONTROLLER, ApiKey::ListPartitionReassignments, 0, &[0, 0, 1, 0, 2, 2, b't', 0, 0, 0]);
        self.act("znodes /brokers/topics/");
    }

    fn elections(&mut self) {
        let cases: [Option<Vec<Named>>; 9] = [
            None,
            Some(vec![]),
            Some(vec![("t", vec![])]),
            Some(vec![("t", vec![0])]),
            Some(vec![("t", vec![0, 0])]),
            Some(vec![("t", vec![0]), ("t", vec![0])]),
            Some(vec![("t", vec![9])]),
            Some(vec![("nowhere", vec![0])]),
            Some(vec![("t", vec![-1])]),
        ];
        for broker in [CONTROLLER, OTHER] {
            for case in &cases {
                for (version, election_type) in [(0, 0), (1, 1), (2, 0), (2, 1), (2, 5)] {
                    // The order in which other brokers refuse all is of no importance, nor is it that no
                    // broker survives all of an unknown kind.
                    if case.is_none() && (broker == OTHER || election_type == 5) {
                        continue;
                    }
                    self.ask(broker, version, election(election_type, 30_000, case.clone()));
                }
            }
            self.ask(broker, 2, election(0, 0, Some(vec![("t", vec![0])])));
            self.ask(broker, 2, election(0, -5, Some(vec![("t", vec![0])])));
        }
    }

    fn directories(&mut self) {
        let place = |path: &str, topics: &[(&str, &[i32])]| AlterReplicaLogDir {
            path: path.to_owned(),
            topics: topics
                .iter()
                .map(|(name, partitions)| AlterReplicaLogDirTopic {
                    name: (*name).to_owned(),
                    partitions: partitions.to_vec(),
                })
                .collect(),
        };
        for version in [0, 1] {
            for dirs in [
                vec![],
                vec![place("/nowhere", &[])],
                vec![place("/nowhere", &[("t", &[0])])],
                vec![place("relative", &[("t", &[0])])],
                vec![place("", &[("t", &[0])])],
                vec![place("DIR1/one", &[("nowhere", &[0])])],
                vec![place("DIR1/one", &[("t", &[9])])],
                vec![place("DIR1/one", &[("t", &[-1])])],
                vec![place("DIR1/one", &[("u", &[0])])],
                vec![place("DIR1/one/", &[("u", &[0])])],
                vec![place("/nowhere", &[("nowhere", &[0])])],
            ] {
                self.ask(CONTROLLER, version, AlterReplicaLogDirsRequest { dirs });
            }
        }
        let of = |topics: &[(&str, &[i32])]| {
            let topic = |(name, partitions): &(&str, &[i32])| DescribableLogDirTopic {
                topic: (*name).to_owned(),
                partition_index: partitions.to_vec(),
            };
            Some(topics.iter().map(topic).collect())
        };
        for version in [0, 2] {
            for topics in
                [of(&[]), of(&[("t", &[])]), of(&[("nowhere", &[0])]), of(&[("t", &[9])]), of(&[("u", &[0])])]
            {
                self.ask(CONTROLLER, version, DescribeLogDirsRequest { topics });
            }
        }
        self.ask(3, 2, DescribeLogDirsRequest { topics: of(&[("u", &[0]), ("u", &[0])]) });
    }

    fn records(&mut self) {
        for (version, timeout_ms, wanted) in [
            (0, 30_000, vec![]),
            (1, 30_000, vec![("t", 0, 2)]),
            (1, 30_000, vec![("t", 0, 1)]),
            (2, 30_000, vec![("t", 0, -1)]),
            (2, 30_000, vec![("t", 0, -2)]),
            (2, 30_000, vec![("t", 0, 11)]),
            (2, 30_000, vec![("t", 9, 1)]),
            (2, 30_000, vec![("t", -1, 1)]),
            (2, 30_000, vec![("t", 1, 0)]),
            (2, 30_000, vec![("nowhere", 0, 1)]),
            (2, 30_000, vec![("", 0, 1)]),
            (2, 30_000, vec![("u", 0, 1)]),
            (2, -1, vec![("t", 0, 10)]),
        ] {
            for broker in [CONTROLLER, OTHER] {
                self.ask(broker, version, deletion(timeout_ms, &wanted));
            }
        }
        self.ask(3, 2, deletion(0, &[("u", 0, 3)]));
        self.ask(3, 2, deletion(30_000, &[("u", 0, 4), ("u", 0, 5)]));
        for timestamp in [-1, -2, 0, i64::MAX, -3] {
            for (version, current_leader_epoch) in [(1, -1), (4, -1), (5, 0), (5, 9)] {
                let partition = ListOffsetPartition {
                    partition_index: 0,
                    current_leader_epoch,
                    timestamp,
                    ..Default::default()
                };
                let topics = vec![ListOffsetTopic { name: "u".to_owned(), partitions: vec![partition] }];
                let request = ListOffsetRequest { replica_id: -1, topics, ..Default::default() };
                self.ask(3, version, request.clone());
                self.ask(OTHER, version, request);
            }
        }
    }

    fn epochs(&mut self) {
        for version in [0, 2, 3] {
            for (topic, partition, current, epoch) in [
                ("t", 0, -1, 0),
                ("t", 0, 0, 0),
                ("t", 0, 1, 0),
                ("t", 0, 0, 7),
                ("t", 0, 0, -1),
                ("t", 0, -1, -5),
                ("t", 1, -1, 0),
                ("u", 0, -1, 0),
                ("u", 0, 5, 0),
                ("t", 9, -1, 0),
                ("nowhere", 0, -1, 0),
            ] {
                for replica_id in if version == 3 { vec![-1, -2, 2] } else { vec![-2] } {
                    let partition = OffsetForLeaderPartition {
                        partition_index: partition,
                        current_leader_epoch: if version == 0 { -1 } else { current },
                        leader_epoch: epoch,
                    };
                    let topics =
                        vec![OffsetForLeaderTopic { name: topic.to_owned(), partitions: vec![partition] }];
                    self.ask(CONTROLLER, version, OffsetForLeaderEpochRequest { replica_id, topics });
                }
            }
        }
        self.ask(CONTROLLER, 3, OffsetForLeaderEpochRequest { replica_id: -1, topics: vec![] });
    }

    /// What only brokers ask, asked by one that is none, or lived before.
    fn between_brokers(&mut self) {
        for broker in [CONTROLLER, OTHER] {
            for (version, broker_id, broker_epoch) in
                [(1, 9, -1), (2, 9, -1), (3, 9, 5), (3, 3, 0), (3, -1, -1)]
            {
                self.ask(broker, version, ControlledShutdownRequest { broker_id, broker_epoch });
            }
            for (broker_id, broker_epoch, topic) in
                [(9, -1, "t"), (2, -1, "t"), (2, 0, "nowhere"), (-1, -1, "t")]
            {
                let partition = PartitionData {
                    partition_index: 0,
                    leader_epoch: 0,
                    new_isr: vec![1],
                    current_isr_version: 0,
                };
                let topics = vec![TopicData { name: topic.to_owned(), partitions: vec![partition] }];
                self.ask(broker, 0, AlterIsrRequest { broker_id, broker_epoch, topics });
            }
        }
    }

    fn with_a_broker_down(&mut self) {
        for topic in [
            topic("three", 1, 3, &[]),
            topic("onto", -1, -1, &[(0, &[3])]),
            topic("onto", -1, -1, &[(0, &[1, 3])]),
        ] {
            let request =
                CreateTopicsRequest { topics: vec![topic], timeout_ms: 2_000, validate_only: false };
            self.ask(CONTROLLER, 6, request);
        }
        let new: [&[Wanted]; 4] = [
            &[("t", 0, Some(&[1, 3]))],
            &[("t", 0, Some(&[3]))],
            &[("u", 0, Some(&[2, 3]))],
            &[("t", 0, Some(&[3, 1, 2]))],
        ];
        for wanted in new {
            self.ask(CONTROLLER, 0, reassignment(30_000, wanted));
        }
        self.ask(CONTROLLER, 0, reassignments_of(30_000, None));
        self.ask(CONTROLLER, 0, reassignment(30_000, &[("u", 0, None)]));
        for election_type in [0, 1] {
            self.ask(CONTROLLER, 2, election(election_type, 30_000, Some(vec![("u", vec![0])])));
            self.ask(CONTROLLER, 2, election(election_type, 30_000, None));
        }
        self.ask(OTHER, 2, deletion(2_000, &[("u", 0, 6)]));
        self.ask(CONTROLLER, 2, deletion(2_000, &[("u", 0, 6)]));
        self.act("znodes /brokers/topics/");
    }
}

/// A message without the names of what it is made of.
fn brief(message: &str) -> String {
    let (name, rest) = message.split_once(' ').unwrap_or((message, ""));
    let names = Regex::new(r"\b[A-Z]\w+ \{").unwrap();
    format!("{name} {}", names.replace_all(rest, "{")).replace("throttle_time_ms: 0, ", "")
}

fn reassignment(timeout_ms: i32, wanted: &[Wanted]) -> AlterPartitionReassignmentsRequest {
    let topic = |(name, partition_index, replicas): &Wanted| ReassignableTopic {
        name: (*name).to_owned(),
        partitions: vec![ReassignablePartition {
            partition_index: *partition_index,
            replicas: replicas.map(<[i32]>::to_vec),
        }],
    };
    AlterPartitionReassignmentsRequest { timeout_ms, topics: wanted.iter().map(topic).collect() }
}

fn reassignments_of(timeout_ms: i32, topics: Option<Vec<Named>>) -> ListPartitionReassignmentsRequest {
    let topic = |(name, partition_indexes): (&str, Vec<i32>)| ListPartitionReassignmentsTopics {
        name: name.to_owned(),
        partition_indexes,
    };
    let topics = topics.map(|topics| topics.into_iter().map(topic).collect());
    ListPartitionReassignmentsRequest { timeout_ms, topics }
}

fn election(election_type: i8, timeout_ms: i32, topics: Option<Vec<Named>>) -> ElectLeadersRequest {
    let topic =
        |(topic, partition_id): (&str, Vec<i32>)| TopicPartitions { topic: topic.to_owned(), partition_id };
    let topic_partitions = topics.map(|topics| topics.into_iter().map(topic).collect());
    ElectLeadersRequest { election_type, topic_partitions, timeout_ms }
}

fn deletion(timeout_ms: i32, wanted: &[(&str, i32, i64)]) -> DeleteRecordsRequest {
    let topic = |(name, partition_index, offset): &(&str, i32, i64)| DeleteRecordsTopic {
        name: (*name).to_owned(),
        partitions: vec![DeleteRecordsPartition { partition_index: *partition_index, offset: *offset }],
    };
    DeleteRecordsRequest { topics: wanted.iter().map(topic).collect(), timeout_ms }
}
