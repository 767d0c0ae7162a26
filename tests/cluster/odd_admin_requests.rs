//! What administrators should not send, and some of what they should, at every version: answered as by Kafka 2.7.2,
//! whose answers were recorded. `RECORD_FROM=port` records them anew from a broker of Kafka's with the settings below.

use std::time::Duration;

use barnabas::wire::message::Request;
use barnabas::wire::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use barnabas::wire::message::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use barnabas::wire::message::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use barnabas::wire::message::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest, CreateableTopicConfig,
};
use barnabas::wire::message::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use barnabas::wire::message::delete_topics::DeleteTopicsRequest;
use barnabas::wire::message::describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest};
use barnabas::wire::message::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use barnabas::wire::message::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
};
use barnabas::wire::message::update_features::{FeatureUpdateKey, UpdateFeaturesRequest};

use crate::support::scene::{Scene, compare_with_recorded};
use crate::support::{Connection, eventually};

const SOON: Duration = Duration::from_secs(30);
const SETTINGS: &[(&str, &str)] = &[("num.partitions", "3"), ("auto.create.topics.enable", "false")];
const RECORDED: &str = "tests/cluster/data/odd_admin_requests.txt";
/// Long enough for everything that a test waits for.
const LONG: i32 = 30_000;

/// A topic to create, with the defaults of the broker.
fn topic(name: &str) -> CreatableTopic {
    CreatableTopic { name: name.to_owned(), num_partitions: -1, replication_factor: -1, ..Default::default() }
}

fn sized(name: &str, num_partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic { num_partitions, replication_factor, ..topic(name) }
}

fn assigned(name: &str, replicas: &[(i32, &[i32])]) -> CreatableTopic {
    let assignments = replicas
        .iter()
        .map(|(partition_index, ids)| CreatableReplicaAssignment {
            partition_index: *partition_index,
            broker_ids: ids.to_vec(),
        })
        .collect();
    CreatableTopic { assignments, ..topic(name) }
}

fn configured(name: &str, configs: &[(&str, Option<&str>)]) -> CreatableTopic {
    let configs = configs.iter().map(|(name, value)| CreateableTopicConfig {
        name: (*name).to_owned(),
        value: value.map(str::to_owned),
    });
    CreatableTopic { configs: configs.collect(), ..topic(name) }
}

fn grown(name: &str, count: i32, replicas: Option<&[&[i32]]>) -> CreatePartitionsTopic {
    let assignment = |ids: &&[i32]| CreatePartitionsAssignment { broker_ids: ids.to_vec() };
    let assignments = replicas.map(|lists| lists.iter().map(assignment).collect());
    CreatePartitionsTopic { name: name.to_owned(), count, assignments }
}

impl Scene {
    fn create(
        &mut self,
        note: &str,
        version: i16,
        topics: &[CreatableTopic],
        timeout_ms: i32,
        validate_only: bool,
    ) {
        let request = CreateTopicsRequest { topics: topics.to_vec(), timeout_ms, validate_only };
        self.ask_sorted(note, version, &request, |answer| {
            for topic in &mut answer.topics {
                let shown = topic.configs.iter_mut().flatten().filter(|config| config.config_source != 5);
                let mut shown: Vec<_> = shown.map(|config| config.clone()).collect();
                shown.sort_by(|a, b| a.name.cmp(&b.name));
                topic.configs = topic.configs.as_ref().map(|_| shown);
            }
        });
    }

    /// Asks whether topics could be created.
    fn validate(&mut self, note: &str, topics: &[CreatableTopic]) {
        for version in [1, 4, 6] {
            self.create(note, version, topics, LONG, true);
        }
    }

    fn delete(&mut self, note: &str, version: i16, names: &[&str], timeout_ms: i32) {
        let topic_names = names.iter().map(|name| (*name).to_owned()).collect();
        self.ask(note, version, &DeleteTopicsRequest { topic_names, timeout_ms });
    }

    fn grow(&mut self, note: &str, topics: &[CreatePartitionsTopic], timeout_ms: i32, validate_only: bool) {
        let request = CreatePartitionsRequest { topics: topics.to_vec(), timeout_ms, validate_only };
        self.ask(note, 3, &request);
    }

    fn create_oddly(&mut self) {
        for version in CreateTopicsRequest::VERSIONS {
            self.create("none", version, &[], LONG, false);
            let name = format!("made{version}");
            self.create("a topic", version, &[sized(&name, 2, 1)], LONG, false);
            self.create("it exists", version, &[sized(&name, 2, 1)], LONG, false);
            let name = format!("default{version}");
            self.create("with defaults", version, &[topic(&name)], LONG, false);
        }
        self.validate("defaults", &[topic("v")]);
        self.validate("sized", &[sized("v", 5, 1)]);
        for name in ["", ".", "..", "a b", "ä", "a/b", &"x".repeat(249), &"x".repeat(250)] {
            self.validate("name", &[topic(name)]);
        }
        self.create("dotted", 6, &[topic("dot.ted_one")], LONG, false);
        self.validate("colliding", &[topic("dot_ted.one")]);
        self.validate("internal", &[topic("__consumer_offsets")]);
        for partitions in [0, -2, i32::MIN] {
            self.validate("partitions", &[sized("v", partitions, 1)]);
        }
        for factor in [0, -2, 2, i16::MAX] {
            self.validate("factor", &[sized("v", 1, factor)]);
        }
        self.validate("only a factor", &[sized("v", -1, 1)]);
        self.validate("only partitions", &[sized("v", 7, -1)]);
        self.validate("assigned", &[assigned("v", &[(0, &[1]), (1, &[1])])]);
        self.validate("assigned in another order", &[assigned("v", &[(1, &[1]), (0, &[1])])]);
        self.validate("assigned twice", &[assigned("v", &[(0, &[1]), (0, &[1])])]);
        self.validate("assigned with a gap", &[assigned("v", &[(0, &[1]), (2, &[1])])]);
        self.validate("assigned from one", &[assigned("v", &[(1, &[1])])]);
        self.validate("assigned negatively", &[assigned("v", &[(-1, &[1]), (0, &[1])])]);
        self.validate("assigned to twins", &[assigned("v", &[(0, &[1, 1])])]);
        self.validate("assigned unevenly", &[assigned("v", &[(0, &[1]), (1, &[1, 2])])]);
        self.validate("assigned to none", &[assigned("v", &[(0, &[])])]);
        self.validate("assigned to an unknown one", &[assigned("v", &[(0, &[9])])]);
        self.validate("assigned to a negative one", &[assigned("v", &[(0, &[-1])])]);
        let both = CreatableTopic { num_partitions: 1, ..assigned("v", &[(0, &[1])]) };
        self.validate("assigned and sized", &[both]);
        let both = CreatableTopic { replication_factor: 1, ..assigned("v", &[(0, &[1])]) };
        self.validate("assigned and replicated", &[both]);
        self.create("assigned to a dead one", 6, &[assigned("dead", &[(0, &[9])])], 100, false);
        for configs in [
            &[("retention.ms", Some("1000"))][..],
            &[("retention.ms", Some("1000")), ("retention.ms", Some("2000"))],
            &[("no.such", Some("1"))],
            &[("retention.ms", Some("x"))],
            &[("retention.ms", Some(""))],
            &[("retention.ms", None)],
            &[("retention.ms", None), ("no.such", None), ("cleanup.policy", Some("x"))],
            &[("cleanup.policy", Some("x"))],
            &[("cleanup.policy", Some("compact,delete"))],
            &[("cleanup.policy", Some(""))],
            &[("min.insync.replicas", Some("0"))],
            &[("min.insync.replicas", Some("5"))],
            &[("segment.bytes", Some("13"))],
            &[("compression.type", Some("x"))],
            &[("unclean.leader.election.enable", Some("x"))],
            &[("min.cleanable.dirty.ratio", Some("2"))],
            &[("leader.replication.throttled.replicas", Some("0:1,1:1"))],
            &[("leader.replication.throttled.replicas", Some("x"))],
            &[("follower.replication.throttled.replicas", Some("*"))],
            &[("message.format.version", Some("0.8.2"))],
            &[("message.format.version", Some("9.9"))],
            &[("min.compaction.lag.ms", Some("10")), ("max.compaction.lag.ms", Some("5"))],
            &[("", Some("x"))],
            &[(" retention.ms", Some("1"))],
            &[("retention.ms", Some(" 1 "))],
        ] {
            self.validate("config", &[configured("v", configs)]);
        }
        self.validate("twice", &[topic("v"), topic("v")]);
        self.validate("twice and another", &[topic("v"), sized("w", 2, 1), topic("v"), topic("made0")]);
        self.validate("good and bad", &[sized("v", 0, 1), topic("w"), topic("made1"), topic("..")]);
        for timeout in [0, -1, i32::MIN] {
            let name = format!("late{}", timeout.unsigned_abs());
            self.create("no time", 6, &[sized(&name, 1, 1)], timeout, false);
            self.create("no time to check", 6, &[sized("w", 1, 1)], timeout, true);
            self.create("no time, and it fails", 6, &[sized("w", 0, 1)], timeout, false);
        }
    }

    fn grow_oddly(&mut self) {
        self.create("to grow", 6, &[sized("grows", 2, 1), sized("other", 1, 1)], LONG, false);
        for version in CreatePartitionsRequest::VERSIONS {
            let topics = vec![grown("grows", 3 + i32::from(version), None), grown("none", 3, None)];
            let request = CreatePartitionsRequest { topics, timeout_ms: LONG, validate_only: false };
            self.ask("grow", version, &request);
        }
        self.grow("none", &[], LONG, false);
        for count in [6, 5, 1, 0, -1] {
            self.grow("count", &[grown("grows", count, None)], LONG, true);
        }
        self.grow("unknown", &[grown("none", 2, None)], LONG, false);
        self.grow("no name", &[grown("", 2, None)], LONG, false);
        self.grow("bad name", &[grown("a b", 2, None)], LONG, false);
        self.grow("assigned", &[grown("grows", 7, Some(&[&[1]]))], LONG, true);
        self.grow("assigned to none", &[grown("grows", 7, Some(&[&[]]))], LONG, true);
        self.grow("assigned to twins", &[grown("grows", 7, Some(&[&[1, 1]]))], LONG, true);
        self.grow("assigned to an unknown one", &[grown("grows", 7, Some(&[&[9]]))], LONG, true);
        self.grow("assigned to unknown ones", &[grown("grows", 8, Some(&[&[9, 1], &[8, 9]]))], LONG, true);
        self.grow("too few assigned", &[grown("grows", 8, Some(&[&[1]]))], LONG, true);
        self.grow("too many assigned", &[grown("grows", 7, Some(&[&[1], &[1]]))], LONG, true);
        self.grow("an empty assignment", &[grown("grows", 7, Some(&[]))], LONG, true);
        self.grow("an empty assignment of none", &[grown("grows", 6, Some(&[]))], LONG, true);
        let twice = [grown("grows", 7, None), grown("grows", 8, None)];
        self.grow("twice", &twice, LONG, true);
        let more =
            [grown("grows", 7, None), grown("other", 2, None), grown("grows", 8, None), grown("x", 1, None)];
        self.grow("twice and others", &more, LONG, true);
        let mixed = [grown("x", 2, None), grown("other", 1, None), grown("grows", 7, None)];
        self.grow("good and bad", &mixed, LONG, true);
        for timeout in [0, -1] {
            let count = if timeout == 0 { 7 } else { 8 };
            self.grow("no time", &[grown("grows", count, None), grown("x", 1, None)], timeout, false);
            self.grow("no time to check", &[grown("grows", 20, None)], timeout, true);
        }
    }

    fn delete_oddly(&mut self) {
        for version in DeleteTopicsRequest::VERSIONS {
            self.delete("none", version, &[], LONG);
            let (made, default) = (format!("made{version}"), format!("default{version}"));
            self.delete("topics", version, &[&made, "none", &default, ""], LONG);
            self.delete("it is gone", version, &[&made], LONG);
        }
        let many: Vec<_> = (0..6).map(|at| sized(&format!("many{at}"), 1, 1)).collect();
        self.create("to delete", 6, &many, LONG, false);
        self.delete("twice", 5, &["many0", "many0"], LONG);
        self.delete("no time, twice", 5, &["many1", "x", "many1"], 0);
        self.delete("less than no time", 5, &["many2"], -1);
        self.delete("unknown twice", 5, &["x", "x"], LONG);
        self.delete("bad name", 5, &["a b", ".", "many3"], LONG);
    }

    fn update_features_oddly(&mut self) {
        let update = |feature: &str, max_version_level, allow_downgrade| FeatureUpdateKey {
            feature: feature.to_owned(),
            max_version_level,
            allow_downgrade,
        };
        for (note, updates) in [
            ("none", vec![]),
            ("unknown", vec![update("x", 1, false)]),
            ("to be lowered", vec![update("x", 1, true)]),
            ("to be deleted", vec![update("x", 0, true)]),
            ("level 0", vec![update("x", 0, false)]),
            ("level -1", vec![update("x", -1, false)]),
            ("no name", vec![update("", 1, false)]),
            ("no name, to be deleted", vec![update("", -1, true)]),
            ("largest level", vec![update("x", i16::MAX, false)]),
            ("twice", vec![update("x", 0, true), update("x", 1, false)]),
            ("several", ["q", "b", "x", "a", "zz"].iter().map(|name| update(name, 1, false)).collect()),
        ] {
            for timeout_ms in [LONG, -1] {
                let request = UpdateFeaturesRequest { timeout_ms, feature_updates: updates.clone() };
                self.ask(note, 0, &request);
            }
        }
    }

    fn elect(&mut self, note: &str, version: i16, request: &ElectLeadersRequest) {
        self.ask_sorted(note, version, request, |answer| {
            answer.replica_election_results.sort_by(|a, b| a.topic.cmp(&b.topic));
        });
    }

    fn elect_oddly(&mut self) {
        let of = |name: &str, partitions: &[i32]| TopicPartitions {
            topic: name.to_owned(),
            partition_id: partitions.to_vec(),
        };
        for version in ElectLeadersRequest::VERSIONS {
            for (note, topic_partitions) in [
                ("all", None),
                ("none", Some(vec![])),
                ("preferred already", Some(vec![of("t", &[0])])),
                ("unknown", Some(vec![of("none", &[0]), of("t", &[9])])),
                ("negative", Some(vec![of("t", &[-1])])),
                ("twice", Some(vec![of("t", &[0, 0])])),
                ("no partitions", Some(vec![of("t", &[])])),
            ] {
                for timeout_ms in [LONG, 0, -1] {
                    let topic_partitions = topic_partitions.clone();
                    let request = ElectLeadersRequest { election_type: 0, topic_partitions, timeout_ms };
                    self.elect(note, version, &request);
                }
            }
        }
        for election_type in [1, 2, -1] {
            for topic_partitions in [Some(vec![of("t", &[0]), of("none", &[1])]), Some(vec![])] {
                let request = ElectLeadersRequest { election_type, topic_partitions, timeout_ms: LONG };
                self.elect(&format!("type {election_type}"), 2, &request);
            }
        }
    }

    fn reassign_oddly(&mut self) {
        let of = |name: &str, partition_index, replicas: Option<&[i32]>| ReassignableTopic {
            name: name.to_owned(),
            partitions: vec![ReassignablePartition {
                partition_index,
                replicas: replicas.map(<[i32]>::to_vec),
            }],
        };
        for (note, topics) in [
            ("none", vec![]),
            ("cancel nothing", vec![of("t", 0, None)]),
            ("where it is", vec![of("t", 0, Some(&[1]))]),
            ("unknown", vec![of("none", 0, Some(&[1]))]),
            ("cancel unknown", vec![of("none", 0, None)]),
            ("unknown partition", vec![of("t", 9, Some(&[1]))]),
            ("to none", vec![of("t", 0, Some(&[]))]),
            ("to twins", vec![of("t", 0, Some(&[1, 1]))]),
            ("to a dead one", vec![of("t", 0, Some(&[1, 9]))]),
            ("to a negative one", vec![of("t", 0, Some(&[-1]))]),
            ("twice", vec![of("t", 0, Some(&[9])), of("t", 0, None)]),
            ("no name", vec![of("", 0, Some(&[1]))]),
        ] {
            let request = AlterPartitionReassignmentsRequest { timeout_ms: LONG, topics };
            self.ask(note, 0, &request);
        }
        let of = |name: &str, at: &[i32]| ListPartitionReassignmentsTopics {
            name: name.to_owned(),
            partition_indexes: at.to_vec(),
        };
        for topics in [None, Some(vec![]), Some(vec![of("t", &[0]), of("none", &[0])])] {
            self.ask("list", 0, &ListPartitionReassignmentsRequest { timeout_ms: LONG, topics });
        }
    }

    fn ask_of_log_dirs(&mut self) {
        let to = |path: &str, name: &str, at: &[i32]| AlterReplicaLogDir {
            path: path.to_owned(),
            topics: vec![AlterReplicaLogDirTopic { name: name.to_owned(), partitions: at.to_vec() }],
        };
        for (note, dirs) in [
            ("none", vec![]),
            ("unknown directory", vec![to("/no/such", "t", &[0])]),
            ("relative directory", vec![to("data", "t", &[0, 1])]),
            ("no directory", vec![to("", "t", &[0])]),
            ("unknown directory and partition", vec![to("/no/such", "none", &[3])]),
            ("twice", vec![to("/no/such", "t", &[0, 0]), to("/no", "t", &[0])]),
        ] {
            for version in AlterReplicaLogDirsRequest::VERSIONS {
                let request = AlterReplicaLogDirsRequest { dirs: dirs.clone() };
                self.ask_sorted(note, version, &request, |answer| {
                    let partitions = answer.results.iter_mut().map(|topic| &mut topic.partitions);
                    partitions.for_each(|partitions| partitions.sort_by_key(|it| it.partition_index));
                });
            }
        }
        let of = |name: &str, at: &[i32]| DescribableLogDirTopic {
            topic: name.to_owned(),
            partition_index: at.to_vec(),
        };
        for (note, topics) in [
            ("none", Some(vec![])),
            ("unknown", Some(vec![of("none", &[0]), of("t", &[-1, 7])])),
            ("one", Some(vec![of("t", &[0, 0])])),
        ] {
            for version in DescribeLogDirsRequest::VERSIONS {
                let request = DescribeLogDirsRequest { topics: topics.clone() };
                self.ask_sorted(note, version, &request, |answer| {
                    answer.results.iter_mut().for_each(|result| result.log_dir = "DIRECTORY".to_owned());
                });
            }
        }
    }

    fn delete_records_oddly(&mut self) {
        self.create(
            "compacted",
            6,
            &[configured("compacted", &[("cleanup.policy", Some("compact"))])],
            LONG,
            false,
        );
        let of = |name: &str, partition_index, offset| DeleteRecordsTopic {
            name: name.to_owned(),
            partitions: vec![DeleteRecordsPartition { partition_index, offset }],
        };
        for (note, topics) in [
            ("none", vec![]),
            ("at 0", vec![of("t", 0, 0)]),
            ("at the end", vec![of("t", 0, -1)]),
            ("at -2", vec![of("t", 0, -2)]),
            ("beyond the end", vec![of("t", 0, 5)]),
            ("unknown", vec![of("none", 0, 0), of("t", 0, 0)]),
            ("unknown partition", vec![of("t", 77, 0)]),
            ("negative partition", vec![of("t", -1, 0)]),
            ("compacted", vec![of("compacted", 0, 0)]),
            ("internal", vec![of("__consumer_offsets", 0, 0)]),
            ("no name", vec![of("", 0, 0)]),
        ] {
            for version in DeleteRecordsRequest::VERSIONS {
                for timeout_ms in [LONG, 0, -1] {
                    self.ask(note, version, &DeleteRecordsRequest { topics: topics.clone(), timeout_ms });
                }
            }
        }
    }
}

/// The answers of the broker at this port.
fn answers(port: u16) -> Vec<String> {
    prepare(port);
    let mut scene = Scene::at(port);
    scene.elect_oddly();
    scene.reassign_oddly();
    scene.ask_of_log_dirs();
    scene.update_features_oddly();
    scene.create_oddly();
    scene.grow_oddly();
    scene.delete_records_oddly();
    scene.delete_oddly();
    scene.answers
}

/// Creates topic `t` as soon as the broker is the controller.
fn prepare(port: u16) {
    let mut connection = Connection::to(port).unwrap();
    let topics = vec![sized("t", 1, 1)];
    let request = CreateTopicsRequest { topics, timeout_ms: LONG, validate_only: false };
    eventually("the topic is created", SOON, || {
        connection.call(&request, 4).filter(|answer| matches!(answer.topics[0].error_code, 0 | 36))
    });
}

#[test]
fn odd_requests_of_administrators_are_answered_as_kafka_answered_them() {
    compare_with_recorded(RECORDED, 300, SETTINGS, answers);
}
