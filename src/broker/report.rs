//! A report of the broker's state for SIGQUIT, for which a JVM prints its threads.

use std::fmt::Write;
use std::fs;

use tokio::runtime::Handle;

use super::BrokerServer;
use crate::metrics::Metric;

impl BrokerServer {
    /// The partitions it leads and follows, connections and waiting requests, its controller, its session,
    /// its tasks and threads. `control` is the control runtime of the start; the other one is the caller's.
    pub fn report(&self, control: &Handle) -> String {
        let services = &self.services;
        let metrics = services.replicas.metrics();
        let count = |name: &str| {
            value(&metrics, |metric| metric.name.name == Some(name) && metric.name.tags.is_empty())
        };
        let (all, led, offline) =
            (count("PartitionCount"), count("LeaderCount"), count("OfflineReplicaCount"));
        let controller = match services.controller.epoch() {
            Some(epoch) if services.controller.is_active() => format!("this broker, in epoch {epoch}"),
            _ => "not this broker".to_owned(),
        };
        let states = services.zk.session_states();
        let session = *states.borrow();
        let mut out = format!("Broker {} of cluster {}\n", services.broker_id, services.cluster_id);
        let mut line = |name: &str, text: String| {
            let _ = writeln!(out, "  {name}: {text}");
        };
        line("Controller", controller);
        line(
            "ZooKeeper",
            format!(
                "{}, session 0x{:x}, number {} of this process",
                if session.connected { "connected" } else { "not connected" },
                services.zk.session_id(),
                session.generation
            ),
        );
        line(
            "Partitions",
            format!("{all}, {led} led, {} followed, {offline} offline", all.saturating_sub(led + offline)),
        );
        line(
            "Led partitions",
            format!(
                "{} under-replicated, {} under min.insync.replicas, {} being reassigned",
                count("UnderReplicatedPartitions"),
                count("UnderMinIsrPartitionCount"),
                count("ReassigningPartitions")
            ),
        );
        line("Connections", self.sockets.limits().connections.count().to_string());
        line("Waiting requests", waiting(&metrics));
        line("Tasks", format!("{}; {}", tasks("data", &Handle::current()), tasks("control", control)));
        out + &threads()
    }
}

/// The threads of this process: name, state, and the processor time that each has used.
pub fn threads() -> String {
    let mut out = "Threads:\n".to_owned();
    let Ok(entries) = fs::read_dir("/proc/self/task") else { return out };
    let mut stats: Vec<_> =
        entries.flatten().filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok()).collect();
    stats.sort();
    for stat in stats {
        if let Some(thread) = thread(&stat) {
            out.push_str(&thread);
        }
    }
    out
}

/// A line of `/proc/PID/task/TID/stat` in words.
fn thread(stat: &str) -> Option<String> {
    /// The length of a tick, in milliseconds: the kernel counts in hundredths of a second.
    const TICK: u64 = 10;
    let (id, rest) = stat.split_once(" (")?;
    // A name may contain any byte.
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    let state = match *fields.first()? {
        "R" => "runs",
        "S" => "sleeps",
        "D" => "waits for a disk",
        "T" | "t" => "is stopped",
        other => other,
    };
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<u64>().ok());
    let used = (ticks(11)? + ticks(12)?) * TICK;
    Some(format!("  \"{name}\" {id} {state}, {}.{:02} s used\n", used / 1000, used % 1000 / 10))
}

fn waiting(metrics: &[Metric]) -> String {
    let delayed = metrics.iter().filter(|metric| metric.name.name == Some("NumDelayedOperations"));
    let counts = delayed.filter_map(|metric| {
        let (_, operation) = metric.name.tags.first()?;
        Some(format!("{} {operation}", metric.number()))
    });
    counts.collect::<Vec<_>>().join(", ")
}

fn tasks(name: &str, runtime: &Handle) -> String {
    let metrics = runtime.metrics();
    format!(
        "{} on {} {name} threads, {} not taken up yet",
        metrics.num_alive_tasks(),
        metrics.num_workers(),
        metrics.global_queue_depth()
    )
}

fn value(metrics: &[Metric], wanted: impl Fn(&Metric) -> bool) -> usize {
    metrics.iter().find(|metric| wanted(metric)).map_or(0, |metric| metric.number() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_described_by_its_name_state_and_time() {
        let stat = "77 (data (1)) D 1 77 77 0 -1 4194304 1 0 0 0 123 45 0 0 20 0 3 0 100";
        assert_eq!(thread(stat).unwrap(), "  \"data (1)\" 77 waits for a disk, 1.68 s used\n");
        assert!(threads().contains("runs"), "this thread does");
    }
}
