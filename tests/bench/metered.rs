//! What quotas and metrics cost: a Barnabas broker whose clients have quotas that none of them reaches and whose
//! metrics are scraped each second, beside one without either.
//!
//! Both brokers run at once, and clients produce to them and consume from them in turn, so that a machine that becomes
//! slower or faster in between does so for both.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use barnabas::zk::znode::config_entity::EntityType;

use crate::brokers::RunningBroker;
use crate::support::{free_port, quotas};
use crate::table::Kind;
use crate::workloads::{Client, Workload};
use crate::{clients, java, memory};

/// A quota that no client of the benchmark reaches: bytes a second.
const AMPLE: &str = "100000000000";

/// How often a topic is consumed in a round: once takes too little CPU time to be measured in clock ticks.
const CONSUMED: u32 = 10;

/// CPU seconds of a broker so far, by what it served.
#[derive(Clone, Copy, Default)]
struct Cost {
    produced: f64,
    consumed: f64,
}

/// Measures, and prints a table.
pub fn run(kafka: &java::Kafka, rounds: u64, megabytes: u64) {
    let listener = format!("127.0.0.1:{}", free_port());
    let plain = RunningBroker::start(kafka, Kind::Barnabas);
    let metered = RunningBroker::start_with(kafka, Kind::Barnabas, &[("METRICS_LISTENER", &listener)]);
    let ample =
        [("producer_byte_rate", AMPLE), ("consumer_byte_rate", AMPLE), ("request_percentage", "10000")];
    quotas::change(&metered.zookeeper_connect(), EntityType::Clients, "<default>", &ample);
    let (over, scrapes) = (AtomicBool::new(false), AtomicU64::new(0));
    let workload =
        Workload { client: Client::Kcat, record_size: 1024, batch_size: 16 << 10, compression: "none" };
    let (mut without, mut with) = (Cost::default(), Cost::default());
    std::thread::scope(|scope| {
        scope.spawn(|| scrape_each_second(&listener, &over, &scrapes));
        for round in 0..=rounds {
            let topic = format!("round-{round}");
            for (broker, cost) in [(&plain, &mut without), (&metered, &mut with)] {
                let took = serve(kafka, broker, &topic, &workload, megabytes);
                // The first round warms up.
                if round > 0 {
                    cost.produced += took.produced;
                    cost.consumed += took.consumed;
                }
                eprintln!("round {round}: produced {:.2} s, consumed {:.2} s", took.produced, took.consumed);
            }
        }
        over.store(true, Ordering::SeqCst);
    });
    let gigabytes = (rounds * megabytes) as f64 / 1000.0;
    let row = |name: &str, without: f64, with: f64, gigabytes: f64| {
        let (without, with) = (without / gigabytes, with / gigabytes);
        println!("| {name} | {without:.3} | {with:.3} | {:.3} |", with / without);
    };
    println!("{}: CPU in seconds per GB of records, {} scrapes\n", workload.name(), scrapes.into_inner());
    println!("| | without | with quotas and scrapes | with / without |\n|---|---|---|---|");
    row("produce", without.produced, with.produced, gigabytes);
    row("consume", without.consumed, with.consumed, gigabytes * f64::from(CONSUMED));
}

fn serve(
    kafka: &java::Kafka,
    broker: &RunningBroker,
    topic: &str,
    workload: &Workload,
    megabytes: u64,
) -> Cost {
    memory::provide(broker.directory(), megabytes * 1_000_000);
    let begun = broker.cpu_seconds();
    clients::produce(kafka, broker.port, topic, workload, megabytes);
    let produced = broker.cpu_seconds();
    (0..CONSUMED).for_each(|_| clients::consume(broker.port, topic));
    Cost { produced: produced - begun, consumed: broker.cpu_seconds() - produced }
}

fn scrape_each_second(listener: &str, over: &AtomicBool, scrapes: &AtomicU64) {
    while !over.load(Ordering::SeqCst) {
        let mut stream = TcpStream::connect(listener).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("kafka_server_brokertopicmetrics_bytesin_total"), "{answer}");
        scrapes.fetch_add(1, Ordering::SeqCst);
        // The rhythm in which Prometheus is asked to scrape here: nothing is waited for.
        std::thread::sleep(Duration::from_secs(1));
    }
}
