//! A broker of Kafka's and one of Barnabas's, each of a cluster of its own, with the same topics.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use super::settings::Setting;
use crate::java::Kafka;
use crate::support::batches::exchange::Peer;
use crate::support::batches::recording::Topic;
use crate::support::batches::topics::{self, SETTINGS};
use crate::support::{Broker, Chroot, Process};

/// Partitions of each topic.
const PARTITIONS: i32 = 24;
/// Both brokers.
pub struct Brokers {
    barnabas: Broker,
    java: Broker,
    topics: Mutex<Topics>,
    /// Java's process; ended before the chroots go.
    _process: Process,
    _chroots: [Chroot; 2],
}

/// Topics by their settings, and partitions nothing was sent to yet.
#[derive(Default)]
struct Topics {
    all: Vec<Topic>,
    unused: BTreeMap<Setting, Vec<(String, i32)>>,
}

impl Brokers {
    /// Starts both.
    pub fn start(kafka: &Kafka) -> Self {
        let chroots = [Chroot::new(), Chroot::new()];
        let java = Broker::prepare(1, &chroots[0].connect(), &SETTINGS);
        let properties = java.write_settings().display().to_string();
        let process = Process::start("Kafka 2.7.2", &mut kafka.silent_broker("3g", &properties));
        let barnabas = Broker::start_with(1, &chroots[1].connect(), &SETTINGS);
        Self { barnabas, java, topics: Mutex::default(), _process: process, _chroots: chroots }
    }

    /// The ports of Kafka's broker and of Barnabas's.
    pub fn ports(&self) -> [u16; 2] {
        [self.java.port, self.barnabas.port]
    }

    /// Connections to Kafka and to Barnabas.
    pub fn peers(&self) -> [Peer; 2] {
        self.ports().map(Peer::new)
    }

    /// The data directories of Kafka's broker and of Barnabas's.
    pub fn directories(&self) -> [PathBuf; 2] {
        [self.java.data(), self.barnabas.data()]
    }

    /// All topics made so far.
    pub fn topics(&self) -> Vec<Topic> {
        self.topics.lock().unwrap().all.clone()
    }

    /// A partition of a topic of these settings that nothing was sent to yet.
    pub fn partition(&self, setting: Setting) -> (String, i32) {
        let mut known = self.topics.lock().unwrap();
        if let Some(partition) = known.unused.get_mut(setting).and_then(Vec::pop) {
            return partition;
        }
        let configs = setting.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let topic = Topic {
            name: format!("t{}", known.all.len()),
            partitions: PARTITIONS,
            configs: configs.collect(),
        };
        for port in self.ports() {
            topics::create(port, std::slice::from_ref(&topic));
        }
        let unused = (0..PARTITIONS).rev().map(|partition| (topic.name.clone(), partition));
        known.unused.insert(setting, unused.collect());
        known.all.push(topic);
        known.unused.get_mut(setting).and_then(Vec::pop).unwrap()
    }
}
