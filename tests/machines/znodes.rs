//! As much of ZooKeeper as the controller's machine reads and writes: the content of znodes, with versions
//! where the machine uses them. Time, sessions and watches are left to the user of these znodes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barnabas::base::{Assignment, Broker, BrokerId, TopicPartition};
use barnabas::controller::facts::{Facts, Question, TopicFacts};
use barnabas::controller::state::Leadership;
use barnabas::controller::writes::{Outcome, Write};

/// The znodes.
#[derive(Clone, Debug, Default)]
pub struct Znodes {
    /// Registered brokers and their epochs.
    pub brokers: BTreeMap<BrokerId, i64>,
    registrations: i64,
    /// The topics with their versions.
    pub topics: BTreeMap<Arc<str>, TopicFacts>,
    /// The partitions' states, each with its version.
    pub states: BTreeMap<TopicPartition, Leadership>,
    dirs: BTreeSet<String>,
    /// Topics that are to be deleted.
    pub deletions: BTreeSet<Arc<str>>,
    /// Topics whose config allows an unclean election.
    pub unclean: BTreeSet<Arc<str>>,
    /// The content of `/admin/preferred_replica_election`.
    pub preferred: Option<BTreeSet<TopicPartition>>,
    /// The content of `/admin/reassign_partitions`.
    pub reassignment: Option<BTreeMap<TopicPartition, Vec<BrokerId>>>,
    /// The children of `/isr_change_notification`.
    pub isr_notifications: BTreeMap<String, Vec<TopicPartition>>,
    /// The children of `/log_dir_event_notification`, each with the broker it names.
    pub log_dir_events: BTreeMap<String, BrokerId>,
}

impl Znodes {
    /// Registers a broker anew; returns its epoch.
    pub fn register(&mut self, id: BrokerId) -> i64 {
        self.registrations += 1;
        self.brokers.insert(id, self.registrations);
        self.registrations
    }

    /// Creates a topic's znode, or overwrites it.
    pub fn put_topic(&mut self, name: &str, partitions: BTreeMap<i32, Assignment>) -> i32 {
        let version = self.topics.get(name).map_or(0, |topic| topic.version + 1);
        self.topics.insert(name.into(), TopicFacts { version, partitions });
        version
    }

    /// Answers a step's questions.
    pub fn gather(&self, questions: Vec<Question>) -> Facts {
        let mut facts = Facts::default();
        questions.into_iter().for_each(|question| self.answer(question, &mut facts));
        facts
    }

    fn answer(&self, question: Question, facts: &mut Facts) {
        match question {
            Question::Brokers => facts.brokers = self.registered(|_| true),
            Question::Broker(id) => facts.brokers = self.registered(|other| other == id),
            Question::Topics => facts.topics = self.topics.keys().cloned().collect(),
            Question::Assignments(topics) => {
                let found = topics
                    .into_iter()
                    .filter_map(|name| Some((name.clone(), self.topics.get(&name)?.clone())));
                facts.assignments = found.collect();
            }
            Question::States(partitions) => {
                let found =
                    partitions.into_iter().filter_map(|id| Some((id.clone(), self.states.get(&id)?.clone())));
                facts.states = found.collect();
            }
            Question::TopicTree(topic) => facts.topic_tree = vec![format!("/brokers/topics/{topic}")],
            Question::PartitionDirs(topic) => {
                let there = self.states.keys().filter(|partition| partition.topic == topic);
                facts.partition_dirs = there.map(|partition| partition.partition).collect();
            }
            Question::UncleanElection(topics) => {
                let allowed = topics.into_iter().map(|topic| (topic.clone(), self.unclean.contains(&topic)));
                facts.unclean = allowed.collect();
            }
            Question::TopicDeletions => facts.topic_deletions = self.deletions.clone(),
            Question::Reassignment => facts.reassignment = self.reassignment.clone(),
            Question::PreferredElection => facts.preferred_election = self.preferred.clone(),
            Question::IsrNotifications => {
                facts.isr_notifications = self.isr_notifications.clone().into_iter().collect();
            }
            Question::LogDirEvents => {
                let events = self.log_dir_events.iter().map(|(name, id)| (name.clone(), Some(*id)));
                facts.log_dir_events = events.collect();
            }
            Question::Feature => {}
        }
    }

    fn registered(&self, wanted: impl Fn(BrokerId) -> bool) -> Vec<Broker> {
        let broker = |(&id, &epoch): (&BrokerId, &i64)| Broker {
            id,
            endpoints: Vec::new(),
            rack: None,
            epoch,
            features: BTreeMap::new(),
        };
        self.brokers.iter().filter(|(id, _)| wanted(**id)).map(broker).collect()
    }

    /// Carries out a write, without the check of the controller's epoch.
    pub fn write(&mut self, write: &Write) -> Outcome {
        match write {
            Write::CreatePartitionsDir(topic) => self.create(topic.to_string()),
            Write::CreatePartitionDir(partition) => self.create(partition.to_string()),
            Write::CreateState(partition, _) if self.states.contains_key(partition) => Outcome::NodeExists,
            Write::CreateState(partition, made) => {
                self.states.insert(partition.clone(), made.clone());
                Outcome::Ok(0)
            }
            Write::SetState(partition, next) => self.set_state(partition, next),
            Write::SetAssignments(topic, partitions) => {
                Outcome::Ok(self.put_topic(topic, partitions.clone()))
            }
            Write::Delete(path) => {
                let topic = path.rsplit('/').next().unwrap_or_default();
                self.topics.remove(topic);
                self.states.retain(|partition, _| &*partition.topic != topic);
                Outcome::Ok(0)
            }
            Write::DeleteTopicDeletion(topic) => {
                self.deletions.remove(topic);
                Outcome::Ok(0)
            }
            Write::SetReassignment(left) => {
                self.reassignment = Some(left.clone());
                Outcome::Ok(1)
            }
            Write::DeleteReassignment => gone(self.reassignment.take().is_some()),
            Write::DeletePreferredElection => gone(self.preferred.take().is_some()),
            Write::DeleteIsrNotification(name) => gone(self.isr_notifications.remove(name).is_some()),
            Write::DeleteLogDirEvent(name) => gone(self.log_dir_events.remove(name).is_some()),
            Write::DeleteTopicConfig(_) | Write::CreateFeature { .. } | Write::SetFeature { .. } => {
                Outcome::Ok(0)
            }
        }
    }

    /// Writes a state over the version that it names.
    pub fn set_state(&mut self, partition: &TopicPartition, next: &Leadership) -> Outcome {
        let Some(present) = self.states.get_mut(partition) else { return Outcome::NoNode };
        if present.leader_and_isr.zk_version != next.leader_and_isr.zk_version {
            return Outcome::BadVersion;
        }
        let version = next.leader_and_isr.zk_version + 1;
        *present = next.clone();
        present.leader_and_isr.zk_version = version;
        Outcome::Ok(version)
    }

    /// Whether `/brokers/topics/T/partitions` was created, by the name of T, or a partition's below it, by its own.
    #[allow(dead_code, reason = "asked only where answers are lost")]
    pub fn has_dir(&self, name: &str) -> bool {
        self.dirs.contains(name)
    }

    fn create(&mut self, path: String) -> Outcome {
        if self.dirs.insert(path) { Outcome::Ok(0) } else { Outcome::NodeExists }
    }
}

fn gone(was_there: bool) -> Outcome {
    if was_there { Outcome::Ok(0) } else { Outcome::NoNode }
}
