//! A broker killed again and again under heavy producing: what it acknowledged is there, once, in order.
//!
//! `BARNABAS_TEST_KILLS` says how often (6 by default).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use barnabas::base::Clock;
use barnabas::client::Producer;
use barnabas::client::producer::{Delivery, NewRecord};
use barnabas::client::settings::ProducerSettings;
use barnabas::config::Properties;

use crate::support::{Broker, Chroot, Connection, eventually};

/// How many records a producer has on their way at once.
const IN_FLIGHT: usize = 2000;

/// A producer that writes numbered records to a topic of its own until it is told to stop.
struct Flood {
    topic: &'static str,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<Vec<u64>>,
}

impl Flood {
    fn start(bootstrap: String, topic: &'static str, settings: &[(&str, &str)]) -> Self {
        let mut properties = Properties::default();
        properties.set("bootstrap.servers", bootstrap);
        // No broker is away for so long that a record would be given up.
        properties.set("delivery.timeout.ms", "600000");
        for (key, value) in settings {
            properties.set(*key, *value);
        }
        let settings = ProducerSettings::read(&properties).unwrap();
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ended, counted) = (stop.clone(), count.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(write(settings, topic, &ended, &counted))
        });
        Self { topic, stop, count, thread }
    }

    fn await_more(&self, more: u64) {
        let wanted = self.count.load(Ordering::SeqCst) + more;
        eventually("more records are acknowledged", Duration::from_secs(60), || {
            (self.count.load(Ordering::SeqCst) >= wanted).then_some(())
        });
    }

    /// The numbers of the records that were acknowledged.
    fn finish(self) -> (&'static str, Vec<u64>) {
        self.stop.store(true, Ordering::SeqCst);
        (self.topic, self.thread.join().unwrap())
    }
}

/// Writes until `stop`; the numbers of the records that were acknowledged, in that order.
async fn write(settings: ProducerSettings, topic: &str, stop: &AtomicBool, count: &AtomicU64) -> Vec<u64> {
    let producer = Producer::new(settings).unwrap();
    let mut waiting: VecDeque<(u64, Delivery)> = VecDeque::new();
    let mut acknowledged = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let value = Some(number.to_string().into());
        let record = NewRecord { value, timestamp: Clock::System.now(), ..Default::default() };
        waiting.push_back((number, producer.send(topic, Some(0), &record).await.unwrap()));
        number += 1;
        if waiting.len() >= IN_FLIGHT {
            let (number, delivery) = waiting.pop_front().unwrap();
            delivery.await.unwrap().unwrap_or_else(|error| panic!("record {number}: {error}"));
            acknowledged.push(number);
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
    producer.flush().await;
    for (number, delivery) in waiting {
        delivery.await.unwrap().unwrap_or_else(|error| panic!("record {number}: {error}"));
        acknowledged.push(number);
    }
    acknowledged
}

fn numbers(port: u16, topic: &str) -> Vec<u64> {
    let found = Connection::to(port).unwrap().read_all(topic);
    found.into_iter().map(|(_, value)| value.parse().unwrap()).collect()
}

#[test]
fn killed_under_heavy_producing_nothing_acknowledged_is_missing_and_with_idempotence_none_is_twice() {
    let kills = std::env::var("BARNABAS_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let chroot = Chroot::new();
    let mut broker = Broker::start_with(1, &chroot.connect(), &[("zookeeper.session.timeout.ms", "1000")]);
    let floods = [
        Flood::start(broker.bootstrap(), "one", &[("acks", "1")]),
        Flood::start(broker.bootstrap(), "all", &[("acks", "all"), ("enable.idempotence", "true")]),
        Flood::start(
            broker.bootstrap(),
            "lz4",
            &[("enable.idempotence", "true"), ("compression.type", "lz4")],
        ),
    ];
    let begun = Instant::now();
    for _ in 0..kills {
        floods.iter().for_each(|flood| flood.await_more(5000));
        broker.kill();
        broker.restart_after_crash();
    }
    floods.iter().for_each(|flood| flood.await_more(5000));
    let finished = floods.map(Flood::finish);
    let seconds = begun.elapsed().as_secs();
    for (topic, acknowledged) in finished {
        let held = numbers(broker.port, topic);
        let mut times: HashMap<u64, usize> = HashMap::new();
        for number in &held {
            *times.entry(*number).or_default() += 1;
        }
        println!(
            "{topic}: {kills} kills in {seconds} s, {} records acknowledged, {} held",
            acknowledged.len(),
            held.len()
        );
        let missing: Vec<_> = acknowledged.iter().filter(|number| !times.contains_key(number)).collect();
        assert!(missing.is_empty(), "{topic}: acknowledged and missing: {missing:?}");
        if topic != "one" {
            let in_order = held.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(in_order, "{topic}: twice or out of order");
        }
    }
}
