//! Idempotent and transactional producers, right and odd, and the markers that end their transactions, sent
//! to Kafka 2.7.2 and to Barnabas: the answers, what readers of committed records see, and the files that are
//! left are the same, also after a restart.
//!
//! `BARNABAS_TEST_SEED` and `BARNABAS_TEST_PARTITIONS` (a topic) make other and longer runs.
//! `BARNABAS_RECORD=1` writes down what Kafka answered, for `tests/cluster/producers.rs`.

mod generate;

use barnabas::base::Clock as SystemClock;

use self::generate::{SETTINGS_OF_TOPICS, Script};
use crate::java::{Kafka, kafka};
use crate::support::batches::compare;
use crate::support::batches::exchange::Peer;
use crate::support::batches::recording::{Case, Recording, Topic};
use crate::support::batches::stored::{Clock, Clocks};
use crate::support::batches::topics;
use crate::support::producers::{self, FILES, PHASES, SETTINGS};
use crate::support::{Broker, Chroot, Connection, Process, eventually, root};

/// Partitions of each topic in a run within the suite.
const SHORT: i32 = 3;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn start_java(kafka: &Kafka, broker: &Broker) -> Process {
    let properties = broker.write_settings().display().to_string();
    let process = Process::start("Kafka 2.7.2", &mut kafka.silent_broker("1g", &properties));
    eventually("Java's broker answers", topics::SOON, || Connection::to(broker.port));
    process
}

fn all_lead(port: u16, topics: &[Topic]) {
    let mut connection = Connection::to(port).unwrap().with_patience(topics::SOON);
    for topic in topics {
        let leads = || connection.has_leader(&topic.name)?.then_some(());
        eventually("the partitions have leaders", topics::SOON, leads);
    }
}

/// A partition, what is sent to it, and what is different.
struct Lane {
    topic: String,
    partition: i32,
    script: Script,
    cases: Vec<Case>,
    different: Option<String>,
}

impl Lane {
    /// Sends the next part of its script to both, and compares what comes, up to the first difference.
    fn play(&mut self, phase: &str, peers: &mut [Peer; 2]) {
        let frames = self.script.frames(&self.topic, self.partition);
        peers.iter_mut().for_each(|peer| peer.send(&frames));
        let [kafka, here] = peers.each_mut().map(|peer| peer.receive(&frames));
        let now = Clock(SystemClock::System.now());
        let clocks = Clocks { kafka: now, here: now };
        let mut differences = frames.iter().enumerate().filter_map(|(at, frame)| {
            let difference = compare::difference(frame, &kafka[at], &here[at], clocks)?;
            Some(format!("{phase}, request {at}: {}\n{}", difference.kind, difference.whole))
        });
        self.different = self.different.take().or_else(|| differences.next());
        drop(differences);
        let exchanges = frames.into_iter().zip(kafka).collect();
        self.cases.push(Case { label: phase.to_owned(), exchanges });
    }
}

#[test]
fn kafka_and_barnabas_judge_producers_the_same() {
    let Some(kafka) = kafka("kafka_and_barnabas_judge_producers_the_same") else { return };
    let partitions = number("BARNABAS_TEST_PARTITIONS").map_or(SHORT, |it| it as i32);
    let seed = number("BARNABAS_TEST_SEED").unwrap_or(1);
    let chroots = [Chroot::new(), Chroot::new()];
    let theirs = Broker::prepare(1, &chroots[0].connect(), &SETTINGS);
    let mut java = start_java(kafka, &theirs);
    let mut ours = Broker::start_with(1, &chroots[1].connect(), &SETTINGS);
    let time = SystemClock::System.now();
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let all: Vec<_> = SETTINGS_OF_TOPICS
        .iter()
        .enumerate()
        .map(|(at, configs)| Topic {
            name: format!("t{at}"),
            partitions,
            configs: configs.iter().map(owned).collect(),
        })
        .collect();
    for port in [theirs.port, ours.port] {
        topics::create(port, &all);
    }
    let mut lanes: Vec<_> = all
        .iter()
        .flat_map(|topic| (0..partitions).map(move |partition| (topic.name.clone(), partition)))
        .enumerate()
        .map(|(number, (topic, partition))| {
            let script = Script::new(seed, number as u64);
            Lane { topic, partition, script, cases: Vec::new(), different: None }
        })
        .collect();
    for phase in PHASES {
        let mut peers = [theirs.port, ours.port].map(Peer::new);
        lanes.iter_mut().for_each(|lane| lane.play(phase, &mut peers));
        drop(peers);
        java.signal("TERM");
        java.wait(topics::SOON);
        ours.stop();
        if phase != PHASES[PHASES.len() - 1] {
            java = start_java(kafka, &theirs);
            ours.restart();
            [theirs.port, ours.port].into_iter().for_each(|port| all_lead(port, &all));
        }
    }
    let clocks = Clocks { kafka: Clock(time), here: Clock(time) };
    for lane in &mut lanes {
        let dir = format!("{}-{}", lane.topic, lane.partition);
        let [kafka, here] = [theirs.data(), ours.data()].map(|data| producers::files(&data.join(&dir)));
        if lane.different.is_none() {
            lane.different = producers::difference(&kafka, &here, clocks);
        }
        lane.cases.push(Case { label: FILES.to_owned(), exchanges: kafka });
    }
    let different: Vec<_> = lanes
        .iter()
        .filter_map(|lane| Some(format!("{}-{} {}", lane.topic, lane.partition, lane.different.as_ref()?)))
        .collect();
    if std::env::var_os("BARNABAS_RECORD").is_some() {
        let chunks = lanes.into_iter().map(|lane| lane.cases).collect();
        let path = root().join("tests/cluster/data/producers.zst");
        Recording { time, topics: all, chunks }.write(&path);
    }
    assert!(different.is_empty(), "{} partitions differ:\n{}", different.len(), different.join("\n\n"));
}
