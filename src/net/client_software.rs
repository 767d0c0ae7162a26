//! Which software the clients of a listener use, by their connections (KIP-511).
//!
//! A connection is one of unknown software until its ApiVersions names it. Kafka: `ClientInformation`,
//! `Selector.SelectorChannelMetadataRegistry`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::metrics::Metric;

const UNKNOWN: &str = "unknown";
/// Of how many kinds of software connections are counted; of the others they count as unknown. As in Kafka, a kind that
/// no connection uses any more gives way.
const MOST: usize = 100;

/// Counts the connections of a listener by their software.
#[derive(Debug)]
pub(super) struct SoftwareCounts {
    /// The first is that of the unknown ones.
    kinds: Mutex<Vec<SoftwareCount>>,
}

/// How many connections use a software.
#[derive(Debug)]
struct SoftwareCount {
    name: Box<str>,
    version: Box<str>,
    connections: usize,
}

impl SoftwareCount {
    fn new(name: &str, version: &str) -> Self {
        Self { name: name.into(), version: version.into(), connections: 0 }
    }
}

/// The software at the other end of a connection, counted as long as this exists.
#[derive(Debug)]
pub struct ClientSoftware {
    counts: Arc<SoftwareCounts>,
    /// Where it stands among the kinds; a kind keeps its number as long as it has connections.
    kind: AtomicUsize,
}

impl Default for SoftwareCounts {
    fn default() -> Self {
        Self { kinds: Mutex::new(vec![SoftwareCount::new(UNKNOWN, UNKNOWN)]) }
    }
}

impl SoftwareCounts {
    /// A connection begins, of unknown software.
    pub(super) fn open(self: &Arc<Self>) -> Arc<ClientSoftware> {
        self.kinds.lock()[0].connections += 1;
        Arc::new(ClientSoftware { counts: self.clone(), kind: AtomicUsize::new(0) })
    }

    /// The number of connections of each kind.
    pub(super) fn metrics(&self, listener: &str) -> Vec<Metric> {
        let kinds = self.kinds.lock();
        let metrics = kinds.iter().map(|kind| {
            Metric::attribute("socket-server-metrics", "connections", kind.connections as f64)
                .tagged("clientSoftwareName", &kind.name)
                .tagged("clientSoftwareVersion", &kind.version)
                .tagged("listener", listener)
                .tagged("networkProcessor", 0)
        });
        metrics.collect()
    }
}

impl ClientSoftware {
    /// The client has named its software.
    pub fn register(&self, name: &str, version: &str) {
        let mut kinds = self.counts.kinds.lock();
        let known = kinds.iter().position(|it| *it.name == *name && *it.version == *version);
        let kind = known.or_else(|| {
            let free = kinds.iter().skip(1).position(|it| it.connections == 0).map(|at| at + 1);
            let at = if kinds.len() < MOST { kinds.len() } else { free? };
            let new = SoftwareCount::new(name, version);
            if at < kinds.len() {
                kinds[at] = new
            } else {
                kinds.push(new)
            }
            Some(at)
        });
        let kind = kind.unwrap_or(0);
        kinds[kind].connections += 1;
        let before = self.kind.swap(kind, Ordering::Relaxed);
        kinds[before].connections -= 1;
    }
}

impl Drop for ClientSoftware {
    fn drop(&mut self) {
        self.counts.kinds.lock()[self.kind.load(Ordering::Relaxed)].connections -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The software of each kind, and how many connections use it.
    fn counted(counts: &SoftwareCounts) -> Vec<(String, f64)> {
        let shown = |metric: &Metric| (metric.name.tags[0].1.clone(), metric.number());
        counts.metrics("PLAINTEXT").iter().map(shown).collect()
    }

    fn of(name: &str, connections: usize) -> (String, f64) {
        (name.to_owned(), connections as f64)
    }

    #[test]
    fn a_connection_counts_for_the_software_that_it_named_last() {
        let counts = Arc::new(SoftwareCounts::default());
        let (one, other) = (counts.open(), counts.open());
        assert_eq!(counted(&counts), [of(UNKNOWN, 2)]);
        one.register("java", "2.7.2");
        one.register("java", "2.7.2");
        other.register("librdkafka", "2.9.0");
        assert_eq!(counted(&counts), [of(UNKNOWN, 0), of("java", 1), of("librdkafka", 1)]);
        other.register("java", "2.7.2");
        drop(one);
        assert_eq!(counted(&counts), [of(UNKNOWN, 0), of("java", 1), of("librdkafka", 0)]);
    }

    #[test]
    fn there_are_no_more_kinds_than_a_hundred_and_unused_ones_give_way() {
        let counts = Arc::new(SoftwareCounts::default());
        let open: Vec<_> = (0..MOST).map(|_| counts.open()).collect();
        for (at, connection) in open.iter().enumerate() {
            connection.register(&format!("client-{at}"), "1");
        }
        assert_eq!(counted(&counts).len(), MOST);
        assert_eq!(counted(&counts)[0], of(UNKNOWN, 1), "there was no room for the last one");
        open[7].register("client-0", "1");
        open[MOST - 1].register("late", "1");
        assert_eq!(counted(&counts)[8], of("late", 1));
    }
}
