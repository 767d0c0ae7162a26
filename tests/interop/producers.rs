//! Idempotent and transactional producers, right and odd, and the markers that end their transactions, sent
//! to Kafka 2.7.2 and to Barnabas: the answers, what readers of committed records see, and the files that are
//! left are the same, also after a restart and after a kill.
//!
//! `BARNABAS_TEST_SEED` and `BARNABAS_TEST_PARTITIONS` (a topic) make other and longer runs.
//! `BARNABAS_RECORD=1` writes down what Kafka answered, for `tests/cluster/producers.rs`.

mod generate;

use barnabas::base::Clock as SystemClock;
use barnabas::zk::{ConnectOptions, ZooKeeper};

use self::generate::{SETTINGS_OF_TOPICS, Script};
use crate::java::{Kafka, kafka};
use crate::support::batches::exchange::Peer;
use crate::support::batches::recording::{Case, Recording, Topic};
use crate::support::batches::stored::{Clock, Clocks};
use crate::support::batches::topics;
use crate::support::producers::{self, End, FILES, PHASES, Phase, SETTINGS};
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

/// Waits until a killed broker is no more registered: Kafka's does not start before that.
fn await_session_end(chroot: &Chroot) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let options = ConnectOptions {
        session_timeout: topics::SOON,
        connection_timeout: topics::SOON,
        make_chroot: false,
        ..ConnectOptions::default()
    };
    let zk = runtime.block_on(ZooKeeper::connect(&chroot.connect(), options)).unwrap();
    eventually("the session has ended", topics::SOON, || {
        runtime.block_on(zk.get("/brokers/ids/1")).unwrap().is_none().then_some(())
    });
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
    configs: Vec<(String, String)>,
    script: Script,
    cases: Vec<Case>,
    different: Option<String>,
}

impl Lane {
    /// Sends the next part of its script to both, and compares what comes, up to the first difference.
    fn play(&mut self, phase: &Phase, peers: &mut [Peer; 2]) {
        let frames = self.script.frames(&self.topic, self.partition);
        peers.iter_mut().for_each(|peer| peer.send(&frames));
        let [kafka, here] = peers.each_mut().map(|peer| peer.receive(&frames));
        let now = Clock(SystemClock::System.now());
        let clocks = Clocks { kafka: now, here: now };
        let is_compared = producers::is_compared(phase, &self.configs);
        let mut differences = frames.iter().enumerate().filter(|_| is_compared).filter_map(|(at, frame)| {
            let difference = producers::answer_difference(phase, frame, [&kafka[at], &here[at]], clocks)?;
            Some(format!("{}, request {at}: {}\n{}", phase.label, difference.kind, difference.whole))
        });
        self.different = self.different.take().or_else(|| differences.next());
        drop(differences);
        let exchanges = frames.into_iter().zip(kafka).collect();
        self.cases.push(Case { label: phase.label.to_owned(), exchanges });
    }

    /// Compares the files that both left.
    fn compare_files(&mut self, phase: &Phase, brokers: [&Broker; 2]) {
        let dir = format!("{}-{}", self.topic, self.partition);
        let [kafka, here] = brokers.map(|broker| producers::files(&broker.data().join(&dir)));
        let now = Clock(SystemClock::System.now());
        let clocks = Clocks { kafka: now, here: now };
        if self.different.is_none() && producers::is_compared(phase, &self.configs) {
            let difference = producers::difference(&kafka, &here, clocks);
            self.different = difference.map(|it| format!("{}: {it}", phase.label));
        }
        self.cases.push(Case { label: FILES.to_owned(), exchanges: kafka });
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
        .flat_map(|topic| (0..partitions).map(move |partition| (topic, partition)))
        .enumerate()
        .map(|(number, (topic, partition))| Lane {
            topic: topic.name.clone(),
            partition,
            configs: topic.configs.clone(),
            script: Script::new(seed, number as u64),
            cases: Vec::new(),
            different: None,
        })
        .collect();
    for (at, phase) in PHASES.iter().enumerate() {
        let mut peers = [theirs.port, ours.port].map(Peer::new);
        lanes.iter_mut().for_each(|lane| lane.play(phase, &mut peers));
        drop(peers);
        match phase.end {
            End::Stopped => {
                java.signal("TERM");
                java.wait(topics::SOON);
                ours.stop();
                lanes.iter_mut().for_each(|lane| lane.compare_files(phase, [&theirs, &ours]));
            }
            End::Killed => {
                java.kill();
                ours.kill();
                await_session_end(&chroots[0]);
            }
        }
        if at + 1 < PHASES.len() {
            java = start_java(kafka, &theirs);
            ours.restart();
            [theirs.port, ours.port].into_iter().for_each(|port| all_lead(port, &all));
        }
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
