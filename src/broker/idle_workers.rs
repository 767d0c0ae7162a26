//! How much of the time the threads that serve requests have nothing to do (Kafka's `KafkaRequestHandlerPool`,
//! `Processor`).
//!
//! One set of threads does the work of Kafka's network threads and of its request handlers, so both are this idle.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeMetrics};

use crate::metrics::{Meter, Metric, MetricReading};

/// Measures the threads of a runtime whenever it is read.
#[doc(alias = "KafkaRequestHandlerPool")]
pub(super) struct IdleWorkers {
    runtime: RuntimeMetrics,
    began: Instant,
    last: Mutex<LastRead>,
    /// Idle time in nanoseconds, of a thread in the mean.
    idle: Meter,
}

/// What was measured last.
struct LastRead {
    at: Instant,
    busy: Duration,
}

impl IdleWorkers {
    /// Measures these threads from now on.
    pub fn of(runtime: &Handle) -> Self {
        let (at, runtime) = (Instant::now(), runtime.metrics());
        let last = Mutex::new(LastRead { at, busy: busy(&runtime) });
        Self { runtime, began: at, last, idle: Meter::default() }
    }

    /// `RequestHandlerAvgIdlePercent`, a meter of nanoseconds a nanosecond, and the gauges of network threads.
    pub fn metrics(&self) -> Vec<Metric> {
        let (now, busy) = (Instant::now(), busy(&self.runtime));
        let workers = u32::try_from(self.runtime.num_workers()).unwrap_or(1).max(1);
        let idle_since = {
            let mut last = self.last.lock();
            let before = std::mem::replace(&mut *last, LastRead { at: now, busy });
            let elapsed = now.saturating_duration_since(before.at);
            elapsed.saturating_sub(busy.saturating_sub(before.busy) / workers)
        };
        self.idle.mark(nanos(idle_since));
        let mut read = self.idle.read();
        read.rates = read.rates.map(|rate| (rate / 1e9).min(1.0));
        let elapsed = nanos(now.saturating_duration_since(self.began)).max(1);
        read.mean_rate = (read.count as f64 / elapsed as f64).min(1.0);
        let handlers = MetricReading::Meter(read);
        let of_network = |kind, name| Metric::value(kind, name, read.mean_rate).of_group("kafka.network");
        vec![
            Metric::new("KafkaRequestHandlerPool", Some("RequestHandlerAvgIdlePercent"), handlers),
            of_network("SocketServer", "NetworkProcessorAvgIdlePercent"),
            of_network("Processor", "IdlePercent").tagged("networkProcessor", 0),
        ]
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// For how long the threads of a runtime were busy, together.
fn busy(runtime: &RuntimeMetrics) -> Duration {
    (0..runtime.num_workers()).map(|worker| runtime.worker_total_busy_duration(worker)).sum()
}
