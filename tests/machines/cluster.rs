//! What the controller's machine reads and writes in the plays: as much of ZooKeeper as it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas::base::{Assignment, Broker, BrokerId, LeaderAndIsr, TopicPartition};
use barnabas::controller::event::{ElectionKind, ElectionTrigger, Event};
use barnabas::controller::facts::{Facts, Question, TopicFacts};
use barnabas::controller::machine::{Machine, Settings};
use barnabas::controller::state::{ClusterState, Leadership};
use barnabas::controller::writes::{Outcome, Write};
use barnabas::wire::error_code::ErrorCode;

use crate::words;

/// The znodes, and the machine that acts on them.
#[derive(Default)]
pub struct Cluster {
    /// Registered brokers and their epochs.
    brokers: BTreeMap<BrokerId, i64>,
    registrations: i64,
    topics: BTreeMap<Arc<str>, BTreeMap<i32, Assignment>>,
    states: BTreeMap<TopicPartition, Leadership>,
    dirs: BTreeSet<String>,
    deletions: BTreeSet<Arc<str>>,
    unclean: BTreeSet<Arc<str>>,
    preferred: Option<BTreeSet<TopicPartition>>,
    /// What `/admin/reassign_partitions` holds.
    reassignment: Option<BTreeMap<TopicPartition, Vec<BrokerId>>>,
    deletion_disabled: bool,
    /// Partitions whose leader writes its state between the controller's next look and its write.
    racing: BTreeSet<TopicPartition>,
    machine: Option<Machine>,
}

impl Cluster {
    /// Puts something into ZooKeeper before anything happens.
    pub fn given(&mut self, text: &str) {
        let (noun, rest) = text.split_once(' ').unwrap_or((text, ""));
        match noun {
            "brokers" => rest.split_whitespace().for_each(|id| self.register(id.parse().unwrap())),
            "topic" => self.put_topic(rest),
            "state" => self.put_state(rest),
            "deletion" => drop(self.deletions.insert(rest.into())),
            "unclean" => drop(self.unclean.insert(rest.into())),
            "delete.topic.enable=false" => self.deletion_disabled = true,
            other => panic!("given what? {other}"),
        }
    }

    fn register(&mut self, id: BrokerId) {
        self.registrations += 1;
        self.brokers.insert(id, self.registrations);
    }

    fn put_topic(&mut self, text: &str) {
        let (name, assignments) = text.split_once(' ').unwrap();
        self.topics.insert(name.into(), words::parse_assignments(assignments).collect());
    }

    /// `t-0 leader 1 epoch 4 isr 1,2`
    fn put_state(&mut self, text: &str) {
        let said: Vec<_> = text.split_whitespace().collect();
        let [partition, "leader", leader, "epoch", epoch, "isr", isr] = said[..] else {
            panic!("what state? {text}")
        };
        let leader_and_isr = LeaderAndIsr {
            leader: leader.parse().unwrap(),
            leader_epoch: epoch.parse().unwrap(),
            isr: words::parse_ids(isr),
            zk_version: 0,
        };
        self.states
            .insert(words::parse_partition(partition), Leadership { leader_and_isr, controller_epoch: 1 });
    }

    /// Lets something happen, and says what the machine does about it.
    pub fn when(&mut self, text: &str) -> Vec<String> {
        let said: Vec<_> = text.split_whitespace().collect();
        let event = match said[..] {
            ["elected"] => {
                let settings = Settings {
                    broker: 1,
                    delete_topics: !self.deletion_disabled,
                    alter_isr: true,
                    features: true,
                    imbalance_percentage: 10,
                };
                self.machine = Some(Machine::new(settings, ClusterState::elected(9, 9)));
                Event::Elected
            }
            ["broker", id, "dies"] => {
                self.brokers.remove(&id.parse().unwrap());
                Event::BrokersChanged
            }
            ["broker", id, "comes"] => {
                self.register(id.parse().unwrap());
                Event::BrokersChanged
            }
            ["broker", id, "shuts", "down"] => {
                Event::ControlledShutdown { broker: id.parse().unwrap(), broker_epoch: -1, ticket: 1 }
            }
            ["broker", id, "deleted", ref partitions @ ..] => deletion(id, ErrorCode::None, partitions),
            ["broker", id, "failed", ref partitions @ ..] => {
                deletion(id, ErrorCode::KafkaStorageError, partitions)
            }
            ["broker", id, "wants", partition, "epoch", epoch, "isr", isr, "over", version] => {
                let broker: BrokerId = id.parse().unwrap();
                let wanted = LeaderAndIsr {
                    leader: broker,
                    leader_epoch: epoch.parse().unwrap(),
                    isr: words::parse_ids(isr),
                    zk_version: version.strip_prefix('v').unwrap().parse().unwrap(),
                };
                let wanted = BTreeMap::from([(words::parse_partition(partition), wanted)]);
                let broker_epoch = self.brokers.get(&broker).copied().unwrap_or(-1);
                Event::AlterIsr { broker, broker_epoch, wanted, ticket: 1 }
            }
            ["reassign", ref wanted @ ..] => {
                let wanted = wanted.iter().map(|one| {
                    let (partition, to) = one.split_once('=').unwrap();
                    let to = (to != "back").then(|| words::parse_ids(to));
                    (words::parse_partition(partition), to)
                });
                Event::AlterReassignments { wanted: wanted.collect(), ticket: 1 }
            }
            ["znode", "reassign", ref wanted @ ..] => {
                let wanted = wanted.iter().map(|one| {
                    let (partition, to) = one.split_once('=').unwrap();
                    (words::parse_partition(partition), words::parse_ids(to))
                });
                self.reassignment = Some(wanted.collect());
                Event::ReassignmentRequested
            }
            ["list"] => Event::ListReassignments { partitions: None, ticket: 1 },
            ["topic", ..] => {
                self.put_topic(text.strip_prefix("topic ").unwrap());
                if self.known(said[1]) { Event::TopicChanged(said[1].into()) } else { Event::TopicsChanged }
            }
            ["deletion", topic] => {
                self.deletions.insert(topic.into());
                Event::TopicDeletionsChanged
            }
            ["preferred", ref partitions @ ..] => {
                self.preferred = Some(partitions.iter().map(|one| words::parse_partition(one)).collect());
                let (kind, trigger) = (ElectionKind::Preferred, ElectionTrigger::Znode);
                Event::ElectLeaders { partitions: None, kind, trigger }
            }
            ["imbalance"] => Event::CheckImbalance,
            ["race", partition] => {
                self.racing.insert(words::parse_partition(partition));
                return Vec::new();
            }
            _ => panic!("when what? {text}"),
        };
        self.run(event)
    }

    fn known(&self, topic: &str) -> bool {
        self.machine.as_ref().is_some_and(|machine| machine.state().topic(topic).is_some())
    }

    fn run(&mut self, event: Event) -> Vec<String> {
        let mut machine = self.machine.take().expect("elected first");
        let mut lines = Vec::new();
        machine.begin(event);
        while let Some(questions) = machine.ask() {
            let mut facts = Facts::default();
            questions.into_iter().for_each(|question| self.answer(question, &mut facts));
            let writes = machine.decide(facts);
            let outcomes: Vec<_> = writes.iter().map(|write| self.write(write)).collect();
            lines.extend(writes.iter().zip(&outcomes).map(|(write, outcome)| words::write(write, *outcome)));
            lines.extend(words::effects(machine.apply(&outcomes)));
        }
        self.machine = Some(machine);
        lines
    }

    fn answer(&self, question: Question, facts: &mut Facts) {
        let broker = |(&id, &epoch): (&BrokerId, &i64)| Broker {
            id,
            endpoints: Vec::new(),
            rack: None,
            epoch,
            features: BTreeMap::new(),
        };
        match question {
            Question::Brokers => facts.brokers = self.brokers.iter().map(broker).collect(),
            Question::Topics => facts.topics = self.topics.keys().cloned().collect(),
            Question::Assignments(topics) => {
                let found = topics.into_iter().filter_map(|name| {
                    let partitions = self.topics.get(&name)?.clone();
                    Some((name, TopicFacts { version: 0, partitions }))
                });
                facts.assignments = found.collect();
            }
            Question::States(partitions) => {
                let found = partitions
                    .into_iter()
                    .filter_map(|partition| Some((partition.clone(), self.states.get(&partition)?.clone())));
                facts.states = found.collect();
            }
            Question::TopicTree(topic) => facts.topic_tree = vec![format!("/brokers/topics/{topic}")],
            Question::PartitionDirs(topic) => {
                let there = self.states.keys().filter(|partition| partition.topic == topic);
                facts.partition_dirs = there.map(|partition| partition.partition).collect();
            }
            Question::UncleanElection(topics) => {
                facts.unclean = topics
                    .into_iter()
                    .map(|topic| (topic.clone(), Ok(self.unclean.contains(&topic))))
                    .collect();
            }
            Question::TopicDeletions => facts.topic_deletions = self.deletions.clone(),
            Question::Reassignment => facts.reassignment = self.reassignment.clone(),
            Question::PreferredElection => facts.preferred_election = self.preferred.clone(),
            _ => {}
        }
    }

    fn write(&mut self, write: &Write) -> Outcome {
        match write {
            Write::CreatePartitionsDir(topic) => self.create(topic.to_string()),
            Write::CreatePartitionDir(partition) => self.create(partition.to_string()),
            Write::CreateState(partition, _) if self.states.contains_key(partition) => Outcome::NodeExists,
            Write::CreateState(partition, made) => {
                self.states.insert(partition.clone(), made.clone());
                Outcome::Ok(0)
            }
            Write::SetState(partition, next) => {
                let Some(held) = self.states.get_mut(partition) else { return Outcome::NoNode };
                if self.racing.remove(partition) {
                    held.leader_and_isr.zk_version += 1;
                }
                if held.leader_and_isr.zk_version != next.leader_and_isr.zk_version {
                    return Outcome::BadVersion;
                }
                let version = next.leader_and_isr.zk_version + 1;
                *held = next.clone();
                held.leader_and_isr.zk_version = version;
                Outcome::Ok(version)
            }
            Write::Delete(path) => {
                let topic = path.rsplit('/').next().unwrap();
                self.topics.remove(topic);
                self.states.retain(|partition, _| &*partition.topic != topic);
                Outcome::Ok(0)
            }
            Write::DeleteTopicDeletion(topic) => {
                self.deletions.remove(topic);
                Outcome::Ok(0)
            }
            Write::SetAssignments(topic, partitions) => {
                self.topics.insert(topic.clone(), partitions.clone());
                Outcome::Ok(1)
            }
            Write::SetReassignment(left) => {
                self.reassignment = Some(left.clone());
                Outcome::Ok(1)
            }
            Write::DeleteReassignment => self.reassignment.take().map_or(Outcome::NoNode, |_| Outcome::Ok(0)),
            Write::DeletePreferredElection => {
                self.preferred.take().map_or(Outcome::NoNode, |_| Outcome::Ok(0))
            }
            _ => Outcome::Ok(0),
        }
    }

    fn create(&mut self, path: String) -> Outcome {
        if self.dirs.insert(path) { Outcome::Ok(0) } else { Outcome::NodeExists }
    }
}

fn deletion(broker: &str, error: ErrorCode, partitions: &[&str]) -> Event {
    let partitions = partitions.iter().map(|one| (words::parse_partition(one), error)).collect();
    Event::DeletionAnswered { broker: broker.parse().unwrap(), error: ErrorCode::None, partitions }
}
