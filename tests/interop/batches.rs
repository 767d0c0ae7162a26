//! Record batches of every format and codec, right and odd, sent to Kafka 2.7.2 and to Barnabas: the answers,
//! the stored bytes and what consumers read back are the same, but for what differs on purpose.
//!
//! In the suite a short run; `scripts/compare-batches.sh --cases N --seed S` makes a long one. A case depends
//! on the seed and its number alone, and goes to a partition behind those before it; `--from NUMBER --cases
//! 1` makes it alone. `BARNABAS_RECORD=1` writes down what Kafka answered, for `tests/cluster/batches.rs`.

mod batch;
mod brokers;
mod codecs;
pub mod generate;
mod legacy;
mod maker;
mod reads;
mod records;
mod report;
mod retention;
mod segments;
mod settings;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use barnabas::base::Clock as SystemClock;

use self::brokers::Brokers;
use self::generate::{CHUNK, Case};
use self::report::Report;
use self::settings::Setting;
use crate::java::kafka;
use crate::support::batches::compare::{Difference, difference};
use crate::support::batches::deliberate;
use crate::support::batches::exchange::{Came, Peer};
use crate::support::batches::recording::{self, Recording};
use crate::support::batches::stored::{Clock, Clocks};
use crate::support::root;

/// Cases of a run within the suite.
const SHORT: u64 = 600;
/// Cases sent at a time, each to a partition of its own.
const LANES: usize = 4;

/// What is to be tried.
struct Run {
    seed: u64,
    from: u64,
    cases: u64,
}

impl Run {
    fn asked_for() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        Self {
            seed: number("BARNABAS_TEST_SEED").unwrap_or(2),
            from: number("BARNABAS_TEST_FROM").unwrap_or(0),
            cases: number("BARNABAS_TEST_CASES").unwrap_or(SHORT),
        }
    }
}

/// What is gathered by all lanes.
#[derive(Default)]
struct Found {
    report: Report,
    chunks: Vec<Vec<recording::Case>>,
}

/// A connection to each broker, and the partition at hand.
struct Lane<'a> {
    brokers: &'a Brokers,
    peers: [Peer; 2],
    setting: Setting,
    partition: (String, i32),
    end: i64,
    chunk: Vec<recording::Case>,
    /// The case before, by number and label.
    last: (u64, String),
}

impl Lane<'_> {
    /// Begins with a partition of these settings, done with the one before.
    fn begin(&mut self, setting: Setting, found: &Mutex<Found>) {
        let done = std::mem::take(&mut self.chunk);
        if !done.is_empty() {
            found.lock().unwrap().chunks.push(done);
        }
        (self.setting, self.partition, self.end) = (setting, self.brokers.partition(setting), 0);
    }

    /// Compares which segments the partition at hand has on both brokers.
    fn compare_segments(&self, found: &Mutex<Found>) {
        if self.end == 0 {
            return;
        }
        let [kafka, here] = self.brokers.directories().map(|dir| segments::of(&dir, &self.partition));
        // What a broker packs itself has another length, and segments roll by that.
        if kafka.size == here.size && kafka.names != here.names {
            let difference = Difference {
                kind: "segments".to_owned(),
                whole: format!("    Kafka {kafka:?}\n    here  {here:?}"),
            };
            let configs = format!("{:?} {:?}", self.setting, self.partition);
            let report = &mut found.lock().unwrap().report;
            report.add((self.last.0, &self.last.1), &configs, &[], &[], &difference);
        }
    }

    fn compare(&mut self, case: &Case, found: &Mutex<Found>) {
        let frames = case.frames(&self.partition.0, self.partition.1, self.end);
        self.peers.iter_mut().for_each(|peer| peer.send(&frames));
        let [kafka, here] = self.peers.each_mut().map(|peer| peer.receive(&frames));
        let now = Clock(SystemClock::System.now());
        let clocks = Clocks { kafka: now, here: now };
        let mut is_apart = false;
        let last = frames.len() - 1;
        for (at, frame) in frames.iter().enumerate() {
            let Some(difference) = difference(frame, &kafka[at], &here[at], clocks) else { continue };
            if is_apart {
                break; // What was appended differs, and so does all that follows.
            }
            is_apart = at <= 1 || at == last;
            let report = &mut found.lock().unwrap().report;
            match deliberate::reason(&frames[0], frame, &difference) {
                Some(reason) => report.add_deliberate(reason),
                None => {
                    let configs = format!("{:?}", self.setting);
                    report.add((case.number, &case.label), &configs, &frames[0], frame, &difference);
                }
            }
        }
        found.lock().unwrap().report.cases += 1;
        self.last = (case.number, case.label.clone());
        let end = end(&kafka[last]);
        let exchanges = frames.into_iter().zip(kafka).collect();
        self.chunk.push(recording::Case { label: case.label.clone(), exchanges });
        match end {
            Some(end) if !is_apart => self.end = end,
            _ => self.begin(self.setting, found),
        }
    }
}

/// Where the partition ends, by the answer to the last request of a case: ListOffsets v1 of one partition.
fn end(came: &Came) -> Option<i64> {
    let Came::Answer(answer) = came else { return None };
    let offset = answer.last_chunk::<8>().map(|bytes| i64::from_be_bytes(*bytes));
    offset.filter(|offset| *offset >= 0)
}

fn run(run: &Run, brokers: &Brokers) -> Found {
    let found = Mutex::new(Found::default());
    let next = AtomicU64::new(run.from / CHUNK);
    let numbers = run.from..run.from + run.cases;
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let setting = generate::setting(0);
                let partition = brokers.partition(setting);
                let peers = brokers.peers();
                let mut lane = Lane {
                    brokers,
                    peers,
                    setting,
                    partition,
                    end: 0,
                    chunk: Vec::new(),
                    last: Default::default(),
                };
                loop {
                    let chunk = next.fetch_add(1, Ordering::SeqCst);
                    if chunk * CHUNK >= numbers.end {
                        break;
                    }
                    lane.compare_segments(&found);
                    lane.begin(generate::setting(chunk), &found);
                    let of_chunk = chunk * CHUNK..(chunk + 1) * CHUNK;
                    for number in of_chunk.filter(|number| numbers.contains(number)) {
                        lane.compare(&Case::new(run.seed, number), &found);
                    }
                }
                lane.compare_segments(&found);
                lane.begin(setting, &found);
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn kafka_and_barnabas_store_and_answer_the_same() {
    let test = "kafka_and_barnabas_store_and_answer_the_same";
    let Some(kafka) = kafka(test) else { return };
    let asked = Run::asked_for();
    let brokers = Brokers::start(kafka);
    let started = SystemClock::System.now();
    let mut found = run(&asked, &brokers);
    let Run { seed, from, cases } = asked;
    // Half of the cases are older.
    if let Some(difference) = retention::difference(&brokers, generate::timestamp(from + cases / 2)) {
        found.report.add((from, "retention"), "of all topics", &[], &[], &difference);
    }
    let summary = format!("seed {seed}, {cases} cases from {from}: {}", found.report);
    println!("{summary}");
    if let Some(path) = std::env::var_os("BARNABAS_TEST_REPORT") {
        std::fs::write(path, &summary).unwrap();
    }
    if std::env::var_os("BARNABAS_RECORD").is_some() {
        let recording = Recording { time: started, topics: brokers.topics(), chunks: found.chunks };
        recording.write(&root().join("tests/cluster/data/batches.zst"));
    }
    assert_eq!(found.report.unexpected(), 0, "differences that are not on purpose");
}
