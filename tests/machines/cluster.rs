//! A cluster in a play: the znodes, and the controller's machine that acts on them.

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
use crate::{Stage, words};

/// The znodes, and the machine that acts on them.
#[derive(Default)]
pub struct Cluster {
    znodes: Znodes,
    deletion_disabled: bool,
    /// Partitions whose leader writes its state between the controller's next look and its write.
    racing: BTreeSet<TopicPartition>,
    /// Partitions whose next state, and topics whose next assignment, ZooKeeper does not take.
    refusing: BTreeSet<String>,
    machine: Option<ControllerMachine>,
    /// What the reply that was delivered last says.
    replied: Arc<Mutex<String>>,
}

impl Stage for Cluster {
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
            "deletion" => drop(self.znodes.deletions.insert(rest.into())),
            "unclean" => drop(self.znodes.unclean.insert(rest.into())),
            "delete.topic.enable=false" => self.deletion_disabled = true,
            other => panic!("given what? {other}"),
        }
    }

    fn when(&mut self, text: &str) -> Vec<String> {
        let said: Vec<_> = text.split_whitespace().collect();
        let event = match said[..] {
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
            ["broker", id, "shuts", "down"] => {
                let reply = self.reply(words::still_led);
                Event::request(ControlledShutdown { broker: id.parse().unwrap(), broker_epoch: -1, reply })
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
                let broker_epoch = self.znodes.brokers.get(&broker).copied().unwrap_or(-1);
                Event::request(AlterIsr::new(broker, broker_epoch, wanted, self.reply(words::leaderships)))
            }
            ["reassign", ref wanted @ ..] => {
                let wanted = wanted.iter().map(|one| {
                    let (partition, to) = one.split_once('=').unwrap();
                    let to = (to != "back").then(|| words::parse_ids(to));
                    (words::parse_partition(partition), to)
                });
                let (wanted, reply) = (wanted.collect(), self.reply(words::begun));
                Event::request(AlterReassignments { wanted, reply })
            }
            ["znode", "reassign", ref wanted @ ..] => {
                let wanted = wanted.iter().map(|one| {
                    let (partition, to) = one.split_once('=').unwrap();
                    (words::parse_partition(partition), words::parse_ids(to))
                });
                self.znodes.reassignment = Some(wanted.collect());
                Event::ReassignmentRequested
            }
            ["list"] => {
                Event::request(ListReassignments { partitions: None, reply: self.reply(words::listed) })
            }
            ["topic", ..] => {
                self.put_topic(text.strip_prefix("topic ").unwrap());
                if self.known(said[1]) { Event::TopicChanged(said[1].into()) } else { Event::TopicsChanged }
            }
            ["deletion", topic] => {
                self.znodes.deletions.insert(topic.into());
                Event::TopicDeletionsChanged
            }
            ["preferred", ref partitions @ ..] => {
                self.znodes.preferred =
                    Some(partitions.iter().map(|one| words::parse_partition(one)).collect());
                Event::PreferredElectionRequested
            }
            ["imbalance"] => Event::CheckImbalance,
            ["isr", "notified", ref partitions @ ..] => {
                let partitions = partitions.iter().map(|one| words::parse_partition(one)).collect();
                self.znodes.isr_notifications.insert("isr_change_0000000000".to_owned(), partitions);
                Event::IsrNotified
            }
            ["log", "dir", "of", id, "fails"] => {
                self.znodes.log_dir_events.insert("log_dir_event_0000000000".to_owned(), id.parse().unwrap());
                Event::LogDirNotified
            }
            ["leader", "writes", ..] => {
                let version = self.put_state(text.strip_prefix("leader writes ").unwrap());
                assert!(version > 0, "a leader writes over what is there");
                return Vec::new();
            }
            ["refuse", name] => {
                self.refusing.insert(name.to_owned());
                return Vec::new();
            }
            ["race", partition] => {
                self.racing.insert(words::parse_partition(partition));
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
        self.znodes.put_topic(name, words::parse_assignments(assignments).collect());
    }

    /// `t-0 leader 1 epoch 4 isr 1,2`
    fn put_state(&mut self, text: &str) -> i32 {
        let said: Vec<_> = text.split_whitespace().collect();
        let [partition, "leader", leader, "epoch", epoch, "isr", isr] = said[..] else {
            panic!("what state? {text}")
        };
        let partition = words::parse_partition(partition);
        let held = self.znodes.states.get(&partition);
        let zk_version = held.map_or(0, |held| held.leader_and_isr.zk_version + 1);
        let leader_and_isr = LeaderAndIsr {
            leader: leader.parse().unwrap(),
            leader_epoch: epoch.parse().unwrap(),
            isr: words::parse_ids(isr),
            zk_version,
        };
        self.znodes.states.insert(partition, Leadership { leader_and_isr, controller_epoch: 1 });
        zk_version
    }

    /// A reply that says its value in these words.
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
            lines.extend(writes.iter().zip(&outcomes).map(|(write, outcome)| words::write(write, *outcome)));
            lines.extend(words::effects(machine.apply(&outcomes), || self.replied.lock().clone()));
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

fn deletion(broker: &str, error: ErrorCode, partitions: &[&str]) -> Event {
    let partitions = partitions.iter().map(|one| (words::parse_partition(one), error)).collect();
    let broker = broker.parse().unwrap();
    Event::Response(ControlResponse::StopReplica { broker, error: ErrorCode::None, partitions })
}
