//! A producer that never rests, for tests of what is kept while something breaks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use barnabas::client::settings::ProducerSettings;
use barnabas::client::{Delivery, Producer, ProducerRecord};
use barnabas::config::Properties;

use super::eventually;

/// How many records a producer has on their way at once, where it is not paced.
const IN_FLIGHT: usize = 2000;

/// A producer that writes numbered records to a topic of its own until it is stopped.
pub struct Flood {
    topic: &'static str,
    stop: Arc<AtomicBool>,
    progress: Arc<Progress>,
    thread: std::thread::JoinHandle<Vec<u64>>,
}

/// The progress of a producer while it writes.
#[derive(Default)]
struct Progress {
    /// How many records were acknowledged.
    count: AtomicU64,
    /// The longest that it waited for an acknowledgement, in milliseconds.
    longest_wait: AtomicU64,
}

impl Flood {
    /// Starts a producer with these settings, as fast as it can.
    pub fn start(bootstrap: String, topic: &'static str, settings: &[(&str, &str)]) -> Self {
        Self::paced(bootstrap, topic, settings, None)
    }

    /// As [`Flood::start`], with so many records a second at most.
    pub fn paced(
        bootstrap: String,
        topic: &'static str,
        settings: &[(&str, &str)],
        per_second: Option<u32>,
    ) -> Self {
        Self::spread(bootstrap, topic, 1, settings, per_second)
    }

    /// As [`Flood::paced`], record after record to the next of so many partitions.
    pub fn spread(
        bootstrap: String,
        topic: &'static str,
        partitions: u32,
        settings: &[(&str, &str)],
        per_second: Option<u32>,
    ) -> Self {
        let mut properties = Properties::default();
        properties.set("bootstrap.servers", bootstrap);
        // No broker is away for so long that a record would be given up.
        properties.set("delivery.timeout.ms", "600000");
        for (key, value) in settings {
            properties.set(*key, *value);
        }
        let settings = ProducerSettings::read(&properties).unwrap();
        let (stop, progress) = (Arc::new(AtomicBool::new(false)), Arc::new(Progress::default()));
        let (ended, shared) = (stop.clone(), progress.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(write(settings, (topic, partitions), per_second, &ended, &shared))
        });
        Self { topic, stop, progress, thread }
    }

    /// Waits until so many more records are acknowledged.
    pub fn await_more(&self, more: u64) {
        let wanted = self.acknowledged() + more;
        eventually("more records are acknowledged", Duration::from_secs(60), || {
            (self.acknowledged() >= wanted).then_some(())
        });
    }

    /// How many records were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.progress.count.load(Ordering::SeqCst)
    }

    /// The longest that it waited for an acknowledgement since this was last asked.
    pub fn take_longest_wait(&self) -> Duration {
        Duration::from_millis(self.progress.longest_wait.swap(0, Ordering::SeqCst))
    }

    /// Stops it; its topic, and the numbers of the records that were acknowledged.
    pub fn finish(self) -> (&'static str, Vec<u64>) {
        self.stop.store(true, Ordering::SeqCst);
        (self.topic, self.thread.join().unwrap())
    }
}

/// Writes until `stop`; the numbers of the records that were acknowledged, in that order.
async fn write(
    settings: ProducerSettings,
    (topic, partitions): (&str, u32),
    per_second: Option<u32>,
    stop: &AtomicBool,
    progress: &Progress,
) -> Vec<u64> {
    let in_flight = per_second.map_or(IN_FLIGHT, |rate| rate as usize / 4);
    let mut pace = per_second.map(|rate| tokio::time::interval(Duration::from_secs(1) / rate));
    let producer = Producer::new(settings).await.unwrap();
    let mut waiting: VecDeque<(u64, Delivery)> = VecDeque::new();
    let mut acknowledged = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let record = ProducerRecord {
            partition: i32::try_from(number % u64::from(partitions)).ok(),
            ..ProducerRecord::new(topic, number.to_string())
        };
        waiting.push_back((number, producer.send(record).await.unwrap()));
        number += 1;
        if waiting.len() >= in_flight {
            let (number, delivery) = waiting.pop_front().unwrap();
            let asked = Instant::now();
            delivery.await.unwrap_or_else(|error| panic!("record {number}: {error}"));
            acknowledged.push(number);
            let waited = u64::try_from(asked.elapsed().as_millis()).unwrap();
            progress.longest_wait.fetch_max(waited, Ordering::SeqCst);
            progress.count.fetch_add(1, Ordering::SeqCst);
        }
    }
    producer.flush().await;
    for (number, delivery) in waiting {
        delivery.await.unwrap_or_else(|error| panic!("record {number}: {error}"));
        acknowledged.push(number);
    }
    acknowledged
}
