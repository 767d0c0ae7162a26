//! What a client is asked to do, and what it reports: the same for the clients in Rust.

use std::error::Error;
use std::time::{Duration, Instant};

/// Settings that all clients have alike.
pub const BATCH_SIZE: usize = 64 << 10;
/// How long a batch waits for more.
pub const LINGER: Duration = Duration::from_millis(5);
/// The bytes of records that may wait.
pub const BUFFER: usize = 32 << 20;
/// How many records are awaited, one after the other.
pub const AWAITED: usize = 2_000;

/// The task of one run, as it stands in the arguments: `WORK BOOTSTRAP TOPIC RECORDS CODEC PAYLOADS`.
pub struct Load {
    /// `produce`, `consume` or `await`.
    pub work: String,
    /// `host:port`.
    pub bootstrap: String,
    /// The topic.
    pub topic: String,
    /// How many records are sent or read.
    pub records: usize,
    /// `compression.type`.
    pub codec: String,
    /// The values that are sent, again and again.
    pub payloads: Vec<bytes::Bytes>,
}

impl Load {
    /// The task that these arguments name.
    pub fn parse(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let [work, bootstrap, topic, records, codec, payloads] = arguments else {
            return Err("WORK BOOTSTRAP TOPIC RECORDS CODEC PAYLOADS".into());
        };
        let text = std::fs::read_to_string(payloads)?;
        Ok(Self {
            work: work.clone(),
            bootstrap: bootstrap.clone(),
            topic: topic.clone(),
            records: records.parse()?,
            codec: codec.clone(),
            payloads: text.lines().map(|line| bytes::Bytes::copy_from_slice(line.as_bytes())).collect(),
        })
    }

    /// The values of so many records.
    pub fn values(&self, records: usize) -> impl Iterator<Item = &bytes::Bytes> {
        self.payloads.iter().cycle().take(records)
    }
}

/// Measures from its making on.
pub struct Meter {
    cpu: f64,
    begun: Instant,
}

impl Meter {
    /// Begins to measure.
    pub fn start() -> Self {
        Self { cpu: cpu_seconds(), begun: Instant::now() }
    }

    /// Prints CPU time and elapsed time since its making, in seconds.
    pub fn report(&self) {
        println!("cpu {}", cpu_seconds() - self.cpu);
        println!("elapsed {}", self.begun.elapsed().as_secs_f64());
    }
}

/// Prints the median and the 99th percentile in microseconds.
pub fn report_latencies(mut latencies: Vec<Duration>) {
    latencies.sort();
    println!("p50 {}", latencies[latencies.len() / 2].as_micros());
    println!("p99 {}", latencies[latencies.len() * 99 / 100].as_micros());
}

/// User and system time of this process so far, in seconds: the 14th and the 15th field of its `stat`, in clock ticks.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks as f64 / 100.0
}
