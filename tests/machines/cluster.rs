//! The transcripts of the controller: the znodes, and the controller's machine that acts on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas::base::{BrokerId, LeaderAndIsr, TopicPartition};
use barnabas::controller::decide::{AlterIsr, AlterReassignments, ControlledShutdown, ListReassignments};
use barnabas::controller::event::{ControlResponse, Event};
use barnabas::controller::machine::ControllerMachine;
use barnabas::controller::reply::ControllerReply;
use barnabas::controller::state::{ClusterState, Leadership};
use barnabas::controller::step::ControllerSettings;
use barnabas::controller::writes::{Outcome, Write};
use barnabas::wire::error_code::ErrorCode;
use parking_lot::Mutex;

use crate::znodes::Znodes;
use crate::{Player, transcript};

/// The znodes, and the machine that acts on them.
#[derive(Default)]
pub struct Cluster {
    znodes: Znodes,
    deletion_disabled: bool,
    /// Partitions whose leader writes the state between the next read and the next write of the controller.
    racing: BTreeSet<TopicPartition>,
    /// Partitions whose next state, and topics whose next assignment, ZooKeeper refuses.
    refusing: BTreeSet<String>,
    machine: Option<ControllerMachine>,
    /// The text of the last reply.
    replied: Arc<Mutex<String>>,
}

impl Player for Cluster {
    fn given(&mut self, text: &str) {
        let (noun, rest) = text.split_once(' ').unwrap_or((text, ""));
        match noun {
            "brokers" => {
                for id in rest.split_whitespace() {
                    self.znodes.register(id.parse().unwrap());
                }
            }
            "topic" => self.put_topic(rest),
            "state" => drop(self.put_state(rest)),
            "znode" => {
                let topic = rest.strip_prefix("delete_topics ").expect("a topic to be deleted");
                self.znodes.deletions.insert(topic.into());
            }
            "unclean.leader.election.enable" => drop(self.znodes.unclean.insert(rest.into())),
            "delete.topic.enable=false" => self.deletion_disabled = true,
            other => panic!("given what? {other}"),
        }
    }

    fn when(&mut self, text: &str) -> Vec<String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let event = match words[..] {
            ["elected"] => {
                let settings = ControllerSettings {
                    broker: 1,
                    delete_topics: !self.deletion_disabled,
                    alter_isr: true,
                    features: true,
                    imbalance_percentage: 10,
                };
                self.machine = Some(ControllerMachine::new(settings, ClusterState::elected(9, 9)));
                Event::Elected
            }
            ["broker", id, "dies"] => {
                self.znodes.brokers.remove(&id.parse().unwrap());
                Event::BrokersChanged
            }
            ["broker", id, "comes"] => {
                {
                    self.znodes.register(id.parse().unwrap());
                };
                Event::BrokersChanged
            }
            ["broker", id, "sends", "ControlledShutdown"] => {
                let reply = self.reply(transcript::still_led);
                Event::request(ControlledShutdown { broker: id.parse().unwrap(), broker_epoch: -1, reply })
            }
            ["broker", id, "answers", "StopReplica", ref partitions @ ..] => deleted(id, partitions),
            ["broker", id, "sends", "AlterIsr", partition, "epoch", epoch, "isr", isr, "over", version] => {
                let broker: BrokerId = id.parse().unwrap();
                let wanted = LeaderAndIsr {
                    leader: broker,
                    leader_epoch: epoch.parse().unwrap(),
                    isr: transcript::parse_ids(isr),
                    zk_version: version.strip_prefix('v').unwrap().parse().unwrap(),
                };
                let wanted = BTreeMap::from([(transcript::parse_partition(partition), wanted)]);
                let broker_epoch = self.znodes.brokers.get(&broker).copied().unwrap_or(-1);
                Event::request(AlterIsr::new(
                    broker,
                    broker_epoch,
                    wanted,
                    self.reply(transcript::leaderships),
                ))
            }
            ["AlterPartitionReassignments", ref wanted @ ..] => {
                let wanted = wanted.iter().map(|one| {
                    let (partition, to) = one.split_once('=').unwrap();
                    let to = (to != "cancel").then(|| transcript::parse_ids(to));
                    (transcript::parse_partition(partition), to)
                });
                let (wanted, reply) = (wanted.collect(), self.reply(transcript::begun));
                Event::request(AlterReassignments { wanted, reply })
            }
            ["znode", "reassign_partitions", ref wanted @ ..] => {
                let wanted = wanted.iter().map(|one| {
                    let (partition, to) = one.split_once('=').unwrap();
                    (transcript::parse_partition(partition), transcript::parse_ids(to))
                });
                self.znodes.reassignment = Some(wanted.collect());
                Event::ReassignmentRequested
            }
            ["ListPartitionReassignments"] => {
                Event::request(ListReassignments { partitions: None, reply: self.reply(transcript::listed) })
            }
            ["topic", ..] => {
                self.put_topic(text.strip_prefix("topic ").unwrap());
                if self.known(words[1]) { Event::TopicChanged(words[1].into()) } else { Event::TopicsChanged }
            }
            ["znode", "delete_topics", topic] => {
                self.znodes.deletions.insert(topic.into());
                Event::TopicDeletionsChanged
            }
            ["znode", "preferred_replica_election", ref partitions @ ..] => {
                self.znodes.preferred =
                    Some(partitions.iter().map(|one| transcript::parse_partition(one)).collect());
                Event::PreferredElectionRequested
            }
            ["leader", "imbalance", "is", "checked"] => Event::CheckImbalance,
            ["znode", "isr_change_notification", ref partitions @ ..] => {
                let partitions = partitions.iter().map(|one| transcript::parse_partition(one)).collect();
                self.znodes.isr_notifications.insert("isr_change_0000000000".to_owned(), partitions);
                Event::IsrNotified
            }
            ["znode", "log_dir_event_notification", id] => {
                self.znodes.log_dir_events.insert("log_dir_event_0000000000".to_owned(), id.parse().unwrap());
                Event::LogDirNotified
            }
            ["leader", "writes", ..] => {
                let version = self.put_state(text.strip_prefix("leader writes ").unwrap());
                assert!(version > 0, "a leader writes over what is there");
                return Vec::new();
            }
            ["ZooKeeper", "refuses", "the", "next", "write", "of", name] => {
                self.refusing.insert(name.to_owned());
                return Vec::new();
            }
            ["a", "leader", "writes", partition, "before", ..] => {
                self.racing.insert(transcript::parse_partition(partition));
                return Vec::new();
            }
            _ => panic!("when what? {text}"),
        };
        self.run(event)
    }
}

impl Cluster {
    fn put_topic(&mut self, text: &str) {
        let (name, assignments) = text.split_once(' ').unwrap();
        self.znodes.put_topic(name, transcript::parse_assignments(assignments).collect());
    }

    /// `t-0 leader 1 epoch 4 isr 1,2`
    fn put_state(&mut self, text: &str) -> i32 {
        let words: Vec<_> = text.split_whitespace().collect();
        let [partition, "leader", leader, "epoch", epoch, "isr", isr] = words[..] else {
            panic!("what state? {text}")
        };
        let partition = transcript::parse_partition(partition);
        let held = self.znodes.states.get(&partition);
        let zk_version = held.map_or(0, |held| held.leader_and_isr.zk_version + 1);
        let leader_and_isr = LeaderAndIsr {
            leader: leader.parse().unwrap(),
            leader_epoch: epoch.parse().unwrap(),
            isr: transcript::parse_ids(isr),
            zk_version,
        };
        self.znodes.states.insert(partition, Leadership { leader_and_isr, controller_epoch: 1 });
        zk_version
    }

    /// A reply whose value becomes a text by `words`.
    fn reply<T>(&self, words: impl Fn(T) -> String + Send + Sync + 'static) -> ControllerReply<T> {
        let replied = self.replied.clone();
        ControllerReply::new(move |value| *replied.lock() = words(value))
    }

    fn known(&self, topic: &str) -> bool {
        self.machine.as_ref().is_some_and(|machine| machine.state().topic(topic).is_some())
    }

    fn run(&mut self, event: Event) -> Vec<String> {
        let mut machine = self.machine.take().expect("elected first");
        let mut lines = Vec::new();
        machine.begin(event);
        while let Some(questions) = machine.ask() {
            let writes = machine.decide(self.znodes.gather(questions));
            let outcomes: Vec<_> = writes.iter().map(|write| self.write(write)).collect();
            lines.extend(
                writes.iter().zip(&outcomes).map(|(write, outcome)| transcript::write(write, *outcome)),
            );
            lines.extend(transcript::effects(machine.apply(&outcomes), || self.replied.lock().clone()));
        }
        self.machine = Some(machine);
        lines
    }

    fn write(&mut self, write: &Write) -> Outcome {
        let name = match write {
            Write::SetState(partition, _) => partition.to_string(),
            Write::SetAssignments(topic, _) => topic.to_string(),
            _ => String::new(),
        };
        if self.refusing.remove(&name) {
            return Outcome::TooLarge(2_000_000);
        }
        if let Write::SetState(partition, _) = write
            && self.racing.remove(partition)
            && let Some(held) = self.znodes.states.get_mut(partition)
        {
            held.leader_and_isr.zk_version += 1;
        }
        self.znodes.write(write)
    }
}

/// The answer of a broker that has deleted these replicas.
fn deleted(broker: &str, partitions: &[&str]) -> Event {
    let partitions =
        partitions.iter().map(|one| (transcript::parse_partition(one), ErrorCode::None)).collect();
    let broker = broker.parse().unwrap();
    Event::Response(ControlResponse::StopReplica { broker, error: ErrorCode::None, partitions })
}
